"""Each order exactly once, whatever goes wrong between the ERP and us, and wherever our own process dies."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pullpush_dagster.demo.orders import compare_orders
from pullpush_dagster.sandbox.faults import KINDS
from tests.conftest import thinned

ROUND = [sys.executable, str(Path(__file__).with_name("one_round.py"))]
CALLS = {
    "creating": "/json/2/sale.order/create",
    "confirming": "/json/2/sale.order/action_confirm",
    "cancelling": "/json/2/sale.order/action_cancel",
    "writing": "/json/2/sale.order/write",
}


def _trade(desk):
    """Orders of every kind, and what becomes of them once the ERP has the first of them."""
    desk.world.shop.control("orders", n=8, seed=4)
    refs = [desk.sell(status=status) for status in ("pending", "pending", "processing", "processing")]
    desk.sync(patience=0.5)
    for ref, status in zip(refs, ("processing", "cancelled", "cancelled", "completed"), strict=True):
        desk.edit(ref, status=status)
    desk.edit(refs[0], line_items=[{"id": desk.line(refs[0]), "quantity": 2}, {"sku": "SKU-00011", "quantity": 1}])
    desk.sync(patience=0.5)


def _is_right_in_the_end(desk):
    desk.world.erp.faults()
    for _ in range(30):
        desk.push()
        if desk.left() == []:
            break
        time.sleep(0.5)  # five failures in a row, and the ERP is left alone for some seconds
    assert desk.left() == []
    assert compare_orders(desk.world.project, ["shop"]).wrong == []
    desk.sales()


@pytest.mark.parametrize("kind", thinned(KINDS, 2))
def test_each_order_is_there_once_and_right_after(desk, kind):
    desk.world.erp.faults(**{kind: 0.35}, seed=5)
    _trade(desk)
    assert desk.world.erp.injected()[kind] > 3
    _is_right_in_the_end(desk)


@pytest.mark.parametrize("call", thinned(CALLS, 2))
def test_each_order_is_there_once_and_right_when_the_answers_are_lost_to(desk, call):
    desk.world.erp.faults(close_after=0.4, truncate=0.3, error_after=0.3, count=7, path=CALLS[call])
    _trade(desk)
    assert sum(desk.world.erp.injected().values()) > 0
    _is_right_in_the_end(desk)


def test_an_order_whose_creation_was_not_answered_is_adopted_and_confirmed(desk):
    ref = desk.sell()
    desk.world.erp.faults(close_after=1.0, count=1, path=CALLS["creating"])
    desk.sync(patience=0)
    desk.push()
    assert desk.state(ref) == "sale"
    assert desk.left() == []


@pytest.fixture
def start(desk):
    """Starts one round of every sync in a process of its own."""
    own = {"PULLPUSH_PROJECT": str(desk.world.project.root), "PULLPUSH_DATA": str(desk.world.project.state)}

    def start():
        return subprocess.Popen(ROUND, env={**os.environ, **own}, stderr=subprocess.DEVNULL)

    return start


def _seen(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_order_whose_run_died_before_it_was_confirmed_is_adopted_and_confirmed(desk, start):
    # given: the ERP has made it, and has not told yet
    ref = desk.sell()
    desk.world.erp.faults(latency_ms=3000, path=CALLS["creating"])
    with start() as process:
        _seen(lambda: desk.world.erp.stats().get("POST /json/2/sale.order/create"))
        _seen(lambda: desk.world.erp.state()["orders"])
        process.kill()
    desk.world.erp.faults()
    assert (desk.state(ref), desk.left()[0][1]) == ("draft", "claimed")
    # when
    desk.sync()
    # then
    assert desk.state(ref) == "sale"
    assert desk.left() == []
