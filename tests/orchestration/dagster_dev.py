"""A real ``dagster dev`` over a project, asked over GraphQL as the web UI asks."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pullpush_dagster.config import Project
from pullpush_dagster.dev.firsts import first_syncs
from pullpush_dagster.errors import PullPushError
from tests.conftest import ROOT

_BIN = Path(sys.executable).parent
_SELECTOR = {"repositoryLocationName": "pullpush_dagster", "repositoryName": "__repository__"}
_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_BACKFILL = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
  __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
_RUNS = """query($filter: RunsFilter) { runsOrError(filter: $filter, limit: 200) { ... on Runs { results {
  runId jobName status tags { key value } } } } }"""
ENDED = ("SUCCESS", "FAILURE", "CANCELED")


def until(condition: Callable[[], Any], seconds: float = 90) -> Any:
    """The first true answer of ``condition``; errors of a server that is not there yet count as none."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            found = condition()
        except (urllib.error.URLError, ConnectionError, TimeoutError, KeyError, json.JSONDecodeError):
            found = None
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError(f"it did not happen in {seconds:.0f} s")


@dataclass
class DagsterDev:
    """One running ``dagster dev``."""

    port: int
    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    project: Project
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, query: str, **variables: object) -> dict[str, Any]:
        """What GraphQL answers."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)["data"]

    def launch(self, job: str, tags: dict[str, str] | None = None) -> str:
        """The id of a run launched as from the launchpad."""
        told = [{"key": key, "value": value} for key, value in (tags or {}).items()]
        params = {"selector": {**_SELECTOR, "jobName": job}, "executionMetadata": {"tags": told}}
        launched = self.ask(_LAUNCH, params=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return launched["run"]["runId"]

    def backfill(self, **params: object) -> str:
        """The id of a backfill launched as from the web UI. ``job``: of a job; else ``assetSelection`` is given."""
        if job := params.pop("job", None):
            params["selector"] = {"partitionSetName": f"{job}_partition_set", "repositorySelector": _SELECTOR}
        launched = self.ask(_BACKFILL, params=params)["launchPartitionBackfill"]
        assert launched["__typename"] == "LaunchBackfillSuccess", launched
        return launched["backfillId"]

    def runs(self, **filters: object) -> list[dict[str, Any]]:
        """The newest runs that fit, newest first."""
        return self.ask(_RUNS, filter=filters)["runsOrError"]["results"]

    def ended(self, *runs: str, seconds: float = 90) -> dict[str, str]:
        """Status by run id, once all of them have ended."""

        def look() -> dict[str, str] | None:
            found = {run["runId"]: run["status"] for run in self.runs(runIds=list(runs))}
            return found if found and all(status in ENDED for status in found.values()) else None

        return until(look, seconds)

    def backfilled(self, backfill: str, seconds: float = 120) -> list[str]:
        """Status of every run of a backfill of the web UI, once the daemon has ended it."""
        query = """query($id: String!) { partitionBackfillOrError(backfillId: $id) {
          ... on PartitionBackfill { status } } }"""

        def look() -> bool:
            status = self.ask(query, id=backfill)["partitionBackfillOrError"]["status"]
            assert not status.startswith("FAIL"), status
            return status.startswith("COMPLETED")

        until(look, seconds)
        return [run["status"] for run in self._of_backfill(backfill)]

    def backfill_runs(self, backfill: str, count: int, seconds: float = 120) -> list[str]:
        """Status of the ``count`` runs of a backfill, once all of them have ended."""
        until(lambda: sum(run["status"] in ENDED for run in self._of_backfill(backfill)) >= count, seconds)
        return [run["status"] for run in self._of_backfill(backfill)]

    def _of_backfill(self, backfill: str) -> list[dict[str, Any]]:
        return self.runs(tags=[{"key": "dagster/backfill", "value": backfill}])

    def idle(self, seconds: float = 90) -> None:
        """Wait until nothing is queued or runs."""
        until(lambda: not [run for run in self.runs() if run["status"] not in ENDED], seconds)

    def first_round(self, seconds: float = 120) -> None:
        """Wait until every sync has completed once, by itself."""

        def look() -> bool:
            try:
                return all(one.done for one in first_syncs(self.project))
            except PullPushError:
                return False

        until(look, seconds)

    def taken_slots(self) -> int:
        """How many pool slots are held or waited for."""
        query = "{ instance { concurrencyLimits { claimedSlots { runId } pendingStepCount } } }"
        limits = self.ask(query)["instance"]["concurrencyLimits"]
        return sum(len(one["claimedSlots"]) + one["pendingStepCount"] for one in limits)

    def cli(self, *arguments: str, cwd: Path | None = None) -> str:
        """What a command of the environment prints; it must succeed."""
        command = [str(_BIN / arguments[0]), *arguments[1:]]
        ran = subprocess.run(command, env=self.environment, cwd=cwd, capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-3000:]
        return ran.stdout + ran.stderr


@contextmanager
def dagster_dev(project: Project, home: Path, cwd: Path, **environment: str) -> Iterator[DagsterDev]:
    """A running one, started in ``cwd``; all its processes are gone at the end."""
    home.mkdir(exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", home)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"DAGSTER_HOME": home, "PULLPUSH_PROJECT": project.root, "PULLPUSH_DATA": project.state}
    full = {
        **os.environ,
        **{name: str(value) for name, value in own.items()},
        **environment,
        "PYTHONWARNINGS": "ignore",
    }
    command = [str(_BIN / "dagster"), "dev", "-w", str(ROOT / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)]
    log_file = home.parent / "dagster-dev.log"
    with (
        log_file.open("ab") as log,
        subprocess.Popen(command, cwd=cwd, env=full, stdout=log, stderr=log, start_new_session=True) as process,
    ):
        try:
            dev = DagsterDev(port, process, full, project, log_file)
            until(lambda: dev.ask("{ assetNodes { assetKey { path } } }")["assetNodes"])
            yield dev
        finally:
            # At once: how it ends when it is asked to is what tests of `make dev` look at.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
