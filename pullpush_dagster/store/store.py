"""The one DuckDB file, opened for one short transaction at a time under a lock all processes share."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from pullpush_dagster.errors import HaltError, StoreBusyError
from pullpush_dagster.store.opening import attached
from pullpush_dagster.store.schema import create_tables

_MEMORY_LIMIT = "4GB"
_WAIT_SECONDS = 120.0


class Store:
    """The project's truth: pulls, canonical rows, baselines, the change log, outboxes and receipts.

    Folders beside its file: ``raw`` of raw pages, ``staging`` of what is on its way to become such, ``notes`` of what
    was accepted and has no receipt yet.

    DuckDB lets one process at a time open a file. So every use is: lock, open, one
    transaction, close. It costs 2-4 ms, so callers group their work; no caller may
    do network while it holds a session.
    """

    def __init__(self, path: Path, *, wait: float = _WAIT_SECONDS, memory_limit: str = _MEMORY_LIMIT) -> None:
        self.path = path
        self.staging = path.parent / "staging"
        self.raw = path.with_suffix(".raw")
        self.notes = path.with_suffix(".notes")
        self._wait = wait
        self._memory_limit = memory_limit

    @classmethod
    def of(cls, state: Path) -> "Store":
        """The store in a project's state folder."""
        make = _kept.get()
        return make(state) if make else cls(state / "pullpush.duckdb")

    @contextmanager
    def session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """An open connection inside one transaction; committed at the end, rolled back on any error.

        Raises:
            StoreBusyError: another process held the store for longer than ``wait`` seconds.
            HaltError: the file is no store, or its folder cannot be written to.
        """
        with self._locked() as died, self._opened(died=died) as con:
            try:
                con.begin()
                yield con
                con.commit()
            except BaseException:
                # Some errors end the transaction themselves; that there is none left must not hide them.
                with suppress(duckdb.Error):
                    con.rollback()
                raise

    @contextmanager
    def _locked(self) -> Iterator[bool]:
        """Whether who had the store last died meanwhile."""
        # Waiters poll out of step with each other, or two of them can starve a third.
        lock = FileLock(self.path.with_suffix(".lock"), poll_interval=random.uniform(0.005, 0.02))  # noqa: S311
        try:
            yield self._acquire(lock)
        finally:
            lock.release()

    def _acquire(self, lock: FileLock) -> bool:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=self._wait)
            died = bool(_read(self._holder))
            self._holder.write_text(str(os.getpid()))
        except Timeout:
            holder = _read(self._holder) or "unknown"
            raise StoreBusyError(f"the store was held by process {holder} for {self._wait:g} s") from None
        except OSError as error:
            # As where the folder is another user's, or its disk is full.
            raise HaltError(f"the store cannot be opened: {error.strerror}", folder=self.path.parent) from None
        return died

    @contextmanager
    def _opened(self, *, died: bool) -> Iterator[duckdb.DuckDBPyConnection]:
        if self.path.exists() and not self.path.stat().st_size:
            self.path.unlink()  # its maker was killed before it wrote anything; DuckDB would refuse it for ever
        new, opened = not self.path.exists(), False
        try:
            with attached(self.path, self._memory_limit, died=died) as con:
                opened = True
                create_tables(con, new=new)
                yield con
        finally:
            # What could not be opened may still have to be mended.
            if opened:
                with suppress(OSError):
                    os.truncate(self._holder, 0)

    @property
    def _holder(self) -> Path:
        """Names the process that has the store; empty: nobody has it, and who had it last went on living."""
        return self.path.with_suffix(".holder")


_kept: ContextVar[Callable[[Path], Store] | None] = ContextVar("kept", default=None)


@contextmanager
def kept_by(make: Callable[[Path], Store]) -> Iterator[None]:
    """In this context, the store of a state folder is the one that ``make`` gives."""
    token = _kept.set(make)
    try:
        yield
    finally:
        _kept.reset(token)


def _read(holder: Path) -> str:
    try:
        return holder.read_text()
    except OSError:
        return ""
