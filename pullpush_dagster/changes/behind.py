"""Where each change is delivered: later changes of a key wait behind its head, and go one after the other."""

import datetime as dt

import duckdb

from pullpush_dagster.config import Push
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import used

_SQL = named_sql(__package__, "behind.sql")


def line_up(con: duckdb.DuckDBPyConnection, push: Push, now: dt.datetime) -> None:
    """Put what the temporary table ``addressed`` has behind what waits already; then every key has a head.

    With ``on_dead: skip`` a head that was given up, or waits for its item, is closed where a later change follows; else
    just one whose key had no way to the destination, and has one by now.
    """

    def run(step: str) -> duckdb.DuckDBPyConnection:
        return con.execute(_SQL[step], used(_SQL[step], {"push": push.name, "now": now}))

    run("line_up")
    skips = push.on_dead == "skip"
    ((closed,),) = run("skipped" if skips else "given_up").fetchall()
    passing = ("passed_receipts", "pass_over", "passed_over")
    for step in (*(() if skips else ("unrouted",)), *passing) if closed else ():
        run(step)
    run("drop_closed")
    promote(con, push, now)


def promote(con: duckdb.DuckDBPyConnection, push: Push, now: dt.datetime, among: str | None = None) -> None:
    """The first change behind each key without a head becomes its head.

    Args:
        among: a table; only the keys in it are looked at.
    """
    only = f" AND key IN (SELECT key FROM {among})" if among else ""
    values = {"push": push.name, "now": now}
    for step in ("next", "promote", "promoted", "drop"):
        sql = _SQL[step].format(only=only)
        con.execute(sql, used(sql, values))
