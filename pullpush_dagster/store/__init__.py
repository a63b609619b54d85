"""DuckDB: open, lock, transaction, schema."""

from pullpush_dagster.store.sql import named_sql
from pullpush_dagster.store.store import Store

__all__ = ["Store", "named_sql"]
