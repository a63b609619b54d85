"""Search domains: Odoo's polish notation compiled to one Python predicate per query."""

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pullpush_dagster.sandbox.odoo.fields import stamp_text

if TYPE_CHECKING:
    from pullpush_dagster.sandbox.odoo.orm import Model, Record

Test = Callable[["Record"], bool]
Check = Callable[[Any], bool]
ORDERED: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
PATTERNS = ("like", "ilike", "not like", "not ilike", "=like", "=ilike")


def matcher(model: "Model", domain: Sequence[Any], context: Mapping[str, Any]) -> Test:
    """The predicate of a domain over the model's rows; an empty domain holds for all.

    Terms without an operator before them are joined by "and".

    Raises:
        ValueError: an unknown field or operator, or a malformed term; Odoo answers it with a 500.
    """
    stack: list[Test] = []
    try:
        for part in reversed(domain):
            if part in ("&", "|"):
                stack.append(_joined(part, stack.pop(), stack.pop()))
            elif part == "!":
                stack.append(_negated(stack.pop()))
            else:
                stack.append(_term(model, part, context))
    except IndexError:
        raise ValueError(f"Invalid domain {domain!r}") from None
    while len(stack) > 1:
        stack.append(_joined("&", stack.pop(), stack.pop()))
    return stack[0] if stack else lambda _row: True


def mentions(domain: Sequence[Any], name: str) -> bool:
    """Whether a term of the domain asks for this field itself."""
    return any(not isinstance(part, str) and part and part[0] == name for part in domain)


def _joined(word: str, first: Test, second: Test) -> Test:
    if word == "&":
        return lambda row: first(row) and second(row)
    return lambda row: first(row) or second(row)


def _negated(test: Test) -> Test:
    return lambda row: not test(row)


def _term(model: "Model", term: Any, context: Mapping[str, Any]) -> Test:
    if not isinstance(term, list | tuple) or len(term) != 3:
        raise ValueError(f"Invalid domain term {term!r}")
    path, name, value = term
    if path in (0, 1) and not isinstance(path, bool):
        return lambda _row: path == value
    kind, get = model.path(path, context, names=name in PATTERNS or isinstance(value, str))
    check = _check(kind, name, value)
    return lambda row: check(get(row))


def _check(kind: str, name: str, value: Any) -> Check:
    """What the value of a field of this kind must pass."""
    if name in ("=", "!="):
        return _inverted(_among(kind, [value]), name == "!=")
    if name in ("in", "not in"):
        if not isinstance(value, list | tuple):
            raise ValueError(f"The operator {name!r} takes a list, not {value!r}")
        return _inverted(_among(kind, value), name == "not in")
    if name in ORDERED:
        return _compared(ORDERED[name], _normal(kind, value))
    if name in PATTERNS:
        return _inverted(_like(name.removeprefix("not "), str(value)), name.startswith("not "))
    raise ValueError(f"Invalid operator {name!r} in a domain term")


def _among(kind: str, values: Sequence[Any]) -> Check:
    """Membership; False among the values means empty, and an empty number is 0."""
    wanted = frozenset(_normal(kind, value) for value in values)
    if kind == "list":
        return lambda got: not wanted.isdisjoint(got)
    return lambda got: got in wanted


def _compared(compare: Callable[[Any, Any], bool], wanted: Any) -> Check:
    """An ordering test; an empty value passes none.

    Stamps compare as they are shown, at one second: a row of second S passes ``>= S`` and not ``> S``, so a cursor
    that asks with ``>`` loses what is written later in its last second (seen on Odoo 19.0).
    """
    return lambda got: got is not None and wanted is not None and compare(got, wanted)


def _inverted(check: Check, invert: bool) -> Check:
    return (lambda got: not check(got)) if invert else check


def _like(name: str, value: str) -> Check:
    parts = re.split(r"([%_])", value)
    body = "".join({"%": ".*", "_": "."}.get(part, re.escape(part)) for part in parts)
    flags = re.DOTALL | (re.IGNORECASE if "ilike" in name else 0)
    found = re.compile(body if name.startswith("=") else f".*{body}.*", flags).fullmatch
    return lambda got: got is not None and found(str(got)) is not None


def _normal(kind: str, value: Any) -> Any:
    if kind == "boolean":
        return bool(value)
    if value is None or value is False:
        return 0 if kind in ("float", "integer") else None
    return stamp_text(value) if kind == "datetime" else value
