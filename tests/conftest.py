"""Shared by tests that run whole syncs: a project of its own beside running stand-ins."""

import asyncio
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from pullpush_dagster.audit import Audit, audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.config import Project, Pull
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.push import Pusher, Totals
from pullpush_dagster.sandbox import Standin, running
from pullpush_dagster.store import Store

ROOT = Path(__file__).parents[1]


@dataclass
class World:
    """One project, its store, and the platforms it speaks to."""

    project: Project
    store: Store
    erp: Standin
    shop: Standin

    def pull(self, id_: str, window: Window | None = None) -> Audit:
        """Ask, read and compare once; for every scope, the last one's audit."""
        pull = self.project.pull(id_)
        for scope in _scopes(pull):
            asked = window or (Window("full", scope) if scope else Window("sync"))
            asyncio.run(pull_records(self.project, self.store, pull, asked, _silent))
            read_pulls(self.project, self.store, pull, scope)
            with self.store.session() as con:
                found = audit(con, ENTITIES[pull.entity], pull.connection, pull.name, scope, pull.guard.own())
        return found

    def push(self, name: str, patience: float = 1.0) -> Totals:
        """Read the change log and send what is due."""
        pusher = Pusher(self.project, self.project.push(name), self.store, patience=patience)
        pusher.arrive()
        return asyncio.run(pusher.send(_silent))

    def sync(self, name: str, patience: float = 1.0) -> Totals:
        """Every pull of a sync, then its push."""
        for id_ in self.project.push(name).from_:
            self.pull(id_)
        return self.push(name, patience)

    def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """What the store answers."""
        with self.store.session() as con:
            return con.execute(sql, list(values)).fetchall()

    def item(self, sku: str) -> Mapping[str, object]:
        """The shop's item as the stand-in holds it."""
        found = [item for item in self.items() if item["sku"] == sku]
        assert len(found) == 1, f"{len(found)} items have {sku}"
        return found[0]

    def items(self) -> list[dict[str, object]]:
        """Everything the shop holds."""
        return self.shop.state()["products"]


def _silent(_: str) -> None:
    return


def _scopes(pull: Pull) -> list[str]:
    return pull.partitions.values if pull.partitions and not pull.partitions.is_days else [""]


def make_project(folder: Path, platforms: Mapping[str, Standin]) -> Project:
    """A copy of the shipped project whose connections point at ``platforms``, with the secrets in the environment."""
    for part in ("assets", "resources"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, platform in platforms.items():
        file = folder / "resources" / f"{name}.yaml"
        text = re.sub(r'base_url: "[^"]*"', f'base_url: "{platform.url}"', file.read_text(encoding="utf-8"))
        file.write_text(text, encoding="utf-8")
    os.environ["ERP_API_KEY"] = platforms["erp"].secrets["key"]
    os.environ["SHOP_KEY"] = platforms["shop"].secrets["key"]
    os.environ["SHOP_SECRET"] = platforms["shop"].secrets["secret"]
    return Project(folder, folder / "data")


@pytest.fixture
def world(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A fresh small world: 60 SKUs unless the test asks for another number with ``@pytest.mark.skus(N)``."""
    mark = request.node.get_closest_marker("skus")
    skus = mark.args[0] if mark else 60
    with running({"erp": "odoo", "shop": "woocommerce"}, skus=skus, seed=7) as platforms:
        project = make_project(tmp_path, platforms)
        yield World(project, Store.of(project.state), platforms["erp"], platforms["shop"])
