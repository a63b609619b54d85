"""The store's fixed tables and the numbers they hand out."""

import duckdb

from pullpush_dagster.store.sql import named_sql

_SQL = named_sql(__package__, "schema.sql")


def create_tables(con: duckdb.DuckDBPyConnection, *, new: bool) -> None:
    """Make every fixed table of a new store; an old one is left as it is."""
    if new or not con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'receipts'").fetchall():
        con.execute(_SQL["tables"])


def next_number(con: duckdb.DuckDBPyConnection, name: str, count: int = 1) -> int:
    """The first of ``count`` numbers no one else gets, from 1 up, in the caller's transaction."""
    row = con.execute(_SQL["next_number"], [count, name]).fetchone()
    if row is None:
        con.execute(_SQL["first_number"], [name, count])
        return 1
    return int(row[0]) - count + 1
