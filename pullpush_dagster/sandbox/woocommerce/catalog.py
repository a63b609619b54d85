"""The shop's products and variations in memory, and the rules for changing them."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from pullpush_dagster.sandbox.clock import Clock
from pullpush_dagster.sandbox.woocommerce.errors import WooError
from pullpush_dagster.sandbox.woocommerce.fields import Values

Item = dict[str, Any]
NEW: Item = {
    "type": "simple",
    "name": "",
    "status": "publish",
    "sku": "",
    "global_unique_id": "",
    "description": "",
    "short_description": "",
    "regular_price": "",
    "sale_price": "",
    "manage_stock": False,
    "stock_quantity": None,
    "stock_status": "instock",
    "backorders": "no",
    "parent_id": 0,
}
UNIQUE = {"sku": ("product_invalid_sku", "SKU"), "global_unique_id": ("product_invalid_global_unique_id", "GTIN")}


class Catalog:
    """Products and variations by id; every change goes through here, so that the indexes hold.

    Trashed items keep their SKU, but the SKU is free for others meanwhile and no search but ``status=trash`` shows
    them (seen on WooCommerce 10.6).
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.items: dict[int, Item] = {}
        self.children: dict[int, list[int]] = defaultdict(list)
        self.index: dict[str, dict[str, set[int]]] = {name: defaultdict(set) for name in UNIQUE}
        self.slugs: set[str] = set()
        self.suffixes: dict[str, int] = {}
        self.last_id = 10
        self.last_image = 0

    def create(self, values: Values, parent: Item | None = None) -> Item:
        """The new item; a variation where a parent is given, which then moves its date too.

        Raises:
            WooError: the SKU or barcode stands on another item.
        """
        self._unique(values, 0)
        self.last_id += 1
        now = self.clock.now()
        item = {**NEW, "id": self.last_id, "created": now, "modified": now}
        if parent:
            item |= {"type": "variation", "parent_id": parent["id"], "name": parent["name"]}
            self.children[parent["id"]].append(item["id"])
        self.items[item["id"]] = item
        item["slug"] = self._slug(values.get("slug") or values.get("name") or item["name"] or "product")
        self._apply(item, values)
        return item

    def update(self, item: Item, values: Values) -> Item:
        """The item with its new values.

        Its date_modified moves, also when nothing changed, and a variation moves its parent's date (seen on
        WooCommerce 10.6).

        Raises:
            WooError: the SKU or barcode stands on another item.
        """
        self._unique(values, item["id"])
        if values.get("slug", item["slug"]) != item["slug"]:
            self.slugs.discard(item["slug"])
            item["slug"] = self._slug(values["slug"])
        self._apply(item, values)
        return item

    def trash(self, item: Item) -> None:
        """Moves the item, with its variations, out of sight; the slug becomes ``x__trashed``."""
        for member in self._family(item):
            member["status"] = "trash"
            member["slug"] += "__trashed"
            member["modified"] = self.clock.now()

    def delete(self, item: Item) -> None:
        """Forgets the item and its variations; no listing ever tells."""
        for member in list(self._family(item)):
            for name, index in self.index.items():
                index[member[name]].discard(member["id"])
            self.slugs.discard(member["slug"])
            del self.items[member["id"]]
        if item["parent_id"] in self.children:
            self.children[item["parent_id"]].remove(item["id"])
        self.children.pop(item["id"], None)

    def holders(self, name: str, value: str) -> list[Item]:
        """The items, variations included and trashed ones too, whose SKU or barcode is the value."""
        return [self.items[number] for number in sorted(self.index[name].get(value, ()))]

    def touch(self, item: Item) -> None:
        """Moves the item's date, and its parent's."""
        item["modified"] = self.clock.now()
        if item["parent_id"]:
            self.items[item["parent_id"]]["modified"] = item["modified"]

    def stock(self, item: Item) -> tuple[bool | str, int | None]:
        """Whether the stock is managed (a variation may say "parent") and the units; None where it is not."""
        parent = self.items.get(item["parent_id"])
        if not item["manage_stock"] and parent and parent["manage_stock"]:
            return "parent", parent["stock_quantity"]
        return item["manage_stock"], item["stock_quantity"] if item["manage_stock"] else None

    def _family(self, item: Item) -> Iterator[Item]:
        yield item
        for number in self.children.get(item["id"], ()):
            yield self.items[number]

    def _unique(self, values: Values, number: int) -> None:
        for name, (code, label) in UNIQUE.items():
            value = values.get(name)
            others = (
                [i for i in self.holders(name, value) if i["id"] != number and i["status"] != "trash"] if value else []
            )
            if others:
                data = {"resource_id": others[0]["id"], f"unique_{name}": f"{value}-1"}
                raise WooError(code, f"Invalid or duplicated {label}.", 400, **data)

    def _apply(self, item: Item, values: Values) -> None:
        for name, index in self.index.items():
            if name in values:
                index[item[name]].discard(item["id"])
                index[values[name]].add(item["id"])
        if item["status"] == "trash" and values.get("status", "trash") != "trash":
            item["slug"] = item["slug"].removesuffix("__trashed")
        item |= {name: value for name, value in values.items() if name not in ("slug", "stock_quantity", "images")}
        if "images" in values:
            item["images"] = [self._image(image) for image in values["images"]]
        self._apply_stock(item, values)
        self.touch(item)

    def _apply_stock(self, item: Item, values: Values) -> None:
        """A quantity counts only where the stock is managed; elsewhere it is ignored without a word."""
        if not item["manage_stock"]:
            item |= {"stock_quantity": None, "backorders": "no"}
            return
        item["stock_quantity"] = values.get("stock_quantity", item["stock_quantity"])
        left = "outofstock" if item["backorders"] == "no" else "onbackorder"
        item["stock_status"] = "instock" if (item["stock_quantity"] or 0) > 0 else left
        if item["stock_quantity"] is None:
            item["stock_status"] = "outofstock"

    def _image(self, image: Any) -> dict[str, Any]:
        """An image as stored: its own id once it was taken in."""
        given = image if isinstance(image, dict) else {}
        if not given.get("id"):
            self.last_image += 1
        number = given.get("id") or self.last_image
        return {"id": number, "src": given.get("src", ""), "name": given.get("name", ""), "alt": given.get("alt", "")}

    def _slug(self, text: str) -> str:
        """A slug no other item has, with a number appended where needed."""
        plain = unicodedata.normalize("NFKD", text).lower()
        plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
        base = quote(re.sub(r"[^\w]+", "-", plain).strip("-")).lower() or "product"
        slug = base
        while slug in self.slugs:
            self.suffixes[base] = self.suffixes.get(base, 1) + 1
            slug = f"{base}-{self.suffixes[base]}"
        self.slugs.add(slug)
        return slug
