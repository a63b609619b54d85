"""What is implausible is held until a person has looked: nothing moves, nothing is appended."""

import pytest

from pullpush_dagster.audit.guard import Counts, breaches
from tests.unit.audit.conftest import SKUS, level

LIMITS = [("deleted", 0.05), ("zeroed", 0.10), ("changed", 0.30), ("price", 0.01)]


def counts(limit, touched, baseline=1000):
    return Counts(baseline, **{"missing" if limit == "rows" else limit: touched})


@pytest.mark.parametrize(("limit", "share"), [*LIMITS, ("rows", 0.20)])
def test_each_limit_holds_one_key_more_than_its_share(limit, share):
    most = int(share * 10_000)
    assert breaches("product", {}, counts(limit, most, 10_000)) == []
    assert len(breaches("product", {}, counts(limit, most + 1, 10_000))) == 1


@pytest.mark.parametrize("limit", ["deleted", "zeroed", "changed", "price", "rows"])
def test_twenty_keys_may_always_be_touched(limit):
    assert breaches("product", {}, counts(limit, 20, 30)) == []
    assert len(breaches("product", {limit: 0.0}, counts(limit, 21, 30))) == 1


@pytest.mark.parametrize("entity", ["stocklevel", "order", "invoice", "call"])
def test_what_moves_all_day_may_change_as_a_whole(entity):
    assert breaches(entity, {}, counts("changed", 1000)) == []


@pytest.mark.parametrize("entity", ["order", "invoice", "call"])
def test_what_is_a_deal_of_its_own_has_no_price_that_could_have_moved(entity):
    assert breaches(entity, {}, counts("price", 1000)) == []


@pytest.mark.parametrize("entity", ["stocklevel", "order", "invoice", "call", "product", "contact"])
def test_every_entity_is_guarded_against_deletes_and_shrinking(entity):
    assert len(breaches(entity, {}, Counts(1000, missing=300, deleted=300))) == 2


def test_a_limit_of_the_files_own_wins():
    assert len(breaches("stocklevel", {"changed": 0.5}, counts("changed", 501))) == 1
    assert breaches("product", {"changed": 0.5}, counts("changed", 500)) == []


def test_a_limit_that_is_off_holds_nothing():
    assert breaches("product", {"deleted": None}, counts("deleted", 1000)) == []


def test_what_is_not_counted_is_none():
    assert Counts(5) == Counts(5, missing=0, inserted=0, changed=0, deleted=0, zeroed=0, price=0)


def test_inserts_are_never_too_many():
    assert breaches("product", {}, Counts(1000, inserted=4000)) == []


def test_the_reason_says_what_how_many_and_how_many_are_allowed():
    assert breaches("product", {}, counts("deleted", 60)) == ["deletes 60 of 1000 keys (limit 5%, at least 20)"]


# In an audit


def test_a_held_set_moves_nothing_and_appends_nothing(stock, held):
    assert (held.audit.state, held.changes) == ("held", [])
    assert held.audit.reasons == ("sets to zero or less 100 of 100 keys (limit 10%, at least 20)",)
    assert {quantity for _, quantity in stock.baseline()} == {5}
    assert stock.rows("SELECT count(*), min(before), min(after) FROM held_changes") == [
        (100, '{"quantity":"5.0000"}', '{"quantity":"0.0000"}')
    ]


@pytest.mark.parametrize(
    ("before", "now", "state"), [(5, -5, "held"), (-5, 0, "held"), (0, -5, "accepted"), (-5, 5, "accepted")]
)
def test_what_can_no_longer_be_sold_is_counted_however_far_below_zero_it_is(stock, before, now, state):
    stock(level(before))
    stock.pull(level(now))
    assert stock.audit().audit.state == state


@pytest.fixture
def emptying(source):
    """Stock whose source empties a level by saying null."""
    quantity = {"from": "item.q", "null": "cleared"}
    return source(scope="WH", map={"sku": "item.sku", "locationId": "item.loc", "quantity": quantity})


@pytest.mark.parametrize(("before", "state"), [(5, "held"), (-5, "held"), (0, "accepted")])
def test_what_is_emptied_is_as_implausible_as_nothing(emptying, before, state):
    emptying(level(before))
    emptying.pull(level(None))
    assert emptying.audit().audit.state == state


def test_a_level_that_is_not_told_any_more_is_not_one_that_was_emptied(stock):
    stock(level(5))
    stock.pull(level(None))
    assert stock.audit().audit.counts.zeroed == 0


@pytest.mark.parametrize("before", ["many", None])
def test_nothing_left_of_what_nobody_knew_is_no_loss(stock, before):
    # A hundred levels that were unreadable, or not told, and are zero now.
    stock([("OTHER", "WH", 1), *level(before)])
    stock.pull([("OTHER", "WH", 1), *level(0)])
    assert stock.audit(changed=None).audit.counts.zeroed == 0


def test_what_becomes_known_as_nothing_is_no_loss(stock, missing):
    stock([("OTHER", "WH", 1), *level(missing)])
    stock.pull([("OTHER", "WH", 1), *level(0)])
    found = stock.audit()
    assert (found.audit.state, found.audit.counts.changed, found.audit.counts.zeroed) == ("accepted", 100, 0)


@pytest.mark.parametrize(
    ("before", "now", "state"),
    [(10, 15, "accepted"), (10, "15.01", "held"), (10, 5, "accepted"), (10, "4.99", "held"), (-10, -4, "held"),
     (-10, -6, "accepted"), (None, 99, "accepted"), (0, 1, "held"), (10, None, "held"), (0, None, "accepted")],
)  # fmt: skip
def test_a_price_may_move_by_half_of_what_it_was(products, before, now, state):
    products([{"sku": sku, "price": before} for sku in SKUS])
    products.pull([{"sku": sku, "price": now} for sku in SKUS])
    assert products.audit(changed=None).audit.state == state


def test_a_price_that_is_not_told_any_more_has_not_moved(products):
    products([{"sku": sku, "price": 10} for sku in SKUS])
    products.pull([{"sku": sku} for sku in SKUS])
    assert products.audit().audit.counts.price == 0


def test_a_held_set_is_found_again_by_the_same_name(stock, held):
    stock.pull(level(0))
    assert stock.audit().audit.hash == held.audit.hash != ""
    stock.pull(level(0, SKUS[:99]) + level(5, SKUS[99:]))
    assert stock.audit().audit.hash != held.audit.hash


def test_a_later_pull_within_the_limits_withdraws_it(stock, held):
    stock.pull(level(5, SKUS[:99]) + level(6, SKUS[99:]))
    found = stock.audit()
    assert (found.audit.state, found.changes) == ("accepted", [("update", "S099", 5, 6)])
    assert stock.rows("SELECT state FROM audits ORDER BY audit") == [("accepted",), ("withdrawn",), ("accepted",)]


def test_a_walk_that_is_not_full_is_judged_with_all_that_was_held(products):
    price = [{"sku": sku, "price": 10} for sku in SKUS]
    products(price, kind="sync")
    products.pull([{"sku": sku, "price": 100} for sku in SKUS[:50]], kind="sync")
    assert products.audit().audit.state == "held"
    products.pull([{"sku": SKUS[99], "price": 11}], kind="sync")
    found = products.audit()
    assert (found.audit.state, found.audit.counts.changed) == ("held", 51)


def test_what_a_walk_leaves_of_a_held_set_is_held_on_however_little_it_is(products):
    # given: a held set, of which a walk then reads all but two again, and they are well
    price = [{"sku": sku, "price": 10} for sku in SKUS]
    products(price)
    products.pull([{**one, "price": 100} for one in price])
    held = products.audit()
    products.pull([*price[2:99], {"sku": SKUS[99], "price": 11}], kind="sync")
    # when
    found = products.audit()
    # then
    assert (found.audit.state, found.changes, found.audit.hash) == ("held", [], held.audit.hash)
    assert found.audit.reasons == ("2 changes of a held set were not read again since; a full pull reads them",)
    assert products.rows("SELECT state FROM audits ORDER BY audit") == [("accepted",), ("held",)]


@pytest.mark.parametrize("kind", ["sync", "full"])
def test_it_is_let_go_when_they_were_read_again(products, kind):
    # given
    price = [{"sku": sku, "price": 10} for sku in SKUS]
    products(price)
    products.pull([{**one, "price": 100} for one in price])
    products.audit()
    products.pull(price[2:], kind="sync")
    products.audit()
    # when: one of the two is as it was held
    products.pull([{"sku": SKUS[0], "price": 100}, *price[1:]], kind=kind)
    found = products.audit()
    # then
    assert (found.audit.state, [key["sku"] for _, key, _, _ in found.changes]) == ("accepted", [SKUS[0]])


def test_a_truncated_pull_is_held_and_counts_as_no_absence(stock):
    stock(level(5))
    for _ in range(3):
        stock.pull(level(5, SKUS[:50]))
        found = stock.audit()
        assert found.audit.reasons == ("no longer has 50 of 100 keys (limit 20%, at least 20)",)
    assert stock.baseline("sum(_absent)") == [(0,)]


def test_a_walk_that_is_not_full_cannot_shrink(products):
    products([{"sku": sku} for sku in SKUS])
    products.pull([{"sku": SKUS[0]}], kind="sync")
    assert products.audit().audit.state == "accepted"


def test_new_keys_make_up_for_none_that_is_missing(stock):
    """As when every SKU is written in another way all of a sudden: the destination would get all of them twice."""
    stock(level(5))
    stock.pull(level(5, [sku.lower() for sku in SKUS]))
    found = stock.audit()
    assert found.audit.reasons == ("no longer has 100 of 100 keys (limit 20%, at least 20)",)
    assert found.audit.counts.inserted == 100


def test_what_another_scope_was_just_given_is_missing_from_this_one(source):
    one, two = source("product", scope="one"), source("product", scope="two")
    one([{"sku": sku} for sku in SKUS])
    two.pull([{"sku": sku} for sku in SKUS[:50]])
    one.pull([{"sku": sku} for sku in SKUS[50:]])
    assert one.audit().audit.reasons == ("no longer has 50 of 100 keys (limit 20%, at least 20)",)


def test_a_pull_that_is_cut_up_from_now_on_is_held_against_what_was_known_as_a_whole(source):
    source()(level(5))
    part = source(scope="WH", minute=5)
    part.pull(level(0))
    assert part.audit().audit.reasons == ("sets to zero or less 100 of 100 keys (limit 10%, at least 20)",)


def test_a_pull_that_is_no_longer_cut_up_is_held_against_what_was_known_by_scope(source):
    source(scope="WH")(level(5))
    whole = source(minute=5)
    whole.pull(level(5, SKUS[:50]))
    assert whole.audit().audit.reasons == ("no longer has 50 of 100 keys (limit 20%, at least 20)",)


def test_what_is_gone_is_no_longer_among_the_keys_that_are_known(stock):
    stock(level(5, SKUS[:3]))
    for _ in range(3):
        found = stock(level(5, SKUS[:2]))
    assert found.audit.counts.baseline == 2


def test_twenty_keys_may_be_renamed(stock):
    stock(level(5))
    stock.pull(level(5, SKUS[20:]) + level(5, [sku.lower() for sku in SKUS[:20]]))
    assert stock.audit().audit.state == "accepted"


def test_an_empty_pull_is_held(stock):
    stock(level(5))
    stock.pull([])
    assert stock.audit().audit.state == "held"


def test_mass_deletes_are_held(stock):
    stock(level(5))
    stock(level(5, SKUS[:70]))
    stock.pull(level(5, SKUS[:70]))
    assert stock.audit(rows=None).audit.reasons == ("deletes 30 of 100 keys (limit 5%, at least 20)",)


def test_the_first_pull_of_a_source_is_never_held(stock):
    stock.pull(level(0))
    assert stock.audit().audit.state == "accepted"


def test_a_limit_that_is_off_lets_it_pass(stock):
    stock(level(5))
    stock.pull(level(0))
    assert len(stock.audit(zeroed=None).changes) == 100


def test_keys_of_another_pull_of_the_connection_are_not_counted(products):
    products([{"sku": "A"}, {"sku": "B"}])
    products.con.execute("UPDATE baseline_product SET _name = 'archive' WHERE sku = 'B'")
    products.pull([{"sku": "A"}])
    assert products.audit().audit.counts.baseline == 1


def test_what_another_pull_has_set_aside_is_counted_here(products):
    products([{"sku": "A"}, {"sku": "B", "price": 1}])
    products.pull([{"sku": "A"}, {"sku": "B", "price": "x"}])
    products.con.execute("UPDATE quarantine SET name = 'archive'")
    assert products.audit().audit.counts.baseline == 2


def test_what_is_gone_and_set_aside_is_not_taken_off_twice(products):
    for records in ([{"sku": "A"}, {"sku": "B"}], [{"sku": "A"}], [{"sku": "A"}]):
        products(records)
    products.pull([{"sku": "A"}, {"sku": "B", "price": "x"}])
    assert products.audit().audit.counts.baseline == 1
