"""Orders that cannot be used as they are: each is stopped under its own key, with a reason that names what is wrong."""

import json
from importlib.resources import files

import pytest

from pullpush_dagster.sandbox.customers import SHARED

PUSH = "orders_to_erp"


@pytest.fixture
def shop(trade):
    """A world whose shops' orders were all sent, so that what comes is what a test makes."""
    trade.sync(PUSH)
    assert told(trade) == []
    return trade


def order(world, product, **values):
    """The number of a new order over one unit of ``product``."""
    line = {"product_id": product, "quantity": 1}
    return world.shop.control("order", create={"status": "processing", "line_items": [line], **values})["id"]


def product(world, sku=None, in_erp=0):
    """The id of a new item of the shop, of which the ERP has ``in_erp``."""
    for number in range(in_erp):
        world.erp.control("product", create={"default_code": sku, "name": f"{sku} {number}"})
    item = {"name": "New", "type": "simple", "regular_price": "3.00", **({"sku": sku} if sku else {})}
    return world.shop.control("product", create=item)["id"]


def told(world):
    """(order, state, reason) of everything in the outbox."""
    rows = world.rows("SELECT key, state, reason FROM outbox WHERE push = ? ORDER BY ALL", PUSH)
    return [(json.loads(key)["orderId"], state, reason) for key, state, reason in rows]


def references(world):
    """The shop's orders that the ERP has."""
    return [row["client_order_ref"] for row in world.erp.state()["orders"] if row["client_order_ref"]]


# Each is stopped, and says why.


def test_an_order_for_an_unknown_product_waits_and_names_the_sku(shop):
    number = order(shop, product(shop, "ONLY-HERE"))
    shop.sync(PUSH)
    assert told(shop) == [(f"shop:{number}", "waiting", "erp has no product ONLY-HERE")]


def test_an_order_for_a_sku_of_two_products_is_rejected_and_names_the_sku(shop):
    number = order(shop, product(shop, "TWIN", in_erp=2))
    shop.sync(PUSH)
    assert told(shop) == [(f"shop:{number}", "dead", "erp has 2 of product TWIN")]


def test_an_order_with_a_line_without_sku_is_rejected_and_names_the_line(shop):
    number = order(shop, product(shop))
    line = next(one for one in shop.shop.state()["orders"] if one["id"] == number)["line_items"][0]["id"]
    shop.sync(PUSH)
    reason = f"lineItems.sku of line {line} is unknown, so its product cannot be told"
    assert told(shop) == [(f"shop:{number}", "dead", reason)]


def test_an_order_of_a_customer_the_erp_has_twice_is_rejected(shop):
    number = order(shop, product(shop, "FINE", in_erp=1), billing={"email": SHARED.email.title()})
    shop.sync(PUSH)
    assert told(shop) == [(f"shop:{number}", "dead", "erp has 2 of customer with this customer.email")]


def test_the_customers_email_is_in_no_reason(shop):
    order(shop, product(shop, "FINE", in_erp=1), billing={"email": SHARED.email.title()})
    shop.sync(PUSH)
    reasons = shop.rows("SELECT reason || coalesce(answer, '') FROM receipts WHERE reason IS NOT NULL") + shop.rows(
        "SELECT reason FROM outbox"
    )
    assert len(reasons) > 1
    assert [text for (text,) in reasons if SHARED.email.split("@")[1] in text.lower()] == []


@pytest.fixture
def without_processing(trade):
    """A world whose map does not know the status of a paid order."""
    text = (files("pullpush_dagster.connectors") / "woocommerce.yaml").read_text(encoding="utf-8")
    assert "processing: paid, " in text
    own = trade.project.root / "resources" / "connectors" / "woocommerce.yaml"
    own.write_text(text.replace("processing: paid, ", ""), encoding="utf-8")
    trade.sync(PUSH)
    return trade


def test_an_order_of_an_unknown_status_is_set_aside_by_its_number(without_processing):
    world = without_processing
    number = order(world, product(world, "FINE", in_erp=1))
    world.sync(PUSH)
    ((connection, name, key, reasons),) = world.rows("SELECT connection, name, key, reasons FROM quarantine")
    assert (connection, name, json.loads(key)) == ("shop", "order", {"orderId": str(number)})
    assert reasons == ["status: is none of pending, on-hold, completed, cancelled, refunded, failed"]


def test_an_order_of_an_unknown_status_is_not_sent(without_processing):
    world = without_processing
    order(world, product(world, "FINE", in_erp=1))
    world.sync(PUSH)
    assert (told(world), references(world)) == ([], [])


# None stops another, and each goes on once it is mended.


def test_a_stopped_order_does_not_stop_the_others(shop):
    order(shop, product(shop, "ONLY-HERE"))
    order(shop, product(shop, "TWIN", in_erp=2))
    order(shop, product(shop))
    good = order(shop, product(shop, "FINE", in_erp=1))
    shop.sync(PUSH)
    assert references(shop) == [f"shop:{good}"]


def test_a_waiting_order_is_sent_when_the_product_is_there(shop):
    number = order(shop, product(shop, "ONLY-HERE"))
    shop.sync(PUSH)
    shop.erp.control("product", create={"default_code": "ONLY-HERE", "name": "Now here"})
    shop.push(PUSH)
    assert (told(shop), references(shop)) == ([], [f"shop:{number}"])


def test_a_rejected_order_is_sent_when_it_is_mended(shop):
    number = order(shop, product(shop, "FINE", in_erp=1), billing={"email": SHARED.email})
    shop.sync(PUSH)
    shop.shop.control("order", id=number, set={"billing": {"email": "one@only.example"}})
    shop.sync(PUSH)
    assert (told(shop), references(shop)) == ([], [f"shop:{number}"])


def test_an_order_of_an_unknown_status_is_sent_when_it_has_a_known_one(without_processing):
    world = without_processing
    number = order(world, product(world, "FINE", in_erp=1))
    world.sync(PUSH)
    world.shop.control("order", id=number, set={"status": "completed"})
    world.sync(PUSH)
    assert (told(world), references(world)) == ([], [f"shop:{number}"])
    assert world.rows("SELECT * FROM quarantine") == []
