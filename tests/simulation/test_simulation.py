"""The promises over whole histories: faults of every kind, deaths anywhere, and one clock for all of it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from pullpush_dagster.changes import acknowledging
from pullpush_dagster.cli import main
from pullpush_dagster.simulation import KINDS, Kind, Report, history, shortest
from pullpush_dagster.simulation import simulate as run_all
from pullpush_dagster.simulation.steps import SELDOM, Step, steps_of

pooled = pytest.mark.xdist_group("simulating")  # what its processes need is imported once
SEEDS = int(os.environ.get("PULLPUSH_SEEDS", "50"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_after_every_history_all_promises_hold(seed):
    ended, _ = history(seed, KINDS[seed % len(KINDS)])
    assert ended.broken == (), f"`pullpush simulate --seeds 1 --first {seed}` tells it"


def test_what_people_do_now_and_then_breaks_no_promise():
    ended, _ = history(1, KINDS[0], [Step(name, 1) for name in ("full", *SELDOM)])
    assert ended.broken == ()


def test_what_happens_seldom_comes_on_top_of_what_always_does():
    plenty = [[step.name for step in steps_of(seed)] for seed in range(200)]
    assert {name for names in plenty for name in names} >= SELDOM.keys()
    assert all(set(names[1:]) - SELDOM.keys() for names in plenty)


@pytest.fixture
def lost_answers_believed(monkeypatch):
    """The engine takes every request without an answer for done."""
    monkeypatch.setitem(acknowledging._STATES, "unknown", None)


def test_a_broken_promise_is_found_and_its_story_told_at_its_shortest(lost_answers_believed):
    kind = Kind("product")
    seed = next(seed for seed in range(50) if 1 < len(steps_of(seed)) < 5 and history(seed, kind)[0].broken)
    short = shortest(seed, kind, tries=4)
    assert short.broken
    assert len(short.steps) < len(steps_of(seed))


@pytest.fixture
def simulate():
    """``pullpush simulate`` with these arguments."""
    return lambda *given: CliRunner().invoke(main, ["simulate", *given], catch_exceptions=False)


def test_one_seed_is_one_history_to_the_byte(simulate, tmp_path):
    # given: another process, whose sets and hashes have another order, and in which nothing has run before
    arguments = ["simulate", "--seeds", "1", "--first", "5"]
    other = subprocess.run(
        [sys.executable, "-m", "pullpush_dagster.cli", *arguments],
        env={**os.environ, "PYTHONHASHSEED": "1"}, cwd=tmp_path, capture_output=True, check=True,
    ).stdout  # fmt: skip
    # then
    assert simulate(*arguments[1:]).stdout_bytes == other
    assert b"all promises held" in other


def test_one_seed_is_one_history_even_without_its_steps():
    stories = [history(1, KINDS[0], ())[0].story for _ in range(2)]
    assert stories[0] == stories[1]


def test_one_history_is_told_line_by_line(simulate):
    done = simulate("--seeds", "1", "--first", "5")
    assert done.exit_code == 0
    assert "--- calm" in done.output
    assert done.output.endswith("all promises held\n")


def test_a_sync_is_simulated_with_its_own_options(simulate):
    done = simulate("orders_to_erp", "--seeds", "1", "--first", "4")
    assert "source2:K1" in done.output


@pooled
def test_a_connector_is_simulated_by_its_ways_and_what_is_left_out_is_told(simulate):
    done = simulate("woocommerce", "--seeds", "1", "--first", "5", "--json")
    assert json.loads(done.stdout)["failed"] == []
    assert "order without its references" in done.stderr


def test_a_name_that_is_neither_sync_nor_connector_is_refused_with_those_there_are(simulate):
    done = simulate("wocommerce")
    assert done.exit_code != 0
    assert "orders_to_erp" in done.output
    assert "woocommerce" in done.output


@pooled
def test_several_are_counted_by_fault_and_crash_point(simulate):
    done = simulate("--seeds", "2", "--json")
    told = json.loads(done.output)
    assert (done.exit_code, told["seeds"], told["failed"]) == (0, 2, [])
    assert sum(told["faults"].values()) > 20
    assert "push.pushing.Pusher.turn, not committed" in told["points"]


@pooled
def test_broken_off_it_tells_what_it_has_found_so_far():
    report = Report()

    def progress():
        if report.seeds == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_all(range(10_000), report, KINDS[:2], progress)
    assert report.seeds == 3
    assert report.faults.total() > 30


_WORKER = """
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pullpush_dagster.simulation import KINDS
from pullpush_dagster.simulation.simulating import _context, _left_alone, _project
if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, _context(), _left_alone)
    root = pool.submit(_project, KINDS[0]).result().root
    print(pool.submit(os.getpid).result(), root, flush=True)
    time.sleep(60)
"""


@pooled
@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
def test_killed_it_leaves_neither_processes_nor_folders_behind(tmp_path):
    (tmp_path / "worker.py").write_text(_WORKER)
    command = [sys.executable, tmp_path / "worker.py"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        pid, root = parent.stdout.readline().split()
        parent.kill()
        left, until = [Path("/proc", pid), Path(root)], time.monotonic() + 10
        assert all(path.exists() for path in left)
        while any(path.exists() for path in left) and time.monotonic() < until:
            time.sleep(0.05)
    assert not any(path.exists() for path in left)


@pytest.mark.parametrize("seeds", ["0", "-1"])
def test_it_runs_one_history_or_more(simulate, seeds):
    assert "is not in the range x>=1" in simulate("--seeds", seeds).stderr


def test_crash_points_at_which_nobody_died_are_named():
    report = Report()
    report.points.update({"a": 2, "b": 0})
    assert report.silent == ["b"]
