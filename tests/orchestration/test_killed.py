"""kill -9 of all of ``dagster dev``, code server and runs included, and a start on what it left behind."""

import os
import random
import signal
import time
from collections import Counter

import pytest

from pullpush_dagster.demo.comparing import differences, items_of_shop
from pullpush_dagster.demo.orders import compare_orders
from pullpush_dagster.orchestration.schedules import sync_tags
from pullpush_dagster.sandbox import running
from pullpush_dagster.store import Store
from tests.conftest import make_project
from tests.orchestration.conftest import PLATFORMS
from tests.orchestration.dagster_dev import ENDED, dagster_dev, until

ROUNDS = int(os.environ.get("PULLPUSH_CRASHES", "0")) // 100
SHOPS = ("shop", "outlet")
ORDER = (("orders_to_erp", "products_to_shop", "products_to_outlet"), ("stock_to_shop", "stock_to_outlet"))


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project, its running platforms, and what the shops held before."""
    for name in ("ERP_API_KEY", "SHOP_KEY", "SHOP_SECRET", "OUTLET_KEY", "OUTLET_SECRET"):
        monkeypatch.setenv(name, "")
    with running(PLATFORMS, skus=60, seed=7) as platforms:
        made = make_project(tmp_path / "project", platforms)
        yield made, platforms, {shop: items_of_shop(made, shop) for shop in SHOPS}


def _leases_run_out(project):
    """What a dead push had claimed, or was making, waits for its lease otherwise, ten minutes."""
    with Store.of(project.state).session() as con:
        if con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'outbox'").fetchall():
            con.execute("UPDATE outbox SET leaseUntil = now(), dueAt = now() WHERE state IN ('claimed', 'due')")
            con.execute("UPDATE made SET settlesAt = now() WHERE id IS NULL")


def _trade(platforms, round_):
    platforms["erp"].control("drift", n=12, seed=round_)
    for shop in SHOPS:
        platforms[shop].control("orders", n=4, seed=round_)


@pytest.mark.skipif(not ROUNDS, reason="takes minutes: `make crash` runs it")
@pytest.mark.xdist_group("dagster dev")
@pytest.mark.timeout(240 + 90 * ROUNDS)
def test_killed_whole_at_random_moments_it_goes_on_and_shops_and_erp_agree(project, tmp_path):
    project, platforms, before = project
    moments, home = random.Random(os.environ.get("PULLPUSH_CRASH_SEED", "3")), tmp_path / "home"
    # given: all of it dies, at another moment each time
    killed = []
    for round_ in range(ROUNDS):
        _trade(platforms, round_)
        with dagster_dev(project, home, tmp_path) as dev:
            for sync in ORDER[0]:
                _launch(dev, sync)
            until(lambda dev=dev: [run for run in dev.runs() if run["status"] == "STARTED"])
            time.sleep(moments.uniform(0, 8))
            killed += [run["runId"] for run in dev.runs() if run["status"] not in ENDED]
            os.killpg(dev.process.pid, signal.SIGKILL)
        _leases_run_out(project)
    # when: it is started again, and nothing dies any more
    with dagster_dev(project, home, tmp_path) as dev:
        dev.first_round()
        dev.idle()
        # then: no run hangs, and no pool slot stays taken
        assert set(dev.ended(*killed).values() if killed else ENDED) <= set(ENDED)
        assert dev.taken_slots() == 0
        # when: the next runs have run
        for syncs in ORDER:
            assert set(dev.ended(*(_launch(dev, sync) for sync in syncs)).values()) == {"SUCCESS"}
        dev.idle()
        print(f"{ROUNDS} rounds, {len(killed)} runs killed: {Counter(run['status'] for run in dev.runs())}")
    # then
    traded = compare_orders(project, SHOPS)
    assert traded.wrong == []
    for shop in SHOPS:
        assert differences(project, before[shop], shop, traded.sold) == []


def _launch(dev, sync):
    """A run of a sync, as its schedule launches it."""
    return dev.launch(sync, sync_tags(dev.project, [dev.project.pull(id_) for id_ in dev.project.push(sync).from_]))
