"""The real engine in histories drawn from a seed, with faults, deaths and a clock of its own; the promises checked."""

from pullpush_dagster.simulation.kinds import KINDS, Kind
from pullpush_dagster.simulation.simulating import Report, history, shortest, simulate

__all__ = ["KINDS", "Kind", "Report", "history", "shortest", "simulate"]
