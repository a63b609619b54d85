"""A running ``dagster dev`` over a project of one sync between stand-ins, launched from and asked over GraphQL."""

import json
import os
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from pullpush_dagster.config import Project
from pullpush_dagster.dev.firsts import first_syncs
from pullpush_dagster.dev.processes import PACKAGED, dagster_dev, fresh, log_of
from pullpush_dagster.dev.standins import set_secrets
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.sandbox import Standin, running
from pullpush_dagster.store import Store

SYNC, PULL = "products_to_shop", "erp/product"
STAGES = [["erp", "product", stage] for stage in ("pulled", "canonical", "changes")]
# No schedule: a run that nobody here launched would be measured too.
_DECLARED = f"""type: pullpush_dagster.Pull
attributes: {{connection: erp, entity: product}}
---
type: pullpush_dagster.Push
attributes: {{name: {SYNC}, from: {PULL}, to: shop, mode: live}}
"""
_CONNECTIONS = {
    "erp": "connector: odoo\nsettings: {{base_url: '{url}', guest_partner: '4'}}\nsecrets: {{api_key: ERP_API_KEY}}\n",
    "shop": "connector: woocommerce\nsettings: {{base_url: '{url}'}}\n"
    "secrets: {{key: SHOP_KEY, secret: SHOP_SECRET}}\n",
}
_SELECTOR = {"repositoryLocationName": "pullpush_dagster", "repositoryName": "__repository__"}
_LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
_RUNS = """query($filter: RunsFilter) { runsOrError(filter: $filter, limit: 10) { ... on Runs { results {
  runId jobName status creationTime startTime stepStats { stepKey startTime } } } } }"""
_Found = TypeVar("_Found")
_ENDED = ("SUCCESS", "FAILURE", "CANCELED")


@dataclass(frozen=True)
class Living:
    """What runs: the project, its ERP, and ``dagster dev`` at an address."""

    project: Project
    erp: Standin
    address: str

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What the store answers, held for that moment only: the runs need it."""
        with Store.of(self.project.state).session() as con:
            return con.execute(sql, list(values)).fetchall()

    def launch(self, stages: Sequence[Sequence[str]] = ()) -> str:
        """The id of a new run of the sync, or only of these assets of it."""
        chosen = {"assetSelection": [{"path": path} for path in stages]} if stages else {}
        params = {
            "selector": {**_SELECTOR, "jobName": SYNC, **chosen},
            "executionMetadata": {"tags": [{"key": "pullpush/run", "value": "sync"}]},
        }
        launched = self._ask(_LAUNCH, params=params)["launchRun"]
        if launched["__typename"] != "LaunchRunSuccess":
            raise click.ClickException(f"dagster did not launch it: {launched}")
        return str(launched["run"]["runId"])

    def ended(self, run: str) -> dict[str, Any]:
        """A run, once it has succeeded."""
        found: dict[str, Any] = until(
            lambda: next((one for one in self.runs(runIds=[run]) if one["status"] in _ENDED), None)
        )
        if found["status"] != "SUCCESS":
            raise click.ClickException(f"run {run} of {found['jobName']}: {found['status']}")
        return found

    def idle(self) -> None:
        """Return once nothing is queued or runs."""
        until(lambda: all(one["status"] in _ENDED for one in self.runs()))

    def runs(self, **filters: object) -> list[dict[str, Any]]:
        """The newest runs that fit, newest first, at most ten."""
        found: list[dict[str, Any]] = self._ask(_RUNS, filter=filters)["runsOrError"]["results"]
        return found

    def _ask(self, query: str, **variables: object) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.address}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            data: dict[str, Any] = json.load(answer)["data"]
        return data


@contextmanager
def living(folder: Path, skus: int) -> Iterator[Living]:
    """Stand-ins, and ``dagster dev`` over them whose first sync is through, with all its files in ``folder``."""
    before = dict(os.environ)
    try:
        with running({"erp": "odoo", "shop": "woocommerce"}, skus=skus, seed=7) as platforms:
            project = _project(folder / "project", {name: one.url for name, one in platforms.items()})
            set_secrets(project, platforms)
            os.environ |= {"PULLPUSH_PROJECT": str(project.root), "PULLPUSH_DATA": str(project.state)}
            home, port = folder / "home", _free_port()
            fresh(project.state, home, PACKAGED / "dagster.yaml")
            with dagster_dev(home, port, PACKAGED / "workspace.yaml"):
                found = Living(project, platforms["erp"], f"http://127.0.0.1:{port}")
                _begun(found, home)
                yield found
    finally:
        os.environ.clear()
        os.environ.update(before)


def until(condition: Callable[[], _Found], seconds: float = 180, pause: float = 0.5) -> _Found:
    """The first true answer of ``condition``; a server or a store that is not there yet is asked again."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError, PullPushError):
            if found := condition():
                return found
        time.sleep(pause)
    raise click.ClickException(f"what was waited for did not happen in {seconds:.0f} s")


def _begun(found: Living, home: Path) -> None:
    try:
        until(lambda: found.runs() and all(one.done for one in first_syncs(found.project)))
        found.idle()
    except click.ClickException:
        click.echo(log_of(home).read_text(encoding="utf-8", errors="replace")[-3000:], err=True)
        raise


def _project(root: Path, urls: dict[str, str]) -> Project:
    for part in ("resources", "assets/products"):
        (root / part).mkdir(parents=True)
    for name, url in urls.items():
        text = f"connection: {name}\n" + _CONNECTIONS[name].format(url=url)
        (root / "resources" / f"{name}.yaml").write_text(text, encoding="utf-8")
    (root / "assets" / "products" / "defs.yaml").write_text(_DECLARED, encoding="utf-8")
    (root / "pyproject.toml").write_bytes((PACKAGED / "pyproject.toml").read_bytes())
    return Project(root, root.parent / "data")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
