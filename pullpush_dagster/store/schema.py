"""The store's fixed tables and the numbers they hand out."""

import re

import duckdb

from pullpush_dagster.store.sql import named_sql

_SQL = named_sql(__package__, "schema.sql")
_TABLES = set(re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", _SQL["tables"]))


def create_tables(con: duckdb.DuckDBPyConnection, *, new: bool) -> None:
    """Make every fixed table of a new store, and those that an older version did not have."""
    if new or _TABLES - {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}:
        con.execute(_SQL["tables"])


def next_number(con: duckdb.DuckDBPyConnection, name: str, count: int = 1) -> int:
    """The first of ``count`` numbers no one else gets, from 1 up, in the caller's transaction."""
    row = con.execute(_SQL["next_number"], [count, name]).fetchone()
    if row is None:
        con.execute(_SQL["first_number"], [name, count])
        return 1
    return int(row[0]) - count + 1
