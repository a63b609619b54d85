"""How each sync stands, for the operator at eight in the morning."""

import datetime as dt
from contextlib import suppress
from typing import Any

import duckdb

from pullpush_dagster.changes.arriving import routing
from pullpush_dagster.config import Project, Pull, Push
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.store import Store, named_sql
from pullpush_dagster.store.overview import count_quarantined, outbox_counts
from pullpush_dagster.store.sql import runner
from pullpush_dagster.telling import parsed, shown
from pullpush_dagster.transport.moving import elsewhere, is_moved

_SQL = named_sql(__package__, "status.sql")


def sync_status(project: Project, push: Push) -> dict[str, Any]:
    """One row about ``push``: counts of keys, its last pull (UTC), and the lag behind it.

    The last pull is the newest complete one, but no backfill, of the source, or scope of one, that was not asked for
    the longest; ``lag`` is seconds since that began. None: one of them was never asked. ``held`` counts the changes
    that a guard holds. ``trouble``: one sentence for each pull whose newest attempt came to nothing, or cannot be
    read, or whose full audit is late; for a live push one where its newest run broke off, else one where keys were
    tried in vain and are to be sent still; and one for each connection that has another address than it had.
    """
    pulled: list[dt.datetime | None] = []
    unread = quarantined = held = 0
    trouble: list[str] = []
    now = dt.datetime.now(dt.UTC)
    names = routing(project.entity_of(push), push)
    with Store.of(project.state).session() as con:
        for id_ in push.from_:
            pull = project.pull(id_)
            run = runner(con, _SQL, names, {**_who(pull), "push": push.name})
            pulled += run("last_pull", own=pull.scopes).fetchall()[0]
            quarantined += count_quarantined(con, pull.connection, pull.name, pull.places)
            held += run("held").fetchall()[0][0]
            unread += run("unread").fetchall()[0][0]
            trouble += [_failed(id_, *row) for row in run("failed").fetchall() if not is_moved(row[1])]
            if pull.full_every and pull.is_audited:
                late = run("not_whole", before=now - dt.timedelta(seconds=2 * pull.full_every))
                trouble += [_not_whole(id_, *row) for row in late.fetchall()]
        ((held_here,),) = con.execute(_SQL["held_by_push"], {"push": push.name, "logs": push.from_}).fetchall()
        trouble += _of_push(con, push) if push.mode == "live" else []
        trouble += _moved(con, project, push)
        counts = outbox_counts(con, push.name, push.from_)
    last = None if None in pulled else min(at for at in pulled if at)
    return {
        "sync": push.name,
        "mode": push.mode,
        "last pull": last.astimezone(dt.UTC) if last else None,
        "lag": round((now - last).total_seconds()) if last else None,
        "pending": counts.due + unread,
        "waiting": counts.waiting,
        "quarantined": quarantined,
        "held": held + int(held_here),
        "dead": counts.dead,
        "trouble": trouble,
    }


def _who(pull: Pull) -> dict[str, object]:
    """Which rows are about ``pull``: what is known of a scope that the files no longer have concerns nobody."""
    return {"connection": pull.connection, "name": pull.name, "scopes": pull.places}


def _of_push(con: duckdb.DuckDBPyConnection, push: Push) -> list[str]:
    """Why its newest run broke off; else what it has tried in vain: no run breaks off as nobody answers."""
    who = {"push": push.name}
    rows = con.execute(_SQL["push_failed"], who).fetchall()
    broken = [_failed(push.name, "", *row) for row in rows if not is_moved(row[0])]
    return broken or [_put_back(push.name, *row) for row in con.execute(_SQL["put_back"], who).fetchall()]


def _moved(con: duckdb.DuckDBPyConnection, project: Project, push: Push) -> list[str]:
    """What is to be told of addresses as they are now, whatever a run that failed said of them."""
    told = []
    for name in dict.fromkeys([*(project.pull(id_).connection for id_ in push.from_), push.to]):
        with suppress(ConfigError):  # of a connector that cannot be read, whoever needs it says so
            told.append(elsewhere(con, project.connection(name), project.connector(name)))
    return [one for one in told if one]


def _put_back(push: str, keys: int, unanswered: int, reason: str, alike: int) -> str:
    what = f"{keys} keys not sent{', or without an answer' if unanswered else ''}"
    such = "" if alike == keys else f", {alike} of them"
    return f"{push}: {what}{such}: {reason.removeprefix('not sent: ')}"


def _failed(id_: str, scope: str, reason: str, at: dt.datetime, kind: str | None = None) -> str:
    whole = ", asked for whole" if kind == "full" and not scope else ""
    return f"{f'{id_} {scope}' if scope else id_} failed at {shown(at)}{whole}: {reason}"


def _not_whole(id_: str, since: dt.datetime) -> str:
    return f"{id_} was not asked for whole since {shown(since)}: what is gone there, or moved no stamp, was not seen"


def quarantined(project: Project, push: Push) -> list[dict[str, Any]]:
    """The records of ``push``'s sources that cannot be used: ``pull``, ``scope``, ``key``, ``id`` and ``reasons``.

    ``key`` and ``id`` are objects; None: it has none that could be read.
    """
    rows: list[dict[str, Any]] = []
    with Store.of(project.state).session() as con:
        for pull in map(project.pull, push.from_):
            rows += con.execute(_SQL["bad"], _who(pull)).to_arrow_table().to_pylist()
    return [parsed(row, "key", "id") for row in rows]
