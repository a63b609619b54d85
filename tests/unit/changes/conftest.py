"""One push's outbox over one source's change log."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import Arrival, Claimed, Settled, acknowledge, arrive, claim
from pullpush_dagster.changes.claiming import wake
from pullpush_dagster.config import Pull, Push


@dataclass
class Outbox:
    """A push to ``shop``. Keys are told by their first part alone."""

    con: duckdb.DuckDBPyConnection
    push: Push
    entity: str
    bound_as: str

    def arrive(self, connection: str = "erp") -> Arrival:
        entity = ENTITIES[self.entity]
        return arrive(self.con, self.push, entity, Pull(connection=connection, entity=self.entity))

    def wake(self) -> None:
        wake(self.con, self.push)

    def claim(self, limit: int = 100, fields: Iterable[str] = ()) -> dict[str, Claimed]:
        entity = ENTITIES[self.entity]
        known = frozenset(fields or entity.compared)
        rows = claim(self.con, self.push, entity, ENTITIES[self.bound_as], known, limit)
        return {_first(row.key): row for row in rows}

    def settle(self, row: Claimed, outcome: str, sent: Any = None, **more: Any) -> None:
        """What became of a claimed key. Accepted: everything that was to be sent was, unless ``sent`` says."""
        if outcome == "accepted" and sent is None:
            sent = {name: row.desired[name] for name in row.todo}
        now = dt.datetime.now(dt.UTC)
        more = {"sent_at": now if outcome != "waiting" else None, **more}
        one = Settled(row, outcome, more.pop("reason", f"it was {outcome}"), sent=sent, **more)
        acknowledge(self.con, self.push, ENTITIES[self.entity], ENTITIES[self.bound_as], [one])

    def deliver(self) -> None:
        """Bring everything there is to the destination."""
        self.arrive()
        for row in self.claim().values():
            self.settle(row, "accepted", external_id={"id": f"i{_first(row.key)}"}, bound_key=self._bound(row))

    def _bound(self, row: Claimed) -> str:
        key = orjson.loads(row.key)
        return orjson.dumps({name: key[name] for name in ENTITIES[self.bound_as].key}).decode()

    def heads(self, columns: str = "state") -> dict[str, Any]:
        """What the outbox holds, by key."""
        rows = self.con.execute(f"SELECT key, {columns} FROM outbox WHERE push = ?", [self.push.name]).fetchall()
        return {_first(key): rest[0] if len(rest) == 1 else rest for key, *rest in rows}

    def desired(self) -> dict[str, Any]:
        return {key: orjson.loads(text) for key, text in self.heads("desired").items()}

    def accepted(self) -> dict[str, Any]:
        """What the destination has, as far as we know, by key."""
        rows = self.con.execute("SELECT key, fields FROM accepted WHERE connection = 'shop'").fetchall()
        return {_first(key): orjson.loads(fields) for key, fields in rows}

    def receipts(self) -> list[tuple[str, str, str]]:
        sql = "SELECT key, outcome, reason FROM receipts WHERE push = ? ORDER BY answeredAt, key"
        rows = self.con.execute(sql, [self.push.name]).fetchall()
        return [(_first(key), outcome, reason) for key, outcome, reason in rows]

    def position(self) -> Any:
        found = self.con.execute("SELECT position, held FROM positions WHERE push = ?", [self.push.name]).fetchall()
        return found[0] if found else None


def _first(key: str) -> str:
    return str(next(iter(orjson.loads(key).values())))


@pytest.fixture
def outbox(con: duckdb.DuckDBPyConnection) -> Any:
    """Makes an Outbox: ``outbox(only={...})`` for stock, ``outbox("product")``."""

    def make(entity: str = "stocklevel", name: str = "to_shop", **more: Any) -> Outbox:
        given = {"name": name, "from": f"erp/{entity}", "to": "shop", **more}
        return Outbox(con, Push.model_validate(given), entity, "product" if entity == "stocklevel" else entity)

    return make


@pytest.fixture
def shop(outbox: Any) -> Outbox:
    """Stock of all locations, under the keys it has at its source."""
    return outbox()


@pytest.fixture
def catalogue(outbox: Any) -> Outbox:
    """Products."""
    return outbox("product")
