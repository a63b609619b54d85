"""What is launched of projects whose syncs are alike, fail together, or had another source."""

import datetime as dt
import shutil

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.storage.tags import PRIORITY_TAG

from pullpush_dagster.config import Project
from pullpush_dagster.orchestration.keys import SYNC_TAG
from pullpush_dagster.orchestration.schedules import sync_definitions
from pullpush_dagster.orchestration.watching import Standing, requests, standing, watch_definitions
from pullpush_dagster.store import Store
from pullpush_dagster.store.overview import Due
from tests.conftest import ROOT

NOW = dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
ORDERS = """
type: pullpush_dagster.Pull
attributes: {{connection: {shop}, entity: order, partitions: {{by: day, start: 2026-10-01}}}}
---
type: pullpush_dagster.Push
attributes: {{name: orders_of_{shop}, from: {shop}/order, to: erp, mode: live}}
"""
STOCK = """
type: pullpush_dagster.Pull
attributes: {connection: erp, entity: stocklevel, partitions: {by: locationId, values: [WH]}}
"""
PART = """
---
type: pullpush_dagster.Push
attributes:
  name: stock_%02d
  from: erp/stocklevel
  to: shop
  only: {sku: [S%d]}
  translate: {locationId: {WH: default}}
  mode: live
"""


@pytest.fixture
def declared(tmp_path):
    """Makes a project of the shipped connections and these files in assets/."""

    def declare(*texts):
        shutil.copytree(ROOT / "resources", tmp_path / "resources", ignore=shutil.ignore_patterns("__pycache__"))
        for number, text in enumerate(texts):
            folder = tmp_path / "assets" / f"sync{number}"
            folder.mkdir(parents=True)
            (folder / "defs.yaml").write_text(text)
        project = Project(tmp_path, tmp_path / "data")
        assert project.problems() == []
        return project

    return declare


def launched(project, found, now=NOW):
    return {request.job_name: request.run_key for request in requests(project, found, set(), now)}


def test_two_new_syncs_of_one_entity_to_one_destination_do_not_wait_for_each_other(declared):
    # given: the orders of each of two shops go to one ERP by a sync of their own, and no pull says `every`
    project = declared(ORDERS.format(shop="shop"), ORDERS.format(shop="outlet"))
    assert launched(project, standing(project, NOW)).keys() == {"orders_of_shop", "orders_of_outlet"}


def test_twenty_pushes_whose_runs_change_nothing_do_not_keep_others_from_being_launched(declared):
    # given: more with something due than one tick launches, and as it was at each tick
    project = declared(STOCK + "".join(PART % (n, n) for n in range(50)))
    due = {name: Due(name, 1, 1, 0, NOW) for name in project.pushes}
    ticks = [launched(project, Standing(due, {}, {}), NOW + dt.timedelta(seconds=s)) for s in range(0, 180, 4)]
    # then: none has two run keys, so that each is launched once
    assert {len(tick) for tick in ticks} == {20}
    assert len({key for tick in ticks for key in tick.values()}) == 50


def test_a_log_that_a_sync_no_longer_reads_launches_nothing_until_it_does_again(declared):
    # given: a sync has read the stock of two connections, its file has only the one by now, and another sync reads on
    project = declared(STOCK + PART % (1, 1))
    with Store.of(project.state).session() as con:
        for connection in ("erp", "old"):
            con.execute(
                "INSERT INTO positions (push, connection, name, position) VALUES ('stock_01', ?, 'stocklevel', 5)",
                [connection],
            )
        con.execute(
            "INSERT INTO changes (connection, name, sequence, acceptedAt) VALUES ('old', 'stocklevel', 9, now())"
        )
        con.execute("INSERT INTO counters (name, value) VALUES ('sequence old/stocklevel', 9)")
    assert launched(project, standing(project, NOW)) == {}
    # when
    project.push("stock_01").from_.append("old/stocklevel")
    # then
    assert launched(project, standing(project, NOW)).keys() == {"stock_01_push"}


# What a schedule launches.


@pytest.fixture
def scheduled(declared, instance):
    """Ticks the schedule of a sync that runs every minute: what it launches."""
    project = declared(STOCK.replace("stocklevel,", "stocklevel, every: 1m,") + PART % (1, 1))
    (schedule,) = sync_definitions(project, project.push("stock_01")).schedules

    def tick():
        with dg.build_schedule_context(instance) as context:
            return schedule.evaluate_tick(context).run_requests

    return tick


def _run(instance, tags):
    job = dg.GraphDefinition(name="stock_01").to_job()
    return instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)


def test_a_sync_that_takes_longer_than_its_every_is_not_launched_beside_itself(scheduled, instance):
    assert scheduled()
    run = _run(instance, SYNC_TAG)
    assert not scheduled()
    instance.report_run_failed(run)
    assert scheduled()


def test_a_backfill_of_a_sync_is_not_in_the_way_of_its_schedule(scheduled, instance):
    _run(instance, {"dagster/partition": "WH"})
    assert scheduled()


def test_a_run_whose_process_is_gone_is_not_in_the_way_of_its_schedule(scheduled, instance, gone):
    run = _run(instance, SYNC_TAG)
    instance.report_engine_event("Started process for run.", run, EngineEventData.in_process(gone))
    assert scheduled()


def test_what_runs_by_itself_does_not_wait_in_the_queue_behind_a_backfill(scheduled, tmp_path):
    found = Standing({"stock_01": Due("stock_01", 1, 1, 0, NOW)}, {}, {})
    due = requests(Project(tmp_path, tmp_path / "data"), found, set(), NOW)
    assert [int(one.tags[PRIORITY_TAG]) > 0 for one in (*scheduled(), *due)] == [True, True]


def test_where_every_sync_is_in_shadow_mode_a_sensor_ends_runs_whose_process_is_gone(declared):
    project = declared(STOCK + (PART % (1, 1)).replace("live", "shadow"))
    jobs = sync_definitions(project, project.push("stock_01")).jobs
    (sensor,) = watch_definitions(project, jobs).sensors
    assert sensor.name == "due"
    assert launched(project, standing(project, NOW)) == {}
