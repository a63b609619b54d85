"""What a person sees: pages of the web UI in a headless Chromium, as the texts they end up with.

With PULLPUSH_SCREENSHOTS naming a folder, the pictures of the documentation are put there.
"""

import datetime as dt
import html
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.conftest import at_length

pytestmark = [
    pytest.mark.xdist_group("dagster dev"),
    pytest.mark.timeout(240),
    pytest.mark.skipif(not shutil.which("chromium"), reason="there is no chromium on the PATH"),
    at_length,
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


_GROUP = "locations/pullpush_dagster/asset-groups/stocklevel/lineage"
_GROUPS = ("order", "product", "stocklevel")
_SELECTED = quote(" or ".join(f'group:"{group}"' for group in _GROUPS))
_ALL = f"asset-groups~{_SELECTED}?expanded=" + ",".join(f"global@global:{group}" for group in _GROUPS)


@dataclass(frozen=True)
class Picture:
    """A page, the size of the window it is seen in, and the part of that which is shown: left, top, width, height."""

    address: str
    window: tuple[int, int]
    part: tuple[int, int, int, int] | None = None

    def take(self, living, file, folder):
        """Put the picture into ``file``."""
        whole = folder / "whole.png"
        _quiet(living)
        self._shoot(f"{living.dev.address}/{self.address}", whole, self.window, folder / "page")
        if self.part is None:
            shutil.move(whole, file)
            return
        left, top, width, height = self.part
        style = f"position: absolute; left: -{left}px; top: -{top}px"
        cut = folder / "cut.html"
        cut.write_text(f'<body style="margin: 0; overflow: hidden"><img src="whole.png" style="{style}">')
        self._shoot(cut.as_uri(), file, (width, height), folder / "cut")

    def _shoot(self, url, file, size, folder):
        folder.mkdir()
        window = f"--window-size={size[0]},{size[1]}"
        _browse(url, folder, window, f"--screenshot={file}").communicate(timeout=100)


def _quiet(living):
    """Wait until nothing runs, and no schedule is about to launch something; these all lie on five minutes."""
    left = 300 - time.time() % 300
    time.sleep(left + 5 if left < 30 else 0)
    living.dev.idle()


def _pictures(run):
    """Those the documentation shows, by their file's name."""
    today = dt.datetime.now(dt.UTC).date()
    return {
        "lineage": Picture(_ALL, (2000, 1000), (570, 232, 1400, 432)),
        "stock": Picture(_GROUP, (1600, 1000), (290, 352, 1270, 272)),
        "partition": Picture(f"assets/shop/order/pulled?view=partitions&partition={today}", (1440, 810)),
        "check": Picture("assets/erp/order/orders_to_erp?view=checks&checkDetail=delivered", (1440, 660)),
        "run": Picture(run, (1600, 1000)),
    }


@pytest.fixture(scope="module")
def pages(living, tmp_path_factory):
    """Name of a page -> its words."""
    living.dev.idle()
    run = next(run for run in living.dev.runs() if (run["jobName"], run["status"]) == ("stock_to_shop", "SUCCESS"))
    addresses = {
        "lineage": _GROUP,
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
        for name, picture in _pictures(addresses["run"]).items():
            picture.take(living, Path(folder).resolve() / f"{name}.png", tmp_path_factory.mktemp(name))
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
