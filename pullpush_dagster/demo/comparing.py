"""Destination against source, read over the platforms' own APIs.

Knows Odoo and WooCommerce by hand, and nothing of canonical maps, baselines or outboxes: what the engine
believes is no evidence.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pullpush_dagster.config import Project
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.transport import Client

Item = dict[str, Any]
_FIELDS = ["default_code", "name", "description_sale", "lst_price", "active", "is_storable", "qty_available"]


def items_of_shop(project: Project, shop: str) -> dict[str, Item]:
    """Every product of a WooCommerce shop by SKU, as its API shows it."""
    return {item["sku"]: item for item in asyncio.run(listed(project, shop, "products")) if item["sku"]}


def differences(
    project: Project, before: dict[str, Item], name: str = "shop", sold: Mapping[str, set[str]] | None = None
) -> list[str]:
    """Where a shop does not hold what the ERP says, one sentence each. Empty: they agree.

    Args:
        before: the shop's items before the first run; what the ERP does not speak of must still be so.
        sold: shop -> SKUs it sold by orders that the ERP cannot have, so that its stock is its own business.
    """
    erp = asyncio.run(_erp(project, "erp", "WH"))
    shop = items_of_shop(project, name)
    own = (sold or {}).get(name, set())
    claims = Counter(item["default_code"] for item in erp if item["active"])
    found: list[str] = []
    for item in erp:
        if item["active"] and claims[item["default_code"]] == 1:
            sku = item["default_code"]
            found += _product(item, shop.get(sku), before.get(sku), counted=sku not in own)
        elif not item["active"] and item["default_code"] in shop and not claims[item["default_code"]]:
            found += _field(item["default_code"], "status", "private", shop[item["default_code"]]["status"])
    ours = {item["default_code"] for item in erp}
    for sku in before.keys() - ours:
        same = shop.get(sku) == before[sku] or sku in own
        found += [] if same else [f"{sku}: is the shop's own and was changed"]
    for sku in sorted(sku for sku, count in claims.items() if count > 1):
        same = shop.get(sku) == before.get(sku) or sku in own
        found += [] if same else [f"{sku}: has two records in the ERP and was sent"]
    return [f"{name}: {one}" for one in found]


def _product(item: Item, there: Item | None, before: Item | None, *, counted: bool) -> list[str]:
    sku = item["default_code"]
    if there is None:
        return [f"{sku}: is not in the shop"]
    found = _field(sku, "name", item["name"], there["name"])
    found += _field(sku, "description", item["description_sale"] or "", there["description"])
    found += _field(sku, "price", Decimal(str(item["lst_price"])), Decimal(there["regular_price"] or "0"))
    found += _field(sku, "status", "publish", there["status"])
    if not counted:
        return found
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
        (place,) = (await client.send(post("/stock.warehouse/search_read", body), {})).body
        context = {"active_test": False, "warehouse_id": place["id"]}
        body = {"domain": [], "fields": [*_FIELDS, "outgoing_qty"], "context": context}
        items: list[Item] = (await client.send(post("/product.product/search_read", body), {})).body
    return items


async def listed(project: Project, name: str, what: str) -> list[Item]:
    """Everything a WooCommerce shop lists as products or orders."""
    items: list[Item] = []
    async with Client(project.connection(name), project.connector(name)) as client:
        for page in range(1, 10_000):
            query = {"per_page": 100, "page": page, "orderby": "id", "order": "asc", "status": "any"}
            rows = (await client.send(Request(get=f"/{what}", query=query), {})).body
            if not rows:
                break
            items += rows
    return items


def post(path: str, body: Item) -> Request:
    """A JSON-2 call."""
    return Request.model_validate({"post": path, "json": body})
