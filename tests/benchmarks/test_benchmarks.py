"""Every benchmark runs at a tiny size and says what it has measured. None asserts a time."""

import importlib
import json
import os
import subprocess
import sys
from functools import cache

import pytest
from click.testing import CliRunner

from tests.conftest import ROOT, at_length, thinned

pytestmark = pytest.mark.xdist_group("benchmarks")
TINY = {
    "diff": ["--rows", "2000", "--rounds", "1"],
    "incremental": ["--rows", "50", "--known", "2000", "--few", "200", "--rounds", "1"],
    "map": ["--orders", "600", "--rounds", "1"],
    "pull": ["--orders", "600", "--rounds", "1"],
    "claim": ["--pending", "3000", "--few", "200", "--keys", "50", "--rounds", "1"],
}
OTHERS = {
    "latency": ["--runs", "1", "--skus", "60"],
    "peers": ["--rows", "2000", "--orders", "600", "--keys", "700", "--rounds", "1"],
}


def run(name, *arguments, seconds=120, **environment):
    """What benchmark ``name`` prints."""
    given = {key: value for key, value in os.environ.items() if key != "PULLPUSH_JUDGE"} | environment
    command = [sys.executable, "-W", "error", "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env=given, capture_output=True, text=True, check=True, timeout=seconds
    ).stdout


@cache
def figures(name, **environment):
    """What benchmark ``name`` measures; each is run once, however many tests look at it."""
    return json.loads(run(name, *(TINY | OTHERS)[name], "--json", **environment))


@pytest.mark.parametrize("name", TINY | OTHERS)
def test_help_says_what_is_measured(name):
    benchmark = importlib.import_module(f"benchmarks.{name}")
    assert "Options:" in CliRunner().invoke(benchmark.main, ["--help"]).output


@pytest.mark.parametrize("name", TINY)
def test_json_has_the_machine_the_date_and_a_ratio_to_the_floor(name):
    told = figures(name)
    assert told["benchmark"] == name
    assert {"date", "machine", "duckdb"} <= told.keys()
    assert any(key.endswith("/ floor") and value > 0 for key, value in told.items())


def test_the_table_names_every_figure():
    told = figures("diff")
    shown = run("diff", *TINY["diff"])
    assert all(key in shown for key in told if key not in ("benchmark", "date", "machine"))


def test_the_diff_finds_what_was_changed_and_what_is_unknown_since():
    told = figures("diff")
    assert 5 < told["changed"] < 50
    assert 0 < told["newly unknown"] < 10


def test_the_pull_stores_exactly_what_the_stand_in_holds():
    told = figures("pull")
    assert (told["orders"], told["exact"], told["quarantined"]) == (600, True, 0)


def test_the_pull_stores_exactly_what_the_judge_holds():
    judge = os.environ.get("PULLPUSH_JUDGE")
    if not judge:
        pytest.skip("PULLPUSH_JUDGE is unset")
    told = figures("pull", PULLPUSH_JUDGE=judge)
    assert (told["orders"], told["exact"], told["quarantined"]) == (600, True, 0)


PUSHES = [["--faults", "p500=0.05&pitem=0.02"], ["--deliver", "latest"], ["--mode", "put"]]


@pytest.mark.parametrize("given", thinned(PUSHES, 1), ids=lambda g: g[1])
def test_the_push_leaves_at_the_judge_what_it_was_sent(given):
    judge = os.environ.get("PULLPUSH_JUDGE")
    if not judge:
        pytest.skip("PULLPUSH_JUDGE is unset")
    told = json.loads(run("push", "--keys", "700", *given, "--rounds", "1", "--json", PULLPUSH_JUDGE=judge))
    assert (told["changes"], told["checker"]) == (2100, "PASS")
    assert told["floor / send"] > 0


def test_the_push_without_a_judge_says_what_it_needs():
    with pytest.raises(subprocess.CalledProcessError) as refused:
        run("push")
    assert "needs PULLPUSH_JUDGE" in refused.value.stderr


def test_claims_leave_pending_what_was_not_acknowledged():
    # given: one claim of 50 keys, and one of ten times as many
    told = figures("claim")
    assert told["left"] == 3000 - 50 - 500


def test_where_each_change_is_delivered_the_next_of_a_key_takes_its_place():
    told = json.loads(run("claim", *TINY["claim"], "--deliver", "every", "--json"))
    # then: the fifty keys of the first claim were taken again with what was behind, and now nothing is
    assert told["left"] == 3000 - 50


def test_a_peer_finds_the_changes_that_we_find():
    told = figures("peers")
    assert told["diff, pandas: changed"] == told["diff, ours: changed"]
    assert told["diff, pandas / ours"] > 0


def test_a_peer_that_cannot_be_imported_is_left_out_and_why_is_told():
    # given: this interpreter has no dlt
    told = figures("peers")
    assert "No module named 'dlt'" in told["pull, dlt: left out"]


@at_length
@pytest.mark.timeout(300)
def test_latency_is_told_beside_its_target_for_a_push_of_the_same_run_and_of_the_sensors():
    told = json.loads(run("latency", *OTHERS["latency"], "--json", seconds=280))
    assert (told["same run: p95 target s"], told["sensor: p50 target s"], told["sensor: p95 target s"]) == (1, 6, 10)
    assert told["same run: p95 s over the request"] > 0
    assert told["sensor: median s until run launched"] > 0
