"""Claim what is due: no two claims hold one key, and what is about to be sent is no longer taken as accepted."""

import datetime as dt
import uuid

import duckdb
import orjson
import pyarrow as arrow
from pyarrow import compute

from pullpush_dagster.canonical import Entity
from pullpush_dagster.changes.arriving import overlay
from pullpush_dagster.changes.ready import Written
from pullpush_dagster.changes.taken import LEFT, Claimed, Taken
from pullpush_dagster.config import Push
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import quoted, used

_SQL = named_sql(__package__, "claim.sql")
_LEASE = dt.timedelta(minutes=10)
# Of one key, beside its head: one with a long history must not fill the memory.
_MOST_BEHIND = 7


def wake(con: duckdb.DuckDBPyConnection, push: Push) -> None:
    """Make everything due again that waits."""
    con.execute(_SQL["wake"], {"push": push.name})


def expire(con: duckdb.DuckDBPyConnection, push: Push, entity: Entity, *, asked: bool = True) -> None:
    """Make every claim due again whose holder died.

    Args:
        asked: whether the destination can be asked what it has. If not, what that holder may have made there is
            left for a person.
    """
    values = {"push": push.name, "to": push.to, "entity": entity.name, "now": dt.datetime.now(dt.UTC)}
    for step in (*([] if asked else ["leave_unconfirmed"]), "expire"):
        con.execute(_SQL[step], used(_SQL[step], values))


def claim(
    con: duckdb.DuckDBPyConnection,
    push: Push,
    entity: Entity,
    bound_as: Entity,
    fields: frozenset[str],
    limit: int,
    written: Written | None = None,
    *,
    repeats: bool = False,
) -> Taken:
    """At most ``limit`` due keys, longest queued first; empty: nothing is due.

    Of a key that is ``Ready``, what waits behind its head is claimed as well, as far as the store can write that.

    Args:
        fields: canonical fields the destination can be sent at all.
        written: how the store writes requests; keys for which it can are ``Ready``.
        repeats: whether only the same request again tells if a key is there. One that may be is given as it was
            tried, whatever is newer, until that is settled.
    """
    now = dt.datetime.now(dt.UTC)
    name, lease = uuid.uuid4().hex, now + _LEASE
    parts = (f"{quoted(part)}: json_extract_string(key, '$.{part}')" for part in bound_as.key)
    bound_key = "key" if bound_as is entity else f"CAST(to_json({{{', '.join(parts)}}}) AS VARCHAR)"
    ((count,),) = con.execute(_SQL["pick"], {"push": push.name, "now": now, "limit": limit}).fetchall()
    if not count:
        con.execute(_SQL["put_down"])
        return Taken(name, lease, fields, _EMPTY.empty_table(), 0)
    con.execute(_SQL["mine"].format(bound_key=bound_key))
    con.execute(_SQL["claim"], {"claim": name, "lease": lease})
    con.execute(_SQL["taken"], {"to": push.to, "entity": entity.name, "bound_as": bound_as.name, "repeats": repeats})
    followed = written is not None and push.sends_each(entity.deliver)
    if followed:
        con.execute(_SQL["follow"], {"push": push.name, "most": _MOST_BEHIND})
    table = con.execute(written.sql(followed=followed) if written else _SQL["claimed"]).to_arrow_table()
    if compute.any(compute.and_(table["ids"].is_null(), table["fields"].is_valid())).as_py():
        overlay(con)
        con.execute(_SQL["fold"], {"push": push.name})
    con.execute(_SQL["put_down"])
    taken = Taken(name, lease, fields, _unbroken(table.combine_chunks(), count), count)
    intend(con, push, entity, arrow.concat_tables([taken.left(), _left(taken.rest)]), now)
    return taken


def _unbroken(table: arrow.Table, heads: int) -> arrow.Table:
    """Without what follows a row that has no record: that one is looked at by Python first."""
    if not table.column("record").null_count or len(table) == heads:
        return table
    keys, written = table.column("key").to_pylist(), table.column("record").is_valid().to_pylist()
    broken: set[str] = {key for key, record in zip(keys[:heads], written[:heads], strict=True) if not record}
    left = [*range(heads)]
    for place in range(heads, len(table)):
        if written[place] and keys[place] not in broken:
            left.append(place)
        else:
            broken.add(keys[place])
    return table.take(left)


def seconds_to_next(con: duckdb.DuckDBPyConnection, push: Push) -> float | None:
    """Seconds until the next key of ``push`` is due, 0 if one is; None: none will be."""
    ((when,),) = con.execute(_SQL["next_due"], {"push": push.name}).fetchall()
    return None if when is None else max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())


def count_due(con: duckdb.DuckDBPyConnection, push: Push) -> int:
    """How many keys of ``push`` could be claimed."""
    ((count,),) = con.execute(_SQL["count_due"], {"push": push.name, "now": dt.datetime.now(dt.UTC)}).fetchall()
    return int(count)


_EMPTY = arrow.schema([(name, arrow.string()) for name in ("key", "form", "record")])


def _left(rows: list[Claimed]) -> arrow.Table:
    """The same of the other rows."""
    some = [one for one in rows if one.todo & one.accepted.keys()]
    left = [orjson.dumps({n: v for n, v in one.accepted.items() if n not in one.todo}).decode() for one in some]
    return arrow.table([[one.key for one in some], [one.source for one in some], left], schema=LEFT)


def intend(con: duckdb.DuckDBPyConnection, push: Push, entity: Entity, left: arrow.Table, now: dt.datetime) -> None:
    """Forget the fields that are about to be sent: from here on, what the destination has there is unknown.

    Args:
        left: what stays known of each key of which something is sent (schema ``LEFT``).
    """
    if not len(left):
        return
    con.register("intents", left)
    con.execute(_SQL["forget"], {"to": push.to, "entity": entity.name})
    con.execute(_SQL["intend"], {"to": push.to, "entity": entity.name, "now": now})
    con.unregister("intents")
