"""Control commands of the ERP: what a test, a person or time does to it behind the API."""

from collections.abc import Mapping
from typing import Any

from pullpush_dagster.sandbox.control import Command
from pullpush_dagster.sandbox.odoo.database import Database
from pullpush_dagster.sandbox.odoo.drift import drift
from pullpush_dagster.sandbox.odoo.orm import Env, Record


def commands(database: Database) -> Mapping[str, Command]:
    """The ERP's commands by name."""
    return {
        "drift": lambda order: drift(database, int(order.get("n", 40)), int(order.get("seed", 1))),
        "stock": lambda order: stock(database, order),
        "product": lambda order: product(database, order),
        "inventory": lambda _order: {"deleted": database.quants.drop_zeros()},
    }


def stock(database: Database, order: dict[str, Any]) -> dict[str, Any]:
    """The level after ``{"sku", "warehouse", "quantity"?, "outgoing"?}``, or with ``id`` in place of the SKU.

    ``quantity`` null makes the product never stocked there; ``outgoing`` replaces what open orders take.

    Raises:
        LookupError: no such product or warehouse.
    """
    row, location = _found(database, order), database.warehouse(order["warehouse"])
    if "quantity" in order and order["quantity"] is None:
        database.stock.forget(row["id"], location)
    elif "quantity" in order:
        database.stock.set(row["id"], location, float(order["quantity"]))
    if "outgoing" in order:
        database.stock.cancel(row["id"], location)
        database.stock.promise(row["id"], location, float(order["outgoing"]))
    scope = frozenset([location])
    on_hand, outgoing = database.stock.on_hand(row["id"], scope), database.stock.outgoing(row["id"], scope)
    return {"id": row["id"], "quantity": on_hand, "outgoing": outgoing}


def product(database: Database, order: dict[str, Any]) -> dict[str, Any]:
    """The product's id after one of ``{"create": {...}}``, ``{"sku", "set": {...}}``, ``{"sku", "unlink": true}``.

    Values go by field name, as in the API; ``{"active": false}`` archives. Unlike the API, unlink takes a product
    with stock moves too, and forgets its stock.

    Raises:
        LookupError: no such product.
        ValueError: no such field, or none of the three.
    """
    if "create" in order:
        return {"id": database.products.create(Env(), order["create"])[0]}
    row = _found(database, order)
    if order.get("unlink"):
        for location in database.locations.rows:
            database.stock.forget(row["id"], location)
        database.products.forget(row)
    elif "set" in order:
        database.products.write(Env([row["id"]]), order["set"])
    else:
        raise ValueError("expected create, set or unlink")
    return {"id": row["id"]}


def _found(database: Database, order: dict[str, Any]) -> Record:
    """The product of the order's ``id`` or, first of several, ``sku``."""
    if "id" in order:
        return database.products.rows[int(order["id"])]
    for row in database.products.rows.values():
        if row["default_code"] == order["sku"]:
            return row
    raise LookupError(f"no product {order['sku']!r}")
