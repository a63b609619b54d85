"""The rows of a record's list, such as an order's lines: which is new, which differs, which is gone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.types import ListOf
from pullpush_dagster.changes.taken import Claimed, Fields
from pullpush_dagster.connectors.push_model import Lines
from pullpush_dagster.connectors.template import at, fill, holes
from pullpush_dagster.errors import RejectError
from pullpush_dagster.push.references import References
from pullpush_dagster.push.typed import typed_value


@dataclass(frozen=True)
class Row:
    """One canonical row: its values as stored, and the platform's row it is bound to (None: it has none)."""

    values: Mapping[str, Any]
    there: Any


def bound_rows(facts: Lines, known: Fields, ids: Fields, there: Sequence[Any], references: References) -> Fields:
    """key -> the platform's id for every row that is there: as bound before, or, unbound, told by what it names.

    A row that was sent and whose answer was lost is found so, and not made twice. Rows the platform's own
    people added stay unbound, unless they name just what an unbound row of ours names.

    Raises:
        RejectError: the rows cannot be told apart.
    """
    here = {str(at(row, facts.id)): row for row in there}
    bound = {key: id_ for key, id_ in (ids.get("lines") or {}).items() if id_ in here}
    free = [id_ for id_ in here if id_ not in bound.values()]
    for key, row in _by_key(facts, known).items():
        if key in bound:
            continue
        wanted = {path: str(references.of(name, known, row)) for name, path in facts.same.items()}
        match = next((id_ for id_ in free if all(str(at(here[id_], p)) == v for p, v in wanted.items())), None)
        if match is not None:
            bound[key] = match
            free.remove(match)
    return bound


def unbound(facts: Lines | None, row: Claimed) -> bool:
    """Whether the destination's item has rows of ours whose ids are not known yet."""
    if facts is None or not row.ids:
        return False
    bound = row.ids[0].get("lines") or {}
    known = {**row.accepted, **row.desired}.get(facts.field) or []
    return any(one.get(facts.key) not in bound for one in known)


def entries(
    entity: Entity, facts: Lines, row: Claimed, bound: Fields, there: Sequence[Any], references: References
) -> list[Any]:
    """What stands for the list in a request: new rows, rows that differ, and bound ones that are gone.

    Raises:
        RejectError: a row that may no longer change would have to, or names what cannot be told.
        MissingError: a row names what the platform does not have yet.
    """
    known = {**row.accepted, **row.desired}
    here = {str(at(one, facts.id)): one for one in there}
    before = {one.get(facts.key): one for one in row.accepted.get(facts.field) or []}
    wanted = _by_key(facts, known)
    made = []
    for key, values in wanted.items():
        id_ = bound.get(key)
        if id_ is not None:
            _names_the_same(facts, known, values, before.get(key), here[id_], references)
            if not _differs(facts, values, before.get(key), here[id_]):
                continue
        _may_change(facts, key, here.get(id_ or ""))
        _is_known(facts, key, values)
        made.append(_filled(entity, facts, facts.new if id_ is None else facts.changed, known, values, id_, references))
    for key, id_ in bound.items():
        if key not in wanted and not _zero(here[id_], facts):
            _may_change(facts, key, here[id_])
            made.append(fill(facts.gone, {**references.settings, "row.id": id_}))
    return made


def _by_key(facts: Lines, known: Fields) -> dict[str, Mapping[str, Any]]:
    """The known rows by their key. Raises RejectError: they cannot be told apart by it."""
    rows = known.get(facts.field) or []
    found = {row.get(facts.key): row for row in rows}
    if None in found or len(found) < len(rows):
        raise RejectError(f"{facts.field} cannot be told apart: {facts.key} is missing or there twice")
    return found


def _names_the_same(
    facts: Lines, known: Fields, row: Mapping[str, Any], before: Mapping[str, Any] | None, there: Any, refs: References
) -> None:
    """Reject a row that has come to name something else: no form of ours says that of a row that is there."""
    for name, path in facts.same.items():
        part = refs.facts[name].of.rpartition(".")[2]
        renamed = before is not None and row.get(part) not in (None, before.get(part))
        if renamed and str(refs.of(name, known, row)) != str(at(there, path)):
            raise RejectError(f"line {row[facts.key]} names another {name} now, which cannot change there")


def _filled(
    entity: Entity, facts: Lines, form: Any, known: Fields, row: Mapping[str, Any], id_: str | None, refs: References
) -> Any:
    type_ = entity.fields[facts.field]
    fields = type_.item.fields if isinstance(type_, ListOf) else {}
    values = {f"line.{name}": typed_value(fields[name], value) for name, value in row.items() if value is not None}
    # Only what the form says: a row that is there may be of what is there no longer.
    named = {*holes(form)}
    said = [name for name in facts.same if f"reference.{name}" in named]
    values |= {f"reference.{name}": refs.of(name, known, row) for name in said}
    return fill(form, {**refs.settings, **values, "row.id": id_})


def _differs(facts: Lines, row: Mapping[str, Any], before: Mapping[str, Any] | None, there: Any) -> bool:
    """Against what was accepted, where that is known: a platform may round what it shows."""
    if before is not None:
        return any(row.get(name) != before.get(name) for name in (*facts.values, facts.key))
    shown = {name: at(there, path) for name, path in facts.values.items() if row.get(name) is not None}
    return any(not _same(row[name], value) for name, value in shown.items())


def _may_change(facts: Lines, key: str, there: Any) -> None:
    done = at(there, facts.final) if facts.final and there is not None else None
    if done:
        raise RejectError(f"line {key} can no longer change: {facts.final.rpartition('.')[2]} is {done}")  # type: ignore[union-attr]


def _is_known(facts: Lines, key: str, row: Mapping[str, Any]) -> None:
    """Left out, an unknown number would become whatever the platform takes for the usual one."""
    unknown = [name for name in facts.values if row.get(name) is None]
    if unknown:
        raise RejectError(f"{', '.join(unknown)} of line {key} is unknown")


def _zero(there: Any, facts: Lines) -> bool:
    """Whether a row already says nothing, as a line of quantity 0 does."""
    return "quantity" in facts.values and _same("0", at(there, facts.values["quantity"]))


def _same(stored: Any, native: Any) -> bool:
    try:
        return Decimal(str(stored)) == Decimal(str(native))
    except InvalidOperation:
        return str(stored) == str(native)
