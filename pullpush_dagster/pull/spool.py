"""Pages on their way from the platform to the store: one Arrow file, outside the store, gone when it is in."""

import contextlib
import datetime as dt
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as arrow

from pullpush_dagster.canonical.frame import PAGES
from pullpush_dagster.transport import Answer

_BATCH_BYTES = 8 * 1024 * 1024
_ABANDONED_SECONDS = 24 * 3600


class Spool:
    """Pages written as they come (schema ``PAGES``), read back once; its file goes when the ``with`` ends."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        self.path = folder / f"{uuid.uuid4().hex}.arrow"
        self._rows: list[tuple[str, int, dt.datetime, bytes]] = []
        self._waiting = 0
        self._beside: list[Path] = []
        self._writer = arrow.ipc.new_file(str(self.path), PAGES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with contextlib.suppress(arrow.ArrowInvalid):
            self._writer.close()
        for path in (self.path, *self._beside):
            path.unlink(missing_ok=True)

    def beside(self) -> Path:
        """Where another file may be written, which goes with this one."""
        self._beside.append(self.path.with_suffix(f".{len(self._beside)}.part"))
        return self._beside[-1]

    def write(self, walk: str, page: int, answer: Answer) -> None:
        """Add one page; kept in memory until 8 MiB are together."""
        self._rows.append((walk, page, answer.asked_at, answer.content))
        self._waiting += len(answer.content)
        if self._waiting > _BATCH_BYTES:
            self._flush()

    @contextlib.contextmanager
    def table(self) -> Iterator[arrow.Table]:
        """All pages written so far, memory-mapped; nothing may be written after."""
        self._flush()
        self._writer.close()
        with arrow.memory_map(str(self.path)) as file:
            yield arrow.ipc.open_file(file).read_all()

    def _flush(self) -> None:
        if self._rows:
            *columns, bodies = zip(*self._rows, strict=True)
            # Bytes stay bytes: the cast checks that they are UTF-8, and copies nothing.
            columns.append(arrow.array(bodies, arrow.large_binary()).cast(arrow.large_string()))
            self._writer.write_table(arrow.table(columns, schema=PAGES))
        self._rows, self._waiting = [], 0


def _sweep(folder: Path) -> None:
    """Take away what killed pulls left: files nobody has written to for a day."""
    for path in (*folder.glob("*.arrow"), *folder.glob("*.part")):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > _ABANDONED_SECONDS:
                path.unlink()
