"""Compare: the last accepted state with what was pulled since; what is implausible is held."""

from pullpush_dagster.audit.auditing import Approval, Audit, approve, audit
from pullpush_dagster.audit.diff import diff
from pullpush_dagster.audit.taking_up import take_up

__all__ = ["Approval", "Audit", "approve", "audit", "diff", "take_up"]
