"""The guard in bulk: thousands of bad pages that must do no mass damage, and of normal days that must not be held.

Pages are read, compared and judged by the engine's own parts, many in one table: each has keys of its own.
``PULLPUSH_FUZZ`` and ``PULLPUSH_NORMAL`` say how many. Page by page over a real socket: flows/test_disasters.py.
"""

import datetime as dt
import os
import random
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pytest

from pullpush_dagster.audit import diff
from pullpush_dagster.audit.guard import Counts, breaches
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.field_map import FieldMap
from pullpush_dagster.canonical.frame import PAGES, Frame, frame_of
from pullpush_dagster.canonical.shape import RecordShape
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.transport.client import Answer
from tests.fuzzed import mutated

FUZZ = int(os.environ.get("PULLPUSH_FUZZ", "2000"))
NORMAL = int(os.environ.get("PULLPUSH_NORMAL", "1000"))
RECORDS, BATCH = 30, 125
START = dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
FIELDS = {
    "stocklevel": {"sku": "item.sku", "locationId": "item.loc", "quantity": "item.q", "updatedAt": "item.at"},
    "product": {"sku": "item.sku", "title": "item.title", "price": "item.price", "currency": "item.currency",
                "status": "item.status", "updatedAt": "item.at"},
}  # fmt: skip


def good(entity: str, page: int, count: int = RECORDS) -> list[dict[str, Any]]:
    """A page of that number; no other page has its keys."""
    own = [{"id": f"{page}:{n}", "sku": f"{page}:S{n}", "at": "2026-11-01T10:00:00Z"} for n in range(count)]
    if entity == "stocklevel":
        return [{**row, "loc": "WH", "q": 5 + n} for n, row in enumerate(own)]
    more = {"currency": "EUR", "status": "active"}
    return [{**row, **more, "title": f"Cup {n}", "price": f"{5 + n}.50"} for n, row in enumerate(own)]


def read(entity: str, bodies: dict[int, bytes]) -> Frame:
    """The frame of pages by number."""
    rows = [
        {"walk": "all", "page": number, "asked_at": START, "body": body.decode()} for number, body in bodies.items()
    ]
    fields = {name: FieldMap.model_validate(path) for name, path in FIELDS[entity].items()}
    shape = RecordShape((), {"id": "item.id"})
    return frame_of(ENTITIES[entity], fields, shape, pa.Table.from_pylist(rows, PAGES), {})


@dataclass
class Compared:
    """What the engine makes of each page: its change set in numbers, and every row of it."""

    counts: dict[int, Counts]
    after: dict[int, list[dict[str, Any]]]


def compared(entity: str, before: Frame, now: Frame, pages: Iterable[int]) -> Compared:
    """Baseline and snapshot of many pages, page by page."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("given", before.rows)
        con.register("snapshot", now.rows)
        con.execute(
            "CREATE TEMP TABLE aside AS SELECT unnest(CAST(? AS VARCHAR[])) AS sku",
            [_skus(now.quarantined["_key"].to_pylist())],
        )
        con.execute(
            "CREATE TEMP TABLE baseline AS FROM given SELECT *,"
            " CAST(NULL AS STRUCT(field VARCHAR, since TIMESTAMPTZ)[]) AS _unknown WHERE sku NOT IN (FROM aside)"
        )
        known = Counter(_page(sku) for (sku,) in con.execute("SELECT sku FROM baseline").fetchall())
        found = diff(con, ENTITIES[entity], "baseline", "snapshot", absences=True).to_arrow_table().to_pylist()
    rows: dict[int, list[dict[str, Any]]] = {page: [] for page in pages}
    for row in found:
        rows.setdefault(_page(row["sku"]), []).append(row)
    return Compared({page: _counts(known[page], rows[page]) for page in rows}, rows)


def _counts(known: int, rows: list[dict[str, Any]]) -> Counts:
    ops = Counter(row["op"] for row in rows)
    updates = [row for row in rows if row["op"] == "update"]
    return Counts(
        known, ops["absent"], ops["insert"], ops["update"], 0,
        sum(row["zeroed"] for row in updates), sum(row["jumped"] for row in updates),
    )  # fmt: skip


def _skus(keys: list[str]) -> list[str]:
    return [sku for key in keys if isinstance(sku := orjson.loads(key)["sku"], str)]


def _page(sku: str) -> int:
    number, _, _ = sku.partition(":")
    return int(number) if number.isascii() and number.isdigit() else -1


# Bad pages.


def readable(entity: str, bodies: dict[int, bytes]) -> dict[int, bytes]:
    """Those of the pages that can be read; whatever fails for any but a reason of ours fails the test."""
    try:
        read(entity, bodies)
    except PullPushError:
        pass
    except Exception as error:
        if len(bodies) == 1:
            raise AssertionError(f"seed {next(iter(bodies))}: {error!r}") from error
    else:
        return bodies
    if len(bodies) == 1:
        return {}
    numbers = list(bodies)
    halves = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
    return {n: body for half in halves for n, body in readable(entity, {n: bodies[n] for n in half}).items()}


def arrived(entity: str, numbers: Iterable[int]) -> dict[int, bytes]:
    """Mutated pages that come through the transport and are lists, by their seed."""
    found = {}
    for number in numbers:
        body = mutated(random.Random(f"{entity} {number}"), good(entity, number))
        try:
            if isinstance(Answer(200, {}, body, START, None).body, list):
                found[number] = body
        except PullPushError:
            continue
    return found


@pytest.mark.parametrize("entity", FIELDS)
def test_no_bad_page_does_more_than_a_limit_allows(entity):
    unread = held = 0
    for first in range(0, FUZZ // 2, BATCH):
        numbers = range(first, min(first + BATCH, FUZZ // 2))
        bodies = readable(entity, arrived(entity, numbers))
        unread += len(numbers) - len(bodies)
        if not bodies:
            continue
        before = read(entity, {n: orjson.dumps(good(entity, n)) for n in bodies})
        made = compared(entity, before, read(entity, bodies), bodies)
        for number in bodies:
            if breaches(entity, {}, made.counts[number]):
                held += 1
            else:
                assert _damage(entity, number, made.after[number]) <= 20, f"seed {number}"
    # both happened often
    assert 0.02 < unread / (FUZZ // 2) < 0.5
    assert 0.1 < held / (FUZZ // 2) < 0.9


def _damage(entity: str, page: int, after: list[dict[str, Any]]) -> int:
    """How many known keys would be spoilt: no longer sold, or for products changed at all."""
    was = {(row["sku"], row.get("loc")) for row in good(entity, page)}
    known = [row for row in after if row["op"] in ("insert", "update") and (row["sku"], row.get("locationId")) in was]
    if entity == "product":
        return len(known)
    return sum(row["quantity"] is not None and row["quantity"] <= 0 for row in known)


# Normal days.


def a_day(rng: random.Random, entity: str, page: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A source in the evening and the evening after: business as usual in a shop of 20 to 400 keys."""
    count = rng.choice([20, 40, 100, 400])
    before = good(entity, page, count)
    now = [dict(row) for row in before]
    if entity == "stocklevel":
        for row in rng.sample(now, rng.randint(0, count)):
            row["q"] = max(1, row["q"] + rng.randint(-4, 30))
        for row in rng.sample(now, rng.randint(0, 20)):
            row["q"] = rng.choice([0, 0, -1])
    else:
        for row in rng.sample(now, rng.randint(0, max(20, int(0.3 * count)) - 20 or 1)):
            row["price"] = str(round(Decimal(row["price"]) * rng.choice([Decimal("0.9"), Decimal("1.05")]), 2))
        for row in rng.sample(now, rng.randint(0, 19)):
            row["price"] = rng.choice(["0.01", "999.00", None])
    gone = rng.sample(range(count), rng.randint(0, min(20, count)))
    now = [row for n, row in enumerate(now) if n not in gone]
    now += good(entity, page, count + rng.randint(0, 300))[count:]
    rng.shuffle(now)
    return before, now


@pytest.mark.parametrize("entity", FIELDS)
def test_no_normal_day_is_held(entity):
    days = {number: a_day(random.Random(f"{entity} {number}"), entity, number) for number in range(NORMAL // 2)}
    before = read(entity, {n: orjson.dumps(day[0]) for n, day in days.items()})
    now = read(entity, {n: orjson.dumps(day[1]) for n, day in days.items()})
    made = compared(entity, before, now, days)
    held = {f"seed {n}": found for n in days if (found := breaches(entity, {}, made.counts[n]))}
    assert held == {}
    assert sum(counts.changed for counts in made.counts.values()) > NORMAL
