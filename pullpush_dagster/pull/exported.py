"""The files of a bulk export as pages: records put together, counted, and laid where a page has them."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as arrow

from pullpush_dagster.canonical.native import json_path, steps_of
from pullpush_dagster.connectors.bulk_model import Bulk
from pullpush_dagster.connectors.model import PullFacts
from pullpush_dagster.errors import RejectError, RetryError
from pullpush_dagster.pull.bulk import Export
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.opening import scratch
from pullpush_dagster.store.sql import literal

_SQL = named_sql(__package__, "bulk.sql")
_BATCH = 20_000
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
    before, behind = _around(steps_of(pull.each))
    lines = (line for file in export.files for line in _lines(file)) if bulk.form == "jsonl" else _rows(export.files)
    with scratch() as con:
        con.execute(_SQL["lines"])
        count = _add(con, lines)
        if count < (export.count or 0):
            raise RetryError(f"the bulk export has {count} records, and its job says {export.count}; {_CUT}")
        _check(con, bulk.children)
        con.execute(_records(bulk.children, pull.whole))
        found = con.execute(_SQL["pages"], {"before": before, "behind": behind, "size": pull.pages.size})
        first = found.fetchone()
        yield first[0].encode() if first else f"{before}{behind}".encode()
        while page := found.fetchone():
            yield page[0].encode()


def _add(con: duckdb.DuckDBPyConnection, lines: Iterator[bytes]) -> int:
    """How many lines there were."""
    place = 0
    while batch := list(islice(lines, _BATCH)):
        places = arrow.array(range(place, place + len(batch)), arrow.int64())
        try:
            texts = arrow.array(batch, arrow.large_binary()).cast(arrow.large_string())
            con.register("batch", arrow.table({"place": places, "line": texts}))
            con.execute(_SQL["add"])
        except (arrow.ArrowInvalid, duckdb.ConversionException, duckdb.InvalidInputException):
            # What it says quotes the line, which may hold anything.
            raise RetryError(f"a line of the bulk export is no JSON: {_CUT}") from None
        finally:
            con.unregister("batch")
        place += len(batch)
    return place


def _check(con: duckdb.DuckDBPyConnection, children: Mapping[str, str]) -> None:
    placed = " OR ".join(_of_kind(kind, children) for kind in children) or "false"
    (found,) = con.execute(_SQL["faults"].format(placed=placed)).fetchall()
    no_object, misplaced, orphans = found
    if no_object or misplaced:
        what = "no object" if no_object else "children of a kind that has no place"
        raise RejectError(f"lines of the bulk export are {what}: {no_object or misplaced}")
    if orphans:
        raise RetryError(f"lines of the bulk export are children of a record that is not in it: {orphans}")


def _of_kind(kind: str, children: Mapping[str, str]) -> str:
    """SQL of whether a line goes where children of ``kind`` do."""
    others = ", ".join(literal(one) for one in children if one != "*")
    if kind != "*":
        return f"kind = {literal(kind)}"
    return f"kind NOT IN ({others})" if others else "true"


def _records(children: Mapping[str, str], whole: Mapping[str, Sequence[str]]) -> str:
    """The statement that puts parents and children together."""
    lists = [
        f", list(line ORDER BY place) FILTER ({_of_kind(kind, children)}) AS list_{number}"
        for number, kind in enumerate(children)
    ]
    parts = [
        _below(steps_of(path), f"coalesce(list_{number}, CAST([] AS JSON[]))")
        for number, path in enumerate(children.values())
    ]
    for path, allowed in whole.items():
        said = f"json_extract(line, {literal(json_path(path))})"
        parts.append(f"CASE WHEN {said} IS NULL THEN {_below(steps_of(path), literal(allowed[0]))} ELSE '{{}}' END")
    merged = f"json_merge_patch({', '.join(['line', *parts])})" if parts else "line"
    return _SQL["records"].format(merged=merged, lists="".join(lists))


def _below(steps: Sequence[str], value: str) -> str:
    """SQL of an object with ``value`` at ``steps``."""
    for step in reversed(steps):
        value = f"json_object({literal(step)}, {value})"
    return value


def _around(steps: Sequence[str]) -> tuple[str, str]:
    """What stands before and behind the records of a page."""
    opened = "".join(f"{{{orjson.dumps(step).decode()}:" for step in steps)
    return f"{opened}[", "]" + "}" * len(steps)


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as parts:
        yield from (line for line in parts if line.strip())


def _rows(files: Sequence[Path]) -> Iterator[bytes]:
    """Each row as a line of JSON. Names are on the first line of the first file, and may be on that of any other."""
    names: list[str] = []
    try:
        for file in files:
            with file.open(encoding="utf-8-sig", newline="") as text:
                rows = (row for row in csv.reader(text, strict=True) if row)
                first = next(rows, names)
                names = names or _unique(first)
                if first != names:
                    yield _line(names, first)
                for row in rows:
                    yield _line(names, row)
    except (csv.Error, UnicodeDecodeError):
        raise RetryError(f"a row of the bulk export cannot be read: {_CUT}") from None


def _unique(names: list[str]) -> list[str]:
    """``names``. Raises RejectError: two columns, or one and what is below it, are for one value."""
    above = {name[:place] for name in names for place, sign in enumerate(name) if sign == "."}
    if len({*names, *above}) < len(names) + len(above):
        raise RejectError("two columns of the bulk export are for one value")
    return names


def _line(names: Sequence[str], row: Sequence[str]) -> bytes:
    if len(row) != len(names):
        raise RetryError(f"a row of the bulk export has {len(row)} cells, and there are {len(names)} columns; {_CUT}")
    record: dict[str, Any] = {}
    for name, cell in zip(names, row, strict=True):
        *above, last = name.split(".")
        into = record
        for step in above:
            into = into.setdefault(step, {})
        into[last] = cell or None
    return orjson.dumps(_emptied(record) or record)


def _emptied(record: dict[str, Any]) -> dict[str, Any] | None:
    """``record`` with null for what is below it and has no value, as pages have it; None: it has none itself."""
    made = {name: _emptied(value) if isinstance(value, dict) else value for name, value in record.items()}
    return made if any(value is not None for value in made.values()) else None
