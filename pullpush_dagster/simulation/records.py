"""A record of a ledger, and how its stamp is written."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_DAY = 86_400.0


@dataclass(frozen=True)
class Record:
    """One record. ``values``: field -> value, None for emptied; a field that is not in it is not told."""

    id: str
    key: Mapping[str, str]
    values: Mapping[str, Any]
    stamp: dt.datetime

    def native(self, form: str) -> dict[str, Any]:
        """As the platform shows it, its stamp in this form."""
        return {"id": self.id, **self.key, **self.values, "modified": f"{self.stamp:{form}}"}


def stamp_form(grain: float) -> str:
    """How stamps are written that are so many seconds apart."""
    return "%Y-%m-%d" if grain >= _DAY else "%Y-%m-%dT%H:%M:%S"
