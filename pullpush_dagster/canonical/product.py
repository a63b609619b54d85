"""product: what is sold, one row per SKU."""

from pullpush_dagster.canonical.entity import CURRENCY, NOT_EMPTY, Entity, one_of
from pullpush_dagster.canonical.types import DECIMAL, INSTANT, JSON, TEXT, ListOf, Struct

MEDIA = Struct({"url": TEXT, "alt": TEXT})
# ``options`` is an object such as {"size": "L"}; it is kept as JSON text.
VARIANT = Struct({"sku": TEXT, "title": TEXT, "price": DECIMAL, "barcode": TEXT, "options": JSON})

PRODUCT = Entity(
    name="product",
    key=("sku",),
    deliver="latest",
    fields={
        "sku": TEXT,
        "title": TEXT,
        "description": TEXT,
        "price": DECIMAL,
        "currency": TEXT,
        "status": TEXT,
        "barcode": TEXT,
        "media": ListOf(MEDIA),
        "variants": ListOf(VARIANT),
        "updatedAt": INSTANT,
    },
    checks={
        "sku": [NOT_EMPTY],
        "currency": [CURRENCY],
        "status": [one_of("draft", "active", "archived")],
    },
    price="price",
)
