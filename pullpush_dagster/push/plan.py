"""Plan: what a push would send now, per record and field; nothing is sent and nothing is kept."""

from dataclasses import dataclass
from typing import Any

import duckdb

from pullpush_dagster.changes import Claimed, claim
from pullpush_dagster.changes.claiming import count_due, wake
from pullpush_dagster.config import Pull
from pullpush_dagster.push.payload import sendable
from pullpush_dagster.push.pushing import Pusher
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import used
from pullpush_dagster.transport.moving import elsewhere

_SQL = named_sql(__package__, "plan.sql")


@dataclass(frozen=True)
class Planned:
    """One key a push would send: ``action`` is update, or "look up" where no item is known yet.

    ``fields``: field -> (what the destination last accepted, what it would be sent); None: nothing known,
    False: cleared.
    """

    key: str
    action: str
    fields: dict[str, tuple[Any, Any]]


@dataclass(frozen=True)
class Plan:
    """What a push would send now.

    Attributes:
        records: of the keys looked at, those of which something would be sent, longest queued first.
        held: what its guard holds or is about to hold, and what the guards of its pulls hold, a sentence per set with
            the guard and what a person can do; empty: nothing is held.
        never_pulled: ids of the pulls it reads of which there is nothing yet, so that nothing is known to be sent.
        moved: that its destination has another address than it had, and what to do; None: it does not.
        due: keys that are due, ``looked_at`` and others.
    """

    records: list[Planned]
    held: list[str]
    never_pulled: list[str]
    moved: str | None
    due: int
    looked_at: int

    @property
    def sentences(self) -> list[str]:
        """Why none of ``records`` is sent, or more may be to be sent; empty: nothing is in the way of it."""
        unknown = [f"{id_} was never pulled: run the sync once" for id_ in self.never_pulled]
        moved = [self.moved] if self.moved else []
        return moved + [f"held: {reason}" for reason in self.held] + unknown


class _Undo(Exception):
    """Leaves the session without a trace."""


def plan(pusher: Pusher, *, limit: int) -> Plan:
    """What would be sent of the first ``limit`` keys, by the very code that sends, in a transaction that is undone."""
    try:
        with pusher.store.session() as con:
            moved = elsewhere(con, pusher.project.connection(pusher.push.to), pusher.connector)
            held = _held_here(con, pusher)
            pulls = [pusher.project.pull(id_) for id_ in pusher.push.from_]
            held += [reason for pull in pulls for reason in _held(con, pull)]
            never = [pull.id for pull in pulls if not _asked(con, "pulled", pull)[0][0]]
            wake(con, pusher.push)
            due = count_due(con, pusher.push)
            fields = sendable(pusher.facts, pusher.entity)
            rows = claim(con, pusher.push, pusher.entity, pusher.bound_as, fields, limit)
            made = Plan([_planned(row) for row in rows if row.todo], held, never, moved, due, len(rows))
            raise _Undo  # noqa: TRY301
    except _Undo:
        return made


def _held_here(con: duckdb.DuckDBPyConnection, pusher: Pusher) -> list[str]:
    """What reading its logs is held for by the guard of the push, a sentence per set; it is read in here."""
    push = pusher.push
    before = dict(con.execute(_SQL["held_here"], {"push": push.name}).fetchall())
    arrivals = zip(push.from_, pusher.arrived(con), strict=True)
    after = dict(con.execute(_SQL["held_here"], {"push": push.name}).fetchall())
    told = []
    for log, arrival in arrivals:
        if arrival.held:
            known = before.get(log) == after[log]
            now = f"; pullpush approve {after[log]} lets them through"
            then = ": its next run holds it, and `pullpush held` then has the hash to approve"
            told.append(f"{'; '.join(arrival.held)}, by the guard of {push.name}{now if known else then}")
    return told


def _held(con: duckdb.DuckDBPyConnection, pull: Pull) -> list[str]:
    """What the guard of ``pull`` itself holds, a sentence per set."""
    return [
        f"{count} changes by the guard of {f'{pull.id} {scope}'.rstrip()}; pullpush approve {hash_} lets them through"
        for scope, hash_, count in _asked(con, "held", pull)
    ]


def _asked(con: duckdb.DuckDBPyConnection, step: str, pull: Pull) -> list[tuple[Any, ...]]:
    values = {"connection": pull.connection, "name": pull.name, "scopes": pull.places}
    return con.execute(_SQL[step], used(_SQL[step], values)).fetchall()


def _planned(row: Claimed) -> Planned:
    known = {**row.accepted, **row.desired}
    changes = {name: (row.accepted.get(name), known[name]) for name in sorted(row.todo)}
    return Planned(row.key, "update" if row.ids else "look up", changes)
