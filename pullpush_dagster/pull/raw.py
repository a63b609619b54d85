"""Raw pages at rest: a Parquet file for each pull, named by its number, in a folder beside the store.

Why they are not in it says decision 0015.
"""

from collections.abc import Set
from pathlib import Path

import pyarrow as arrow

from pullpush_dagster.pull.spool import Spool, pages_in
from pullpush_dagster.store import Store
from pullpush_dagster.store.durable import make_folder, sync_names


def put(store: Store, pull: int, spool: Spool) -> None:
    """Let the pages of ``spool``, which is finished, be those of ``pull``; they are on the disk when this returns.

    To be called in the transaction that stores the pull. If that fails, the next pull has this number, and its pages
    replace these.
    """
    make_folder(store.raw)
    spool.path.replace(_file(store, pull))
    sync_names(store.raw)


def pages(store: Store, pull: int) -> arrow.Table | None:
    """All pages of ``pull`` (schema ``PAGES``), in no order; None: its file is not there."""
    try:
        return pages_in(_file(store, pull))
    except FileNotFoundError:
        return None


def sweep(store: Store, kept: Set[int]) -> None:
    """Take away the files of all pulls but ``kept``. To be called in a transaction, so that no pull is being stored."""
    for file in store.raw.glob("*.parquet"):
        if not file.stem.isdecimal() or int(file.stem) not in kept:
            file.unlink(missing_ok=True)


def _file(store: Store, pull: int) -> Path:
    return store.raw / f"{pull}.parquet"
