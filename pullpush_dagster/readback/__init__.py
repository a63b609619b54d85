"""Read back: what a destination has, compared with what it last accepted; and sending what drifted there again."""

from pullpush_dagster.readback.keeping import Drift, ReadBack, newest
from pullpush_dagster.readback.reading import read_back, require_readable
from pullpush_dagster.readback.resending import Resent, resend

__all__ = ["Drift", "ReadBack", "Resent", "newest", "read_back", "require_readable", "resend"]
