"""A real web server of Dagster's, asked everything it tells."""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import FIRST_DAY, ROOT

METADATA = """metadataEntries { label description ... on TextMetadataEntry { text } ... on UrlMetadataEntry { url }
  ... on JsonMetadataEntry { jsonString } ... on MarkdownMetadataEntry { mdStr } ... on PathMetadataEntry { path }
  ... on TableMetadataEntry { table { records } } }"""
SELECTOR = {"repositoryLocationName": "pullpush_dagster", "repositoryName": "__repository__"}
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
STATUS = "query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"
RUNS = f"""{{ runsOrError(limit: 100) {{ ... on Runs {{ results {{ runId status runConfigYaml tags {{ key value }}
  eventConnection {{ events {{ __typename ... on MessageEvent {{ message }}
    ... on LogsCapturedEvent {{ fileKey stepKeys externalUrl }}
    ... on ErrorEvent {{ error {{ message stack errorChain {{ error {{ message stack }} }} }} }}
    ... on ExecutionStepFailureEvent {{ failureMetadata {{ description {METADATA} }} }}
    ... on MaterializationEvent {{ description {METADATA} }}
    ... on ExecutionStepOutputEvent {{ {METADATA} }}
    ... on AssetCheckEvaluationEvent {{ evaluation {{ checkName description {METADATA} }} }} }} }} }} }} }} }}"""
ASSETS = f"""{{ assetNodes {{ assetKey {{ path }} description {METADATA} kinds tags {{ key value }}
  assetMaterializations(limit: 20) {{ description {METADATA} }} }} }}"""
LOGS = "query($key: [String!]!) { capturedLogs(logKey: $key) { stdout stderr } }"
RESOURCES = """query($selector: RepositorySelector!) {
  allTopLevelResourceDetailsOrError(repositorySelector: $selector) { __typename ... on ResourceDetailsList { results {
    name description configuredValues { key value } configFields { name defaultValueAsJson } } } }
  utilizedEnvVarsOrError(repositorySelector: $selector) { __typename
    ... on EnvVarWithConsumersList { results { envVarName } } } }"""
CONFIG = """query($selector: PipelineSelector!) { runConfigSchemaOrError(selector: $selector) {
  __typename ... on RunConfigSchema { rootDefaultYaml } } }"""
WORKSPACE = """{ instance { info } workspaceOrError { ... on Workspace { locationEntries { name
  displayMetadata { key value } locationOrLoadError { ... on PythonError { message stack }
  ... on RepositoryLocation { repositories {
    displayMetadata { key value } sensors { name metadata { assetKeys { path } } } schedules { name cronSchedule }
  } } } } } } }"""


class Asked:
    """A running ``dagster-webserver``, asked as the UI asks."""

    def __init__(self, port):
        self.port = port

    def __call__(self, query, **variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/graphql", body, headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            told = json.load(answer)
        assert "errors" not in told, told["errors"]
        return told["data"]

    def launch(self, job):
        """Run ``job`` to its end, in a process of its own; its status."""
        day = {"start": FIRST_DAY, "end": time.strftime("%Y-%m-%d", time.gmtime())}
        tags = [{"key": f"dagster/asset_partition_range_{end}", "value": value} for end, value in day.items()]
        tags.append({"key": "pullpush/run", "value": "sync"})
        params = {"selector": {**SELECTOR, "jobName": job}, "executionMetadata": {"tags": tags}}
        launched = self(LAUNCH, params=params)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return _until(lambda: self._ended(launched["run"]["runId"]))

    def _ended(self, run):
        status = self(STATUS, id=run)["runOrError"]["status"]
        return status if status in ("SUCCESS", "FAILURE") else None

    def everything(self):
        """name -> what the server answers, for every query of the UI's that could show a secret."""
        runs = self(RUNS)["runsOrError"]["results"]
        captured = [
            self(LOGS, key=[run["runId"], "compute_logs", event["fileKey"]])
            for run in runs
            for event in run["eventConnection"]["events"]
            if event["__typename"] == "LogsCapturedEvent"
        ]
        config = self(CONFIG, selector={**SELECTOR, "pipelineName": "orders_to_erp"})
        found = {"runs": runs, "logs": captured, "config": config, "workspace": self(WORKSPACE), "assets": self(ASSETS)}
        found["resources"] = self(RESOURCES, selector=SELECTOR)
        # As text, not as JSON: what is escaped in JSON is not in a page.
        return {f"graphql {name}": f"{one!r} {json.dumps(one)}".encode() for name, one in found.items()}


def _until(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            found = condition()
            if found:
                return found
        time.sleep(0.5)
    raise AssertionError("it did not happen in time")


@pytest.fixture
def webserver():
    """Starts ``dagster-webserver`` over a project, with DAGSTER_HOME and its log in the given folder."""
    return _webserver


@contextlib.contextmanager
def _webserver(project, home):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {"DAGSTER_HOME": home, "PULLPUSH_PROJECT": project.root, "PULLPUSH_DATA": project.state}
    environment = {**os.environ, **{name: str(value) for name, value in own.items()}, "PYTHONWARNINGS": "ignore"}
    command = [str(Path(sys.executable).parent / "dagster-webserver"), "-w", str(ROOT / "workspace.yaml")]
    command += ["-h", "127.0.0.1", "-p", str(port)]
    with (
        (home / "webserver.log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as server,
    ):
        try:
            asked = Asked(port)
            _until(lambda: asked(ASSETS)["assetNodes"])
            yield asked
        finally:
            server.terminate()
            server.wait(timeout=30)
