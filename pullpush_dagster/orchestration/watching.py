"""The sensor and the sweep: they launch what is due in an outbox, and syncs that never completed.

What to launch is decided from the store alone; Dagster is asked only what runs already.
"""

import datetime as dt
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pullpush_dagster.config import Project, Push
from pullpush_dagster.config.names import full_name
from pullpush_dagster.errors import StoreBusyError
from pullpush_dagster.orchestration.dead import fail_dead_runs
from pullpush_dagster.orchestration.keys import AHEAD, push_key
from pullpush_dagster.orchestration.schedules import TICK_SECONDS, UNDER_WAY, push_job_name, tags_in
from pullpush_dagster.store import Store
from pullpush_dagster.store.overview import Due, begun, due_now, unread

SWEEP = "sweep"
_MOST = 20
# Dagster looks at its sensors every five seconds, and passes over one whose last tick is not quite so long ago: with 5
# that is every other one.
_SECONDS = 4
# Until its next tick it looks itself, so that what comes meanwhile waits for a second and not for five.
_LOOKS, _BETWEEN_SECONDS = 5, 1.0
_TRY_SECONDS = 60


@dataclass(frozen=True)
class Standing:
    """How the live pushes stand.

    ``never``: those that have not completed once, with the tags of a run of the whole sync. ``behind``: those that
    have changes they have not read, as when one of their sources could not be asked, with what names the newest one.
    """

    due: dict[str, Due]
    never: dict[str, dict[str, str]]
    behind: dict[str, str]


def standing(project: Project, now: dt.datetime, wait: float | None = None) -> Standing:
    """How every live push stands at ``now``, in one session of the store, for which it waits so many seconds.

    Raises:
        StoreBusyError: the store was held all the while that a tick can wait.
    """
    live = {push.name: push for push in live_pushes(project)}
    with Store(Store.of(project.state).path, wait=TICK_SECONDS if wait is None else wait).session() as con:
        read, due, news = begun(con), due_now(con, now), unread(con)
        never = {
            name: tags_in(con, project, [project.pull(id_) for id_ in push.from_])
            for name, push in live.items()
            if any((name, id_) not in read for id_ in push.from_)
        }
    return Standing(
        {name: one for name, one in due.items() if name in live},
        never,
        {name: newest for name, push in live.items() if (newest := _newest(push, news))},
    )


def _newest(push: Push, news: Mapping[tuple[str, str], tuple[int, dt.datetime]]) -> str:
    """What names the newest change that ``push`` has not read; empty: it has read all that it reads by now.

    In a store that is made anew, after one that was lost, the numbers come once more, but not the instants.
    """
    newest = max((news[push.name, id_] for id_ in push.from_ if (push.name, id_) in news), default=None)
    return f"{newest[0]}:{newest[1]:%Y-%m-%dT%H:%M}" if newest else ""


def _looked(project: Project) -> Standing:
    """How every live push stands as soon as there is something to do, or at the last look of this tick.

    Raises:
        StoreBusyError: as ``standing``; all looks together wait no longer than one.
    """
    until = time.monotonic() + TICK_SECONDS
    for look in range(1, _LOOKS + 1):
        found = standing(project, dt.datetime.now(dt.UTC), max(0.0, until - time.monotonic()))
        if found.due or found.never or found.behind or look == _LOOKS:
            break
        time.sleep(_BETWEEN_SECONDS)
    return found


def live_pushes(project: Project) -> list[Push]:
    """Every push that sends."""
    return [push for push in project.pushes.values() if push.mode == "live"]


def busy_pushes(project: Project, instance: dg.DagsterInstance) -> set[str]:
    """Pushes that a queued or running run will see to.

    All of those are looked at: a backfill queues hundreds, and any of them costs a tenth of a millisecond.
    """
    runs = instance.get_runs(dg.RunsFilter(statuses=UNDER_WAY))
    jobs = {run.job_name for run in runs if run.asset_selection is None}
    chosen = {key for run in runs for key in run.asset_selection or ()}
    return {
        push.name
        for push in project.pushes.values()
        if jobs & _jobs_of(project, push) or push_key(project, push) in chosen
    }


def _jobs_of(project: Project, push: Push) -> set[str]:
    """The jobs that, where nothing of them was chosen, see to ``push``."""
    fulls = {full_name(project.pull(id_)) for id_ in push.from_}
    return {push.name, push_job_name(push)} | fulls | ({SWEEP} if push.mode == "live" else set())


def requests(project: Project, found: Standing, busy: set[str], now: dt.datetime) -> list[dg.RunRequest]:
    """At most 20 runs to launch now: whole syncs that never completed, and pushes with something due or unread.

    A run key is made of the outbox alone, so one state is launched once, and every new one, or every new
    attempt, again. What a failed run puts back as it was is launched once a minute. Each minute others come first:
    those whose runs change nothing are asked for at each tick, though their keys are spent, and would be the 20 for
    ever.
    """
    live = live_pushes(project)
    first = int(now.timestamp()) // _TRY_SECONDS * _MOST % max(1, len(live))
    launched: list[dg.RunRequest] = []
    for push in live[first:] + live[:first]:
        if push.name in busy:
            continue
        if push.name in found.never:
            if not _waits_for(project, push, found.never.keys() | busy):
                key = f"{push.name}:first:{int(now.timestamp()) // _TRY_SECONDS}"
                launched.append(dg.RunRequest(job_name=push.name, run_key=key, tags=found.never[push.name]))
        elif push.name in found.due or push.name in found.behind:
            key = _due_key(found.due[push.name]) if push.name in found.due else f"{push.name}:behind"
            key += f":{found.behind.get(push.name, '')}"
            tags = {"pullpush/run": "due", **AHEAD}
            launched.append(dg.RunRequest(job_name=push_job_name(push), run_key=key, tags=tags))
    return launched[:_MOST]


def _waits_for(project: Project, push: Push, unfinished: Iterable[str]) -> bool:
    """Whether another push has yet to bring the items that ``push`` needs at its destination.

    A shop's stock lives on its products: sent before they are there, all of it would wait. What makes its own items
    waits for nobody: two such would wait for each other.
    """
    own = project.entity_of(push).name
    shared = project.connector(push.to).bound_as(own)
    others = [project.push(name) for name in unfinished if name != push.name]
    return shared != own and any(
        other.to == push.to and other.mode == "live" and project.entity_of(other).name == shared for other in others
    )


def _due_key(due: Due) -> str:
    return f"{due.push}:{due.keys}:{due.sequence}:{due.attempts}:{due.since:%Y-%m-%dT%H:%M}"


def watch_definitions(project: Project, jobs: Iterable[UnresolvedAssetJobDefinition]) -> dg.Definitions:
    """The sensor ``due`` over the ``jobs`` of every sync; the sweep with its job, where any is live."""
    names = {name for push in project.pushes.values() for name in (push.name, push_job_name(push))}
    targets = [job for job in jobs if job.name in names]
    # Runs of shadow syncs can die as well, and keep the slot in their pool.
    sensors = [_due(project, targets)] if targets else []
    live = live_pushes(project)
    if not live:
        return dg.Definitions(sensors=sensors)
    sweep = dg.define_asset_job(
        SWEEP,
        selection=dg.AssetSelection.assets(*(push_key(project, push) for push in live)),
        description="Sends whatever is still due anywhere.",
    )
    return dg.Definitions(jobs=[sweep], sensors=sensors, schedules=[_sweep(project, sweep)])


def _due(project: Project, targets: list[UnresolvedAssetJobDefinition]) -> dg.SensorDefinition:
    @dg.sensor(
        name="due",
        jobs=targets,
        minimum_interval_seconds=_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Launches what is due in an outbox, and syncs that never completed; fails runs that are dead.",
    )
    def due(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        for told in fail_dead_runs(context.instance):
            context.log.warning(told)
        try:
            found = _looked(project)
        except StoreBusyError as error:
            return dg.SkipReason(str(error))
        launched = requests(project, found, busy_pushes(project, context.instance), dt.datetime.now(dt.UTC))
        return dg.SensorResult(run_requests=launched) if launched else dg.SkipReason("nothing is due that does not run")

    return due


def _sweep(project: Project, job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{SWEEP}_schedule",
        job=job,
        cron_schedule="*/10 * * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Catches what the sensor did not: what is due, given up by its claim, or not read yet.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        fail_dead_runs(context.instance)
        try:
            found = standing(project, dt.datetime.now(dt.UTC))
        except StoreBusyError as error:
            return dg.SkipReason(str(error))
        late = (found.due.keys() | found.behind.keys()) - busy_pushes(project, context.instance)
        keys = [push_key(project, project.push(name)) for name in sorted(late)]
        if not keys:
            return dg.SkipReason("nothing is due that does not run")
        return dg.RunRequest(asset_selection=keys, tags=AHEAD)

    return schedule
