"""Queue: each push's outbox over the change log; arrive, claim, acknowledge."""

from pullpush_dagster.changes.acknowledging import Accepted, Settled, acknowledge
from pullpush_dagster.changes.arriving import Arrival, arrive
from pullpush_dagster.changes.claiming import claim
from pullpush_dagster.changes.taken import Claimed, Ready, Taken

__all__ = ["Accepted", "Arrival", "Claimed", "Ready", "Settled", "Taken", "acknowledge", "arrive", "claim"]
