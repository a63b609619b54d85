"""Batches: one outcome per item inside a 200."""

import pytest


def test_a_hundred_items_are_taken_and_no_more(shop):  # observed, WooCommerce 8
    before = int(shop.ask("GET", "/products").headers["X-WP-Total"])
    many = [{"name": f"Batch {number}"} for number in range(101)]
    answer = shop.ask("POST", "/products/batch", {"create": many})
    assert (answer.status_code, answer.json()["code"]) == (413, "woocommerce_rest_request_entity_too_large")
    assert int(shop.ask("GET", "/products").headers["X-WP-Total"]) == before
    assert len(shop.batch(create=many[:100])["create"]) == 100


def test_the_limit_counts_all_kinds_together(shop):  # observed, WooCommerce 8
    steps = {"create": [{}] * 40, "update": [{"id": 1}] * 40, "delete": [1] * 21}
    assert shop.ask("POST", "/products/batch", steps).status_code == 413


def test_a_bad_item_is_an_error_in_its_place_and_stops_nothing(shop):  # observed, WooCommerce 8
    taken, item = shop.new(), shop.new()
    updates = [{"id": 999999, "name": "x"}, {"id": item["id"], "name": "fine"}, {"id": item["id"], "sku": taken["sku"]}]
    rows = shop.batch(update=updates)["update"]
    assert rows[0] == {
        "id": 999999,
        "error": {"code": "woocommerce_rest_product_invalid_id", "message": "Invalid ID.", "data": {"status": 400}},
    }
    assert rows[1]["name"] == "fine"
    assert (rows[2]["id"], rows[2]["error"]["code"]) == (item["id"], "product_invalid_sku")
    assert rows[2]["error"]["data"]["resource_id"] == taken["id"]


def test_a_refused_create_has_no_id(shop):  # observed, WooCommerce 8
    taken = shop.new()
    row = shop.batch(create=[{"name": "x", "sku": taken["sku"]}])["create"][0]
    assert (row["id"], row["error"]["data"]["resource_id"]) == (0, taken["id"])


def test_two_creates_of_one_sku_make_one_product(shop):
    first, second = shop.batch(create=[{"sku": "TWIN"}, {"sku": "TWIN"}])["create"]
    assert second["error"]["data"]["resource_id"] == first["id"]


@pytest.mark.parametrize("values", [{"stock_quantity": ""}, {"stock_quantity": 2.5}, {"regular_price": 5.25}])
def test_a_value_of_the_wrong_type_is_refused_for_its_item_only(shop, values):  # observed, WooCommerce 10
    item = shop.new()
    rows = shop.batch(update=[{"id": item["id"], **values}, {"id": item["id"], "name": "fine"}])["update"]
    assert rows[0]["error"]["code"] == "rest_invalid_param"
    assert rows[1]["name"] == "fine"


def test_of_an_id_that_stands_twice_the_last_wins(shop):  # observed, WooCommerce 8
    number = shop.new(manage_stock=True, stock_quantity=0)["id"]
    rows = shop.batch(update=[{"id": number, "stock_quantity": 3}, {"id": number, "stock_quantity": 8}])["update"]
    assert [row["stock_quantity"] for row in rows] == [3, 8]
    assert shop.get(number)["stock_quantity"] == 8


def test_the_three_kinds_run_in_one_request(shop):
    item, doomed = shop.new(), shop.new()
    answer = shop.batch(create=[{"name": "New"}], update=[{"id": item["id"], "name": "Up"}], delete=[doomed["id"]])
    assert [answer[kind][0]["name"] for kind in ("create", "update", "delete")] == ["New", "Up", "Test"]
    assert shop.ask("GET", f"/products/{doomed['id']}").status_code == 404


def test_deleting_what_is_gone_is_an_item_error(shop):
    row = shop.batch(delete=[999999])["delete"][0]
    assert row["error"]["code"] == "woocommerce_rest_product_invalid_id"


def test_an_item_without_an_id_is_an_item_error(shop):
    row = shop.batch(update=[{"name": "nobody"}])["update"][0]
    assert (row["id"], row["error"]["code"]) == (0, "woocommerce_rest_product_invalid_id")


def test_kinds_that_were_not_sent_are_not_answered(shop):
    assert list(shop.batch(create=[{"name": "Only"}])) == ["create"]
    assert shop.batch() == {}
