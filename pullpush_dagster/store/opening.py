"""Opening the store's file: one DuckDB instance per process, to which the file is attached while it is used.

To make an instance takes 9 ms, to attach a file to one 1 ms (DuckDB 1.5.5).
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pullpush_dagster.errors import HaltError, StoreBusyError
from pullpush_dagster.store.mending import mend, place_of_block, torn_at
from pullpush_dagster.store.sql import literal

_LOG = logging.getLogger(__name__)

_guard = threading.Lock()
# One for the store that was used last, one for work in memory; a process forked from this one makes its own.
_instances: dict[str, tuple[tuple[object, ...], duckdb.DuckDBPyConnection]] = {}


@contextmanager
def attached(path: Path, memory_limit: str, *, died: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own whose tables are those of the file at ``path``; at the end the file is closed.

    Args:
        died: whether who had it open last died meanwhile, and may have left a block half written, which is mended.

    Raises:
        StoreBusyError: another program has the file open.
        HaltError: the file is no store.
    """
    known = path.resolve(), memory_limit
    con = _cursor("store", lambda: _for_store(*known), *known)
    try:
        try:
            if died and path.exists():
                _make_whole(con, path)
            _attach(con, path)
            yield con
        finally:
            _detach(con)
    finally:
        con.close()


@contextmanager
def scratch() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection for work in memory alone, times in UTC, rows in no order; its temporary tables go with it."""
    con = _cursor("scratch", _for_memory)
    try:
        yield con
    finally:
        con.close()


def _detach(con: duckdb.DuckDBPyConnection) -> None:
    """What was committed is in the file by now, if it was attached. An instance that cannot let go of it is not used
    again.
    """
    try:
        con.execute("USE memory")
        con.execute("DETACH DATABASE IF EXISTS store")
    except duckdb.Error:
        with _guard:
            _instances.pop("store", None)


def _cursor(use: str, make: Callable[[], duckdb.DuckDBPyConnection], *known: object) -> duckdb.DuckDBPyConnection:
    """A connection to this process's instance for ``use``; another one is made when what is ``known`` has changed."""
    wanted = os.getpid(), *known
    with _guard:
        if use not in _instances or _instances[use][0] != wanted:
            _instances[use] = wanted, make()
        return _instances[use][1].cursor()


def _for_memory() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:")
    con.execute("SET GLOBAL TimeZone = 'UTC'; SET GLOBAL enable_external_access = false")
    con.execute("SET GLOBAL preserve_insertion_order = false")
    return con


def _for_store(path: Path, memory_limit: str) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:", config={"storage_compatibility_version": "v1.5.0"})
    con.execute("SET GLOBAL TimeZone = 'UTC'")
    con.execute(f"SET GLOBAL memory_limit = {literal(memory_limit)}")
    con.execute("SET GLOBAL preserve_insertion_order = false")
    # The file is closed after each transaction, which writes the log into it; a commit that does so at once needs
    # no log, and takes a quarter less than both.
    con.execute("SET GLOBAL checkpoint_threshold = '1KB'")
    # Nothing else is ever read from or written to a file through SQL, so that no text from a platform can
    # make the store do it.
    con.execute(f"SET GLOBAL temp_directory = {literal(f'{path}.tmp')}")
    own = ", ".join(literal(f"{path}{end}") for end in ("", ".wal", ".wal.checkpoint", ".wal.recovery"))
    con.execute(f"SET GLOBAL allowed_paths = [{own}]")
    con.execute("SET GLOBAL enable_external_access = false")
    con.execute("SET GLOBAL python_enable_replacements = false")
    con.execute("SET GLOBAL lock_configuration = true")
    return con


def _make_whole(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Mend every block of metadata that was left half written: those DuckDB reads at once, and those it reads late."""
    mended: set[int] = set()
    while True:
        try:
            _attach(con, path)
            break
        except HaltError as error:
            at = torn_at(error)
            if at is None or not mend(path, at):
                raise
            mended.add(at)
    blocks = con.execute("SELECT block_id FROM pragma_metadata_info()").fetchall()
    # Who closes a file lets go of all locks that its process has on it, so DuckDB's comes after that.
    _detach(con)
    mended |= {at for (block,) in blocks if mend(path, at := place_of_block(block))}
    if mended:
        _LOG.warning("%s: who used it last died while it wrote; the block it left half written is mended", path.name)


def _attach(con: duckdb.DuckDBPyConnection, path: Path, *, tries: int = 5) -> None:
    """DuckDB releases its own lock a moment after a killed process is gone, so the first try may be refused."""
    for left in reversed(range(tries)):
        try:
            con.execute(f"ATTACH {literal(str(path.resolve()))} AS store (STORAGE_VERSION 'v1.5.0')")
        except duckdb.IOException as error:
            if "Could not set lock" not in str(error):
                raise HaltError(f"the store cannot be opened: {error}") from None
            if not left:
                raise StoreBusyError("another program has the store open", file=path.name) from None
            time.sleep(0.2)
        else:
            con.execute("USE store")
            return
    raise AssertionError("unreachable")
