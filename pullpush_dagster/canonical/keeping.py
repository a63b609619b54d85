"""Keep a canonical frame: the source's rows as last pulled, its quarantine and its bindings."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb
import pyarrow as arrow
from pyarrow import compute

from pullpush_dagster.canonical.entity import Entity
from pullpush_dagster.canonical.frame import Frame, in_batches
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.schema import next_number
from pullpush_dagster.store.sql import Run, literal, quoted, runner

_SQL = named_sql(__package__, "keep.sql")


@dataclass(frozen=True)
class FrameOf:
    """Whose frame it is: which pull of what, and what the pull covered.

    ``bound_as``: the entity under which ids are bound, with its key. ``days``: the first day partition
    (ISO date) when rows lie in day partitions, else None. ``window``: the ISO days [first, last) that a
    backfill replaces, an empty first one for all up to the last. ``expected``: records the platform says there are.
    ``sent_to``: something is pushed there, so that it matters which items are new.
    """

    connection: str
    name: str
    pull: int
    scope: str
    full: bool
    bound_as: Entity
    started_at: dt.datetime
    days: str | None = None
    window: tuple[str, str] | None = None
    records: int = 0
    expected: int | None = None
    sent_to: bool = False


@dataclass(frozen=True)
class Kept:
    """What keeping a frame came to: rows kept, rows quarantined, and why deletes are off (None: they are on).

    ``new_items``: ``key``, under which items are bound that were not so before; None: nothing is pushed there.
    """

    frame: int
    rows: int
    quarantined: int
    deletes_off: str | None
    new_items: arrow.Table | None = None


def keep_frame(con: duckdb.DuckDBPyConnection, entity: Entity, of: FrameOf, frame: Frame) -> Kept:
    """Replace what ``of`` covers by ``frame``, in the caller's transaction.

    What was asked for later than this stays: rows, bindings and quarantine. A key that two live records claim, here
    or by what earlier pulls saw, is quarantined whole.
    """
    names = _names(entity, of)
    ensure_tables(con, entity)
    con.register("frame_rows", in_batches(frame.rows.append_column("_id", arrow.arange(0, len(frame.rows)))))
    con.register("frame_quarantined", frame.quarantined)
    con.register("frame_shadowed", frame.shadowed)
    values: dict[str, object] = {
        "connection": of.connection, "name": of.name, "scope": of.scope, "pull": of.pull, "full": of.full,
        "bound_as": of.bound_as.name, "now": dt.datetime.now(dt.UTC), "started": of.started_at,
        "frame": next_number(con, "frame"), "first": of.window and of.window[0], "last": of.window and of.window[1],
    }  # fmt: skip
    run = runner(con, _SQL, names, values)
    run("release")
    standing = _count(run, "standing") > 0
    bad, nameless = _set_aside(run, of)
    deletes_off = _deletes_off(of, nameless)
    values["withdraws"] = of.full and deletes_off is None
    # What a full pull finds held is for it to withdraw; a walk leaves that as it is.
    untold = not values["withdraws"] and _count(run, "unaccepted") > 0
    steps = {
        "kept": True,
        "shadowed": not of.full and not compute.all(frame.rows["_live"]).as_py(),
        "claimed": True,
        "vanished": of.full and not of.scope and of.bound_as is entity and deletes_off is None,
        "outdated_claims": _count(run, "since") > 0,
        "keyless_since": standing,
        "new_items": of.sent_to, "unbind": True, "bind": True,
        "release_given": standing, "unreadable_since": standing,
        "quarantine": bad > 0, "drop_bad": bad > 0, "untold": untold,
        "replace_scope": values["withdraws"],
        "replace_given": of.full and deletes_off is not None,
        "replace_window": not of.full and of.window is not None,
        "outdated": True, "replace_keys": True, "rows": True, "take_along": untold,
    }  # fmt: skip
    for step in (step for step, needed in steps.items() if needed):
        run(step)
    ((rows,),) = con.execute("SELECT count(*) FROM kept").fetchall()
    new_items = con.execute("FROM new_items").to_arrow_table() if of.sent_to else None
    run("mapped", rows=rows, quarantined=bad, deletes_off=deletes_off)
    for table in ("bad", "kept", "claimed", "new_items", "given_up", "untold"):
        con.execute(f"DROP TABLE IF EXISTS {table}")
    for view in ("frame_rows", "frame_quarantined", "frame_shadowed"):
        con.unregister(view)
    return Kept(int(str(values["frame"])), rows, bad, deletes_off, new_items)


def silences(con: duckdb.DuckDBPyConnection, entity: Entity, of: FrameOf, frame: Frame) -> bool:
    """Whether ``frame`` says nothing of a field that was read before, and that no audit has looked at since.

    A record that cannot be read says nothing at all. False where this very pull was read before, by another map, and no
    audit has looked at that either: it would look at what is about to be replaced.
    """
    ensure_tables(con, entity)
    values: dict[str, object] = {
        "connection": of.connection, "name": of.name, "scope": of.scope, "pull": of.pull,
        "bound_as": of.bound_as.name,
    }  # fmt: skip
    run = runner(con, _SQL, _names(entity, of), values)
    if not _count(run, "unheard") or _count(run, "reread"):
        return False
    con.register("frame_rows", in_batches(frame.rows))
    con.register("frame_quarantined", frame.quarantined)
    run("newer")
    found = _count(run, "silenced") > 0 or _count(run, "unread") > 0
    con.execute("DROP TABLE newer")
    for view in ("frame_rows", "frame_quarantined"):
        con.unregister(view)
    return found


def ensure_tables(con: duckdb.DuckDBPyConnection, entity: Entity) -> None:
    """Make the entity's canonical and baseline tables, or what an older version of them did not have."""
    names = _tables(entity)
    con.execute(_SQL["tables"].format(**names))
    for table in (names["canonical"], names["baseline"]):
        there = {name for (name,) in con.execute(_SQL["fields"].format(table=literal(table))).fetchall()}
        for name in (name for name in entity.fields if name not in there):
            con.execute(_SQL["add_field"].format(table=table, field=quoted(name), type=entity.fields[name].sql))


def unreadable_sql(entity: Entity, bound_as: Entity, records: str, connection: str) -> str:
    """SQL of what a frame's quarantined ``records`` stand for: their columns, ``id``, ``key`` and ``nameless``.

    ``key`` is JSON text, null where nobody can tell it. ``nameless``: it may be any key of the source.

    Args:
        connection: SQL of whose records they are; ``$bound_as`` is the entity under which their ids are bound.
    """
    read = {name: f"json_extract_string(q._key, '$.{name}')" for name in entity.key}
    told = {n: f"coalesce({part}, b.{quoted(n)})" if n in bound_as.key else part for n, part in read.items()}
    bound = (f"CASE WHEN min({p}) = max({p}) THEN min({p}) END AS {quoted(n)}" for n, p in _parts(bound_as).items())
    return _SQL["unreadable"].format(
        records=records, connection=connection, bound_parts=", ".join(bound), key_in_json=_known(read.values()),
        key_told=_known(told.values()), told_key_fields=_struct(told),
    )  # fmt: skip


def _set_aside(run: Run, of: FrameOf) -> tuple[int, int]:
    """Finds what must not be used: how many records, and how many of them may be any key's."""
    if _count(run, "quarantined"):
        run("overtaken")
    if _count(run, "inferred"):
        for step in ("given_up", "disown", "disown_before", "unbind_given_up"):
            run(step)
    if not of.full and _count(run, "rivals"):
        run("overtaken")
    ((bad, nameless),) = run("said").fetchall()
    return bad, nameless


def _count(run: Run, step: str) -> int:
    return int(run(step).fetchall()[0][0])


def _deletes_off(of: FrameOf, nameless: int) -> str | None:
    if nameless:
        return f"{nameless} records have neither a readable key nor an id"
    if of.expected is not None and of.records < of.expected:
        return f"the platform has {of.expected} records, the pull gave {of.records}"
    return None


def _tables(entity: Entity) -> dict[str, str]:
    return {
        "canonical": quoted(f"canonical_{entity.name}"),
        "baseline": quoted(f"baseline_{entity.name}"),
        "typed": ", ".join(f"{quoted(name)} {type_.sql}" for name, type_ in entity.fields.items()),
    }


def _names(entity: Entity, of: FrameOf) -> dict[str, str]:
    bound = of.bound_as.key
    stamp = '"updatedAt"' if "updatedAt" in entity.fields else "_askedAt"
    day = f"strftime(greatest(coalesce({stamp}, _askedAt), TIMESTAMPTZ {literal(of.days or '')}), '%Y-%m-%d')"
    parts = _parts(of.bound_as)
    names = _tables(entity) | {
        "key": ", ".join(quoted(name) for name in entity.key),
        "key_names": ", ".join(entity.key),
        "key_fields": _struct({name: quoted(name) for name in entity.key}),
        "old_key_fields": _struct({name: f"old.{quoted(name)}" for name in entity.key}),
        "new_key_fields": _struct({name: f"new.{quoted(name)}" for name in entity.key}),
        "bound_key": _struct({name: quoted(name) for name in bound}),
        "bound_key_in_json": _struct(parts),
        "bound_key_known": _known(parts.values()),
        "unreadable": unreadable_sql(entity, of.bound_as, "frame_quarantined", "$connection"),
        "same_key": " AND ".join(f"old.{quoted(name)} = new.{quoted(name)}" for name in entity.key),
        "columns": ", ".join(quoted(name) for name in entity.fields),
        "partition": day if of.days else literal(of.scope),
        "in_scope": f"_partition = {literal(of.scope)}" if of.scope else "true",
        # What was asked for since stays, unless this very pull gave it by an earlier map.
        "before_this": "_askedAt <= $started",
        "of_this": "_frame IN (SELECT frame FROM pulls WHERE pull = $pull)",
        "audited": """_frame <= (
            SELECT coalesce(max(throughFrame), 0) FROM audits
            WHERE connection = $connection AND name = $name AND scope = $scope AND state = 'accepted'
        )""",
        "standing": "old.connection = $connection AND old.name = $name AND old.scope = $scope",
    }
    names |= _untold(entity)
    for part in ("without_own_key", "given", "seen_since", "heard_through", "unheard_of"):
        names[part] = _SQL[part].format(**names)
    return names


def _untold(entity: Entity) -> dict[str, str]:
    """Parts of SQL about fields of which a row ``new`` says nothing, and the row ``old`` before it does."""
    emptied = {n: f"coalesce(list_contains(old._cleared, {literal(n)}), false)" for n in entity.compared}
    silent = {
        n: f"new.{quoted(n)} IS NULL AND NOT coalesce(list_contains(new._cleared, {literal(n)}), false)"
        for n in emptied
    }
    taken = (
        f"{quoted(n)} = CASE WHEN {said} THEN old.{quoted(n)} ELSE new.{quoted(n)} END" for n, said in silent.items()
    )
    names = (f"CASE WHEN {said} AND {emptied[n]} THEN {literal(n)} END" for n, said in silent.items())
    return {
        "less": " OR ".join(f"{said} AND (old.{quoted(n)} IS NOT NULL OR {emptied[n]})" for n, said in silent.items()),
        "taken": ", ".join(taken),
        "taken_cleared": f"list_filter([{', '.join(names)}], lambda name: name IS NOT NULL)",
        "same_key_known": " AND ".join(f"old.{quoted(name)} = known.{quoted(name)}" for name in entity.key),
        "older": 'known."updatedAt" > old."updatedAt"' if "updatedAt" in entity.fields else "false",
    }


def _parts(bound_as: Entity) -> dict[str, str]:
    return {name: f"json_extract_string(key, '$.{name}')" for name in bound_as.key}


def _known(parts: Iterable[str]) -> str:
    return " AND ".join(f"{part} IS NOT NULL" for part in parts)


def _struct(parts: dict[str, str]) -> str:
    return ", ".join(f"{quoted(name)}: {expression}" for name, expression in parts.items())
