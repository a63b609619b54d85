"""Plan: what a push would send now, per record and field; nothing is sent and nothing is kept."""

from dataclasses import dataclass
from typing import Any

from pullpush_dagster.changes import arrive, claim
from pullpush_dagster.push.payload import sendable
from pullpush_dagster.push.pushing import Pusher
from pullpush_dagster.store import Store


@dataclass(frozen=True)
class Planned:
    """One key a push would send: ``action`` is update, or "look up" where no item is known yet.

    ``fields``: field -> (what the destination last accepted, what it would be sent); None: nothing known,
    False: cleared.
    """

    key: str
    action: str
    fields: dict[str, tuple[Any, Any]]


class _Undo(Exception):
    """Leaves the session without a trace."""


def plan(pusher: Pusher, store: Store, *, limit: int = 1_000_000) -> tuple[list[Planned], list[str]]:
    """(what would be sent, why something is held), by the very code that sends, in a transaction that is undone."""
    planned: list[Planned] = []
    held: list[str] = []
    try:
        with store.session() as con:
            for id_ in pusher.push.from_:
                held += arrive(con, pusher.push, pusher.entity, pusher.project.pull(id_)).held
            pusher.wake(con)
            fields = sendable(pusher.facts, pusher.entity)
            rows = claim(con, pusher.push, pusher.entity, pusher.bound_as, fields, limit)
            for row in rows:
                if row.todo:
                    known = {**row.accepted, **row.desired}
                    changes = {name: (row.accepted.get(name), known[name]) for name in sorted(row.todo)}
                    planned.append(Planned(row.key, "update" if row.ids else "look up", changes))
            raise _Undo  # noqa: TRY301
    except _Undo:
        return planned, held
