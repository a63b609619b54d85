"""order: one sale, with its lines."""

from pullpush_dagster.canonical.entity import CURRENCY, NOT_EMPTY, Entity, one_of
from pullpush_dagster.canonical.types import DECIMAL, INSTANT, TEXT, ListOf, Struct

LINE_ITEM = Struct(
    {"lineId": TEXT, "sku": TEXT, "title": TEXT, "quantity": DECIMAL, "unitPrice": DECIMAL, "totalAmount": DECIMAL}
)
CUSTOMER = Struct({"id": TEXT, "name": TEXT, "email": TEXT, "phone": TEXT, "company": TEXT})
ADDRESS = Struct(
    dict.fromkeys(
        ("name", "company", "line1", "line2", "city", "region", "postalCode", "country", "phone"),
        TEXT,
    )
)

ORDER = Entity(
    name="order",
    key=("orderId",),
    deliver="every",
    prefixed=True,
    fields={
        "orderId": TEXT,
        "status": TEXT,
        "currency": TEXT,
        "totalAmount": DECIMAL,
        "taxAmount": DECIMAL,
        "shippingAmount": DECIMAL,
        "discountAmount": DECIMAL,
        "lineItems": ListOf(LINE_ITEM),
        "customer": CUSTOMER,
        "shippingAddress": ADDRESS,
        "billingAddress": ADDRESS,
        "note": TEXT,
        "createdAt": INSTANT,
        "updatedAt": INSTANT,
    },
    checks={
        "orderId": [NOT_EMPTY],
        "status": [one_of("pending", "paid", "fulfilled", "cancelled", "refunded", "failed")],
        "currency": [CURRENCY],
    },
    personal=frozenset({"customer", "shippingAddress", "billingAddress", "note"}),
)
