"""Every benchmark runs at a tiny size and says what it has measured. None asserts a time."""

import importlib
import json
import os
import subprocess
import sys
from functools import cache

import pytest
from click.testing import CliRunner

from tests.conftest import ROOT, thinned

pytestmark = pytest.mark.xdist_group("benchmarks")
TINY = {"diff": ["--rows", "2000"], "map": ["--orders", "600"], "pull": ["--orders", "600", "--rounds", "1"]}


def run(name, *arguments, **environment):
    """What benchmark ``name`` prints."""
    given = {key: value for key, value in os.environ.items() if key != "PULLPUSH_JUDGE"} | environment
    command = [sys.executable, "-W", "error", "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(command, cwd=ROOT, env=given, capture_output=True, text=True, check=True, timeout=120).stdout


@cache
def figures(name, **environment):
    """What benchmark ``name`` measures; each is run once, however many tests look at it."""
    return json.loads(run(name, *TINY[name], "--json", **environment))


@pytest.mark.parametrize("name", TINY)
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
