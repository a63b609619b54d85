"""The real thing: ``dagster dev``, its daemon and its web server, asked over GraphQL as the UI asks."""

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
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
ASSETS = "{ assetNodes { assetKey { path } isPartitioned dependencyKeys { path } } }"


def _ask(port, query, **variables):
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.load(answer)["data"]


def _until(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            found = condition()
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            found = None
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def elsewhere(tmp_path_factory):
    """The folder `dagster dev` is started in, which is not the project's."""
    return tmp_path_factory.mktemp("elsewhere")


@pytest.fixture
def dev(world, tmp_path, elsewhere):
    """The port of a running ``dagster dev`` over the world's project."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(ROOT / "dagster.yaml", home)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"DAGSTER_HOME": home, "PULLPUSH_PROJECT": world.project.root, "PULLPUSH_DATA": world.project.state}
    environment = {**os.environ, **{name: str(value) for name, value in own.items()}}
    command = [Path(sys.executable).parent / "dagster", "dev", "-w", ROOT / "workspace.yaml", "-h", "127.0.0.1", "-p"]
    with (
        (tmp_path / "dev.log").open("wb") as log,
        subprocess.Popen(
            [*map(str, command), str(port)], cwd=elsewhere, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        ) as process,
    ):  # fmt: skip
        try:
            _until(lambda: _ask(port, ASSETS)["assetNodes"])
            yield port
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


@pytest.mark.timeout(240)
def test_the_web_ui_shows_the_lineage_and_runs_a_sync(world, dev, elsewhere):
    # then: the lineage is there
    nodes = {"/".join(node["assetKey"]["path"]): node for node in _ask(dev, ASSETS)["assetNodes"]}
    assert nodes["shop/product/products_to_shop"]["dependencyKeys"] == [{"path": ["erp", "product", "changes"]}]
    assert nodes["erp/stocklevel/changes"]["isPartitioned"]

    # when: a sync is launched as from the launchpad
    selector = {"repositoryLocationName": "pullpush_dagster", "repositoryName": "__repository__"}
    tags = [
        {"key": "dagster/asset_partition_range_start", "value": "2026-11-01"},
        {"key": "dagster/asset_partition_range_end", "value": "2026-11-02"},
        {"key": "pullpush/run", "value": "sync"},
    ]
    params = {"selector": {**selector, "jobName": "products_to_shop"}, "executionMetadata": {"tags": tags}}
    launched = _ask(dev, LAUNCH, params=params)["launchRun"]
    assert launched["__typename"] == "LaunchRunSuccess", launched
    run = launched["run"]["runId"]
    _until(lambda: _ask(dev, STATUS, id=run)["runOrError"]["status"] in ("SUCCESS", "FAILURE"))

    # then: it has run, and nothing was written where dagster was started
    assert _ask(dev, STATUS, id=run)["runOrError"]["status"] == "SUCCESS"
    assert world.item("SKU-00002")["name"]
    assert list(elsewhere.iterdir()) == []
