"""examples/stockroom, run against a Stockroom of fifty lines, as a source and as a destination."""

import json
import shutil
from dataclasses import dataclass, field

import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.config import Project
from pullpush_dagster.store import Store
from tests.conftest import ROOT, World

EXAMPLE = ROOT / "examples" / "stockroom"


@dataclass
class Stockroom:
    """The made-up warehouse: levels of one site, and a bulk update that answers level by level."""

    levels: list[dict] = field(default_factory=list)

    def put(self, article, free, *, counted=True, changed_at="2026-10-01T08:00:00Z"):
        """Open a level; its id is its place."""
        row = {"id": len(self.levels) + 1, "site": "MAIN", "article": article, "free": free, "counted": counted}
        self.levels.append({**row, "changed_at": changed_at})

    def free(self, article):
        (level,) = [level for level in self.levels if level["article"] == article]
        return level["free"]

    def __call__(self, request):
        if request.headers.get("x-api-key") != "depot-secret":
            return JSONResponse({"error": {"code": "no_key", "text": "who are you?"}}, 401)
        if (request.method, request.path) == ("GET", "/v1/levels"):
            return JSONResponse({"levels": self._listed(request.query)})
        if (request.method, request.path) == ("POST", "/v1/levels/bulk"):
            return JSONResponse({"levels": [self._changed(one) for one in json.loads(request.body)["levels"]]})
        return JSONResponse({"error": {"code": "no_such_path", "text": request.path}}, 404)

    def _listed(self, query):
        articles = query["articles"].split(",") if "articles" in query else None
        found = [
            level
            for level in self.levels
            if level["site"] == query["site"]
            and level["id"] > int(query.get("after", 0))
            and level["changed_at"] >= query.get("changed_from", "")
            and (articles is None or level["article"] in articles)
        ]
        return found[: int(query.get("limit", 1000))]

    def _changed(self, order):
        for level in self.levels:
            if level["id"] == order["id"]:
                level["free"] = order["free"]
                return {"id": level["id"], "free": level["free"]}
        return {"id": order["id"], "error": {"code": "no_such_level", "text": "no such level"}}


@pytest.fixture
def stockroom(platform):
    """A running Stockroom."""
    room = Stockroom()
    platform.route(room)
    return room


def _with_example(world, url):
    """``world``, with the example's files in its project and the depot at ``url``."""
    for part in ("assets", "resources"):
        shutil.copytree(EXAMPLE / part, world.project.root / part, dirs_exist_ok=True)
    sync = world.project.root / "assets" / "depot" / "defs.yaml"
    sync.write_text(sync.read_text().replace("mode: shadow", "mode: live"))
    file = world.project.root / "resources" / "depot.yaml"
    file.write_text(file.read_text().replace("https://stockroom.example", url))
    world.project = Project(world.project.root, world.project.state)
    return world


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("DEPOT_API_KEY", "depot-secret")


@pytest.fixture
def depot(world, platform, stockroom):
    """The world with a depot in it."""
    return _with_example(world, platform.url)


@pytest.fixture
def depot_alone(tmp_path, platform, stockroom):
    """A project whose ERP and shop do not run."""
    shutil.copytree(ROOT / "resources", tmp_path / "resources")
    project = Project(tmp_path, tmp_path / "data")
    return _with_example(World(project, Store.of(project.state), None, None), platform.url)


def test_the_files_of_the_example_fit_a_project(depot_alone):
    assert depot_alone.project.problems() == []


def test_stock_of_the_depot_reaches_the_shop(depot, stockroom):
    stockroom.put("A-1", 7)
    stockroom.put("A-2", 0, counted=False)
    for sku in ("A-1", "A-2"):
        depot.shop.control("product", create={"sku": sku, "name": sku, "manage_stock": True, "stock_quantity": 3})
    depot.sync("depot_to_shop")
    assert [depot.item(sku)["stock_quantity"] for sku in ("A-1", "A-2")] == [7, 3]


def test_a_second_pull_asks_only_for_what_changed_since(depot_alone, stockroom, platform):
    stockroom.put("A-1", 7)
    stockroom.put("A-2", 8, changed_at="2026-10-02T10:00:00Z")
    depot_alone.pull("depot/stocklevel")
    platform.requests.clear()
    depot_alone.pull("depot/stocklevel")
    assert platform.requests[0].query["changed_from"] == "2026-10-02T09:55:00Z"


def test_stock_is_brought_into_the_depot_in_one_request(depot, stockroom, platform):
    # given: a sync in the other direction, and levels for three of the ERP's products
    file = depot.project.root / "assets" / "stock" / "defs.yaml"
    file.write_text(file.read_text().replace("to: shop", "to: depot").replace("WH: default", "WH: MAIN"))
    depot.project = Project(depot.project.root, depot.project.state)
    for sku, quantity in (("N-1", 11), ("N-2", 12), ("N-3", 13)):
        depot.erp.control("product", create={"default_code": sku, "name": sku, "is_storable": True})
        depot.erp.control("stock", sku=sku, warehouse="WH", quantity=quantity)
        stockroom.put(sku, 1)
    # when
    depot.sync("stock_to_shop")
    # then
    assert [stockroom.free(sku) for sku in ("N-1", "N-2", "N-3")] == [11, 12, 13]
    assert len([seen for seen in platform.requests if seen.method == "POST"]) <= 4  # one per lane
    waiting = depot.rows("SELECT count(*) FROM outbox WHERE state = 'waiting'")
    assert waiting[0][0] > 0  # the depot has no level for the others, and nobody opens one
