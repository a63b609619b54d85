"""What becomes of a key after each outcome, and of what its destination is taken to have."""

import datetime as dt

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import Settled, acknowledge


@pytest.fixture
def claimed(stock, shop):
    """A delivered as 1, and claimed to be sent as 2."""
    stock([("A", "WH", 1)])
    shop.deliver()
    stock([("A", "WH", 2)])
    shop.arrive()
    return shop.claim()["A"]


def due_now(outbox):
    outbox.con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")


def test_accepted_is_done_and_known(shop, claimed):
    shop.settle(claimed, "accepted")
    assert (shop.heads(), shop.accepted()) == ({}, {"A": {"quantity": "2.0000"}})


def test_only_what_was_sent_is_known_of_an_accepted_one(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.arrive()
    catalogue.settle(catalogue.claim()["A"], "accepted", sent={"price": "1.0000"})
    assert catalogue.accepted() == {"A": {"price": "1.0000"}}


@pytest.mark.parametrize(
    ("outcome", "state"), [("rejected", "dead"), ("retry", "due"), ("unknown", "due"), ("waiting", "waiting")]
)
def test_what_was_not_accepted_stays_with_its_reason(shop, claimed, outcome, state):
    shop.settle(claimed, outcome, reason="because")
    assert shop.heads("state, reason, claim") == {"A": [state, "because", None]}


def test_refusals_are_counted_and_failures_are_not(stock, shop):
    # A request that goes again after a refusal is another one, under another idempotency key.
    stock([("A", "WH", 1)])
    shop.arrive()
    seen = []
    for outcome in ("retry", "waiting", "unknown", "waiting", "retry"):
        due_now(shop)
        shop.wake()
        claimed = shop.claim()["A"]
        seen.append(claimed.refusals)
        shop.settle(claimed, outcome, sent_at=dt.datetime.now(dt.UTC))
    assert seen == [0, 0, 1, 1, 2]


@pytest.mark.parametrize(("sent_at", "refusals"), [(dt.datetime(2026, 11, 23, tzinfo=dt.UTC), 1), (None, 0)])
def test_a_refusal_that_may_pass_counts_where_the_item_is_there(shop, claimed, sent_at, refusals):
    shop.settle(claimed, "retry", sent_at=sent_at)
    due_now(shop)
    assert shop.claim()["A"].refusals == refusals


def test_skipped_is_done(shop, claimed):
    shop.settle(claimed, "skipped")
    assert shop.heads() == {}


@pytest.fixture
def new(catalogue, products):
    """Of which nothing was sent yet, claimed."""
    products([{"sku": "A", "title": "Cup"}])
    catalogue.arrive()
    return catalogue.claim()["A"]


@pytest.mark.parametrize(("found", "known"), [({"id": "i1"}, {"A": {}}), (None, {})])
def test_of_what_was_found_and_not_sent_it_is_known_that_it_is_there(catalogue, new, found, known):
    catalogue.settle(new, "skipped", sent=None, external_id=found, bound_key='{"sku":"A"}')
    assert catalogue.accepted() == known


def test_of_a_product_that_was_found_it_is_not_known_that_it_has_a_level_there(shop, stock):
    stock([("A", "WH", 5)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "skipped", sent=None, external_id={"id": "i1"}, bound_key='{"sku":"A"}')
    assert shop.accepted() == {}


def test_what_is_found_once_more_was_not_taken_once_more(catalogue, new, products):
    # given
    catalogue.settle(new, "skipped", sent=None, external_id={"id": "i1"}, bound_key='{"sku":"A"}')
    catalogue.con.execute("UPDATE accepted SET acceptedAt = TIMESTAMPTZ '2020-01-01'")
    # when
    products([{"sku": "A", "title": "Mug"}])
    catalogue.arrive()
    catalogue.settle(catalogue.claim()["A"], "skipped", sent=None)
    # then
    assert catalogue.con.execute("SELECT year(acceptedAt), fields FROM accepted").fetchall() == [(2020, "{}")]


@pytest.mark.parametrize("outcome", ["rejected", "retry", "waiting", "skipped"])
def test_what_certainly_did_not_arrive_leaves_the_destination_as_it_was(shop, claimed, outcome):
    shop.settle(claimed, outcome)
    assert shop.accepted() == {"A": {"quantity": "1.0000"}}


def test_after_an_unknown_outcome_nothing_is_known_of_what_was_sent(shop, claimed):
    shop.settle(claimed, "unknown")
    assert shop.accepted() == {"A": {}}


def test_a_platform_that_took_something_else_is_not_known_to_have_the_old_value(shop, claimed):
    shop.settle(claimed, "retry", lost=True)
    assert shop.accepted() == {"A": {}}


def test_what_follows_an_item_that_is_gone_is_sent_everything(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.deliver()
    products([{"sku": "A", "title": "Cup", "price": 2}])
    catalogue.arrive()
    catalogue.settle(catalogue.claim()["A"], "retry", unbind=True, bound_key='{"sku":"A"}')
    due_now(catalogue)
    row = catalogue.claim()["A"]
    assert (row.ids, row.todo) == ([], {"title", "price"})


def test_every_outcome_leaves_a_receipt(shop, claimed):
    shop.settle(claimed, "retry", reason="busy", payload={"q": 2}, answer={"error": "busy"})
    sql = "SELECT outcome, reason, sent, answer, attempt, sequence FROM receipts ORDER BY answeredAt DESC LIMIT 1"
    assert shop.con.execute(sql).fetchall() == [("retry", "busy", '{"q":2}', '{"error":"busy"}', 1, 2)]


@pytest.mark.parametrize("renewed", [False, True], ids=["as claimed", "with newer versions"])
@pytest.mark.parametrize(
    ("outcome", "more"),
    [
        ("accepted", {"external_id": {"id": "new"}, "bound_key": '{"sku":"A"}'}),
        ("rejected", {}),
        ("retry", {"unbind": True, "bound_key": '{"sku":"A"}'}),
        ("unknown", {}),
        ("waiting", {}),
    ],
)
def test_what_becomes_of_a_key_is_nothing_to_another(stock, shop, outcome, more, renewed):
    for quantity in (1, 2):
        stock([("A", "WH", quantity), ("B", "WH", quantity)])
        shop.arrive() if quantity == 2 else shop.deliver()
    rows = shop.claim()
    if renewed:
        stock([("A", "WH", 3), ("B", "WH", 3)])
        shop.arrive()
    other = of_key(shop, "B")
    shop.settle(rows["A"], outcome, **more)
    assert of_key(shop, "B") == other


@pytest.mark.parametrize("newest", [2, 3], ids=["as claimed", "with newer versions"])
@pytest.mark.parametrize("outcome", ["accepted", "rejected", "retry", "waiting"])
def test_what_becomes_of_a_key_in_one_push_is_nothing_to_another_push(stock, outbox, outcome, newest):
    one, two = outbox(name="one"), outbox(name="two")
    stock([("A", "WH", 2)])
    one.arrive()
    two.arrive()
    row, _ = one.claim()["A"], two.claim()
    stock([("A", "WH", newest)])
    one.arrive()
    two.arrive()
    others = two.heads("*")
    one.settle(row, outcome)
    assert two.heads("*") == others


def of_key(outbox, sku):
    """All that is stored of ``sku``, its receipts aside."""
    tables = ("outbox", "accepted", "bindings")
    return [outbox.con.execute(f"SELECT * FROM {table} WHERE key LIKE '%\"{sku}\"%'").fetchall() for table in tables]


# A newer version meanwhile


@pytest.mark.parametrize("outcome", ["accepted", "rejected", "waiting", "skipped"])
def test_a_newer_version_that_came_meanwhile_is_due_at_once(stock, shop, claimed, outcome):
    stock([("A", "WH", 3)])
    shop.arrive()
    assert shop.claim() == {}
    shop.settle(claimed, outcome)
    row = shop.claim()["A"]
    assert (row.desired, row.attempts) == ({"quantity": "3.0000"}, 0)


def test_why_an_older_version_failed_is_not_said_of_a_newer_one(stock, shop, claimed):
    shop.settle(claimed, "retry", reason="busy")
    due_now(shop)
    again = shop.claim()["A"]
    stock([("A", "WH", 3)])
    shop.arrive()
    shop.settle(again, "accepted")
    assert shop.heads("state, reason") == {"A": ["due", None]}


@pytest.mark.parametrize("outcome", ["retry", "unknown"])
def test_a_newer_version_waits_as_long_as_the_older_one_had_to(stock, shop, claimed, outcome):
    stock([("A", "WH", 3)])
    shop.arrive()
    shop.settle(claimed, outcome, due_in=60)
    assert shop.claim() == {}
    due_now(shop)
    assert shop.claim()["A"].desired == {"quantity": "3.0000"}


def test_back_to_what_the_destination_had_is_sent_again_after_an_unknown_outcome(stock, shop, claimed):
    shop.settle(claimed, "unknown")
    stock([("A", "WH", 1)])
    shop.arrive()
    due_now(shop)
    assert shop.claim()["A"].todo == {"quantity"}


# Claims and attempts


def test_a_claim_that_ran_out_acknowledges_nothing(shop, claimed):
    shop.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
    shop.wake()
    second = shop.claim()["A"]
    shop.settle(claimed, "accepted")
    assert (shop.heads(), shop.accepted()) == ({"A": "claimed"}, {"A": {}})
    shop.settle(second, "accepted")
    assert (shop.heads(), shop.accepted()) == ({}, {"A": {"quantity": "2.0000"}})


@pytest.mark.parametrize(
    ("outcome", "more", "ids"),
    [("retry", {"unbind": True}, ["iB"]), ("accepted", {"external_id": {"id": "iC"}}, ["iB", "iC"])],
    ids=["had a stale id", "made an item too"],
)
def test_a_claim_that_ran_out_takes_no_item_from_its_key(shop, claimed, outcome, more, ids):
    shop.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
    shop.wake()
    bound_key = '{"sku":"A"}'
    shop.settle(shop.claim()["A"], "accepted", external_id={"id": "iB"}, bound_key=bound_key)
    shop.settle(claimed, outcome, bound_key=bound_key, **more)
    assert bound(shop) == [(bound_key, id_) for id_ in ids]


def test_nor_while_another_one_has_it(shop, claimed):
    shop.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
    shop.wake()
    assert shop.claim()
    shop.settle(claimed, "retry", unbind=True, bound_key='{"sku":"A"}')
    assert bound(shop) == [('{"sku":"A"}', "iA")]


@pytest.mark.parametrize("outcome", ["retry", "unknown"])
def test_ten_attempts_without_an_answer_are_enough(stock, shop, outcome):
    stock([("A", "WH", 1)])
    shop.arrive()
    for _ in range(10):
        assert shop.heads() == {"A": "due"}
        shop.settle(shop.claim()["A"], outcome, reason="busy")
        due_now(shop)
    assert shop.heads("state, reason") == {"A": ["dead", "busy (10 attempts)"]}


def test_what_was_never_sent_was_no_attempt(stock, shop):
    stock([("A", "WH", 1)])
    shop.arrive()
    for _ in range(12):
        shop.settle(shop.claim()["A"], "retry", sent_at=None)
    assert shop.heads("state, attempts") == {"A": ["due", 0]}


# Bindings


def bound(outbox):
    return outbox.con.execute("SELECT key, id FROM bindings WHERE connection = 'shop' ORDER BY ALL").fetchall()


def test_ids_that_were_learned_are_bound(stock, shop):
    stock([("A", "WH", 1)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "accepted", external_id={"id": "7", "parent": "3"}, bound_key='{"sku":"A"}')
    assert bound(shop) == [('{"sku":"A"}', "7")]


def test_ids_of_one_of_two_that_are_settled_together_are_bound(stock, shop):
    stock([("A", "WH", 1), ("B", "WH", 1)])
    shop.arrive()
    rows = shop.claim()
    made = Settled(rows["A"], "accepted", external_id={"id": "7"}, bound_key='{"sku":"A"}')
    stocklevel, product = ENTITIES["stocklevel"], ENTITIES["product"]
    acknowledge(shop.con, shop.push, stocklevel, product, [made, Settled(rows["B"], "retry")])
    assert bound(shop) == [('{"sku":"A"}', "7")]


def test_learned_ids_take_the_place_of_older_ones(shop, claimed):
    shop.settle(claimed, "accepted", external_id={"id": "new"}, bound_key='{"sku":"A"}')
    assert bound(shop) == [('{"sku":"A"}', "new")]


def test_an_id_learned_under_another_key_leaves_the_one_it_had(shop, claimed):
    # given: an item of another kind, which may bear the same
    theirs = "SELECT * REPLACE ('order' AS entity, '{\"orderId\":\"1\"}' AS key) FROM bindings WHERE id = 'iA'"
    shop.con.execute(f"INSERT INTO bindings BY NAME {theirs}")
    shop.settle(claimed, "accepted", external_id={"id": "iA"}, bound_key='{"sku":"B"}')
    assert bound(shop) == [('{"orderId":"1"}', "iA"), ('{"sku":"B"}', "iA")]


def test_stale_ids_are_dropped(shop, claimed):
    shop.settle(claimed, "retry", unbind=True, bound_key='{"sku":"A"}')
    assert bound(shop) == []
