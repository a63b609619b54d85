"""Fills a shop from the seeded items, and dumps it."""

from datetime import datetime, timedelta
from typing import Any

from pullpush_dagster.sandbox.clock import Clock
from pullpush_dagster.sandbox.seed import Item as Seeded
from pullpush_dagster.sandbox.woocommerce.catalog import Catalog, Item
from pullpush_dagster.sandbox.woocommerce.order_render import order
from pullpush_dagster.sandbox.woocommerce.orderbook import Orders
from pullpush_dagster.sandbox.woocommerce.render import dated
from pullpush_dagster.sandbox.woocommerce.shop import Shop


def filled(shared: list[Seeded], own: list[Seeded], now: datetime, clock: Clock, name: str) -> Shop:
    """The shop of this name with its share of the ERP's items, its own, and one variable product; without orders."""
    catalog = Catalog(clock)
    held = [item for item in shared if item.shop]
    for item in [*held, *own]:
        _aged(catalog.create(_values(item)), now, item.stamp)
    _variable(catalog, now, f"{name.upper()}-V")
    return Shop(catalog, Orders(catalog, name), name, frozenset(item.sku for item in held if item.active))


def _values(item: Seeded) -> dict[str, Any]:
    assert item.shop  # noqa: S101
    values = {
        "name": item.title,
        "sku": item.sku,
        "description": item.description or "",
        "regular_price": item.shop.price,
        "manage_stock": item.shop.quantity is not None,
    }
    return values if item.shop.quantity is None else {**values, "stock_quantity": item.shop.quantity}


def _variable(catalog: Catalog, now: datetime, code: str) -> None:
    """A product with three variations: one manages its stock, one leaves it to the parent, one sold without SKU."""
    parent = catalog.create(
        {"name": "Sofa of the shop", "type": "variable", "sku": code, "manage_stock": True, "stock_quantity": 9}
    )
    for number, values in enumerate(({"manage_stock": True, "stock_quantity": 4}, {}, {}), 1):
        sku = {"sku": f"{code}-{number}"} if number < 3 else {}
        colour = {"attributes": [{"name": "Colour", "option": f"Tone {number}"}]}
        _aged(catalog.create({**values, **sku, **colour, "regular_price": "99.00"}, parent), now, now)
    _aged(parent, now, now)


def _aged(item: Item, now: datetime, stamp: datetime) -> None:
    item["created"] = now - timedelta(days=30)
    item["modified"] = min(stamp, now - timedelta(hours=1))


def state(shop: Shop) -> dict[str, Any]:
    """Every item as kept, trashed ones and variations too; stock as the API would show it, dates in UTC.

    Orders stand as the API shows them, with ``stock_reduced`` besides.
    """
    names = ("id", "type", "parent_id", "status", "sku", "slug", "name", "description", "regular_price", "sale_price")
    items = []
    for item in shop.catalog.items.values():
        managed, quantity = shop.catalog.stock(item)
        items.append(
            {
                **{name: item[name] for name in (*names, "global_unique_id", "stock_status", "backorders")},
                "manage_stock": managed,
                "stock_quantity": quantity,
                "date_modified_gmt": dated(item["modified"], gmt=True),
            }
        )
    kept = shop.orders.items.values()
    orders = [{**order(shop.catalog, item, ""), "stock_reduced": item["stock_reduced"]} for item in kept]
    return {"products": items, "orders": orders}
