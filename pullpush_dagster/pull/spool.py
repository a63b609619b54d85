"""Pages on their way from the platform: one Parquet file, which stays if the pull does (``raw``)."""

import contextlib
import datetime as dt
import os
import time
import uuid
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as arrow
from pyarrow import parquet

from pullpush_dagster.canonical.frame import PAGES
from pullpush_dagster.transport import Answer

_BATCH_BYTES = 8 * 1024 * 1024
_ABANDONED_SECONDS = 24 * 3600


class Spool:
    """Pages written as they come (schema ``PAGES``); its file goes when the ``with`` ends, if nobody has moved it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        self.path = folder / f"{uuid.uuid4().hex}.parquet"
        self._rows: list[tuple[str, int, dt.datetime, bytes]] = []
        self._waiting = 0
        self._beside: list[Path] = []
        # No two bodies are alike, so neither a dictionary nor the least and the greatest of them help anybody.
        self._writer = parquet.ParquetWriter(
            self.path, PAGES, compression="zstd", use_dictionary=False, write_statistics=False
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            self._writer.close()
        finally:
            for path in (self.path, *self._beside):
                path.unlink(missing_ok=True)

    def beside(self) -> Path:
        """Where another file may be written, which goes with this one."""
        self._beside.append(self.path.with_suffix(f".{len(self._beside)}.part"))
        return self._beside[-1]

    def write(self, walk: str, page: int, answer: Answer) -> None:
        """Add one page; kept in memory until 8 MiB are together."""
        self._rows.append((walk, page, answer.asked_at, answer.text))
        self._waiting += len(answer.text)
        if self._waiting > _BATCH_BYTES:
            self._flush()

    def finish(self) -> None:
        """All pages are in the file now, and the file on the disk; nothing may be written after."""
        self._close()
        with self.path.open("rb") as file:
            os.fsync(file.fileno())

    def table(self) -> arrow.Table:
        """All pages; nothing may be written after."""
        self._close()
        return pages_in(self.path)

    def _close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            *columns, bodies = zip(*self._rows, strict=True)
            # Bytes stay bytes: the cast checks that they are UTF-8, and copies nothing.
            columns.append(arrow.array(bodies, arrow.large_binary()).cast(arrow.large_string()))
            self._writer.write_table(arrow.table(columns, schema=PAGES))
        self._rows, self._waiting = [], 0


def pages_in(path: Path) -> arrow.Table:
    """All pages in a finished spool's file (schema ``PAGES``)."""
    with parquet.ParquetFile(path) as file:
        return file.read()


def _sweep(folder: Path) -> None:
    """Take away what killed pulls left: files nobody has written to for a day."""
    for path in (*folder.glob("*.parquet"), *folder.glob("*.arrow"), *folder.glob("*.part")):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()
