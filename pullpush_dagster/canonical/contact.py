"""contact: a person or company reached by e-mail."""

import pandera.pandas as pa

from pullpush_dagster.canonical.entity import Entity, one_of
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
        "email": [pa.Check.str_matches(r"^[^@\sA-Z]+@[^@\sA-Z]+$", error="is not a lower-cased e-mail address")],
        "marketingConsent": [one_of("subscribed", "unsubscribed", "unknown")],
    },
    null_means={"marketingConsent": "unknown"},
    lowered=frozenset({"email"}),
    personal=frozenset({"email", "name", "company", "phone", "address"}),
)
