"""Orders on their way to a tiny ERP, which keeps their lines, products and people apart."""

import asyncio
import datetime as dt
import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from starlette.responses import JSONResponse

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import Claimed
from pullpush_dagster.config import Project
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.push import Pusher
from pullpush_dagster.push.references import References

ORDERS: dict[str, Any] = {
    "find": {"post": "/orders/find", "json": {"refs": "{keys}"}, "field": "orderId", "match": "item.ref"},
    "read": {"post": "/orders/read", "json": {"ids": "{ids:integer}"}, "match": "item.id"},
    "agree": {"currency": "item.currency"},
    "references": {
        "product": {
            "of": "lineItems.sku", "post": "/products/find", "json": {"codes": "{keys}"}, "match": "item.code",
        },
        "customer": {
            "of": "customer.email", "lowered": True,
            "post": "/people/find", "json": {"emails": "{keys}"}, "match": "item.email",
            "otherwise": "{settings.guest:integer}",
            "create": {
                "post": "/people/create", "at": "people",
                "record": {"name": "{customer.name}", "email": "{customer.email}"},
                "defaults": {"name": "{customer.email}"},
            },
        },
    },
    "create": {
        "post": "/orders/create", "at": "orders", "unless": {"status": ["cancelled", "failed"]},
        "record": {"ref": "{orderId}", "customer": "{reference.customer:integer}", "lines": "{lines}"},
    },
    "update": [{"post": "/orders/write", "record": {"id": "{binding.id:integer}", "lines": "{lines}"}}],
    "lines": {
        "field": "lineItems", "key": "lineId",
        "post": "/lines/find", "json": {"orders": "{ids:integer}"}, "match": "item.order",
        "same": {"product": "item.product"}, "values": {"quantity": "item.quantity", "unitPrice": "item.price"},
        "final": "item.delivered",
        "new": {"product": "{reference.product:integer}", "quantity": "{line.quantity}", "price": "{line.unitPrice}"},
        "changed": {"id": "{row.id:integer}", "quantity": "{line.quantity}", "price": "{line.unitPrice}"},
        "gone": {"id": "{row.id:integer}", "quantity": 0},
    },
    "actions": {
        "field": "status", "state": "item.state",
        "to": {
            "pending": {"is": "draft"},
            "paid": {"is": "sale", "from": "draft", "request": {
                "post": "/orders/confirm", "record": {"id": "{binding.id:integer}"}}},
            "cancelled": {"is": "cancel", "from": ["draft", "sale"], "request": {
                "post": "/orders/cancel", "record": {"id": "{binding.id:integer}"}}},
        },
    },
    "batch": 10,
    "settle": 0.05,
}  # fmt: skip


@pytest.fixture
def order_facts() -> Any:
    """Makes the push facts of orders: the usual ones, with some parts replaced."""
    return lambda **parts: PushFacts.model_validate({**ORDERS, **parts})


class Erp:
    """A tiny ERP. ``instead``: path -> an answer given without doing anything; ``after``: one given once it is done."""

    def __init__(self) -> None:
        self.orders: dict[int, dict[str, Any]] = {}
        self.lines: dict[int, dict[str, Any]] = {}
        self.people: dict[int, dict[str, Any]] = {}
        self.products = [{"id": 1, "code": "A"}, {"id": 2, "code": "B"}]
        self.asked: list[str] = []
        self.instead: dict[str, Any] = {}
        self.after: dict[str, Any] = {}

    def __call__(self, seen: Any) -> Any:
        self.asked.append(seen.path)
        if seen.path in self.instead:
            return self.instead[seen.path]
        answer = getattr(self, seen.path[1:].replace("/", "_"))(**json.loads(seen.body))
        return self.after.get(seen.path) or JSONResponse(answer)

    def orders_find(self, refs: list[str]) -> Any:
        return [{"id": id_, **order} for id_, order in self.orders.items() if order["ref"] in refs]

    def orders_read(self, ids: list[int]) -> Any:
        return [{"id": id_, **order} for id_, order in self.orders.items() if id_ in ids]

    def lines_find(self, orders: list[int]) -> Any:
        return [{"id": id_, **line} for id_, line in self.lines.items() if line["order"] in orders]

    def products_find(self, codes: list[str]) -> Any:
        return [one for one in self.products if one["code"] in codes]

    def people_find(self, emails: list[str]) -> Any:
        return [{"id": id_, "email": one["email"].lower()} for id_, one in self.people.items()
                if one["email"].lower() in emails]  # fmt: skip

    def people_create(self, people: list[dict[str, Any]]) -> Any:
        return [self._made("people", one) for one in people]

    def orders_create(self, orders: list[dict[str, Any]]) -> Any:
        return [self._order(**order) for order in orders]

    def orders_write(self, id: int, lines: list[dict[str, Any]]) -> Any:
        for line in lines:
            self.lines[line.pop("id", 0) or self._made("lines", {"order": id, "delivered": 0})] |= line
        return True

    def orders_confirm(self, id: int) -> Any:
        self.orders[id]["state"] = "sale"

    def orders_cancel(self, id: int) -> Any:
        self.orders[id]["state"] = "cancel"

    def _order(self, lines: Any = (), **order: Any) -> int:
        id_ = self._made("orders", {"state": "draft", "currency": "EUR", **order})
        return self.orders_write(id_, list(lines)) and id_

    def _made(self, kind: str, one: dict[str, Any]) -> int:
        held = getattr(self, kind)
        id_ = {"orders": 10, "lines": 20, "people": 30}[kind] + len(held)
        held[id_] = dict(one)
        return id_

    def told(self) -> Any:
        """Every order as (reference, state, its rows as (product, quantity, price))."""
        return [(order["ref"], order["state"], [(row["product"], row["quantity"], row["price"])
                 for row in self.lines.values() if row["order"] == id_])
                for id_, order in self.orders.items()]  # fmt: skip


@pytest.fixture
def erp(platform: Any) -> Erp:
    made = Erp()
    platform.route(made)
    return made


@pytest.fixture
def con() -> None:
    """Not held here: a push opens the store itself."""
    return


MAP = {
    "orderId": "item.number", "status": "item.status", "currency": "item.currency",
    "customer": {"fields": {"name": "item.customer.name", "email": "item.customer.email"}},
    "lineItems": {"from": "item.lines", "each": {
        "lineId": "each.id", "sku": "each.sku", "quantity": "each.q", "unitPrice": "each.p"}},
}  # fmt: skip


def line(id_: Any = "1", sku: Any = "A", q: Any = "2", p: Any = "3.3333") -> dict[str, Any]:
    """A native line of an order."""
    return {"id": id_, "sku": sku, "q": q, "p": p}


def order(number: str = "5", status: Any = "paid", lines: Any = None, **more: Any) -> dict[str, Any]:
    """A native order of one line."""
    usual = {"currency": "EUR", "customer": {"name": "Zoë", "email": "Zoe@x.example"}, "live": True}
    return {"number": number, "status": status, "lines": [line()] if lines is None else lines, **usual, **more}


class Orders:
    """Orders of ``shop`` on their way to ``erp``, both of the tiny kind."""

    def __init__(self, tiny: Any, store: Any, source: Any, **facts: Any) -> None:
        entity = {
            "pull": {"get": "/orders", "pages": {"style": "none"}},
            "canonical_map": {"orderId": "item.id"},
            "binding": {"id": "item.id"},
            "push": {**ORDERS, **facts},
        }
        tiny.connector(entities={"order": entity}, optional_settings=["guest"], limits={"attempts": 1})
        self.project = _project(tiny)
        self.store, self.source = store, source
        self.pusher = Pusher(self.project, self.project.push("orders"), store, patience=0.0)

    def pull(self, *orders: Any, connection: str = "shop") -> None:
        with self.store.session() as con:
            made = self.source("order", connection=connection, map=MAP)
            made.con, made.minute = con, con.execute("SELECT count(*) FROM pulls").fetchall()[0][0]
            made(orders, kind="sync")

    def send(self, patience: float = 0.0, *, due: bool = True) -> dict[str, str]:
        """One run of the push; each key's last outcome in it. ``due``: what was put back is due now."""
        self.pusher.patience = patience
        self.pusher.arrive()
        if due:
            self.rows("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01' WHERE state = 'due'")
        outcomes = asyncio.run(self.pusher.send(lambda _: None)).outcomes
        return {json.loads(key)["orderId"]: outcome for key, outcome in outcomes.items()}

    def rows(self, sql: str) -> list[Any]:
        with self.store.session() as con:
            return con.execute(sql).fetchall()

    def left(self) -> list[Any]:
        """What is still to be sent: (state, reason)."""
        return self.rows("SELECT state, reason FROM outbox ORDER BY key")

    def bound(self) -> Any:
        """The ids of the orders at the ERP, and of their rows."""
        return [json.loads(ids) for (ids,) in self.rows("SELECT externalId FROM bindings WHERE connection = 'erp'")]


def _project(tiny: Any) -> Project:
    (tiny.root / "assets").mkdir()
    for name in ("shop", "outlet", "erp"):
        said = tiny.connection().model_dump() | {"connection": name}
        said["settings"] |= {"guest": "99"}
        (tiny.root / "resources" / f"{name}.yaml").write_text(yaml.safe_dump(said))
    pulls = [{"type": "pullpush_dagster.Pull", "attributes": {"connection": name, "entity": "order"}}
             for name in ("shop", "outlet")]  # fmt: skip
    push = {"name": "orders", "from": ["shop/order", "outlet/order"], "to": "erp", "mode": "live", "lanes": 1}
    documents = [*pulls, {"type": "pullpush_dagster.Push", "attributes": push}]
    (tiny.root / "assets" / "defs.yaml").write_text(yaml.safe_dump_all(documents))
    return Project(tiny.root, tiny.root / "data")


@pytest.fixture
def orders(tiny: Any, store: Any, source: Any) -> Any:
    """Makes a push of orders, with some parts of the connector's facts replaced."""
    return lambda **facts: Orders(tiny, store, source, **facts)


@pytest.fixture
def native() -> Any:
    """Makes native orders and lines: ``native.order("5", lines=[native.line("1")])``."""
    return SimpleNamespace(order=order, line=line)


# One claimed order.


def row(id_: str = "1", sku: Any = "A", quantity: Any = "2.0000", price: Any = "3.3333") -> dict[str, Any]:
    """A canonical line, as it is stored."""
    return {"lineId": id_, "sku": sku, "quantity": quantity, "unitPrice": price}


def claimed(desired: Any = None, accepted: Any = None, ids: Any = None, **more: Any) -> Claimed:
    """A claimed order; ``ids``: of its item at the ERP."""
    wanted, had = desired or {}, accepted or {}
    usual = {
        "key": '{"orderId":"shop:5"}', "sequence": 1, "source": 'shop/order {"orderId":"5"}', "claim": "c",
        "lease_until": dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10), "attempts": 0,
        "todo": frozenset(name for name in wanted if had.get(name) != wanted[name]),
    }  # fmt: skip
    return Claimed(**{**usual, **more}, desired=wanted, accepted=had, ids=[ids] if ids else [])


@pytest.fixture
def stored() -> Any:
    """Makes claimed orders and their stored lines: ``stored.claimed({...})``, ``stored.row("1", "A")``."""
    return SimpleNamespace(claimed=claimed, row=row, entity=ENTITIES["order"], decimal=Decimal)


@pytest.fixture
def products(order_facts: Any) -> References:
    """What the ERP has for references: product A is 1, B is 2, of C there are two, and of D none."""
    found = {"product": {"A": ["1"], "B": ["2"], "C": ["3", "4"], "D": []}, "customer": {}}
    return References(order_facts().references, found, {"settings.guest": "99"}, "erp")
