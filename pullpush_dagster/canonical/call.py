"""call: one phone call."""

from pullpush_dagster.canonical.entity import NOT_EMPTY, Check, Entity, one_of
from pullpush_dagster.canonical.types import INSTANT, INTEGER, TEXT

CALL = Entity(
    name="call",
    key=("callId",),
    deliver="every",
    prefixed=True,
    fields={
        "callId": TEXT,
        "direction": TEXT,
        "duration": INTEGER,  # seconds
        "status": TEXT,
        "from": TEXT,
        "to": TEXT,
        "contactEmail": TEXT,
        "startedAt": INSTANT,
        "updatedAt": INSTANT,
    },
    checks={
        "callId": [NOT_EMPTY],
        "direction": [one_of("inbound", "outbound")],
        "duration": [Check("ge", "is negative", {"min_value": 0})],
    },
    personal=frozenset({"from", "to", "contactEmail"}),
)
