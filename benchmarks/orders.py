"""Made-up nested orders of two platforms, as pages of their answers."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import orjson
import pyarrow as arrow

from pullpush_dagster.canonical.frame import PAGES

Order = dict[str, Any]
_BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def judge_page(start: int, end: int, count: int) -> bytes:
    """The judge's answer with orders [start, end) of ``count``."""
    following = str(end) if end < count else None
    orders = [judge_order(i) for i in range(start, end)]
    return orjson.dumps({"data": orders, "has_more": end < count, "next_cursor": following})


def shop_page(start: int, end: int, _: int) -> bytes:
    """A shop's answer with orders [start, end)."""
    return orjson.dumps([shop_order(i) for i in range(start, end)])


def pages(count: int, size: int, page: Callable[[int, int, int], bytes]) -> arrow.Table:
    """``count`` orders in pages of ``size`` (schema ``PAGES``)."""
    bodies = [page(start, min(start + size, count), count).decode() for start in range(0, count, size)]
    asked_at = [dt.datetime.now(dt.UTC)] * len(bodies)
    numbers = list(range(1, len(bodies) + 1))
    return arrow.table([["all"] * len(bodies), numbers, asked_at, bodies], schema=PAGES)


def judge_order(i: int) -> Order:
    """Order ``i`` as the judge gives it (mockapi.c): 530 bytes, two lines, notes mostly null."""
    # Every seventh group of five shares a stamp, and so does one run of 700.
    group = 50_000 if 50_000 <= i < 50_700 else i // 5 * 5 if i // 5 % 7 == 0 else i
    cents = 100 + i * 7919 % 99_900
    return {
        "id": f"ord-{i:07}", "order_number": 1000 + i, "total_amount": f"{cents // 100}.{cents % 100:02}",
        "total_cents": cents, "created_at": _stamp(group * 7 - 86_400), "updated_at": _stamp(group * 7),
        "status": ("paid", "pending", "fulfilled", "cancelled", "refunded")[i % 5],
        "currency": ("EUR", "USD", "GBP", "ZAR")[i % 4],
        "customer": {
            "id": f"cus-{i % 20_000:05}", "email": f"user{i % 20_000}@example.com",
            "name": f"Customer Number {i % 20_000}",
        },
        "shipping_address": {
            "line1": f"{i % 900} Long Street", "city": "Cape Town", "postcode": f"{i % 10_000:04}", "country": "ZA",
        },
        "line_items": [
            {"sku": f"SKU-{i % 16_667:06}", "quantity": i % 9 + 1, "price": f"{i % 90}.50"},
            {"sku": f"SKU-{i * 3 % 16_667:06}", "quantity": i % 4 + 1, "price": f"{i % 40}.25"},
        ],
        "stock_hint": {0: 0, 1: None}.get(i % 50, i % 1000 + 1), "note": None if i % 3 else "gift wrap, please",
    }  # fmt: skip


def shop_order(i: int) -> Order:
    """Order ``i`` as WooCommerce gives it, less what nobody maps: 1 KB, three lines, two whole addresses."""
    address = {
        "first_name": "Anna", "last_name": f"Buyer {i % 2000}", "company": "", "address_1": f"{i % 900} Long Street",
        "address_2": "", "city": "Cape Town", "state": "WC", "postcode": f"{i % 10_000:04}", "country": "ZA",
        "phone": f"+2721{i % 10_000_000:07}",
    }  # fmt: skip
    return {
        "id": i, "number": str(i), "currency": ("EUR", "USD", "GBP", "ZAR")[i % 4],
        "status": ("processing", "pending", "completed", "cancelled", "refunded")[i % 5],
        "total": f"{i % 999}.50", "total_tax": f"{i % 99}.10", "shipping_total": "5.00", "discount_total": "0.00",
        "customer_id": i % 20_000, "shipping": address,
        "billing": {**address, "email": f"user{i % 20_000}@example.com"},
        "line_items": [
            {"id": i * 3 + k, "sku": f"SKU-{(i * 3 + k) % 16_667:06}", "name": f"Thing {k}", "quantity": k + 1,
             "price": 9.5 + k, "total": f"{(k + 1) * (9.5 + k):.2f}"}
            for k in range(3)
        ],
        "customer_note": "" if i % 3 else "gift wrap, please",
        "date_created_gmt": _stamp(i * 7)[:-1], "date_modified_gmt": _stamp(i * 7 + 60)[:-1],
    }  # fmt: skip


def _stamp(seconds: int) -> str:
    return f"{_BEGIN + dt.timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%SZ}"
