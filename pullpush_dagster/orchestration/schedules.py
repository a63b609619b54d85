"""One job per sync, pull to push in one run, and the schedule its pulls ask for."""

import datetime as dt

import dagster as dg

from pullpush_dagster.config import Project, Pull, Push
from pullpush_dagster.orchestration.keys import SYNC_TAG, push_key, stage_key
from pullpush_dagster.store import Store
from pullpush_dagster.store.overview import oldest_watermark

_START, _END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def sync_definitions(project: Project, push: Push) -> dg.Definitions:
    """The job of one sync and, when a pull of it says ``every``, its schedule."""
    pulls = [project.pull(id_) for id_ in push.from_]
    keys = [stage_key(pull, stage) for pull in pulls for stage in ("pulled", "canonical", "changes")]
    selection = dg.AssetSelection.assets(*keys, push_key(project, push))
    job = dg.define_asset_job(push.name, selection=selection, description=f"Pull, compare and push: {push.name}.")
    every = min((pull.every for pull in pulls if pull.every), default=None)
    schedules = [_schedule(project, push, pulls, every)] if every else []
    return dg.Definitions(jobs=[job], schedules=schedules)


def sync_tags(project: Project, pulls: list[Pull]) -> dict[str, str]:
    """Run tags of a sync run: the partitions it covers, and that it moves the watermarks."""
    first, last = _range(project, pulls[0])
    return dict(SYNC_TAG) | ({_START: first, _END: last} if first else {})


def _range(project: Project, pull: Pull) -> tuple[str, str]:
    """The first and last partition a sync run covers: every scope, or the watermark's day to today."""
    parts = pull.partitions
    if parts is None:
        return "", ""
    if parts.start is None:
        return parts.values[0], parts.values[-1]
    with Store.of(project.state).session() as con:
        watermark = oldest_watermark(con, pull.connection, pull.name)
    first = max(watermark.date(), parts.start) if watermark else parts.start
    return str(first), str(dt.datetime.now(dt.UTC).date())


def _schedule(project: Project, push: Push, pulls: list[Pull], every: int) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{push.name}_schedule",
        job_name=push.name,
        cron_schedule=cron(every),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Runs the sync {push.name} every {every // 60} minutes.",
    )
    def schedule(_: dg.ScheduleEvaluationContext) -> dg.RunRequest:
        return dg.RunRequest(tags=sync_tags(project, pulls))

    return schedule


def cron(every: int) -> str:
    """``every`` seconds as a cron line, rounded down to what one can say: minutes, hours or days."""
    minutes = max(1, every // 60)
    if minutes < 60:
        return f"*/{minutes} * * * *"
    hours = minutes // 60
    return f"0 */{hours} * * *" if hours < 24 else f"0 0 */{hours // 24} * *"
