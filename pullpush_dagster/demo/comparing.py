"""Destination against source, read over the platforms' own APIs.

Knows Odoo and WooCommerce by hand, and nothing of canonical maps, baselines or outboxes: what the engine
believes is no evidence.
"""

import asyncio
from collections import Counter
from decimal import Decimal
from typing import Any

from pullpush_dagster.config import Project
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.transport import Client

Item = dict[str, Any]
_FIELDS = ["default_code", "name", "description_sale", "lst_price", "active", "is_storable", "qty_available"]


def items_of_shop(project: Project, shop: str) -> dict[str, Item]:
    """Every product of a WooCommerce shop by SKU, as its API shows it."""
    return asyncio.run(_shop(project, shop))


def differences(project: Project, before: dict[str, Item]) -> list[str]:
    """Where the shop does not hold what the ERP says, one sentence each. Empty: they agree.

    Args:
        before: the shop's items before the first run; what the ERP does not speak of must still be so.
    """
    erp = asyncio.run(_erp(project, "erp", "WH"))
    shop = items_of_shop(project, "shop")
    claims = Counter(item["default_code"] for item in erp if item["active"])
    found: list[str] = []
    for item in erp:
        if item["active"] and claims[item["default_code"]] == 1:
            found += _product(item, shop.get(item["default_code"]), before.get(item["default_code"]))
        elif not item["active"] and item["default_code"] in shop and not claims[item["default_code"]]:
            found += _field(item["default_code"], "status", "private", shop[item["default_code"]]["status"])
    ours = {item["default_code"] for item in erp}
    for sku in before.keys() - ours:
        found += [f"{sku}: is the shop's own and was changed"] if shop.get(sku) != before[sku] else []
    for sku in sorted(sku for sku, count in claims.items() if count > 1):
        found += [f"{sku}: has two records in the ERP and was sent"] if shop.get(sku) != before.get(sku) else []
    return found


def _product(item: Item, there: Item | None, before: Item | None) -> list[str]:
    sku = item["default_code"]
    if there is None:
        return [f"{sku}: is not in the shop"]
    found = _field(sku, "name", item["name"], there["name"])
    found += _field(sku, "description", item["description_sale"] or "", there["description"])
    found += _field(sku, "price", Decimal(str(item["lst_price"])), Decimal(there["regular_price"] or "0"))
    found += _field(sku, "status", "publish", there["status"])
    if item["is_storable"]:
        found += _field(sku, "manage_stock", True, there["manage_stock"])
        free = Decimal(str(item["qty_available"])) - Decimal(str(item["outgoing_qty"]))
        return found + _field(sku, "stock", free, there["stock_quantity"])
    # Not tracked in the ERP: unknown, so the shop keeps what it had.
    known = before or {"manage_stock": False, "stock_quantity": None}
    found += _field(sku, "manage_stock", known["manage_stock"], there["manage_stock"])
    return found + _field(sku, "stock", known["stock_quantity"], there["stock_quantity"])


def _field(sku: str, name: str, source: object, destination: object) -> list[str]:
    return [] if source == destination else [f"{sku}: {name} is {source!r} in the ERP, {destination!r} in the shop"]


async def _erp(project: Project, name: str, warehouse: str) -> list[Item]:
    """Every product, archived ones too, with the quantities of one warehouse."""
    async with Client(project.connection(name), project.connector(name)) as client:
        body: Item = {"domain": [["code", "=", warehouse]], "fields": ["code"]}
        (place,) = (await client.send(_post("/stock.warehouse/search_read", body), {})).body
        context = {"active_test": False, "warehouse_id": place["id"]}
        body = {"domain": [], "fields": [*_FIELDS, "outgoing_qty"], "context": context}
        items: list[Item] = (await client.send(_post("/product.product/search_read", body), {})).body
    return items


async def _shop(project: Project, name: str) -> dict[str, Item]:
    items: list[Item] = []
    async with Client(project.connection(name), project.connector(name)) as client:
        for page in range(1, 10_000):
            query = {"per_page": 100, "page": page, "orderby": "id", "order": "asc", "status": "any"}
            rows = (await client.send(Request(get="/products", query=query), {})).body
            if not rows:
                break
            items += rows
    return {item["sku"]: item for item in items if item["sku"]}


def _post(path: str, body: Item) -> Request:
    return Request.model_validate({"post": path, "json": body})
