"""Whole orders against a tiny ERP: created, bound, led to their state, changed; each of them once."""

import pytest

SOLD = [("shop:5", "sale", [(1, 2, 3.3333)])]


@pytest.fixture
def sold(orders, erp, native, once):
    """A push that has brought order 5 to the ERP and confirmed it there."""
    push = orders()

    def sell():
        push.pull(native.order())
        push.send()
        return erp.orders, erp.lines, erp.people

    erp.orders, erp.lines, erp.people = once("sold", sell)
    erp.asked.clear()
    return push


def test_a_new_order_is_created_read_confirmed_and_read_again_in_one_run(orders, erp, native):
    push = orders()
    push.pull(native.order())
    assert push.send() == {"shop:5": "accepted"}
    assert (erp.told(), push.left()) == (SOLD, [])
    steps = [path for path in erp.asked if path in ("/orders/create", "/orders/read", "/orders/confirm")]
    assert steps == ["/orders/create", "/orders/read", "/orders/confirm", "/orders/read"]


def test_its_rows_are_bound_by_the_id_each_has_there(sold, erp):
    (line,) = erp.lines
    assert sold.bound() == [{"id": "10", "lines": {"1": str(line)}}]


def test_what_was_sent_once_is_not_sent_again(sold, erp):
    assert (sold.send(), erp.asked) == ({}, [])


def test_a_pending_order_stays_as_it_is_created(orders, erp, native):
    push = orders()
    push.pull(native.order(status="pending"))
    assert push.send() == {"shop:5": "accepted"}
    assert [state for _, state, _ in erp.told()] == ["draft"]


def test_orders_of_two_shops_under_one_number_are_two_orders(orders, erp, native):
    push = orders()
    push.pull(native.order(), connection="shop")
    push.pull(native.order(lines=[native.line(sku="B")]), connection="outlet")
    assert push.send() == {"shop:5": "accepted", "outlet:5": "accepted"}
    assert sorted((ref, rows) for ref, _, rows in erp.told()) == [
        ("outlet:5", [(2, 2, 3.3333)]),
        ("shop:5", [(1, 2, 3.3333)]),
    ]


def test_an_order_without_an_email_is_the_guests(orders, erp, native):
    push = orders()
    push.pull(native.order(customer={"name": "Zoë"}))
    push.send()
    assert ([one["customer"] for one in erp.orders.values()], erp.people) == ([99], {})


def test_two_new_orders_of_one_new_customer_make_one_customer(orders, erp, native):
    push = orders()
    push.pull(native.order("5"), native.order("6", customer={"email": "ZOE@x.example"}))
    assert push.send() == {"shop:5": "accepted", "shop:6": "accepted"}
    (id_,) = erp.people
    assert [one["customer"] for one in erp.orders.values()] == [id_, id_]


# Not put there.


def test_a_cancelled_order_that_is_not_there_is_skipped(orders, erp, native):
    push = orders()
    push.pull(native.order(status="cancelled"))
    assert push.send() == {"shop:5": "skipped"}
    assert erp.orders == erp.people == {}


def test_an_order_that_was_skipped_is_created_whole_once_it_is_paid_after_all(orders, erp, native):
    push = orders()
    push.pull(native.order(status="failed"))
    push.send()
    push.pull(native.order(status="paid"))
    assert (push.send(), erp.told()) == ({"shop:5": "accepted"}, SOLD)


def test_an_order_of_a_product_that_is_not_there_waits_for_it_by_name(orders, erp, native):
    push = orders()
    push.pull(native.order(lines=[native.line(sku="NEW")]))
    assert push.send() == {"shop:5": "waiting"}
    assert push.left() == [("waiting", "erp has no product NEW")]
    erp.products.append({"id": 3, "code": "NEW"})
    assert (push.send(), erp.told()) == ({"shop:5": "accepted"}, [("shop:5", "sale", [(3, 2, 3.3333)])])


def test_an_order_of_a_product_that_is_there_twice_is_rejected_by_name_and_no_other_is(orders, erp, native):
    erp.products.append({"id": 3, "code": "B"})
    push = orders()
    push.pull(native.order("5"), native.order("6", lines=[native.line(sku="B")]))
    assert push.send() == {"shop:5": "accepted", "shop:6": "rejected"}
    assert push.left() == [("dead", "erp has 2 of product B")]


def test_an_order_that_is_there_twice_is_rejected(orders, erp, native):
    push = orders()
    for _ in range(2):
        erp.orders_create([{"ref": "shop:5"}])
    push.pull(native.order())
    assert push.send() == {"shop:5": "rejected"}
    assert push.left() == [("dead", "2 items of erp have this key")]


# Changed afterwards.


def test_a_status_alone_is_reached_without_a_word_of_the_lines(sold, erp, native):
    sold.pull(native.order(status="cancelled"))
    assert sold.send() == {"shop:5": "accepted"}
    assert [state for _, state, _ in erp.told()] == ["cancel"]
    assert "/orders/write" not in erp.asked


def test_rows_that_are_new_changed_and_gone_are_sent_and_the_others_are_not(orders, erp, native):
    push = orders()
    lines = [native.line("1", "A", "1"), native.line("2", "B", "2"), native.line("3", "A", "3")]
    push.pull(native.order(lines=lines))
    push.send()
    ids = list(erp.lines)
    erp.lines[ids[0]]["quantity"] = 7  # by the ERP's own people
    push.pull(native.order(lines=[lines[0], native.line("2", "B", "5"), native.line("4", "B", "4")]))
    push.send()
    assert [(row["product"], row["quantity"]) for row in erp.lines.values()] == [(1, 7), (2, 5), (1, 0), (2, 4)]
    assert push.bound()[0]["lines"] == dict(zip("1234", map(str, erp.lines), strict=True))


def test_a_row_that_is_already_delivered_can_no_longer_change(sold, erp, native):
    next(iter(erp.lines.values()))["delivered"] = 1
    sold.pull(native.order(lines=[native.line(q="5")]))
    assert sold.send() == {"shop:5": "rejected"}
    assert sold.left() == [("dead", "line 1 can no longer change: delivered is 1")]
    assert erp.told() == SOLD


def test_a_row_changes_though_its_product_was_retired_since(sold, erp, native):
    erp.products.clear()
    sold.pull(native.order(lines=[native.line(q="7")]))
    sold.send()
    assert (erp.told(), sold.left()) == ([("shop:5", "sale", [(1, 7, 3.3333)])], [])


def test_an_order_in_another_currency_is_not_touched(sold, erp, native):
    sold.pull(native.order(currency="USD", lines=[native.line(q="5")]))
    assert sold.send() == {"shop:5": "rejected"}
    assert (sold.left(), erp.told()) == ([("dead", "currency is USD, and EUR in erp")], SOLD)


def test_a_state_that_cannot_be_reached_any_more_is_rejected_by_name(sold, native):
    sold.pull(native.order(status="pending"))
    assert sold.send() == {"shop:5": "rejected"}
    assert sold.left() == [("dead", "it is sale in erp, from where pending cannot be reached")]


def test_a_list_that_is_emptied_there_is_no_reason_to_leave_the_state_behind(sold, erp, native):
    sold.pull(native.order(status="cancelled") | {"lines": None})
    assert sold.send() == {"shop:5": "accepted"}
    assert ([state for _, state, _ in erp.told()], sold.left()) == (["cancel"], [])
    assert len(erp.asked) < 20


def test_a_line_that_comes_to_name_another_product_is_rejected_and_not_taken_for_sent(sold, erp, native):
    sold.pull(native.order(lines=[native.line(sku="B")]))
    assert sold.send() == {"shop:5": "rejected"}
    assert sold.left() == [("dead", "line 1 names another product now, which cannot change there")]
    assert erp.told() == SOLD


@pytest.mark.parametrize("numbers", [(None,), (None, None), ("1", "1")])
def test_lines_that_cannot_be_told_apart_are_rejected(orders, erp, native, numbers):
    push = orders()
    push.pull(native.order(lines=[native.line(number, q=str(n)) for n, number in enumerate(numbers, 1)]))
    assert push.send() == {"shop:5": "rejected"}
    assert push.left() == [("dead", "lineItems cannot be told apart: lineId is missing or there twice")]
    assert erp.orders == {}


# In one request for both.


@pytest.fixture
def put(orders, erp):
    """A push to an ERP that tells orders by our number and takes each whole; ``erp.put``: what it was sent."""
    erp.put = []
    erp.orders_put = lambda **order: (erp.put.append(order), {"id": order["ref"]})[1]
    told = {"ref": "{orderId}", "status": "{status}", "lines": "{lineItems}"}
    return orders(
        find=None, read=None, agree={}, lines=None, actions=None, create=None, update=[],
        upsert={"put": "/orders/put", "record": told},
        lists={"lineItems": {"product": "{reference.product:integer}", "quantity": "{line.quantity}"}},
    )  # fmt: skip


def test_an_order_of_which_only_the_status_changed_goes_with_its_lines(put, erp, native):
    put.pull(native.order(status="pending"))
    put.send()
    put.pull(native.order(status="paid"))
    assert put.send() == {"shop:5": "accepted"}
    assert erp.put[1] == {"ref": "shop:5", "status": "paid", "lines": [{"product": 1, "quantity": 2}]}


def test_it_does_not_wait_for_its_product_beside_an_order_of_another_one(put, erp, native):
    put.pull(native.order(status="pending"))
    put.send()
    put.pull(native.order(status="paid"), native.order("6", lines=[native.line(sku="B")]))
    assert put.send() == {"shop:5": "accepted", "shop:6": "accepted"}
