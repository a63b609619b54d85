"""What docs/operate.md tells the operator to do has the effect it says."""

import json
import re
import warnings

import dagster as dg
import pytest

from pullpush_dagster.config import Project
from pullpush_dagster.explain import explain
from tests.conftest import ROOT

_NAMED = re.compile(r"^  name: (\w+)$", re.MULTILINE)


def _edit(world, file, before, after):
    path = world.project.root / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    world.project = Project(world.project.root, world.project.state)


def test_a_held_change_set_goes_through_once_its_limit_is_raised(world):
    # given: a stock-take that found nothing in one of the locations
    _edit(world, "assets/stock/defs.yaml", "[WH, STORE]}", "[STORE]}")
    world.pull("erp/stocklevel")
    known = world.rows("SELECT sku FROM baseline_stocklevel WHERE locationId = 'STORE' AND quantity > 0 LIMIT 25")
    for (sku,) in known:
        world.erp.control("stock", sku=sku, warehouse="STORE", quantity=0, outgoing=0)
    held = world.pull("erp/stocklevel")
    assert (held.state, held.reasons[0][:12]) == ("held", "sets to zero")
    # when
    _edit(world, "assets/stock/defs.yaml", "  every: 5m\n", "  every: 15m\n  guard: {zeroed: off}\n")
    # then
    assert world.pull("erp/stocklevel").state == "accepted"
    zero = world.rows("SELECT sku FROM baseline_stocklevel WHERE locationId = 'STORE' AND quantity = 0")
    assert set(known) <= set(zero)


@pytest.fixture(scope="module")
def shipped():
    """The shipped project as Dagster sees it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pullpush_dagster.orchestration.loading import project_definitions

        return project_definitions(Project.find()).get_repository_def()


@pytest.fixture(scope="module")
def graph(shipped):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return shipped.asset_graph


def test_the_checks_are_those_dagster_shows(docs, graph):
    on = {}
    for key in graph.asset_check_keys:
        stage = key.asset_key.path[-1]
        on.setdefault(key.name, set()).add(
            stage if stage in ("pulled", "canonical", "full", "changes", "readback") else "the push"
        )
    told = {row[0]: set(row[1].split(", ")) for row in docs.table("checks", "all")}
    assert told == on


def test_every_asset_the_pages_select_exists(docs, graph):
    text = "\n".join(docs.pages.values())
    selected = set(re.findall(r'key:"([\w/]+)"', text)) | set(re.findall(r"--select ([\w/]+)", text))
    assert selected
    assert selected <= {key.to_user_string() for key in graph.get_all_asset_keys()}


def _for_each(name):
    """The names that ``name`` stands for in the shipped project."""
    project = Project.find()
    if "SYNC_readback" in name:
        pushes = [push for push in project.pushes.values() if push.to != "erp"]
        return {name.replace("SYNC", push.name) for push in pushes}
    if "SYNC" in name:
        return {name.replace("SYNC", push) for push in project.pushes}
    if "CONNECTION_PULL" in name:
        fulls = [pull for pull in project.pulls.values() if pull.id == "erp/product"]
        return {name.replace("CONNECTION_PULL", f"{pull.connection}_{pull.name}") for pull in fulls}
    return {name}


def _told(docs, kind):
    return set().union(*(_for_each(row[0].strip("`")) for row in docs.table(kind, "all")))


def test_the_jobs_are_those_dagster_shows(docs, shipped):
    assert _told(docs, "jobs") == {name for name in shipped.job_names if not name.startswith("__")}


def test_the_sensor_and_the_schedules_are_those_dagster_shows(docs, shipped):
    there = [*shipped.sensor_defs, *shipped.schedule_defs]
    assert _told(docs, "automation") == {one.name for one in there}
    assert {one.default_status.value for one in there} == {"RUNNING"}


def test_they_run_as_often_as_the_page_says(shipped):
    times = {one.name: one.cron_schedule for one in shipped.schedule_defs}
    assert (times["sweep_schedule"], times["erp_product_full_schedule"]) == ("*/10 * * * *", "17 3 */1 * *")
    assert shipped.get_sensor_def("due").minimum_interval_seconds < 5


def test_every_job_the_pages_launch_exists(docs, shipped):
    launched = {job for text in docs.pages.values() for job in re.findall(r"(?:--job|-j) (\w+)", text)}
    assert {"orders_to_erp", "erp_product_full"} <= launched
    examples = {name for file in (ROOT / "examples").rglob("defs.yaml") for name in _NAMED.findall(file.read_text())}
    assert launched <= {*shipped.job_names, *examples}


def test_the_config_the_page_gives_a_read_back_is_one_its_job_takes(docs, shipped):
    (config,) = re.findall(r"`(\{\"ops\".*\})`", docs.pages["docs/operate.md"])
    assert dg.validate_run_config(shipped.get_job("stock_to_shop_readback"), json.loads(config))


def _without_names(text):
    """A reason with what it names taken out, so that it can be compared."""
    return re.sub(r"\b(ABC|TWIN|ONLY-HERE|failed|\d+)\b", "_", text)


def test_an_order_that_is_stopped_has_a_reason_the_page_explains(docs, trade):
    # given: an order for each, one of them for a product of which the ERP has two
    def order(sku, status="processing"):
        item = {"name": "New", "type": "simple", "regular_price": "3.00", **({"sku": sku} if sku else {})}
        line = {"product_id": trade.shop.control("product", create=item)["id"], "quantity": 1}
        return trade.shop.control("order", create={"status": status, "line_items": [line]})

    for name in ("A", "B"):
        trade.erp.control("product", create={"default_code": "TWIN", "name": name})
    for sku in ("ONLY-HERE", "TWIN", None):
        order(sku)
    order("OTHER", "failed")
    # when
    trade.sync("orders_to_erp")
    # then
    told = trade.rows("SELECT DISTINCT reason FROM receipts WHERE push = 'orders_to_erp' AND outcome <> 'accepted'")
    page = [re.match("`(.+?)`", row[0])[1] for row in docs.table("reasons", "orders")]
    assert len(told) == 4
    assert {_without_names(reason) for (reason,) in told} <= {_without_names(reason) for reason in page}


def test_an_order_that_was_rejected_is_sent_once_the_cause_is_mended_and_its_note_changed(trade):
    # given: an order for a SKU of two products
    twins = [trade.erp.control("product", create={"default_code": "TWIN", "name": name})["id"] for name in ("A", "B")]
    item = {"name": "New", "type": "simple", "regular_price": "3.00", "sku": "TWIN"}
    line = {"product_id": trade.shop.control("product", create=item)["id"], "quantity": 1}
    number = trade.shop.control("order", create={"status": "processing", "line_items": [line]})["id"]
    trade.sync("orders_to_erp")
    assert trade.rows("SELECT state FROM outbox WHERE push = 'orders_to_erp'") == [("dead",)]
    # when: the cause alone does not wake it
    trade.erp.control("product", id=twins[1], set={"default_code": "OTHER"})
    trade.sync("orders_to_erp")
    assert trade.rows("SELECT state FROM outbox WHERE push = 'orders_to_erp'") == [("dead",)]
    trade.shop.control("order", id=number, set={"customer_note": "please"})
    trade.sync("orders_to_erp")
    # then
    assert trade.rows("SELECT state FROM outbox WHERE push = 'orders_to_erp'") == []
    assert [row["state"] for row in trade.erp.state()["orders"] if row["client_order_ref"]] == ["sale"]


def test_an_order_is_explained_by_either_of_its_keys(trade):
    item = {"name": "New", "type": "simple", "regular_price": "3.00", "sku": "ONLY-HERE"}
    line = {"product_id": trade.shop.control("product", create=item)["id"], "quantity": 1}
    number = trade.shop.control("order", create={"status": "processing", "line_items": [line]})["id"]
    trade.sync("orders_to_erp")
    push = trade.project.push("orders_to_erp")
    stages = {
        key: {stage for stage, rows in explain(trade.project, push, key).items() if rows}
        for key in (str(number), f"shop:{number}")
    }
    whole = {"in short", "pulled", "last accepted state of the source", "changes", "to be sent", "sent"}
    assert stages == {str(number): whole, f"shop:{number}": whole}
