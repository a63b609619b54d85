"""Where each change is sent by itself: in order, one at a time, and none is lost behind one that fails."""

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import claim
from tests.unit.changes.conftest import NAMES


@pytest.fixture
def paid(source):
    """Order 1, which was pending, paid and cancelled, one after the other."""
    orders = source("order")
    for status in ("pending", "paid", "cancelled"):
        orders([{"number": "1", "status": status}])
    return orders


@pytest.fixture
def erp(outbox):
    return outbox("order")


def sent(erp):
    """What is claimed now, by order."""
    return {key: row.desired["status"] for key, row in erp.claim().items()}


def next_one(erp, outcome, **more):
    """Claim order 1, settle it, and say what was claimed."""
    row = erp.claim()["erp:1"]
    erp.settle(row, outcome, **more)
    return row.desired["status"]


@pytest.fixture
def three(source, erp):
    """An outbox with pending to be sent, and behind it paid and cancelled."""
    orders = source("order")
    orders([{"number": "1", "status": "pending"}])
    erp.arrive()
    for status in ("paid", "cancelled"):
        orders([{"number": "1", "status": status}])
    erp.arrive()
    return orders


def test_changes_that_came_after_the_push_began_follow_one_by_one(three, erp):
    assert [next_one(erp, "accepted") for _ in range(3)] == ["pending", "paid", "cancelled"]
    assert (erp.heads(), erp.behind()) == ({}, {})


def test_a_push_that_begins_starts_from_the_accepted_state(paid, erp):
    erp.arrive()
    assert (sent(erp), erp.behind()) == ({"erp:1": "cancelled"}, {})


def test_no_claim_holds_two_changes_of_a_key(three, erp):
    assert sent(erp) == {"erp:1": "pending"}
    assert sent(erp) == {}


@pytest.mark.parametrize("outcome", ["retry", "unknown", "waiting"])
def test_the_next_change_waits_until_the_one_before_is_done(three, erp, outcome):
    next_one(erp, outcome)
    erp.con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")
    erp.wake()
    assert next_one(erp, "skipped") == "pending"
    assert next_one(erp, "accepted") == "paid"


def test_a_key_whose_next_step_follows_keeps_its_place(three, erp):
    next_one(erp, "accepted", again=True)
    assert next_one(erp, "accepted") == "pending"
    assert next_one(erp, "accepted") == "paid"


def test_what_each_change_sends_is_its_own_difference(source, erp):
    orders = source("order")
    orders([{"number": "1", "status": "pending", "note": "a"}])
    erp.deliver()
    orders([{"number": "1", "status": "paid", "note": "a"}])
    orders([{"number": "1", "status": "paid", "note": "b"}])
    erp.arrive()
    todo = []
    for _ in range(2):
        row = erp.claim()["erp:1"]
        todo.append(row.todo)
        erp.settle(row, "accepted")
    assert todo == [{"status"}, {"note"}]


def test_later_changes_of_a_dead_key_wait(three, erp):
    next_one(erp, "rejected")
    three([{"number": "1", "status": "refunded"}])
    erp.arrive()
    assert (sent(erp), erp.heads()) == ({}, {"erp:1": "dead"})
    assert [one["status"] for one in erp.behind()["erp:1"]] == ["paid", "cancelled", "refunded"]


@pytest.fixture
def passing(outbox):
    """The same push, which passes over what it gave up."""
    return outbox("order", on_dead="skip")


@pytest.mark.parametrize("outcome", ["rejected", "waiting"])
def test_what_is_passed_over_is_closed(three, erp, passing, outcome):
    next_one(erp, outcome)
    passing.arrive()
    assert sent(passing) == {"erp:1": "paid"}
    assert passing.receipts()[-1] == (
        "erp:1",
        "superseded",
        f"passed over, as a later change follows: it was {outcome}",
    )


def test_what_is_unknown_by_now_goes_with_the_change_after_the_one_that_is_passed_over(products, outbox):
    # given
    shop = outbox("product", deliver="every", on_dead="skip")
    products([{"sku": "A", "title": "Jug", "price": 2, "description": "tall"}])
    shop.arrive()
    shop.settle(shop.claim()["A"], "rejected")
    # when
    products([{"sku": "A", "title": "Mug", "description": None}])
    shop.arrive()
    # then
    assert shop.desired() == {"A": {"title": "Mug", "price": "2.0000", "description": False}}


def test_what_may_be_there_of_a_change_that_is_passed_over_is_settled_by_the_same_request(three, erp, passing):
    # given: a create without an answer, ten times over, at a destination that only the same request tells
    for _ in range(10):
        first = erp.claim()["erp:1"]
        erp.settle(first, "unknown")
        erp.con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")
    assert erp.heads() == {"erp:1": "dead"}
    # when
    passing.arrive()
    passing.con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")
    order = ENTITIES["order"]
    (again,) = claim(passing.con, passing.push, order, order, frozenset(order.compared), 9, repeats=True)
    # then: it is the first one, and the next is what was passed on to
    assert (again.sequence, again.desired) == (first.sequence, first.desired)
    passing.settle(again, "accepted")
    assert passing.claim()["erp:1"].desired["status"] == "paid"


def test_a_dead_letter_that_nothing_follows_stays(source, passing):
    source("order")([{"number": "1", "status": "pending"}])
    passing.arrive()
    next_one(passing, "rejected")
    passing.arrive()
    assert passing.heads() == {"erp:1": "dead"}


def test_an_order_that_came_and_went_before_it_was_sent_is_not_sent(source, erp):
    orders = source("order")
    orders([{"number": "1", "status": "pending"}, {"number": "2", "status": "pending"}])
    erp.arrive()
    orders([{"number": "1", "status": "paid"}, {"number": "2", "status": "pending"}])
    erp.arrive()
    for _ in range(2):
        orders([{"number": "2", "status": "pending"}])
    erp.arrive()
    assert (sent(erp), erp.behind()) == ({"erp:2": "pending"}, {})


def test_a_process_that_dies_between_two_changes_loses_neither(three, erp):
    erp.claim()
    erp.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
    erp.wake()
    assert [next_one(erp, "accepted") for _ in range(3)] == ["pending", "paid", "cancelled"]


def test_any_entity_can_be_sent_change_by_change(stock, outbox):
    shop = outbox(deliver="every")
    stock([("A", "WH", 1)])
    shop.arrive()
    for number in (2, 3):
        stock([("A", "WH", number)])
    shop.arrive()
    found = []
    for _ in range(3):
        row = shop.claim()["A"]
        found.append(row.desired["quantity"])
        shop.settle(row, "accepted")
    assert found == ["1.0000", "2.0000", "3.0000"]


def test_where_the_store_writes_no_requests_only_heads_are_claimed(source, erp):
    orders = source("order")
    for status in ("pending", "paid", "cancelled"):
        orders([{"number": number, "status": status} for number in "12"])
        erp.deliver() if status == "pending" else erp.arrive()
    assert sent(erp) == {"erp:1": "paid", "erp:2": "paid"}


def test_changes_behind_a_key_that_moved_are_the_heirs(source, outbox):
    # given: one under way, one behind it, when the key moves
    one, two = source(scope="WH"), source(scope="STORE")
    shop = outbox(translate={"locationId": NAMES}, deliver="every")
    for quantity in (1, 2):
        one([("A", "WH", quantity)])
        shop.arrive()
    one([])
    two([("A", "STORE", 3)])
    one([])
    shop.arrive()
    behind = "SELECT DISTINCT source FROM behind"
    assert shop.con.execute(behind).fetchall() == [('erp/stocklevel {"sku":"A","locationId":"STORE"}',)]
    shop.settle(shop.claim()["A"], "accepted")
    # when
    two([("A", "STORE", 4)])
    shop.arrive()
    # then
    sent = []
    while rows := shop.claim():
        sent.append(rows["A"].desired["quantity"])
        shop.settle(rows["A"], "accepted")
    assert (shop.heads(), sent[-1]) == ({}, "4.0000")


def test_what_is_refused_is_not_lined_up_behind_the_refusal(source, outbox):
    one, two = source(scope="WH"), source(scope="STORE")
    shop = outbox(translate={"locationId": NAMES}, deliver="every")
    one([("A", "WH", 1)])
    shop.deliver()
    two([("A", "STORE", 2)])
    shop.arrive()
    assert (shop.heads(), shop.behind()) == ({"A": "dead"}, {})


def test_the_next_change_has_all_its_attempts_and_its_own_place_in_the_queue(three, erp):
    queued = erp.con.execute("SELECT DISTINCT 0, queuedAt FROM behind").fetchall()
    next_one(erp, "accepted")
    assert erp.heads("attempts, queuedAt") == {"erp:1": [*queued[0]]}


def test_nothing_else_is_passed_over(three, erp, passing):
    next_one(erp, "rejected")
    erp.con.execute("INSERT INTO outbox BY NAME SELECT * REPLACE ('another' AS push) FROM outbox")
    three([{"number": "2", "status": "pending"}], kind="sync")
    passing.arrive()
    closed = "SELECT push, key FROM receipts WHERE outcome = 'superseded'"
    assert erp.con.execute(closed).fetchall() == [(erp.push.name, '{"orderId":"erp:1"}')]
