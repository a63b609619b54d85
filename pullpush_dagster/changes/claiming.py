"""Claim what is due: no two claims hold one key, and what is about to be sent is no longer taken as accepted."""

import datetime as dt
import uuid
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import pyarrow as arrow

from pullpush_dagster.canonical import Entity
from pullpush_dagster.config import Push
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import quoted

_SQL = named_sql(__package__, "claim.sql")
_LEASE = dt.timedelta(minutes=10)

Fields = dict[str, Any]


@dataclass(slots=True)
class Claimed:
    """One key to be sent, held by one claim until its lease ends.

    Attributes:
        key: the destination key, JSON text.
        desired: newest values, field -> text (lists and objects as they are), False for cleared.
        accepted: what the destination had accepted before this claim, in the same form.
        todo: names of the fields in which the two differ; only those are sent to an existing item. All that
            are known where no item is bound: the one to be found need not be the one that took those values.
        ids: external ids bound to the key; none: to be looked up; several: ambiguous.
    """

    key: str
    sequence: int
    source: str
    claim: str
    lease_until: dt.datetime
    attempts: int
    desired: Fields
    accepted: Fields
    todo: frozenset[str]
    ids: list[Fields]

    @property
    def known(self) -> Fields:
        """Everything known of the record: what was accepted, and over it what is newer."""
        return {**self.accepted, **self.desired} if self.accepted else self.desired


def key_values(key: str) -> Fields:
    """The fields of a key that is stored as JSON text."""
    found: Fields = orjson.loads(key)
    return found


def wake(con: duckdb.DuckDBPyConnection, push: Push) -> None:
    """Make everything that waits, and every claim whose holder died, due again."""
    con.execute(_SQL["wake"], {"push": push.name})
    con.execute(_SQL["expire"], {"push": push.name, "now": dt.datetime.now(dt.UTC)})


def claim(
    con: duckdb.DuckDBPyConnection, push: Push, entity: Entity, bound_as: Entity, fields: frozenset[str], limit: int
) -> list[Claimed]:
    """At most ``limit`` due keys, longest queued first; empty: nothing is due.

    Args:
        fields: canonical fields the destination can be sent at all.
    """
    now = dt.datetime.now(dt.UTC)
    name, lease = uuid.uuid4().hex, now + _LEASE
    who = {"push": push.name, "claim": name}
    ((count,),) = con.execute(_SQL["claim"], {**who, "now": now, "lease": lease, "limit": limit}).fetchall()
    if not count:
        return []
    parts = (f"{quoted(part)}: json_extract_string(o.key, '$.{part}')" for part in bound_as.key)
    sql = _SQL["claimed"].format(bound_key=", ".join(parts))
    rows = con.execute(sql, {**who, "to": push.to, "entity": entity.name, "bound_as": bound_as.name}).fetchall()
    found = [_claimed(row, name, lease, fields) for row in rows]
    _intend(con, push, entity, [one for one in found if one.todo & one.accepted.keys()], now)
    return found


def seconds_to_next(con: duckdb.DuckDBPyConnection, push: Push) -> float | None:
    """Seconds until the next key of ``push`` is due, 0 if one is; None: none will be."""
    ((when,),) = con.execute(_SQL["next_due"], {"push": push.name}).fetchall()
    return None if when is None else max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())


def _claimed(row: tuple[Any, ...], name: str, lease: dt.datetime, sendable: frozenset[str]) -> Claimed:
    key, sequence, source, desired, attempts, accepted, ids = row
    wanted, had = orjson.loads(desired), orjson.loads(accepted) if accepted else {}
    bound = [orjson.loads(one) for one in ids] if ids else []
    if bound and not had:
        return Claimed(key, sequence, source, name, lease, attempts, wanted, had, sendable & wanted.keys(), bound)
    same = {field for field, value in had.items() if bound and wanted.get(field) == value}
    todo = frozenset((sendable & (wanted.keys() if bound else {**had, **wanted}.keys())) - same)
    return Claimed(key, sequence, source, name, lease, attempts, wanted, had, todo, bound)


def _intend(con: duckdb.DuckDBPyConnection, push: Push, entity: Entity, rows: list[Claimed], now: dt.datetime) -> None:
    """Forget the fields that are about to be sent: from here on, what the destination has there is unknown."""
    if not rows:
        return
    left = [{name: value for name, value in one.accepted.items() if name not in one.todo} for one in rows]
    table = arrow.table(
        {
            "key": [one.key for one in rows],
            "source": [one.source for one in rows],
            "fields": [orjson.dumps(fields).decode() for fields in left],
        }
    )
    con.register("intents", table)
    con.execute(_SQL["forget"], {"to": push.to, "entity": entity.name})
    con.execute(_SQL["intend"], {"to": push.to, "entity": entity.name, "now": now})
    con.unregister("intents")
