"""One source on a real store: records go through frame_of -> take_up -> audit, as a pull's do."""

import datetime as dt
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pytest

from pullpush_dagster.audit import Audit, audit, take_up
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.field_map import FieldMap
from pullpush_dagster.canonical.frame import PAGES, Frame, frame_of
from pullpush_dagster.canonical.keeping import FrameOf, Kept
from pullpush_dagster.canonical.shape import RecordShape
from pullpush_dagster.store import Store
from pullpush_dagster.store.schema import next_number

START = dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
SHAPE = RecordShape((), {"id": "item.id"}, {"item.live": "true"}, False)
MAPS: dict[str, dict[str, Any]] = {
    "stocklevel": {"sku": "item.sku", "locationId": "item.loc", "quantity": "item.q", "updatedAt": "item.at"},
    "product": {
        "sku": "item.sku",
        "title": "item.title",
        "description": "item.description",
        "price": "item.price",
        "status": "item.status",
        "media": {"from": "item.media", "each": {"url": "each.url", "alt": "each.alt"}},
        "updatedAt": "item.at",
    },
    "order": {
        "orderId": "item.number",
        "status": "item.status",
        "totalAmount": "item.total",
        "note": "item.note",
        "customer": {
            "fields": {"name": "item.customer.name", "email": "item.customer.email", "phone": "item.customer.phone"}
        },
        "lineItems": {"from": "item.lines", "each": {"lineId": "each.id", "sku": "each.sku", "quantity": "each.q"}},
        "updatedAt": "item.at",
    },
}  # fmt: skip


def mapped(fields: Mapping[str, Any]) -> dict[str, FieldMap]:
    """A canonical_map as a connector file writes it."""
    return {name: FieldMap.model_validate(given) for name, given in fields.items()}


def pages(*bodies: str | list[Any], asked: Sequence[dt.datetime] = ()) -> pa.Table:
    """Raw pages as a pull spools them, one per body."""
    texts = [body if isinstance(body, str) else orjson.dumps(body).decode() for body in bodies]
    when = list(asked) or [START] * len(texts)
    columns = {"walk": ["all"] * len(texts), "page": range(len(texts)), "asked_at": when, "body": texts}
    return pa.table({name: list(values) for name, values in columns.items()}, schema=PAGES)


@dataclass
class Found:
    """What one audit found, its changes as (op, key, before, after); numbers are plain."""

    audit: Audit
    changes: list[tuple[str, Any, Any, Any]]


@dataclass
class Source:
    """One pull of one connection, with a clock of its own: each pull is a minute later than the last."""

    con: duckdb.DuckDBPyConnection
    entity: str
    connection: str = "erp"
    scope: str = ""
    map: dict[str, Any] = field(default_factory=dict)
    days: str | None = None
    bound_as: str = ""
    limits: dict[str, float | None] = field(default_factory=dict)
    minute: int = 0

    def frame(self, natives: list[Any], asked: float) -> Frame:
        """The frame of one page, asked for at that minute."""
        frame = _frame(self.entity, orjson.dumps(self.map or MAPS[self.entity]), orjson.dumps(natives).decode())
        return Frame(*(_asked_at(table, asked) for table in (frame.rows, frame.quarantined, frame.shadowed)))

    def pull(self, records: Iterable[Any], **how: Any) -> Kept:
        """Keep one pull without an audit."""
        frame, of = self._asked(records, **how)
        if not of.pull:
            of = replace(of, pull=next_number(self.con, "pull"))
            row = [of.pull, of.connection, of.name, of.scope, "full" if of.full else "sync", of.started_at]
            sql = "INSERT INTO pulls (pull, connection, name, scope, kind, startedAt) VALUES (?, ?, ?, ?, ?, ?)"
            self.con.execute(sql, row)
        return take_up(self.con, ENTITIES[self.entity], of, frame, self.limits)

    def _asked(
        self,
        records: Iterable[Any],
        *,
        kind: str = "full",
        started: float | None = None,
        asked: float | None = None,
        again: int = 0,
        short: int = 0,
        window: tuple[str, str] | None = None,
    ) -> tuple[Frame, FrameOf]:
        """``started``, ``asked``: minutes at which the pull began and its page was asked for; ``again``: the pull
        that is read anew; ``short``: how many records more the platform says there are."""
        self.minute += 1
        started = (self.minute if asked is None else asked) if started is None else started
        natives = [self.native(record) for record in records]
        frame = self.frame(natives, asked=started if asked is None else asked)
        of = FrameOf(
            self.connection, self.entity, again, self.scope, kind == "full", ENTITIES[self.bound_as or self.entity],
            START + dt.timedelta(minutes=started), self.days, window, len(natives), len(natives) + short,
        )  # fmt: skip
        return frame, of

    def native(self, record: Any) -> dict[str, Any]:
        """A native record; of stock, (sku, location, quantity) will do."""
        if isinstance(record, tuple):
            names = ("sku", "loc", "q")
            record = {name: value for name, value in zip(names, record, strict=True) if value is not MISSING}
        name = record.get("id") or f"{record.get('sku') or record.get('number')}@{record.get('loc', '')}"
        return {"id": name, "live": True, **record}

    def audit(self, **limits: float | None) -> Found:
        seen = self._newest()
        done = audit(self.con, ENTITIES[self.entity], self.connection, self.entity, self.scope, limits)
        sql = "SELECT op, key, before, after, cleared FROM changes WHERE connection = ? AND name = ? AND sequence > ?"
        rows = self.rows(f"{sql} ORDER BY sequence", self.connection, self.entity, seen)
        return Found(done, [self._told(*row) for row in rows])

    def __call__(self, records: Iterable[Any], **how: Any) -> Found:
        """Pull, then audit without limits."""
        self.pull(records, **how)
        return self.audit(**dict.fromkeys(("deleted", "zeroed", "changed", "price", "rows")))

    def _newest(self) -> int:
        sql = "SELECT coalesce(max(sequence), 0) FROM changes WHERE connection = ? AND name = ?"
        return int(self.rows(sql, self.connection, self.entity)[0][0])

    def _told(self, op: str, key: str, before: str, after: str | None, cleared: list[str] | None) -> Any:
        told = orjson.loads(after) if after is not None else None
        told = None if told is None else told | dict.fromkeys(cleared or [], False)
        key, was = orjson.loads(key), orjson.loads(before)
        if self.entity != "stocklevel":
            return op, key, was, told
        return op, key["sku"], _number(was.get("quantity")), _number((told or {}).get("quantity"))

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.con.execute(sql, list(values)).fetchall()

    def canonical(self, columns: str = "sku, quantity") -> list[tuple[Any, ...]]:
        """The source's rows as last pulled."""
        return self._table("canonical", columns, "true")

    def baseline(self, columns: str = "sku, quantity") -> list[tuple[Any, ...]]:
        """The source's rows as last accepted, without those that are gone."""
        return self._table("baseline", columns, "NOT _deleted")

    def _table(self, kind: str, columns: str, which: str) -> list[tuple[Any, ...]]:
        where = f"{which} AND _connection = '{self.connection}'"
        return self.rows(f"SELECT {columns} FROM {kind}_{self.entity} WHERE {where} ORDER BY ALL")

    def quarantined(self) -> dict[str, list[str]]:
        """key as JSON (or the external id, where there is no key) -> reasons."""
        rows = self.rows("SELECT coalesce(key, externalId), reasons FROM quarantine ORDER BY ALL")
        return dict(rows)

    def bindings(self) -> list[tuple[str, str, bool]]:
        return self.rows("SELECT key, id, live FROM bindings ORDER BY ALL")


def _asked_at(table: pa.Table, minute: float) -> pa.Table:
    at = table.schema.get_field_index("_askedAt")
    when = pa.array([START + dt.timedelta(minutes=minute)] * len(table), table.schema.field(at).type)
    return table.set_column(at, "_askedAt", when)


@cache
def _frame(entity: str, fields: bytes, body: str) -> Frame:
    """Tests read the same few records over and over."""
    return frame_of(ENTITIES[entity], mapped(orjson.loads(fields)), SHAPE, pages(body), {})


class _Missing:
    """A field that the native record does not have at all."""


MISSING = _Missing()


def _number(text: Any) -> Any:
    return Decimal(text) if isinstance(text, str) else text


@pytest.fixture(scope="session")
def missing() -> object:
    """Stands for a field that the native record does not have at all."""
    return MISSING


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with nothing in it but its tables, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "store.duckdb"
    with Store(path).session():
        return path


@pytest.fixture(scope="session")
def _store_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: a process keeps its DuckDB instance for as long as it opens the same path."""
    return tmp_path_factory.mktemp("kept") / "store"


@pytest.fixture
def store(_store_folder: Path, empty_store: Path) -> Store:
    """An empty store, in a folder of its own."""
    shutil.rmtree(_store_folder, ignore_errors=True)
    _store_folder.mkdir()
    return Store(shutil.copy(empty_store, _store_folder / "store.duckdb"))


@pytest.fixture(scope="session")
def _kept_stores(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    return tmp_path_factory.mktemp("stores"), {}


@pytest.fixture
def once(store: Store, request: pytest.FixtureRequest, _kept_stores: tuple[Path, dict[str, Any]]) -> Any:
    """Does something with the store once for all tests of a file: ``once("two products", pull_them)``.

    The others get a copy of the store as it was then, and of what came of it.
    """
    folder, results = _kept_stores

    def done(name: str, do: Callable[[], Any]) -> Any:
        name = f"{request.module.__name__} {name}"
        if name in results:
            shutil.rmtree(store.path.parent)
            shutil.copytree(folder / name, store.path.parent)
        else:
            found = deepcopy(do())
            shutil.copytree(store.path.parent, folder / name)
            results[name] = found
        return deepcopy(results[name])

    return done


@pytest.fixture(scope="session")
def _open_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty store that stays open: to open it anew took a tenth of the time of the tests that use it."""
    with Store(tmp_path_factory.mktemp("open") / "store.duckdb").session() as con:
        yield con


@pytest.fixture
def con(_open_store: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty store, open for the whole test, of which nothing stays."""
    yield _open_store
    _open_store.rollback()
    assert _open_store.execute("SELECT count(*) FROM counters").fetchone() == (0,), "a test has ended the transaction"
    _open_store.begin()


@pytest.fixture
def source(con: duckdb.DuckDBPyConnection) -> Any:
    """Makes a Source: ``source("product")``."""

    def make(entity: str = "stocklevel", **how: Any) -> Source:
        return Source(con, entity, **how)

    return make


@pytest.fixture
def stock(source: Any) -> Source:
    """Stock of one warehouse, WH, always pulled in full: ``stock([("A", "WH", 5)])``."""
    return source(scope="WH")


@pytest.fixture(scope="module")
def lasting_stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    """Stock like ``stock``, on one store for all tests of a file."""
    with Store(tmp_path_factory.mktemp("lasting") / "store.duckdb").session() as con:
        yield Source(con, "stocklevel", scope="WH")


@pytest.fixture
def products(source: Any) -> Source:
    """Products, pulled whole or in windows."""
    return source("product")


@pytest.fixture
def read() -> Any:
    """Reads native records by a map: ``read("product", {...}, [{...}])`` gives a Readout."""

    def frame(entity: str, fields: Mapping[str, Any], *bodies: Any, scope: Mapping[str, str] | None = None,
              asked: Sequence[dt.datetime] = (), **shape: Any) -> Readout:  # fmt: skip
        form = RecordShape(**{"each": (), "external_id": {"id": "item.id"}, **shape})
        return Readout(frame_of(ENTITIES[entity], mapped(fields), form, pages(*bodies, asked=asked), dict(scope or {})))

    return frame


@dataclass
class Readout:
    """A frame, with its rows and its faults as plain Python."""

    frame: Frame

    @property
    def rows(self) -> list[dict[str, Any]]:
        return self.frame.rows.to_pylist()

    @property
    def faults(self) -> dict[str, list[str]]:
        """key as JSON -> reasons of its quarantine."""
        return {row["_key"]: row["reasons"] for row in self.frame.quarantined.to_pylist()}

    def state(self, name: str) -> Any:
        """What the only row says of a field: its value, "cleared" or "unknown"."""
        (row,) = self.rows
        return "cleared" if name in row["_cleared"] else "unknown" if row[name] is None else row[name]

    def states(self, name: str) -> list[Any]:
        """The same for every row, in order of key."""
        return [
            "cleared" if name in row["_cleared"] else "unknown" if row[name] is None else row[name] for row in self.rows
        ]
