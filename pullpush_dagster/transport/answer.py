"""A platform's good answer."""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from pullpush_dagster.errors import UnavailableError

# Statuses under which there may be no body: done, accepted, nothing to say.
_EMPTY = (201, 202, 204, 205)
# An escaped backslash, a character in two escapes, or one half of such.
_ESCAPED = re.compile(
    rb"(\\\\|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2})|\\u[dD][89a-fA-F][\da-fA-F]{2}"
)


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

    @property
    def body(self) -> Any:
        """The parsed JSON body; None where the status lets there be none.

        Raises:
            UnavailableError: it is not JSON, as when it was cut short, or it is empty under a status that has one.
        """
        return self._read[1]

    @property
    def text(self) -> bytes:
        """``body`` as it came, but for halves of characters (``read_json``). Raises UnavailableError: as ``body``."""
        return self._read[0]

    @cached_property
    def _read(self) -> tuple[bytes, Any]:
        if not self.content and self.status in _EMPTY:
            return b"", None
        try:
            return read_json(self.content)
        except orjson.JSONDecodeError:
            start = self.content[:1].decode("latin-1")
            kind = "HTML" if start == "<" else "nothing" if not self.content else "no JSON, or only a part of it"
            said = f"the platform answered {self.status} with {kind}"
            raise UnavailableError(said, connection=self.connection) from None


def read_json(content: bytes) -> tuple[bytes, Any]:
    """``content`` in as many bytes, with U+FFFD for each half of a character, and what it says.

    JSON's grammar allows such halves, and platforms write them that cut a text at so many UTF-16 units, in an emoji;
    neither orjson nor DuckDB reads them. Raises orjson.JSONDecodeError: it is no JSON.
    """
    try:
        return content, orjson.loads(content)
    except orjson.JSONDecodeError:
        mended = _ESCAPED.sub(lambda found: found[1] or rb"\ufffd", content)
        if mended == content:
            raise
        return mended, orjson.loads(mended)
