"""One order over the API: its shape, its lines and what is refused."""

import pytest

BILLING = {
    "first_name": "Anna",
    "last_name": "Meyer",
    "company": "",
    "address_1": "",
    "address_2": "",
    "city": "",
    "state": "",
    "postcode": "",
    "country": "",
    "email": "anna@example.com",
    "phone": "",
}


@pytest.fixture
def item(shop):
    """A product at 5.00."""
    return shop.new(name="Lamp")


@pytest.fixture
def order(shop, item):
    """A pending order of two lamps."""
    return shop.order((item["id"], 2))


def line(order, number=0):
    return order["line_items"][number]


def test_a_new_order_is_pending_and_belongs_to_nobody(order):
    assert (order["status"], order["customer_id"], order["currency"]) == ("pending", 0, "EUR")
    assert order["number"] == str(order["id"])
    assert order["order_key"].startswith("wc_order_")
    assert (order["date_paid"], order["date_paid_gmt"], order["date_completed"]) == (None, None, None)


def test_a_line_takes_name_sku_and_price_from_the_product(order, item):
    expected = {"name": "Lamp", "sku": item["sku"], "product_id": item["id"], "variation_id": 0, "quantity": 2}
    assert expected.items() <= line(order).items()


def test_totals_are_texts_of_two_decimals(order):
    totals = {name: order[name] for name in ("total", "total_tax", "cart_tax", "discount_total", "shipping_total")}
    assert totals == {
        "total": "10.00",
        "total_tax": "0.00",
        "cart_tax": "0.00",
        "discount_total": "0.00",
        "shipping_total": "0.00",
    }
    assert (line(order)["total"], line(order)["subtotal_tax"]) == ("10.00", "0.00")


def test_a_price_is_a_number_that_need_not_come_out_even(shop, item):  # observed, WooCommerce 10
    order = shop.call("POST", "/orders", {"line_items": [{"product_id": item["id"], "quantity": 3, "total": "10.00"}]})
    assert line(order)["price"] == pytest.approx(10 / 3)
    assert isinstance(line(order)["price"], float)


def test_a_whole_price_has_no_fraction(order):
    assert line(order)["price"] == 5
    assert isinstance(line(order)["price"], int)


def test_a_discount_is_what_the_total_lacks_of_the_subtotal(shop, item):
    order = shop.call("POST", "/orders", {"line_items": [{"product_id": item["id"], "quantity": 3, "total": "12"}]})
    assert (line(order)["subtotal"], line(order)["total"]) == ("15.00", "12.00")
    assert (order["discount_total"], order["total"]) == ("3.00", "12.00")


def test_a_total_over_the_subtotal_raises_it(shop, item):
    order = shop.call("POST", "/orders", {"line_items": [{"product_id": item["id"], "total": "9.00"}]})
    assert line(order)["subtotal"] == "9.00"


def test_shipping_and_fees_add_to_the_total(shop, item):
    order = shop.order(
        (item["id"], 1),
        shipping_lines=[{"method_id": "flat_rate", "method_title": "Flat rate", "total": "4.90"}],
        fee_lines=[{"name": "Gift wrap", "total": "1.10"}],
    )
    assert (order["shipping_total"], order["total"]) == ("4.90", "11.00")
    assert (order["shipping_lines"][0]["method_title"], order["fee_lines"][0]["name"]) == ("Flat rate", "Gift wrap")


def test_an_address_has_every_part_and_empty_ones_are_empty_texts(shop):
    names = {name: BILLING[name] for name in ("first_name", "last_name", "email")}
    order = shop.order(billing=names)
    assert order["billing"] == BILLING
    assert set(order["shipping"]) == set(BILLING) - {"email"}
    assert order["customer_note"] == ""


def test_an_address_is_changed_part_by_part(shop):
    order = shop.order(billing={"first_name": "Anna", "last_name": "Meyer", "email": "anna@example.com"})
    changed = shop.call("PUT", f"/orders/{order['id']}", {"billing": {"city": "Köln"}})
    assert changed["billing"] == {**BILLING, "city": "Köln"}


def test_a_variation_stands_under_its_parent(shop):
    parent = shop.new(type="variable")
    child = shop.call("POST", f"/products/{parent['id']}/variations", {"regular_price": "7.00"})
    order = shop.order((parent["id"], 1))
    by_child = shop.call("POST", "/orders", {"line_items": [{"variation_id": child["id"]}]})
    assert (line(order)["product_id"], line(order)["variation_id"]) == (parent["id"], 0)
    assert (line(by_child)["product_id"], line(by_child)["variation_id"]) == (parent["id"], child["id"])


def test_a_line_may_be_ordered_by_sku(shop, item):
    order = shop.call("POST", "/orders", {"line_items": [{"sku": item["sku"], "quantity": 2}]})
    assert (line(order)["product_id"], order["total"]) == (item["id"], "10.00")


def test_the_sku_of_a_line_is_the_products_present_one(shop, order, item):
    shop.put(item["id"], sku=f"{item['sku']}-new")
    assert line(shop.call("GET", f"/orders/{order['id']}"))["sku"] == f"{item['sku']}-new"


def test_a_deleted_product_leaves_a_line_without_sku(shop, order, item):
    shop.call("DELETE", f"/products/{item['id']}", force="true")
    kept = line(shop.call("GET", f"/orders/{order['id']}"))
    assert (kept["sku"], kept["name"], kept["product_id"]) == (None, "Lamp", item["id"])


def test_an_unknown_product_leaves_a_line_without_one(shop):
    order = shop.order((999_999, 1))
    assert (line(order)["product_id"], line(order)["name"], line(order)["sku"]) == (0, "", None)


def test_a_quantity_alone_leaves_the_lines_total(shop, order):
    changes = {"line_items": [{"id": line(order)["id"], "quantity": 4}]}
    changed = shop.call("PUT", f"/orders/{order['id']}", changes)
    assert (line(changed)["quantity"], line(changed)["total"], line(changed)["price"]) == (4, "10.00", 2.5)


def test_a_quantity_of_zero_removes_the_line(shop, order):
    changed = shop.call("PUT", f"/orders/{order['id']}", {"line_items": [{"id": line(order)["id"], "quantity": 0}]})
    assert (changed["line_items"], changed["total"]) == ([], "0.00")


def test_a_null_product_removes_the_line(shop, order):
    changes = {"line_items": [{"id": line(order)["id"], "product_id": None}]}
    assert shop.call("PUT", f"/orders/{order['id']}", changes)["line_items"] == []


def test_a_line_without_id_is_added(shop, order, item):
    changed = shop.call("PUT", f"/orders/{order['id']}", {"line_items": [{"product_id": item["id"], "quantity": 1}]})
    assert [kept["quantity"] for kept in changed["line_items"]] == [2, 1]
    assert line(changed, 1)["id"] > line(changed)["id"]


def test_a_line_of_another_order_is_refused(shop, order, item):
    other = shop.order((item["id"], 1))
    changes = {"line_items": [{"id": line(other)["id"], "quantity": 3}]}
    assert shop.refused("PUT", f"/orders/{order['id']}", changes) == (400, "woocommerce_rest_invalid_item_id")


def test_a_refused_edit_changes_nothing(shop, order):
    lines = [{"id": line(order)["id"], "quantity": 9}, {"id": 999_999, "quantity": 1}]
    shop.refused("PUT", f"/orders/{order['id']}", {"customer_note": "x", "line_items": lines})
    assert shop.call("GET", f"/orders/{order['id']}") == order


@pytest.mark.parametrize(
    "body",
    [
        {"status": "shipped"},
        {"status": "trash"},
        {"customer_id": "many"},
        {"customer_note": 5},
        {"billing": "Anna"},
        {"billing": {"email": "nobody"}},
        {"billing": {"city": 5}},
        {"line_items": {}},
        {"line_items": [5]},
        {"line_items": [{"product_id": 11, "quantity": 2.5}]},
        {"line_items": [{"product_id": 11, "total": 10.0}]},
    ],
)
def test_a_value_of_the_wrong_type_is_refused(shop, body):
    assert shop.refused("POST", "/orders", body) == (400, "rest_invalid_param")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"line_items": [{"quantity": 1}]}, "woocommerce_rest_required_product_reference"),
        ({"shipping_lines": [{"total": "1.00"}]}, "woocommerce_rest_invalid_shipping_item"),
        ({"fee_lines": [{"total": "1.00"}]}, "woocommerce_rest_invalid_fee_item"),
        ({"coupon_lines": [{"code": "TEN"}]}, "woocommerce_rest_invalid_coupon"),
    ],
)
def test_a_line_without_what_names_it_is_refused(shop, body, code):
    assert shop.refused("POST", "/orders", body) == (400, code)


def test_computed_and_unknown_fields_are_ignored(shop, order):
    changed = shop.call("PUT", f"/orders/{order['id']}", {"total": "1.00", "number": "77", "colour": "red"})
    assert (changed["total"], changed["number"]) == ("10.00", order["number"])


def test_a_put_moves_the_date_also_when_nothing_changed(shop, order):
    shop.standin.control("clock", advance=3)
    changed = shop.call("PUT", f"/orders/{order['id']}", {"customer_note": ""})
    assert changed["date_modified_gmt"] > order["date_modified_gmt"]
    assert changed["date_created_gmt"] == order["date_created_gmt"]


def test_paying_makes_a_pending_order_a_processing_one(shop, order):
    paid = shop.call("PUT", f"/orders/{order['id']}", {"set_paid": True})
    assert paid["status"] == "processing"
    assert paid["date_paid_gmt"] is not None
    assert (order["needs_payment"], paid["needs_payment"]) == (True, False)


def test_a_refunded_order_carries_its_refund(shop, order):
    refunded = shop.call("PUT", f"/orders/{order['id']}", {"status": "refunded"})
    assert [(refund["total"], refund["reason"]) for refund in refunded["refunds"]] == [
        ("-10.00", "Order fully refunded.")
    ]
    assert refunded["total"] == "10.00"


@pytest.mark.parametrize(("status", "editable"), [("pending", True), ("on-hold", True), ("processing", False)])
def test_pending_and_held_orders_are_editable(shop, order, status, editable):
    assert shop.call("PUT", f"/orders/{order['id']}", {"status": status})["is_editable"] is editable


def test_a_customer_is_linked(shop, order):
    linked = shop.order(customer_id=7)["_links"]
    assert linked["customer"][0]["href"].endswith("/customers/7")
    assert "customer" not in order["_links"]


def test_deleting_moves_an_order_to_the_trash(shop, order):  # observed, WooCommerce 12
    path = f"/orders/{order['id']}"
    assert shop.call("DELETE", path)["id"] == order["id"]
    assert shop.call("GET", path)["status"] == "trash"
    assert shop.refused("DELETE", path) == (410, "woocommerce_rest_already_trashed")


def test_a_forced_delete_leaves_nothing(shop, order):  # observed, WooCommerce 12
    path = f"/orders/{order['id']}"
    shop.call("DELETE", path, force="true")
    assert shop.refused("GET", path) == (404, "woocommerce_rest_shop_order_invalid_id")
    assert shop.refused("PUT", path, {}) == (400, "woocommerce_rest_shop_order_invalid_id")
    assert shop.refused("DELETE", path) == (404, "woocommerce_rest_shop_order_invalid_id")


def test_a_created_order_says_where_it_is(shop):
    answer = shop.ask("POST", "/orders", {})
    assert answer.status_code == 201
    assert answer.headers["Location"] == answer.json()["_links"]["self"][0]["href"]


def test_a_batch_creates_updates_and_deletes(shop, order):
    other = shop.order()
    done = shop.batch(
        "/orders/batch",
        create=[{"customer_note": "new"}],
        update=[{"id": order["id"], "status": "processing"}],
        delete=[other["id"]],
    )
    assert done["create"][0]["customer_note"] == "new"
    assert done["update"][0]["status"] == "processing"
    assert shop.ask("GET", f"/orders/{other['id']}").status_code == 404


def test_a_refused_order_of_a_batch_stops_nothing(shop, order):  # observed, WooCommerce 8
    steps = [{"id": 999_999, "status": "processing"}, {"id": order["id"], "status": "x"}, {"id": order["id"]}]
    errors = [outcome.get("error", {}).get("code") for outcome in shop.batch("/orders/batch", update=steps)["update"]]
    assert errors == ["woocommerce_rest_shop_order_invalid_id", "rest_invalid_param", None]


def test_a_batch_takes_a_hundred_orders(shop):  # observed, WooCommerce 8
    code = (413, "woocommerce_rest_request_entity_too_large")
    assert shop.refused("POST", "/orders/batch", {"create": [{}] * 101}) == code


def test_orders_ask_for_the_key_as_products_do(shop):
    assert shop.http.get("/wp-json/wc/v3/orders").json()["code"] == "woocommerce_rest_cannot_view"


def test_faults_meet_orders_as_they_meet_products(shop):
    shop.standin.clear_stats()
    shop.standin.faults(error_after=1.0, path="/wp-json/wc/v3/orders", method="POST")
    before = shop.standin.about()["counts"]["orders"]
    assert shop.ask("POST", "/orders", {}).status_code == 500
    assert shop.standin.about()["counts"]["orders"] == before + 1
    assert shop.standin.stats() == {"POST /wp-json/wc/v3/orders": 1}
