"""How each sync stands, for the operator at eight in the morning."""

import datetime as dt
from typing import Any

from pullpush_dagster.config import Project, Push
from pullpush_dagster.store import Store, named_sql
from pullpush_dagster.store.overview import outbox_counts

_SQL = named_sql(__package__, "status.sql")


def sync_status(project: Project, push: Push) -> dict[str, Any]:
    """One row about ``push``: counts of keys, its newest complete pull (UTC), and the lag behind it.

    ``lag`` is seconds since the newest pull began, None when there was none. ``held`` counts the changes
    that a guard holds.
    """
    last: dt.datetime | None = None
    quarantined = held = 0
    with Store.of(project.state).session() as con:
        for id_ in push.from_:
            pull = project.pull(id_)
            who = {"connection": pull.connection, "name": pull.name}
            ((pulled,),) = con.execute(_SQL["last_pull"], who).fetchall()
            last = max(last or pulled, pulled) if pulled else last
            quarantined += con.execute(_SQL["quarantined"], who).fetchall()[0][0]
            held += con.execute(_SQL["held"], who).fetchall()[0][0]
        counts = outbox_counts(con, push.name)
    now = dt.datetime.now(dt.UTC)
    return {
        "sync": push.name,
        "mode": push.mode,
        "last pull": last.astimezone(dt.UTC) if last else None,
        "lag": round((now - last).total_seconds()) if last else None,
        "pending": counts.due,
        "waiting": counts.waiting,
        "quarantined": quarantined,
        "held": held + (1 if counts.held else 0),
        "dead": counts.dead,
    }
