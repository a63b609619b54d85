"""What tests share: whole syncs beside running stand-ins, and one tiny platform that answers as it is told."""

import asyncio
import datetime as dt
import gc
import os
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from pullpush_dagster.audit import Audit, audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.config import Connection, Project
from pullpush_dagster.connectors import Connector, load_connector
from pullpush_dagster.connectors.request import Request as Ask
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.push import Pusher, Totals
from pullpush_dagster.sandbox import Standin, running
from pullpush_dagster.store import Store
from pullpush_dagster.transport import Answer, Client
from tests.served import Served, served

ROOT = Path(__file__).parents[1]
# The shipped project's first day goes further back with each day, and a first run has work for each of them.
FIRST_DAY = str(
    dt.datetime.now(dt.UTC).date() - dt.timedelta(days=max(4, 1 + int(os.environ.get("PULLPUSH_DAYS", "0"))))
)
_MEMORY, _ROOM = Path("/dev/shm"), 4 << 30


def pytest_configure() -> None:
    """Folders of tests lie in memory where there is room and nobody has named a place: none outlives its session, and
    what a killed process leaves behind is the same there. On a disk Dagster waits seconds for each new run's files."""
    if "TMPDIR" not in os.environ and _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM:
        os.environ["TMPDIR"] = tempfile.tempdir = folder = tempfile.mkdtemp(prefix="pullpush-tests-", dir=_MEMORY)
        # Workers of xdist get the variable too. What killed processes left is gone with the rest.
        # After the last of multiprocessing's own, which has a folder there.
        Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=-200)
    # Thousands of tests are a large heap that never becomes garbage: to look through it took a tenth of the time.
    gc.set_threshold(100_000, 20, 100)


def pytest_collection_finish() -> None:
    """What there is by now stays to the end: the garbage collector need not look at it again."""
    gc.freeze()


# For tests that take many seconds and show in one more way what a shorter one, or the simulator, shows each time.
at_length = pytest.mark.skipif(
    not os.environ.get("PULLPUSH_FULL"), reason="takes long, and shows what a shorter one does; PULLPUSH_FULL=1 runs it"
)


def thinned(cases: Iterable[Any], usual: int) -> list[Any]:
    """So many of ``cases``, spread over them; all with PULLPUSH_FULL. The simulator meets each of them every time."""
    found = list(cases)
    return found if os.environ.get("PULLPUSH_FULL") else found[:: max(1, len(found) // usual)][:usual]


@dataclass
class World:
    """One project, its store, and the platforms it speaks to."""

    project: Project
    store: Store
    erp: Standin
    shop: Standin
    outlet: Standin | None = None

    def pull(self, id_: str, window: Window | None = None) -> Audit:
        """Ask, read and compare once; for every scope, the last one's audit."""
        pull = self.project.pull(id_)
        for scope in pull.scopes:
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

    def emptied(self, location: str) -> str:
        """The hash of what is held once the ERP has counted a whole location to zero by mistake."""
        self.pull("erp/stocklevel")
        known = "SELECT sku FROM baseline_stocklevel WHERE _scope = ? AND quantity > 0"
        for (sku,) in self.rows(known, location):
            self.erp.control("stock", sku=sku, warehouse=location, quantity=0)
        self.pull("erp/stocklevel")
        ((hash_,),) = self.rows("SELECT hash FROM audits WHERE state = 'held' AND scope = ?", location)
        return str(hash_)

    def over(self, state: Path) -> "World":
        """The same project and platforms over another store."""
        project = Project(self.project.root, state)
        return replace(self, project=project, store=Store.of(project.state))

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


def copy_assets(folder: Path) -> None:
    """The shipped assets, whose days begin on FIRST_DAY."""
    shutil.copytree(ROOT / "assets", folder / "assets", ignore=shutil.ignore_patterns("__pycache__"))
    for file in (folder / "assets").rglob("defs.yaml"):
        file.write_text(
            re.sub(r"start: [\d-]+", f"start: {FIRST_DAY}", file.read_text(encoding="utf-8")), encoding="utf-8"
        )


def make_project(folder: Path, platforms: Mapping[str, Standin]) -> Project:
    """A copy of the shipped project whose connections point at ``platforms``, with the secrets in the environment."""
    copy_assets(folder)
    shutil.copytree(ROOT / "resources", folder / "resources", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    _leave_out(folder, {path.stem for path in (folder / "resources").glob("*.yaml")} - platforms.keys())
    for name, platform in platforms.items():
        file = folder / "resources" / f"{name}.yaml"
        text = re.sub(r'base_url: "[^"]*"', f'base_url: "{platform.url}"', file.read_text(encoding="utf-8"))
        file.write_text(text, encoding="utf-8")
    os.environ["ERP_API_KEY"] = platforms["erp"].secrets["key"]
    for name in ("shop", "outlet"):
        secrets = platforms[name].secrets if name in platforms else {"key": "none", "secret": "none"}
        os.environ |= {f"{name.upper()}_KEY": secrets["key"], f"{name.upper()}_SECRET": secrets["secret"]}
    return Project(folder, folder / "data")


def _leave_out(folder: Path, missing: set[str]) -> None:
    """Take away the connections that have no platform here, with their pulls and pushes."""
    for name in missing:
        (folder / "resources" / f"{name}.yaml").unlink()
    names = "|".join(missing)
    for file in (folder / "assets").rglob("defs.yaml") if missing else ():
        parts = file.read_text(encoding="utf-8").split("---\n")
        kept = [part for part in parts if not re.search(rf"^  (connection|to): ({names})\n", part, re.MULTILINE)]
        file.write_text(re.sub(rf",? *({names})/\w+", "", "---\n".join(kept)), encoding="utf-8")


@pytest.fixture(scope="session", autouse=True)
def _one_thread_each() -> Iterator[None]:
    """Beside other processes of tests, which keep all cores busy, DuckDB has one: an eighth less of the processor."""
    connect = duckdb.connect

    def connected(*given: Any, **more: Any) -> duckdb.DuckDBPyConnection:
        con = connect(*given, **more)
        con.execute("SET threads = 1")
        return con

    with pytest.MonkeyPatch.context() as patch:
        if "PYTEST_XDIST_WORKER" in os.environ:
            patch.setattr(duckdb, "connect", connected)
        yield


@pytest.fixture(scope="session")
def standins() -> Iterator[Mapping[str, Standin]]:
    """Stand-ins for every test of this process: to start them anew each time takes longer than most tests."""
    with running({"erp": "odoo", "shop": "woocommerce", "outlet": "woocommerce"}, skus=60, seed=7) as started:
        yield started


@pytest.fixture
def world(tmp_path: Path, standins: Mapping[str, Standin], request: pytest.FixtureRequest) -> World:
    """A fresh small world: 60 SKUs unless the test asks for another number with ``@pytest.mark.skus(N)``."""
    mark = request.node.get_closest_marker("skus")
    return fresh_world(tmp_path, {name: standins[name] for name in ("erp", "shop")}, mark.args[0] if mark else 60)


@pytest.fixture
def trade(tmp_path: Path, standins: Mapping[str, Standin]) -> World:
    """The whole project: an ERP, and two shops that sell what it has."""
    return fresh_world(tmp_path, standins)


def fresh_world(folder: Path, platforms: Mapping[str, Standin], skus: int = 60) -> World:
    """A project in ``folder`` beside ``platforms``, which begin again."""
    for platform in platforms.values():
        platform.reset(skus=skus)
    project = make_project(folder, platforms)
    return World(project, Store.of(project.state), platforms["erp"], platforms["shop"], platforms.get("outlet"))


@pytest.fixture
def serve() -> Callable[..., AbstractContextManager[Served]]:
    """Starts another tiny server, such as one that speaks TLS."""
    return served


@pytest.fixture(scope="session")
def server() -> Iterator[Served]:
    with served() as running_server:
        yield running_server


@pytest.fixture
def platform(server: Served) -> Served:
    """The tiny server, with nothing asked yet and empty lists for answers."""
    server.begin()
    return server


TINY = {
    "connector": "tiny",
    "title": "Tiny",
    "docs": "a platform that only tests know",
    "base_url": "{settings.base_url}",
    "settings": ["base_url"],
    "secrets": ["key"],
    "auth": {"type": "bearer", "token": "{secret.key}"},
    "errors": {"code": "body.code", "message": "body.message", "permanent": ["broken_for_good"]},
    "entities": {
        "product": {
            "pull": {
                "get": "/items",
                "query": {"after": "{after}", "size": "{size}", "since": "{since}", "until": "{until}"},
                "pages": {"style": "keyset", "after": "item.id", "size": 2},
                "since": {"format": "%Y-%m-%dT%H:%M:%S", "operator": "from"},
                "walks": {"all": {"stamp": "item.changed"}},
            },
            "canonical_map": {"sku": "item.sku", "title": "item.title", "updatedAt": "item.changed"},
            "binding": {"id": "item.id"},
        }
    },
}


@dataclass
class Tiny:
    """A project with one connection, ``tiny``, at a given address. Its secret is in TINY_KEY."""

    root: Path
    url: str

    def connector(self, pull: Mapping[str, object] | None = None, **parts: object) -> Connector:
        """The connector, with ``parts`` of its file and of its product pull replaced."""
        entity = {**TINY["entities"]["product"]}
        entity["pull"] = {**entity["pull"], **(pull or {})}
        facts = {**TINY, "entities": {"product": entity}, **parts}
        folder = self.root / "resources" / "connectors"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "tiny.yaml").write_text(yaml.safe_dump(facts, sort_keys=False), encoding="utf-8")
        return load_connector("tiny", folder)

    def connection(self) -> Connection:
        return Connection(
            connection="tiny", connector="tiny", settings={"base_url": self.url}, secrets={"key": "TINY_KEY"}
        )

    def project(self, **parts: object) -> Project:
        """The folder as a project that pulls tiny's products."""
        self.connector(**parts)
        (self.root / "resources" / "tiny.yaml").write_text(yaml.safe_dump(self.connection().model_dump()))
        (self.root / "assets").mkdir(exist_ok=True)
        pull = {"type": "pullpush_dagster.Pull", "attributes": {"connection": "tiny", "entity": "product"}}
        (self.root / "assets" / "defs.yaml").write_text(yaml.safe_dump(pull))
        return Project(self.root, self.root / "data")

    def client(self, connector: Connector | None = None, **options: Any) -> Client:
        return Client(self.connection(), connector or self.connector(), **{"pause": 0.001, **options})

    def send(self, request: Ask, connector: Connector | None = None, body: object = None, **values: object) -> Answer:
        """One request, sent once."""
        return asyncio.run(self._with(self.client(connector), lambda c: c.send(request, values, body)))

    def ask(self, request: Ask, connector: Connector | None = None, **values: object) -> Answer:
        """One request, asked again while that may help."""
        return asyncio.run(self._with(self.client(connector), lambda c: c.ask(request, values)))

    async def _with(self, client: Client, use: Callable[[Client], Awaitable[Answer]]) -> Answer:
        async with client:
            return await use(client)


@pytest.fixture
def tiny(tmp_path: Path, platform: Served, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """A project that speaks to the tiny server."""
    monkeypatch.setenv("TINY_KEY", "tiny-secret-value")
    return Tiny(tmp_path, platform.url)
