"""Several processes at once, each with every sync, and no pool keeps them apart: nothing is lost or doubled."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from pullpush_dagster.demo.comparing import differences, items_of_shop
from pullpush_dagster.demo.orders import compare_orders
from tests.conftest import at_length

PROCESSES = 4
ROUND = [sys.executable, str(Path(__file__).with_name("one_round.py"))]


@pytest.fixture
def start(world):
    """Starts one round of every sync in a process of its own."""
    own = {"PULLPUSH_PROJECT": str(world.project.root), "PULLPUSH_DATA": str(world.project.state)}

    def start():
        return subprocess.Popen(ROUND, env={**os.environ, **own}, stderr=subprocess.PIPE)

    return start


@at_length
def test_several_processes_at_once_wait_for_each_other(world, desk, start):
    # given
    before = items_of_shop(world.project, "shop")
    world.shop.control("orders", n=25, seed=6)
    # when
    processes = [start() for _ in range(PROCESSES)]
    results = [(process.wait(timeout=100), process.stderr.read()) for process in processes]
    for process in processes:
        process.stderr.close()
    # then
    assert [code for code, _ in results] == [0] * PROCESSES, results
    desk.hurry()
    for sync in world.project.pushes:
        world.sync(sync)
    traded = compare_orders(world.project, ["shop"])
    assert traded.wrong + differences(world.project, before, sold=traded.sold) == []
    claims = Counter(item["sku"] for item in world.items() if item["sku"])
    assert [sku for sku, count in claims.items() if count > 1] == []
    desk.sales()
