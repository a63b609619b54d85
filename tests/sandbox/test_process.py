"""The process handle: starts, names, secrets and, above all, that nothing stays behind."""

import json
import os
import signal
import subprocess
import sys
import time

import httpx
import pytest

from pullpush_dagster.sandbox import running
from pullpush_dagster.sandbox.process import made_up

ORPHAN = """
import os, sys
from pullpush_dagster.sandbox import running
with running("odoo", skus=20) as sandbox:
    print(sandbox["odoo"].pid, flush=True)
    os.kill(os.getpid(), 9)
"""


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def ended(pid, seconds=5.0):
    deadline = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not alive(pid)


def test_platforms_are_named_after_themselves_or_as_told():
    with running("odoo", {"shop": "woocommerce", "outlet": "woocommerce"}, skus=20) as sandbox:
        assert {name: standin.platform for name, standin in sandbox.items()} == {
            "odoo": "odoo",
            "shop": "woocommerce",
            "outlet": "woocommerce",
        }
        assert len({standin.url for standin in sandbox.values()}) == 3
        assert sandbox["shop"].secrets != sandbox["outlet"].secrets


def test_secrets_are_made_up_and_stable(sandbox):
    assert sandbox["erp"].secrets == made_up("erp", "odoo", 7)
    assert set(sandbox["erp"].secrets) == {"key"}
    assert sandbox["shop"].secrets["key"].startswith("ck_")
    assert sandbox["shop"].secrets["secret"].startswith("cs_")
    assert made_up("erp", "odoo", 8) != made_up("erp", "odoo", 7)


def test_secrets_show_neither_in_the_handle_nor_on_the_command_line(sandbox):
    shop = sandbox["shop"]
    assert shop.secrets["secret"] not in repr(shop)
    command = subprocess.run(["ps", "-o", "args=", "-p", str(shop.pid)], capture_output=True, text=True, check=True)
    assert "sandbox" in command.stdout
    assert shop.secrets["secret"] not in command.stdout


def test_leaving_stops_them_all():
    with running("odoo", "woocommerce", skus=20) as sandbox:
        pids = [standin.pid for standin in sandbox.values()]
        assert all(alive(pid) for pid in pids)
    assert not any(alive(pid) for pid in pids)


def test_a_failure_inside_stops_them_too():
    pids = []

    def fail():
        with running("odoo", skus=20) as sandbox:
            pids.append(sandbox["odoo"].pid)
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()
    assert not alive(pids[0])


def test_a_killed_parent_takes_them_along():
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN], stdout=subprocess.PIPE, text=True)
    with parent:
        pid = int(parent.stdout.readline())
        assert parent.wait(timeout=10) == -signal.SIGKILL
    assert ended(pid)


def test_a_stand_in_that_cannot_start_says_why():
    with pytest.raises(RuntimeError, match="19 is not in the range"), running("odoo", skus=19):
        pass


def test_two_thousand_products_start_in_no_time():
    start = time.monotonic()
    with running("odoo", "woocommerce", skus=2000) as sandbox:
        taken = time.monotonic() - start
        assert len(sandbox["odoo"].state()["products"]) == 2000
    assert taken < 10  # about 0.6 s on two idle cores; only a blow-up should fail this


def test_the_same_seed_and_now_give_the_same_state(sandbox):
    def states():
        with running({"erp": "odoo", "shop": "woocommerce"}, skus=50, seed=5, now="2026-11-01T12:00:00") as fresh:
            return [standin.state() for standin in fresh.values()]

    assert states() == states()


def test_started_by_hand_it_announces_its_port_and_takes_made_up_secrets():
    command = [sys.executable, "-m", "pullpush_dagster.sandbox", "odoo", "--skus", "20", "--seed", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        port = json.loads(process.stdout.readline())["port"]
        headers = {"Authorization": f"bearer {made_up('odoo', 'odoo', 4)['key']}"}
        url = f"http://127.0.0.1:{port}/json/2/stock.warehouse/search_count"
        answer = httpx.post(url, json={"domain": []}, headers=headers)
        process.terminate()
    assert (answer.status_code, answer.json()) == (200, 2)


def test_one_that_cannot_start_stops_the_others():
    before = set(children())
    with pytest.raises(RuntimeError, match="no such platform"), running("odoo", {"x": "no such platform"}, skus=20):
        pass
    assert set(children()) <= before


def children():
    """Pids of this process' children."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(os.getpid())], capture_output=True, text=True, check=True)
    return [pid for pid in found.stdout.split() if alive(int(pid))]


def test_the_command_line_explains_itself():
    command = [sys.executable, "-m", "pullpush_dagster.sandbox", "--help"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for word in ("odoo", "woocommerce", "--port", "--skus", "--seed", "--now", "--certfile", "SANDBOX_KEY"):
        assert word in text
