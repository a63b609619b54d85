"""A platform's good answer."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from pullpush_dagster.errors import UnavailableError

# Statuses under which there may be no body: done, accepted, nothing to say.
_EMPTY = (201, 202, 204, 205)


@dataclass(frozen=True)
class Answer:
    """A good answer.

    ``asked_at`` is our clock just before asking; ``server_time`` is theirs, if they said; ``connection``: whose it is.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    asked_at: dt.datetime
    server_time: dt.datetime | None
    connection: str | None = None

    @cached_property
    def body(self) -> Any:
        """The parsed JSON body; None where the status lets there be none.

        Raises:
            UnavailableError: it is not JSON, as when it was cut short, or it is empty under a status that has one.
        """
        if not self.content and self.status in _EMPTY:
            return None
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            start = self.content[:1].decode("latin-1")
            kind = "HTML" if start == "<" else "nothing" if not self.content else "no JSON, or only a part of it"
            said = f"the platform answered {self.status} with {kind}"
            raise UnavailableError(said, connection=self.connection) from None
