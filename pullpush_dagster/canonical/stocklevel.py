"""stocklevel: what may be sold of one SKU at one location."""

from pullpush_dagster.canonical.entity import NOT_EMPTY, Entity
from pullpush_dagster.canonical.types import DECIMAL, INSTANT, TEXT

STOCKLEVEL = Entity(
    name="stocklevel",
    key=("sku", "locationId"),
    deliver="latest",
    # In sellable units. Negative: more was sold than is there. Unknown: not tracked there.
    fields={"sku": TEXT, "locationId": TEXT, "quantity": DECIMAL, "updatedAt": INSTANT},
    checks={"sku": [NOT_EMPTY], "locationId": [NOT_EMPTY]},
    null_means={"quantity": "unknown"},
    amount="quantity",
)
