"""Every benchmark runs at a small size and tells figures; what they are is nobody's test."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

SMALL = {"diff": ("--rows", "2000", "--rounds", "1"), "map": ("--orders", "600", "--rounds", "1")}


def _run(name, *arguments):
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments, "--json"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_diff_finds_exactly_the_changed_rows():
    told = _run("diff", *SMALL["diff"])
    assert told["rows"] == 2000
    assert 0 < told["changed"] < 60
    assert told["diff / floor"] > 0


def test_map_reads_every_order_without_a_fault():
    told = _run("map", *SMALL["map"])
    assert (told["orders"], told["with faults"]) == (600, 0)


@pytest.mark.skipif(not os.environ.get("PULLPUSH_JUDGE"), reason="PULLPUSH_JUDGE is not set")
@pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler to build the judge with")
def test_pull_stores_every_order_of_the_judge():
    told = _run("pull", "--orders", "3000", "--rounds", "1")
    assert (told["orders"], told["distinct"], told["quarantined"]) == (3000, 3000, 0)


@pytest.mark.parametrize("name", ["diff", "map", "pull"])
def test_each_says_what_it_measures(name):
    command = [sys.executable, "-m", f"benchmarks.{name}", "--help"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "--json" in ran.stdout
