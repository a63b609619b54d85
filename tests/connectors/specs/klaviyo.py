"""Klaviyo: its OpenAPI document, and the filters that the document tells only in words."""

import re
from collections.abc import Iterator

from tests.connectors.specs import openapi
from tests.connectors.specs.request import SpecRequest

_ALLOWED = re.compile(r"`([^`]+)`: ((?:`[a-z-]+`(?:, )?)+)")
_CONDITION = re.compile(r"([a-z-]+)\(([^,()]+),((?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|[^,()'\"]+))\)")


def problems(name: str, request: SpecRequest) -> list[str]:
    """What the document finds wrong with ``request``, its filter included. Raises NotCovered: it has no such path."""
    return openapi.problems(name, request) + list(_filters(name, request))


def _filters(name: str, request: SpecRequest) -> Iterator[str]:
    for parameter in openapi.opened(name).parameters(request):
        allowed = {
            field: re.findall(r"`([^`]+)`", said) for field, said in _ALLOWED.findall(parameter.get("description", ""))
        }
        if parameter["name"] == "filter" and allowed:
            for text in request.texts.get("filter", []):
                yield from _filter(text, allowed)


def _filter(text: str, allowed: dict[str, list[str]]) -> Iterator[str]:
    inner = text[4:-1] if text.startswith("and(") and text.endswith(")") else text
    if re.sub(r"\s*,\s*", "", _CONDITION.sub("", inner)).strip():
        yield f"query.filter: {text!r} cannot be read"
    for operator, field, _ in _CONDITION.findall(inner):
        if operator not in allowed.get(field, []):
            known = (
                f"{field} has {', '.join(allowed[field])}" if field in allowed else f"there are {', '.join(allowed)}"
            )
            yield f"query.filter: {operator}({field},...) is not allowed here; {known}"
