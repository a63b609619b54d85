"""The shops' orders against the ERP's sales orders, read over the platforms' own APIs, by hand as the rest."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pullpush_dagster.config import Project
from pullpush_dagster.demo.comparing import Item, listed, post
from pullpush_dagster.transport import Client

_STATE = {"pending": "draft", "on-hold": "draft", "processing": "sale", "completed": "sale"}
_GUEST = 4


@dataclass
class Orders:
    """What the comparison came to.

    Attributes:
        wrong: one sentence per difference. agreed: orders that are right.
        refused: orders the ERP cannot have, such as of a customer it knows twice.
        sold: by shop, SKUs it sold in those, or that the ERP keeps no stock of: their stock is the shop's own.
    """

    wrong: list[str] = field(default_factory=list)
    agreed: int = 0
    refused: int = 0
    sold: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))


@dataclass(frozen=True)
class _Erp:
    sales: Mapping[str, list[Item]]
    lines: Mapping[int, list[Item]]
    skus: Mapping[int, str]
    emails: Mapping[str, list[int]]
    untracked: frozenset[str]


def compare_orders(project: Project, shops: Iterable[str]) -> Orders:
    """Every order of every shop with what the ERP has for it, and the ERP's orders with the shops'."""
    erp = asyncio.run(_erp(project))
    found, known = Orders(), set()
    for shop in shops:
        for order in asyncio.run(listed(project, shop, "orders")):
            known.add(f"{shop}:{order['id']}")
            _compare(found, erp, shop, order)
    found.wrong += [f"{ref}: is in the ERP, and in no shop" for ref in erp.sales.keys() - known if ref]
    return found


def _compare(found: Orders, erp: _Erp, shop: str, order: Item) -> None:
    ref = f"{shop}:{order['id']}"
    there = erp.sales.get(ref, [])
    found.sold[shop] |= {line["sku"] for line in order["line_items"]} & erp.untracked
    if not _possible(erp, order):
        found.refused += 1
        found.sold[shop] |= {line["sku"] for line in order["line_items"]}
        found.wrong += [f"{ref}: cannot be told for sure, and was sent"] if there else []
        return
    wrong = _sale(erp, order, there)
    found.wrong += [f"{ref}: {text}" for text in wrong]
    found.agreed += not wrong


def _possible(erp: _Erp, order: Item) -> bool:
    """Whether its customer and its products each mean one record of the ERP, or none."""
    held = Counter(erp.skus.values())
    known_once = all(held[line["sku"]] == 1 for line in order["line_items"])
    return known_once and len(erp.emails.get(order["billing"]["email"].lower(), [])) < 2


def _sale(erp: _Erp, order: Item, there: list[Item]) -> list[str]:
    state = _STATE.get(order["status"], "cancel")
    if len(there) != 1:
        never = not there and state == "cancel"
        return [] if never else [f"is {len(there)} times in the ERP"]
    (sale,) = there
    if sale["state"] != state:
        return [f"is {order['status']} in the shop, {sale['state']} in the ERP"]
    if state == "cancel":
        return []
    lines = [line for line in erp.lines[sale["id"]] if line["product_uom_qty"]]
    ours = Counter((line["sku"], Decimal(line["quantity"])) for line in order["line_items"])
    theirs = Counter((erp.skus[line["product_id"][0]], Decimal(str(line["product_uom_qty"]))) for line in lines)
    found = [] if ours == theirs else [f"has the lines {sorted(ours)} in the shop, {sorted(theirs)} in the ERP"]
    paid = sum(Decimal(line["total"]) for line in order["line_items"])
    asked = sum(Decimal(str(line["price_subtotal"])) for line in lines)
    found += [] if paid == asked else [f"its lines are {paid} in the shop, {asked} in the ERP"]
    buyers = erp.emails.get(order["billing"]["email"].lower(), []) or [_GUEST]
    return found if sale["partner_id"][0] in buyers else [*found, "has another customer in the ERP"]


async def _erp(project: Project) -> _Erp:
    async with Client(project.connection("erp"), project.connector("erp")) as client:

        async def read(model: str, *fields: str, **context: Any) -> list[Item]:
            asked = {"domain": [], "fields": list(fields), "context": context}
            rows: list[Item] = (await client.send(post(f"/{model}/search_read", asked), {})).body
            return rows

        sales, lines = defaultdict(list), defaultdict(list)
        for sale in await read("sale.order", "client_order_ref", "state", "partner_id"):
            sales[sale["client_order_ref"] or ""].append(sale)
        for line in await read("sale.order.line", "order_id", "product_id", "product_uom_qty", "price_subtotal"):
            lines[line["order_id"][0]].append(line)
        products = await read("product.product", "default_code", "is_storable")
        skus = {item["id"]: item["default_code"] for item in products}
        untracked = frozenset(item["default_code"] for item in products if not item["is_storable"])
        emails = defaultdict(list)
        for partner in await read("res.partner", "email_normalized"):
            if partner["email_normalized"]:
                emails[partner["email_normalized"]].append(partner["id"])
        return _Erp(sales, lines, skus, emails, untracked)
