"""Notes: what a destination took of keys with more to come, in files beside the store until the receipts are in it.

The next change of a key goes as soon as the one before was taken, and not only when the store has heard of that. If
the process dies then, the store alone would have the older one sent again, over the newer. A note that is on the disk
before the newer one goes is what keeps that from happening.
"""

import datetime as dt
import os
from collections.abc import Iterator, Sequence, Set
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as arrow

from pullpush_dagster.canonical import Entity
from pullpush_dagster.changes.behind import promote
from pullpush_dagster.changes.claiming import intend
from pullpush_dagster.changes.taken import Taken
from pullpush_dagster.config import Push
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.durable import make_folder, sync_names
from pullpush_dagster.store.sql import used

_SQL = named_sql(__package__, "notes.sql")
_NOTED = arrow.schema(
    [
        ("claim", arrow.string()),
        ("key", arrow.string()),
        ("sequence", arrow.int64()),
        ("left", arrow.string()),
        ("takenAt", arrow.timestamp("us", tz="UTC")),
    ]
)


def note(folder: Path, claim: Taken, places: Sequence[int], taken_at: dt.datetime) -> None:
    """Let it be known that those rows of ``claim``, each with another one after it, were taken. On the disk at return.

    Raises:
        OSError: they are not noted; what follows them must not be sent.
    """
    keys, sequences, after = claim.keys, claim.column("sequence"), claim.following
    taken = [(keys[place], sequences[place], claim.under_way(after[place])) for place in places]
    file = folder / f"{claim.claim}.jsonl"
    new = not file.exists()
    make_folder(folder)
    with file.open("ab") as out:
        # Each begins a line of its own, also after one that a full disk cut.
        out.write(b"\n" + orjson.dumps([taken_at, taken]))
        out.flush()
        os.fsync(out.fileno())
    if new:
        sync_names(folder)


def forget(folder: Path, claims: Set[str]) -> None:
    """Take away the notes of ``claims``, all receipts of which are in the store."""
    for claim in claims:
        (folder / f"{claim}.jsonl").unlink(missing_ok=True)


def sweep(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Take away the notes of claims that hold nothing any more. To be called before a transaction changes anything."""
    noted = {file.stem for file in folder.glob("*.jsonl")}
    if noted:
        held = con.execute(_SQL["held"]).fetchall()
        forget(folder, noted - {claim for (claim,) in held})


def heed(con: duckdb.DuckDBPyConnection, push: Push, entity: Entity, folder: Path) -> None:
    """What holders that died had noted is accepted: of each key, the change after the last noted one is its head.

    Whether that one was sent is not known, so what the destination has in its fields is not either.
    """
    files = list(folder.glob("*.jsonl"))
    if not files:
        return
    now = dt.datetime.now(dt.UTC)
    values = {"push": push.name, "now": now}
    gone = {claim for (claim,) in con.execute(_SQL["gone"], values).fetchall()}
    noted = [row for file in files if file.stem in gone for row in _noted(file)]
    if not noted:
        return
    columns: list[Any] = [list(column) for column in zip(*noted, strict=True)]
    con.register("noted", arrow.table(columns, schema=_NOTED))
    for step in ("receipts", "newest"):
        con.execute(_SQL[step], used(_SQL[step], values))
    intend(con, push, entity, con.execute(_SQL["left"]).to_arrow_table(), now)
    for step in ("passed", "done"):
        con.execute(_SQL[step], used(_SQL[step], values))
    promote(con, push, now, among="newest_noted")
    for step in ("tried", "drop"):
        con.execute(_SQL[step], used(_SQL[step], values))
    con.unregister("noted")


def _noted(file: Path) -> Iterator[tuple[str, str, int, str | None, dt.datetime]]:
    """Every note in ``file``, as a row of ``_NOTED``. A line that is cut was never relied on."""
    for line in file.read_bytes().split(b"\n"):
        try:
            taken_at, taken = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        for key, sequence, left in taken:
            yield file.stem, key, sequence, left, dt.datetime.fromisoformat(taken_at)
