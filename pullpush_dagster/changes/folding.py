"""A push that sent each change by itself, and sends only the newest by now: what waits joins its head."""

import datetime as dt

import duckdb

from pullpush_dagster.changes.arriving import overlay
from pullpush_dagster.config import Push
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import runner

_SQL = named_sql(__package__, "folding.sql")


def fold(con: duckdb.DuckDBPyConnection, push: Push) -> None:
    """What waits behind the heads of ``push`` joins them; behind one that is under way it waits until that is answered.

    To be left, it would go over what is newer once each change is sent by itself again.
    """
    run = runner(con, _SQL, {}, {"push": push.name, "now": dt.datetime.now(dt.UTC)})
    if run("waits").fetchone():
        overlay(con)
        for step in ("last", "join", "stand_alone", "joined", "drop"):
            run(step)
