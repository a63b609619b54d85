"""A page of WooCommerce orders, as its API writes it, read by the connector that is shipped."""

import datetime as dt
from decimal import Decimal

import pytest

from pullpush_dagster.connectors import load_connector

ADDRESS = {"first_name": "Zoë", "last_name": "O'Hare", "company": "", "address_1": "Rue 1", "address_2": "",
           "city": "Paris", "state": "", "postcode": "75001", "country": "FR", "phone": ""}  # fmt: skip
NOBODY = dict.fromkeys(ADDRESS, "")


def line(id_=1, total="10.00", quantity=3, **more):
    return {"id": id_, "name": "Cup", "sku": "A", "quantity": quantity, "total": total, "price": 3.3333333333} | more


def order(**more):
    """One order as the API gives it; its numbers are texts, its line's price a float."""
    usual = {
        "id": 42, "status": "processing", "currency": "EUR", "total": "17.10", "total_tax": "2.10",
        "shipping_total": "5.00", "discount_total": "0.00", "customer_id": 7, "customer_note": "ring twice",
        "date_created_gmt": "2026-11-01T08:00:00", "date_modified_gmt": "2026-11-01T09:30:00",
        "billing": {**ADDRESS, "email": "Zoe@x.example", "phone": "+331"}, "shipping": ADDRESS,
        "line_items": [line()],
    }  # fmt: skip
    return {**usual, **more}


@pytest.fixture
def orders(read):
    """Reads a page of orders."""
    connector = load_connector("woocommerce")
    shape = connector.shape("order")
    parts = {name: getattr(shape, name) for name in ("each", "external_id", "live", "false_is_empty", "skip")}
    fields = {
        name: mapped.model_dump(by_alias=True, exclude_unset=True)
        for name, mapped in connector.entity("order").canonical_map.items()
    }
    return lambda *natives: read("order", fields, list(natives), **parts)


def known(found):
    return {name: value for name, value in found.items() if value is not None}


def test_every_field_of_an_order_is_read(orders):
    (row,) = orders(order()).rows
    assert {name: row[name] for name in ("orderId", "status", "currency", "note")} == {
        "orderId": "42", "status": "paid", "currency": "EUR", "note": "ring twice",
    }  # fmt: skip
    assert row["createdAt"] == dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
    assert row["updatedAt"] == dt.datetime(2026, 11, 1, 9, 30, tzinfo=dt.UTC)
    assert (row["_cleared"], row["_externalId"]) == ([], '{"id":"42"}')


def test_its_money_is_what_the_texts_say(orders):
    (row,) = orders(order(total="12345678901234.5600", total_tax="0.10", discount_total="-0.01")).rows
    names = ("totalAmount", "taxAmount", "shippingAmount", "discountAmount")
    assert [str(row[name]) for name in names] == ["12345678901234.5600", "0.1000", "5.0000", "-0.0100"]


def test_a_unit_price_is_the_lines_total_over_its_quantity_and_never_its_float(orders):
    (row,) = orders(order()).rows
    assert row["lineItems"] == [
        {"lineId": "1", "sku": "A", "title": "Cup", "quantity": 3, "unitPrice": Decimal("3.3333"), "totalAmount": 10}
    ]


def test_a_line_of_no_quantity_has_no_price(orders):
    found = orders(order(line_items=[line(quantity=0, total="0.00")])).rows[0]["lineItems"]
    assert [(row["quantity"], row["unitPrice"]) for row in found] == [(0, None)]


def test_lines_are_in_the_order_of_their_ids_whatever_the_page_says(orders):
    there, back = orders(order(line_items=[line(1), line(2)])), orders(order(line_items=[line(2), line(1)]))
    assert there.rows == back.rows


def test_a_customer_is_told_by_the_bill(orders):
    (row,) = orders(order()).rows
    assert known(row["customer"]) == {"id": "7", "name": "Zoë O'Hare", "email": "Zoe@x.example", "phone": "+331"}
    assert known(row["billingAddress"]) == {
        "name": "Zoë O'Hare", "line1": "Rue 1", "city": "Paris", "postalCode": "75001", "country": "FR", "phone": "+331"
    }  # fmt: skip
    assert "phone" not in known(row["shippingAddress"])


def test_a_guest_has_no_id(orders):
    (row,) = orders(order(customer_id=0)).rows
    assert known(row["customer"]) == {"name": "Zoë O'Hare", "email": "Zoe@x.example", "phone": "+331"}


def test_an_order_that_says_nothing_of_its_customer_has_none(orders):
    found = orders(order(customer_id=0, billing={**NOBODY, "email": ""}, shipping=NOBODY))
    states = [found.state(name) for name in ("customer", "billingAddress", "shippingAddress")]
    assert states == ["unknown", "unknown", "unknown"]


def test_an_empty_note_clears_it_and_a_missing_one_is_unknown(orders):
    native = order()
    del native["customer_note"]
    assert (orders(order(customer_note="")).state("note"), orders(native).state("note")) == ("cleared", "unknown")


@pytest.mark.parametrize(
    ("native", "status"),
    [("pending", "pending"), ("on-hold", "pending"), ("processing", "paid"), ("completed", "fulfilled"),
     ("cancelled", "cancelled"), ("refunded", "refunded"), ("failed", "failed")],
)  # fmt: skip
def test_every_status_has_a_word_of_ours(orders, native, status):
    assert orders(order(status=native)).state("status") == status


def test_a_status_of_a_plugins_own_sets_the_order_aside(orders):
    found = orders(order(status="wc-packed"))
    assert list(found.faults) == ['{"orderId":"42"}']
    assert found.faults['{"orderId":"42"}'][0].startswith("status: is none of pending, on-hold")


def test_an_abandoned_checkout_is_no_order(orders):
    found = orders(order(status="checkout-draft"), order(id=43))
    assert ([row["orderId"] for row in found.rows], found.faults) == (["43"], {})


def test_one_bad_order_does_not_sink_its_page(orders):
    found = orders(order(line_items=[line(total="free")]), order(id=43))
    assert [row["orderId"] for row in found.rows] == ["43"]
    (reasons,) = found.faults.values()
    assert sorted(reason.partition(":")[0] for reason in reasons) == ["lineItems.totalAmount", "lineItems.unitPrice"]
