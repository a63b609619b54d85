"""No mass damage unasked: what a platform gives on its worst day, from its page to the outboxes of the destination.

Sixty products and their stock were pulled and delivered on good days. Then the disaster strikes, and goes on.
``PULLPUSH_PAGES`` says how many fuzzed pages go all the way, over a real socket.
"""

import asyncio
import contextlib
import json
import os
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response

from pullpush_dagster.audit import Audit, audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.config import Project
from pullpush_dagster.errors import PullPushError, RejectError, UnavailableError
from pullpush_dagster.held import approve, held
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.push import Pusher
from pullpush_dagster.store import Store
from tests.fuzzed import mutated
from tests.served import Served
from tests.supply import Supply, make_supply

COUNT = 60
FUZZED = int(os.environ.get("PULLPUSH_PAGES", "6"))
PATHS = {"product": "/products", "stocklevel": "/stock"}


def good():
    """What the warehouse has on a good day."""
    stamp = {"changed": "2026-11-01T10:00:00Z"}
    products = [{"id": n, "sku": f"Sku-{n:03}", "title": f"Cup {n}", "price": f"{n}.50", "currency": "EUR", **stamp}
                for n in range(1, COUNT + 1)]  # fmt: skip
    stock = [{"id": n, "sku": f"Sku-{n:03}", "loc": "WH", "q": 100 + n, **stamp} for n in range(1, COUNT + 1)]
    return {"/products": products, "/stock": stock}


@dataclass
class Day:
    """A project in which all was delivered, and its platforms."""

    project: Project
    supply: Supply

    @property
    def store(self) -> Store:
        return Store.of(self.project.state)

    def pull(self, entity: str) -> Audit:
        """Ask for everything, read it, and compare."""
        pull = self.project.pull(f"erp/{entity}")
        asyncio.run(pull_records(self.project, self.store, pull, Window("full"), lambda _: None))
        read_pulls(self.project, self.store, pull, "")
        with self.store.session() as con:
            return audit(con, ENTITIES[entity], "erp", entity, "", pull.guard.own())

    def queued(self, entity: str) -> dict[str, dict[str, object]]:
        """What the push brings into its outbox, by SKU."""
        name = f"{entity}_to_shop"
        Pusher(self.project, self.project.push(name), self.store).arrive()
        rows = self.rows("SELECT key, desired FROM outbox WHERE push = ?", name)
        return {json.loads(key)["sku"]: json.loads(desired) for key, desired in rows}

    def sync(self, entity: str) -> list[dict[str, object]]:
        """Pull and push; the records that the shop was sent."""
        self.pull(entity)
        return self.push(entity)

    def push(self, entity: str) -> list[dict[str, object]]:
        """The records that the shop was sent."""
        self.queued(entity)
        self.supply.writes.clear()
        pusher = Pusher(self.project, self.project.push(f"{entity}_to_shop"), self.store, patience=0.5)
        asyncio.run(pusher.send(lambda _: None))
        return list(self.supply.writes)

    def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        with self.store.session() as con:
            return con.execute(sql, list(values)).fetchall()


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory, server: Served) -> Iterator[Day]:
    """The good days."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUPPLY_KEY", "supply-secret")
        day = Day(make_supply(tmp_path_factory.mktemp("supply"), server.url), Supply(good()))
        server.route(day.supply)
        assert [len(day.sync(entity)) for entity in PATHS] == [COUNT, COUNT]
        yield day


@pytest.fixture
def day(delivered: Day, server: Served, tmp_path) -> Day:
    """The morning after: the same store, and the same platforms."""
    shutil.copy(delivered.store.path, tmp_path)
    items = {id_: dict(item) for id_, item in delivered.supply.items.items()}
    made = Day(Project(delivered.project.root, tmp_path), Supply(good(), items=items))
    server.route(made.supply)
    return made


def every(**edit):
    """A fault: each record has another value. A callable is told the old one."""

    def value(name, old):
        new = edit.get(name, old)
        return new(old) if callable(new) else new

    return lambda page, number: [{name: value(name, old) for name, old in row.items()} for row in page]


def answered(reply):
    """A fault: each request has that answer."""
    return lambda page, number: reply


FAILS = {
    "an empty body": (answered(Response(b"")), UnavailableError, "the platform answered 200 with nothing"),
    "HTML for JSON": (answered(HTMLResponse("<html>log in")), UnavailableError, "the platform answered 200 with HTML"),
    "an error as 200": (
        answered(JSONResponse({"error": "busy"})), RejectError, "page 1 has no list at body, but an object"
    ),
}  # fmt: skip
LACKS = "no longer has {} of 60 keys (limit 20%, at least 20)"
HELD = {
    "an empty list": ("stocklevel", answered(JSONResponse([])), [LACKS.format(60)]),
    "one page of three": ("stocklevel", lambda page, n: page if n == 1 else [], [LACKS.format(40)]),
    "all zero": ("stocklevel", every(q=0), ["sets to zero or less 60 of 60 keys (limit 10%, at least 20)"]),
    "negative stock": ("stocklevel", every(q=-5), ["sets to zero or less 60 of 60 keys (limit 10%, at least 20)"]),
    "prices times 100": (
        "product", every(price=lambda price: str(Decimal(price) * 100)),
        ["changes 60 of 60 keys (limit 30%, at least 20)",
         "moves the price by more than half of 60 of 60 keys (limit 1%, at least 20)"],
    ),
    "another currency": ("product", every(currency="USD"), ["changes 60 of 60 keys (limit 30%, at least 20)"]),
    "keys in lower case": ("product", every(sku=str.lower), [LACKS.format(60)]),
    "one key for all": ("product", every(sku="Sku-001"), ["no longer has 59 of 59 keys (limit 20%, at least 20)"]),
}  # fmt: skip
CHANGES_NOTHING = {
    "all unknown": ("stocklevel", every(q=None)),
    "all stamps moved by two hours": ("stocklevel", every(changed="2026-11-01T12:00:00Z")),
    "all stamps moved back by two hours": ("product", every(changed="2026-11-01T08:00:00Z")),
    "every key twice": ("product", lambda page, n: page + [{**row, "id": row["id"] + 1000} for row in page]),
    "numbers that are none": ("stocklevel", every(q="n/a")),
    "a byte order mark": (
        "product",
        lambda page, n: Response(b"\xef\xbb\xbf" + json.dumps(page).encode(), headers={"x-total": "60"}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("disaster", FAILS)
def test_what_is_no_page_fails_the_pull_and_nothing_of_it_is_stored(day, disaster):
    day.supply.fault, error, told = FAILS[disaster]
    before = day.rows("SELECT max(pull), max(audit) FROM pulls, audits")
    with pytest.raises(error, match=told):
        day.pull("stocklevel")
    assert day.rows("SELECT max(pull), max(audit) FROM pulls, audits") == before
    assert day.queued("stocklevel") == {}


@pytest.mark.parametrize("disaster", HELD)
def test_what_is_implausible_is_held_however_often_it_comes(day, disaster):
    entity, day.supply.fault, reasons = HELD[disaster]
    for _ in range(2):
        found = day.pull(entity)
        assert (found.state, list(found.reasons)) == ("held", reasons)
        assert day.queued(entity) == {}


@pytest.mark.parametrize("disaster", CHANGES_NOTHING)
def test_what_says_nothing_that_can_be_used_changes_nothing_however_often_it_comes(day, disaster):
    entity, day.supply.fault = CHANGES_NOTHING[disaster]
    for _ in range(2):
        found = day.pull(entity)
        assert (found.state, found.changes) == ("accepted", 0)
        assert day.queued(entity) == {}


def test_behind_a_byte_order_mark_the_page_is_read_as_any_other(day):
    _, day.supply.fault = CHANGES_NOTHING["a byte order mark"]
    day.supply.records["/products"][0]["title"] = "Mug"
    assert day.pull("product").changes == 1
    assert day.queued("product") == {"Sku-001": {"title": "Mug", "price": "1.5000", "currency": "EUR"}}


def test_after_the_disaster_the_next_good_pull_goes_through(day):
    _, day.supply.fault, _ = HELD["all zero"]
    day.pull("stocklevel")
    day.supply.fault = None
    day.supply.records["/stock"][0]["q"] = 3
    assert day.sync("stocklevel") == [{"quantity": 3}]
    assert held(day.project) == []


def test_only_a_person_can_let_it_through(day):
    _, day.supply.fault, _ = HELD["all zero"]
    day.pull("stocklevel")
    (one,) = held(day.project)
    approve(day.project, one.hash)
    # the destination's own guard looks too
    assert day.queued("stocklevel") == {}
    (other,) = held(day.project)
    approve(day.project, other.hash)
    assert len(day.push("stocklevel")) == COUNT


# Pages of which anything may be wrong.


def test_no_fuzzed_page_takes_more_than_a_limit_into_an_outbox_or_fails_in_any_way_of_its_own(delivered, server, day):
    pristine = day.store.path.with_suffix(".pristine")
    shutil.copy(day.store.path, pristine)
    for seed in range(FUZZED):
        rng = random.Random(seed)
        entity = rng.choice(list(PATHS))
        body = mutated(rng, good()[PATHS[entity]])
        day.supply.fault = lambda page, number, body=body: Response(
            body if number == 1 else b"[]", headers={"x-total": "60"}, media_type="application/json"
        )
        shutil.copy(pristine, day.store.path)
        with contextlib.suppress(PullPushError):
            day.pull(entity)
        queued = day.queued(entity)
        known = [sku for sku in queued if sku in {f"Sku-{n:03}" for n in range(1, COUNT + 1)}]
        zeroed = [sku for sku in known if Decimal(str(queued[sku].get("quantity", 1))) <= 0]
        assert len(zeroed) <= 20, f"seed {seed}"
        assert entity == "stocklevel" or len(known) <= 20, f"seed {seed}"
