"""invoice: money asked for."""

from pullpush_dagster.canonical.entity import CURRENCY, NOT_EMPTY, Entity, one_of
from pullpush_dagster.canonical.order import CUSTOMER, LINE_ITEM
from pullpush_dagster.canonical.types import DECIMAL, INSTANT, TEXT, ListOf

INVOICE = Entity(
    name="invoice",
    key=("invoiceId",),
    deliver="every",
    prefixed=True,
    fields={
        "invoiceId": TEXT,
        "orderId": TEXT,
        "amount": DECIMAL,
        "balance": DECIMAL,
        "currency": TEXT,
        "status": TEXT,
        "customer": CUSTOMER,
        "lineItems": ListOf(LINE_ITEM),
        "issuedAt": INSTANT,
        "dueAt": INSTANT,
        "updatedAt": INSTANT,
    },
    checks={
        "invoiceId": [NOT_EMPTY],
        "currency": [CURRENCY],
        "status": [one_of("draft", "open", "paid", "void")],
    },
    personal=frozenset({"customer"}),
)
