"""Explain: all that is known of one key, and what it all comes to."""

from pullpush_dagster.explain.story import explain

__all__ = ["explain"]
