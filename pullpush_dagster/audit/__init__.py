"""Compare: the last accepted state with what was pulled since; what is implausible is held."""

from pullpush_dagster.audit.auditing import Approval, Audit, approve, audit
from pullpush_dagster.audit.diff import diff

__all__ = ["Approval", "Audit", "approve", "audit", "diff"]
