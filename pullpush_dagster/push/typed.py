"""Stored values, which are text, as the canonical values a request is filled with."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pullpush_dagster.canonical.types import Scalar, Type

_MADE: dict[str, Callable[[str], Any]] = {"decimal": Decimal, "integer": int}


def typed_value(type_: Type, stored: Any, instant: str = "%Y-%m-%dT%H:%M:%SZ") -> Any:
    """Decimal, int or text; an instant as text in the strftime form ``instant``, UTC. Lists and objects stay."""
    if not isinstance(stored, str) or not isinstance(type_, Scalar):
        return stored
    if type_.kind == "instant":
        return f"{dt.datetime.fromisoformat(stored).astimezone(dt.UTC):{instant}}"
    make = _MADE.get(type_.kind)
    return stored if make is None else make(stored)
