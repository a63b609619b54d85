"""What an answer that is lost, or says nothing, leaves behind is read, and finished; nothing is made twice."""

import asyncio
import json

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.errors import AuthError
from tests.unit.push.orders.conftest import ORDERS

SOLD = [("shop:5", "sale", [(1, 2, 3.3333)])]
LOST = Response(status_code=500)


async def hung_up(scope, receive, send):
    """An answer that promises more than it gives."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    send.__self__.transport.close()
    await asyncio.sleep(0.01)


LOSSES = pytest.mark.parametrize("lost", [LOST, hung_up, Response("")], ids=["500", "closed", "empty"])


@pytest.fixture
def push(orders, native, once):
    """A push with one order to be sent."""
    made = orders()
    once("pulled", lambda: made.pull(native.order()))
    return made


@pytest.fixture
def sold(push, erp, once):
    """The same, with the order sent and confirmed."""

    def sell():
        push.send()
        return erp.orders, erp.lines, erp.people

    erp.orders, erp.lines, erp.people = once("sold", sell)
    erp.asked.clear()
    return push


# Created, and not told so.


@LOSSES
def test_an_order_whose_creation_was_not_answered_is_adopted_and_finished(push, erp, lost):
    erp.after["/orders/create"] = lost
    assert push.send() == {"shop:5": "unknown"}
    erp.after.clear()
    assert push.send(5.0) == {"shop:5": "accepted"}
    assert (erp.told(), push.left()) == (SOLD, [])
    assert erp.asked.count("/orders/create") == 1
    assert push.bound() == [{"id": "10", "lines": {"1": "20"}}]


def test_it_is_not_asked_for_before_it_may_have_arrived(orders, erp, native):
    push = orders(settle=600.0)
    push.pull(native.order())
    erp.after["/orders/create"] = LOST
    push.send()
    erp.asked.clear()
    assert (push.send(due=False), erp.asked) == ({}, [])


def test_what_changed_meanwhile_is_sent_to_the_adopted_order(push, erp, native):
    erp.after["/orders/create"] = LOST
    push.send()
    erp.after.clear()
    push.pull(native.order(lines=[native.line(q="7"), native.line("2", "B", "1")]))
    push.send(5.0)
    assert push.left() == []
    assert erp.told() == [("shop:5", "sale", [(1, 7, 3.3333), (2, 1, 3.3333)])]


def test_the_ids_that_a_look_up_finds_are_bound_with_the_next_acceptance(push, erp, native):
    erp.orders_create([{"ref": "shop:5", "lines": [{"product": 1, "quantity": 9, "price": 1}]}])
    push.send(5.0)
    assert push.bound() == [{"id": "10", "lines": {"1": "20"}}]
    assert erp.told() == SOLD
    assert "/orders/create" not in erp.asked


# Its rows.


def test_a_row_whose_sending_was_not_answered_is_found_and_not_made_twice(sold, erp, native):
    erp.after["/orders/write"] = LOST
    sold.pull(native.order(lines=[native.line(), native.line("2", "B", "1"), native.line("3", "B", "4")]))
    sold.send()
    erp.after.clear()
    sold.send(5.0)
    assert erp.told() == [("shop:5", "sale", [(1, 2, 3.3333), (2, 1, 3.3333), (2, 4, 3.3333)])]
    assert (erp.asked.count("/orders/write"), sold.left()) == (1, [])
    assert list(sold.bound()[0]["lines"]) == ["1", "2", "3"]


# Its state.


@LOSSES
def test_an_action_that_was_not_answered_is_not_done_twice(push, erp, lost):
    erp.after["/orders/confirm"] = lost
    assert push.send() == {"shop:5": "unknown"}
    assert push.send() == {"shop:5": "accepted"}
    assert (erp.told(), erp.asked.count("/orders/confirm")) == (SOLD, 1)


def test_an_action_that_is_answered_with_a_question_is_given_up_after_ten_attempts(push, erp):
    erp.instead["/orders/confirm"] = JSONResponse({"type": "ir.actions.act_window"})
    for _ in range(15):
        outcomes = push.send()
    assert push.left()[0][0] == "dead"
    assert push.left()[0][1] == "all was answered, and it is still not so (10 attempts)"
    assert outcomes == {}
    assert erp.asked.count("/orders/confirm") == 9  # and the create
    assert [json.loads(fields).get("status") for (fields,) in push.rows("SELECT fields FROM accepted")] == [None]


def test_a_key_that_is_given_up_is_not_told_as_accepted(push, erp):
    erp.instead["/orders/confirm"] = JSONResponse({"type": "ir.actions.act_window"})
    told = [push.send() for _ in range(15)]
    assert [outcomes for outcomes in told if outcomes][-1] == {"shop:5": "rejected"}


def test_an_action_without_effect_is_not_repeated_without_a_pause(push, erp):
    erp.instead["/orders/confirm"] = JSONResponse({"type": "ir.actions.act_window"})
    push.send(0.2)
    assert erp.asked.count("/orders/confirm") < 9
    assert push.rows("SELECT state FROM outbox") == [("due",)]


def test_an_action_that_is_refused_is_rejected_with_what_the_platform_says(push, erp):
    erp.instead["/orders/confirm"] = JSONResponse({"code": "no", "message": "not today"}, 422)
    assert push.send() == {"shop:5": "rejected"}
    assert push.left()[0][1].startswith("Tiny answered 422: no: not today")


# What is read.


def test_an_order_that_is_gone_is_looked_up_once_more_and_made_anew(sold, erp, native):
    erp.orders.clear()
    erp.lines.clear()
    sold.pull(native.order(lines=[native.line(q="5")]))
    assert sold.send() == {"shop:5": "retry"}
    assert sold.bound() == []
    assert (sold.send(), erp.told()) == ({"shop:5": "accepted"}, [("shop:5", "sale", [(1, 5, 3.3333)])])
    assert erp.asked.count("/orders/create") == 1


def test_an_order_that_is_found_but_cannot_be_read_is_put_back_with_a_pause(sold, erp, native):
    erp.instead["/orders/read"] = JSONResponse([])
    sold.pull(native.order(status="cancelled"))
    sold.send(1.0)
    assert erp.asked.count("/orders/read") == 2
    assert sold.rows("SELECT state, dueAt > now() FROM outbox") == [("due", True)]


@pytest.mark.parametrize("path", ["/orders/read", "/lines/find"])
def test_an_order_that_it_refuses_to_show_is_given_up_with_what_it_says(sold, erp, native, path):
    erp.instead[path] = JSONResponse({"message": "no such field"}, 422)
    sold.pull(native.order(status="cancelled"))
    assert sold.send() == {"shop:5": "rejected"}
    ((state, reason),) = sold.left()
    assert (state, "no such field" in reason) == ("dead", True)
    assert sold.bound() == [{"id": "10", "lines": {"1": "20"}}]


def test_rows_that_a_full_answer_has_no_room_for_are_not_made_again(orders, erp, native):
    # given
    push = orders(lines={**ORDERS["lines"], "batch": 2, "size": 4})
    lines = [native.line(str(number)) for number in range(1, 4)]
    push.pull(native.order(lines=lines))
    push.send()
    # when
    erp.orders_write(10, [{"product": 1, "quantity": 1, "price": 1.0}])  # by the ERP's own people
    whole = erp.lines_find
    erp.lines_find = lambda orders: list(reversed(whole(orders)))[:4]
    push.pull(native.order(lines=[*lines[:2], native.line("3", q="7")]))
    # then
    assert push.send() == {"shop:5": "rejected"}
    assert len(erp.lines) == 4


@pytest.mark.parametrize("path", ["/orders/find", "/orders/read", "/lines/find", "/products/find", "/people/find"])
def test_a_look_up_that_fails_puts_the_order_back_and_sends_nothing(push, erp, path):
    if path in ("/orders/read", "/lines/find"):
        erp.orders_create([{"ref": "shop:5"}])
    erp.instead[path] = LOST
    assert push.send() == {"shop:5": "retry"}
    assert not {"/orders/create", "/orders/write", "/orders/confirm", "/people/create"} & set(erp.asked)
    assert push.rows("SELECT state, attempts FROM outbox") == [("due", 0)]


def test_when_all_look_ups_fail_what_the_erp_accepted_is_kept_once(sold, erp, native):
    erp.instead |= dict.fromkeys(("/orders/read", "/lines/find"), LOST)
    sold.pull(native.order(status="cancelled"))
    sold.send()
    assert len(sold.rows("SELECT key FROM accepted")) == 1
    assert len(sold.rows("SELECT key FROM receipts WHERE outcome = 'retry'")) == 1


def test_one_order_that_cannot_be_read_does_not_keep_the_new_ones_back(sold, erp, native):
    erp.instead["/lines/find"] = LOST
    sold.pull(native.order(status="cancelled"), native.order("6", "pending"))
    assert sold.send() == {"shop:5": "retry", "shop:6": "retry"}
    assert "shop:6" in [ref for ref, _, _ in erp.told()]


# Its customer.


@LOSSES
def test_a_customer_whose_creation_was_not_answered_puts_the_order_back_for_a_while(orders, erp, native, lost):
    push = orders(settle=600.0)
    push.pull(native.order("5"), native.order("6"))
    erp.after["/people/create"] = lost
    assert push.send(5.0) == {"shop:5": "retry", "shop:6": "retry"}
    assert erp.asked.count("/people/create") == 1
    assert push.rows("SELECT count(*) FROM outbox WHERE dueAt > now() + INTERVAL 500 SECOND") == [(2,)]
    erp.after.clear()
    assert push.send() == {"shop:5": "accepted", "shop:6": "accepted"}
    assert len(erp.people) == 1


def test_a_customer_that_is_refused_rejects_only_its_own_orders(orders, erp, native):
    push = orders()
    push.pull(native.order("5"), native.order("6", customer={"name": "Al"}))
    erp.instead["/people/create"] = JSONResponse({"code": "bad", "message": "no such name"}, 422)
    assert push.send() == {"shop:5": "rejected", "shop:6": "accepted"}


def test_credentials_that_are_refused_over_a_customer_stop_the_push_and_give_nothing_up(push, erp):
    erp.instead["/people/create"] = JSONResponse({}, 401)
    with pytest.raises(AuthError):
        push.send()
    assert push.rows("SELECT state, attempts FROM outbox") == [("due", 0)]


@pytest.fixture
def no_zoe(erp, platform):
    """The same ERP behind a firewall that dislikes Zoë."""
    page = Response(status_code=403)
    platform.route(lambda seen: page if seen.path == "/people/create" and b"Zoe" in seen.body else erp(seen))
    return erp


def test_a_customer_that_is_forbidden_does_not_keep_back_the_orders_of_those_who_are_there(orders, no_zoe, native):
    push = orders()
    push.pull(native.order("5"), native.order("6", customer={"name": "Al"}))
    with pytest.raises(AuthError):
        push.send()
    assert push.rows("SELECT key, state, attempts FROM outbox") == [('{"orderId":"shop:5"}', "due", 0)]


def test_one_that_is_forbidden_while_another_is_made_rejects_only_its_own_orders(orders, no_zoe, native):
    push = orders()
    push.pull(native.order("5"), native.order("6", customer={"name": "Al", "email": "al@x.example"}))
    assert push.send() == {"shop:5": "rejected", "shop:6": "accepted"}


def test_where_no_customer_may_be_made_few_are_asked_for(orders, erp, native):
    push = orders()
    push.pull(*(native.order(f"{n}", customer={"name": "Al", "email": f"al{n}@x.example"}) for n in range(20)))
    erp.instead["/people/create"] = Response(status_code=403)
    with pytest.raises(AuthError):
        push.send()
    assert erp.asked.count("/people/create") == 3


def test_an_order_that_was_rejected_before_the_erp_refused_us_has_one_receipt(push, erp, native):
    for _ in range(2):
        erp.orders_create([{"ref": "shop:5"}])
    push.pull(native.order(), native.order("6"))
    erp.instead["/products/find"] = Response(status_code=401)
    with pytest.raises(AuthError):
        push.send()
    assert push.rows("SELECT outcome FROM receipts WHERE key LIKE '%:5%'") == [("rejected",)]
