"""The one DuckDB file, opened for one short transaction at a time under a lock all processes share."""

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from pullpush_dagster.errors import HaltError, StoreBusyError
from pullpush_dagster.store.schema import create_tables

_MEMORY_LIMIT = "4GB"
_WAIT_SECONDS = 120.0


class Store:
    """The project's truth: pulls, canonical rows, baselines, the change log, outboxes and receipts.

    DuckDB lets one process at a time open a file. So every use is: lock, open, one
    transaction, close. It costs 11-15 ms, so callers group their work; no caller may
    do network while it holds a session.
    """

    def __init__(self, path: Path, *, wait: float = _WAIT_SECONDS, memory_limit: str = _MEMORY_LIMIT) -> None:
        self.path = path
        self.staging = path.parent / "staging"
        self._wait = wait
        self._memory_limit = memory_limit

    @classmethod
    def of(cls, state: Path) -> "Store":
        """The store in a project's state folder."""
        return cls(state / "pullpush.duckdb")

    @contextmanager
    def session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """An open connection inside one transaction; committed at the end, rolled back on any error.

        Raises:
            StoreBusyError: another process held the store for longer than ``wait`` seconds.
            HaltError: the file is no store.
        """
        with self._locked():
            con = self._open()
            try:
                con.begin()
                yield con
                con.commit()
            except BaseException:
                # Some errors end the transaction themselves; that there is none left must not hide them.
                with suppress(duckdb.Error):
                    con.rollback()
                raise
            finally:
                con.close()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        holder = self.path.with_suffix(".holder")
        # Waiters poll out of step with each other, or two of them can starve a third.
        lock = FileLock(self.path.with_suffix(".lock"), poll_interval=random.uniform(0.005, 0.02))  # noqa: S311
        try:
            lock.acquire(timeout=self._wait)
        except Timeout:
            raise StoreBusyError(f"the store was held by process {_read(holder)} for {self._wait:g} s") from None
        try:
            holder.write_text(str(os.getpid()))
            yield
        finally:
            lock.release()

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self.path.exists() and not self.path.stat().st_size:
            self.path.unlink()  # its maker was killed before it wrote anything; DuckDB would refuse it for ever
        new = not self.path.exists()
        con = _connect(self.path)
        try:
            con.execute("SET TimeZone = 'UTC'")
            con.execute(f"SET memory_limit = '{self._memory_limit}'")
            con.execute("SET preserve_insertion_order = false")
            # Nothing is ever read from or written to another file through SQL, so that
            # no text from a platform can make the store do it.
            con.execute("SET enable_external_access = false")
            con.execute("SET python_enable_replacements = false")
            con.execute("SET lock_configuration = true")
            create_tables(con, new=new)
        except BaseException:
            con.close()
            raise
        return con


def _connect(path: Path, *, tries: int = 5) -> duckdb.DuckDBPyConnection:
    """DuckDB releases its own lock a moment after a killed process is gone, so the first open may be refused."""
    for left in reversed(range(tries)):
        try:
            return duckdb.connect(str(path), config={"storage_compatibility_version": "v1.5.0"})
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error):
                raise HaltError(f"the store cannot be opened: {error}") from None
            if not left:
                raise StoreBusyError("another program has the store open", file=path.name) from None
            time.sleep(0.2)
    raise AssertionError("unreachable")


def _read(holder: Path) -> str:
    try:
        return holder.read_text() or "unknown"
    except OSError:
        return "unknown"
