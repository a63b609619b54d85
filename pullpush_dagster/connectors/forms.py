"""The forms a placeholder may ask for: ``{price:text}``, ``{sku:quoted}``."""

import hashlib
import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from pullpush_dagster.errors import RejectError


class _Absent:
    """What a placeholder without a value becomes: the part that holds it is left out."""


ABSENT = _Absent()


class OneWord(str):
    """A name of one word, of an item that may have had more of it; ``nothing`` empties what stood before that word."""

    nothing: Any = ABSENT


def text(value: Any) -> str:
    """``value`` as JSON text would have it; a number without needless zeros."""
    if isinstance(value, bool):
        return str(value).lower()
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def integer(value: Any, name: str) -> int:
    """``value`` as a whole number. Raises RejectError: it is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise RejectError(f"{name} is not a number, which this platform needs") from None
    if not number.is_finite() or number != number.to_integral_value():
        raise RejectError(f"{name} {format(number.normalize(), 'f')} is not a whole number, which this platform needs")
    return int(number)


def number(value: Decimal, name: str) -> int | float:
    """``value`` as JSON has it. Raises RejectError: it has more digits than a JSON number keeps."""
    if value == value.to_integral_value():
        return int(value)
    found = float(value)
    if Decimal(repr(found)) != value:
        raise RejectError(f"{name} {value} has more digits than a JSON number keeps, and this platform takes no text")
    return found


def _quoted(value: Any, _: str) -> str:
    return text(value).replace("'", "''")


def _escaped(value: Any, _: str) -> str:
    return text(value).replace("\\", "\\\\").replace("'", "\\'")


def _json(value: Any, _: str) -> str:
    return json.dumps(text(value), ensure_ascii=False)[1:-1]


def _boolean(value: Any, name: str) -> bool:
    said = text(value).lower()
    if said not in ("true", "false"):
        raise RejectError(f"{name} is not true or false, which this platform needs")
    return said == "true"


def _first(value: Any, _: str) -> Any:
    return " ".join(text(value).split()[:-1]) or (value.nothing if isinstance(value, OneWord) else ABSENT)


def _last(value: Any, _: str) -> Any:
    words = text(value).split()
    return words[-1] if words else ABSENT


def _md5(value: Any, _: str) -> str:
    return hashlib.md5(text(value).lower().encode(), usedforsecurity=False).hexdigest()


def _date(value: Any, _: str) -> str:
    return text(value)[:10]


FORMS: dict[str, Callable[[Any, str], Any]] = {
    "text": lambda value, _: text(value),
    "integer": integer,
    "quoted": _quoted,  # for SQL and OData: a quote in it is doubled
    "escaped": _escaped,  # for SOQL and search languages: a quote or backslash in it has a backslash before it
    "json": _json,  # inside double quotes: as JSON writes a text
    "boolean": _boolean,
    "first": _first,  # of a name: all but its last word; nothing of a single one, or what empties it
    "last": _last,
    "md5": _md5,  # of the text in lower case
    "date": _date,  # of a time that begins with its date
}
