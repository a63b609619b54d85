"""The read-back of one push: an asset downstream of it, its check, its job and its schedule."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from pullpush_dagster.canonical import Entity
from pullpush_dagster.config import Project, Push
from pullpush_dagster.errors import NothingYetError
from pullpush_dagster.orchestration.failures import as_failure
from pullpush_dagster.orchestration.keys import push_key, readback_key
from pullpush_dagster.orchestration.schedules import quiet_cron
from pullpush_dagster.orchestration.shown import drifted
from pullpush_dagster.readback import Drift, ReadBack, newest, read_back, resend
from pullpush_dagster.store import Store

_ABOUT = "What the destination has that is not what it last accepted; all of it is asked for, and compared."
_AS_ACCEPTED = "The destination has what it accepted: nothing was changed there, and nothing is gone."
_RESEND = "Whether what drifted is made due again, with the newest values of the source."
_SHOWN = 10
# An hour after the full audits, which send what they find.
_MINUTE, _HOUR = 17, 4


class ReadBackConfig(dg.Config):
    """What a run may be told."""

    resend: bool = Field(default=False, description=_RESEND)


def readback_definitions(project: Project, push: Push) -> dg.Definitions:
    """The read-back of ``push``; nothing where it only plans, or where its destination cannot be asked."""
    entity = project.entity_of(push).name
    if push.mode != "live" or not project.connector(push.to).reads_back(entity):
        return dg.Definitions()
    asset = _asset(project, push)
    job = dg.define_asset_job(
        f"{push.name}_readback",
        selection=dg.AssetSelection.assets(readback_key(project, push)),
        description=f"Asks {push.to} for every {entity}, and compares with what it accepted.",
    )
    if push.readback is None:
        return dg.Definitions(assets=[asset], jobs=[job])
    schedule = dg.ScheduleDefinition(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=quiet_cron(push.readback, _MINUTE, _HOUR),
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Looks whether {push.to} still has what {push.name} brought there.",
    )
    return dg.Definitions(assets=[asset], jobs=[job], schedules=[schedule])


def _asset(project: Project, push: Push) -> dg.AssetsDefinition:
    key = readback_key(project, push)

    @dg.asset(
        key=key,
        deps=[push_key(project, push)],
        group_name=project.entity_of(push).name,
        kinds={project.connector(push.to).name},
        owners=push.owners,
        tags={"pullpush/stage": "readback"},
        backfill_policy=dg.BackfillPolicy.single_run(),
        check_specs=[dg.AssetCheckSpec("as_accepted", asset=key, blocking=False, description=_AS_ACCEPTED)],
        description=_ABOUT,
    )
    def readback(context: dg.AssetExecutionContext, config: ReadBackConfig) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
        store = Store.of(project.state)
        try:
            with as_failure(NothingYetError):
                asyncio.run(read_back(project, push, store, context.log.debug))
        except NothingYetError as early:
            # No fault of anybody's: a push that is new has this each day until its first record is accepted.
            yield _nothing_yet(str(early))
            return
        with as_failure(), store.session() as con:
            found = newest(con, push, _SHOWN)
        assert found is not None  # noqa: S101
        yield _result(project.entity_of(push), *found)
        if config.resend:
            with as_failure():
                done = resend(project, push, store)
            context.log.info(f"{done.due} keys are due again, {done.left_out} were left out")

    return readback


def _nothing_yet(said: str) -> dg.MaterializeResult:  # type: ignore[type-arg]
    check = dg.AssetCheckResult(passed=True, check_name="as_accepted", metadata={"nothing compared": said})
    return dg.MaterializeResult(metadata={"nothing compared": said}, check_results=[check])


def _result(entity: Entity, found: ReadBack, rows: Sequence[Drift]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    shown: dict[str, Any] = {"sample": drifted(entity, rows)} if rows else {}
    shown |= {"gone is not told": found.doubt} if found.doubt else {}
    told = {"records": found.records, "dagster/row_count": found.drifted + found.gone}
    check = dg.AssetCheckResult(
        passed=not rows,
        check_name="as_accepted",
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**found.numbers(), **shown},
    )
    return dg.MaterializeResult(metadata={**found.numbers(), **told, **shown}, check_results=[check])
