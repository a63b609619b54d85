"""What an order's status does to the stock of its products."""

import pytest


@pytest.fixture
def lamp(shop):
    """A managed product of which there are ten."""
    return shop.new(manage_stock=True, stock_quantity=10)["id"]


def become(shop, order, status):
    return shop.call("PUT", f"/orders/{order['id']}", {"status": status})


@pytest.mark.parametrize(
    ("status", "left"),
    [
        ("pending", 10),
        ("processing", 7),
        ("on-hold", 7),
        ("completed", 7),
        ("cancelled", 10),
        ("failed", 10),
        ("refunded", 10),
    ],
)
def test_a_new_order_lowers_the_stock_by_its_status(shop, lamp, status, left):
    shop.order((lamp, 3), status=status)
    assert shop.units(lamp) == left


def test_a_paid_order_moves_the_date_of_the_product(shop, lamp):  # observed, WooCommerce 6
    before = shop.get(lamp)["date_modified_gmt"]
    shop.standin.control("clock", advance=3)
    shop.order((lamp, 1), status="processing")
    assert shop.get(lamp)["date_modified_gmt"] > before


def test_a_pending_order_leaves_the_date_of_the_product(shop, lamp):
    before = shop.get(lamp)["date_modified_gmt"]
    shop.standin.control("clock", advance=3)
    shop.order((lamp, 1))
    assert shop.get(lamp)["date_modified_gmt"] == before


def test_the_stock_falls_once(shop, lamp):
    order = shop.order((lamp, 3), status="on-hold")
    become(shop, order, "processing")
    become(shop, order, "completed")
    assert shop.units(lamp) == 7


@pytest.mark.parametrize("status", ["cancelled", "pending"])
def test_the_stock_comes_back_once(shop, lamp, status):
    order = shop.order((lamp, 3), status="processing")
    become(shop, order, status)
    become(shop, order, status)
    assert shop.units(lamp) == 10


@pytest.mark.parametrize("status", ["refunded", "failed"])
def test_a_refunded_or_failed_order_gives_nothing_back(shop, lamp, status):
    order = shop.order((lamp, 3), status="processing")
    become(shop, order, status)
    assert shop.units(lamp) == 7


def test_a_reopened_order_takes_again(shop, lamp):
    order = shop.order((lamp, 3), status="processing")
    become(shop, order, "cancelled")
    become(shop, order, "processing")
    assert shop.units(lamp) == 7


def test_an_edited_line_leaves_the_stock(shop, lamp):
    order = shop.order((lamp, 3), status="on-hold")
    shop.call("PUT", f"/orders/{order['id']}", {"line_items": [{"id": order["line_items"][0]["id"], "quantity": 5}]})
    assert shop.units(lamp) == 7


def test_an_order_gives_back_what_it_took_and_not_what_it_says_now(shop, lamp):
    order = shop.order((lamp, 3), status="on-hold")
    shop.call("PUT", f"/orders/{order['id']}", {"line_items": [{"id": order["line_items"][0]["id"], "quantity": 5}]})
    become(shop, order, "cancelled")
    assert shop.units(lamp) == 10


def test_a_product_without_managed_stock_is_left_alone(shop):
    number = shop.new()["id"]
    shop.order((number, 3), status="processing")
    assert shop.units(number) is None


def test_a_variation_draws_on_its_parents_stock(shop):
    parent = shop.new(type="variable", manage_stock=True, stock_quantity=9)
    child = shop.call("POST", f"/products/{parent['id']}/variations", {"regular_price": "7.00"})
    shop.call("POST", "/orders", {"status": "processing", "line_items": [{"variation_id": child["id"], "quantity": 2}]})
    assert shop.units(parent["id"]) == 7


def test_the_last_unit_makes_the_product_out_of_stock(shop, lamp):
    shop.order((lamp, 10), status="processing")
    assert shop.get(lamp)["stock_status"] == "outofstock"


def test_one_product_on_two_lines_falls_by_both(shop, lamp):
    shop.order((lamp, 3), (lamp, 1), status="processing")
    assert shop.units(lamp) == 6


def test_a_deleted_product_stops_no_order(shop, lamp):
    order = shop.order((lamp, 3), status="processing")
    shop.call("DELETE", f"/products/{lamp}", force="true")
    assert become(shop, order, "cancelled")["status"] == "cancelled"
