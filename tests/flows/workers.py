"""Run workers that are there at once: a process that has loaded Dagster and a project forks one for each run.

A worker does what the process does that Dagster's code server starts for a run: it tells its pid, then goes through
``core_execute_run``, with an instance, files and sockets that it opens itself. What it has from before the fork are
imports and definitions, which hold none of these; to make them takes longer than most runs, and nothing of a run
can be lost meanwhile.
"""

import gc
import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.definitions.repository_definition import RepositoryDefinition
from dagster._core.events import EngineEventData
from dagster._grpc.impl import core_execute_run

from pullpush_dagster.config import Project
from pullpush_dagster.orchestration.dead import fail_dead_runs
from pullpush_dagster.orchestration.keys import stage_key
from pullpush_dagster.orchestration.schedules import sync_tags

ROOT = Path(__file__).parents[2]
_IMPORTED = (
    "dagster._core.executor.in_process",
    "dagster._core.instance.factory",
    "dagster._core.instance.runs.run_domain",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.storage.migration.utils",
    "dagster._core.storage.root",
    "pandera.backends.pandas.register",
    "pandera.strategies.pandas_strategies",
    "pullpush_dagster.canonical.checking",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "upath.implementations.local",
)
KILLED = -signal.SIGKILL


@dataclass
class Workers:
    """Starts workers over one project; ``log`` has what they say."""

    home: Path
    log: Path
    process: "subprocess.Popen[str]"

    def start(self, job: str, partition: str = "") -> int:
        """The pid of a worker that runs ``job`` as its schedule does, or up to the push for one ``partition``."""
        return self._ask({"job": job, "partition": partition})

    def wait(self, pid: int) -> int:
        """How a worker ended: 0 its run succeeded, 1 it failed, negative a signal."""
        return self._ask({"wait": pid})

    def run(self, job: str) -> int:
        """The same of a worker that nothing disturbs."""
        return self.wait(self.start(job))

    def _ask(self, told: dict[str, Any]) -> int:
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps(told), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        assert answer, self.log.read_text()[-3000:]
        return int(answer)


@contextmanager
def workers_of(project: Project, folder: Path) -> Iterator[Workers]:
    """Workers whose Dagster keeps its state in ``folder``; none of them is left at the end."""
    home, log = folder / "home", folder / "workers.log"
    home.mkdir()
    shutil.copy(ROOT / "dagster.yaml", home)
    # Dagster makes its files when they are first used, and two processes that do so at once spoil it for each other.
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert instance.get_runs_count() == 0
        instance.event_log_storage.get_concurrency_keys()
    own = {"DAGSTER_HOME": home, "PULLPUSH_PROJECT": project.root, "PULLPUSH_DATA": project.state, "PYTHONPATH": ROOT}
    with (
        log.open("w") as said,
        subprocess.Popen(
            [sys.executable, "-W", "ignore", __file__],
            env={**os.environ, **{name: str(value) for name, value in own.items()}},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said, text=True, start_new_session=True,
        ) as process,
    ):  # fmt: skip
        try:
            yield Workers(home, log, process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)


class _Once(ReconstructableRepository):
    """The definitions, loaded once for all jobs: Dagster keeps those of one job, and loads them anew for the next."""

    def get_definition(self) -> RepositoryDefinition:
        return _loaded(self)


@cache
def _loaded(repository: ReconstructableRepository) -> RepositoryDefinition:
    return ReconstructableRepository.get_definition(repository)


def _serve() -> None:
    """Start workers, and wait for them, as standard input says."""
    repository, project = _Once.for_module("pullpush_dagster.definitions", "defs"), Project.find()
    jobs = {}
    for push in project.pushes.values():
        pulls = [project.pull(id_) for id_ in push.from_]
        stages = {stage_key(pull, stage) for pull in pulls for stage in ("pulled", "canonical", "changes")}
        job = repository.get_reconstructable_job(push.name)
        jobs[push.name, False], jobs[push.name, True] = job, job.get_subset(asset_selection=stages)
    for job in jobs.values():
        job.get_definition()
    # What runs import when they first need it is a quarter of what they cost.
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        told = json.loads(line)
        if "wait" in told:
            _, status = os.waitpid(told["wait"], 0)
            print(os.waitstatus_to_exitcode(status), flush=True)
        else:
            print(_forked(jobs[told["job"], bool(told["partition"])], told["partition"]), flush=True)


def _forked(job: ReconstructableJob, partition: str) -> int:
    """The pid of a new worker. A thread would not be there in it, and what it had locked would stay so."""
    assert threading.active_count() == 1
    if pid := os.fork():
        return pid
    succeeded = False
    try:
        with Path(os.devnull).open("r+") as nothing:
            os.dup2(nothing.fileno(), 0)
            os.dup2(nothing.fileno(), 1)
        succeeded = _work(job, partition)
    except Exception:  # noqa: BLE001 - nobody above may go on in this process
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(not succeeded)


def _work(job: ReconstructableJob, partition: str) -> bool:
    """Whether a run of ``job`` succeeded. First those of dead workers are ended, as the sensor ``due`` does."""
    project = Project.find()
    pulls = [project.pull(id_) for id_ in project.push(job.job_name).from_]
    with dg.DagsterInstance.get() as instance:
        fail_dead_runs(instance)
        tags = {"dagster/partition": partition} if partition else sync_tags(project, pulls)
        run = instance.create_run_for_job(job.get_definition(), tags=tags, asset_selection=job.asset_selection)
        instance.report_engine_event("Started process for run", run, EngineEventData.in_process(os.getpid()))
        for _ in core_execute_run(job, run, instance, inject_env_vars=False):
            pass
        ended = instance.get_run_by_id(run.run_id)
        return ended is not None and ended.is_success


if __name__ == "__main__":
    _serve()
