"""A held change set that a person lets through: those very rows, and nothing that moved on since."""

import pytest

from pullpush_dagster.audit import approve
from pullpush_dagster.canonical import ENTITIES
from tests.unit.audit.conftest import SKUS, level


@pytest.fixture
def number(stock, held):
    """Of the audit that is held."""
    return newest(stock)


def newest(source):
    """The number of the newest audit that is held."""
    ((audit,),) = source.rows("SELECT max(audit) FROM audits WHERE state = 'held'")
    return audit


def let_through(source, audit, **limits):
    return approve(source.con, ENTITIES[source.entity], "erp", source.entity, source.scope, limits, audit)


def states(source):
    return [state for (state,) in source.rows("SELECT state FROM audits ORDER BY audit")]


def test_its_rows_join_the_log_and_the_baseline_moves(stock, number):
    done = let_through(stock, number)
    assert (done.changes, done.left_out, done.then.state) == (100, (), "accepted")
    assert {quantity for _, quantity in stock.baseline()} == {0}
    log = stock.rows("SELECT op, before, after, count(*) FROM changes WHERE op = 'update' GROUP BY ALL")
    assert log == [("update", '{"quantity":"5.0000"}', '{"quantity":"0.0000"}', 100)]
    assert states(stock) == ["accepted", "approved", "accepted", "accepted"]


def test_new_keys_and_changed_ones_are_counted_together(stock):
    stock(level(5))
    stock.pull([*level(0), ("new", "WH", 1)])
    stock.audit()
    assert let_through(stock, newest(stock)).changes == 101


def test_the_next_pull_of_the_same_is_no_change(stock, number):
    let_through(stock, number)
    found = stock(level(0))
    assert (found.audit.state, found.changes) == ("accepted", [])


def test_a_key_that_moved_on_since_is_left_out_and_sent_with_its_newest_value(stock, number):
    # given: a later pull, held too, in which one key has another value
    stock.pull(level(0, SKUS[1:]) + level(7, SKUS[:1]))
    stock.audit()
    # when: what somebody had looked at before is approved
    done = let_through(stock, number)
    # then
    assert (done.changes, done.left_out) == (99, ('{"sku":"S000","locationId":"WH"}',))
    assert (done.then.state, done.then.counts.changed) == ("accepted", 1)
    assert dict(stock.baseline())["S000"] == 7


def test_what_came_since_is_held_by_itself_when_it_is_too_much(stock, number):
    stock.pull(level(0, SKUS[:50]) + level(-1, SKUS[50:]))
    stock.audit(changed=0.2)
    done = let_through(stock, number, changed=0.2)
    assert (done.changes, len(done.left_out), done.then.state) == (50, 50, "held")
    assert {quantity for _, quantity in stock.baseline()} == {0, 5}


def test_an_approved_delete_is_a_delete(stock):
    stock(level(5))
    stock(level(5, SKUS[:70]))
    stock.pull(level(5, SKUS[:70]))
    stock.audit(rows=None)
    done = let_through(stock, newest(stock), rows=None)
    assert (done.changes, done.then.state) == (30, "accepted")
    assert stock.rows("SELECT op, count(*) FROM changes WHERE op = 'delete' GROUP BY op") == [("delete", 30)]


def test_a_source_that_has_shrunk_for_good_is_let_through_as_absences_and_then_as_deletes(stock):
    # given
    stock(level(5))
    stock.pull(level(5, SKUS[:50]))
    assert stock.audit().audit.reasons == ("no longer has 50 of 100 keys (limit 20%, at least 20)",)
    # when
    first = let_through(stock, newest(stock))
    stock.pull(level(5, SKUS[:50]))
    stock.audit()
    second = let_through(stock, newest(stock))
    # then
    assert [(one.changes, one.absent, one.then.state) for one in (first, second)] == [
        (0, 50, "accepted"), (50, 0, "accepted"),
    ]  # fmt: skip
    assert len(stock.baseline()) == 50
    assert stock(level(6, SKUS[:50])).audit.state == "accepted"


def test_a_key_of_which_a_field_was_emptied_since_is_left_out(products):
    products([{"sku": sku, "title": "a", "price": 10} for sku in SKUS])
    dear = [{"sku": sku, "price": 100} for sku in SKUS]  # the title is unknown
    products.pull(dear)
    products.audit()
    held = newest(products)
    products.pull([{**dear[0], "title": None}, *dear[1:]])
    products.audit()
    assert let_through(products, held).left_out == ('{"sku":"S000"}',)


def test_keys_that_came_back_since_are_no_absences_to_be_let_through(stock):
    stock(level(5))
    stock.pull(level(5, SKUS[:50]))
    stock.audit()
    held = newest(stock)
    stock.pull(level(5, SKUS[:60]))
    stock.audit()
    done = let_through(stock, held)
    assert (done.absent, len(done.left_out), done.then.state) == (40, 10, "accepted")


def test_equal_changes_of_two_sources_have_names_of_their_own(source):
    hashes = set()
    for connection in ("erp", "other"):
        stock = source(scope="WH", connection=connection)
        stock(level(5))
        stock.pull(level(0))
        hashes.add(stock.audit().audit.hash)
    assert len(hashes) == 2


def test_a_walk_that_is_not_full_goes_on_from_there(products):
    products([{"sku": sku, "price": 10} for sku in SKUS], kind="sync")
    products.pull([{"sku": sku, "price": 100} for sku in SKUS[:50]], kind="sync")
    products.audit()
    let_through(products, newest(products))
    found = products([{"sku": SKUS[99], "price": 11}], kind="sync")
    assert [(op, key["sku"]) for op, key, *_ in found.changes] == [("update", "S099")]


def test_the_same_set_found_again_is_stored_once(stock, number):
    stock.pull(level(0))
    stock.audit()
    assert (newest(stock), states(stock)) == (number, ["accepted", "held"])


def test_an_older_set_is_still_there_beside_a_newer_one_until_a_pull_within_the_limits(stock, number):
    stock.pull(level(0, SKUS[1:]) + level(7, SKUS[:1]))
    stock.audit()
    assert states(stock) == ["accepted", "replaced", "held"]
    stock.pull(level(5))
    stock.audit()
    assert states(stock) == ["accepted", "withdrawn", "withdrawn", "accepted"]
