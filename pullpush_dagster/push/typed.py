"""Stored values, which are text, as the canonical values a request is filled with."""

import datetime as dt
from decimal import Decimal
from typing import Any

from pullpush_dagster.canonical.types import Scalar, Type


def typed_value(type_: Type, stored: Any, instant: str = "%Y-%m-%dT%H:%M:%SZ") -> Any:
    """Decimal, int or text; an instant as text in the strftime form ``instant``, UTC. Lists and objects stay."""
    if not isinstance(type_, Scalar) or not isinstance(stored, str):
        return stored
    match type_.kind:
        case "decimal":
            return Decimal(stored)
        case "integer":
            return int(stored)
        case "instant":
            return f"{dt.datetime.fromisoformat(stored).astimezone(dt.UTC):{instant}}"
        case _:
            return stored
