"""Control commands of the shop: what its own staff does behind the API."""

from collections.abc import Mapping
from typing import Any

from pullpush_dagster.sandbox.control import Command
from pullpush_dagster.sandbox.woocommerce.catalog import Item
from pullpush_dagster.sandbox.woocommerce.fields import batched
from pullpush_dagster.sandbox.woocommerce.shop import Shop


def commands(shop: Shop) -> Mapping[str, Command]:
    """The shop's commands by name."""
    return {"product": lambda order: product(shop, order)}


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


def _found(shop: Shop, order: dict[str, Any]) -> Item:
    if "id" in order:
        return shop.catalog.items[int(order["id"])]
    live = [item for item in shop.catalog.holders("sku", order["sku"]) if item["status"] != "trash"]
    if not live:
        raise LookupError(f"no item {order['sku']!r}")
    return live[0]
