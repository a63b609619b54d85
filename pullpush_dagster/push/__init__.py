"""Resolve, send, confirm: what is due at a destination, in order per key, with an outcome for every record."""

from pullpush_dagster.push.journal import Totals
from pullpush_dagster.push.plan import Plan, Planned, plan
from pullpush_dagster.push.pushing import Pusher

__all__ = ["Plan", "Planned", "Pusher", "Totals", "plan"]
