"""SIGKILL at random moments, and several processes at once: nothing is lost, nothing is doubled."""

import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from pullpush_dagster.demo.comparing import differences, items_of_shop

ROUND = [sys.executable, str(Path(__file__).with_name("one_round.py"))]


@pytest.fixture
def start(world):
    """Starts one round of every sync in a process of its own."""
    own = {"PULLPUSH_PROJECT": str(world.project.root), "PULLPUSH_DATA": str(world.project.state)}

    def start():
        return subprocess.Popen(ROUND, env={**os.environ, **own}, stderr=subprocess.PIPE)

    return start


def _leases_run_out(world):
    world.rows("UPDATE outbox SET leaseUntil = now(), dueAt = now() RETURNING key")


@pytest.mark.skus(150)
def test_killed_at_random_moments_the_syncs_still_end_right(world, start):
    # given: a round takes a second or two, and dies somewhere in it, six times
    before = items_of_shop(world.project, "shop")
    moments = random.Random(11)
    for round_ in range(6):
        with start() as process:
            time.sleep(moments.uniform(0.6, 3.0))
            process.kill()
        world.erp.control("drift", n=8, seed=round_)
        if world.store.path.exists():
            _leases_run_out(world)
    # when: nothing dies any more
    for _ in range(2):
        with start() as process:
            assert process.wait(timeout=60) == 0, process.stderr.read()
    # then
    assert differences(world.project, before) == []
    claims = Counter(item["sku"] for item in world.items() if item["sku"])
    assert [sku for sku, count in claims.items() if count > 1] == []


@pytest.mark.skus(100)
def test_several_processes_at_once_wait_for_each_other(world, start):
    before = items_of_shop(world.project, "shop")
    processes = [start() for _ in range(4)]
    results = [(process.wait(timeout=100), process.stderr.read()) for process in processes]
    for process in processes:
        process.stderr.close()
    assert [code for code, _ in results] == [0, 0, 0, 0], results
    world.sync("products_to_shop")
    world.sync("stock_to_shop")
    assert differences(world.project, before) == []
    claims = Counter(item["sku"] for item in world.items() if item["sku"])
    assert [sku for sku, count in claims.items() if count > 1] == []
