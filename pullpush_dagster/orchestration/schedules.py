"""Two jobs per sync, pull to push in one run and the push alone, and the schedules that pulls ask for."""

import datetime as dt

import dagster as dg
import duckdb

from pullpush_dagster.config import Project, Pull, Push
from pullpush_dagster.config.names import pull_name
from pullpush_dagster.errors import StoreBusyError
from pullpush_dagster.orchestration.dead import fail_dead_runs
from pullpush_dagster.orchestration.keys import AHEAD, SYNC_TAG, push_key, stage_key
from pullpush_dagster.store import Store
from pullpush_dagster.store.overview import oldest_watermark

# Dagster gives a tick up after a minute, and with it the run that it was to launch: for so long it waits for the store.
TICK_SECONDS = 20.0
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_STAGES = ("pulled", "canonical", "changes")
_START, _END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def push_job_name(push: Push) -> str:
    """The job that sends what is due, without asking the source again."""
    return f"{push.name}_push"


def sync_definitions(project: Project, push: Push) -> dg.Definitions:
    """The jobs of one sync and, when a pull of it says ``every``, its schedule."""
    pulls = [project.pull(id_) for id_ in push.from_]
    keys = [stage_key(pull, stage) for pull in pulls for stage in _STAGES]
    selection = dg.AssetSelection.assets(*keys, push_key(project, push))
    job = dg.define_asset_job(push.name, selection=selection, description=f"Pull, compare and push: {push.name}.")
    alone = dg.define_asset_job(
        push_job_name(push),
        selection=dg.AssetSelection.assets(push_key(project, push)),
        description=f"Sends what is due in {push.name}, without a pull.",
    )
    every = min((pull.every for pull in pulls if pull.every), default=None)
    schedules = [_schedule(project, push.name, pulls, every)] if every else []
    return dg.Definitions(jobs=[job, alone], schedules=schedules)


def unread_definitions(project: Project, pull: Pull) -> dg.Definitions:
    """The job and the schedule of a pull that says ``every`` and that no push reads; nothing for any other."""
    every = project.own_every(pull)
    if not every:
        return dg.Definitions()
    keys = [stage_key(pull, stage) for stage in _STAGES]
    about = f"Pull and compare: {pull.id}, which no sync reads."
    job = dg.define_asset_job(pull_name(pull), selection=dg.AssetSelection.assets(*keys), description=about)
    return dg.Definitions(jobs=[job], schedules=[_schedule(project, job.name, [pull], every)])


def sync_tags(project: Project, pulls: list[Pull]) -> dict[str, str]:
    """Run tags of a sync run: the partitions it covers, and that it moves the watermarks.

    Where the store is held for longer than a tick can wait, of days only today is covered: the run goes on from the
    watermarks all the same.
    """
    try:
        with Store(Store.of(project.state).path, wait=TICK_SECONDS).session() as con:
            return tags_in(con, project, pulls)
    except StoreBusyError:
        return tags_in(None, project, pulls)


def tags_in(con: duckdb.DuckDBPyConnection | None, project: Project, pulls: list[Pull]) -> dict[str, str]:
    """The same, in a session that is open already; None: there is none."""
    first, last = _range(con, project, pulls)
    return SYNC_TAG | AHEAD | ({_START: first, _END: last} if first else {})


def _range(con: duckdb.DuckDBPyConnection | None, project: Project, pulls: list[Pull]) -> tuple[str, str]:
    """The first and last partition a sync run covers: every scope, or from the day it walks on from to today."""
    days = [pull for pull in pulls if pull.partitions and pull.partitions.is_days]
    if days:
        today = dt.datetime.now(dt.UTC).date()
        first = min(_first_day(con, project, pull) for pull in days) if con else today
        return str(first), str(today)
    scopes = [value for pull in pulls if pull.partitions for value in pull.partitions.values]
    return (scopes[0], scopes[-1]) if scopes else ("", "")


def _first_day(con: duckdb.DuckDBPyConnection, project: Project, pull: Pull) -> dt.date:
    """The earliest day that ``pull`` asks for again; one that never ran asks for all of them."""
    start = pull.partitions.start if pull.partitions and pull.partitions.start else dt.date.min
    watermark = oldest_watermark(con, pull.connection, pull.name)
    since = project.connector(pull.connection).pull(pull.entity).since
    overlap = dt.timedelta(seconds=since.overlap if since else 0)
    return max(start, (watermark - overlap).date()) if watermark else start


def _schedule(project: Project, job: str, pulls: list[Pull], every: int) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{job}_schedule",
        job_name=job,
        cron_schedule=cron(every),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Runs {job} every {every // 60} minutes.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        fail_dead_runs(context.instance)
        if _is_under_way(job, context.instance):
            return dg.SkipReason(f"a run of {job} has not ended yet")
        return dg.RunRequest(tags=sync_tags(project, pulls))

    return schedule


def _is_under_way(job: str, instance: dg.DagsterInstance) -> bool:
    """Whether a sync run of ``job`` has not ended; what is run by hand, such as a backfill, is none.

    A second one beside it would ask for the same: both take longer, the next one too, and other syncs get no turn.
    """
    found = dg.RunsFilter(job_name=job, tags=SYNC_TAG, statuses=UNDER_WAY)
    return bool(instance.get_runs(found, limit=1))


def cron(every: int) -> str | list[str]:
    """``every`` seconds as a cron line, or several where one cannot say it: whole minutes, from a day on whole days.

    Less than an hour counts anew from each full hour, less than a day from midnight, days from the first of the month.
    """
    minutes = every // 60
    hours, odd = divmod(minutes, 60)
    if not hours:
        return f"*/{minutes} * * * *"
    if hours >= 24:
        return f"0 0 */{hours // 24} * *"
    return _lines(minutes) if odd else f"0 */{hours} * * *"


def _lines(minutes: int) -> list[str]:
    """A line for each minute of the hour that is one of so many ``minutes`` since midnight."""
    hours: dict[int, list[str]] = {}
    for at in range(0, 24 * 60, minutes):
        hours.setdefault(at % 60, []).append(str(at // 60))
    return [f"{minute} {','.join(of)} * * *" for minute, of in hours.items()]


def quiet_cron(every: int, minute: int, hour: int) -> str | list[str]:
    """The same away from minute 0, in whole hours: at ``minute`` of each so many, or at that time of so many days."""
    hours = every // 3600
    if not hours:
        return cron(every)
    return f"{minute} */{hours} * * *" if hours < 24 else f"{minute} {hour} */{hours // 24} * *"
