"""Products and variations as the shop shows them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pullpush_dagster.sandbox.woocommerce.catalog import Catalog, Item

ZONE = timezone(timedelta(hours=2))
CONSTANT: Mapping[str, Any] = {
    "featured": False,
    "catalog_visibility": "visible",
    "date_on_sale_from": None,
    "date_on_sale_from_gmt": None,
    "date_on_sale_to": None,
    "date_on_sale_to_gmt": None,
    "total_sales": 0,
    "virtual": False,
    "downloadable": False,
    "downloads": [],
    "download_limit": -1,
    "download_expiry": -1,
    "external_url": "",
    "button_text": "",
    "tax_status": "taxable",
    "tax_class": "",
    "low_stock_amount": None,
    "sold_individually": False,
    "weight": "",
    "dimensions": {"length": "", "width": "", "height": ""},
    "shipping_required": True,
    "shipping_taxable": True,
    "shipping_class": "",
    "shipping_class_id": 0,
    "reviews_allowed": True,
    "average_rating": "0.00",
    "rating_count": 0,
    "upsell_ids": [],
    "cross_sell_ids": [],
    "related_ids": [],
    "purchase_note": "",
    "categories": [],
    "tags": [],
    "images": [],
    "attributes": [],
    "default_attributes": [],
    "grouped_products": [],
    "menu_order": 0,
    "meta_data": [],
}
NOT_ON_VARIATIONS = (
    "slug",
    "total_sales",
    "purchase_note",
    "shipping_required",
    "shipping_taxable",
    "has_options",
    "featured",
    "catalog_visibility",
    "short_description",
    "price_html",
    "external_url",
    "button_text",
    "sold_individually",
    "reviews_allowed",
    "average_rating",
    "rating_count",
    "upsell_ids",
    "cross_sell_ids",
    "related_ids",
    "categories",
    "tags",
    "default_attributes",
    "grouped_products",
    "variations",
    "images",
)


def product(catalog: Catalog, item: Item, base: str) -> dict[str, Any]:
    """A product, or a variation found by SKU, with every field of the API; ``base`` is the API's address.

    ``stock_quantity`` null means the stock is not managed, 0 is a real zero (seen on WooCommerce 10.6). Prices are
    texts, empty where there is none. Dates carry no zone: the shop's own (UTC+2 here), and UTC in those ``_gmt``.
    """
    kept = {name: item[name] for name in CONSTANT if name in item}
    return {
        "id": item["id"],
        "name": item["name"],
        "slug": item["slug"],
        "permalink": f"{base.partition('/wp-json')[0]}/product/{item['slug']}/",
        **_dates("date_created", item["created"]),
        **_dates("date_modified", item["modified"]),
        "type": item["type"],
        "status": item["status"],
        "description": item["description"],
        "short_description": item["short_description"],
        "sku": item["sku"],
        "global_unique_id": item["global_unique_id"],
        **_price(item),
        **CONSTANT,
        **_stock(catalog, item),
        **kept,
        "parent_id": item["parent_id"],
        "variations": list(catalog.children.get(item["id"], [])),
        "_links": _links(item, base),
    }


def variation(catalog: Catalog, item: Item, base: str) -> dict[str, Any]:
    """A variation as its own routes show it: ``manage_stock`` is true, false or "parent"."""
    shown = product(catalog, item, base)
    shown["image"] = next(iter(shown["images"]), None)
    return {name: value for name, value in shown.items() if name not in NOT_ON_VARIATIONS}


def trimmed(shown: dict[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    """The asked-for fields (``a.b`` keeps b of a); no list keeps all (seen on WooCommerce 10.6)."""
    if not fields:
        return shown
    kept: dict[str, Any] = {}
    for path in fields:
        name, _, inner = path.partition(".")
        if name in shown and inner and isinstance(shown[name], dict):
            kept.setdefault(name, {}).update(trimmed(shown[name], [inner]))
        elif name in shown:
            kept[name] = shown[name]
    return kept


def dated(moment: datetime, gmt: bool) -> str:
    """The instant as the shop writes it: ``YYYY-MM-DDTHH:MM:SS`` without a zone."""
    return moment.astimezone(UTC if gmt else ZONE).strftime("%Y-%m-%dT%H:%M:%S")


def _dates(name: str, moment: datetime) -> dict[str, str]:
    return {name: dated(moment, gmt=False), f"{name}_gmt": dated(moment, gmt=True)}


def _price(item: Item) -> dict[str, Any]:
    price = item["sale_price"] or item["regular_price"]
    return {
        "price": price,
        "regular_price": item["regular_price"],
        "sale_price": item["sale_price"],
        "price_html": f"{price} EUR" if price else "",
        "on_sale": bool(item["sale_price"]),
        "purchasable": bool(price),
    }


def _stock(catalog: Catalog, item: Item) -> dict[str, Any]:
    managed, quantity = catalog.stock(item)
    return {
        "manage_stock": managed,
        "stock_quantity": quantity,
        "stock_status": item["stock_status"],
        "has_options": item["type"] == "variable",
        "backorders": item["backorders"],
        "backorders_allowed": item["backorders"] != "no",
        "backordered": item["stock_status"] == "onbackorder",
    }


def _links(item: Item, base: str) -> dict[str, Any]:
    parent = item["parent_id"]
    own = f"{base}/products/{parent}/variations/{item['id']}" if parent else f"{base}/products/{item['id']}"
    links = {"self": [{"href": own}], "collection": [{"href": own.rpartition("/")[0]}]}
    return {**links, "up": [{"href": f"{base}/products/{parent}"}]} if parent else links
