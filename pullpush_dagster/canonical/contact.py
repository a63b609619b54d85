"""contact: a person or company reached by e-mail."""

from pullpush_dagster.canonical.entity import Check, Entity, one_of
from pullpush_dagster.canonical.order import ADDRESS
from pullpush_dagster.canonical.types import INSTANT, TEXT

CONTACT = Entity(
    name="contact",
    key=("email",),
    deliver="latest",
    fields={
        "email": TEXT,
        "name": TEXT,
        "company": TEXT,
        "phone": TEXT,
        "address": ADDRESS,
        "marketingConsent": TEXT,
        "createdAt": INSTANT,
        "updatedAt": INSTANT,
    },
    checks={
        "email": [Check("str_matches", "is not a lower-cased e-mail address", {"pattern": r"^[^@\sA-Z]+@[^@\sA-Z]+$"})],
        "marketingConsent": [one_of("subscribed", "unsubscribed", "unknown")],
    },
    null_means={"marketingConsent": "unknown"},
    lowered=frozenset({"email"}),
    personal=frozenset({"email", "name", "company", "phone", "address"}),
)
