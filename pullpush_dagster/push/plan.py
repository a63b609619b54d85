"""Plan: what a push would send now, per record and field; nothing is sent and nothing is kept."""

from dataclasses import dataclass
from typing import Any

from pullpush_dagster.changes import Claimed, claim
from pullpush_dagster.changes.claiming import count_due, wake
from pullpush_dagster.push.payload import sendable
from pullpush_dagster.push.pushing import Pusher


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
        held: why its guard holds something; empty: it does not.
        due: keys that are due, ``looked_at`` and others.
    """

    records: list[Planned]
    held: list[str]
    due: int
    looked_at: int


class _Undo(Exception):
    """Leaves the session without a trace."""


def plan(pusher: Pusher, *, limit: int) -> Plan:
    """What would be sent of the first ``limit`` keys, by the very code that sends, in a transaction that is undone."""
    try:
        with pusher.store.session() as con:
            held = [reason for arrival in pusher.arrived(con) for reason in arrival.held]
            wake(con, pusher.push)
            due = count_due(con, pusher.push)
            fields = sendable(pusher.facts, pusher.entity)
            rows = claim(con, pusher.push, pusher.entity, pusher.bound_as, fields, limit)
            made = Plan([_planned(row) for row in rows if row.todo], held, due, len(rows))
            raise _Undo  # noqa: TRY301
    except _Undo:
        return made


def _planned(row: Claimed) -> Planned:
    known = {**row.accepted, **row.desired}
    changes = {name: (row.accepted.get(name), known[name]) for name in sorted(row.todo)}
    return Planned(row.key, "update" if row.ids else "look up", changes)
