"""Ticks of the sensor and the sweep, as functions of the store."""

import datetime as dt
import shutil
import threading
import warnings

import dagster as dg
import pytest
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin

from pullpush_dagster.config import Project
from pullpush_dagster.orchestration.loading import project_definitions
from pullpush_dagster.orchestration.schedules import sync_tags
from pullpush_dagster.store import Store
from tests.conftest import ROOT

LIVE = ("products_to_shop", "products_to_outlet", "stock_to_shop", "stock_to_outlet", "orders_to_erp")


@pytest.fixture(autouse=True)
def one_look(monkeypatch):
    """A tick looks once: where nothing is due, it would look for some seconds."""
    monkeypatch.setattr("pullpush_dagster.orchestration.watching._LOOKS", 1)


@pytest.fixture(scope="module")
def shipped_here(tmp_path_factory):
    """The shipped project with a state of its own, and what Dagster sees of it; no platform runs."""
    project = Project(ROOT, tmp_path_factory.mktemp("state"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return project, project_definitions(project).get_repository_def()


@pytest.fixture
def project(shipped_here):
    shutil.rmtree(shipped_here[0].state)
    return shipped_here[0]


@pytest.fixture
def repository(shipped_here):
    return shipped_here[1]


@pytest.fixture
def rows(project):
    """Runs a statement on the project's store."""

    def run(sql):
        with Store.of(project.state).session() as con:
            return con.execute(sql).fetchall()

    return run


@pytest.fixture
def tick(project, repository, instance):
    """One tick of the sensor: job -> run key of what it launches."""

    def run():
        context = dg.build_sensor_context(instance=instance, repository_def=repository)
        found = repository.get_sensor_def("due").evaluate_tick(context)
        return {request.job_name: request.run_key for request in found.run_requests or ()}

    return run


@pytest.fixture
def sweep(project, repository, instance):
    """One tick of the sweep: the pushes of the run it launches."""

    def run():
        now = dt.datetime.now(dt.UTC)
        context = dg.build_schedule_context(instance, repository_def=repository, scheduled_execution_time=now)
        with context:
            found = repository.get_schedule_def("sweep_schedule").evaluate_tick(context)
        return [key.path[-1] for request in found.run_requests or () for key in request.asset_selection]

    return run


@pytest.fixture
def complete(project, rows):
    """Lets syncs have completed once, with nothing due."""

    def complete(*names):
        for push in names:
            for id_ in project.push(push).from_:
                connection, name = id_.split("/")
                values = f"('{push}', '{connection}', '{name}', 5)"
                rows(f"INSERT INTO positions (push, connection, name, position) VALUES {values}")

    return complete


@pytest.fixture
def enter(rows, complete):
    """Puts a row into the outbox of a sync, when every sync has completed once."""
    complete(*LIVE)

    def enter(state="due", due_at="now() - INTERVAL 1 MINUTE", lease="NULL"):
        rows(
            "INSERT INTO outbox (push, key, source, sequence, desired, state, attempts, dueAt, leaseUntil, queuedAt)"
            f" VALUES ('stock_to_shop', 'k', 's', 1, '{{}}', '{state}', 0, {due_at}, {lease}, now())"
        )

    return enter


def _run_of(instance, job, status):
    """A run in Dagster's own store, as the daemon leaves it."""
    origin = remote_job_origin(job)
    return instance.create_run_for_job(dg.GraphDefinition(name=job).to_job(), status=status, remote_job_origin=origin)


def remote_job_origin(job):
    location = RegisteredCodeLocationOrigin("pullpush_dagster")
    return RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job)


def test_nothing_is_launched_when_nothing_is_due(enter, tick):
    assert tick() == {}


def test_what_is_due_launches_the_push_alone(enter, tick):
    enter()
    assert list(tick()) == ["stock_to_shop_push"]


def test_what_becomes_due_during_a_tick_is_launched_by_it(enter, tick, monkeypatch):
    monkeypatch.setattr("pullpush_dagster.orchestration.watching._LOOKS", 50)
    monkeypatch.setattr("pullpush_dagster.orchestration.watching._BETWEEN_SECONDS", 0.1)
    meanwhile = threading.Timer(0.3, enter)
    meanwhile.start()
    assert list(tick()) == ["stock_to_shop_push"]
    meanwhile.join()


@pytest.mark.parametrize(
    "row",
    [
        {"due_at": "now() + INTERVAL 5 MINUTE"},
        {"state": "waiting"},
        {"state": "dead"},
        {"state": "claimed", "lease": "now() + INTERVAL 5 MINUTE"},
    ],
)
def test_what_is_not_due_yet_launches_nothing(enter, tick, row):
    enter(**row)
    assert tick() == {}


def test_a_claim_that_ran_out_is_due(enter, tick):
    enter(state="claimed", lease="now() - INTERVAL 1 SECOND")
    assert list(tick()) == ["stock_to_shop_push"]


def test_the_same_state_has_the_same_run_key(enter, tick):
    enter()
    assert tick() == tick()


@pytest.mark.parametrize("change", ["attempts = attempts + 1", "sequence = 2", "dueAt = dueAt - INTERVAL 5 MINUTE"])
def test_every_new_state_or_attempt_has_a_run_key_of_its_own(enter, tick, rows, change):
    enter()
    before = tick()
    rows(f"UPDATE outbox SET {change}")
    after = tick()
    assert after.keys() == before.keys()
    assert after != before


def test_a_state_that_is_put_back_within_the_minute_is_not_launched_again_at_each_tick(enter, tick, rows):
    # given: a refused login puts everything back, due at that moment
    enter(due_at="date_trunc('minute', now()) - INTERVAL 1 MINUTE")
    before = tick()
    rows("UPDATE outbox SET dueAt = dueAt + INTERVAL 30 SECOND")
    assert tick() == before


def test_a_live_sync_that_never_completed_is_launched_whole(complete, tick):
    complete(*(name for name in LIVE if name != "orders_to_erp"))
    assert list(tick()) == ["orders_to_erp"]


def test_a_sync_is_not_complete_until_it_has_read_each_of_its_logs(complete, rows, tick):
    complete(*LIVE)
    rows("DELETE FROM positions WHERE connection = 'outlet'")
    assert list(tick()) == ["orders_to_erp"]


def test_a_sync_that_never_completed_covers_what_its_schedule_would(project, repository, instance):
    context = dg.build_sensor_context(instance=instance, repository_def=repository)
    found = repository.get_sensor_def("due").evaluate_tick(context).run_requests
    (request,) = [one for one in found if one.job_name == "products_to_shop"]
    assert sync_tags(project, [project.pull("erp/product")]).items() <= request.tags.items()


def test_stock_waits_for_the_products_it_lives_on(complete, tick):
    complete("orders_to_erp")
    assert set(tick()) == {"products_to_shop", "products_to_outlet"}
    complete("products_to_shop")
    assert set(tick()) == {"stock_to_shop", "products_to_outlet"}


@pytest.mark.parametrize("job", ["orders_to_erp", "orders_to_erp_push"])
@pytest.mark.parametrize("status", [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED])
def test_a_push_that_a_run_sees_to_is_left_alone(project, instance, tick, job, status):
    _run_of(instance, job, status)
    assert "orders_to_erp" not in tick()


@pytest.mark.parametrize("job", ["erp_product_full", "sweep"])
def test_a_push_that_a_run_for_several_pushes_sees_to_is_left_alone(instance, enter, rows, tick, job):
    enter()
    rows("UPDATE outbox SET push = 'products_to_shop'")
    _run_of(instance, job, dg.DagsterRunStatus.STARTED)
    assert tick() == {}


def test_a_push_that_runs_is_left_alone_however_many_runs_of_a_backfill_are_queued(instance, enter, tick):
    enter()
    _run_of(instance, "stock_to_shop", dg.DagsterRunStatus.STARTED)
    for _ in range(201):
        _run_of(instance, "orders_to_erp", dg.DagsterRunStatus.QUEUED)
    assert tick() == {}


def test_a_finished_run_is_in_nobodys_way(project, instance, tick):
    _run_of(instance, "orders_to_erp", dg.DagsterRunStatus.FAILURE)
    assert "orders_to_erp" in tick()


def test_a_store_that_is_held_is_waited_for_till_the_next_tick(project, tick, monkeypatch):
    monkeypatch.setattr("pullpush_dagster.orchestration.watching.TICK_SECONDS", 0.1)
    with Store.of(project.state).session():
        assert tick() == {}


def test_the_sweep_launches_what_is_due_in_one_run(enter, sweep):
    enter()
    assert sweep() == ["stock_to_shop"]


@pytest.fixture
def change(rows, complete):
    """Puts a change that no push has read into a log, such as that of the shop's orders."""
    complete(*LIVE)

    def change(sequence, connection="shop", name="order"):
        columns = "connection, name, sequence, op, key, acceptedAt"
        values = f"'{connection}', '{name}', {sequence}, 'insert', 'k', '2026-11-01 08:00:00Z'"
        rows(f"INSERT INTO changes ({columns}) VALUES ({values})")
        rows(f"DELETE FROM counters WHERE name = 'sequence {connection}/{name}'")
        rows(f"INSERT INTO counters (name, value) VALUES ('sequence {connection}/{name}', {sequence})")

    return change


def test_changes_that_a_push_has_not_read_launch_it(change, tick):
    # given: a run that read one shop's orders, and failed at the other shop before its push
    change(9)
    assert tick() == {"orders_to_erp_push": "orders_to_erp:behind:9:2026-11-01T08:00"}


def test_a_newer_change_is_launched_again_and_the_same_one_is_not(change, tick):
    change(9)
    before = tick()
    assert tick() == before
    change(10)
    assert tick() != before


def test_a_change_of_a_store_made_anew_is_launched_though_the_lost_one_had_its_number(change, tick, rows):
    change(9)
    before = tick()
    rows("UPDATE changes SET acceptedAt = acceptedAt + INTERVAL 1 DAY RETURNING key")
    after = tick()
    assert after.keys() == before.keys()
    assert after != before


def test_a_log_that_a_guard_holds_launches_nothing(change, tick, rows):
    change(9)
    rows("UPDATE positions SET held = 'too many' RETURNING push")
    assert tick() == {}


def test_the_sweep_launches_pushes_that_have_changes_they_did_not_read(change, sweep):
    assert sweep() == []
    change(6, "erp", "stocklevel")
    assert sweep() == ["stock_to_outlet", "stock_to_shop"]


def _walked_to(rows, **when):
    for connection, instant in when.items():
        entity = "product" if connection == "erp" else "order"
        rows(f"INSERT INTO watermarks (connection, name, watermark) VALUES ('{connection}', '{entity}', '{instant}')")


def _range(project, *pulls):
    tags = sync_tags(project, [project.pull(id_) for id_ in pulls])
    return [tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")]


def test_a_sync_of_several_pulls_begins_where_the_one_furthest_behind_goes_on(project, rows):
    _walked_to(rows, shop="2026-11-09 12:00:00Z", outlet="2026-11-05 12:00:00Z")
    assert _range(project, "shop/order", "outlet/order") == ["2026-11-05", str(dt.datetime.now(dt.UTC).date())]


def test_a_sync_with_a_pull_that_never_ran_begins_at_its_first_partition(project, rows):
    _walked_to(rows, shop="2026-11-09 12:00:00Z")
    assert _range(project, "shop/order", "outlet/order")[0] == str(project.pull("outlet/order").partitions.start)


def test_a_watermark_just_after_midnight_closes_the_day_before(project, rows):
    _walked_to(rows, erp="2026-11-05 00:01:00Z")
    assert _range(project, "erp/product")[0] == "2026-11-04"
