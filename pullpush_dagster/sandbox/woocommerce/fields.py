"""What may be written to a product: types, and what a null does on which route."""

from collections.abc import Callable, Mapping
from typing import Any

from pullpush_dagster.sandbox.woocommerce.errors import invalid

Values = dict[str, Any]
STATUSES = ("draft", "pending", "private", "publish", "future")
ENUMS: Mapping[str, tuple[str, ...]] = {
    "type": ("simple", "grouped", "external", "variable"),
    "status": STATUSES,
    "backorders": ("no", "notify", "yes"),
    "stock_status": ("instock", "outofstock", "onbackorder"),
    "catalog_visibility": ("visible", "catalog", "search", "hidden"),
    "tax_status": ("taxable", "shipping", "none"),
}
STRINGS = (
    "name",
    "slug",
    "description",
    "short_description",
    "sku",
    "global_unique_id",
    "regular_price",
    "sale_price",
    "weight",
    "tax_class",
    "shipping_class",
)
BOOLEANS = ("manage_stock", "featured", "virtual", "downloadable", "sold_individually", "reviews_allowed")
INTEGERS = ("stock_quantity", "menu_order")
LISTS = ("images", "attributes", "default_attributes", "categories", "tags", "meta_data")
TRUE = (True, 1, "1", "true", "yes")
FALSE = (False, 0, "0", "false", "no", "")


def direct(body: Values, variation: bool = False) -> Values:
    """The values of a request to one product.

    A null skips the check and is then cast to the type's zero: ``stock_quantity`` null WIPES THE STOCK to 0 and a text
    null clears it (seen on WooCommerce 10.6 and 11.0 for stock_quantity). Unknown and computed names are ignored.

    Raises:
        WooError: a value of the wrong type, such as a price that is a number (seen likewise).
    """
    return _checked(body, variation) | {name: _zero(name) for name, value in body.items() if _null(name, value)}


def batched(body: Values, variation: bool = False) -> Values:
    """The values of one item of a batch, where a null is ignored (seen on WooCommerce 10.6 and 11.0).

    Raises:
        WooError: a value of the wrong type.
    """
    return _checked(body, variation)


def _known(name: str) -> bool:
    return name in (*ENUMS, *STRINGS, *BOOLEANS, *INTEGERS, *LISTS)


def _null(name: str, value: Any) -> bool:
    return value is None and _known(name) and name not in ENUMS


def _zero(name: str) -> Any:
    return next(zero for names, zero in ((INTEGERS, 0), (BOOLEANS, False), (LISTS, []), (STRINGS, "")) if name in names)


def _checked(body: Values, variation: bool) -> Values:
    given = {name: value for name, value in body.items() if value is not None and _known(name)}
    if variation and given.get("manage_stock") == "parent":
        given["manage_stock"] = False
    results = {name: _taken(name, value) for name, value in given.items()}
    reasons = {name: str(result) for name, result in results.items() if isinstance(result, ValueError)}
    if reasons:
        raise invalid(reasons)
    return results


def _taken(name: str, value: Any) -> Any:
    """The value as kept, or the reason why it is refused."""
    kinds: tuple[tuple[tuple[str, ...], Callable[[str, Any], Any]], ...] = (
        (tuple(ENUMS), _choice),
        (STRINGS, string),
        (BOOLEANS, boolean),
        (INTEGERS, integer),
        (LISTS, array),
    )
    return next(take for names, take in kinds if name in names)(name, value)


def _choice(name: str, value: Any) -> Any:
    return value if value in ENUMS[name] else ValueError(f"{name} is not one of {', '.join(ENUMS[name])}.")


def string(name: str, value: Any) -> Any:
    """A text, or the reason why it is none."""
    return value if isinstance(value, str) else ValueError(f"{name} is not of type string.")


def boolean(name: str, value: Any) -> Any:
    """A truth value in any spelling of WordPress, or the reason why it is none."""
    if not isinstance(value, str | int) or value not in (*TRUE, *FALSE):
        return ValueError(f"{name} is not of type boolean.")
    return value in TRUE


def integer(name: str, value: Any) -> Any:
    """A whole number or its text; 2.5 is refused and so is the empty text (seen on WooCommerce 10.6 and 11.0)."""
    try:
        whole = None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        whole = None
    if whole is None or not whole.is_integer():
        return ValueError(f"{name} is not of type integer.")
    return int(whole)


def array(name: str, value: Any) -> Any:
    """A list, or the reason why it is none."""
    return value if isinstance(value, list) else ValueError(f"{name} is not of type array.")
