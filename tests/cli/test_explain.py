"""``pullpush explain``: why the shop shows 3, and why another SKU was not sent."""

import json
import re

import pytest
from click.testing import CliRunner

from pullpush_dagster.cli import main
from pullpush_dagster.errors import ConfigError

SKU = "SKU-00002"
HERE = {"sku": SKU, "locationId": "default"}


@pytest.fixture
def explain(run):
    """The story of a SKU's stock at the shop."""
    return lambda sku=SKU: json.loads(run("explain", "stock_to_shop", sku, "--json").stdout)


@pytest.fixture
def in_short(explain):
    """What it comes to, of the key at the shop that WH is translated to."""
    return lambda sku=SKU: [row["is"] for row in explain(sku)["in short"]]


@pytest.fixture
def synced(world):
    world.sync("products_to_shop")
    world.sync("stock_to_shop")
    return world


def test_explain_tells_why_the_shop_shows_what_it_shows(world, run):
    world.sync("products_to_shop")
    world.sync("stock_to_shop")
    story = json.loads(run("explain", "stock_to_shop", "SKU-00002", "--json").stdout)
    quantity = world.item("SKU-00002")["stock_quantity"]
    assert float(story["pulled"][0]["quantity"]) == quantity
    assert story["sent"][0]["outcome"] == "accepted"
    assert float(story["the destination has"][0]["fields"]["quantity"]) == quantity


def test_explain_tells_which_gate_stopped_a_key(world, run):
    world.erp.control("product", create={"default_code": "TWIN", "name": "A"})
    world.erp.control("product", create={"default_code": "TWIN", "name": "B"})
    world.sync("products_to_shop")
    story = json.loads(run("explain", "products_to_shop", "TWIN", "--json").stdout)
    assert story["quarantined"][0]["reasons"] == ["sku: 2 records of the source claim this key"]
    assert story["sent"] == []
    # one line for both of them
    (said,) = story["in short"]
    assert said["is"].endswith("cannot be read: sku: 2 records of the source claim this key")


@pytest.fixture
def sold(trade, monkeypatch):
    """The number of an order of ``shop`` that has reached the ERP."""
    monkeypatch.setenv("PULLPUSH_PROJECT", str(trade.project.root))
    monkeypatch.setenv("PULLPUSH_DATA", str(trade.project.state))
    number = trade.shop.control("order", create={"line_items": [{"sku": "SKU-00053", "quantity": 1}]})["id"]
    trade.sync("orders_to_erp")
    return str(number)


@pytest.mark.parametrize("prefix", ["", "shop:"])
def test_explain_knows_an_order_by_the_shops_number_and_by_the_erps_reference(sold, prefix):
    ran = CliRunner().invoke(main, ["explain", "orders_to_erp", prefix + sold, "--json"])
    story = json.loads(ran.stdout)
    assert [row["orderId"] for row in story["pulled"]] == [sold]
    assert {row["outcome"] for row in story["sent"]} == {"accepted"}
    assert story["the destination has"][0]["key"] == {"orderId": f"shop:{sold}"}


def test_what_was_sent_of_an_order_is_told_though_the_sync_no_longer_reads_its_shop(trade, sold):
    # given
    file = trade.project.root / "assets" / "orders" / "defs.yaml"
    file.write_text(file.read_text().replace("from: [shop/order, outlet/order]", "from: [outlet/order]"))
    # when
    ran = CliRunner().invoke(main, ["explain", "orders_to_erp", f"shop:{sold}", "--json"])
    # then
    story = json.loads(ran.stdout)
    assert {row["outcome"] for row in story["sent"]} == {"accepted"}
    assert story["the destination has"][0]["key"] == {"orderId": f"shop:{sold}"}


def test_explain_does_not_take_one_shops_order_for_anothers(sold):
    story = json.loads(CliRunner().invoke(main, ["explain", "orders_to_erp", f"outlet:{sold}", "--json"]).stdout)
    assert [stage for stage, rows in story.items() if rows] == ["in short"]
    assert story["in short"] == [{"is": f"outlet/order never had {sold}"}]


# In short.


def test_what_the_shop_took_is_in_step_and_what_only_leaves_out_is_said_to_be(synced, explain):
    quantity = synced.item(SKU)["stock_quantity"]
    here, left = explain()["in short"]
    assert here["key"] == HERE
    assert here["is"].startswith(f"in step: the destination took quantity {quantity}.0000, noted at 20")
    assert left == {"key": {"sku": SKU, "locationId": "STORE"}, "is": "left out by only: locationId (WH)"}


def test_nothing_is_known_of_what_was_never_pulled(world, in_short):
    assert in_short() == ["erp/stocklevel was never pulled"]


def test_nor_of_what_the_source_never_had_but_perhaps_under_other_letters(world, in_short):
    world.pull("erp/stocklevel")
    assert in_short("nosuch") == ["erp/stocklevel never had nosuch"]
    assert in_short(SKU.lower()) == [f"erp/stocklevel has no {SKU.lower()}, but {SKU}"]


@pytest.fixture
def quantity(synced):
    """Gives the SKU another quantity in the ERP, and compares."""

    def set_(number, *, compare=True):
        synced.erp.control("stock", sku=SKU, warehouse="WH", quantity=number)
        if compare:
            synced.pull("erp/stocklevel")

    return set_


def test_what_a_pulls_guard_holds_names_the_set(synced, in_short):
    hash_ = synced.emptied("WH")
    said = next(one for one in in_short() if "guard" in one)
    assert said.startswith("held by the guard of erp/stocklevel: its set ")
    assert said.endswith(f"pullpush approve {hash_} lets it through")


def test_what_is_of_a_place_that_is_not_pulled_any_more_is_not_said_to_be_in_step(synced, in_short, quantity):
    # given
    quantity(77, compare=False)
    file = synced.project.root / "assets" / "stock" / "defs.yaml"
    file.write_text(file.read_text().replace("values: [WH, STORE]", "values: [STORE]"))
    # then
    told, _ = in_short()
    assert told.startswith("erp/stocklevel WH is not pulled any more, so what it has by now is not known")


def test_what_is_to_be_tried_again_says_after_what(synced, in_short, quantity):
    quantity(7)
    synced.shop.control("faults", error_before=1, status=500)
    synced.push("stock_to_shop", patience=0.0)
    when = r"due(?: again at 20[-0-9: ]+|, the next run of stock_to_shop sends it)"
    assert re.fullmatch(when + r", after \d attempts: WooCommerce answered 500 .*", in_short()[0])


def test_why_the_newest_run_of_the_push_broke_off_is_told_too(synced, in_short, quantity, monkeypatch):
    quantity(7)
    monkeypatch.delenv("SHOP_KEY")
    with pytest.raises(ConfigError):
        synced.push("stock_to_shop")
    due, *_, failed = in_short()
    assert due == "due, the next run of stock_to_shop sends it"
    assert re.match(r"the newest run of stock_to_shop failed at 20[-0-9: ]+: .*SHOP_KEY", failed)


def test_what_somebody_changed_there_is_said_to_be(synced, in_short, run):
    synced.shop.control("product", sku=SKU, set={"stock_quantity": 1000})
    run("drift", "stock_to_shop", "--now")
    assert in_short()[0].startswith("quantity was 1000.0000 there when it was read back at 20")


# The stages.


def test_people_read_keys_and_values_and_not_json(synced, run):
    said = run("explain", "stock_to_shop", SKU).output
    assert f"  {SKU} default: in step: " in said
    assert "desired" not in said
    assert not {"{", "[", "Decimal"} & set(said)
