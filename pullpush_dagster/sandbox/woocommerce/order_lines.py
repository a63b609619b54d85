"""Lines of an order: products, shipping and fees; ids run through all of them."""

from typing import Any

from pullpush_dagster.sandbox.woocommerce.catalog import Catalog, Item
from pullpush_dagster.sandbox.woocommerce.errors import WooError
from pullpush_dagster.sandbox.woocommerce.fields import Values
from pullpush_dagster.sandbox.woocommerce.order_fields import money

KEPT = ("name", "quantity", "tax_class", "meta_data", "method_id", "method_title", "instance_id")
NULLABLE = ("product_id", "method_id", "method_title", "name")


class Lines:
    """Makes and edits lines; the id counter is the shop's one for all orders."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.last_id = 0

    def edited(self, kind: str, lines: list[Item], given: list[Values]) -> list[Item]:
        """The lines after the entries of a request: one with an id edits, one without adds.

        Quantity 0, or null in what names the line, removes it. A quantity alone leaves the line's total as it was, so
        its price changes (``prepare_line_items`` in WooCommerce's orders controller).

        Raises:
            WooError: an id that is not of these lines, or a new line without what it needs.
        """
        kept = {line["id"]: dict(line) for line in lines}
        for entry in given:
            number = entry.get("id") or 0
            if entry.get("quantity") == 0 or any(entry.get(name, "") is None for name in NULLABLE):
                kept.pop(number, None)
            elif not number:
                line = self._new(kind, entry)
                kept[line["id"]] = line
            elif number in kept:
                self._edit(kept[number], entry)
            else:
                reason = "Order item ID provided is not associated with order."
                raise WooError("woocommerce_rest_invalid_item_id", reason)
        return list(kept.values())

    def product(self, line: Item) -> Item | None:
        """The product or variation that the line stands for, if it is still there."""
        return self.catalog.items.get(line["variation_id"] or line["product_id"])

    def _new(self, kind: str, entry: Values) -> Item:
        line = {
            "line_items": self._product_line,
            "shipping_lines": self._shipping_line,
            "fee_lines": self._fee_line,
        }[kind](entry)
        self.last_id += 1
        line = {"id": self.last_id, **line, "meta_data": []}
        self._edit(line, {name: value for name, value in entry.items() if name not in ("sku", "product_id")})
        return line

    def _product_line(self, entry: Values) -> Item:
        """A line of the product asked for, at the shop's price; an unknown product leaves a line without one."""
        if not any(entry.get(name) for name in ("sku", "product_id", "variation_id")):
            raise WooError("woocommerce_rest_required_product_reference", "Product ID or SKU is required.")
        item = self._asked(entry)
        price = money(item["sale_price"] or item["regular_price"]) if item else money("")
        whole = price * int(entry.get("quantity", 1))
        return {**_of(item), "quantity": 1, "tax_class": "", "subtotal": whole, "total": whole, "reduced": 0}

    @staticmethod
    def _shipping_line(entry: Values) -> Item:
        if not entry.get("method_id"):
            raise WooError("woocommerce_rest_invalid_shipping_item", "Shipping method ID is required.")
        return {"method_title": "", "method_id": "", "instance_id": "", "total": money("")}

    @staticmethod
    def _fee_line(entry: Values) -> Item:
        if not entry.get("name"):
            raise WooError("woocommerce_rest_invalid_fee_item", "Fee name is required.")
        return {"name": "", "tax_class": "", "total": money("")}

    def _edit(self, line: Item, entry: Values) -> None:
        """Applies an entry; a line's subtotal never stays below its total (``set_total`` in WooCommerce's code)."""
        if any(entry.get(name) for name in ("sku", "product_id", "variation_id")) and "product_id" in line:
            line |= _of(self._asked(entry))
        line |= {name: entry[name] for name in KEPT if entry.get(name) is not None and name in line}
        amounts = {name: money(entry[name]) for name in ("subtotal", "total") if entry.get(name) is not None}
        line |= {name: amount for name, amount in amounts.items() if name in line}
        if "subtotal" in line:
            line["subtotal"] = max(line["subtotal"], line["total"])

    def _asked(self, entry: Values) -> Item | None:
        """The item by SKU, else by variation, else by product."""
        if entry.get("sku"):
            live = [item for item in self.catalog.holders("sku", entry["sku"]) if item["status"] != "trash"]
            return live[0] if live else None
        return self.catalog.items.get(entry.get("variation_id") or entry.get("product_id") or 0)


def _of(item: Item | None) -> dict[str, Any]:
    """What a line takes over from its product."""
    if item is None:
        return {"name": "", "product_id": 0, "variation_id": 0}
    parent = item["parent_id"]
    return {"name": item["name"], "product_id": parent or item["id"], "variation_id": item["id"] if parent else 0}
