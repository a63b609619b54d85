"""Control commands of the shop: what its own staff does behind the API."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pullpush_dagster.sandbox.control import Command
from pullpush_dagster.sandbox.woocommerce import trade
from pullpush_dagster.sandbox.woocommerce.catalog import Item
from pullpush_dagster.sandbox.woocommerce.errors import WooError
from pullpush_dagster.sandbox.woocommerce.fields import batched
from pullpush_dagster.sandbox.woocommerce.order_fields import checked
from pullpush_dagster.sandbox.woocommerce.shop import Shop


def commands(shop: Shop) -> Mapping[str, Command]:
    """The shop's commands by name."""
    return {
        "product": lambda given: product(shop, given),
        "orders": lambda given: trade.orders(
            shop, int(given.get("n", 10)), int(given.get("seed", 1)), int(given.get("days", 0))
        ),
        "moves": lambda given: trade.moves(shop, int(given.get("n", 10)), int(given.get("seed", 1))),
        "order": lambda given: order(shop, given),
    }


def product(shop: Shop, order: dict[str, Any]) -> dict[str, Any]:
    """The item's id after ``{"create": {...}}``, ``{"sku", "set": {...}}``, ``{"sku", "delete": true}`` or ``"trash"``.

    ``id`` may stand in place of ``sku``. Values go by field name, ``manage_stock`` and ``stock_quantity`` included.
    ``"touch": false`` leaves date_modified as it was, as a plug-in does that writes past the shop's own code.

    Raises:
        LookupError: no such item.
        ValueError: none of the four.
    """
    catalog = shop.catalog
    if "create" in order:
        parent = catalog.items[int(order["parent"])] if "parent" in order else None
        return {"id": catalog.create(batched(order["create"], parent is not None), parent)["id"]}
    item = _found(shop, order)
    if order.get("delete"):
        catalog.delete(item)
    elif order.get("trash"):
        catalog.trash(item)
    elif "set" in order:
        stamp = item["modified"]
        catalog.update(item, batched(order["set"], item["type"] == "variation"))
        item["modified"] = item["modified"] if order.get("touch", True) else stamp
    else:
        raise ValueError("expected create, set, delete or trash")
    return {"id": item["id"]}


def order(shop: Shop, given: dict[str, Any]) -> dict[str, Any]:
    """The order's id after ``{"create": {...}}``, ``{"id", "set": {...}}``, ``{"id", "delete": true}`` or ``"trash"``.

    Values go by field name, as in the API; ``date_created_gmt`` and ``date_modified_gmt`` besides, which there are
    read-only.

    Raises:
        LookupError: no such order.
        ValueError: none of the four, or values that the API would refuse.
    """
    try:
        return {"id": _ordered(shop, given)["id"]}
    except WooError as refusal:
        raise ValueError(str(refusal.body())) from refusal


def _ordered(shop: Shop, given: dict[str, Any]) -> Item:
    if "create" in given:
        return _dated(shop.orders.create(checked(given["create"])), given["create"])
    item = shop.orders.items[int(given["id"])]
    if given.get("delete"):
        shop.orders.delete(item)
    elif given.get("trash"):
        shop.orders.trash(item)
    elif "set" in given:
        _dated(shop.orders.update(item, checked(given["set"])), given["set"])
    else:
        raise ValueError("expected create, set, delete or trash")
    return item


def _dated(item: Item, values: dict[str, Any]) -> Item:
    """The order with the dates that were given; they are UTC, with or without a zone."""
    for name in ("created", "modified"):
        if text := values.get(f"date_{name}_gmt"):
            moment = datetime.fromisoformat(text)
            item[name] = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return item


def _found(shop: Shop, order: dict[str, Any]) -> Item:
    if "id" in order:
        return shop.catalog.items[int(order["id"])]
    live = [item for item in shop.catalog.holders("sku", order["sku"]) if item["status"] != "trash"]
    if not live:
        raise LookupError(f"no item {order['sku']!r}")
    return live[0]
