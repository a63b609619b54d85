"""Made-up nested orders, as pages of a platform's answers."""

import datetime as dt
from collections.abc import Iterator

import orjson
import pyarrow as arrow

from pullpush_dagster.canonical.frame import PAGES

PAGE = 250
_STATUS = ("paid", "pending", "fulfilled")


def pages(count: int) -> arrow.Table:
    """``count`` orders of about 550 bytes and two to three lines each, in pages of 250 (schema ``PAGES``)."""
    now = dt.datetime.now(dt.UTC)
    bodies = [
        orjson.dumps({"data": list(_orders(start, min(start + PAGE, count)))}).decode()
        for start in range(0, count, PAGE)
    ]
    numbers = list(range(1, len(bodies) + 1))
    columns = {"walk": ["all"] * len(bodies), "page": numbers, "asked_at": [now] * len(bodies), "body": bodies}
    return arrow.table(columns, schema=PAGES)


def _orders(start: int, end: int) -> Iterator[dict[str, object]]:
    for i in range(start, end):
        stamp = (dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + dt.timedelta(seconds=i)).strftime("%Y-%m-%dT%H:%M:%SZ")
        yield {
            "id": f"ord-{i:07}", "order_number": 1000 + i, "status": _STATUS[i % 3], "currency": "EUR",
            "total_amount": f"{i % 900}.25", "total_cents": (i % 900) * 100 + 25,
            "created_at": stamp, "updated_at": stamp,
            "customer": {"id": f"cus-{i % 5000:05}", "email": f"user{i % 5000}@example.com", "name": f"Customer {i}"},
            "shipping_address": {"line1": f"{i} Long Street", "city": "Cape Town", "postcode": "0001", "country": "ZA"},
            "line_items": [
                {"sku": f"SKU-{i + k:06}", "quantity": k + 1, "price": f"{k}.50"} for k in range(2 + i % 2)
            ],
            "stock_hint": None if i % 7 == 0 else i % 5, "note": "gift wrap, please" if i % 4 == 0 else None,
        }  # fmt: skip
