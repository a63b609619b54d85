"""Lists inside a record, such as an order's lines, as SQL."""

from typing import TYPE_CHECKING

from pullpush_dagster.canonical.casting import Cast, cast_of, complaint, divided, spoken, text_cast
from pullpush_dagster.canonical.field_map import CanonicalMap, FieldMap
from pullpush_dagster.canonical.native import insert, place_in, steps_of
from pullpush_dagster.canonical.types import ListOf, Scalar
from pullpush_dagster.store.sql import literal, quoted

if TYPE_CHECKING:
    from pullpush_dagster.canonical.compile import Projection


def list_sql(p: "Projection", name: str, type_: ListOf, mapped: FieldMap) -> str:
    """SQL of a list field's canonical rows, sorted by their first field; ``p`` notes faults and what is cleared."""
    paths, parts = [mapped.from_ or "", *mapped.also], mapped.each or {}
    rows = _rows(p, paths, parts, mapped)
    p.fault(" OR ".join(_no_list(p, path) for path in paths), f"{name}: is not a list")
    casts = {part: _cast_in_list(p, part_type, parts.get(part)) for part, part_type in type_.item.fields.items()}
    _suspect(p, name, type_, mapped, casts, rows)
    p.clears(name, mapped)
    typed = ((part, cast.value, type_.item.fields[part].sql) for part, cast in casts.items())
    values = ", ".join(f"{quoted(part)}: CAST({value} AS {sql})" for part, value, sql in typed)
    list_ = f"list_transform({rows}, lambda x: {{{values}}})"
    return _in_order(p, name, rows, list_, type_, parts)


def _no_list(p: "Projection", path: str) -> str:
    kind = p.kind(path)
    nothing = ("ARRAY", "NULL", "BOOLEAN") if p.shape.false_is_empty else ("ARRAY", "NULL")
    return f"({p.doubt(path, f'{p.place(path)} IS NULL')} AND {kind} NOT IN {nothing})"


def _in_order(p: "Projection", name: str, rows: str, list_: str, type_: ListOf, parts: CanonicalMap) -> str:
    """``list_`` sorted. Most orders have one to three lines, by id, which is cheaper to see than to sort."""
    first = next((part for part in type_.item.fields if part in parts and parts[part].value is None), "")
    plain = first and type_.item.fields[first].kind == "text" and not p.shape.false_is_empty
    if not plain or parts[first].map or parts[first].empty is not None:
        return f"CASE WHEN len({rows}) < 2 THEN {list_} ELSE list_sort({list_}) END"
    keys = quoted(f"_keys_{name}")
    p.named.append(f"list_transform({rows}, lambda x: nullif({place_in('x', parts[first].from_ or '')}, '')) AS {keys}")
    few = (
        f"len({keys}) < 2 OR (len({keys}) < 4 AND {keys}[1] < {keys}[2] AND (len({keys}) = 2 OR {keys}[2] < {keys}[3]))"
    )
    return (
        f"CASE WHEN {few} THEN {list_} WHEN len({keys}) = 2 AND {keys}[2] < {keys}[1] THEN list_reverse({list_}) "
        f"ELSE list_sort({list_}) END"
    )


def _cast_in_list(p: "Projection", type_: Scalar, mapped: FieldMap | None) -> Cast:
    if mapped is None or mapped.value is not None:
        return Cast("NULL" if mapped is None or mapped.value is None else literal(mapped.value))
    text = place_in("x", mapped.from_ or "")
    raw = spoken(text, mapped)
    raw = f"nullif({raw}, 'false')" if p.false_is_empty(mapped) else raw
    if mapped.or_:
        raw = text = f"coalesce({', '.join([raw, *(spoken(place_in('x', other), mapped) for other in mapped.or_)])})"
    if type_.kind == "text" and mapped.map is None:
        return text_cast(raw, type_, mapped)
    times = p.shape.times
    if mapped.over is None:
        return cast_of(text, raw, type_, mapped, times, in_list=True)
    exact = mapped.model_copy(update={"over": None, "round": None})
    number = cast_of(text, raw, type_, exact, times, in_list=True)
    other = _cast_in_list(p, type_, exact.model_copy(update={"from_": mapped.over}))
    return divided(number, other, mapped.round or 0, type_)


def _suspect(p: "Projection", name: str, type_: ListOf, mapped: FieldMap, casts: dict[str, Cast], rows: str) -> None:
    """Faults of a list's rows, behind one column that says whether any row may have one."""
    parts, faults, odd = mapped.each or {}, [], []
    for part, cast in casts.items():
        if cast.fault:
            faults.append((cast.fault, f"{name}.{part}: {complaint(type_.item.fields[part], parts[part])}"))
            odd.append(cast.odd)
    told = [part for part in parts.values() if part.value is None]
    said = [place_in("x", path) for part in told for path in (part.from_ or "", *part.or_)]
    if said:
        odd.append(f"coalesce({', '.join(said)}, NULL) IS NULL")
        faults.append((odd[-1], f"{name}: has a row that says nothing"))
    if odd:
        any_ = quoted(f"_odd_{name}")
        p.suspects.append(f"{_any_row(rows, ' OR '.join(f'({one})' for one in odd))} AS {any_}")
        for fault, reason in faults:
            p.fault(f"{any_} AND {_any_row(rows, fault)}", reason, any_)


def _rows(p: "Projection", paths: list[str], parts: CanonicalMap, mapped: FieldMap) -> str:
    """The native rows at each of ``paths``, one list after the other, that are meant."""
    for path in paths:
        for place in (*(place for part in parts.values() for place in part.paths), *mapped.only):
            insert(p.leaves, [*steps_of(p.native(path)), "[]", *steps_of(place)])
    lists = [p.place(path) for path in paths]
    rows = lists[0] if len(lists) == 1 else f"list_concat({', '.join(lists)})"
    meant = " AND ".join(p.is_one(place_in("x", path), allowed) for path, allowed in mapped.only.items())
    return f"list_filter({rows}, lambda x: {meant})" if meant else rows


def _any_row(rows: str, condition: str) -> str:
    return f"len(list_filter({rows}, lambda x: {condition})) > 0"
