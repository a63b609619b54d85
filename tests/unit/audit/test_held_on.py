"""A held set stays held whatever else is pulled, until a full pull is within the limits or a person approves."""

import pytest

from tests.unit.audit.conftest import SKUS, level
from tests.unit.audit.test_approving import let_through, newest

EVERY = [{"sku": sku, "title": "a", "price": 10} for sku in SKUS]


@pytest.fixture
def known(products):
    """A hundred products."""
    products(EVERY)
    return products


def dear(records):
    return [{**one, "price": 100} for one in records]


def test_a_full_pull_that_fell_short_withdraws_nothing(known):
    known.pull(dear(EVERY[:25]), kind="sync")
    assert known.audit().audit.state == "held"
    known.pull([*dear(EVERY[10:25]), *EVERY[25:]], short=10)
    assert known.audit().audit.state == "held"


def test_nor_does_it_let_go_of_what_it_did_not_read(stock):
    stock(level(5))
    stock.pull([*level(0, SKUS[:21]), *level(5, SKUS[21:])])
    held = stock.audit().audit
    stock.pull([*level(5, SKUS[:11]), *level(5, SKUS[21:])], short=10)
    assert (held.state, stock.audit().audit.state) == ("held", "held")


def test_pulls_that_lack_other_keys_are_other_sets(stock):
    stock(level(5))
    hashes = set()
    for there in (SKUS[:50], SKUS[50:]):
        stock.pull(level(5, there))
        hashes.add(stock.audit().audit.hash)
    assert len(hashes) == 2


def test_deletes_that_a_walk_leaves_of_a_held_set_are_held_on(known):
    known(EVERY[25:])
    known.pull(EVERY[25:])
    assert known.audit(rows=None).audit.state == "held"
    known.pull(EVERY[:5], kind="sync")
    found = known.audit(rows=None)
    assert (found.audit.state, len(found.changes)) == ("held", 0)


def test_absences_that_a_walk_leaves_of_a_held_set_are_held_on(known):
    known.pull(EVERY[25:])
    assert known.audit().audit.state == "held"
    known.pull(EVERY[:5], kind="sync")
    assert (known.audit().audit.state, known.baseline("sum(_absent)")) == ("held", [(0,)])


def test_a_set_that_was_found_again_is_held_on_too(known):
    for _ in range(2):
        known.pull(dear(EVERY))
        known.audit()
    known.pull([*EVERY[2:99], {"sku": SKUS[99], "price": 11}], kind="sync")
    found = known.audit()
    assert (found.audit.state, len(found.changes)) == ("held", 0)


def test_a_truncated_pull_is_held_when_days_were_taken_away(source):
    daily = source("product", days="2026-10-01")
    daily(EVERY, kind="sync")
    daily.days = None
    daily.pull(EVERY[:50])
    assert daily.audit().audit.state == "held"


def test_a_pull_that_fell_short_can_be_approved(stock):
    stock(level(5))
    stock.pull(level(6, SKUS[:50]), short=50)
    assert stock.audit().audit.state == "held"
    assert let_through(stock, newest(stock)).then.state == "nothing"
    assert dict(stock.baseline())[SKUS[0]] == 6


def test_what_is_unknown_by_now_is_noted_with_it(stock):
    stock(level(5))
    stock.pull([*level(6, SKUS[:50]), (SKUS[50], "WH", None)], short=49)
    stock.audit()
    let_through(stock, newest(stock))
    assert stock.rows("SELECT sku FROM baseline_stocklevel WHERE _unknown IS NOT NULL") == [(SKUS[50],)]


def test_what_came_after_a_pull_that_fell_short_is_not_approved_with_it(stock):
    stock(level(5))
    stock.pull(level(6, SKUS[:50]), short=50)
    stock.audit()
    stock.pull(level(7, SKUS[50:60]), kind="sync")
    let_through(stock, newest(stock))
    assert dict(stock.baseline())[SKUS[50]] == 5
    stock.pull([*level(6, SKUS[:50]), *level(7, SKUS[50:60]), *level(5, SKUS[60:])])
    assert len(stock.audit().changes) == 10


def test_what_another_source_has_of_the_same_keys_holds_nothing_on(source, known):
    source("product", connection="other").pull(EVERY[:25])
    known.pull(dear(EVERY[:25]), kind="sync")
    assert known.audit().audit.state == "held"
    known.pull([*dear(EVERY[:15]), *EVERY[15:25]], kind="sync")
    assert known.audit().audit.state == "accepted"


def test_a_set_that_was_approved_has_nothing_more_to_apply(stock):
    stock(level(5))
    stock.pull(level(6, SKUS[:50]), short=50)
    stock.audit()
    let_through(stock, newest(stock))
    again = let_through(stock, newest(stock))
    assert (again.changes, again.absent) == (0, 0)


# Of what was held a later reading may say nothing.


def test_what_was_held_is_held_on_where_a_walk_says_nothing_of_it(known):
    known.pull(dear(EVERY[:25]), kind="sync")
    held = known.audit().audit
    # when: of two it tells no price, and the others are well
    known.pull([*({"sku": sku, "title": "b"} for sku in SKUS[:2]), *EVERY[2:25]], kind="sync")
    found = known.audit().audit
    assert (found.state, found.hash) == ("held", held.hash)


def test_a_full_pull_that_says_nothing_of_what_was_held_withdraws_it(stock):
    """One zero of a hundred would be within the limits, and nobody has let it through."""
    stock(level(5))
    stock.pull(level(0))
    stock.audit()
    found = stock(level(None, SKUS[:1]) + level(5, SKUS[1:]))
    assert (found.changes, stock.rows("SELECT state FROM audits ORDER BY audit")[1]) == ([], ("withdrawn",))
    assert set(stock.baseline()) == {(sku, 5) for sku in SKUS}


@pytest.mark.parametrize(("kind", "state"), [("full", "accepted"), ("sync", "held")])
def test_a_disaster_of_which_the_run_died_before_its_audit_is_held_by_itself(stock, kind, state):
    """One zero of it would be within the limits, among what the next reading says."""
    stock(level(5))
    stock.pull(level(0), kind=kind)
    stock.pull(level(None, SKUS[:1]) + level(5, SKUS[1:]), kind=kind)
    assert stock.audit().audit.state == state
    assert set(stock.baseline()) == {(sku, 5) for sku in SKUS}


def test_it_is_held_by_the_limits_of_its_pull(stock):
    stock(level(5))
    stock.limits = {"zeroed": 0.5}
    stock.pull(level(0, SKUS[:30]) + level(5, SKUS[30:]))
    stock.pull(level(None, SKUS[:1]) + level(5, SKUS[1:]))
    stock.audit()
    assert dict(stock.baseline()) == dict.fromkeys(SKUS[1:], 5) | {SKUS[0]: 0}


def test_a_full_pull_that_is_held_in_its_turn_is_held_by_what_it_says(stock):
    stock(level(5))
    stock.pull(level(0))
    stock.audit()
    first = newest(stock)
    stock.pull(level(None, SKUS[:1]) + level(0, SKUS[1:]))
    assert stock.audit().audit.counts.zeroed == 99
    # What is let through of the first one names the key that says nothing by now.
    assert let_through(stock, first).left_out == ('{"sku":"S000","locationId":"WH"}',)


@pytest.mark.parametrize("told", [{"price": 100}, {}], ids=["every price", "not every price"])
def test_the_days_of_a_backfill_are_held_as_one(source, told):
    """No day has as many keys as a guard asks for; of one record each, it tells no price on the next day."""
    daily = source("product", days="2026-10-01")
    daily([{"sku": sku, "price": 10, "at": "2026-10-01T08:00:00Z"} for sku in SKUS], kind="sync")
    for day in range(5):
        at, last = f"2026-10-0{day + 2}T08:00:00Z", [{"sku": SKUS[15 * day - 1], **told}] * bool(day)
        records = last + [{"sku": sku, "price": 100} for sku in SKUS[15 * day : 15 * day + 15]]
        window = (f"2026-10-0{day + 2}", f"2026-10-0{day + 3}")
        daily.pull([{**one, "at": at} for one in records], kind="window", window=window)
    assert (daily.audit().audit.state, daily.baseline("max(price)")) == ("held", [(10,)])
