"""SIGKILL of run workers at random moments, and many of them at once: nothing is lost, nothing is doubled."""

import datetime as dt
import os
import random
import re
import signal
import time
from collections import Counter

import dagster as dg
import pytest

from pullpush_dagster.config import Project
from pullpush_dagster.demo.comparing import differences, items_of_shop
from pullpush_dagster.demo.orders import compare_orders
from pullpush_dagster.held import approve, held
from tests.flows.workers import KILLED, workers_of

CRASHES = int(os.environ.get("PULLPUSH_CRASHES", "10"))
# After some three hundred rounds a shop has sold all that it had.
PER_HISTORY = 100
AT_ONCE = int(os.environ.get("PULLPUSH_AT_ONCE", "8"))
SEED = os.environ.get("PULLPUSH_CRASH_SEED", "3")
SHOPS = ("shop", "outlet")


@pytest.fixture
def workers(trade, tmp_path):
    """Of Dagster over a project with an ERP and two shops."""
    with workers_of(trade.project, tmp_path) as found:
        yield found


@pytest.fixture
def before(trade):
    """What the shops hold while nothing has run."""
    return {shop: items_of_shop(trade.project, shop) for shop in SHOPS}


def leases_run_out(world):
    """What a dead worker had claimed, or was making, waits for its lease otherwise, ten minutes."""
    if world.rows("SELECT 1 FROM duckdb_tables() WHERE table_name = 'outbox'"):
        world.rows("UPDATE outbox SET leaseUntil = now(), dueAt = now() WHERE state <> 'dead' RETURNING key")
        world.rows("UPDATE made SET settlesAt = now() WHERE id IS NULL RETURNING value")


def business(world, seed):
    """The ERP moves on, one shop sells, and in the other one what was sold becomes of it."""
    world.erp.control("drift", n=2, seed=seed)
    for shop, what in zip(SHOPS, ("orders", "moves") if seed % 2 else ("moves", "orders"), strict=True):
        getattr(world, shop).control(what, n=1, seed=seed)


def agree(world, before):
    """Where platforms differ, read over their own APIs; what they have twice is among it."""
    traded = compare_orders(world.project, SHOPS)
    found = [text for shop in SHOPS for text in differences(world.project, before[shop], shop, traded.sold)]
    for shop in SHOPS:
        claims = Counter(item["sku"] for item in getattr(world, shop).state()["products"] if item["sku"])
        found += [f"{shop} has {sku} twice" for sku, count in claims.items() if count > 1]
    return traded.wrong + found


def let_through(world):
    """Whether a guard held what had come together while syncs died, which is approved now, as a person would."""
    found = held(world.project)
    for one in found:
        approve(world.project, one.hash)
    return bool(found)


def calm(world, workers):
    """Run every sync once while nothing dies; whether a guard held anything."""
    ran = {sync: workers.run(sync) for sync in world.project.pushes}
    leases_run_out(world)
    found = let_through(world)
    assert found or set(ran.values()) == {0}, workers.log.read_text()[-3000:]
    return found


def left_behind(home):
    """Runs of Dagster's that have not ended though they began, and pool slots that are taken."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        active = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
        runs = instance.get_runs(dg.RunsFilter(statuses=active))
        return [run.job_name for run in runs], list(instance.event_log_storage.get_concurrency_run_ids())


@pytest.mark.timeout(120 + 5 * PER_HISTORY)
@pytest.mark.parametrize("history", range(-(-CRASHES // PER_HISTORY)))
def test_killed_at_random_moments_the_syncs_still_end_right(trade, before, workers, history):
    # given: in each round some run begins, and dies somewhere in it; one in five is through before, on any machine
    moments, ended, longest = random.Random(f"{SEED}.{history}"), Counter(), 2.0
    while ended[KILLED] < min(PER_HISTORY, CRASHES):
        business(trade, PER_HISTORY * history + ended.total())
        worker = workers.start(moments.choice(list(trade.project.pushes)))
        time.sleep(moments.uniform(0, longest))
        os.kill(worker, signal.SIGKILL)
        how = workers.wait(worker)
        ended[how] += 1
        longest *= 1.1 if how == KILLED else 0.67
        leases_run_out(trade)
        assert how in (KILLED, 0) or let_through(trade), workers.log.read_text()[-3000:]
    # when
    calm(trade, workers)
    while calm(trade, workers):
        pass
    by_themselves = ended.total() - ended[KILLED]
    print(f"seed {SEED}.{history}: {ended[KILLED]} workers killed, {by_themselves} ended by themselves before")
    # then
    assert agree(trade, before) == []
    assert trade.rows("SELECT push, key, state, reason FROM outbox WHERE state <> 'dead'") == []
    assert left_behind(workers.home) == ([], [])


@pytest.fixture
def days(trade):
    """So many days until yesterday, in each of which both shops sold something."""
    today = dt.datetime.now(dt.UTC).date()
    found = [str(today - dt.timedelta(days=back)) for back in range(AT_ONCE, 0, -1)]
    file = trade.project.root / "assets" / "orders" / "defs.yaml"
    file.write_text(re.sub(r"start: [\d-]+", f"start: {found[0]}", file.read_text()))
    trade.project = Project(trade.project.root, trade.project.state)
    for shop in SHOPS:
        getattr(trade, shop).control("orders", n=2 * AT_ONCE, seed=5, days=AT_ONCE)
    return found


@pytest.mark.timeout(120 + 5 * AT_ONCE)
def test_runs_of_many_partitions_at_once_all_succeed(trade, days, workers):
    # when: all over one store
    started = [workers.start("orders_to_erp", day) for day in days]
    # then
    assert [workers.wait(worker) for worker in started] == [0] * AT_ONCE, workers.log.read_text()[-3000:]
    assert workers.run("orders_to_erp") == 0
    found = compare_orders(trade.project, SHOPS)
    assert found.wrong == []
    assert found.agreed + found.refused == 4 * AT_ONCE
    assert left_behind(workers.home) == ([], [])
