"""examples/warehouse, run against a Yard of fifty lines: stock comes from it, orders go to it."""

import json
import shutil
from dataclasses import dataclass, field

import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.config import Project
from tests.conftest import ROOT

EXAMPLE = ROOT / "examples" / "warehouse"


@dataclass
class Yard:
    """The made-up warehouse: stock and orders of one site, each in the order of its id."""

    stock: list[dict] = field(default_factory=list)
    orders: list[dict] = field(default_factory=list)

    def put(self, article, free, *, counted=True):
        """Lay something in."""
        row = {"id": len(self.stock) + 1, "site": "MAIN", "article": article, "free": free, "counted": counted}
        self.stock.append({**row, "changed_at": "2026-10-01T08:00:00Z"})

    def __call__(self, request):
        if request.headers.get("x-yard-key") != "yard-secret":
            return JSONResponse({"error": {"code": "no_key", "text": "who are you?"}}, 401)
        asked = (request.method, request.path)
        if asked == ("GET", "/api/v2/sites/MAIN/stock"):
            return JSONResponse({"rows": self._page(self.stock, request.query)})
        if asked == ("PUT", "/api/v2/sites/MAIN/stock"):
            return JSONResponse({"rows": [self._set(one) for one in json.loads(request.body)["rows"]]})
        if asked == ("GET", "/api/v2/orders"):
            return JSONResponse({"rows": self._page(self.orders, request.query)})
        if asked == ("POST", "/api/v2/orders"):
            return JSONResponse(self._take(json.loads(request.body)), 201)
        return JSONResponse({"error": {"code": "no_such_path", "text": request.path}}, 404)

    def _page(self, rows, query):
        numbers = query["numbers"].split(",") if "numbers" in query else None
        found = [row for row in rows if row["id"] > int(query.get("after", 0))]
        return [row for row in found if numbers is None or row["number"] in numbers][: int(query.get("limit", 1000))]

    def _set(self, given):
        for row in self.stock:
            if row["article"] == given["article"]:
                row["free"] = given["free"]
                return {"article": row["article"], "free": row["free"]}
        return {"article": given["article"], "error": {"code": "no_such_article", "text": "no such article"}}

    def _take(self, given):
        stamps = {"made_at": "2026-10-02T08:00:00Z", "changed_at": "2026-10-02T08:00:00Z"}
        self.orders.append({"id": len(self.orders) + 1, "state": "open", **given, **stamps})
        return self.orders[-1]


@pytest.fixture
def yard(platform):
    """A running Yard."""
    here = Yard()
    platform.route(here)
    return here


@pytest.fixture
def site(world, platform, yard, monkeypatch):
    """The world with the example in it, its pushes live."""
    monkeypatch.setenv("YARD_KEY", "yard-secret")
    root = world.project.root
    for part in ("assets", "resources"):
        shutil.copytree(EXAMPLE / part, root / part, dirs_exist_ok=True)
    _change(root / "resources" / "yard.yaml", "https://yard.example", platform.url)
    _change(root / "assets" / "yard" / "defs.yaml", "mode: shadow", "mode: live")
    world.project = Project(root, world.project.state)
    return world


def _change(file, old, new):
    file.write_text(file.read_text().replace(old, new))


def test_the_files_of_the_example_fit_a_project(site):
    assert site.project.problems() == []


def test_stock_of_the_yard_reaches_the_shop_unless_it_was_never_counted(site, yard):
    yard.put("Y-1", 7)
    yard.put("Y-2", 0, counted=False)
    for sku in ("Y-1", "Y-2"):
        site.shop.control("product", create={"sku": sku, "name": sku, "manage_stock": True, "stock_quantity": 3})
    site.sync("yard_to_shop")
    assert [site.item(sku)["stock_quantity"] for sku in ("Y-1", "Y-2")] == [7, 3]


def test_an_order_reaches_the_yard_once_it_is_paid(site, yard):
    # given: one order that is paid, and one that is not yet
    sold = {"line_items": [{"sku": "SKU-00053", "quantity": 2}]}
    paid = site.shop.control("order", create={"status": "processing", **sold})["id"]
    unpaid = site.shop.control("order", create={"status": "pending", **sold})["id"]
    # when
    site.sync("orders_to_yard")
    site.shop.control("order", id=unpaid, set={"status": "processing"})
    before = [order["number"] for order in yard.orders]
    site.sync("orders_to_yard")
    # then
    numbers = [order["number"] for order in yard.orders]
    assert f"shop:{paid}" in before
    assert f"shop:{unpaid}" not in before
    assert numbers.count(f"shop:{paid}") == numbers.count(f"shop:{unpaid}") == 1


def test_an_order_whose_answer_is_lost_is_taken_once(site, yard, platform):
    # given: the yard takes an order, and its answer is lost on the way
    site.sync("orders_to_yard")
    number = site.shop.control(
        "order", create={"status": "processing", "line_items": [{"sku": "SKU-00053", "quantity": 1}]}
    )["id"]
    platform.route(_losing_one_answer(yard))
    # when
    for _ in range(2):
        site.sync("orders_to_yard", patience=0)
    # then
    assert [order["number"] for order in yard.orders].count(f"shop:{number}") == 1


def _losing_one_answer(yard):
    left = iter([True])

    def answered(request):
        answer = yard(request)
        lost = request.method == "POST" and next(left, False)
        return JSONResponse({"error": {"code": "gateway", "text": "timed out"}}, 504) if lost else answer

    return answered
