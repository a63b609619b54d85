"""Diff: snapshot against baseline on the key, field by field, three-valued.

Pure: reads two tables, writes nothing, calls nobody.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import duckdb

from pullpush_dagster.audit.guard import jumps_sql, zeroes_sql
from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.types import Scalar, encoded_sql
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import literal, quoted

_SQL = named_sql(__package__, "diff.sql")


class Rules(NamedTuple):
    """Rows that a diff takes otherwise than as they stand: conditions on a snapshot's row ``s`` and a baseline's ``b``.

    They may read columns beside those that a diff needs. Null counts as false.

    Attributes:
        forgotten: the baseline's row counts as not there. Reads the baseline's row alone.
        moved: the row comes out as an insert if nothing differs. Reads the baseline's row alone.
        elsewhere: that the snapshot lacks it says nothing. Reads the baseline's row alone.
        stale: the snapshot's row says nothing, not even that its key is there or is not.
        marked: the row comes out even if nothing differs. Reads the baseline's row alone.
    """

    forgotten: str = "false"
    moved: str = "false"
    elsewhere: str = "false"
    stale: str = "false"
    marked: str = "false"


def diff(
    con: duckdb.DuckDBPyConnection, entity: Entity, baseline: str, snapshot: str, *, absences: bool
) -> duckdb.DuckDBPyRelation:
    """The relation ``diff_sql`` describes: rows of ``snapshot`` that are new, gone or different since ``baseline``.

    Unknown is not compared, so it can neither raise a change nor erase a known value; that it is unknown
    now is noted. A real 0 is a value like any other; a cleared field is a change.

    Args:
        baseline: a table with the entity's fields, ``_cleared`` and ``_unknown``; one row per key.
        snapshot: a table with the entity's fields, ``_cleared`` and ``_askedAt``; one row per key.
        absences: whether a key of the baseline that the snapshot lacks counts (only in a full pull).

    Returns:
        One row per key that changed or whose unknown fields did, in no order: the key; ``op`` (insert,
        update, absent; null when only ``_unknown`` moved); ``fields`` that differ; every other field,
        ``_cleared`` and ``_unknown`` as the baseline shall have them; ``before`` and ``after`` (JSON of
        known values, all text); ``cleared`` (fields the source emptied); ``known_before``, ``zeroed`` and
        ``jumped`` for the guard; ``_place``, the row number of the baseline's row (null: it has none).
    """
    return con.sql(diff_sql(entity, f"(SELECT *, rowid FROM {baseline})", snapshot, absences=absences))


def diff_sql(entity: Entity, baseline: str, snapshot: str, *, absences: bool, rules: Rules | None = None) -> str:
    """The query behind ``diff``, which may be told more ``rules``; of ``baseline`` it reads ``rowid`` too."""
    told = {name: f"coalesce({rule}, false)" for name, rule in (rules or Rules())._asdict().items()}
    names = _names(entity, absences) | told | {"join": "FULL OUTER JOIN" if absences else "LEFT JOIN", "first": "WITH"}
    # What is not whole is small, and stands out against all that is known in any case. Lists that differ may have one
    # hash: DuckDB gives the same to null, to an empty one and to one of nulls.
    if absences and all(isinstance(entity.fields[name], Scalar) for name in entity.compared):
        names |= _hashes(entity)
        names["first"] = _SQL["doubtful"].format(**names, baseline=baseline, snapshot=snapshot)
        baseline, snapshot = _SQL["doubtful_baseline"].format(baseline=baseline), _SQL["doubtful_snapshot"]
    return _SQL["diff"].format(**names, baseline=baseline, snapshot=snapshot)


def _hashes(entity: Entity) -> dict[str, str]:
    """Of a row's key, and of its values: of two that differ, 64 bits are the same once in 10^19 times."""
    key, values = (", ".join(map(quoted, names)) for names in (entity.key, entity.compared))
    unsaid = " OR ".join(f"{quoted(name)} IS NULL" for name in entity.compared) or "false"
    cleared = "coalesce(array_to_string(_cleared, ','), '')"
    return {"hash": f"hash({key})", "values": f"hash({values}, CASE WHEN {unsaid} THEN {cleared} END)"}


def _names(entity: Entity, absences: bool) -> dict[str, str]:
    key, others = [quoted(n) for n in entity.key], [n for n in entity.fields if n not in entity.key]
    first = key[0]
    absent = f"s.{first} IS NULL" if absences else "false"
    new = f"b.{first} IS NULL"
    changed = {name: _changed(name) for name in entity.compared}
    return {
        "key": ", ".join(key),
        "keys_of_either": ", ".join(f"coalesce(s.{name}, b.{name}) AS {name}" for name in key),
        "same_key": " AND ".join(f"s.{name} = b.{name}" for name in key),
        "absent": absent,
        "new": new,
        "changed_any": f"s.{first} IS NOT NULL AND ({' OR '.join(changed.values()) or 'false'})",
        "differs": " OR ".join(f"s.{quoted(n)} IS DISTINCT FROM b.{quoted(n)}" for n in entity.compared) or "false",
        "nothing": " OR ".join(f"s.{quoted(name)} IS NULL" for name in entity.compared) or "false",
        "changed_fields": _names_where(changed, lambda name: changed[name]),
        "merged": ", ".join(quoted(name) for name in others),
        "merged_fields": ", ".join(f"{_merged(name)} AS {quoted(name)}" for name in others),
        "merged_cleared": _names_where(entity.compared, _cleared_after),
        "merged_unknown": _unknown(entity.compared),
        "before": _known(entity, "b"),
        "after": _known(entity, "s"),
        "cleared_now": "s._cleared",
        "zeroed": _moved(zeroes_sql, entity.amount),
        "jumped": _moved(jumps_sql, entity.price),
    }


def _changed(name: str) -> str:
    s, b = f"s.{quoted(name)}", f"b.{quoted(name)}"
    emptied = f"{b} IS NOT NULL OR NOT coalesce(list_contains(b._cleared, {literal(name)}), false)"
    return (
        f"CASE WHEN {s} IS NOT NULL THEN {s} IS DISTINCT FROM {b} WHEN {_emptied(name)} THEN {emptied} ELSE false END"
    )


def _emptied(name: str) -> str:
    return f"coalesce(list_contains(s._cleared, {literal(name)}), false)"


def _merged(name: str) -> str:
    s, b = f"s.{quoted(name)}", f"b.{quoted(name)}"
    return f"CASE WHEN {s} IS NULL AND NOT {_emptied(name)} THEN {b} ELSE {s} END"


def _cleared_after(name: str) -> str:
    before = f"s.{quoted(name)} IS NULL AND coalesce(list_contains(b._cleared, {literal(name)}), false)"
    return f"{_emptied(name)} OR ({before})"


def _unknown(names: Sequence[str]) -> str:
    """Fields that had a value and of which the source says nothing now, each with when that began."""
    parts = []
    for name in names:
        lost = f"s.{quoted(name)} IS NULL AND NOT {_emptied(name)}"
        had = f"b.{quoted(name)} IS NOT NULL OR coalesce(list_contains(b._cleared, {literal(name)}), false)"
        since = f"list_filter(b._unknown, lambda u: u.field = {literal(name)})[1].since"
        entry = f"{{'field': {literal(name)}, 'since': coalesce({since}, s._askedAt)}}"
        parts.append(f"CASE WHEN {lost} AND ({had}) THEN {entry} END")
    some = f"list_filter([{', '.join(parts)}], lambda u: u IS NOT NULL)"
    # An absent record says nothing at all, so what was noted of it stays.
    return f"CASE WHEN s._askedAt IS NULL THEN b._unknown ELSE nullif({some}, []) END"


def _known(entity: Entity, side: str) -> str:
    """JSON text of the known values of one side, without the key; unknown and cleared fields are not in it."""
    fields = (f"{quoted(n)}: CAST({side}.{quoted(n)} AS {encoded_sql(entity.fields[n])})" for n in entity.compared)
    return f"CAST(json_merge_patch('{{}}', to_json({{{', '.join(fields)}}})) AS VARCHAR)"


def _names_where(names: Sequence[str] | dict[str, str], condition: Callable[[str], str]) -> str:
    cases = ", ".join(f"CASE WHEN {condition(name)} THEN {literal(name)} END" for name in names)
    return f"list_filter(CAST([{cases}] AS VARCHAR[]), lambda name: name IS NOT NULL)"


def _moved(rule: Callable[[str, str], str], name: str | None) -> str:
    if name is None:
        return "false"
    return rule(f"(CASE WHEN {_emptied(name)} THEN 0 ELSE s.{quoted(name)} END)", f"b.{quoted(name)}")
