"""One push's outbox over one source's change log."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import Arrival, Claimed, Settled, acknowledge, arrive, claim
from pullpush_dagster.changes.affected import Affected
from pullpush_dagster.changes.claiming import expire, wake
from pullpush_dagster.config import Pull, Push
from pullpush_dagster.dead import _letters, give_another_chance


@dataclass
class Outbox:
    """A push to ``shop``. Keys are told by their first part alone."""

    con: duckdb.DuckDBPyConnection
    push: Push
    entity: str
    bound_as: str
    affected: Affected | None = None

    def arrive(self, connection: str = "erp", beside: Sequence[Push] = (), places: Sequence[str] = ()) -> Arrival:
        """``places``: the locations that are still pulled; none: all at once."""
        cut = {"partitions": {"by": "locationId", "values": list(places)}} if places else {}
        pull = Pull.model_validate({"connection": connection, "entity": self.entity, **cut})
        return arrive(self.con, self.push, ENTITIES[self.entity], pull, beside=beside)

    def wake(self, *, asked: bool = True) -> None:
        expire(self.con, self.push, ENTITIES[self.entity], asked=asked)
        wake(self.con, self.push)

    def claim(self, limit: int = 100, fields: Iterable[str] = ()) -> dict[str, Claimed]:
        entity = ENTITIES[self.entity]
        known = frozenset(fields or entity.compared)
        rows = claim(self.con, self.push, entity, ENTITIES[self.bound_as], known, limit)
        return {_first(row.key): row for row in rows}

    def settle(self, row: Claimed, outcome: str, **more: Any) -> None:
        """What became of one claimed key. Accepted: everything that was to be sent was, unless ``sent`` says."""
        self._acknowledge([self._settled(row, outcome, **more)])

    def deliver(self) -> None:
        """Bring everything there is to the destination, which gives item A the id iA."""
        self.arrive()
        self._acknowledge(
            self._settled(row, "accepted", external_id={"id": f"i{key}"}, bound_key=self._bound(row))
            for key, row in self.claim().items()
        )

    def _settled(self, row: Claimed, outcome: str, **more: Any) -> Settled:
        now = dt.datetime.now(dt.UTC)
        sent = {name: row.desired[name] for name in row.todo} if outcome == "accepted" else None
        usual = {"reason": f"it was {outcome}", "sent": sent, "sent_at": None if outcome == "waiting" else now}
        return Settled(row, outcome, **{**usual, **more})

    def _acknowledge(self, settled: Iterable[Settled]) -> None:
        entity, bound_as = ENTITIES[self.entity], ENTITIES[self.bound_as]
        acknowledge(self.con, self.push, entity, bound_as, list(settled), affected=self.affected)

    def _bound(self, row: Claimed) -> str:
        key = orjson.loads(row.key)
        return orjson.dumps({name: key[name] for name in ENTITIES[self.bound_as].key}).decode()

    def heads(self, columns: str = "state") -> dict[str, Any]:
        """What the outbox holds, by key."""
        rows = self.con.execute(f"SELECT key, {columns} FROM outbox WHERE push = ?", [self.push.name]).fetchall()
        return {_first(key): rest[0] if len(rest) == 1 else rest for key, *rest in rows}

    def desired(self) -> dict[str, Any]:
        return {key: orjson.loads(text) for key, text in self.heads("desired").items()}

    def behind(self) -> dict[str, list[Any]]:
        """What waits behind each key's head, in order."""
        rows = self.con.execute("SELECT key, desired FROM behind WHERE push = ? ORDER BY sequence", [self.push.name])
        found: dict[str, list[Any]] = {}
        for key, desired in rows.fetchall():
            found.setdefault(_first(key), []).append(orjson.loads(desired))
        return found

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


@pytest.fixture
def replay(con: duckdb.DuckDBPyConnection) -> Any:
    """What ``pullpush replay ALL`` does of a push, on a store that is open; gives the causes."""

    def replayed(box: Outbox) -> list[str]:
        letters = [one for one in _letters(con) if one.sync == box.push.name]
        give_another_chance(con, letters, {box.push.name: (box.push, ENTITIES[box.entity])})
        return [one.cause for one in letters]

    return replayed


NAMES = {"WH": "default", "STORE": "default"}


@pytest.fixture
def both(source: Any, outbox: Any) -> tuple[Any, Any, Outbox]:
    """Two locations, and a push that gives them one name."""
    return source(scope="WH"), source(scope="STORE"), outbox(translate={"locationId": NAMES})
