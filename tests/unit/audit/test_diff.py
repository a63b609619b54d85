"""Diff against a brute-force reading of its promise, over many random pairs of frames."""

import datetime as dt
import random
from decimal import Decimal
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pytest

from pullpush_dagster.audit import diff
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.types import ListOf, Scalar, Struct

TEXTS = ["", "a", "A", "é", "日本", "😀", "O'Hare", 'q"q', "\\", "x\ny", "null", "false", "0"]
NUMBERS = [Decimal(n) for n in ("0.0000", "1.0000", "1.0001", "-1.0000", "99999999999999.9999", "19.9900", "30.0000")]
TIMES = [dt.datetime(2026, 11, 1, hour, tzinfo=dt.UTC) for hour in range(8, 12)]
ARROW = {"text": pa.string(), "json": pa.string(), "decimal": pa.decimal128(18, 4), "integer": pa.int64(),
         "instant": pa.timestamp("us", tz="UTC")}  # fmt: skip
Row = dict[str, Any]


def arrow(type_):
    match type_:
        case Scalar(kind):
            return ARROW[kind]
        case Struct(fields):
            return pa.struct([(name, arrow(part)) for name, part in fields.items()])
        case ListOf(item):
            return pa.list_(arrow(item))


def some(rng, type_):
    match type_:
        case Scalar(kind):
            return rng.choice({"decimal": NUMBERS, "instant": TIMES, "integer": range(3)}.get(kind, TEXTS))
        case Struct(fields):
            return {name: some(rng, part) if rng.random() < 0.5 else None for name, part in fields.items()}
        case ListOf(item):
            return [some(rng, item) for _ in range(rng.randrange(3))]


def a_row(rng, entity, key, like=None):
    """A row whose fields are values, cleared or unknown; ``like`` another one in most of them."""
    row: Row = dict(zip(entity.key, key, strict=True)) | {
        "_cleared": [],
        "_askedAt": rng.choice(TIMES),
        "_unknown": None,
    }
    for name in entity.fields.keys() - set(entity.key):
        row[name] = None
        if like is not None and rng.random() < 0.6:
            row[name] = like[name]
            row["_cleared"] += [name] if name in like["_cleared"] else []
        elif rng.random() < 0.5:
            row[name] = some(rng, entity.fields[name])
        elif rng.random() < 0.5 and name in entity.compared:
            row["_cleared"].append(name)
    return row


def a_pair(rng, entity, size):
    keys = [tuple(f"{text}{number}" for text in rng.choices(TEXTS, k=len(entity.key))) for number in range(size)]
    baseline, snapshot = {}, {}
    for key in keys:
        where = rng.choice(["both", "both", "both", "baseline", "snapshot"])
        if where != "snapshot":
            baseline[key] = a_row(rng, entity, key)
            lost = [name for name in entity.compared if baseline[key][name] is not None and rng.random() < 0.2]
            baseline[key]["_unknown"] = [{"field": name, "since": rng.choice(TIMES)} for name in lost] or None
        if where != "baseline":
            snapshot[key] = a_row(rng, entity, key, baseline.get(key))
    return baseline, snapshot


def expected(entity, baseline, snapshot, *, absences):
    """What the docstring of ``diff`` promises, key by key and field by field."""
    found = {}
    for key in baseline.keys() | snapshot.keys():
        b, s = baseline.get(key), snapshot.get(key)
        if s is None:
            if absences:
                found[key] = ("absent", [], b, b["_cleared"], b["_unknown"])
            continue
        fields, merged, cleared, unknown = [], {}, [], []
        since = {} if b is None else {one["field"]: one["since"] for one in b["_unknown"] or []}
        for name in entity.fields:
            was, was_cleared = (None, False) if b is None else (b[name], name in b["_cleared"])
            is_, is_cleared = s[name], name in s["_cleared"]
            says_nothing = is_ is None and not is_cleared
            merged[name] = was if says_nothing else is_
            if name not in entity.compared:
                continue
            if (is_ is not None and is_ != was) or (is_cleared and not was_cleared):
                fields.append(name)
            if is_cleared or (says_nothing and was_cleared):
                cleared.append(name)
            if says_nothing and (was is not None or was_cleared):
                unknown.append({"field": name, "since": since.get(name, s["_askedAt"])})
        op = "insert" if b is None else "update" if fields else None
        if op or (unknown or None) != (b and b["_unknown"]):
            found[key] = (op, fields, merged, cleared, unknown or None)
    return found


def table(con, entity, name, rows):
    names = ["_cleared", "_askedAt", "_unknown"]
    types = [
        pa.list_(pa.string()),
        ARROW["instant"],
        pa.list_(pa.struct([("field", pa.string()), ("since", ARROW["instant"])])),
    ]
    schema = pa.schema([*((n, arrow(t)) for n, t in entity.fields.items()), *zip(names, types, strict=True)])
    con.register("given", pa.Table.from_pylist(list(rows.values()), schema))
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM given")


def told(entity, row):
    """The known values of a row as a change stores them: all text, without a null in any object."""

    def text(value):
        match value:
            case None:
                return None
            case dict():
                return {name: text(part) for name, part in value.items()}
            case list():
                return [text(part) for part in value]
            case dt.datetime():
                return f"{value:%Y-%m-%d %H:%M:%S}+00"
        return str(value)

    def known(value):
        return {name: part for name, part in value.items() if part is not None} if isinstance(value, dict) else value

    return {name: known(text(row[name])) for name in entity.compared if row is not None and row[name] is not None}


@pytest.fixture(scope="module")
def con():
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con


@pytest.mark.parametrize(
    ("name", "pairs", "size"), [("stocklevel", 280, 8), ("call", 20, 60), ("product", 14, 60), ("order", 8, 60)]
)
def test_diff_finds_just_what_differs(con, name, pairs, size):
    entity = ENTITIES[name]
    for seed in range(pairs):
        rng = random.Random(seed)
        baseline, snapshot = a_pair(rng, entity, size)
        table(con, entity, "baseline", baseline)
        table(con, entity, "snapshot", snapshot)
        absences = bool(seed % 2)
        found = diff(con, entity, "baseline", "snapshot", absences=absences).to_arrow_table().to_pylist()
        by_key = {tuple(row[part] for part in entity.key): row for row in found}
        wanted = expected(entity, baseline, snapshot, absences=absences)
        assert by_key.keys() == wanted.keys(), f"seed {seed}"
        for key, (op, fields, merged, cleared, unknown) in wanted.items():
            row, b, s = by_key[key], baseline.get(key), snapshot.get(key)
            same = (row["op"], row["fields"], row["_cleared"], row["_unknown"])
            assert (row["op"], row["fields"]) == (op, fields), f"seed {seed}: {same}"
            assert sorted(row["_cleared"]) == sorted(cleared), f"seed {seed}"
            assert row["_unknown"] == unknown, f"seed {seed}"
            assert {n: row[n] for n in merged if n in entity.fields} == {n: merged[n] for n in entity.fields}, (
                f"seed {seed}"
            )
            assert orjson.loads(row["before"]) == told(entity, b), f"seed {seed}"
            assert orjson.loads(row["after"]) == told(entity, s), f"seed {seed}"
            assert row["known_before"] is (b is not None)
            assert row["zeroed"] is _zeroed(entity, b, s), f"seed {seed}"
            assert row["jumped"] is _jumped(entity, b, s), f"seed {seed}"


def _zeroed(entity, b, s):
    was, is_ = _judged(entity.amount, b, s)
    return None not in (was, is_) and ((was != 0 and is_ == 0) or (was > 0 > is_))


def _jumped(entity, b, s):
    was, is_ = _judged(entity.price, b, s)
    return None not in (was, is_) and abs(is_ - was) > abs(was) / 2


def _judged(name, b, s):
    """The two sides of a field as the guard judges them; what was emptied is nothing, as 0 is."""
    if not (b and s and name):
        return None, None
    return b[name], 0 if name in s["_cleared"] else s[name]


@pytest.mark.parametrize("name", ["stocklevel", "product", "order"])
def test_a_frame_does_not_differ_from_itself(con, name):
    entity, rng = ENTITIES[name], random.Random(1)
    rows = {(f"{n}",) * len(entity.key): a_row(rng, entity, (f"{n}",) * len(entity.key)) for n in range(50)}
    table(con, entity, "baseline", rows)
    assert diff(con, entity, "baseline", "baseline", absences=True).fetchall() == []


@pytest.mark.parametrize("absences", [True, False])
def test_nothing_does_not_differ_from_nothing(con, absences):
    entity = ENTITIES["product"]
    table(con, entity, "baseline", {})
    table(con, entity, "snapshot", {})
    assert diff(con, entity, "baseline", "snapshot", absences=absences).fetchall() == []
