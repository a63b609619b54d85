"""Variations: their own routes, and what they share with their parent."""

import pytest


@pytest.fixture
def parent(shop):
    return shop.new(type="variable", regular_price="")


@pytest.fixture
def child(shop, parent):
    sku = f"{parent['sku']}-S"
    return shop.call("POST", f"/products/{parent['id']}/variations", {"sku": sku, "regular_price": "7.00"})


def route(parent, child):
    return f"/products/{parent['id']}/variations/{child['id']}"


def test_an_update_moves_the_parents_date(shop, parent, child):  # observed, WooCommerce 7
    shop.standin.control("clock", advance=5)
    before = shop.get(parent["id"])["date_modified_gmt"]
    after = shop.call("PUT", route(parent, child), {"manage_stock": True, "stock_quantity": 2})["date_modified_gmt"]
    assert shop.get(parent["id"])["date_modified_gmt"] == after > before


def test_a_variation_is_not_in_the_products_list(shop, parent, child):  # observed, WooCommerce 7
    rows = shop.call("GET", "/products", include=f"{parent['id']},{child['id']}")
    assert [row["id"] for row in rows] == [parent["id"]]
    assert rows[0]["variations"] == [child["id"]]


def test_a_variation_is_found_by_its_sku(shop, parent, child):  # observed, WooCommerce 7
    rows = shop.call("GET", "/products", sku=child["sku"])
    assert [(row["id"], row["type"], row["parent_id"]) for row in rows] == [(child["id"], "variation", parent["id"])]


def test_all_variations_are_listed_across_products(shop, parent, child):  # observed, WooCommerce 7
    rows = shop.call("GET", "/variations", per_page=100)
    assert child["id"] in [row["id"] for row in rows]
    assert {row["type"] for row in rows} == {"variation"}


def test_a_parents_variations_are_listed(shop, parent, child):
    rows = shop.call("GET", f"/products/{parent['id']}/variations")
    assert [row["id"] for row in rows] == [child["id"]]
    assert shop.call("GET", f"/products/{parent['id']}/variations", sku="NOPE") == []


def test_the_parents_stock_stands_for_a_variation_without_its_own(shop, parent, child):
    assert (child["manage_stock"], child["stock_quantity"]) == (False, None)
    shop.put(parent["id"], manage_stock=True, stock_quantity=6)
    row = shop.call("GET", route(parent, child))
    assert (row["manage_stock"], row["stock_quantity"]) == ("parent", 6)
    row = shop.call("PUT", route(parent, child), {"stock_quantity": 2})
    assert (row["manage_stock"], row["stock_quantity"]) == ("parent", 6)


def test_a_variation_manages_its_own_stock_once_told_so_and_back(shop, parent, child):
    shop.put(parent["id"], manage_stock=True, stock_quantity=6)
    row = shop.call("PUT", route(parent, child), {"manage_stock": True, "stock_quantity": 2})
    assert (row["manage_stock"], row["stock_quantity"]) == (True, 2)
    row = shop.call("PUT", route(parent, child), {"manage_stock": "parent"})
    assert (row["manage_stock"], row["stock_quantity"]) == ("parent", 6)


def test_a_null_wipes_a_variations_stock_on_the_direct_route_only(shop, parent, child):  # observed, WooCommerce 1
    one = {"manage_stock": True, "stock_quantity": 5}
    shop.call("PUT", route(parent, child), one)
    path = f"/products/{parent['id']}/variations/batch"
    row = shop.batch(path, update=[{"id": child["id"], "stock_quantity": None}])["update"][0]
    assert row["stock_quantity"] == 5
    assert shop.call("PUT", route(parent, child), {"stock_quantity": None})["stock_quantity"] == 0


def test_the_products_routes_refuse_a_variation(shop, child):
    answer = shop.ask("PUT", f"/products/{child['id']}", {"stock_quantity": 1})
    assert (answer.status_code, answer.json()["code"]) == (404, "woocommerce_rest_invalid_product_id")
    row = shop.batch(update=[{"id": child["id"], "stock_quantity": 1}])["update"][0]
    assert row["error"]["code"] == "woocommerce_rest_invalid_product_id"


def test_a_variations_sku_is_unique_among_products(shop, parent, child):  # observed, WooCommerce 11
    answer = shop.ask("POST", "/products", {"name": "x", "sku": child["sku"]})
    assert answer.json()["data"]["resource_id"] == child["id"]


def test_a_batch_of_variations_reports_each(shop, parent, child):  # observed, WooCommerce 8
    path = f"/products/{parent['id']}/variations/batch"
    answer = shop.batch(path, create=[{"regular_price": "1.00"}], update=[{"id": 1}], delete=[child["id"]])
    assert answer["create"][0]["parent_id"] == parent["id"]
    assert answer["update"][0]["error"]["code"] == "woocommerce_rest_product_variation_invalid_id"
    assert answer["delete"][0]["id"] == child["id"]
    assert shop.get(parent["id"])["variations"] == [answer["create"][0]["id"]]


def test_a_variation_of_another_product_is_not_found(shop, child):
    other = shop.new(type="variable")
    path = f"/products/{other['id']}/variations/{child['id']}"
    assert shop.refused("GET", path) == (404, "woocommerce_rest_product_variation_invalid_id")
    assert shop.refused("GET", "/products/999999/variations") == (404, "woocommerce_rest_product_invalid_id")


def test_deleting_the_parent_deletes_its_variations(shop, parent, child):
    shop.call("DELETE", f"/products/{parent['id']}", force="true")
    assert shop.call("GET", "/products", sku=child["sku"]) == []
    assert shop.ask("GET", f"/products/{child['id']}").status_code == 404


def test_trashing_a_variation_takes_it_out_of_the_sku_search(shop, parent, child):
    shop.call("DELETE", route(parent, child))
    assert shop.call("GET", "/products", sku=child["sku"]) == []
    assert shop.call("GET", route(parent, child))["status"] == "trash"


def test_a_variation_shows_one_image_and_none_of_the_parents_fields(shop, parent):
    body = {"images": [{"src": "https://img.example/v.jpg"}]}
    row = shop.call("POST", f"/products/{parent['id']}/variations", body)
    assert row["image"]["src"] == "https://img.example/v.jpg"
    assert not {"images", "variations", "categories", "short_description", "slug"} & set(row)
