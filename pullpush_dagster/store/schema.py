"""The store's fixed tables and the numbers they hand out."""

import zlib

import duckdb

from pullpush_dagster.store.sql import named_sql

_SQL = named_sql(__package__, "schema.sql")
_VERSION = zlib.crc32(_SQL["tables"].encode())


def create_tables(con: duckdb.DuckDBPyConnection, *, new: bool) -> None:
    """Make every fixed table of a new store, and what an older version of them did not have. All or nothing."""
    if new or _version(con) != _VERSION:
        con.begin()
        con.execute(_SQL["tables"])
        con.execute(_SQL["forget_version"])
        con.execute(_SQL["set_version"], [_VERSION])
        con.commit()


def _version(con: duckdb.DuckDBPyConnection) -> int | None:
    try:
        known = con.execute(_SQL["version"]).fetchone()
    except duckdb.CatalogException:  # not even its first table is there
        return None
    return known[0] if known else None


def next_number(con: duckdb.DuckDBPyConnection, name: str, count: int = 1, *, among: str | None = None) -> int:
    """The first of ``count`` numbers no one else gets, from 1 up, in the caller's transaction.

    Args:
        among: what the names of counters begin with that go on from each other's last number; None: it alone does.
    """
    values = {"name": name, "count": count, "among": name if among is None else among}
    row = con.execute(_SQL["next_number"], values).fetchone() or con.execute(_SQL["first_number"], values).fetchone()
    assert row is not None  # noqa: S101
    return int(row[0]) - count + 1
