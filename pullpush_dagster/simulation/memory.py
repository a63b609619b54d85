"""The store in memory: the same tables and transactions, with a crash point before and after each commit."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb

from pullpush_dagster.simulation.running import Points
from pullpush_dagster.store import Store
from pullpush_dagster.store.opening import scratch
from pullpush_dagster.store.schema import create_tables


class MemoryStore(Store):
    """A store that outlives its processes, as a file does, and costs no opening. ``staging`` is a real folder."""

    def __init__(self, folder: Path, points: Points) -> None:
        super().__init__(folder / "memory")
        self._points = points
        self._base = duckdb.connect()
        # In a process without a file of its own, as those that share the seeds are, DuckDB takes itself to be watched.
        self._base.execute("SET GLOBAL TimeZone = 'UTC'; SET enable_progress_bar = false")
        _hurry(self._base)
        create_tables(self._base, new=True)
        with scratch() as con:
            _hurry(con)

    @contextmanager
    def session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """As ``Store.session``."""
        name = _caller()
        self._points.reach(f"{name}, before")
        con = self._base.cursor()
        try:
            con.begin()
            yield con
            self._points.reach(f"{name}, not committed")
            con.commit()
        except BaseException:
            with suppress(duckdb.Error):
                con.rollback()
            raise
        finally:
            con.close()
        self._points.reach(f"{name}, committed")

    def close(self) -> None:
        """Forget all of it."""
        self._base.close()
        with scratch() as con:
            con.execute("RESET GLOBAL disabled_optimizers; RESET GLOBAL threads")


def _hurry(con: duckdb.DuckDBPyConnection) -> None:
    """Of a few rows, to think about a query takes longer than to answer it."""
    names = ",".join(name for (name,) in con.execute("SELECT name FROM duckdb_optimizers()").fetchall())
    con.execute("SET GLOBAL disabled_optimizers = $names", {"names": names})
    con.execute("SET GLOBAL threads = 1")


def _caller() -> str:
    """Whoever opened the session: above this function, the session itself and contextlib."""
    frame = sys._getframe(3)
    module = frame.f_globals["__name__"].removeprefix("pullpush_dagster.")
    return f"{module}.{frame.f_code.co_qualname}"
