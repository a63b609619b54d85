"""What may be written to an order, and how a value is taken in."""

from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from pullpush_dagster.sandbox.woocommerce.errors import invalid
from pullpush_dagster.sandbox.woocommerce.fields import Values, array, boolean, integer, string

Check = Callable[[str, Any], Any]
STATUSES = ("pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed")
BILLING = (
    "first_name",
    "last_name",
    "company",
    "address_1",
    "address_2",
    "city",
    "state",
    "postcode",
    "country",
    "email",
    "phone",
)
SHIPPING = tuple(name for name in BILLING if name != "email")
LINES = ("line_items", "shipping_lines", "fee_lines", "coupon_lines")
_TEXTS = ("name", "sku", "subtotal", "total", "tax_class", "method_id", "method_title", "instance_id", "code")
_LINE: Mapping[str, Check] = {
    **dict.fromkeys(_TEXTS, string),
    **dict.fromkeys(("id", "product_id", "variation_id", "quantity"), integer),
    "meta_data": array,
}


def checked(body: Values) -> Values:
    """The values of a request to one order; nulls, unknown and computed names are ignored.

    A line's keys stay even where they are null: a null ``product_id`` removes the line.

    Raises:
        WooError: a value of the wrong type, such as a line's total that is a number.
    """
    given = {name: value for name, value in body.items() if value is not None and name in _ORDER}
    results = {name: _ORDER[name](name, value) for name, value in given.items()}
    reasons = {name: str(result) for name, result in results.items() if isinstance(result, ValueError)}
    if reasons:
        raise invalid(reasons)
    return results


def money(text: str) -> Decimal:
    """An amount as the shop reads it; what is no number is 0 (``wc_format_decimal`` in WooCommerce's code)."""
    try:
        amount = Decimal(text.strip() or "0")
    except InvalidOperation:
        return Decimal(0)
    return amount if amount.is_finite() else Decimal(0)


def _status(name: str, value: Any) -> Any:
    return value if value in STATUSES else ValueError(f"{name} is not one of {', '.join(STATUSES)}.")


def _address(name: str, value: Any) -> Any:
    """The parts that were sent, every one a text; an e-mail is empty or has an @."""
    if not isinstance(value, dict):
        return ValueError(f"{name} is not of type object.")
    known = BILLING if name == "billing" else SHIPPING
    parts = {key: part for key, part in value.items() if key in known and part is not None}
    for key, part in parts.items():
        if not isinstance(part, str):
            return ValueError(f"{name}[{key}] is not of type string.")
    if parts.get("email") and "@" not in parts["email"]:
        return ValueError("Invalid email address.")
    return parts


def _lines(name: str, value: Any) -> Any:
    if not isinstance(value, list):
        return ValueError(f"{name} is not of type array.")
    taken = []
    for number, line in enumerate(value):
        if not isinstance(line, dict):
            return ValueError(f"{name}[{number}] is not of type object.")
        entry = {key: _part(f"{name}[{number}][{key}]", key, part) for key, part in line.items() if key in _LINE}
        wrong = [part for part in entry.values() if isinstance(part, ValueError)]
        if wrong:
            return wrong[0]
        taken.append(entry)
    return taken


def _part(place: str, name: str, value: Any) -> Any:
    return None if value is None else _LINE[name](place, value)


_ORDER: Mapping[str, Check] = {
    "status": _status,
    "billing": _address,
    "shipping": _address,
    "set_paid": boolean,
    "meta_data": array,
    **dict.fromkeys(LINES, _lines),
    **dict.fromkeys(("customer_id", "parent_id"), integer),
    **dict.fromkeys(("currency", "customer_note", "payment_method", "payment_method_title", "transaction_id"), string),
}
