"""Stock and prices on one product: what a null, a zero and an unmanaged stock do."""

import pytest

LEVEL = ("manage_stock", "stock_quantity", "stock_status")


def level(item):
    return tuple(item[name] for name in LEVEL)


@pytest.fixture
def managed(shop):
    """A product with 5 units."""
    return shop.new(manage_stock=True, stock_quantity=5)["id"]


def test_a_null_on_the_direct_route_wipes_the_stock(shop, managed):  # observed, WooCommerce 1
    assert level(shop.put(managed, stock_quantity=None)) == (True, 0, "outofstock")
    assert level(shop.get(managed)) == (True, 0, "outofstock")


def test_a_null_in_a_batch_is_ignored(shop, managed):  # observed, WooCommerce 1
    answer = shop.batch(update=[{"id": managed, "stock_quantity": None}])
    assert level(answer["update"][0]) == (True, 5, "instock")
    assert level(shop.get(managed)) == (True, 5, "instock")


@pytest.mark.parametrize("quantity", ["", 2.5, "2.5", "five", True, [5]])
def test_a_stock_that_is_no_whole_number_is_refused(shop, managed, quantity):  # observed, WooCommerce 1 and 10
    assert shop.refused("PUT", f"/products/{managed}", {"stock_quantity": quantity}) == (400, "rest_invalid_param")
    assert shop.get(managed)["stock_quantity"] == 5


@pytest.mark.parametrize("quantity", [8, "8", 8.0])
def test_a_whole_number_is_taken_in_any_dress(shop, managed, quantity):
    assert shop.put(managed, stock_quantity=quantity)["stock_quantity"] == 8


def test_a_null_text_on_the_direct_route_clears_it(shop):
    item = shop.new(description="something")
    assert shop.put(item["id"], description=None)["description"] == ""


def test_a_null_status_is_no_value(shop, managed):
    assert shop.put(managed, status=None)["status"] == "publish"


def test_unmanaged_reads_null_and_a_real_zero_reads_zero(shop):  # observed, WooCommerce 2
    assert level(shop.new()) == (False, None, "instock")
    assert level(shop.new(manage_stock=True, stock_quantity=0)) == (True, 0, "outofstock")


def test_a_quantity_on_an_unmanaged_product_is_ignored_without_a_word(shop):  # observed, WooCommerce 2
    item = shop.new()
    assert level(shop.put(item["id"], stock_quantity=9)) == (False, None, "instock")


def test_switching_management_on_gives_null_and_out_of_stock(shop):  # observed, WooCommerce 2
    item = shop.new()
    assert level(shop.put(item["id"], manage_stock=True)) == (True, None, "outofstock")


def test_management_and_quantity_together_are_taken(shop):
    item = shop.new()
    assert level(shop.put(item["id"], manage_stock=True, stock_quantity=4)) == (True, 4, "instock")


def test_switching_management_off_forgets_the_quantity(shop, managed):
    assert shop.put(managed, manage_stock=False)["stock_quantity"] is None
    assert shop.put(managed, manage_stock=True)["stock_quantity"] is None


@pytest.mark.parametrize(
    ("backorders", "status"), [("no", "outofstock"), ("notify", "onbackorder"), ("yes", "onbackorder")]
)
def test_a_negative_stock_is_taken(shop, managed, backorders, status):  # observed, WooCommerce 10
    item = shop.put(managed, stock_quantity=-3, backorders=backorders)
    assert level(item) == (True, -3, status)
    assert item["backorders_allowed"] is (backorders != "no")


def test_a_price_that_is_a_number_is_refused(shop):  # observed, WooCommerce 10
    item = shop.new(regular_price="5.25")
    answer = shop.ask("PUT", f"/products/{item['id']}", {"regular_price": 6.25})
    assert answer.status_code == 400
    assert answer.json()["data"]["params"] == {"regular_price": "regular_price is not of type string."}
    assert shop.get(item["id"])["regular_price"] == "5.25"


def test_prices_come_back_as_texts_with_all_their_decimals(shop):  # observed, WooCommerce 10
    item = shop.new(regular_price="12.3456")
    assert (item["price"], item["regular_price"], item["sale_price"]) == ("12.3456", "12.3456", "")


def test_a_sale_price_is_the_price(shop):
    item = shop.new(regular_price="10.00", sale_price="8.00")
    assert (item["price"], item["on_sale"]) == ("8.00", True)


def test_a_product_without_a_price_has_empty_prices(shop):
    assert (shop.new(regular_price="")["price"], shop.new(regular_price="")["purchasable"]) == ("", False)


def test_a_value_outside_its_list_is_refused(shop, managed):
    assert shop.refused("PUT", f"/products/{managed}", {"status": "shiny"}) == (400, "rest_invalid_param")
    assert shop.refused("PUT", f"/products/{managed}", {"backorders": "maybe"}) == (400, "rest_invalid_param")


def test_names_the_shop_does_not_know_are_ignored(shop, managed):
    item = shop.put(managed, colour="red", price="1.00", id=1, date_modified="2001-01-01T00:00:00")
    assert (item["id"], item["price"]) == (managed, "5.00")
    assert "colour" not in item
