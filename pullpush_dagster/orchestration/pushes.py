"""The asset of one push: three ops, claim -> send -> confirm, and the check that all is delivered."""

import inspect
from collections.abc import Callable
from typing import Any

import dagster as dg

from pullpush_dagster.config import Project, Push
from pullpush_dagster.errors import GuardError
from pullpush_dagster.orchestration.ending import ended_in_order
from pullpush_dagster.orchestration.failures import as_failure
from pullpush_dagster.orchestration.keys import push_key, stage_key
from pullpush_dagster.push import Pusher
from pullpush_dagster.store import Store
from pullpush_dagster.store.overview import OutboxCounts, outbox_counts


def push_definitions(project: Project, push: Push) -> dg.Definitions:
    """The push asset and its check."""
    asset = _asset(project, push)
    return dg.Definitions(assets=[asset], asset_checks=[_delivered(project, push)])


def _asset(project: Project, push: Push) -> dg.AssetsDefinition:
    claim, send, confirm = _claim(project, push), _send(project, push), _confirm(project, push)
    deps = {
        name: dg.AssetIn(key=stage_key(project.pull(id_), "changes"), dagster_type=dg.Nothing)
        for name, id_ in _inputs(push).items()
    }

    def compose(**changes: Any) -> Any:
        return confirm(send(claim(**changes)))

    connector = project.connector(push.to)
    build = dg.graph_asset(
        key=push_key(project, push),
        ins=deps,
        group_name=project.entity_of(push).name,
        kinds={connector.name},
        owners=push.owners,
        tags={"pullpush/stage": "push", "pullpush/mode": push.mode},
        backfill_policy=dg.BackfillPolicy.single_run(),
        description=f"What {connector.facts.title} ({push.to}) lacks, sent in order per key, each record confirmed.",
    )
    return build(_with_parameters(compose, list(deps)))


def _inputs(push: Push) -> dict[str, str]:
    """The pulls that ``push`` reads, under names made of their place: two ids may look alike with _ for the slash."""
    return {f"source_{place}": id_ for place, id_ in enumerate(push.from_, 1)}


def _with_parameters(compose: Callable[..., Any], names: list[str]) -> Callable[..., Any]:
    """``compose`` with the parameter names Dagster matches a graph's inputs by."""
    parameters = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY) for name in names]
    compose.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return compose


def _claim(project: Project, push: Push) -> dg.OpDefinition:
    @dg.op(
        name=f"{push.name}_claim",
        ins={name: dg.In(dg.Nothing) for name in _inputs(push)},
        out=dg.Out(dg.Nothing),
        pool=f"push_{push.name}",
        description="Reads the change log into this push's outbox, under the destination's keys.",
    )
    def claim(context: dg.OpExecutionContext) -> None:
        with as_failure():
            arrivals = Pusher(project, push, Store.of(project.state)).arrive()
        for arrival in arrivals:
            context.log.info(f"{arrival.changes} changes concern {push.to}")
            for reason in arrival.held:
                context.log.error(f"held, nothing of it is sent: {reason}")

    return claim


def _send(project: Project, push: Push) -> dg.OpDefinition:
    @dg.op(
        name=f"{push.name}_send",
        ins={"claimed": dg.In(dg.Nothing)},
        out=dg.Out(dg.Nothing),
        pool=f"push_{push.name}",
        description="Sends what is due, lane by lane, and records an outcome for every record.",
    )
    def send(context: dg.OpExecutionContext) -> None:
        if push.mode == "shadow":
            context.log.info("shadow: nothing is sent; `pullpush plan` shows what would be")
            return
        with as_failure():
            totals = ended_in_order(Pusher(project, push, Store.of(project.state)).send(context.log.debug))
        context.log.info(f"{totals.sent} sent; {totals.counted()}")

    return send


def _confirm(project: Project, push: Push) -> dg.OpDefinition:
    @dg.op(
        name=f"{push.name}_confirm",
        ins={"sent": dg.In(dg.Nothing)},
        out=dg.Out(dg.Nothing),
        pool=f"push_{push.name}",
        description="Counts, from the outbox, what is delivered and what is not, and why.",
    )
    def confirm(context: dg.OpExecutionContext) -> None:
        counts = _counts(project, push)
        context.add_output_metadata({**counts.numbers(), "dagster/row_count": counts.accepted, "why not": counts.why})
        if counts.held:
            # Of an asset that failed Dagster runs no check.
            check = dg.AssetCheckEvaluation(push_key(project, push), "delivered", passed=False, metadata=_told(counts))
            context.log_event(check)  # type: ignore[arg-type] # an op may tell it as well as an asset
            raise dg.Failure(str(GuardError(counts.held, push=push.name)), allow_retries=False)

    return confirm


def _delivered(project: Project, push: Push) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=push_key(project, push),
        name="delivered",
        description="Nothing is due, waits for an item, or was given up.",
    )
    def delivered() -> dg.AssetCheckResult:
        counts = _counts(project, push)
        return dg.AssetCheckResult(
            passed=not (counts.due or counts.waiting or counts.dead or counts.held),
            severity=dg.AssetCheckSeverity.ERROR if counts.dead or counts.held else dg.AssetCheckSeverity.WARN,
            metadata=_told(counts),
        )

    return delivered


def _counts(project: Project, push: Push) -> OutboxCounts:
    with as_failure(), Store.of(project.state).session() as con:
        return outbox_counts(con, push.name, push.from_, project.entity_of(push).personal)


def _told(counts: OutboxCounts) -> dict[str, Any]:
    return {**counts.numbers(), "why not": counts.why} | ({"held": counts.held} if counts.held else {})
