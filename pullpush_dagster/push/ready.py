"""Requests that the store itself can write: most are a few values of a bound item, and then no record needs Python."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.types import Scalar
from pullpush_dagster.changes.ready import Part, ReadyForm, Written
from pullpush_dagster.connectors.forms import ABSENT
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.template import fill, fill_path, holes, pieces, whole_hole
from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.push.payload import carried
from pullpush_dagster.store.sql import literal

_WHOLE = r"'-?(0|[1-9]\d{0,17})(\.0*)?'"
_DECIMAL = r"'-?(0|[1-9]\d*)(\.\d*)?'"
# A JSON number keeps 15 digits for sure; whole ones may have any number.
_KEPT = r"'-?((0|[1-9]\d*)(\.0*)?|(0|[1-9]\d{0,10})\.\d{1,4})'"


def ready_forms(
    entity: Entity, facts: PushFacts, settings: Mapping[str, Any], fixed: Mapping[str, str]
) -> Written | None:
    """How the store writes updates of ``entity``; None: what they need can only be worked out record by record.

    What it writes is what ``payload`` would make of the same claim. A value that it cannot write makes its record
    one for ``payload``, which then says why.

    Args:
        fixed: key fields that are always the same at the destination.
    """
    if facts.read or facts.actions or facts.lines or facts.agree or facts.scale:
        return None
    forms = [_form(entity, facts, form, settings) for form in facts.update]
    fields = [part.field for form in forms if form for part in form.parts if part.field]
    return Written(tuple(forms), dict(fixed)) if fields else None


def _form(entity: Entity, facts: PushFacts, form: Write, settings: Mapping[str, Any]) -> ReadyForm | None:
    """None: it has a part that is more than one value."""
    parts, path = [*_parts(entity, facts, form, settings)], [*_path(entity, form, settings)]
    special = form.shared or any("*" in allowed for allowed in form.when.values())
    plain = not form.defaults and not special and None not in parts and None not in path
    when = {name.removeprefix("binding."): tuple(allowed) for name, allowed in form.when.items()}
    return ReadyForm([one for one in parts if one], when, [one for one in path if one]) if plain else None


def _path(entity: Entity, form: Write, settings: Mapping[str, Any]) -> Iterator[str | Part | None]:
    """What the path is made of, in order; nothing: it is the same for every record. None: more than a plain value."""
    for piece in () if form.path_is_fixed else pieces(form.path):
        if isinstance(piece, str):
            yield piece
            continue
        name, as_ = piece
        of, _, at = name.rpartition(".")
        if of == "settings" and settings.get(name) is not None:
            yield fill_path(f"/{{{name}}}", settings).removeprefix("/")
        elif as_ in (None, "text", "quoted") and (of == "binding" or name in entity.key):
            yield Part("", binding=at) if of else Part("", key=name)
        else:
            yield None


def _parts(entity: Entity, facts: PushFacts, form: Write, settings: Mapping[str, Any]) -> Iterator[Part | None]:
    sendable = carried(facts, entity, form)
    for native, template in form.record.items():
        name = orjson.dumps(native).decode()
        hole = whole_hole(template)
        if all(one.startswith("settings.") for one in holes(template)):
            value = fill(template, settings)
            if value is not ABSENT:
                yield Part(name, constant=orjson.dumps(value).decode())
        elif hole is None or hole[1] not in (None, "text", "integer"):
            yield None
        elif hole[0] in sendable:
            yield _field(entity, facts, name, *hole)
        elif hole[0] in entity.key:
            yield Part(name, key=hole[0], value=_of_text(hole[1]))
        elif hole[0].startswith("binding."):
            yield Part(name, binding=hole[0].removeprefix("binding."), value=_of_text(hole[1]))
        else:
            yield None


def _field(entity: Entity, facts: PushFacts, name: str, field: str, form: str | None) -> Part | None:
    type_, table = entity.fields[field], facts.values.get(field)
    if table is not None:
        value = None if form == "integer" else _translating(table)
    else:
        value = _writing(type_.kind, form) if isinstance(type_, Scalar) else None
    cleared = _json(facts.cleared[field]) if field in facts.cleared else None
    known = tuple(table) if table is not None else None
    return None if value is None else Part(name, field=field, value=value, known=known, cleared=cleared)


def _translating(table: Mapping[str, str]) -> Callable[[str], str]:
    cases = " ".join(f"WHEN {literal(ours)} THEN {literal(_json(theirs))}" for ours, theirs in table.items())
    return lambda x: f"CASE {x} {cases} END"


def _writing(kind: str, form: str | None) -> Callable[[str], str] | None:
    """From the SQL of a canonical text to that of its JSON in a placeholder's ``form``; None: there is none."""
    if kind == "text":
        return _of_text(form)
    if kind not in ("integer", "decimal"):
        return None
    pattern = _WHOLE if form == "integer" or kind == "integer" else _DECIMAL if form == "text" else _KEPT

    def number(x: str) -> str:
        # Its zeros after the point are not needed; those of -0 would leave a sign.
        short = f"CASE WHEN contains({x}, '.') THEN rtrim(rtrim({x}, '0'), '.') ELSE {x} END"
        found = f"CASE WHEN regexp_full_match({x}, {pattern}) THEN nullif({short}, '-0') END"
        return f"'\"' || {found} || '\"'" if form == "text" else found

    return number


def _of_text(form: str | None) -> Callable[[str], str]:
    return _whole_number if form == "integer" else lambda x: f"CAST(to_json({x}) AS VARCHAR)"


def _whole_number(x: str) -> str:
    return f"CASE WHEN regexp_full_match({x}, '\\d{{1,18}}') THEN CAST(CAST({x} AS BIGINT) AS VARCHAR) END"


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
