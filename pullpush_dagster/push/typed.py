"""Stored values, which are text, as the canonical values a request is filled with."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pullpush_dagster.canonical.types import Scalar, Type

_MADE: dict[str, Callable[[str], Any]] = {"decimal": Decimal, "integer": int}


def typed_value(type_: Type, stored: Any, instant: str = "%Y-%m-%dT%H:%M:%SZ", zone: str = "UTC") -> Any:
    """Decimal, int or text; an instant in the form ``instant`` on the clock of ``zone``. Lists and objects stay.

    Args:
        instant: a strftime form, or ``epoch`` or ``epoch_ms``, which are whole numbers.
    """
    if not isinstance(stored, str) or not isinstance(type_, Scalar):
        return stored
    if type_.kind == "instant":
        return _told(dt.datetime.fromisoformat(stored).astimezone(ZoneInfo(zone)), instant)
    make = _MADE.get(type_.kind)
    return stored if make is None else make(stored)


def _told(when: dt.datetime, form: str) -> Any:
    if form == "epoch":
        return int(when.timestamp())
    return int(when.timestamp() * 1000) if form == "epoch_ms" else f"{when:{form}}"
