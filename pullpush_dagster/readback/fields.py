"""Whether a field drifted: what was accepted, which is JSON of texts, against the canonical value read back, in SQL."""

from collections.abc import Callable, Iterator, Mapping

from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.field_map import CanonicalMap, FieldMap
from pullpush_dagster.canonical.types import ListOf, Scalar, Struct, Type, encoded_sql
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.store.sql import literal, quoted

_Form = Callable[[str], str]


def readable_fields(entity: Entity, fields: CanonicalMap, facts: PushFacts) -> list[str]:
    """The fields that say the same when they are read back: not those that are items of their own there."""
    apart = {one.of.partition(".")[0] for one in facts.references.values()}
    apart |= {facts.lines.field} if facts.lines else set()
    return [name for name in entity.compared if name in fields and name not in apart and fields[name].value is None]


def typed_sql(entity: Entity, names: list[str]) -> str:
    """Columns ``_json_NAME`` and ``_accepted_NAME``: what was accepted, as it is kept and as it is compared."""
    return "".join(
        f", {_json(name)} AS {quoted(f'_json_{name}')}"
        f", CASE WHEN {_json(name)} <> 'false' THEN TRY_CAST({_read(name, entity.fields[name])}"
        f" AS {entity.fields[name].sql}) END AS {quoted(f'_accepted_{name}')}"
        for name in names
    )


def _read(name: str, type_: Type) -> str:
    return f"json_extract_string(own.fields, {literal(f'$.{name}')})" if isinstance(type_, Scalar) else _json(name)


def _json(name: str) -> str:
    return f"json_extract(own.fields, {literal(f'$.{name}')})"


def drifted_sql(
    entity: Entity, names: list[str], fields: CanonicalMap, facts: PushFacts, by_pull: Mapping[str, PushFacts]
) -> str:
    """One struct (field, accepted, there) for each of ``names``, null where it did not drift.

    Args:
        by_pull: the facts for what each pull tells; a part of an object that they empty is not unknown.
    """
    cases = [_case(entity, name, fields[name], facts, by_pull) for name in names]
    return ", ".join(cases) or "CAST(NULL AS STRUCT(field VARCHAR, accepted VARCHAR, there VARCHAR))"


def _case(entity: Entity, name: str, mapped: FieldMap, facts: PushFacts, by_pull: Mapping[str, PushFacts]) -> str:
    type_, there = entity.fields[name], quoted(name)
    had, emptied = quoted(f"_json_{name}"), f"coalesce(list_contains(_cleared, {literal(name)}), false)"
    said = f"CASE WHEN {emptied} THEN 'false' ELSE CAST(to_json(CAST({there} AS {encoded_sql(type_)})) AS VARCHAR) END"
    empty, left = ("('false', '[]')", f"len({there}) > 0") if isinstance(type_, ListOf) else ("('false')", "true")
    # Nothing is concluded from a field that was never accepted, nor from one that is unknown there.
    differs = (
        f"CASE WHEN {had} IS NULL THEN false WHEN {emptied} THEN CAST({had} AS VARCHAR) NOT IN {empty}"
        f" WHEN {there} IS NULL THEN false WHEN {had} = 'false' THEN {left}"
        f" ELSE {' OR '.join([_differs(name, type_, mapped, facts), *_filled(name, type_, by_pull)])} END"
    )
    struct = f"{{'field': {literal(name)}, 'accepted': CAST({had} AS VARCHAR), 'there': {said}}}"
    return f"CASE WHEN {differs} THEN {struct} END"


def _differs(name: str, type_: Type, mapped: FieldMap, facts: PushFacts) -> str:
    ours, theirs = quoted(f"_accepted_{name}"), quoted(name)
    if isinstance(type_, Struct):
        return _differs_in_part(ours, theirs, type_, mapped.fields or {}, facts)
    if isinstance(type_, ListOf):
        return _differs_as_list(ours, theirs, type_.item, mapped.each or {}, facts)
    form = _form(type_, mapped, facts.instant, _twins(facts, name))
    return f"{form(ours)} IS DISTINCT FROM {form(theirs)}"


def _differs_in_part(ours: str, theirs: str, type_: Struct, parts: CanonicalMap, facts: PushFacts) -> str:
    """Part by part, where both sides have it: where one has none, the part may be empty or unknown."""
    found = [
        f"coalesce({form(f'{ours}.{part}')} <> {form(f'{theirs}.{part}')}, false)"
        for part, form in _part_forms(type_, parts, facts)
    ]
    return " OR ".join(found) or "false"


def _filled(name: str, type_: Type, by_pull: Mapping[str, PushFacts]) -> Iterator[str]:
    """Whether an object has a part there that was empty in what was accepted."""
    for part in type_.fields if isinstance(type_, Struct) else ():
        pulls = ", ".join(literal(pull) for pull, facts in by_pull.items() if f"{name}.{part}" in facts.cleared)
        if pulls:
            ours, theirs = (f"{quoted(side)}.{quoted(part)}" for side in (f"_accepted_{name}", name))
            yield f"({ours} IS NULL AND {theirs} IS NOT NULL AND split_part(source, ' ', 1) IN ({pulls}))"


def _differs_as_list(ours: str, theirs: str, type_: Struct, parts: CanonicalMap, facts: PushFacts) -> str:
    """As sets of rows, in those parts that every row of both knows."""
    forms = list(_part_forms(type_, parts, facts))

    def rows(list_: str) -> str:
        values = (f"{part}: CASE WHEN {known(part)} THEN {form(f'x.{part}')} END" for part, form in forms)
        return f"list_sort(list_transform({list_}, lambda x: {{{', '.join(values)}}}))"

    def known(part: str) -> str:
        unknown = (f"len(list_filter({one}, lambda y: y.{part} IS NULL)) = 0" for one in (ours, theirs))
        return " AND ".join(unknown)

    same = f" OR {rows(ours)} IS DISTINCT FROM {rows(theirs)}" if forms else ""
    return f"len({ours}) <> len({theirs}){same}"


def _part_forms(type_: Struct, parts: CanonicalMap, facts: PushFacts) -> Iterator[tuple[str, _Form]]:
    for part, mapped in parts.items():
        yield quoted(part), _form(type_.fields[part], mapped, facts.instant, {})


def _form(type_: Scalar, mapped: FieldMap, instant: str, twins: Mapping[str, str]) -> _Form:
    """The form in which a value went there and came back: no finer than the platform takes it, or shows it."""
    if type_.kind == "decimal" and mapped.round is not None:
        return lambda x: f"round({x}, {mapped.round})"
    if type_.kind == "instant" and "%f" not in instant:
        return lambda x: f"date_trunc('second', {x})"
    if type_.kind == "json":
        return lambda x: f"list_sort(map_entries(TRY_CAST(CAST({x} AS JSON) AS MAP(VARCHAR, VARCHAR))))"
    if twins:
        cases = " ".join(f"WHEN {literal(value)} THEN {literal(same)}" for value, same in twins.items())
        return lambda x: f"CASE {x} {cases} ELSE {x} END"
    return lambda x: x


def _twins(facts: PushFacts, name: str) -> dict[str, str]:
    """Canonical values that are one and the same there -> the first of them, which stands for all."""
    natives = dict(facts.values.get(name, {}))
    if facts.actions is not None and facts.actions.field == name:
        natives |= {value: "|".join(one.is_) for value, one in facts.actions.to.items()}
    firsts: dict[str, str] = {}
    for value, native in natives.items():
        firsts.setdefault(native, value)
    return {value: firsts[native] for value, native in natives.items() if firsts[native] != value}
