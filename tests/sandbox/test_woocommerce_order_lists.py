"""Lists of orders: filters, order, paging."""

from datetime import datetime, timedelta

import pytest


def moved(stamp, seconds):
    return (datetime.fromisoformat(stamp) + timedelta(seconds=seconds)).isoformat()


@pytest.fixture
def ids(shop):
    """The ids that a list of orders answers, those of this test's own customer only."""
    shop.customer = getattr(shop, "customer", 5000) + 1

    def ask(**params):
        rows = shop.call("GET", "/orders", **{"customer": shop.customer, "per_page": 100, **params})
        return [row["id"] for row in rows]

    return ask


@pytest.fixture
def place(shop, ids):
    """Places an order of this test's own customer; returns its id."""

    def make(**values):
        return shop.order(customer_id=shop.customer, **values)["id"]

    return make


def test_any_status_is_every_one_but_the_trash(shop, ids, place):
    one, two = place(status="failed"), place()
    shop.call("DELETE", f"/orders/{one}")
    assert ids() == ids(status="any") == [two]
    assert ids(status="trash") == [one]


def test_several_statuses_come_in_both_forms(shop, ids, place):
    pending, held, _ = place(), place(status="on-hold"), place(status="failed")
    assert set(ids(status="pending,on-hold")) == {pending, held}
    rows = shop.call("GET", f"/orders?customer={shop.customer}&status%5B%5D=pending&status%5B%5D=on-hold")
    assert {row["id"] for row in rows} == {pending, held}


def test_any_among_several_statuses_is_any(ids, place):
    one, two = place(), place(status="failed")
    assert set(ids(status="any,trash")) == {one, two}


def test_modified_after_excludes_the_very_second(shop, ids, place):  # observed, WooCommerce 3
    shop.standin.control("clock", advance=5, freeze=True)
    number = place()
    stamp = shop.call("GET", f"/orders/{number}")["date_modified_gmt"]
    assert ids(modified_after=stamp, dates_are_gmt="true") == []
    assert ids(modified_after=moved(stamp, -1), dates_are_gmt="true") == [number]


def test_modified_before_excludes_the_very_second(shop, ids, place):  # observed, WooCommerce 3
    shop.standin.control("clock", advance=5, freeze=True)
    number = place()
    stamp = shop.call("GET", f"/orders/{number}")["date_modified_gmt"]
    assert ids(modified_before=stamp, dates_are_gmt="true") == []
    assert ids(modified_before=moved(stamp, 1), dates_are_gmt="true") == [number]


def test_after_and_before_ask_for_the_creation(shop, ids, place):
    shop.standin.control("clock", advance=5, freeze=True)
    number = place()
    stamp = shop.call("GET", f"/orders/{number}")["date_created_gmt"]
    shop.standin.control("clock", advance=60)
    shop.call("PUT", f"/orders/{number}", {"customer_note": "later"})
    window = {"after": moved(stamp, -1), "before": moved(stamp, 1), "dates_are_gmt": "true"}
    assert ids(**window) == [number]


def test_orders_come_by_their_change_when_asked(shop, ids, place):
    one, two = place(), place()
    shop.standin.control("clock", advance=2)
    shop.call("PUT", f"/orders/{one}", {})
    assert ids(orderby="modified", order="asc") == [two, one]
    assert ids(orderby="id", order="asc") == [one, two]
    assert ids() == [two, one]


def test_include_and_exclude_narrow_the_list(ids, place):
    one, two, three = place(), place(), place()
    assert ids(include=f"{one},{two}", exclude=two) == [one]
    assert three in ids(exclude=one)


def test_a_customers_orders_are_found(shop, ids, place):
    number = place()
    shop.order(customer_id=shop.customer + 1000)
    assert ids() == [number]


def test_pages_and_their_headers(shop, ids, place):
    made = [place() for _ in range(3)]
    answer = shop.ask("GET", "/orders", customer=shop.customer, per_page=2, page=1)
    assert (answer.headers["X-WP-Total"], answer.headers["X-WP-TotalPages"]) == ("3", "2")
    assert "/orders?" in answer.headers["Link"]
    assert ids(per_page=2, page=2) == made[:1]
    assert ids(per_page=2, page=3) == []


def test_orders_can_be_trimmed(shop, ids, place):
    place()
    rows = shop.call("GET", "/orders", customer=shop.customer, _fields="id,billing.email")
    assert [set(row) for row in rows] == [{"id", "billing"}]
    assert rows[0]["billing"] == {"email": ""}


@pytest.mark.parametrize(
    "params", [{"per_page": 101}, {"status": "pending,shiny"}, {"orderby": "title"}, {"customer": "me"}]
)
def test_other_parameters_are_refused(shop, params):
    assert shop.refused("GET", "/orders", **params) == (400, "rest_invalid_param")
