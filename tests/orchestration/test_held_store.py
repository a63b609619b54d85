"""Ticks and steps while others hold the store: Dagster gives a tick up after a minute."""

import datetime as dt
from itertools import pairwise

import dagster as dg
import pytest

from pullpush_dagster.config import Project
from pullpush_dagster.errors import StoreBusyError
from pullpush_dagster.orchestration import schedules, watching
from pullpush_dagster.orchestration.schedules import sync_definitions, sync_tags
from pullpush_dagster.store import Store
from pullpush_dagster.store import store as store_module
from tests.conftest import ROOT


@pytest.fixture
def project(tmp_path):
    """The shipped project with a state of its own."""
    return Project(ROOT, tmp_path)


@pytest.fixture
def waits(monkeypatch):
    """For how long the store was waited for at most, each time that it was asked for."""
    found = []
    acquire = store_module.FileLock.acquire

    def recorded(self, timeout=None, **more):
        found.append(timeout)
        return acquire(self, timeout=timeout, **more)

    monkeypatch.setattr(store_module.FileLock, "acquire", recorded)
    return found


def test_a_tick_of_a_schedule_waits_for_less_than_it_may_take(project, instance, waits):
    (schedule,) = sync_definitions(project, project.push("stock_to_shop")).schedules
    with dg.build_schedule_context(instance) as context:
        schedule.evaluate_tick(context)
    assert waits
    assert max(waits) < 60


def test_a_sync_is_launched_though_its_tick_had_no_store(project, monkeypatch):
    monkeypatch.setattr(schedules, "TICK_SECONDS", 0.1)
    today = str(dt.datetime.now(dt.UTC).date())
    with Store.of(project.state).session():
        tags = sync_tags(project, [project.pull("erp/product")])
    assert tags == {
        "pullpush/run": "sync",
        "dagster/priority": "1",
        "dagster/asset_partition_range_start": today,
        "dagster/asset_partition_range_end": today,
    }


@pytest.mark.parametrize(
    ("asset", "partition", "step"),
    [
        ("erp/stocklevel/pulled", "WH", "pulls.past_counts"),
        ("erp/stocklevel/canonical", "WH", "pulls.count_quarantined"),
        ("erp/stocklevel/changes", "WH", "pulls.audit"),
        ("erp/product/full", None, "fulls.sample"),
        ("shop/stocklevel/stock_to_shop/readback", None, "readbacks.newest"),
    ],
)
def test_a_step_that_does_not_get_the_store_says_so_in_one_sentence(
    world, definitions, instance, monkeypatch, asset, partition, step
):
    # given
    for name in ("products_to_shop", "stock_to_shop"):
        world.sync(name)

    def busy(*_, **__):
        raise StoreBusyError("the store was held by process 1 for 120 s")

    monkeypatch.setattr(f"pullpush_dagster.orchestration.{step}", busy)
    # when
    job = definitions.resolve_implicit_global_asset_job_def()
    chosen = [dg.AssetKey(asset.split("/"))]
    ran = job.execute_in_process(
        instance=instance, asset_selection=chosen, partition_key=partition, raise_on_error=False
    )
    # then
    (failure,) = ran.filter_events(lambda event: event.is_step_failure)
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    assert told.description == "the store was held by process 1 for 120 s"


def test_all_looks_of_a_tick_of_the_sensor_wait_together_for_less_than_it_may_take(project, waits, monkeypatch):
    # given: nothing to launch, so that it looks to the end
    monkeypatch.setattr(watching, "live_pushes", lambda _: [])
    monkeypatch.setattr(watching, "_BETWEEN_SECONDS", 0.2)
    # when
    watching._looked(project)
    # then: each is left with what those before it did not take
    assert len(waits) == 5
    assert all(later <= sooner - 0.2 for sooner, later in pairwise(waits))
    assert waits[0] < 60
