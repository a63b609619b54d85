"""Definitions of a project of the test's own, and an instance to run them on."""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from pullpush_dagster.config import Project
from pullpush_dagster.demo.comparing import items_of_shop
from pullpush_dagster.orchestration.loading import project_definitions
from pullpush_dagster.sandbox import Standin, running
from pullpush_dagster.store import Store
from tests.conftest import make_project
from tests.orchestration.dagster_dev import DagsterDev, dagster_dev

# The design uses these on purpose; everything else that warns fails a test.
_PREVIEW = (dg.BetaWarning, dg.PreviewWarning, dg.SupersessionWarning)


@pytest.fixture(autouse=True)
def _preview_parts_of_dagster() -> Iterator[None]:
    with warnings.catch_warnings():
        for category in _PREVIEW:
            warnings.simplefilter("ignore", category)
        yield


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


@pytest.fixture
def gone():
    """The id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.fixture(scope="session")
def shipped() -> dg.Definitions:
    """The shipped project as Dagster sees it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return project_definitions(Project.find())


@pytest.fixture
def definitions(world, monkeypatch) -> dg.Definitions:
    """The world's project as Dagster sees it."""
    monkeypatch.syspath_prepend(str(world.project.root))
    monkeypatch.setenv("PULLPUSH_DATA", str(world.project.state))
    return project_definitions(world.project)


PLATFORMS = {"erp": "odoo", "shop": "woocommerce", "outlet": "woocommerce"}
_OWN_ASSET = """import dagster as dg


@dg.asset(deps=[dg.AssetKey(["shop", "order", "canonical"])])
def best_sellers() -> None: ...
"""


@dataclass
class Living:
    """The whole project under a running ``dagster dev``, started in a folder that is ``elsewhere``."""

    project: Project
    platforms: Mapping[str, Standin]
    dev: DagsterDev
    elsewhere: Path
    before: Mapping[str, dict[str, dict[str, object]]]
    files = ("assets", "resources", "pyproject.toml", "data")

    @property
    def erp(self) -> Standin:
        return self.platforms["erp"]

    @property
    def shop(self) -> Standin:
        return self.platforms["shop"]

    @property
    def secrets(self) -> list[str]:
        return [secret for platform in self.platforms.values() for secret in platform.secrets.values()]

    def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """What the store answers."""
        with Store.of(self.project.state).session() as con:
            return con.execute(sql, list(values)).fetchall()

    def rejected(self) -> set[str]:
        """References of orders that cannot be told for sure, so that they are not sent."""
        keys = self.rows("SELECT key, source FROM outbox WHERE push = 'orders_to_erp'")
        return {f"{source.partition('/')[0]}:{json.loads(key)['orderId'].rpartition(':')[2]}" for key, source in keys}


@pytest.fixture(scope="session")
def living(tmp_path_factory) -> Iterator[Living]:
    """One for all tests that only look at it, or leave it as they found it; its first syncs have run."""
    folder = tmp_path_factory.mktemp("living")
    variables = dict(os.environ)
    with running(PLATFORMS, skus=60, seed=7) as platforms:
        try:
            project = make_project(folder / "project", platforms)
            (project.root / "assets" / "best_sellers.py").write_text(_OWN_ASSET)
            platforms["shop"].control("orders", n=6, days=4)
            elsewhere = tmp_path_factory.mktemp("elsewhere")
            before = {name: items_of_shop(project, name) for name in ("shop", "outlet")}
            with dagster_dev(project, folder / "home", elsewhere) as dev:
                dev.first_round()
                dev.idle()
                yield Living(project, platforms, dev, elsewhere, before)
        finally:
            os.environ.clear()
            os.environ.update(variables)
