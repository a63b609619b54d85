"""Dagster: the only importer of it. Components over ordinary factories of assets, jobs and schedules."""

from pullpush_dagster.orchestration.components import Pull, Push

__all__ = ["Pull", "Push"]
