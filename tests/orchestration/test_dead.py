"""Runs whose process is gone are ended, and what they held is free."""

import json
import os
import socket
import time

import dagster as dg
import pytest
from dagster._core.events import EngineEventData
from dagster._core.storage.tags import GRPC_INFO_TAG

from pullpush_dagster.orchestration.dead import fail_dead_runs

STARTED, STARTING, CANCELING = (
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.CANCELING,
)

needs_proc = pytest.mark.skipif(
    not os.path.exists("/proc/self/stat"),  # noqa: PTH110
    reason="when a process began is read from /proc",
)


@pytest.fixture
def begin(instance):
    """Makes a run as a launcher leaves it; with a process id, as the process has told it."""

    def begin(status=STARTED, pid=None, server=None):
        tags = {GRPC_INFO_TAG: json.dumps(server)} if server else {}
        run = instance.create_run_for_job(dg.GraphDefinition(name="some").to_job(), status=status, tags=tags)
        if pid is not None:
            instance.report_engine_event(f"Started process for run (pid: {pid}).", run, EngineEventData.in_process(pid))
        return run.run_id

    return begin


def _status(instance, run):
    return instance.get_run_by_id(run).status


def test_a_run_whose_process_is_gone_fails_and_says_so(instance, begin, gone):
    run = begin(pid=gone)
    (told,) = fail_dead_runs(instance)
    assert _status(instance, run) == dg.DagsterRunStatus.FAILURE
    assert f"its process {gone} is gone" in told


def test_a_run_whose_process_lives_is_left_alone(instance, begin):
    run = begin(pid=os.getpid())
    assert fail_dead_runs(instance) == []
    assert _status(instance, run) == STARTED


def test_a_run_that_was_seen_alive_lives_on_when_the_clock_is_set_ahead(instance, begin, monkeypatch):
    # given
    run = begin(pid=os.getpid())
    fail_dead_runs(instance)
    # when: a virtual machine goes on after a pause
    later = time.time() + 600
    monkeypatch.setattr("time.time", lambda: later)
    # then
    assert fail_dead_runs(instance) == []
    assert _status(instance, run) == STARTED


@needs_proc
def test_a_run_that_was_seen_alive_fails_when_another_process_has_its_number(instance, begin):
    # given: as after a restart of the machine
    run = begin(pid=os.getpid())
    instance.daemon_cursor_storage.set_cursor_values(
        {"pullpush/processes": json.dumps({run: f"another-boot {os.getpid()} 7"})}
    )
    # when
    fail_dead_runs(instance)
    # then
    assert _status(instance, run) == dg.DagsterRunStatus.FAILURE


def test_runs_that_have_ended_are_not_remembered(instance, begin):
    run = begin(pid=os.getpid())
    fail_dead_runs(instance)
    instance.report_run_canceled(instance.get_run_by_id(run))
    fail_dead_runs(instance)
    assert instance.daemon_cursor_storage.get_cursor_values({"pullpush/processes"}) == {"pullpush/processes": "{}"}


@needs_proc
def test_a_younger_process_with_the_same_number_is_not_it(instance, begin, monkeypatch):
    # given: the run told its process id an hour ago
    with monkeypatch.context() as earlier:
        an_hour_ago = time.time() - 3600
        earlier.setattr("time.time", lambda: an_hour_ago)
        run = begin(pid=os.getpid())
    # when
    fail_dead_runs(instance)
    # then
    assert _status(instance, run) == dg.DagsterRunStatus.FAILURE


def test_a_run_that_was_being_cancelled_is_cancelled(instance, begin, gone):
    run = begin(CANCELING, pid=gone)
    fail_dead_runs(instance)
    assert _status(instance, run) == dg.DagsterRunStatus.CANCELED


def test_a_run_that_a_dead_code_server_was_to_start_fails(instance, begin, tmp_path):
    run = begin(STARTING, server={"host": "localhost", "socket": str(tmp_path / "gone")})
    fail_dead_runs(instance)
    assert _status(instance, run) == dg.DagsterRunStatus.FAILURE


def test_a_run_that_a_living_code_server_is_starting_is_left_alone(instance, begin):
    with socket.create_server(("127.0.0.1", 0)) as server:
        run = begin(STARTING, server={"host": "localhost", "port": server.getsockname()[1]})
        fail_dead_runs(instance)
    assert _status(instance, run) == STARTING


def test_a_run_on_another_machine_is_none_of_our_business(instance, begin, gone):
    run = begin(pid=gone, server={"host": "code.example", "port": 4000})
    fail_dead_runs(instance)
    assert _status(instance, run) == STARTED


def test_the_pool_slot_of_a_dead_run_is_free_again(instance, begin, gone):
    # given
    storage = instance.event_log_storage
    storage.set_concurrency_slots("push_x", 1)
    assert storage.claim_concurrency_slot("push_x", begin(pid=gone), "send").is_claimed
    # when
    fail_dead_runs(instance)
    # then
    assert storage.claim_concurrency_slot("push_x", begin(pid=os.getpid()), "send").is_claimed


def test_the_pool_slot_of_a_run_that_ended_without_freeing_it_is_free_again(instance, begin):
    storage = instance.event_log_storage
    storage.set_concurrency_slots("push_x", 1)
    assert storage.claim_concurrency_slot("push_x", begin(dg.DagsterRunStatus.FAILURE), "send").is_claimed
    fail_dead_runs(instance)
    assert storage.get_concurrency_info("push_x").active_slot_count == 0
