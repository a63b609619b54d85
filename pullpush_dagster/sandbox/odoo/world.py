"""Fills an ERP from the seeded items."""

from datetime import datetime, timedelta

from pullpush_dagster.sandbox.clock import Clock
from pullpush_dagster.sandbox.odoo.database import Database
from pullpush_dagster.sandbox.odoo.fields import stamp
from pullpush_dagster.sandbox.odoo.orm import Model
from pullpush_dagster.sandbox.odoo.partners import seed_partners
from pullpush_dagster.sandbox.seed import WAREHOUSES, Item


class Past(Clock):
    """A clock that is set by hand, for rows that were made before the start."""

    def __init__(self, moment: datetime) -> None:
        super().__init__()
        self.moment = moment

    def now(self) -> datetime:
        return self.moment


def filled(items: list[Item], now: datetime, clock: Clock) -> Database:
    """The database with these items, their history lying before ``now``; from here on it stamps by ``clock``."""
    past = Past(now - timedelta(days=31))
    database = Database(past)
    database["res.currency"].insert({"name": "EUR"})
    _places(database)
    seed_partners(database)
    templates: dict[int, int] = {}
    for item in items:
        past.moment = item.stamp
        _stock(database, _product(database, item, templates, stamp(now - timedelta(days=30))), item)
    database.clock = clock
    return database


def _places(database: Database) -> None:
    for usage, name in (("inventory", "Inventory adjustment"), ("customer", "Customers"), ("supplier", "Vendors")):
        row = database.locations.insert({"name": name, "complete_name": f"Elsewhere/{name}", "usage": usage})
        database.places[usage] = row["id"]
    for code in WAREHOUSES:
        location = database.locations.insert({"name": "Stock", "complete_name": f"{code}/Stock"})
        values = {"name": f"Warehouse {code}", "code": code, "lot_stock_id": location["id"]}
        location["warehouse_id"] = database.warehouses.insert(values)["id"]


def _product(database: Database, item: Item, templates: dict[int, int], made: str) -> int:
    own = {"default_code": item.sku, "barcode": item.barcode, "active": item.active, "create_date": made}
    shared = {
        "name": item.title,
        "description_sale": item.description,
        "list_price": float(item.price),
        "type": item.type,
        "is_storable": item.storable,
    }
    given = {"product_tmpl_id": templates[item.group]} if item.group in templates else shared
    row = database.products.insert({**own, **given})
    templates[item.group] = row["product_tmpl_id"]
    return int(row["id"])


def _stock(database: Database, product: int, item: Item) -> None:
    for warehouse, quantity in item.stock.items():
        database.stock.set(product, database.warehouse(warehouse), quantity)
    for warehouse, units in item.outgoing.items():
        database.stock.promise(product, database.warehouse(warehouse), units)
    for warehouse, units in item.incoming.items():
        database.stock.promise(product, database.warehouse(warehouse), units, incoming=True)


def state(database: Database) -> dict[str, object]:
    """Every product, archived ones too, with its stock by warehouse code; a warehouse never stocked is missing.

    Partners, sales orders and their lines stand beside it with all their fields, relations as ids.
    """
    codes = {row["lot_stock_id"]: row["code"] for row in database.warehouses.rows.values()}
    names = ("default_code", "name", "description_sale", "list_price", "barcode", "active", "is_storable", "type")
    stamps = ("write_date", "product_tmpl_id")
    getters = {name: database.products.getter(name, {}) for name in (*names, *stamps)}
    products = []
    for row in database.products.rows.values():
        template = database.templates.rows[row["product_tmpl_id"]]
        own = {"id": row["id"], **{name: get(row) for name, get in getters.items()}}
        products.append({**own, "template_write_date": template["write_date"], "stock": _levels(database, row, codes)})
    shown = {name: model.shown(model.rows.values(), None, {}, names=False) for name, model in _sold(database).items()}
    return {"products": products, **shown}


def _sold(database: Database) -> dict[str, Model]:
    return {"partners": database.partners, "orders": database.sales, "order_lines": database.sale_lines}


def _levels(database: Database, row: dict[str, object], codes: dict[int, str]) -> dict[str, dict[str, float]]:
    """By warehouse where the product has a quant or a move: units on hand and outgoing."""
    product = int(str(row["id"]))
    touched = {number for key in ("location_id", "location_dest_id") for number in _move_places(database, product, key)}
    levels = {}
    for location, code in codes.items():
        if location in touched or (product, location) in database.quants.by_place:
            scope = frozenset([location])
            stock = database.stock
            levels[code] = {"quantity": stock.on_hand(product, scope), "outgoing": stock.outgoing(product, scope)}
    return levels


def _move_places(database: Database, product: int, key: str) -> set[int]:
    return {database.moves.rows[number][key] for number in database.stock.moves[product]}
