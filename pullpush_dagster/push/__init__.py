"""Resolve, send, confirm: what is due at a destination, in order per key, with an outcome for every record."""

from pullpush_dagster.push.journal import Totals
from pullpush_dagster.push.plan import Planned, plan
from pullpush_dagster.push.pushing import Pusher

__all__ = ["Planned", "Pusher", "Totals", "plan"]
