"""What a person sees: pages of the web UI in a headless Chromium, as the texts they end up with.

With PULLPUSH_SCREENSHOTS naming a folder, pictures of the same pages are put there.
"""

import html
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.xdist_group("dagster dev"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium on the PATH"),
]


def _browse(url, folder, *options):
    """A Chromium that opens ``url`` and ends; the page's own clock runs ahead, so that nothing is waited for."""
    command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={folder}", "--window-size=1600,1000", "--virtual-time-budget=25000", *options, url]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _text(page):
    """The words of a page, without its tags, scripts and styles."""
    shown = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", shown)).split())


@pytest.fixture(scope="module")
def pages(living, tmp_path_factory):
    """Name of a page -> its words."""
    living.dev.idle()
    run = next(run for run in living.dev.runs() if (run["jobName"], run["status"]) == ("stock_to_shop", "SUCCESS"))
    addresses = {
        "lineage": "locations/pullpush_dagster/asset-groups/stocklevel/lineage",
        "partition": "assets/erp/stocklevel/changes?view=partitions&partition=WH",
        "check": "assets/erp/product/changes?view=checks&checkDetail=guard",
        "run": f"runs/{run['runId']}",
    }
    found = {}
    started = {
        name: _browse(f"{living.dev.address}/{address}", tmp_path_factory.mktemp(name), "--dump-dom")
        for name, address in addresses.items()
    }
    for name, browser in started.items():
        found[name] = _text(browser.communicate(timeout=100)[0])
    if folder := os.environ.get("PULLPUSH_SCREENSHOTS"):
        for name, address in addresses.items():
            file = Path(folder).resolve() / f"{name}.png"
            browser = _browse(f"{living.dev.address}/{address}", tmp_path_factory.mktemp(name), f"--screenshot={file}")
            browser.communicate(timeout=100)
    return found


def test_the_lineage_page_shows_every_stage_the_pushes_to_both_shops_and_the_way_back(pages):
    for word in ("pulled", "canonical", "changes", "stock_to_shop", "stock_to_outlet", "orders_to_erp"):
        assert word in pages["lineage"]


def test_a_partition_page_shows_what_the_audit_of_that_scope_came_to(pages):
    for words in ("WH Materialized", "STORE", "state accepted", "known before"):
        assert words in pages["partition"]


def test_a_check_page_says_what_holds_when_it_passes_and_that_it_did(pages):
    assert "The change set is within its limits" in pages["check"]
    assert "Evaluation result Passed" in pages["check"]


def test_the_page_of_a_push_run_shows_its_three_ops_and_that_it_succeeded(pages):
    assert "stock_to_shop" in pages["run"]
    assert "Success" in pages["run"]
    for op in ("claim", "send", "confirm"):
        assert re.search(rf"shop\S*{op}", pages["run"]), op
