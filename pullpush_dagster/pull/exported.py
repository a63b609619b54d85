"""The files of a bulk export as pages: records put together, counted, and laid where a page has them."""

import csv
from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import orjson

from pullpush_dagster.canonical.native import steps_of
from pullpush_dagster.canonical.shape import placed
from pullpush_dagster.connectors.bulk_model import Bulk
from pullpush_dagster.connectors.model import PullFacts
from pullpush_dagster.connectors.template import at
from pullpush_dagster.errors import RejectError, RetryError
from pullpush_dagster.pull.bulk import Export
from pullpush_dagster.transport.answer import read_json

_CUT = "the file was cut, or is not what it says it is"
# A cell may be a whole description.
csv.field_size_limit(64 * 1024 * 1024)


def pages_of(pull: PullFacts, bulk: Bulk, export: Export) -> Iterator[bytes]:
    """Bodies of at most ``pages.size`` records each, in the order of the files and as ``pull`` describes a page.

    One that has no record is the only one.

    Raises:
        RetryError: a line, a row or a record is missing or broken off.
        RejectError: the records have another form than the connector describes.
    """
    read = _from_lines if bulk.form == "jsonl" else _from_rows
    records = (_whole(record, pull.whole) for record in read(bulk, export))
    page = list(islice(records, pull.pages.size))
    yield orjson.dumps(placed(page, steps_of(pull.each)))
    while page := list(islice(records, pull.pages.size)):
        yield orjson.dumps(placed(page, steps_of(pull.each)))


def _whole(record: dict[str, Any], whole: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """``record``; what comes apart is never cut, so where it does not say whether it is whole it now does."""
    for path, allowed in whole.items():
        if at(record, path) is None:
            _put(record, path, allowed[0])
    return record


def _put(record: dict[str, Any], path: str, value: Any) -> None:
    *above, last = steps_of(path)
    for step in above:
        if not isinstance(record.get(step), dict):
            record[step] = {}
        record = record[step]
    record[last] = value


def _enough(count: int, export: Export) -> None:
    if count < (export.count or 0):
        raise RetryError(f"the bulk export has {count} records, and its job says {export.count}; {_CUT}")


def _from_lines(bulk: Bulk, export: Export) -> Iterator[dict[str, Any]]:
    """Each parent with its children. Where lines are is held in memory, what they say is not."""
    found = [_Lines(file, bulk.children) for file in export.files if file.stat().st_size]
    _enough(sum(lines.count for lines in found), export)
    for lines in found:
        yield from lines.records()


class _Lines:
    """One file of lines. Children may come long after their parents, or before them."""

    def __init__(self, file: Path, places: Mapping[str, str]) -> None:
        self._places, self._paths = {kind: number for number, kind in enumerate(places)}, list(places.values())
        self._parents: dict[str, tuple[array[int], ...]] = {}
        self._roots = array("Q")
        with file.open("rb") as content:
            self._text = mmap(content.fileno(), 0, access=ACCESS_READ)
        self.count = sum(1 for _ in self._noted())

    def _noted(self) -> Iterator[None]:
        """Note where each line is and whose it is."""
        offset = 0
        while line := self._text.readline():
            if line.strip():
                self._note(_object(line), offset)
                yield
            offset += len(line)

    def _note(self, record: dict[str, Any], offset: int) -> None:
        parent = record.get("__parentId")
        if parent is None:
            self._roots.append(offset)
            return
        place = self._places.get(str(record.get("__typename")), self._places.get("*"))
        if place is None:
            raise RejectError("lines of the bulk export are children of a kind that has no place")
        if str(parent) not in self._parents:
            self._parents[str(parent)] = tuple(array("Q") for _ in self._paths)
        self._parents[str(parent)][place].append(offset)

    def records(self) -> Iterator[dict[str, Any]]:
        """Each parent, in order, with its children in theirs. Raises RetryError: one has no parent."""
        none, found = ((),) * len(self._paths), set[str]()
        with self._text:
            for offset in self._roots:
                record = _object(self._line(offset))
                # A parent may come twice, and each time it has all of them.
                id_ = str(record.get("id"))
                kept = self._parents.get(id_, none)
                if kept is not none:
                    found.add(id_)
                for path, children in zip(self._paths, kept, strict=True):
                    _put(record, path, [orjson.Fragment(self._line(child)) for child in children])
                yield record
        if len(found) < len(self._parents):
            orphans = f"{len(self._parents) - len(found)} such parents"
            raise RetryError(f"lines of the bulk export are children of a record that is not in it: {orphans}")

    def _line(self, offset: int) -> bytes:
        self._text.seek(offset)
        return self._text.readline()


def _object(line: bytes) -> dict[str, Any]:
    try:
        _, found = read_json(line)
    except orjson.JSONDecodeError:
        # What it says quotes the line, which may hold anything.
        raise RetryError(f"a line of the bulk export is no JSON: {_CUT}") from None
    if not isinstance(found, dict):
        raise RejectError("a line of the bulk export is no object")
    return found


def _from_rows(_: Bulk, export: Export) -> Iterator[dict[str, Any]]:
    count = 0
    for record in _rows(export.files):
        yield record
        count += 1
    _enough(count, export)


def _rows(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Each row as an object. Names are on the first line of the first file, and may be on that of any other."""
    names: list[str] = []
    try:
        for file in files:
            with file.open(encoding="utf-8-sig", newline="") as text:
                rows = (row for row in csv.reader(text, strict=True) if row)
                first = next(rows, names)
                names = names or _unique(first)
                if first != names:
                    yield _row(names, first)
                for row in rows:
                    yield _row(names, row)
    except (csv.Error, UnicodeDecodeError):
        raise RetryError(f"a row of the bulk export cannot be read: {_CUT}") from None


def _unique(names: list[str]) -> list[str]:
    """``names``. Raises RejectError: two columns, or one and what is below it, are for one value."""
    above = {name[:place] for name in names for place, sign in enumerate(name) if sign == "."}
    if len({*names, *above}) < len(names) + len(above):
        raise RejectError("two columns of the bulk export are for one value")
    return names


def _row(names: Sequence[str], row: Sequence[str]) -> dict[str, Any]:
    if len(row) != len(names):
        raise RetryError(f"a row of the bulk export has {len(row)} cells, and there are {len(names)} columns; {_CUT}")
    record: dict[str, Any] = {}
    for name, cell in zip(names, row, strict=True):
        *above, last = name.split(".")
        into = record
        for step in above:
            into = into.setdefault(step, {})
        into[last] = cell or None
    return {name: _emptied(value) for name, value in record.items()}


def _emptied(value: Any) -> Any:
    """``value``; null for an object nothing below which has a value, as pages have it."""
    if not isinstance(value, dict):
        return value
    made = {name: _emptied(below) for name, below in value.items()}
    return made if any(below is not None for below in made.values()) else None
