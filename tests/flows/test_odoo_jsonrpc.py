"""An ERP that is spoken to over JSON-RPC, as up to Odoo 18: the same rows and the same orders as over JSON-2."""

import json
from dataclasses import replace

import httpx
import pytest
from starlette.responses import Response

from pullpush_dagster.config import Project
from pullpush_dagster.demo.orders import compare_orders
from pullpush_dagster.store import Store
from pullpush_dagster.transport.moving import move
from tests.conftest import make_project, thinned
from tests.flows.conftest import SKU

LEVELS = "SELECT sku, locationId, quantity FROM canonical_stocklevel ORDER BY ALL"
JSONRPC = '\n  protocol: jsonrpc\n  database: sandbox\n  user: admin\n  base_url: "'


def over_jsonrpc(project):
    """The same project, whose ERP is spoken to over JSON-RPC."""
    file = project.root / "resources" / "erp.yaml"
    text = file.read_text(encoding="utf-8")
    assert text.count('\n  base_url: "') == 1
    file.write_text(text.replace('\n  base_url: "', JSONRPC), encoding="utf-8")
    return Project(project.root, project.state)


@pytest.fixture
def rpc(desk):
    """The desk, whose ERP is spoken to over JSON-RPC."""
    desk.world.project = over_jsonrpc(desk.world.project)
    return desk


def calls(world):
    """The paths that the ERP was asked for."""
    return {pattern.split()[1] for pattern in world.erp.stats()}


def test_the_connection_is_one_the_project_takes(rpc):
    assert rpc.world.project.problems() == []


def test_a_protocol_that_is_none_and_a_user_who_is_missing_are_told_with_file_and_line(rpc):
    file = rpc.world.project.root / "resources" / "erp.yaml"
    text = file.read_text(encoding="utf-8")
    for edit, said in (
        (("jsonrpc", "json-rpc"), "erp.yaml:4 settings.protocol: is none of json2, jsonrpc"),
        (("  user: admin\n", ""), "erp.yaml:3 settings.user: is required with protocol: jsonrpc"),
    ):
        file.write_text(text.replace(*edit), encoding="utf-8")
        (told,) = Project(rpc.world.project.root, rpc.world.project.state).problems()
        assert told.endswith(said)


def test_stock_is_read_as_over_json_2(world, tmp_path):
    # given
    world.pull("erp/stocklevel")
    levels = world.rows(LEVELS)
    world.erp.clear_stats()
    # when
    project = over_jsonrpc(make_project(tmp_path / "rpc", {"erp": world.erp, "shop": world.shop}))
    other = replace(world, project=project, store=Store.of(project.state))
    other.pull("erp/stocklevel")
    # then
    assert other.rows(LEVELS) == levels != []
    assert calls(world) == {"/jsonrpc"}


def test_a_stock_sync_brings_what_the_erp_has_to_the_shop(rpc):
    rpc.world.erp.control("stock", sku="SKU-00053", warehouse="WH", quantity=31, outgoing=4)
    rpc.world.sync("stock_to_shop")
    assert rpc.world.item("SKU-00053")["stock_quantity"] == 27
    assert calls(rpc.world) == {"/jsonrpc"}


def _life_of_an_order(desk):
    """What the ERP has of one order when it is new, when it was edited and paid, and when it was cancelled."""
    buyer = {"first_name": "Ann", "last_name": "Lee", "email": "ann.lee@example.com"}
    ref, seen = desk.sell(SKU, status="pending", billing=buyer), []
    edits = [
        {},
        {"line_items": [{"id": desk.line(ref), "quantity": 3}], "status": "processing"},
        {"status": "cancelled"},
    ]
    for edit in edits:
        desk.edit(ref, **edit)
        desk.sync()
        sale = desk.sales()[ref]
        own = {name: sale[name] for name in ("state", "currency_id", "amount_total", "locked")}
        seen.append((own, desk.buyer(ref)["email"], desk.lines(ref)))
    return seen


def test_an_order_goes_through_its_life_as_over_json_2(desk):
    # given: one ERP, of which a person says so, as its file names a database by now
    over_json2 = _life_of_an_order(desk)
    project = desk.world.project = over_jsonrpc(desk.world.project)
    with desk.world.store.session() as con:
        move(con, project.connection("erp"), project.connector("erp"))
    desk.world.erp.clear_stats()
    # when
    over_rpc = _life_of_an_order(desk)
    # then
    assert over_rpc == over_json2
    assert [own["state"] for own, _, _ in over_rpc] == ["draft", "sale", "cancel"]
    assert calls(desk.world) == {"/jsonrpc"}


def test_an_order_whose_creation_was_not_answered_is_adopted_and_confirmed(rpc, platform):
    # given: a proxy that gives up on the first order, after the ERP has made it
    ref, erp, lost = rpc.sell(), rpc.world.erp, []

    def forwarded(seen):
        answer = httpx.post(f"{erp.url}{seen.target}", content=seen.body, headers={"Content-Type": "application/json"})
        if not lost and json.loads(seen.body)["params"]["args"][3:5] == ["sale.order", "create"]:
            lost.append(answer.json()["result"])
            return Response("<html>", 504)
        return Response(answer.content)

    platform.route(forwarded)
    file = rpc.world.project.root / "resources" / "erp.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace(erp.url, platform.url), encoding="utf-8")
    rpc.world.project = Project(rpc.world.project.root, rpc.world.project.state)
    # when
    rpc.sync(patience=0)
    rpc.push()
    # then
    assert lost == [[rpc.sales()[ref]["id"]]]
    assert (rpc.state(ref), rpc.left()) == ("sale", [])


@pytest.mark.parametrize("kind", thinned(("close_after", "truncate", "error_after"), 2))
def test_a_lost_answer_makes_no_second_order(rpc, kind):
    # given
    refs = [rpc.sell(status=status) for status in ("pending", "processing", "processing", "completed")]
    rpc.world.erp.faults(**{kind: 0.35}, seed=5)
    rpc.sync(patience=2.0)
    rpc.world.erp.faults()
    # when
    for _ in range(6):
        rpc.push()
    # then: sales() tells of an order that is there twice
    assert rpc.world.erp.injected()[kind] > 3
    assert rpc.left() == []
    assert set(rpc.sales()) == set(refs)
    assert compare_orders(rpc.world.project, ["shop"]).wrong == []


def test_a_record_that_the_erp_refuses_is_rejected_with_its_reason(rpc):
    ref = rpc.sell()
    rpc.sync()
    rpc.staff(ref, lock=True)
    rpc.edit(ref, status="cancelled")
    rpc.sync()
    ((_, state, reason),) = rpc.left()
    assert (state, rpc.state(ref)) == ("dead", "sale")
    assert "You cannot cancel a locked order. Please unlock it first." in reason
