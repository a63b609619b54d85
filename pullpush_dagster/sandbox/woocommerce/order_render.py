"""Orders as the shop shows them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from pullpush_dagster.sandbox.woocommerce.catalog import Catalog, Item
from pullpush_dagster.sandbox.woocommerce.orderbook import total
from pullpush_dagster.sandbox.woocommerce.render import dated

NO_TAX: Mapping[str, Any] = {"total_tax": "0.00", "taxes": []}


def order(catalog: Catalog, item: Item, base: str) -> dict[str, Any]:
    """An order with every field of REST v3; ``base`` is the API's address.

    Totals are texts of two decimals and empty texts "". There are no taxes, coupons or IP addresses here.
    """
    plain = ("currency", "customer_id", "customer_note", "payment_method", "payment_method_title", "transaction_id")
    names = ("id", "parent_id", "status", "order_key", "created_via", *plain, "meta_data")
    return {
        **{name: item[name] for name in names},
        "number": str(item["id"]),
        "version": "10.6.2",
        "prices_include_tax": False,
        **_dates(item),
        **_totals(item),
        "customer_ip_address": "",
        "customer_user_agent": "",
        "cart_hash": "",
        "billing": dict(item["billing"]),
        "shipping": dict(item["shipping"]),
        "line_items": [_line(catalog, line) for line in item["line_items"]],
        "tax_lines": [],
        "shipping_lines": [{**line, "total": _text(line["total"]), **NO_TAX} for line in item["shipping_lines"]],
        "fee_lines": [_fee(line) for line in item["fee_lines"]],
        "coupon_lines": [],
        "refunds": [{**refund, "total": f"-{_text(refund['total'])}"} for refund in item["refunds"]],
        **_payment(item, base),
        "_links": _links(item, base),
    }


def _line(catalog: Catalog, line: Item) -> dict[str, Any]:
    """A product line; its SKU is the product's present one, null once the product is gone.

    ``price`` is a number, total by quantity, and a whole one has no fraction: PHP divides the two and writes 5.0 as 5
    (``get_order_item_data`` in WooCommerce's orders controller, and ``"price": 3`` in its documentation).
    """
    product = catalog.items.get(line["variation_id"] or line["product_id"])
    price = float(line["total"]) / line["quantity"] if line["quantity"] else 0.0
    return {
        **{name: line[name] for name in ("id", "name", "product_id", "variation_id", "quantity", "tax_class")},
        "subtotal": _text(line["subtotal"]),
        "subtotal_tax": "0.00",
        "total": _text(line["total"]),
        **NO_TAX,
        "meta_data": line["meta_data"],
        "sku": product["sku"] if product else None,
        "global_unique_id": product["global_unique_id"] if product else None,
        "price": int(price) if price.is_integer() else price,
        "image": {"id": "", "src": ""},
        "parent_name": product["name"] if product and product["parent_id"] else None,
    }


def _fee(line: Item) -> dict[str, Any]:
    amount = _text(line["total"])
    return {**line, "tax_status": "taxable", "amount": amount, "total": amount, **NO_TAX}


def _text(amount: Decimal) -> str:
    return f"{amount.quantize(Decimal('0.01'), ROUND_HALF_UP):f}"


def _totals(item: Item) -> dict[str, str]:
    lines = item["line_items"]
    sums = {
        "discount_total": sum((line["subtotal"] - line["total"] for line in lines), Decimal(0)),
        "shipping_total": sum((line["total"] for line in item["shipping_lines"]), Decimal(0)),
        "total": total(item),
    }
    zeros = dict.fromkeys(("discount_tax", "shipping_tax", "cart_tax", "total_tax"), "0.00")
    return {**{name: _text(amount) for name, amount in sums.items()}, **zeros}


def _dates(item: Item) -> dict[str, str | None]:
    shown: dict[str, str | None] = {}
    for name in ("created", "modified", "paid", "completed"):
        moment: datetime | None = item[name]
        shown[f"date_{name}"] = dated(moment, gmt=False) if moment else None
        shown[f"date_{name}_gmt"] = dated(moment, gmt=True) if moment else None
    return shown


def _payment(item: Item, base: str) -> dict[str, Any]:
    """What follows from the status: whether the shop's own screen may edit lines, and whether money is due."""
    due = item["status"] in ("pending", "failed") and total(item) > 0
    address = f"{base.partition('/wp-json')[0]}/checkout/order-pay/{item['id']}/?pay_for_order=true"
    return {
        "payment_url": f"{address}&key={item['order_key']}",
        "is_editable": item["status"] in ("pending", "on-hold"),
        "needs_payment": due,
        "needs_processing": True,
        "currency_symbol": "€" if item["currency"] == "EUR" else item["currency"],
    }


def _links(item: Item, base: str) -> dict[str, Any]:
    own = f"{base}/orders/{item['id']}"
    links = {"self": [{"href": own}], "collection": [{"href": f"{base}/orders"}]}
    number = item["customer_id"]
    return {**links, "customer": [{"href": f"{base}/customers/{number}"}]} if number else links
