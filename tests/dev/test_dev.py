"""``make dev``: it comes up by itself, says what there is, and leaves nothing behind."""

import signal
import socket
import sys
import time
import urllib.request

import pytest

from tests.conftest import at_length
from tests.dev.conftest import copy_project, free_port

pytestmark = [pytest.mark.xdist_group("make dev"), pytest.mark.timeout(240)]
DEV = ("pullpush_dagster.dev", "--skus", "60", "--every", "1")


@pytest.fixture(scope="module")
def dev(start):
    """A running one whose first syncs are through and which drifts."""
    found = start(*DEV)
    found.wait_for("from now on")
    return found


@at_length
def test_it_says_where_it_is_where_to_look_first_and_what_to_try(dev):
    said = dev.said()
    assert f"the web UI answers at http://127.0.0.1:{dev.port}" in said
    assert f"http://127.0.0.1:{dev.port}/locations/pullpush_dagster/asset-groups/stocklevel/lineage" in said
    for command in ("pullpush status", "pullpush explain", "pullpush sandbox faults", "pullpush sandbox drift"):
        assert command in said


@at_length
def test_the_first_syncs_run_by_themselves_and_shops_and_erp_agree(dev):
    assert "the first syncs have all run: shops and ERP agree" in dev.said()
    for sync in ("products_to_shop", "products_to_outlet", "stock_to_shop", "stock_to_outlet", "orders_to_erp"):
        assert f"  {sync}: " in dev.said()


@at_length
def test_the_page_it_names_is_there(dev):
    with urllib.request.urlopen(f"http://127.0.0.1:{dev.port}/asset-groups", timeout=20) as page:
        assert page.status == 200


@at_length
def test_its_state_is_its_own(dev):
    assert {path.name for path in dev.project.iterdir()} == {
        "assets",
        "resources",
        "pyproject.toml",
        "data",
        ".dagster",
    }
    assert [path.name for path in (dev.project / "data").iterdir()] == ["dev"]
    assert [path.name for path in dev.log.parent.iterdir()] == ["said.txt"]


@at_length
def test_a_second_one_on_the_same_ports_is_refused_in_one_sentence_and_starts_nothing(dev, start):
    second = start(*DEV, project=dev.project)
    assert second.process.wait(timeout=30) == 1
    (line,) = second.said().splitlines()
    assert line.endswith("is in use; nothing was started")


@at_length
def test_ctrl_c_stops_every_process_though_somebody_presses_it_twice(dev):
    assert len(dev.processes()) > 5
    dev.process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert dev.stop(signal.SIGINT) == 0
    assert dev.processes() == []
    assert dev.said().endswith("stopped\n")


def test_a_web_port_in_use_is_named_before_anything_starts(start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = start(*DEV, port=taken.getsockname()[1])
        assert refused.process.wait(timeout=30) == 1
    assert f"port {refused.port} on 127.0.0.1, for the web UI" in refused.said()
    assert not (refused.project / "data").exists()


def test_a_connection_to_another_machine_is_refused(start, tmp_path):
    project = copy_project(tmp_path)
    file = project / "resources" / "shop.yaml"
    file.write_text(file.read_text().replace("http://127.0.0.1", "https://shop.example"))
    refused = start(*DEV, project=project, port=free_port())
    assert refused.process.wait(timeout=30) == 1
    assert "the sandbox runs only where base_url is http://127.0.0.1:PORT (connection=shop)" in refused.said()


def test_where_no_sync_is_live_that_is_said_and_nothing_is_started(start, tmp_path):
    project = copy_project(tmp_path)
    for file in (project / "assets").rglob("defs.yaml"):
        file.write_text(file.read_text().replace("mode: live", "mode: shadow"))
    refused = start(*DEV, project=project, port=free_port())
    assert refused.process.wait(timeout=30) == 1
    assert refused.said() == "no sync says mode: live, so nothing would be sent; no stand-in is a real account\n"


@pytest.mark.skipif(sys.platform != "linux", reason="processes are counted in /proc")
def test_told_to_end_while_it_starts_it_leaves_nothing_behind(start):
    starting = start(*DEV)
    starting.wait_for("starting 3 stand-ins")
    starting.stop(signal.SIGTERM)
    assert starting.left() == []
