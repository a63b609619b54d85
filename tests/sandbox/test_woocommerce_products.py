"""Single products: creating, SKUs, deleting, and writing in parallel."""

import re

import pytest

SPREAD = 19643  # the first eight draws of this seed lie furthest apart, so the order of finishing is beyond doubt


def test_a_created_product_answers_201_and_where_it_is(shop):
    answer = shop.ask("POST", "/products", {"name": "Fresh"})
    assert answer.status_code == 201
    assert answer.headers["Location"].endswith(f"/wp-json/wc/v3/products/{answer.json()['id']}")


def test_a_product_carries_the_fields_connectors_read(shop):
    item = shop.new(description="text", global_unique_id="4006381333931")
    wanted = {
        "id",
        "name",
        "slug",
        "type",
        "status",
        "sku",
        "global_unique_id",
        "description",
        "regular_price",
        "price",
    }
    wanted |= {"manage_stock", "stock_quantity", "stock_status", "backorders", "parent_id", "variations", "images"}
    wanted |= {"date_created", "date_created_gmt", "date_modified", "date_modified_gmt", "meta_data", "_links"}
    assert wanted <= set(item)
    assert (item["type"], item["status"], item["parent_id"], item["variations"]) == ("simple", "publish", 0, [])


def test_images_get_an_id_of_their_own(shop):
    item = shop.new(images=[{"src": "https://img.example/a.jpg", "alt": "front"}])
    image = item["images"][0]
    assert (image["src"], image["alt"]) == ("https://img.example/a.jpg", "front")
    again = shop.put(item["id"], images=[{"id": image["id"], "src": image["src"]}])
    assert again["images"][0]["id"] == image["id"]


def test_a_slug_is_made_from_the_name_and_is_never_shared(shop):
    first, second = shop.new(name="Grüner Tisch"), shop.new(name="Grüner Tisch")
    assert (first["slug"], second["slug"]) == ("gruner-tisch", "gruner-tisch-2")
    assert re.fullmatch(r"(%[0-9a-f]{2})+", shop.new(name="木製")["slug"])


def test_a_new_name_keeps_the_slug(shop):
    item = shop.new(name="Kept slug")
    assert shop.put(item["id"], name="Other name")["slug"] == "kept-slug"
    assert shop.put(item["id"], slug="wanted")["slug"] == "wanted"


def test_a_second_product_of_one_sku_is_refused_with_the_first_ones_id(shop):  # observed, WooCommerce 11
    first = shop.new()
    answer = shop.ask("POST", "/products", {"name": "Again", "sku": first["sku"]})
    assert (answer.status_code, answer.json()["code"]) == (400, "product_invalid_sku")
    assert answer.json()["data"]["resource_id"] == first["id"]


def test_an_update_to_another_products_sku_is_refused_and_changes_nothing(shop):  # observed, WooCommerce 11
    first, second = shop.new(), shop.new(name="Second")
    answer = shop.ask("PUT", f"/products/{second['id']}", {"name": "Changed", "sku": first["sku"]})
    assert answer.json()["code"] == "product_invalid_sku"
    assert answer.json()["data"]["resource_id"] == first["id"]
    assert shop.get(second["id"])["name"] == "Second"


def test_a_product_may_be_sent_its_own_sku(shop):
    item = shop.new()
    assert shop.put(item["id"], sku=item["sku"])["sku"] == item["sku"]


def test_many_products_may_have_no_sku(shop):
    assert shop.new(sku="")["sku"] == shop.new(sku="")["sku"] == ""


def test_a_barcode_is_not_shared_either(shop):
    first = shop.new(global_unique_id="9780201379624")
    answer = shop.ask("POST", "/products", {"name": "Again", "global_unique_id": "9780201379624"})
    assert answer.json()["code"] == "product_invalid_global_unique_id"
    assert answer.json()["data"]["resource_id"] == first["id"]


def test_a_freed_sku_can_be_taken(shop):
    item = shop.new(sku="FREED")
    shop.put(item["id"], sku="MOVED")
    assert shop.new(sku="FREED")["id"] != item["id"]


@pytest.mark.parametrize(("method", "status"), [("GET", 404), ("PUT", 400), ("DELETE", 404)])
def test_an_unknown_id_is_refused(shop, method, status):
    body = {"name": "x"} if method == "PUT" else None
    assert shop.refused(method, "/products/999999", body) == (status, "woocommerce_rest_product_invalid_id")


def test_an_unknown_route_is_refused(shop):
    assert shop.refused("GET", "/nothing") == (404, "rest_no_route")
    assert shop.refused("DELETE", "/products") == (404, "rest_no_route")


def test_a_body_that_is_not_json_is_refused(shop):
    url, _ = shop.signed("POST", "/products")
    answer = shop.http.post(url, content=b"{")
    assert (answer.status_code, answer.json()["code"]) == (400, "rest_invalid_json")


def test_the_trash_hides_a_product_from_lists_and_sku_search(shop):  # observed, WooCommerce 12
    item = shop.new(name="Thrown away")
    shop.call("DELETE", f"/products/{item['id']}")
    assert shop.call("GET", "/products", include=item["id"]) == []
    assert shop.call("GET", "/products", sku=item["sku"]) == []
    trashed = shop.call("GET", "/products", status="trash", include=item["id"])
    assert [(row["id"], row["status"], row["slug"]) for row in trashed] == [
        (item["id"], "trash", "thrown-away__trashed")
    ]


def test_a_deletion_never_shows_in_modified_after(shop):  # observed, WooCommerce 12
    kept, thrown, gone = shop.new(), shop.new(), shop.new()
    shop.standin.control("clock", advance=5)
    shop.call("DELETE", f"/products/{thrown['id']}")
    shop.call("DELETE", f"/products/{gone['id']}", force="true")
    query = {"modified_after": kept["date_modified_gmt"], "dates_are_gmt": "true"}
    assert shop.call("GET", "/products", **query) == []


def test_a_trashed_product_can_still_be_read_by_id(shop):
    item = shop.new()
    shop.call("DELETE", f"/products/{item['id']}")
    assert shop.get(item["id"])["status"] == "trash"


def test_a_trashed_products_sku_is_free_for_another(shop):
    item = shop.new()
    shop.call("DELETE", f"/products/{item['id']}")
    assert shop.new(sku=item["sku"])["id"] != item["id"]


def test_a_trashed_product_comes_back_with_its_slug(shop):
    item = shop.new(name="Comes back")
    shop.call("DELETE", f"/products/{item['id']}")
    assert shop.put(item["id"], status="publish")["slug"] == "comes-back"


def test_trashing_twice_is_refused(shop):
    item = shop.new()
    shop.call("DELETE", f"/products/{item['id']}")
    assert shop.refused("DELETE", f"/products/{item['id']}") == (410, "woocommerce_rest_already_trashed")


def test_force_deletes_for_good(shop):  # observed, WooCommerce 12
    item = shop.new()
    assert shop.call("DELETE", f"/products/{item['id']}", force="true")["id"] == item["id"]
    assert shop.ask("GET", f"/products/{item['id']}").status_code == 404
    assert shop.call("GET", "/products", status="trash", include=item["id"]) == []


def test_of_parallel_puts_the_last_to_finish_wins_and_a_reply_echoes_another(
    shop, together
):  # observed, WooCommerce 15
    number = shop.new(manage_stock=True, stock_quantity=0)["id"]
    shop.standin.faults(latency_ms=40, jitter_ms=400, seed=SPREAD)
    finished = together(lambda n: shop.ask("PUT", f"/products/{number}", {"stock_quantity": n}), range(1, 9))
    shop.standin.faults()
    assert {answer.status_code for _, answer in finished} == {200}
    assert shop.get(number)["stock_quantity"] == finished[-1][0]
    assert any(answer.json()["stock_quantity"] != sent for sent, answer in finished)
