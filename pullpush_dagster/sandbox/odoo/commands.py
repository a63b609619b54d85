"""Control commands of the ERP: what a test, a person or time does to it behind the API."""

from collections.abc import Mapping
from typing import Any

from pullpush_dagster.sandbox.control import Command
from pullpush_dagster.sandbox.odoo.database import Database
from pullpush_dagster.sandbox.odoo.drift import drift
from pullpush_dagster.sandbox.odoo.errors import OdooError
from pullpush_dagster.sandbox.odoo.orm import Env, Record


def commands(database: Database) -> Mapping[str, Command]:
    """The ERP's commands by name."""
    return {
        "drift": lambda order: drift(database, int(order.get("n", 40)), int(order.get("seed", 1))),
        "stock": lambda order: stock(database, order),
        "product": lambda order: product(database, order),
        "sale": lambda order: sale(database, order),
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


def sale(database: Database, order: dict[str, Any]) -> dict[str, Any]:
    """The sales order's id, name, state and lock after what the ERP's own staff did to it.

    ``{"create": {...}}`` makes one. With ``ref`` (its client_order_ref) or ``id``, each of these that is there is
    done, in this order: ``{"set": {...}}`` writes, ``{"confirm": true}`` confirms, ``{"deliver": true}`` ships every
    storable line, ``{"cancel": true}`` cancels past the wizard, ``{"lock": true | false}`` locks or unlocks.

    Raises:
        LookupError: no such order, or several of one reference.
        ValueError: what the API would refuse too.
    """
    sales = database.sales
    try:
        made = sales.create(Env(), order["create"]) if "create" in order else None
        row = sales.rows[made[0]] if made else _sold(database, order)
        env = Env([row["id"]], {"disable_cancel_warning": True})
        if "set" in order:
            sales.write(env, order["set"])
        if order.get("confirm"):
            sales.action_confirm(env)
        if order.get("deliver"):
            _deliver(database, row)
        if order.get("cancel"):
            sales.action_cancel(env)
        if "lock" in order:
            sales.become(row, {"locked": bool(order["lock"])})
    except OdooError as refusal:
        raise ValueError(str(refusal)) from refusal
    return {name: row[name] for name in ("id", "name", "state", "locked")}


def _deliver(database: Database, row: Record) -> None:
    if row["state"] != "sale":
        raise OdooError("Only a confirmed order has something to deliver.")
    for line in database.sales.lines(row):
        database.sale_lines.deliver(line)


def _sold(database: Database, order: dict[str, Any]) -> Record:
    """The sales order of the order's ``id`` or, if it is the only one, ``ref``."""
    if "id" in order:
        return database.sales.rows[int(order["id"])]
    found = [row for row in database.sales.rows.values() if row["client_order_ref"] == order["ref"]]
    if len(found) != 1:
        raise LookupError(f"{len(found)} sales orders with the reference {order['ref']!r}")
    return found[0]


def _found(database: Database, order: dict[str, Any]) -> Record:
    """The product of the order's ``id`` or, first of several, ``sku``."""
    if "id" in order:
        return database.products.rows[int(order["id"])]
    for row in database.products.rows.values():
        if row["default_code"] == order["sku"]:
            return row
    raise LookupError(f"no product {order['sku']!r}")
