"""Daily business of the shop: plausible orders, and what becomes of them."""

import random
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pullpush_dagster.sandbox.customers import CUSTOMERS, SHARED, Customer
from pullpush_dagster.sandbox.woocommerce.catalog import Item
from pullpush_dagster.sandbox.woocommerce.fields import Values
from pullpush_dagster.sandbox.woocommerce.order_fields import money
from pullpush_dagster.sandbox.woocommerce.shop import Shop

STATUSES = {"processing": 60, "pending": 12, "on-hold": 10, "completed": 8, "cancelled": 5, "failed": 5}
NEXT = {
    "pending": ("processing",),
    "on-hold": ("processing",),
    "processing": ("completed", "completed", "cancelled", "refunded"),
}
NOTES = ("Please ring twice.", "Bitte bei Müller abgeben – 2. Stock", "Gift:\nno invoice in the box, please")


def orders(shop: Shop, n: int, seed: int, days: int = 0) -> dict[str, Any]:
    """The ids of ``n`` new orders and the SKUs on them, the same for the same seed, shop and stock.

    They hold products that the shop has under SKUs of the ERP, managed and in stock. About 1 in 20 has one SKU on two
    lines, 1 in 8 no e-mail, 1 in 100 the e-mail that two partners of the ERP share. With ``days`` they are spread
    over so many calendar days (UTC) before today, oldest first, none of them empty where ``n`` is enough.

    Raises:
        ValueError: no such product is in stock.
    """
    rng = random.Random(f"{shop.name}/orders/{seed}")
    pool = _in_stock(item for item in shop.catalog.items.values() if item["sku"] in shop.shared)
    if not pool:
        raise ValueError("the shop has no managed stock of the ERP's SKUs to sell")
    made = []
    for moment in _moments(shop.catalog.clock.now(), n, days, rng):
        values = {**_buyer(shop, rng), **_extras(rng), "line_items": _lines(_in_stock(pool) or pool, rng)}
        values["status"] = rng.choices(list(STATUSES), list(STATUSES.values()))[0]
        made.append(shop.orders.create(values, moment))
        made[-1]["created_via"] = "checkout"
    return {"orders": [order["id"] for order in made], "skus": _skus(shop, made)}


def moves(shop: Shop, n: int, seed: int) -> dict[str, Any]:
    """What became of ``n`` open orders, fewer if there are not so many: a next status, or a line's new quantity."""
    rng = random.Random(f"{shop.name}/moves/{seed}")
    open_orders = [order for order in shop.orders.items.values() if order["status"] in NEXT]
    chosen = rng.sample(open_orders, min(n, len(open_orders)))
    how = [_moved(shop, order, rng) for order in chosen]
    return {"orders": [order["id"] for order in chosen], "skus": _skus(shop, chosen), "how": how}


def tick(shop: Shop, n: int, seed: int) -> None:
    """One stretch of business: about half of ``n`` new orders, the others moves of old ones."""
    moves(shop, n // 2, seed)
    orders(shop, n - n // 2, seed)


def _moments(now: datetime, n: int, days: int, rng: random.Random) -> list[datetime]:
    if not days:
        return [now] * n
    first = datetime.combine(now.astimezone(UTC).date(), time(), UTC) - timedelta(days=days)
    return sorted(first + timedelta(days=i * days // n, seconds=rng.randint(0, 86_399)) for i in range(n))


def _in_stock(pool: Iterable[Item]) -> list[Item]:
    """Those of which there are units; once a command has sold them all it sells on, below zero."""
    managed = (item for item in pool if item["manage_stock"] and item["status"] == "publish")
    return [item for item in managed if (item["stock_quantity"] or 0) > 0]


def _lines(stocked: Sequence[Item], rng: random.Random) -> list[Values]:
    """One to three lines of different SKUs, some of them three at a price; seldom one SKU once more."""
    chosen = rng.sample(stocked, min(len(stocked), rng.choice((1, 1, 2, 2, 3))))
    most = [max(1, min(3, item["stock_quantity"])) for item in chosen]
    lines = [_line(item, rng.randint(1, n), rng.random() < 0.12) for item, n in zip(chosen, most, strict=True)]
    return [*lines, _line(chosen[0], 1, False)] if rng.random() < 0.05 else lines


def _line(item: Item, quantity: int, bargain: bool) -> Values:
    """A line of the item; as a bargain it is 3 for 10.00, or 3 for a tenth less where they cost no more than that."""
    line: Values = {"product_id": item["parent_id"] or item["id"], "quantity": quantity}
    line |= {"variation_id": item["id"]} if item["parent_id"] else {}
    whole = 3 * money(item["sale_price"] or item["regular_price"])
    total = Decimal(10) if whole > 10 else whole * Decimal("0.9")
    return {**line, "quantity": 3, "subtotal": str(whole), "total": f"{total:.2f}"} if bargain else line


def _buyer(shop: Shop, rng: random.Random) -> Values:
    """Customer, billing and shipping; the e-mail is now and then in mixed case, as people type it."""
    point = rng.random()
    customer = SHARED if point < 0.01 else rng.choice(CUSTOMERS)
    email = customer.email.title() if rng.random() < 0.15 else customer.email
    guest = rng.random() < 1 / 8
    billing = {**_address(customer), "email": "" if guest else email, "phone": customer.phone}
    number = 0 if guest else _account(shop, customer)
    return {"customer_id": number, "billing": billing, "shipping": _address(customer) if rng.random() < 0.5 else {}}


def _account(shop: Shop, customer: Customer) -> int:
    """The customer's account in this shop; every shop counts its own, and some buyers never open one."""
    everyone = [SHARED, *CUSTOMERS]
    random.Random(f"{shop.name}/accounts").shuffle(everyone)
    number = everyone.index(customer) + 1
    return number if number <= 12 else 0


def _address(customer: Customer) -> Values:
    return {
        "first_name": customer.first,
        "last_name": customer.last,
        "company": customer.company,
        "address_1": f"{len(customer.email)} Main Street",
        "city": customer.city,
        "country": customer.country,
        "postcode": f"{len(customer.name) * 1117:05d}",
    }


def _extras(rng: random.Random) -> Values:
    values: Values = {"payment_method": "bacs", "payment_method_title": "Direct bank transfer"}
    if rng.random() < 0.3:
        values["shipping_lines"] = [{"method_id": "flat_rate", "method_title": "Flat rate", "total": "4.90"}]
    if rng.random() < 0.15:
        values["customer_note"] = rng.choice(NOTES)
    return values


def _moved(shop: Shop, order: Item, rng: random.Random) -> dict[str, Any]:
    """One step of the order; the shop's screen keeps a line's price per unit when its quantity is edited."""
    before = order["status"]
    if before == "pending" and order["line_items"] and rng.random() < 0.5:
        line = rng.choice(order["line_items"])
        number, units, new = line["id"], line["quantity"], rng.choice([n for n in range(1, 5) if n != line["quantity"]])
        sums = {name: str(line[name] * new / units) for name in ("subtotal", "total")}
        shop.orders.update(order, {"line_items": [{"id": number, "quantity": new, **sums}]})
        return {"id": order["id"], "kind": "quantity", "line": number, "before": units, "after": new}
    shop.orders.update(order, {"status": rng.choice(NEXT[before])})
    return {"id": order["id"], "kind": "status", "before": before, "after": order["status"]}


def _skus(shop: Shop, made: Sequence[Item]) -> list[str]:
    products = [shop.orders.lines.product(line) for order in made for line in order["line_items"]]
    return sorted({product["sku"] for product in products if product and product["sku"]})
