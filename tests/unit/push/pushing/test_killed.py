"""SIGKILL of a process that sends many changes of each key: each of them arrives, and none after a newer one."""

import os
import random
import subprocess
import sys
import time
from collections import Counter, defaultdict

import pytest

from tests.unit.push.pushing.conftest import CREATE

KILLS = max(2, int(os.environ.get("PULLPUSH_CRASHES", "10")) // 5)
# So few that no guard minds what becomes of all of them.
KEYS, EACH = 19, 9
SENDS = """
import asyncio, sys
from pathlib import Path
from pullpush_dagster.config import Project
from pullpush_dagster.push import Pusher
from pullpush_dagster.store import Store
root, state, store = map(Path, sys.argv[1:])
project = Project(root, state)
pusher = Pusher(project, project.push("to_shop"), Store(store), patience=5.0)
for _ in sys.stdin:
    pusher.arrive()
    print("begun", flush=True)
    asyncio.run(pusher.send(lambda _: None))
    print("ended", flush=True)
"""


@pytest.fixture
def push(pushing, shop, platform):
    """Products that are bound, of which nothing is to be sent, and a shop that takes its time."""
    shop.items |= {f"i{number}": {"sku": f"S{number}"} for number in range(KEYS)}
    made = pushing(deliver="every")
    made.pull(*({"sku": f"S{number}", "price": 0} for number in range(KEYS)))
    made.send()
    shop.writes.clear()
    platform.route(lambda seen: time.sleep(0.01) or shop(seen))
    return made


@pytest.fixture
def sender(push):
    """Starts a process that sends when it is told to."""

    def start():
        project = push.pusher.project
        command = [sys.executable, "-c", SENDS, project.root, project.state, push.pusher.store.path]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    return start


def pile(push, price):
    """So many changes of each key are to be sent; the last price."""
    for _ in range(EACH):
        price += 1
        push.pull(*({"sku": f"S{number}", "price": price} for number in range(KEYS)))
    return price


def told(child):
    """A process sends from now on."""
    child.stdin.write("\n")
    child.stdin.flush()
    assert child.stdout.readline() == "begun\n"


@pytest.mark.timeout(120 + 10 * KILLS)
def test_killed_while_it_sends_nothing_goes_back_and_nothing_is_left_out(push, shop, sender):
    # given: processes that die somewhere in what they send
    moments, ended, price, longest = random.Random(3), Counter(), 0, 0.5
    while ended["killed"] < KILLS:
        price = pile(push, price)
        child = sender()
        told(child)
        time.sleep(moments.uniform(0, longest))
        child.kill()
        how = "killed" if child.communicate()[0] == "" else "by itself"
        ended[how] += 1
        longest *= 1.2 if how == "killed" else 0.5
        push.rows("UPDATE outbox SET leaseUntil = now() WHERE state = 'claimed' RETURNING key")
    # when
    last = sender()
    told(last)
    assert last.communicate(timeout=60)[0] == "ended\n"
    # then
    got = defaultdict(list)
    for one in shop.writes:
        got[one["id"]].append(int(one["price"]))
    every = list(range(1, price + 1))
    assert {id_: sorted(set(prices)) for id_, prices in got.items()} == {f"i{n}": every for n in range(KEYS)}
    assert [id_ for id_, prices in got.items() if prices != sorted(prices)] == []
    assert (push.rows("FROM outbox"), push.rows("FROM behind")) == ([], [])
    print(f"{dict(ended)}, {len(shop.writes) - KEYS * len(every)} sent again")


def test_what_a_killed_push_had_claimed_goes_by_the_rules_that_hold_by_then(pushing, shop):
    # given: one that is gone, and others that run by new rules before it is known
    push = pushing(create=CREATE)
    push.pull({"sku": "A", "price": 1})
    push.pusher.arrive()
    push.rows("UPDATE outbox SET state = 'claimed', leaseUntil = now() + INTERVAL 1 HOUR RETURNING key")
    push.pusher.push = push.pusher.push.model_copy(update={"only": {"sku": ["B"]}})
    push.send()
    # when
    push.rows("UPDATE outbox SET leaseUntil = now() - INTERVAL 1 HOUR RETURNING key")
    push.send()
    # then
    assert shop.writes == []
    assert push.rows("SELECT reason FROM receipts") == [("the sync leaves it out by now",)]
