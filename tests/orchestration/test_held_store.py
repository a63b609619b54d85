"""Ticks while others hold the store: Dagster gives a tick up after a minute."""

import datetime as dt
from itertools import pairwise

import dagster as dg
import pytest

from pullpush_dagster.config import Project
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
