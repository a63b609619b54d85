"""The loop: an order lowers its shop's stock, reaches the ERP, and comes back as stock to both shops."""

import json

import pytest

from tests.conftest import at_length
from tests.flows.conftest import one_warehouse

SKU = "SKU-00053"
STOCK = ("stock_to_shop", "stock_to_outlet")


@pytest.fixture
def loop(desks):
    """Both shops have the ERP's 59 of the SKU that they share."""
    desks.world.project = one_warehouse(desks.world.project)
    _stocked(desks)
    assert _stocks(desks) == (59, 59)
    return desks


def _stocked(desks):
    """One pull of the ERP's stock, sent to both shops; the (shop, SKU) that were sent."""
    ((since,),) = desks.world.rows("SELECT now()")
    desks.world.pull("erp/stocklevel")
    for push in STOCK:
        desks.world.push(push)
    rows = desks.world.rows(
        "SELECT push, key FROM receipts WHERE sentAt >= ? AND starts_with(push, 'stock') ORDER BY push DESC", since
    )
    return [(push.removeprefix("stock_to_"), json.loads(key)["sku"]) for push, key in rows]


def _stocks(desks, sku=SKU):
    found = [p.state()["products"] for p in (desks.world.shop, desks.world.outlet)]
    return tuple(next(item["stock_quantity"] for item in items if item["sku"] == sku) for items in found)


def _counted(desks, quantity, sku=SKU):
    desks.world.erp.control("stock", sku=sku, warehouse="WH", quantity=quantity)


def test_an_order_comes_back_as_stock_to_both_shops(loop):
    loop.sell({"sku": SKU, "quantity": 2})
    loop.sell({"sku": SKU, "quantity": 3}, shop="outlet")
    sold = _stocks(loop)
    loop.sync()
    _stocked(loop)
    assert sold == (57, 56)
    assert _stocks(loop) == (54, 54)


def test_a_cancelled_order_gives_its_units_back_to_both_shops(loop):
    ref = loop.sell()
    loop.sync()
    _stocked(loop)
    loop.edit(ref, status="cancelled")
    loop.sync()
    _stocked(loop)
    assert _stocks(loop) == (59, 59)


def test_an_order_and_a_receipt_between_two_pulls_correct_only_the_shop_that_sold(loop):
    # given: the ERP's number is what it was
    loop.sell()
    loop.sync()
    _counted(loop, 60)
    assert _stocks(loop) == (58, 59)
    # when
    sent = _stocked(loop)
    # then
    assert sent == [("shop", SKU)]
    assert _stocks(loop) == (59, 59)


@at_length
def test_what_was_sent_again_once_is_not_sent_for_ever(loop):
    loop.sell()
    loop.sync()
    _stocked(loop)
    assert _stocked(loop) == []


def test_a_stock_pull_asked_before_the_order_reached_the_erp_does_not_settle_it(loop):
    # given: sold, and not in the ERP yet
    loop.sell()
    loop.world.pull("erp/stocklevel")
    _counted(loop, 60)
    loop.sync()
    # when: the shop is fed from what was asked before, and then from what is asked after
    early = loop.world.push("stock_to_shop").sent
    sent = _stocked(loop)
    # then
    assert (early, sent) == (0, [("shop", SKU)])
    assert _stocks(loop) == (59, 59)


def test_a_count_of_the_same_product_in_the_erp_wins_over_the_order(loop):
    loop.sell({"sku": SKU, "quantity": 2})
    loop.sync()
    _counted(loop, 30)
    _stocked(loop)
    assert _stocks(loop) == (28, 28)


@at_length
def test_a_count_of_another_product_goes_to_both_shops_beside_the_correction_of_one(loop):
    # given: another product that both have
    items = {name: getattr(loop.world, name).state()["products"] for name in ("shop", "outlet")}
    other = next(i["sku"] for i in items["shop"] if i["sku"].startswith("SKU-") and i["sku"] != SKU)
    loop.world.outlet.control("product", create={"sku": other, "name": "Too", "regular_price": "1.00"})
    _stocked(loop)
    # when
    loop.sell()
    loop.sync()
    _counted(loop, 60)
    _counted(loop, 44, other)
    sent = _stocked(loop)
    # then
    assert sorted(sent) == [("outlet", other), *sorted([("shop", SKU), ("shop", other)])]
    assert (_stocks(loop), _stocks(loop, other)) == ((59, 59), (44, 44))


@at_length
def test_a_shop_is_corrected_though_the_erp_did_not_answer_that_it_had_confirmed(loop):
    # given: sold, and the ERP's number is what it was
    ref = loop.sell(status="pending")
    loop.sync()
    _stocked(loop)
    loop.edit(ref, status="processing")
    loop.world.erp.faults(close_after=1.0, count=1, path="/json/2/sale.order/action_confirm")
    loop.sync()
    loop.push()
    _counted(loop, 60)
    assert (loop.state(ref), _stocks(loop)) == ("sale", (58, 59))
    # when
    _stocked(loop)
    # then
    assert _stocks(loop) == (59, 59)


@at_length
def test_a_shop_is_corrected_whose_order_the_erps_staff_had_confirmed_before(loop):
    # given: the ERP's number has reached the shop before it sold by itself
    ref = loop.sell(status="pending")
    loop.sync()
    loop.staff(ref, confirm=True)
    _stocked(loop)
    loop.edit(ref, status="processing")
    loop.sync()
    assert _stocks(loop) == (57, 58)
    # when
    _stocked(loop)
    # then
    assert _stocks(loop) == (58, 58)


def test_the_units_of_a_line_that_is_taken_off_come_back(loop):
    ref = loop.sell({"sku": SKU, "quantity": 2}, {"sku": "SKU-00054", "quantity": 1})
    loop.sync()
    _stocked(loop)
    loop.edit(ref, line_items=[{"id": loop.line(ref), "quantity": 0}])
    loop.sync()
    assert ("shop", SKU) in _stocked(loop)
    assert _stocks(loop) == (59, 59)
