"""What tests of whole flows share."""

import json
import re
from collections import Counter
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pytest

from pullpush_dagster.config import Project
from tests.conftest import World

ORDERS = "orders_to_erp"
SKU = "SKU-00053"
"""One that every shop of the sandbox has, and the ERP once: 59 of it."""


@pytest.fixture
def contents():
    """Gives every row of every table of a store, but why something failed, so that two moments can be compared."""

    def read(store):
        with store.session() as con:
            sql = "SELECT table_name FROM duckdb_tables() WHERE NOT starts_with(table_name, 'failed_') ORDER BY 1"
            tables = [name for (name,) in con.execute(sql).fetchall()]
            return {name: con.execute(f'SELECT * FROM "{name}" ORDER BY ALL').fetchall() for name in tables}

    return read


@dataclass
class Desk:
    """Where a world's shops take orders, and its ERP's people look after theirs. ``ref`` is ``shop:NUMBER``."""

    world: World

    def sell(self, *lines: str | dict[str, Any], shop: str = "shop", status: str = "processing", **values: Any) -> str:
        """The ref of a new order; a line is a SKU of which one is sold, or what the shop's API takes."""
        items = [{"sku": line, "quantity": 1} if isinstance(line, str) else line for line in lines or (SKU,)]
        given = {"status": status, "line_items": items, **values}
        return f"{shop}:{getattr(self.world, shop).control('order', create=given)['id']}"

    def edit(self, ref: str, **values: Any) -> None:
        """Give a shop's order new values, as its staff does."""
        shop, _, number = ref.partition(":")
        getattr(self.world, shop).control("order", id=int(number), set=values)

    def line(self, ref: str, place: int = 0) -> int:
        """The number of a line in the shop."""
        shop, _, number = ref.partition(":")
        orders = getattr(self.world, shop).state()["orders"]
        return next(order for order in orders if order["id"] == int(number))["line_items"][place]["id"]

    def sync(self, patience: float = 1.0) -> None:
        """One run of the orders' sync, in which nothing has to wait for its turn."""
        self.hurry()
        self.world.sync(ORDERS, patience)

    def push(self, patience: float = 1.0) -> None:
        """The same without asking the shops."""
        self.hurry()
        self.world.push(ORDERS, patience)

    def hurry(self) -> None:
        """Let what waits for its next attempt be due now, and claims whose holder died run out."""
        if self.world.store.path.exists():
            self.world.rows("UPDATE outbox SET leaseUntil = now(), dueAt = now() RETURNING key")

    def sales(self) -> dict[str, dict[str, Any]]:
        """The ERP's orders by ref."""
        rows = [row for row in self.world.erp.state()["orders"] if row["client_order_ref"]]
        twice = [ref for ref, count in Counter(row["client_order_ref"] for row in rows).items() if count > 1]
        assert twice == []
        return {row["client_order_ref"]: row for row in rows}

    def state(self, ref: str) -> str:
        """draft, sale or cancel."""
        return self.sales()[ref]["state"]

    def staff(self, ref: str, **deed: Any) -> None:
        """Let the ERP's own people do something to an order."""
        self.world.erp.control("sale", ref=ref, **deed)

    def lines(self, ref: str) -> list[tuple[str, float, float]]:
        """(SKU, quantity, unit price) of an order's lines in the ERP, oldest first; those of quantity 0 too."""
        state = self.world.erp.state()
        skus = {row["id"]: row["default_code"] for row in state["products"]}
        own = [row for row in state["order_lines"] if row["order_id"] == self.sales()[ref]["id"]]
        return [(skus[row["product_id"]], row["product_uom_qty"], row["price_unit"]) for row in own]

    def buyer(self, ref: str) -> dict[str, Any]:
        """The partner whose order it is in the ERP."""
        return next(p for p in self.world.erp.state()["partners"] if p["id"] == self.sales()[ref]["partner_id"])

    def left(self) -> list[tuple[str, str, str | None]]:
        """(ref, state, reason) of every order that is not through."""
        rows = self.world.rows("SELECT key, state, reason FROM outbox WHERE push = ? ORDER BY key", ORDERS)
        return [(json.loads(key)["orderId"], state, reason) for key, state, reason in rows]

    def adapt(self, connector: str, *edit: str) -> None:
        """Give the project its own copy of a built-in connector, with a (pattern, replacement)."""
        own = self.world.project.root / "resources" / "connectors" / f"{connector}.yaml"
        built_in = files("pullpush_dagster.connectors") / own.name
        text = (own if own.exists() else built_in).read_text(encoding="utf-8")
        adapted, count = re.subn(*edit, text)
        assert count == 1
        own.write_text(adapted, encoding="utf-8")


@pytest.fixture
def desk(world):
    """An ERP and one shop; what has an unknown outcome settles at once, and reads are tried twice."""
    return _hasty(Desk(world))


@pytest.fixture
def desks(trade):
    """The same with both shops."""
    return _hasty(Desk(trade))


def one_warehouse(project: Project) -> Project:
    """The same project, whose stock pull asks for the shops' warehouse alone."""
    file = project.root / "assets" / "stock" / "defs.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("values: [WH, STORE]", "values: [WH]"), encoding="utf-8")
    return Project(project.root, project.state)


def _hasty(desk: Desk) -> Desk:
    desk.adapt("odoo", r"batch: 50\b", "settle: 0.01\n      batch: 50")
    desk.adapt("odoo", "limits: {", "limits: {attempts: 2, ")
    return desk
