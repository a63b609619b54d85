"""Runs whose process is gone: failed, and their pool slots freed, so that nothing waits for them for ever.

Dagster's own run monitoring cannot see that a local process died together with its code server.
"""

import datetime as dt
import json
import os
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import dagster as dg
from dagster._core.storage.tags import GRPC_INFO_TAG

_LOOKED_AT = 50
_SLACK_SECONDS = 2.0
_START_SECONDS = 60.0
# Under it Dagster's store keeps, of each run that was seen alive, which process it is.
_SEEN = "pullpush/processes"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class _Process(NamedTuple):
    pid: int
    told_at: float


def fail_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """End every run of this machine whose process is gone, and free what it held; one sentence for each."""
    active = [dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    told = []
    records = instance.get_run_records(dg.RunsFilter(statuses=active), limit=_LOOKED_AT)
    before = _seen(instance)
    seen = {one.dagster_run.run_id: before.get(one.dagster_run.run_id, "") for one in records}
    for record in records:
        run = record.dagster_run
        reason = _why_dead(instance, run, record.update_timestamp, seen)
        # It may have ended by itself while we looked.
        now = instance.get_run_by_id(run.run_id) if reason else None
        if reason is None or now is None or now.is_finished:
            continue
        if now.status == dg.DagsterRunStatus.CANCELING:
            instance.report_run_canceled(now, reason)
        else:
            instance.report_run_failed(now, reason)
        told.append(f"run {run.run_id} of {run.job_name}: {reason}")
    if seen != before:
        instance.daemon_cursor_storage.set_cursor_values({_SEEN: json.dumps(seen)})
    _free_slots(instance)
    return told


def _seen(instance: dg.DagsterInstance) -> dict[str, str]:
    """Run -> its process, as it was seen alive; empty: it was not yet."""
    found = instance.daemon_cursor_storage.get_cursor_values({_SEEN})
    return dict(json.loads(found.get(_SEEN, "{}")))


def _free_slots(instance: dg.DagsterInstance) -> None:
    """Free pool slots of runs that have ended: a killed process cannot do it itself."""
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    holders = list(storage.get_concurrency_run_ids())
    for run in instance.get_runs(dg.RunsFilter(run_ids=holders), limit=_LOOKED_AT) if holders else ():
        if run.is_finished:
            storage.free_concurrency_slots_for_run(run.run_id)


def _why_dead(
    instance: dg.DagsterInstance, run: dg.DagsterRun, updated_at: dt.datetime, seen: dict[str, str]
) -> str | None:
    """Why ``run`` can never end by itself; None: its process lives, as ``seen``, or cannot be judged from here."""
    server = json.loads(run.tags.get(GRPC_INFO_TAG, "{}"))
    if server and not (server.get("socket") or server.get("host") in _LOOPBACK):
        return None  # its process is on another machine
    process = _process_of(instance, run.run_id)
    if process is not None:
        seen[run.run_id] = _living(process, seen[run.run_id])
        return None if seen[run.run_id] else f"its process {process.pid} is gone"
    if server and not _answers(server):
        return "the code server that was to start it is gone"
    age = (dt.datetime.now(dt.UTC) - updated_at.replace(tzinfo=updated_at.tzinfo or dt.UTC)).total_seconds()
    return "nobody is there to start it" if not server and age > _START_SECONDS else None


def _process_of(instance: dg.DagsterInstance, run_id: str) -> _Process | None:
    """The run's process, as it told itself when it began; None: it has not begun."""
    logs = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT, limit=20).records
    for log in logs:
        event = log.event_log_entry.dagster_event
        pid = event.engine_event_data.metadata.get("pid") if event else None
        if pid is not None:
            return _Process(int(str(pid.value)), log.event_log_entry.timestamp)
    return None


def _living(process: _Process, seen: str) -> str:
    """What tells that very process from all others with its number; empty: it is gone.

    Once it was ``seen`` it is known. Before that, one that started after the run told its pid is another: that is as
    good as the clock, which may be set meanwhile, and so it is asked only once.
    """
    if not Path("/proc/self/stat").exists():
        return "lives" if _has_pid(process.pid) else ""
    try:
        stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = stat.rpartition(")")[2].split()
    state, ticks = fields[0], int(fields[19])
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    found = f"{boot} {process.pid} {ticks}"
    same = seen == found if seen else _started_at(ticks) <= process.told_at + _SLACK_SECONDS
    return found if same and state not in "ZX" else ""


def _started_at(ticks: int) -> float:
    """The instant, by the clock, that is ``ticks`` of the kernel after the machine's start."""
    up = float(Path("/proc/uptime").read_text(encoding="ascii").split()[0])
    return time.time() - up + ticks / os.sysconf("SC_CLK_TCK")


def _has_pid(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _answers(server: dict[str, object]) -> bool:
    """Whether a code server listens where the run was sent to."""
    with suppress(OSError):
        if server.get("socket"):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(1)
                client.connect(str(server["socket"]))
        else:
            socket.create_connection((str(server["host"]), int(str(server["port"]))), timeout=1).close()
        return True
    return False
