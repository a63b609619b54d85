"""What part of a source's records one pull asks for."""

import datetime as dt
from dataclasses import dataclass
from typing import Literal

Kind = Literal["full", "sync", "window"]


@dataclass(frozen=True)
class Window:
    """A stretch of modified stamps, or one scope of a full pull.

    Attributes:
        kind: ``full`` asks for everything in the scope; ``sync`` goes on from the watermarks and moves
            them; ``window`` re-reads [start, end) and moves nothing.
        scope: the scope's name, such as a location; empty when the pull has none.
        start, end: UTC instants, only for ``window``; a start of None: since ever.
    """

    kind: Kind
    scope: str = ""
    start: dt.datetime | None = None
    end: dt.datetime | None = None
