"""The assets of one pull: pulled, canonical, changes; and what they share with its full audit."""

import asyncio
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from pullpush_dagster.audit import Audit, audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.keeping import Kept
from pullpush_dagster.config import Project, Pull, Push
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.orchestration.failures import Failures, as_failure
from pullpush_dagster.orchestration.keys import SYNC_TAG, column_schema, platform_key, push_key, stage_key
from pullpush_dagster.orchestration.partitions import (
    changes_partitions_of,
    full_every_of,
    partitions_of,
    scopes_of,
    windows_of,
)
from pullpush_dagster.orchestration.shown import bars, sample
from pullpush_dagster.pull import Pulled, Window, pull_records, read_pulls
from pullpush_dagster.store import Store
from pullpush_dagster.store.overview import count_quarantined, past_counts

_SINGLE = dg.BackfillPolicy.single_run()
_WARN, _ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


def pull_definitions(project: Project, pull: Pull) -> dg.Definitions:
    """The external platform asset and the three assets of ``pull``, with their checks."""
    connector = project.connector(pull.connection)
    platform = dg.AssetSpec(
        platform_key(pull),
        deps=[push_key(project, push) for push in project.pushes.values() if _changes_here(push, pull)],
        group_name=pull.entity,
        kinds={connector.name},
        description=f"What {connector.facts.title} holds; nobody materialises it here.",
    )
    return dg.Definitions(assets=[platform, _pulled(project, pull), _canonical(project, pull), _changes(project, pull)])


def _changes_here(push: Push, pull: Pull) -> bool:
    """Whether what ``push`` sends moves what ``pull`` asks for: an order that arrives takes stock."""
    return push.affected is not None and (push.to, push.affected[0]) == (pull.connection, pull.entity)


def asset_arguments(
    pull: Pull, stage: str, upstream: Sequence[dg.AssetKey], checks: Mapping[str, str], every: int | None
) -> dict[str, Any]:
    """What every asset of a pull says of itself. ``checks``: name -> what holds when it passes."""
    key = stage_key(pull, stage)
    fresh = dt.timedelta(seconds=max(4 * every, 3600)) if every else None
    return {
        "key": key,
        "deps": upstream,
        "partitions_def": partitions_of(pull) if stage in ("pulled", "canonical") else changes_partitions_of(pull),
        "backfill_policy": _SINGLE,
        "group_name": pull.entity,
        "kinds": {"duckdb"},
        "owners": pull.owners,
        "tags": {"pullpush/stage": stage},
        "metadata": {"dagster/column_schema": column_schema(ENTITIES[pull.entity])} if stage != "pulled" else {},
        "freshness_policy": dg.FreshnessPolicy.time_window(fail_window=fresh) if fresh else None,
        "check_specs": [
            # Days share one audit and one quarantine, so their checks speak of the pull, not of one day.
            dg.AssetCheckSpec(
                check, asset=key, partitions_def=changes_partitions_of(pull), blocking=False, description=about
            )
            for check, about in checks.items()
        ],
    }


COMPLETE = "Every record the platform says there are was read."
VALID = "Every record could be read, and passes the checks of its entity; others are quarantined with reasons."
_GUARD = "The change set is within its limits; else it is held until a person has looked."


def _pulled(project: Project, pull: Pull) -> dg.AssetsDefinition:
    arguments = asset_arguments(pull, "pulled", [platform_key(pull)], {"complete": COMPLETE}, pull.every)
    filtered = project.connector(pull.connection).pull(pull.entity).since is not None

    @dg.asset(**arguments, description="Pages as the platform sent them, kept raw.")
    def pulled(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        sync = context.run.tags.get("pullpush/run") == SYNC_TAG["pullpush/run"]
        keys = _keys(context)
        short, came, store = [], [], Store.of(project.state)
        failures = Failures(context.log)
        for window in _named(pull, windows_of(pull, keys, filtered=filtered, sync=sync)):
            with failures.noted(_of(pull, window)):
                done = asyncio.run(pull_records(project, store, pull, window, context.log.debug))
                asked = done.asked
                whole = is_whole(done)
                came += [window.scope]
                short += [] if whole else [window.scope or pull.name]
                context.log.info(f"{_of(pull, window)}: {asked.records} records in {asked.pages} pages")
                _for_window(context, keys, window, pulled_metadata(done), "complete", passed=whole)
            _tell_failed(context, keys, window, failures.errors.get(_of(pull, window)), "complete")
        # Scopes are asked for again by the next run. Days may never be, and what came of them is not lost by a failure.
        if not any(came):
            failures.fail()
        with as_failure(), store.session() as con:
            past = past_counts(con, pull.connection, pull.name)
        told = {"short": short} | ({"failed": failures.told()} if failures.errors else {})
        passed = not (short or failures.errors)
        return dg.MaterializeResult(
            metadata={"records, newest pull last": bars(past)},
            check_results=[dg.AssetCheckResult(passed=passed, check_name="complete", metadata=told)],
        )

    return pulled


def is_whole(done: Pulled) -> bool:
    """Whether a pull gave as many records as the platform says there are; true where it does not say."""
    return done.asked.expected is None or done.asked.records >= done.asked.expected


def pulled_metadata(done: Pulled) -> dict[str, Any]:
    """What one pull asked for and got."""
    asked = done.asked
    told = {"pull": done.pull, "pages": asked.pages, "dagster/row_count": asked.records, "asked": asked.filters}
    return told | ({"the platform says": asked.expected} if asked.expected is not None else {})


def _canonical(project: Project, pull: Pull) -> dg.AssetsDefinition:
    arguments = asset_arguments(pull, "canonical", [stage_key(pull, "pulled")], {"valid": VALID}, pull.every)

    @dg.asset(**arguments, description="The same records in the canonical model; unreadable ones are quarantined.")
    def canonical(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        keys = _keys(context)
        bad, new, came, store = 0, 0, [], Store.of(project.state)
        failures = Failures(context.log)
        for window in _named(pull, [Window("full", scope) for scope in scopes_of(pull, keys)]):
            with failures.noted(_of(pull, window)):
                kept = read_pulls(project, store, pull, window.scope)
                came += [window.scope]
                new += sum(one.quarantined for one in kept)
                bad += (standing := in_quarantine(store, pull, window.scope))
                shown = {"sample": sample(store, pull, window.scope)} if kept else {}
                for one in kept:
                    told = canonical_metadata(one) | shown
                    _for_window(context, keys, window, told, "valid", passed=not standing, severity=_WARN)
            _tell_failed(context, keys, window, failures.errors.get(_of(pull, window)), "valid")
        if not any(came):
            failures.fail()
        return dg.MaterializeResult(check_results=[valid(bad, new, failures.told())])

    return canonical


def in_quarantine(store: Store, pull: Pull, scope: str) -> int:
    """Records of the scope that cannot be used: what this run read may not have given them again."""
    with store.session() as con:
        return count_quarantined(con, pull.connection, pull.name, [scope])


def valid(bad: int, new: int, failed: Mapping[str, str] | None = None) -> dg.AssetCheckResult:
    """The check of that name: it warns of ``bad`` records in quarantine, of which this run's pulls gave ``new``.

    Args:
        failed: scope -> why none of it could be read.
    """
    return dg.AssetCheckResult(
        passed=not (bad or failed),
        check_name="valid",
        severity=_ERROR if failed else _WARN,
        metadata={"quarantined": bad, "of this pull": new} | ({"failed": dict(failed)} if failed else {}),
    )


def canonical_metadata(kept: Kept) -> dict[str, Any]:
    """What reading one pull came to."""
    told = {"dagster/row_count": kept.rows, "quarantined": kept.quarantined}
    return told | ({"deletes are off": kept.deletes_off} if kept.deletes_off else {})


def _changes(project: Project, pull: Pull) -> dg.AssetsDefinition:
    stages = ["canonical", *(["full"] if full_every_of(project, pull) else [])]
    upstream = [stage_key(pull, stage) for stage in stages]
    arguments = asset_arguments(pull, "changes", upstream, {"guard": _GUARD}, pull.every)

    @dg.asset(**arguments, description="What differs from the last accepted state, in the change log.")
    def changes(context: dg.AssetExecutionContext) -> dg.MaterializeResult:  # type: ignore[type-arg]
        held: list[str] = []
        keys = _keys(context)
        store = Store.of(project.state)
        for window in _named(pull, [Window("full", scope) for scope in scopes_of(pull, keys)]):
            with as_failure(), store.session() as con:
                one = audit(con, ENTITIES[pull.entity], pull.connection, pull.name, window.scope, pull.guard.own())
            held += [f"{window.scope or pull.name}: {reason} (change set {one.hash})" for reason in one.reasons]
            context.log.info(f"{_of(pull, window)}: {one.state}, {one.changes} changes")
            _for_window(context, keys, window, _changes_metadata(one), "guard", passed=not one.reasons)
        for reason in held:
            context.log.error(f"held, nothing of it is sent: {reason}; `pullpush held` shows it")
        return dg.MaterializeResult(
            check_results=[dg.AssetCheckResult(passed=not held, check_name="guard", metadata={"held": held})],
        )

    return changes


def _changes_metadata(one: Audit) -> dict[str, Any]:
    counts = one.counts
    return {
        "state": one.state, "dagster/row_count": one.changes, "inserted": counts.inserted, "changed": counts.changed,
        "deleted": counts.deleted, "known before": counts.baseline, "change set": one.hash, "held": list(one.reasons),
    }  # fmt: skip


def _of(pull: Pull, window: Window) -> str:
    first = f"{window.start:%Y-%m-%d} " if window.start else ""
    days = f"{first}to {window.end:%Y-%m-%d}" if window.end else ""
    return f"{pull.id} {window.scope or days}".rstrip()


def _keys(context: dg.AssetExecutionContext) -> list[str]:
    return list(context.partition_keys) if context.has_partition_key_range or context.has_partition_key else []


def _named(pull: Pull, windows: Sequence[Window]) -> Sequence[Window]:
    """``windows``, of which there is at least one.

    Raises:
        dagster.Failure: the run names no partition; it would ask for nothing, and say that all is well.
    """
    if pull.partitions is not None and not windows:
        one = f"{dt.datetime.now(dt.UTC):%Y-%m-%d}" if pull.partitions.is_days else pull.partitions.values[0]
        said = f"{pull.id} is pulled by {pull.partitions.by}, and this run names none"
        raise dg.Failure(f"{said}: give it --partition, such as {one}, or --partition-range", allow_retries=False)
    return windows


def _for_window(
    context: dg.AssetExecutionContext,
    keys: Sequence[str],
    window: Window,
    metadata: dict[str, Any],
    check: str,
    *,
    passed: bool,
    severity: dg.AssetCheckSeverity = _ERROR,
) -> None:
    """Put what one window came to on its own partition, where the run covers several."""
    if window.scope not in keys:
        context.add_asset_metadata(metadata)
        return
    context.add_asset_metadata(metadata, partition_key=window.scope)
    if len(keys) > 1:
        # Dagster itself keeps one evaluation for the whole range, in which a good partition hides a bad one.
        evaluation = dg.AssetCheckEvaluation(
            context.asset_key, check, passed, partition=window.scope, severity=severity
        )
        context.log_event(evaluation)


def _tell_failed(
    context: dg.AssetExecutionContext, keys: Sequence[str], window: Window, error: PullPushError | None, check: str
) -> None:
    """Put what went wrong with one window, if anything, on its partition: Dagster takes it for materialised."""
    if error is not None:
        _for_window(context, keys, window, {"failed": str(error)}, check, passed=False)
