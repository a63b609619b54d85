"""One ERP and two shops: what is asked once feeds both, each by its own position, map and guard."""

import re

import pytest

from pullpush_dagster.config import Project
from pullpush_dagster.demo.comparing import differences, items_of_shop
from pullpush_dagster.errors import UnavailableError
from tests.conftest import at_length
from tests.flows.conftest import one_warehouse

SKU = "SKU-00053"
STOCK = ("stock_to_shop", "stock_to_outlet")
ASKED = "POST /json/2/product.product/search_read"


def _edited(world, *edits):
    """The same world with (pattern, replacement) done to assets/stock/defs.yaml."""
    file = world.project.root / "assets" / "stock" / "defs.yaml"
    text = file.read_text(encoding="utf-8")
    for pattern, replacement in edits:
        text, count = re.subn(pattern, replacement, text)
        assert count
    file.write_text(text, encoding="utf-8")
    world.project = Project(world.project.root, world.project.state)
    return world


@pytest.fixture
def fed(trade):
    """Both shops have the ERP's 59 of the SKU that they share."""
    trade.project = one_warehouse(trade.project)
    trade.pull("erp/stocklevel")
    for push in STOCK:
        trade.push(push)
    return trade


def _stock(platform, sku=SKU):
    return next(item for item in platform.state()["products"] if item["sku"] == sku)["stock_quantity"]


def _position(world, push):
    return world.rows("SELECT max(position) FROM positions WHERE push = ?", push)[0][0]


def test_one_pull_of_stock_feeds_both_shops(fed):
    asked = fed.erp.stats()[ASKED]
    for push in STOCK:
        fed.push(push)
    assert (_stock(fed.shop), _stock(fed.outlet)) == (59, 59)
    assert fed.rows("SELECT count(*) FROM pulls") == [(1,)]
    assert fed.erp.stats()[ASKED] == asked


def test_one_pull_of_products_feeds_both_shops(trade):
    # given
    before = {name: items_of_shop(trade.project, name) for name in ("shop", "outlet")}
    # when
    trade.pull("erp/product")
    trade.pull("erp/stocklevel")
    for push in ("products_to_shop", "products_to_outlet", *STOCK):
        trade.push(push)
    # then
    found = [text for name in before for text in differences(trade.project, before[name], name)]
    assert found == []


def test_a_shop_that_was_left_out_for_a_while_goes_on_from_its_own_position(fed):
    # given: both are up to date
    first = _position(fed, "stock_to_outlet")
    # when: only one of them is fed for a while
    for quantity in (6, 7):
        fed.erp.control("stock", sku=SKU, warehouse="WH", quantity=quantity)
        fed.sync("stock_to_shop")
    behind = _position(fed, "stock_to_outlet"), _stock(fed.outlet)
    fed.push("stock_to_outlet")
    # then
    assert behind == (first, 59)
    assert _position(fed, "stock_to_outlet") == _position(fed, "stock_to_shop") > first
    assert (_stock(fed.shop), _stock(fed.outlet)) == (7, 7)


def test_each_shop_has_its_own_map(trade):
    world = _edited(
        trade, (r"(to: outlet\n  only: \{locationId: )\[WH\](\}\n  .*)WH: default", r"\1[STORE]\2STORE: default")
    )
    world.erp.control("stock", sku=SKU, warehouse="STORE", quantity=4)
    world.pull("erp/stocklevel")
    for push in STOCK:
        world.push(push)
    assert (_stock(world.shop), _stock(world.outlet)) == (59, 4)


def test_each_shop_has_its_own_accepted_values(trade):
    trade.project = one_warehouse(trade.project)
    trade.sync("stock_to_shop")
    trade.outlet.faults(error_before=1.0)
    trade.push("stock_to_outlet", patience=0)
    accepted = dict(trade.rows(f"SELECT connection, key FROM accepted WHERE contains(key, '{SKU}')"))
    assert accepted.keys() == {"shop"}


@pytest.fixture
def careless(trade):
    """Both shops fed once; the stock pull and the shop may be zeroed, the outlet has the usual guard."""
    free = "\n  guard: {zeroed: off}"
    world = _edited(trade, ("values: .*", r"\g<0>" + free), ("to: shop", r"\g<0>" + free))
    for sync in ("products_to_shop", "products_to_outlet", *STOCK):
        world.sync(sync)
    return world


def test_a_guard_that_holds_one_shop_does_not_stop_the_other(careless):
    # given
    stocked = [p for p in careless.erp.state()["products"] if (p["stock"].get("WH") or {}).get("quantity", 0) > 5]
    for product in stocked:
        careless.erp.control("stock", id=product["id"], warehouse="WH", quantity=0, outgoing=0)
    # when
    careless.pull("erp/stocklevel")
    for push in STOCK:
        careless.push(push)
    # then
    assert (_stock(careless.shop), _stock(careless.outlet)) == (0, 59)
    held = dict(careless.rows("SELECT push, held FROM positions WHERE held IS NOT NULL"))
    assert held.keys() == {"stock_to_outlet"}
    assert held["stock_to_outlet"].startswith("sets to zero")


@at_length
def test_a_shop_that_is_down_does_not_stop_the_other_and_is_right_once_it_is_back(fed):
    # given
    fed.outlet.faults(error_before=1.0, status=503)
    fed.erp.control("stock", sku=SKU, warehouse="WH", quantity=8)
    # when
    fed.pull("erp/stocklevel")
    for push in reversed(STOCK):
        fed.push(push, patience=0)
    down = _stock(fed.shop), _stock(fed.outlet)
    fed.outlet.faults()
    fed.rows("UPDATE outbox SET dueAt = now() RETURNING key")
    fed.push("stock_to_outlet")
    # then
    assert down == (8, 59)
    assert _stock(fed.outlet) == 8


def test_the_orders_of_one_shop_reach_the_erp_while_the_other_cannot_be_asked(desks):
    # given
    desks.world.outlet.faults(error_before=1.0)
    ref, later = desks.sell(), desks.sell(shop="outlet")
    desks.adapt("woocommerce", "limits: {", "limits: {attempts: 1, ")
    # when
    desks.world.pull("shop/order")
    with pytest.raises(UnavailableError, match="outlet/order"):
        desks.world.pull("outlet/order")
    desks.push()
    # then
    assert desks.sales().keys() == {ref}
    desks.world.outlet.faults()
    desks.sync()
    assert desks.sales().keys() == {ref, later}
