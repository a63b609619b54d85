"""Promises 1 to 3 over random histories: edits, pulls, audits, arrivals, claims, crashes and lost answers.

The destination is a dictionary; everything else is the real code. ``PULLPUSH_SEEDS`` says how many histories.
"""

import datetime as dt
import itertools
import os
import random
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pytest

from pullpush_dagster.audit import audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.field_map import FieldMap
from pullpush_dagster.canonical.frame import PAGES, Frame, frame_of
from pullpush_dagster.canonical.keeping import FrameOf, keep_frame
from pullpush_dagster.canonical.shape import RecordShape
from pullpush_dagster.changes import Claimed, Settled, acknowledge, arrive, claim
from pullpush_dagster.changes.claiming import expire, wake
from pullpush_dagster.config import Pull, Push
from pullpush_dagster.store.schema import create_tables, next_number

PRODUCT = ENTITIES["product"]
FIELDS = {"title": ["a", "O'Hare é😀"], "price": [Decimal(0), Decimal("19.99")], "description": ["x", ""]}
SENT = {"title": str, "description": str, "price": lambda number: f"{number:.4f}"}
SKUS = ["é", "O'Hare \\"]
PUSH = Push.model_validate({"name": "to_shop", "from": "erp/product", "to": "shop"})
PULL = Pull(connection="erp", entity="product")
OFF = dict.fromkeys(("deleted", "zeroed", "changed", "price", "rows"))
START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
CLEARED = "cleared"


@dataclass
class Item:
    """What the destination holds under a key, and the version it came from."""

    id: str
    version: int = 0
    fields: dict[str, Any] = field(default_factory=dict)


class History:
    """A source that is edited, a store, and a destination that loses answers."""

    def __init__(self, seed: int, empty: Frame) -> None:
        self.rng, self.empty, self.minute = random.Random(seed), empty, 0
        self.con = duckdb.connect(config={"threads": 1})
        self.con.execute("SET TimeZone = 'UTC'")
        create_tables(self.con, new=True)
        self.source: dict[str, dict[str, Any]] = {}
        self.read: dict[str, dict[str, Any]] = {}  # pulled, not audited yet
        self.state: dict[str, dict[str, Any]] = {}  # the newest the source ever said, per key and field
        self.last: dict[str, dict[str, Any]] = {}  # what the last audit that saw a key read of it
        self.left_out: dict[str, dict[str, Any]] = {}  # what was unknown when the push began, and still is to it
        self.said: dict[str, dict[str, Any]] = {}  # the newest the source said since the push began, per key and field
        self.shop: dict[str, Item] = {}
        self.claims: list[list[Claimed]] = []
        self.ids = itertools.count(1)
        self.steps: list[str] = []

    # The source

    def edit(self) -> None:
        sku = self.rng.choice(SKUS)
        if self.rng.random() < 0.1:
            self.source.pop(sku, None)
            return
        record = self.source.setdefault(sku, {})
        for name in self.rng.sample(list(FIELDS), self.rng.randint(1, 3)):
            record.pop(name, None)
            kind = self.rng.random()
            if kind < 0.7:
                record[name] = self.rng.choice(FIELDS[name])
            elif kind < 0.85:
                record[name] = CLEARED

    def pull(self) -> None:
        """A full pull, or one of just some of the records."""
        self.minute += 1
        asked, full = START + dt.timedelta(minutes=self.minute), self.rng.random() < 0.6
        some = {sku: record for sku, record in self.source.items() if full or self.rng.random() < 0.5}
        rows = [self._row(sku, record, asked) for sku, record in some.items()]
        frame = Frame(pa.Table.from_pylist(rows, self.empty.rows.schema), self.empty.quarantined)
        number = next_number(self.con, "pull")
        kind = "full" if full else "sync"
        self.con.execute(
            "INSERT INTO pulls (pull, connection, name, scope, kind, startedAt) VALUES (?, 'erp', 'product', '', ?, ?)",
            [number, kind, asked],
        )
        keep_frame(self.con, PRODUCT, FrameOf("erp", "product", number, "", full, PRODUCT, asked), frame)
        self.read = {sku: record for sku, record in self.read.items() if not full} | {
            sku: dict(record) for sku, record in some.items()
        }

    def _row(self, sku: str, record: dict[str, Any], asked: dt.datetime) -> dict[str, Any]:
        known = {name: value for name, value in record.items() if value is not CLEARED}
        cleared = [name for name in PRODUCT.fields if record.get(name) is CLEARED]
        return {"sku": sku, **known, "_cleared": cleared, "_askedAt": asked, "_externalId": f'{{"id":"{ord(sku[0])}"}}',
                "_live": True}  # fmt: skip

    def audit(self) -> None:
        audit(self.con, PRODUCT, "erp", "product", "", OFF)
        for sku, record in self.read.items():
            self.last[sku] = record
            self.state.setdefault(sku, {}).update(record)
            # A value that comes back as it was is no change, so a push that began without it does not get it.
            same = {name for name, value in self.left_out.get(sku, {}).items() if record.get(name, value) == value}
            self.left_out[sku] = {name: value for name, value in self.left_out.get(sku, {}).items() if name in same}
            self.said.setdefault(sku, {}).update({name: record[name] for name in record if name not in same})
        self.read = {}

    # The destination

    def arrive(self) -> None:
        if not self.con.execute("SELECT 1 FROM positions").fetchall():
            # A push begins with the accepted state, of which the unknown is no part.
            self.said = {sku: dict(record) for sku, record in self.last.items()}
            for sku, record in self.state.items():
                self.left_out[sku] = {name: value for name, value in record.items() if name not in self.last[sku]}
        assert arrive(self.con, PUSH, PRODUCT, PULL).held == ()

    def claim(self) -> None:
        rows = claim(self.con, PUSH, PRODUCT, PRODUCT, frozenset(FIELDS), self.rng.randint(1, 4))
        if rows:
            self.claims.append(rows)

    def send(self) -> None:
        if self.claims:
            rows = self.claims.pop(self.rng.randrange(len(self.claims)))
            lost = {"accepted": 6, "rejected": 1, "retry": 2, "unknown": 3, "gone": 1, "other": 1, "crash": 2}
            for row in rows:
                self._send(row, self.rng.choices(list(lost), list(lost.values()))[0])

    def _send(self, row: Claimed, fate: str) -> None:
        """One record's request. A crash, like a lost answer, may come before or after the platform took it."""
        if not row.todo:
            self._settle(row, "skipped")
            return
        if fate == "gone":
            self.shop.pop(row.key, None)
            self._settle(row, "retry", unbind=True)
            return
        item = self.shop.get(row.key)
        assert not row.ids or item is None or row.ids == [{"id": item.id}], "a binding is of the item that is there"
        if row.ids and item is None:
            self._settle(row, "retry", unbind=True)
            return
        taken = fate in ("accepted", "other") or (fate in ("unknown", "crash") and self.rng.random() < 0.5)
        sent = self._sent(row, item)
        if taken:
            item = self.shop.setdefault(row.key, Item(f"i{next(self.ids)}"))
            assert row.sequence >= item.version, f"{row.key} went from {item.version} back to {row.sequence}"
            assert not any(value is None for value in sent.values()), "an unknown is never sent"
            item.version = row.sequence
            item.fields.update(sent)
        if fate == "other":
            item.fields[self.rng.choice(sorted(sent))] = "something else"
        if fate == "crash":
            self.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01' WHERE claim = ?", [row.claim])
        elif fate == "accepted":
            self._settle(row, fate, sent=sent, external_id=None if row.ids else {"id": item.id})
        else:
            self._settle(row, "retry" if fate == "other" else fate, lost=fate == "other")

    def _sent(self, row: Claimed, item: Item | None) -> dict[str, Any]:
        known = {**row.accepted, **row.desired}
        return {name: known[name] for name in FIELDS if name in known and (item is None or name in row.todo)}

    def _settle(self, row: Claimed, outcome: str, **more: Any) -> None:
        now = dt.datetime.now(dt.UTC)
        one = Settled(row, outcome, "", sent_at=now, bound_key=row.key, **more)
        acknowledge(self.con, PUSH, PRODUCT, PRODUCT, [one])

    def wake(self) -> None:
        expire(self.con, PUSH, PRODUCT)
        wake(self.con, PUSH)
        self.con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")

    # All of it

    def round(self) -> None:
        """Some edits, and what a run does with them; it may break off anywhere."""
        for _ in range(self.rng.randint(1, 3)):
            self.edit()
        for stage in (self.pull, self.audit, self.arrive):
            stage()
            if self.rng.random() < 0.12:
                break

    def run(self, steps: int) -> None:
        actions = {self.round: 9, self.claim: 8, self.send: 8, self.wake: 5}
        for action in self.rng.choices(list(actions), list(actions.values()), k=steps):
            self.steps.append(action.__name__)
            action()

    def calm(self) -> None:
        """Faults stop: what is under way ends unanswered, dead letters are tried again, and all is delivered."""
        self.pull()
        self.audit()
        self.arrive()
        self.claims = []
        self.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01', attempts = 0")
        self.con.execute("UPDATE outbox SET state = 'due' WHERE state = 'dead'")
        for _ in range(3):
            self.wake()
            for row in claim(self.con, PUSH, PRODUCT, PRODUCT, frozenset(FIELDS), 100):
                self._send(row, "accepted")

    def differences(self) -> dict[str, Any]:
        """Where the destination is not what the source last said, per key; keys it never got are not its business."""
        found = {}
        for sku, record in self.said.items():
            wanted, may_have = _told(record), _told(self.left_out.get(sku, {}))
            item = next((item for key, item in self.shop.items() if _sku(key) == sku), None)
            has = item and {name: value for name, value in item.fields.items() if may_have.get(name) != value}
            if has != wanted and not (has is None and (sku not in self.source or not wanted)):
                found[sku] = (wanted, has)
        return found


def _told(record: dict[str, Any]) -> dict[str, Any]:
    return {name: False if value is CLEARED else SENT[name](value) for name, value in record.items()}


def _sku(key: str) -> str:
    return str(orjson.loads(key)["sku"])


@pytest.fixture(scope="module")
def empty() -> Frame:
    page = pa.table({"walk": ["w"], "page": [1], "asked_at": [START], "body": ["[]"]}, schema=PAGES)
    fields = {"sku": FieldMap.model_validate("item.sku")}
    return frame_of(PRODUCT, fields, RecordShape((), {"id": "item.id"}), page, {})


@pytest.mark.parametrize("seed", range(int(os.environ.get("PULLPUSH_SEEDS", "3"))))
def test_after_faults_stop_the_destination_has_the_newest_of_everything(seed, empty):
    history = History(seed, empty)
    history.run(30)
    history.calm()
    assert history.differences() == {}, f"seed {seed}: {' '.join(history.steps)}"
    assert history.con.execute("SELECT count(*) FROM outbox").fetchall() == [(0,)], f"seed {seed}"
