"""Control commands of orders: many plausible ones, what becomes of them, and single ones."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from pullpush_dagster.sandbox import woocommerce
from pullpush_dagster.sandbox.customers import CUSTOMERS, SHARED
from pullpush_dagster.sandbox.seed import items
from pullpush_dagster.sandbox.server import Settings

STAMPS = dict.fromkeys(("date_modified", "date_modified_gmt"))
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


def build(name="shop", skus=2000):
    return woocommerce.build(Settings(skus, 7, NOW, {"key": "k", "secret": "s"}, name))


def ordered(platform, **order):
    """The orders that one command made, as the shop holds them."""
    made = set(platform.commands["orders"](order)["orders"])
    return [order for order in platform.state()["orders"] if order["id"] in made]


@pytest.fixture(scope="module")
def many():
    """A thousand orders of one shop, and the shop."""
    platform = build()
    platform.clock.steer({"freeze": True})
    return platform, ordered(platform, n=1000, seed=1)


def lines(orders):
    return [line for order in orders for line in order["line_items"]]


def without_stamps(orders):
    return [order | STAMPS for order in orders]


def share(orders, test):
    return sum(map(test, orders)) / len(orders)


def test_a_shop_starts_without_orders():
    assert build().state()["orders"] == []


def test_they_hold_managed_products_under_skus_of_the_erp(many):
    erp = {item.sku for item in items(2000, 7, NOW) if item.active and item.shop and item.shop.quantity}
    assert {line["sku"] for line in lines(many[1])} <= erp


def test_they_have_one_to_three_lines_of_one_to_three_units(many):
    assert {len({line["sku"] for line in order["line_items"]}) for order in many[1]} == {1, 2, 3}
    assert {line["quantity"] for line in lines(many[1])} == {1, 2, 3}


def test_one_in_twenty_has_a_sku_on_two_lines(many):
    assert 0.02 < share(many[1], lambda order: len({x["sku"] for x in lines([order])}) < len(lines([order]))) < 0.09


def test_one_in_eight_has_no_email_and_no_customer(many):
    guests = [order for order in many[1] if order["billing"]["email"] == ""]
    assert 0.08 < len(guests) / 1000 < 0.17
    assert {order["customer_id"] for order in guests} == {0}


def test_emails_come_from_the_pool_sometimes_in_mixed_case(many):
    emails = {order["billing"]["email"] for order in many[1]} - {""}
    pool = {customer.email for customer in (*CUSTOMERS, SHARED)}
    assert {email.lower() for email in emails} == pool
    assert emails - pool


def test_the_email_of_two_partners_is_rare(many):
    assert 0.002 < share(many[1], lambda order: order["billing"]["email"].lower() == SHARED.email) < 0.025


def test_a_customer_has_one_account(many):
    accounts = {}
    for order in many[1]:
        if order["customer_id"]:
            accounts.setdefault(order["customer_id"], set()).add(order["billing"]["email"].lower())
    assert len(accounts) >= 10
    assert {len(emails) for emails in accounts.values()} == {1}


def test_most_are_processing_and_none_is_refunded(many):
    statuses = Counter(order["status"] for order in many[1])
    assert set(statuses) == {"processing", "pending", "on-hold", "completed", "cancelled", "failed"}
    assert statuses["processing"] > 500


def test_some_lines_do_not_divide(many):
    bargains = [line for line in lines(many[1]) if (line["quantity"], line["total"]) == (3, "10.00")]
    assert bargains
    assert all(float(line["subtotal"]) > 10 for line in bargains)


def test_some_have_shipping_and_some_a_note(many):
    assert 0.2 < share(many[1], lambda order: order["shipping_total"] == "4.90") < 0.4
    assert 0.1 < share(many[1], lambda order: order["customer_note"] != "") < 0.2


def test_the_same_seed_makes_the_same_orders():
    first, second = build(), build()
    for platform in (first, second):
        platform.clock.steer({"freeze": True})
    made = [ordered(platform, n=30, seed=5, days=3) for platform in (first, second)]
    assert without_stamps(made[0]) == without_stamps(made[1])


def test_another_seed_makes_others():
    first, second = (ordered(build(), n=10, seed=seed) for seed in (1, 2))
    assert [order["billing"] for order in first] != [order["billing"] for order in second]


def test_without_days_they_are_made_now(many):
    platform, orders = many
    now = platform.clock.now().strftime("%Y-%m-%dT%H:%M:%S")
    assert {order["date_created_gmt"] for order in orders} == {now}


def test_with_days_every_day_before_today_has_one():
    platform = build()
    orders = ordered(platform, n=14, seed=1, days=14)
    today = platform.clock.now().date()
    dates = [datetime.fromisoformat(order["date_modified_gmt"]).date() for order in orders]
    assert dates == [today - timedelta(days=back) for back in range(14, 0, -1)]
    assert all(order["date_created_gmt"] == order["date_modified_gmt"] for order in orders)


def test_sold_out_in_mid_command_it_sells_on():
    platform = build(skus=60)
    assert len(ordered(platform, n=300)) == 300
    assert min(item["stock_quantity"] or 0 for item in platform.state()["products"]) < 0


def test_a_shop_without_stock_makes_no_orders():
    platform = build(skus=20)
    for item in platform.state()["products"]:
        platform.commands["product"]({"id": item["id"], "set": {"manage_stock": False}})
    with pytest.raises(ValueError, match="no managed stock"):
        platform.commands["orders"]({"n": 1})


@pytest.fixture
def traded():
    """A shop with 40 orders, and what 30 moves said of themselves."""
    platform = build()
    before = {order["id"]: order for order in ordered(platform, n=40, seed=3)}
    told = platform.commands["moves"]({"n": 30, "seed": 3})
    return before, told, {order["id"]: order for order in platform.state()["orders"]}


def test_moves_change_exactly_the_orders_they_name(traded):
    before, told, after = traded
    changed = {number for number in before if before[number] | STAMPS != after[number] | STAMPS}
    assert changed == set(told["orders"])
    assert len(changed) == 30


def test_moves_take_the_next_status(traded):
    steps = {(step["before"], step["after"]) for step in traded[1]["how"] if step["kind"] == "status"}
    assert steps <= {
        ("pending", "processing"),
        ("on-hold", "processing"),
        ("processing", "completed"),
        ("processing", "cancelled"),
        ("processing", "refunded"),
    }
    assert ("processing", "completed") in steps


def test_moves_edit_quantities_at_the_same_price():
    platform = build()
    product = next(item for item in platform.state()["products"] if item["regular_price"])
    for _ in range(10):
        platform.commands["order"]({"create": {"line_items": [{"product_id": product["id"], "quantity": 2}]}})
    told = platform.commands["moves"]({"n": 10, "seed": 1})
    edits = [step for step in told["how"] if step["kind"] == "quantity"]
    orders = {order["id"]: order for order in platform.state()["orders"]}
    assert edits
    for edit in edits:
        line = orders[edit["id"]]["line_items"][0]
        assert (edit["before"], edit["after"]) == (2, line["quantity"])
        assert line["price"] == pytest.approx(float(product["regular_price"]))


def test_fewer_open_orders_than_moves_are_all_moved():
    platform = build()
    platform.commands["order"]({"create": {"status": "processing"}})
    assert len(platform.commands["moves"]({"n": 9})["orders"]) == 1
    assert build().commands["moves"]({"n": 9})["orders"] == []


def test_one_order_is_made_in_the_past(shop):
    stamps = {"date_created_gmt": "2026-10-02T08:00:00", "date_modified_gmt": "2026-10-03T09:00:00Z"}
    number = shop.standin.control("order", create={"customer_note": "old", **stamps})["id"]
    order = shop.call("GET", f"/orders/{number}")
    assert (order["date_created_gmt"], order["date_modified_gmt"]) == ("2026-10-02T08:00:00", "2026-10-03T09:00:00")
    assert order["customer_note"] == "old"


def test_one_order_is_changed_trashed_and_deleted(shop):
    number = shop.order()["id"]
    shop.standin.control("order", id=number, set={"status": "on-hold"})
    assert shop.call("GET", f"/orders/{number}")["status"] == "on-hold"
    shop.standin.control("order", id=number, trash=True)
    assert shop.call("GET", f"/orders/{number}")["status"] == "trash"
    shop.standin.control("order", id=number, delete=True)
    assert shop.ask("GET", f"/orders/{number}").status_code == 404


@pytest.mark.parametrize("order", [{"id": 999_999, "set": {}}, {}, {"create": {"status": "shiny"}}])
def test_an_order_that_does_not_fit_is_refused(shop, order):
    with pytest.raises(ValueError, match="Error"):
        shop.standin.control("order", **order)


def test_the_state_holds_orders_and_whether_they_took_stock(shop):
    number = shop.order(status="processing")["id"]
    kept = next(order for order in shop.standin.state()["orders"] if order["id"] == number)
    assert (kept["status"], kept["stock_reduced"]) == ("processing", True)


def skus(platform):
    return {item["sku"] for item in platform.state()["products"] if item["sku"]}


def test_shops_of_other_names_hold_other_skus():
    shop, outlet = skus(build("shop")), skus(build("outlet"))
    assert len(outlet) == len(shop)
    assert {"SHOP-00001", "SHOP-V-1"} <= shop - outlet
    assert {"OUTLET-00001", "OUTLET-V-1"} <= outlet - shop
    erp = {item.sku for item in items(2000, 7, NOW)}
    assert outlet & erp != shop & erp


def test_a_lone_shop_is_seeded_alike_under_the_platforms_name():
    assert build("woocommerce").state() == build("shop").state() == build("").state()


def test_the_same_name_and_seed_give_the_same_shop():
    assert build("outlet").state() == build("outlet").state()


def test_ids_of_two_shops_overlap_and_their_orders_differ():
    first, second = (ordered(build(name), n=20, seed=1) for name in ("shop", "outlet"))
    assert [order["id"] for order in first] == [order["id"] for order in second]
    assert first[0]["line_items"][0]["id"] == second[0]["line_items"][0]["id"]
    assert [order["billing"] for order in first] != [order["billing"] for order in second]
    assert {order["order_key"] for order in first}.isdisjoint(order["order_key"] for order in second)
