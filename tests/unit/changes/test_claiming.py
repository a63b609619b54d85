"""Claims: no two of them hold one key, and what is being sent is no longer taken as accepted."""

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes.claiming import claim, seconds_to_next


def expire(outbox):
    outbox.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01' WHERE state = 'claimed'")


def test_nothing_due_is_an_empty_claim(shop):
    assert shop.claim() == {}


def test_no_two_claims_share_a_key(stock, shop):
    stock([(sku, "WH", 1) for sku in "ABCDE"])
    shop.arrive()
    claims = [shop.claim(limit=2) for _ in range(4)]
    assert [list(one) for one in claims] == [["A", "B"], ["C", "D"], ["E"], []]


def test_what_was_queued_first_is_claimed_first(stock, shop):
    stock([("B", "WH", 1)])
    shop.arrive()
    stock([("A", "WH", 1), ("B", "WH", 2)])
    shop.arrive()
    assert [list(shop.claim(limit=1)) for _ in range(2)] == [["B"], ["A"]]


def test_a_claim_tells_what_is_wanted_what_was_accepted_and_what_differs(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1, "description": "x"}])
    catalogue.deliver()
    products([{"sku": "A", "title": "Cup", "price": 2, "description": None}])
    catalogue.arrive()
    row = catalogue.claim()["A"]
    assert row.desired == {"title": "Cup", "price": "2.0000", "description": False}
    assert row.accepted == {"title": "Cup", "price": "1.0000", "description": "x"}
    assert row.todo == {"price", "description"}
    assert row.ids == [{"id": "iA"}]


def test_a_field_that_cannot_be_sent_is_nothing_to_do(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.arrive()
    assert catalogue.claim(fields=["price"])["A"].todo == {"price"}


def test_what_is_being_sent_is_forgotten_from_what_was_accepted(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.deliver()
    products([{"sku": "A", "title": "Cup", "price": 2}])
    catalogue.arrive()
    catalogue.claim()
    assert catalogue.accepted() == {"A": {"title": "Cup"}}


def test_of_what_was_never_taken_nothing_is_forgotten(stock, shop):
    stock([("A", "WH", 5)])
    shop.arrive()
    assert shop.claim()["A"].todo == {"quantity"}
    assert shop.accepted() == {}


def test_what_an_item_that_is_no_longer_bound_took_counts_for_nothing(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.deliver()
    catalogue.con.execute("DELETE FROM bindings WHERE connection = 'shop'")
    products([{"sku": "A", "price": 2}])
    catalogue.arrive()
    assert catalogue.claim()["A"].todo == {"title", "price"}
    assert catalogue.accepted() == {"A": {}}


@pytest.mark.parametrize(("live", "told"), [(True, ["iA", "twin"]), (False, ["iA"])])
def test_items_bound_to_one_key_are_told_as_long_as_they_are_there(stock, shop, live, told):
    stock([("A", "WH", 1)])
    shop.deliver()
    shop.con.execute(
        "INSERT INTO bindings BY NAME SELECT 'shop' AS connection, 'product' AS entity, '{\"sku\":\"A\"}' AS key,"
        " 'twin' AS id, '{\"id\":\"twin\"}' AS externalId, ? AS live",
        [live],
    )
    stock([("A", "WH", 2)])
    shop.arrive()
    assert [one["id"] for one in shop.claim()["A"].ids] == told


def test_any_text_may_be_a_key(stock, shop):
    texts = ["O'Hare", 'a"b', "\\", "é😀", "'; DROP TABLE outbox; --", "a,b"]
    stock([(text, "WH", 1) for text in texts])
    shop.deliver()
    stock([(text, "WH", 2) for text in texts])
    shop.arrive()
    assert {key: (row.desired, row.ids) for key, row in shop.claim().items()} == {
        text: ({"quantity": "2.0000"}, [{"id": f"i{text}"}]) for text in texts
    }


def test_a_claim_whose_holder_died_is_due_again(stock, shop):
    stock([("A", "WH", 1)])
    shop.arrive()
    first = shop.claim()["A"]
    shop.wake()
    assert shop.claim() == {}
    expire(shop)
    shop.wake()
    assert shop.claim()["A"].claim != first.claim


def test_where_nobody_can_be_asked_only_a_claim_whose_holder_died_is_left_for_a_person(products, catalogue):
    products([{"sku": "A"}, {"sku": "B"}])
    catalogue.arrive()
    for sku in "AB":
        assert list(catalogue.claim(limit=1)) == [sku]
    catalogue.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01' WHERE key LIKE '%A%'")
    catalogue.wake(asked=False)
    assert catalogue.heads() == {"A": "unconfirmed", "B": "claimed"}


def test_what_a_person_must_look_at_is_not_taken_for_never_sent_when_its_source_deletes_it(products, catalogue):
    # given: a holder that died with the key in hand
    products([{"sku": "A", "price": 1}, {"sku": "B", "price": 1}])
    catalogue.arrive()
    catalogue.claim()
    expire(catalogue)
    catalogue.wake(asked=False)
    # when: gone from two full pulls
    for _ in range(2):
        products([{"sku": "B", "price": 1}])
    catalogue.arrive()
    # then
    assert catalogue.heads() == {"A": "unconfirmed", "B": "unconfirmed"}


def test_an_item_that_is_bound_is_only_updated_so_it_needs_no_person(products, catalogue):
    products([{"sku": "A", "price": 1}])
    catalogue.deliver()
    products([{"sku": "A", "price": 2}])
    catalogue.arrive()
    catalogue.claim()
    expire(catalogue)
    catalogue.wake(asked=False)
    assert catalogue.heads() == {"A": "due"}


def test_what_a_dead_holder_may_have_sent_is_the_request_that_goes_again(stock, shop):
    stock([("A", "WH", 1)])
    shop.arrive()
    shop.claim()
    expire(shop)
    shop.wake()
    stock([("A", "WH", 2)])
    shop.arrive()
    entity, bound_as = ENTITIES["stocklevel"], ENTITIES["product"]
    (again,) = claim(shop.con, shop.push, entity, bound_as, frozenset(entity.compared), 9, repeats=True)
    assert (again.repeated, again.desired) == (True, {"quantity": "1.0000"})


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("state", ["claimed", "waiting"])
def test_a_push_wakes_only_its_own_keys(stock, outbox, state, asked):
    one, two = outbox(name="one"), outbox(name="two")
    stock([("A", "WH", 1)])
    two.arrive()
    row = two.claim()["A"]
    expire(two)
    if state == "waiting":
        two.settle(row, "waiting")
    one.wake(asked=asked)
    assert (two.heads(), one.claim()) == ({"A": state}, {})
    assert seconds_to_next(one.con, one.push) is None


def test_the_next_key_is_due_now_or_in_so_many_seconds_or_never(stock, shop):
    assert seconds_to_next(shop.con, shop.push) is None
    stock([("A", "WH", 1), ("B", "WH", 1)])
    shop.arrive()
    assert seconds_to_next(shop.con, shop.push) == 0.0
    rows = shop.claim()
    assert seconds_to_next(shop.con, shop.push) is None
    for sku, seconds in (("A", 900), ("B", 600)):
        shop.settle(rows[sku], "retry", due_in=seconds)
    assert 500 < seconds_to_next(shop.con, shop.push) <= 600


def test_what_waits_is_looked_at_again_at_each_run(stock, shop):
    stock([("A", "WH", 1)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "waiting")
    assert shop.claim() == {}
    shop.wake()
    assert list(shop.claim()) == ["A"]


def test_what_is_not_due_yet_is_left_for_later(stock, shop):
    stock([("A", "WH", 1)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "retry", due_in=60)
    assert shop.claim() == {}
    shop.con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")
    assert list(shop.claim()) == ["A"]


def test_an_empty_claim_has_no_heads(shop):
    entity = ENTITIES["stocklevel"]
    assert claim(shop.con, shop.push, entity, entity, frozenset(entity.compared), 9).heads == 0
