"""Partitions: days for pulls that can be filtered by stamp, scopes for those that only ever say "now"."""

import datetime as dt
from collections.abc import Sequence

import dagster as dg

from pullpush_dagster.config import Project, Pull
from pullpush_dagster.pull import Window

_DAY = dt.timedelta(days=1)


def partitions_of(pull: Pull) -> dg.PartitionsDefinition | None:
    """How ``pull``'s assets are partitioned; None: not at all. Today's partition exists from midnight UTC on."""
    if pull.partitions is None:
        return None
    if pull.partitions.start is not None:
        return dg.DailyPartitionsDefinition(str(pull.partitions.start), end_offset=1, timezone="UTC")
    return dg.StaticPartitionsDefinition(pull.partitions.values)


def changes_partitions_of(pull: Pull) -> dg.PartitionsDefinition | None:
    """Changes are found scope by scope; those of days are found together, since a record moves between days."""
    return None if pull.partitions is None or pull.partitions.is_days else partitions_of(pull)


def full_every_of(project: Project, pull: Pull) -> int | None:
    """Seconds between full audits of ``pull``; None: none, as each pull of it is whole, or its file says so."""
    follows = project.connector(pull.connection).pull(pull.entity).since is not None
    return pull.full_every if follows and pull.is_audited else None


def scopes_of(pull: Pull, keys: Sequence[str]) -> list[str]:
    """The scopes to audit for partition ``keys``; the one empty scope where there are none."""
    return list(keys) if pull.partitions is not None and not pull.partitions.is_days else [""]


def windows_of(pull: Pull, keys: Sequence[str], *, filtered: bool, sync: bool) -> list[Window]:
    """What a run over partition ``keys`` asks for.

    A sync run of days is one walk on from the watermarks. Any other run over days re-reads each unbroken
    stretch of them; one from the first day on has no lower bound, since all that is older lies in that. A source
    without a modified filter is read whole, scope by scope.
    """
    if not filtered:
        return [Window("full", scope) for scope in scopes_of(pull, keys)]
    if sync or pull.partitions is None:
        return [Window("sync")]
    first = str(pull.partitions.start)
    return [
        Window("window", start=None if f"{start:%Y-%m-%d}" == first else start, end=end)
        for start, end in _stretches(keys)
    ]


def _stretches(keys: Sequence[str]) -> list[tuple[dt.datetime, dt.datetime]]:
    stretches: list[tuple[dt.datetime, dt.datetime]] = []
    for key in sorted(keys):
        start = dt.datetime.fromisoformat(key).replace(tzinfo=dt.UTC)
        if stretches and stretches[-1][1] == start:
            stretches[-1] = (stretches[-1][0], start + _DAY)
        else:
            stretches.append((start, start + _DAY))
    return stretches
