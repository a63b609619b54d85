"""The full audit of a pull that follows a modified stamp: it finds deletes, and drift that moved no stamp."""

import asyncio

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pullpush_dagster.config import Project, Pull
from pullpush_dagster.config.names import full_name
from pullpush_dagster.orchestration.failures import as_failure
from pullpush_dagster.orchestration.keys import platform_key, stage_key
from pullpush_dagster.orchestration.partitions import full_every_of
from pullpush_dagster.orchestration.pulls import (
    COMPLETE,
    VALID,
    asset_arguments,
    canonical_metadata,
    in_quarantine,
    is_whole,
    pulled_metadata,
    valid,
)
from pullpush_dagster.orchestration.schedules import quiet_cron
from pullpush_dagster.orchestration.shown import sample
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.store import Store

_ABOUT = "Asks for every record, whatever its stamp: a key absent from two of these in a row is a delete."
# Away from minute 0, where everybody's schedules meet.
_MINUTE, _HOUR = 17, 3


def full_definitions(project: Project, pull: Pull) -> dg.Definitions:
    """The full audit's asset, job and schedule; nothing where every pull is whole, or the file says ``full: off``."""
    every = full_every_of(project, pull)
    if every is None:
        return dg.Definitions()
    job = _job(pull)
    schedule = dg.ScheduleDefinition(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=full_cron(every),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Asks {pull.id} for everything: deletes, and drift the walk cannot see.",
    )
    return dg.Definitions(assets=[_full(project, pull, every)], jobs=[job], schedules=[schedule])


def full_cron(every: int) -> str | list[str]:
    """``every`` seconds as a cron line that stays clear of minute 0, and of midnight."""
    return quiet_cron(every, _MINUTE, _HOUR)


def _job(pull: Pull) -> UnresolvedAssetJobDefinition:
    """The audit, the changes it finds, and every push that reads them, in one run."""
    changes = dg.AssetSelection.assets(stage_key(pull, "changes"))
    pushes = changes.downstream(depth=1, include_self=False) & dg.AssetSelection.tag("pullpush/stage", "push")
    return dg.define_asset_job(
        full_name(pull),
        selection=dg.AssetSelection.assets(stage_key(pull, "full")) | changes | pushes,
        description=f"Asks {pull.id} for everything, compares, and sends what differs.",
    )


def _full(project: Project, pull: Pull, every: int) -> dg.AssetsDefinition:
    checks = {"complete": COMPLETE, "valid": VALID}
    arguments = asset_arguments(pull, "full", [platform_key(pull)], checks, every)

    @dg.asset(**arguments, description=_ABOUT)
    def full(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        store = Store.of(project.state)
        with as_failure():
            done = asyncio.run(pull_records(project, store, pull, Window("full"), context.log.debug))
            kept = read_pulls(project, store, pull, "")
            bad, shown = in_quarantine(store, pull, ""), sample(store, pull, "")
        context.log.info(f"{pull.id}: {done.asked.records} records in {done.asked.pages} pages")
        told = pulled_metadata(done)
        for one in kept:
            told |= canonical_metadata(one)
        whole = dg.AssetCheckResult(passed=is_whole(done), check_name="complete", metadata=pulled_metadata(done))
        return dg.MaterializeResult(
            metadata=told | {"sample": shown}, check_results=[whole, valid(bad, sum(one.quarantined for one in kept))]
        )

    return full
