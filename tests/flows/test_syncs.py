"""Whole syncs against the stand-ins: what a first, an identical and a drifted run send."""

import json

import pytest

from pullpush_dagster.demo.comparing import differences, items_of_shop

SYNCS = ("products_to_shop", "stock_to_shop")


def _writes(platform):
    return {call: count for call, count in platform.stats().items() if not call.startswith("GET")}


def _keys_sent(world, push, since):
    rows = world.rows("SELECT DISTINCT key FROM receipts WHERE push = ? AND sentAt >= ?", push, since)
    return {json.loads(row[0])["sku"] for row in rows}


def _now(world):
    return world.rows("SELECT now()")[0][0]


@pytest.mark.skus(200)
def test_after_the_first_run_the_shop_agrees_with_the_erp(world):
    before = items_of_shop(world.project, "shop")
    for sync in SYNCS:
        world.sync(sync)
    assert differences(world.project, before) == []


def test_a_second_identical_run_sends_nothing(world):
    for sync in SYNCS:
        world.sync(sync)
    world.shop.clear_stats()
    sent = [world.sync(sync).sent for sync in SYNCS]
    assert sent == [0, 0]
    assert _writes(world.shop) == {}


@pytest.mark.skus(200)
def test_after_drift_exactly_the_drifted_keys_are_sent(world):
    for sync in SYNCS:
        world.sync(sync)
    drift = world.erp.control("drift", n=40, seed=5)
    since = _now(world)
    for sync in SYNCS:
        world.sync(sync)
    created = {how["sku"] for how in drift["how"] if how["kind"] == "create"}
    tracked = {str(row[0]) for row in world.rows("SELECT sku FROM baseline_stocklevel WHERE quantity IS NOT NULL")}
    moved = {sku for sku, warehouse in drift["stock"] if warehouse == "WH"}
    assert _keys_sent(world, "products_to_shop", since) == set(drift["products"])
    assert _keys_sent(world, "stock_to_shop", since) == moved | created & tracked


def test_only_the_field_that_changed_is_sent(world):
    for sync in SYNCS:
        world.sync(sync)
    world.erp.control("product", sku="SKU-00002", set={"name": "Renamed"})
    since = _now(world)
    world.sync("products_to_shop")
    ((sent,),) = world.rows("SELECT sent FROM receipts WHERE push = 'products_to_shop' AND sentAt >= ?", since)
    assert set(json.loads(sent)) == {"id", "name"}


def test_a_cleared_description_empties_the_shops(world):
    world.erp.control("product", sku="SKU-00002", set={"description_sale": "something"})
    world.sync("products_to_shop")
    assert world.item("SKU-00002")["description"] == "something"
    world.erp.control("product", sku="SKU-00002", set={"description_sale": False})
    world.sync("products_to_shop")
    assert world.item("SKU-00002")["description"] == ""


def test_an_archived_product_is_hidden_in_the_shop_and_comes_back(world):
    world.sync("products_to_shop")
    world.erp.control("product", sku="SKU-00002", set={"active": False})
    world.sync("products_to_shop")
    assert world.item("SKU-00002")["status"] == "private"
    world.erp.control("product", sku="SKU-00002", set={"active": True})
    world.sync("products_to_shop")
    assert world.item("SKU-00002")["status"] == "publish"


def test_stock_of_a_sku_the_shop_lacks_waits_and_is_sent_when_it_appears(world):
    # given: stock is pushed before any product is
    world.sync("stock_to_shop")
    waiting = world.rows("SELECT count(*) FROM outbox WHERE state = 'waiting' AND push = 'stock_to_shop'")
    assert waiting[0][0] > 0
    # when
    world.sync("products_to_shop")
    world.push("stock_to_shop")
    # then
    assert world.rows("SELECT * FROM outbox WHERE push = 'stock_to_shop'") == []


def test_a_sku_with_two_records_in_the_erp_is_never_sent_and_says_why(world):
    world.erp.control("product", create={"default_code": "TWIN", "name": "One", "is_storable": True})
    world.erp.control("product", create={"default_code": "TWIN", "name": "Two", "is_storable": True})
    for sync in SYNCS:
        world.sync(sync)
    assert [item for item in world.items() if item["sku"] == "TWIN"] == []
    reasons = world.rows("SELECT reasons FROM quarantine WHERE name = 'product' AND contains(key, 'TWIN')")
    assert [reason for (found,) in reasons for reason in found] == ["sku: 2 records of the source claim this key"] * 2


def test_editing_one_of_two_twins_does_not_make_it_the_one(world):
    world.erp.control("product", create={"default_code": "TWIN", "name": "One"})
    second = world.erp.control("product", create={"default_code": "TWIN", "name": "Two"})
    world.sync("products_to_shop")
    world.erp.control("product", id=second["id"], set={"name": "Edited"})
    world.sync("products_to_shop")
    assert [item for item in world.items() if item["sku"] == "TWIN"] == []


def test_a_deleted_item_of_the_shop_is_created_again_with_all_its_fields(world):
    # given
    world.sync("products_to_shop")
    world.shop.control("product", sku="SKU-00002", delete=True)
    # when: the next change meets a stale binding
    world.erp.control("product", sku="SKU-00002", set={"name": "Back again"})
    world.sync("products_to_shop", patience=5)
    # then
    item = world.item("SKU-00002")
    assert item["name"] == "Back again"
    assert item["regular_price"] not in ("", None)


def test_a_quantity_that_is_no_whole_number_is_refused_by_name(world):
    world.sync("products_to_shop")
    world.erp.control("stock", sku="SKU-00002", warehouse="WH", quantity=2.5, outgoing=0)
    world.sync("stock_to_shop")
    ((reason,),) = world.rows("SELECT reason FROM outbox WHERE state = 'dead' AND contains(key, 'SKU-00002')")
    assert reason == "quantity 2.5 is not a whole number, which this platform needs"


def test_a_dead_key_is_tried_again_when_a_newer_value_comes(world):
    world.sync("products_to_shop")
    world.erp.control("stock", sku="SKU-00002", warehouse="WH", quantity=2.5, outgoing=0)
    world.sync("stock_to_shop")
    world.erp.control("stock", sku="SKU-00002", warehouse="WH", quantity=4, outgoing=0)
    world.sync("stock_to_shop")
    assert world.item("SKU-00002")["stock_quantity"] == 4
    assert world.rows("SELECT * FROM outbox WHERE state = 'dead'") == []


@pytest.mark.skus(120)
def test_an_implausible_pull_is_held_and_nothing_of_it_is_sent(world):
    # given
    for sync in SYNCS:
        world.sync(sync)
    quantities = {item["sku"]: item["stock_quantity"] for item in world.items()}
    # when: somebody sets every stock level to zero
    for sku in [sku for sku, quantity in quantities.items() if quantity and sku.startswith("SKU-")]:
        world.erp.control("stock", sku=sku, warehouse="WH", quantity=0, outgoing=0)
    world.pull("erp/stocklevel")
    totals = world.push("stock_to_shop")
    # then
    assert totals.sent == 0
    ((state, reasons),) = world.rows("SELECT state, reasons FROM audits WHERE scope = 'WH' ORDER BY audit DESC LIMIT 1")
    assert state == "held"
    assert reasons[0].startswith("sets to zero")
    assert {item["sku"]: item["stock_quantity"] for item in world.items()} == quantities


@pytest.mark.skus(120)
def test_a_later_plausible_pull_withdraws_what_was_held(world):
    world.sync("stock_to_shop")
    known = world.rows("SELECT sku, quantity FROM baseline_stocklevel WHERE locationId = 'WH' AND quantity > 0")
    for sku, _ in known:
        world.erp.control("stock", sku=sku, warehouse="WH", quantity=0, outgoing=0)
    assert world.pull("erp/stocklevel") is not None
    for sku, quantity in known:
        world.erp.control("stock", sku=sku, warehouse="WH", quantity=float(quantity), outgoing=0)
    world.pull("erp/stocklevel")
    states = world.rows("SELECT state FROM audits WHERE scope = 'WH' ORDER BY audit")
    assert [state for (state,) in states] == ["accepted", "withdrawn", "accepted"]


def test_the_file_says_whether_a_sync_is_live_or_shadow(world):
    file = world.project.root / "assets" / "products" / "defs.yaml"
    file.write_text(file.read_text().replace("mode: live", "mode: shadow"))
    project = type(world.project)(world.project.root, world.project.state)
    assert project.push("products_to_shop").mode == "shadow"
