"""Placeholders: ``{name}`` in a connector's requests, filled from a flat table of values."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import quote

from pullpush_dagster.canonical.native import chosen, steps_of
from pullpush_dagster.connectors.forms import ABSENT, FORMS, integer, number
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import ConfigError, RejectError

_NAME = r"\{([A-Za-z_][\w.@]*)"
_HOLE = re.compile(rf"{_NAME}(?::({'|'.join(FORMS)}))?[!?]?\}}")
_WHOLE = re.compile(rf"^{_NAME}(?::({'|'.join(FORMS)}))?[!?]?\}}$")
_ELSEWHERE = re.compile(r"[?#\\]|/\.\.?(?:/|\Z)")
_MEANT = re.compile(r"\{[^\s{}\"']+\}")


@dataclass(frozen=True)
class AsIs:
    """A value that is put in as it is, whatever form its placeholder asks for, such as one that empties a field."""

    value: Any


def fill(template: Any, values: Mapping[str, Any]) -> Any:
    """``template`` with every placeholder replaced; ``ABSENT`` when it holds one that has no value.

    A text that is one whole placeholder keeps the value's type; a list in the form ``text`` is its items with
    commas between. Objects leave out absent entries, lists leave out absent lists and objects; a list with an
    absent scalar is itself absent (so that a whole filter term goes, not a third of it), unless that is ``{name?}``.
    An object is absent as a whole where a part that is marked ``{name!}`` is.

    Raises:
        RejectError: a value cannot take the asked form, such as 2.5 as an integer.
    """
    return compiled(template)(values)


Filler = Callable[[Mapping[str, Any]], Any]


def compiled(template: Any, *, sparse: bool = False) -> Filler:
    """What fills ``template``, taken apart once for the many records it is filled for.

    Args:
        sparse: whether an object or list inside it is left out where none of its placeholders has a value.
    """
    if isinstance(template, str):
        return _compiled_text(template)
    if isinstance(template, Mapping):
        parts = [(name, _inside(part, sparse), _marked(part, "!")) for name, part in template.items()]
        return _compiled_object(parts)
    if isinstance(template, list):
        # An object in a list is one whole term of it, such as a condition: without its value it says something else.
        inside = [(part, sparse or isinstance(part, Mapping)) for part in template]
        whole = [isinstance(part, str) and not _marked(part, "?") for part in template]
        return _compiled_list([(_inside(*one), needed) for one, needed in zip(inside, whole, strict=True)])
    return lambda _: template


def _marked(template: Any, mark: str) -> bool:
    return isinstance(template, str) and f"{mark}}}" in template


def _inside(template: Any, sparse: bool) -> Filler:
    """A part of a template; where ``sparse``, it is absent unless one of its placeholders has a value."""
    filler, names = compiled(template, sparse=sparse), set(holes(template))
    if not sparse or not names or isinstance(template, str):
        return filler

    def filled(values: Mapping[str, Any]) -> Any:
        made = filler(values) if any(values.get(name) is not None for name in names) else ABSENT
        # What holds nothing but what was left out is left out itself.
        return ABSENT if made in ({}, []) else made

    return filled


def _compiled_object(parts: list[tuple[str, Filler, bool]]) -> Filler:
    def filled(values: Mapping[str, Any]) -> Any:
        made = {}
        for name, part, needed in parts:
            value = part(values)
            if value is not ABSENT:
                made[name] = value
            elif needed:
                return ABSENT
        return made

    return filled


def _compiled_list(parts: list[tuple[Filler, bool]]) -> Filler:
    def filled(values: Mapping[str, Any]) -> Any:
        made = []
        for part, needed in parts:
            value = part(values)
            if value is not ABSENT:
                made.append(value)
            elif needed:
                return ABSENT
        return made

    return filled


def _compiled_text(template: str) -> Filler:
    whole = _WHOLE.match(template)
    if whole is None:
        return (lambda values: _fill_text(template, values)) if "{" in template else lambda _: template
    name, form = whole[1], whole[2]

    def filled(values: Mapping[str, Any]) -> Any:
        value = values.get(name)
        if value is None:
            return ABSENT
        return value if form is None and type(value) is str else _formed(value, form, name)

    return filled


def holes(template: Any) -> Iterator[str]:
    """The names of all placeholders in ``template``, in reading order."""
    if isinstance(template, str):
        yield from (match[1] for match in _HOLE.finditer(template))
    elif isinstance(template, Mapping):
        for part in template.values():
            yield from holes(part)
    elif isinstance(template, list):
        for part in template:
            yield from holes(part)


def pieces(template: str) -> Iterator[str | tuple[str, str | None]]:
    """``template`` in reading order: its texts, and name and form of each placeholder. No text is empty."""
    begin = 0
    for match in _HOLE.finditer(template):
        if match.start() > begin:
            yield template[begin : match.start()]
        yield match[1], match[2]
        begin = match.end()
    if begin < len(template):
        yield template[begin:]


def whole_hole(template: Any) -> tuple[str, str | None] | None:
    """Name and form of the one placeholder that is all of ``template``; None: it is more, or less."""
    whole = _WHOLE.match(template) if isinstance(template, str) else None
    return (whole[1], whole[2]) if whole else None


def misspelt(template: Any) -> Iterator[str]:
    """What looks like a placeholder in ``template`` and is none, such as ``{price:txt}``; it would go out as it is."""
    if isinstance(template, str):
        yield from (match[0] for match in _MEANT.finditer(template) if not _HOLE.fullmatch(match[0]))
    elif isinstance(template, Mapping | list):
        for part in template.values() if isinstance(template, Mapping) else template:
            yield from misspelt(part)


def template_problems(template: Any, names: set[str]) -> list[str]:
    """What is wrong with the placeholders of ``template``, of which only ``names`` have values. Empty: nothing is."""
    known = f"is not known here; known: {', '.join(sorted(names))}"
    found = [f"{{{hole}}} {known}" for hole in holes(template) if hole not in names]
    return found + [
        f"{text} is no placeholder; write {{name}} or {{name:FORM}}, FORM being one of {', '.join(FORMS)}"
        for text in misspelt(template)
    ]


def request_problems(request: Request, names: set[str]) -> list[str]:
    """What is wrong with the placeholders of ``request``, its texts included. Empty: nothing is."""
    parts = [text.of for text in request.texts.values()]
    return template_problems(request.templates, names | set(request.texts)) + template_problems(parts, names)


def fill_texts(request: Request, values: Mapping[str, Any]) -> dict[str, Any]:
    """``values``, and the texts of ``request`` that have any part."""
    made: dict[str, Any] = {**values}
    for name, text in request.texts.items():
        parts = [str(part) for one in text.of if (part := _fill_text(one, values)) is not ABSENT]
        if parts:
            made[name] = text.before + text.join.join(parts)
    return made


def fill_path(template: str, values: Mapping[str, Any]) -> str:
    """``template`` as a URL path. A value stays one segment of it, whatever characters it has.

    Raises:
        ConfigError: a placeholder has no value.
        RejectError: the path would lead elsewhere than the template says.
    """
    path = template
    if "{" in template:
        if any(values.get(name) is None for name in holes(template)):
            fill_text(template, values, what="the path")
        path = _HOLE.sub(lambda hole: quote(_formed_text(values, hole), safe=""), template)
    if path and not path.startswith("/"):
        raise RejectError("a path must begin with /: a request goes to its connection's own origin")
    if _ELSEWHERE.search(path):
        raise RejectError("an id or key cannot be part of a path")
    return path


def fill_text(template: str, values: Mapping[str, Any], *, what: str) -> str:
    """``template`` as text, every placeholder filled.

    Raises:
        ConfigError: a placeholder has no value; ``what`` says whose template it is.
    """
    filled = _fill_text(template, values)
    if filled is ABSENT:
        missing = [name for name in holes(template) if values.get(name) is None]
        raise ConfigError(f"{what} needs {', '.join(missing)}")
    return str(filled)


def _fill_text(template: str, values: Mapping[str, Any]) -> Any:
    whole = _WHOLE.match(template)
    if whole:
        value = values.get(whole[1])
        return ABSENT if value is None else _formed(value, whole[2], whole[1])
    if any(values.get(name) is None for name in holes(template)):
        return ABSENT
    return _HOLE.sub(lambda hole: _formed_text(values, hole), template)


def _formed_text(values: Mapping[str, Any], hole: re.Match[str]) -> str:
    made = _formed(values[hole[1]], hole[2] or "text", hole[1])
    # Inside a text, what empties a field can only be no text.
    return "" if made is None else str(made)


def _formed(value: Any, form: str | None, name: str) -> Any:
    # The usual kinds first: this runs for every value of every record.
    if isinstance(value, str) and (form is None or form == "text"):
        return value
    if isinstance(value, AsIs):
        return value.value
    if isinstance(value, list) and form:
        parts = [_formed(one, form, name) for one in value]
        return ",".join(parts) if form == "text" else parts
    if form is None:
        return number(value, name) if isinstance(value, Decimal) else value
    return integer(value, name) if form == "integer" else FORMS[form](value, name)


def at(body: Any, path: str) -> Any:
    """What lies at ``path`` in parsed JSON: ``body.data.0``, ``item.fields[name=colour].value``; None: nothing does.

    The first step (``body``, ``item``, ...) only names the thing and is skipped.
    """
    for step in steps_of(path):
        # A check against Mapping alone is three times slower, and this runs for every record.
        if isinstance(body, (dict, Mapping)):
            body = body.get(step)
        elif not isinstance(body, list):
            return None
        elif step.isdigit():
            body = body[int(step)] if int(step) < len(body) else None
        else:
            name, value = chosen(step) or ("", "")
            body = next((one for one in body if isinstance(one, Mapping) and str(one.get(name)) == value), None)
    return body
