"""The shop's orders in memory, and what an order's status does to the stock."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from pullpush_dagster.sandbox.woocommerce.catalog import Catalog, Item
from pullpush_dagster.sandbox.woocommerce.errors import WooError
from pullpush_dagster.sandbox.woocommerce.fields import Values
from pullpush_dagster.sandbox.woocommerce.order_fields import BILLING, SHIPPING
from pullpush_dagster.sandbox.woocommerce.order_lines import Lines

PAID = ("processing", "completed")
TAKING = ("processing", "completed", "on-hold")
GIVING_BACK = ("cancelled", "pending")
PLAIN = ("parent_id", "currency", "customer_id", "customer_note", "payment_method", "payment_method_title")
NEW: Mapping[str, Any] = {
    "parent_id": 0,
    "status": "pending",
    "currency": "EUR",
    "customer_id": 0,
    "customer_note": "",
    "payment_method": "",
    "payment_method_title": "",
    "transaction_id": "",
    "created_via": "rest-api",
    "paid": None,
    "completed": None,
    "stock_reduced": False,
}


class Orders:
    """Orders by id. Ids are counters that start alike in every shop, so those of two shops overlap."""

    def __init__(self, catalog: Catalog, shop: str) -> None:
        self.catalog = catalog
        self.shop = shop
        self.items: dict[int, Item] = {}
        self.last_id = 100
        self.lines = Lines(catalog)

    def create(self, values: Values, moment: datetime | None = None) -> Item:
        """The new order, made at the given moment (now), which the stock follows at once.

        Raises:
            WooError: a line without a product, or a coupon, which this shop has none of.
        """
        edited = self._edited({}, values)
        self.last_id += 1
        now = moment or self.catalog.clock.now()
        key = hashlib.sha256(f"{self.shop}/{self.last_id}".encode()).hexdigest()[:13]
        order: Item = {**NEW, "id": self.last_id, "order_key": f"wc_order_{key}", "created": now, "modified": now}
        order |= {"meta_data": [], "refunds": [], **edited}
        self.items[self.last_id] = order
        self._become(order, self._status(order, values), now)
        return order

    def update(self, order: Item, values: Values) -> Item:
        """The order with its new values; its date_modified moves in any case.

        A line's quantity changes in every status, not only in those where the shop's own screen is editable
        (pending and on-hold), and the stock does not follow such an edit.

        Raises:
            WooError: a line that is not of this order, or as for ``create``.
        """
        order |= self._edited(order, values)
        order["modified"] = self.catalog.clock.now()
        self._become(order, self._status(order, values), order["modified"])
        return order

    def trash(self, order: Item) -> None:
        """Moves the order out of sight; the stock stays as it is."""
        order["status"] = "trash"
        order["modified"] = self.catalog.clock.now()

    def delete(self, order: Item) -> None:
        """Forgets the order; no listing ever tells."""
        del self.items[order["id"]]

    def _edited(self, order: Item, values: Values) -> Values:
        """The parts of the order that the values change; refused values change nothing."""
        if values.get("coupon_lines"):
            code = values["coupon_lines"][0].get("code") or ""
            raise WooError("woocommerce_rest_invalid_coupon", f'Coupon "{code}" does not exist!')
        edited = {name: values[name] for name in (*PLAIN, "transaction_id", "meta_data") if name in values}
        for name, parts in (("billing", BILLING), ("shipping", SHIPPING)):
            edited[name] = {**dict.fromkeys(parts, ""), **order.get(name, {}), **values.get(name, {})}
        for kind in ("line_items", "shipping_lines", "fee_lines"):
            edited[kind] = self.lines.edited(kind, order.get(kind, []), values.get(kind, []))
        return edited

    @staticmethod
    def _status(order: Item, values: Values) -> str:
        """The status asked for; ``set_paid`` makes an unpaid order a processing one."""
        status = str(values.get("status", order["status"]))
        return "processing" if values.get("set_paid") and status in ("pending", "failed", "on-hold") else status

    def _become(self, order: Item, status: str, moment: datetime) -> None:
        """Sets the status and does what follows from it.

        An order lowers the stock of its managed products once, when it becomes processing, completed or on-hold,
        which moves their date_modified (seen on WooCommerce 10.6), and gives it back once, when it becomes cancelled
        or pending. Refunded and failed leave the stock alone.
        """
        order["status"] = status
        if status in PAID:
            order["paid"] = order["paid"] or moment
        if status == "completed":
            order["completed"] = order["completed"] or moment
        if status == "refunded" and not order["refunds"]:
            self.last_id += 1
            order["refunds"] = [{"id": self.last_id, "reason": "Order fully refunded.", "total": total(order)}]
        if status in TAKING and not order["stock_reduced"]:
            self._take(order)
        elif status in GIVING_BACK and order["stock_reduced"]:
            self._give_back(order)

    def _take(self, order: Item) -> None:
        order["stock_reduced"] = True
        for line in order["line_items"]:
            if self._moved(line, -line["quantity"]):
                line["reduced"] = line["quantity"]

    def _give_back(self, order: Item) -> None:
        order["stock_reduced"] = False
        for line in order["line_items"]:
            self._moved(line, line["reduced"])
            line["reduced"] = 0

    def _moved(self, line: Item, units: int) -> bool:
        """Whether the stock of the line's product is managed; if so, it has moved by so many units."""
        item = self.lines.product(line)
        parent = self.catalog.items.get(item["parent_id"]) if item else None
        target = item if item and item["manage_stock"] else parent
        if not target or not target["manage_stock"]:
            return False
        if units:
            self.catalog.update(target, {"stock_quantity": (target["stock_quantity"] or 0) + units})
        return True


def total(order: Item) -> Decimal:
    """What the order comes to; there are no taxes here."""
    kinds = ("line_items", "shipping_lines", "fee_lines")
    return sum((line["total"] for kind in kinds for line in order[kind]), Decimal(0))
