"""A push that goes to another destination by now begins anew there, as one that never sent anything."""

import datetime as dt

import duckdb

from pullpush_dagster.config import Push
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import runner

_SQL = named_sql(__package__, "redirect.sql")


def redirect(con: duckdb.DuckDBPyConnection, push: Push) -> None:
    """Where ``push`` had another destination when it last read a log, nothing of that is left.

    What was queued for that one is closed, with receipts: the new one is told all that is known, from the baseline.
    """
    run = runner(con, _SQL, {}, {"push": push.name, "to": push.to, "now": dt.datetime.now(dt.UTC)})
    if run("elsewhere").fetchone():
        for step in ("receipts", "outbox", "behind", "rivals", "affected", "holds", "positions"):
            run(step)
