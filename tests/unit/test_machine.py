"""Promises 1, 2, 3 and 5 as a machine that hypothesis drives: whatever happens, and in whatever order, they hold.

The source and the shop are dictionaries; between them is the real code on a real store file: keep, audit, approve,
arrive, claim, acknowledge, replay. Quantities are numbers of edits, so a value tells its version; 0 is a sell-out.
``PULLPUSH_EXAMPLES`` says how many histories (unset: few, the same ones each time).
"""

import datetime as dt
import itertools
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from pullpush_dagster.audit import audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.field_map import FieldMap
from pullpush_dagster.canonical.frame import PAGES, Frame, frame_of
from pullpush_dagster.canonical.keeping import FrameOf, keep_frame
from pullpush_dagster.canonical.shape import RecordShape
from pullpush_dagster.changes import Claimed, Settled, acknowledge, arrive, claim
from pullpush_dagster.changes.claiming import expire, wake
from pullpush_dagster.config import Project
from pullpush_dagster.dead import dead_letters, replay
from pullpush_dagster.held import approve, held
from pullpush_dagster.store import Store
from pullpush_dagster.store.schema import next_number
from tests.supply import make_supply

EXAMPLES = os.environ.get("PULLPUSH_EXAMPLES")
STOCK, PRODUCT = ENTITIES["stocklevel"], ENTITIES["product"]
SKUS = [f"S{n:02}" for n in range(26)]
HOT = SKUS[:2]  # most of what happens, happens to these
PULL, PUSH, FIELDS = "erp/stocklevel", "stocklevel_to_shop", frozenset({"quantity"})
START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
UNKNOWN, CLEARED = "unknown", "cleared"
EDITS = ["more", "more", "sold out", "sold out", UNKNOWN, CLEARED, "gone"]
FATES = ["accepted", "accepted", "rejected", "retry", "unknown", "unknown, but taken", "crash", "crash, but taken"]
# Of so few keys none of them is less than 20.
LIMITS = {"changed": 0.3, "zeroed": 0.1, "deleted": 0.05}


@dataclass
class Asked:
    """Records as the source gave them at one moment; ``first``: the day that a window asks for."""

    kind: str
    minute: int
    records: dict[str, Any]
    first: str


@dataclass
class Item:
    """What the shop holds under a SKU: the value, the sequence it came with, and the newest edit it ever had."""

    value: Any = None
    sequence: int = 0
    newest: float = 0.0


class Promises(RuleBasedStateMachine):
    """A source that is edited, pulls that may come late, guards, people, and a shop that loses answers."""

    home: Path
    empty: Frame
    claims = Bundle("claims")

    @initialize()
    def begin(self) -> None:
        """A source and a shop that agree."""
        self.state = Path(tempfile.mkdtemp(dir=self.home))
        shutil.copy(self.home / "empty.duckdb", self.state / "pullpush.duckdb")
        self.project = Project(self.home / "project", self.state)
        self.store = Store.of(self.state)
        self.minute, self.edits = 0, itertools.count(1)
        self.source: dict[str, Any] = {sku: next(self.edits) for sku in SKUS}
        self.day = dict.fromkeys(SKUS, 1)
        self.shop: dict[str, Item] = {}
        self.approvals = 0
        self.waiting: list[Asked] = []
        self.pull_full()
        self.compare()
        self.read_log()
        self.serve(self.take(len(SKUS)), ["accepted"])

    # The source

    @rule(sku=st.sampled_from(HOT), to=st.sampled_from(EDITS))
    def edit(self, sku: str, to: str) -> None:
        self._edit(sku, to)

    @rule(to=st.sampled_from(["more", "sold out", "gone"]), many=st.sampled_from([20, 24]))
    def edit_many(self, to: str, many: int) -> None:
        """A stock-take, or a disaster: nobody can tell but a person."""
        for sku in SKUS[-many:]:
            self._edit(sku, to)

    @rule()
    def mend(self) -> None:
        """What was empty, unknown or gone by mistake is back."""
        for sku in SKUS:
            if not isinstance(self.source.get(sku), int) or not self.source[sku]:
                self._edit(sku, "more")

    def _edit(self, sku: str, to: str) -> None:
        self.day[sku] = 1 + self.minute // 10
        number = next(self.edits)
        if to == "gone":
            self.source.pop(sku, None)
        else:
            self.source[sku] = {"more": number, "sold out": 0}.get(to, to)

    # Pulls

    @rule()
    def pull_full(self) -> None:
        self.ask("full")
        self.keep(0)

    @rule(skus=st.sets(st.sampled_from(HOT), min_size=1))
    def pull_some(self, skus: set[str]) -> None:
        """A sync, which gives what was modified."""
        self.ask("sync", skus)
        self.keep(0)

    @rule(kind=st.sampled_from(["full", "sync", "window"]))
    def ask(self, kind: str, skus: set[str] | None = None) -> None:
        """A pull is under way; it may be kept late, after newer ones."""
        self.minute += 1
        day = 1 + self.minute // 20
        some = {sku: value for sku, value in self.source.items()
                if (kind != "window" or self.day[sku] == day) and (skus is None or sku in skus)}  # fmt: skip
        self.waiting.insert(0, Asked(kind, self.minute, some, f"2026-11-{day:02}"))

    @precondition(lambda self: self.waiting)
    @rule(place=st.sampled_from([0, -1]))
    def keep(self, place: int) -> None:
        """The newest of what is under way, or the oldest, comes into the store and is read."""
        one = self.waiting.pop(place)
        asked = START + dt.timedelta(minutes=one.minute)
        rows = [self._row(sku, value, asked) for sku, value in one.records.items()]
        frame = Frame(pa.Table.from_pylist(rows, self.empty.rows.schema), self.empty.quarantined)
        window = (one.first, f"{one.first[:-2]}{int(one.first[-2:]) + 1:02}") if one.kind == "window" else None
        with self.store.session() as con:
            number = next_number(con, "pull")
            con.execute("INSERT INTO pulls (pull, connection, name, scope, kind, startedAt) VALUES (?, ?, ?, '', ?, ?)",
                        [number, *PULL.split("/"), one.kind, asked])  # fmt: skip
            of = FrameOf("erp", "stocklevel", number, "", one.kind == "full", PRODUCT, asked, "2026-11-01", window)
            keep_frame(con, STOCK, of, frame)

    def _row(self, sku: str, value: Any, asked: dt.datetime) -> dict[str, Any]:
        return {
            "sku": sku, "locationId": "WH", "quantity": value if isinstance(value, int) else None,
            "updatedAt": START + dt.timedelta(days=self.day[sku] - 1),
            "_cleared": ["quantity"] if value == CLEARED else [],
            "_askedAt": asked, "_externalId": f'{{"id":"{sku}"}}', "_live": True,
        }  # fmt: skip

    # Audits, and people

    @rule()
    def compare(self) -> None:
        with self.store.session() as con:
            audit(con, STOCK, "erp", "stocklevel", "", LIMITS)

    @rule()
    def approve_oldest(self) -> None:
        for one in held(self.project)[:1]:
            self.approvals += one.guard == "pull"
            approve(self.project, one.hash)

    # The push

    @rule()
    def read_log(self) -> None:
        push = self.project.push(PUSH)
        with self.store.session() as con:
            expire(con, push, STOCK)
            arrive(con, push, STOCK, self.project.pull(PULL))
            wake(con, push)

    @rule(target=claims, limit=st.sampled_from([1, 5, 100]))
    def take(self, limit: int) -> list[Claimed]:
        with self.store.session() as con:
            return claim(con, self.project.push(PUSH), STOCK, PRODUCT, FIELDS, limit)

    @rule(rows=claims, fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=4))
    def serve(self, rows: list[Claimed], fates: list[str]) -> None:
        """Send what was claimed, unless its lease ran out meanwhile. An answer may be lost before or after the deed."""
        with self.store.session() as con:
            sql = "SELECT claim, key FROM outbox WHERE state = 'claimed' AND leaseUntil > now()"
            ours = set(con.execute(sql).fetchall())
            settled = [
                one
                for row, fate in zip(rows, itertools.cycle(fates), strict=False)
                if (row.claim, row.key) in ours
                for one in (self._send(row, fate) if row.todo else [Settled(row, "skipped")])
            ]
            acknowledge(con, self.project.push(PUSH), STOCK, PRODUCT, settled)
            if any(fate.startswith("crash") for fate in fates):
                con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01' WHERE state = 'claimed'")

    def _send(self, row: Claimed, fate: str) -> list[Settled]:
        if fate == "accepted" or fate.endswith("but taken"):
            self._take_in(row)
        outcome = fate.partition(",")[0]
        if outcome == "crash":
            return []
        sent = {name: row.desired[name] for name in row.todo} if outcome == "accepted" else None
        bound = orjson.dumps({"sku": orjson.loads(row.key)["sku"]}).decode()
        return [Settled(row, outcome, "", sent=sent, sent_at=dt.datetime.now(dt.UTC), bound_key=bound,
                        external_id=None if row.ids or not sent else {"id": f"i-{row.key}"})]  # fmt: skip

    def _take_in(self, row: Claimed) -> None:
        value = row.known["quantity"]
        item = self.shop.setdefault(orjson.loads(row.key)["sku"], Item())
        assert value is not None, "promise 3: an unknown is never sent"
        assert row.sequence >= item.sequence, f"promise 2: {row.key} goes from {item.sequence} back to {row.sequence}"
        item.value, item.sequence = value, row.sequence
        if value is not False and float(value):
            assert float(value) >= item.newest, f"promise 2: {row.key} had {item.newest}, now {value}"
            item.newest = float(value)

    @rule()
    def hurry(self) -> None:
        """Time passes: what waits for its next attempt is due."""
        with self.store.session() as con:
            con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")

    @rule()
    def replay_all(self) -> None:
        if dead_letters(self.project):
            replay(self.project, "ALL")

    # What always holds

    @invariant()
    def nothing_past_a_limit_is_in_the_log_unless_a_person_approved_it(self) -> None:
        with self.store.session() as con:
            over = con.execute(
                "SELECT audit, op FROM changes WHERE audit > 1 AND op <> 'insert' GROUP BY ALL HAVING count() > 20"
            ).fetchall()
        assert len(over) <= self.approvals, f"promise 5: of {over} only {self.approvals} were approved"

    def teardown(self) -> None:
        """Faults stop: the newest is asked for, people look at what is held, and all is delivered."""
        self.waiting.clear()
        with self.store.session() as con:
            con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01', attempts = 0")
        for _ in range(3):
            self.pull_full()
            self.compare()
            self.read_log()
            for _ in range(3):
                self.approve_oldest()
                self.read_log()
            self.replay_all()
            self.hurry()
            self.serve(self.take(100), ["accepted"])
        known = {sku: value for sku, value in self.source.items() if value != UNKNOWN}
        wanted = {sku: False if value == CLEARED else f"{value}.0000" for sku, value in known.items()}
        assert {sku: self.shop[sku].value for sku in known} == wanted, "promise 1: the newest of everything"
        assert held(self.project) == []
        with self.store.session() as con:
            assert con.execute("SELECT * FROM outbox").fetchall() == []
        shutil.rmtree(self.state)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, empty_store: Path) -> Path:
    """A project, and an empty store to be copied."""
    folder = tmp_path_factory.mktemp("machine")
    make_supply(folder / "project", "http://127.0.0.1:9")
    shutil.copy(empty_store, folder / "empty.duckdb")
    return folder


def test_the_promises_hold_in_every_history(home):
    Promises.home = home
    page = pa.table({"walk": ["w"], "page": [1], "asked_at": [START], "body": ["[]"]}, schema=PAGES)
    fields = {name: FieldMap.model_validate(f"item.{name}") for name in ("sku", "locationId")}
    Promises.empty = frame_of(STOCK, fields, RecordShape((), {"id": "item.id"}), page, {})
    run_machine(
        Promises,
        settings=settings(
            max_examples=int(EXAMPLES or 2), stateful_step_count=20, deadline=None, derandomize=not EXAMPLES,
            database=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip
