"""What is known of a key whose item is not: nothing of it is lost, made twice, or sent before it has settled."""

import pyarrow as pa
import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import claim
from pullpush_dagster.changes.claiming import seconds_to_next
from pullpush_dagster.changes.new_items import send_to_new_items


def later(box):
    box.con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")


def expire(box):
    box.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01' WHERE claim IS NOT NULL")


def given_up(box, times):
    for _ in range(times):
        box.settle(box.claim()["A"], "unknown", due_in=90.0)
        box.con.execute("UPDATE outbox SET dueAt = dueAt - INTERVAL 90 SECOND WHERE state = 'due'")


def repeating(box):
    entity = ENTITIES[box.entity]
    return next(iter(claim(box.con, box.push, entity, entity, frozenset(entity.compared), 9, repeats=True)), None)


def same(row, first):
    return row is None or (row.sequence, row.desired, row.refusals) == (first.sequence, first.desired, first.refusals)


@pytest.fixture
def outdated(products, catalogue):
    """A create without an answer, of which a newer version has come since."""
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.arrive()
    first = repeating(catalogue)
    catalogue.settle(first, "unknown")
    later(catalogue)
    products([{"sku": "A", "title": "Cup", "price": 2}])
    catalogue.arrive()
    return first


@pytest.mark.parametrize("outcome", ["retry", "rejected", "waiting"])
def test_an_item_found_anew_gets_all_that_is_known_though_its_first_request_failed(products, catalogue, outcome):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.deliver()
    products([{"sku": "A", "title": "Cup", "price": 2}])
    catalogue.arrive()
    row = catalogue.claim()["A"]
    catalogue.settle(row, "retry", unbind=True, bound_key=row.key)  # 404
    row = catalogue.claim()["A"]
    catalogue.settle(row, outcome, external_id={"id": "iB"}, bound_key=row.key)  # looked up: iB; its request failed
    catalogue.con.execute("UPDATE outbox SET state = 'due', dueAt = TIMESTAMPTZ '2020-01-01'")
    row = catalogue.claim()["A"]
    assert (row.ids, row.todo) == ([{"id": "iB"}], {"title", "price"})


def test_an_item_made_anew_without_an_answer_goes_again_as_it_was_and_not_as_the_update_before(products, catalogue):
    # given: an update without an answer, and its item is gone; its title is not known any more
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.deliver()
    products([{"sku": "A", "price": 2}])
    catalogue.arrive()
    catalogue.settle(repeating(catalogue), "unknown")
    later(catalogue)
    row = repeating(catalogue)
    catalogue.settle(row, "retry", unbind=True, bound_key=row.key)
    made = repeating(catalogue)
    assert made.known == {"title": "Cup", "price": "2.0000"}
    # when
    catalogue.settle(made, "unknown")
    later(catalogue)
    # then
    assert repeating(catalogue).known == made.known


def test_who_looks_a_waiting_key_up_and_dies_loses_nothing(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.deliver()
    catalogue.con.execute("DELETE FROM bindings WHERE connection = 'shop'")  # gone there
    products([{"sku": "A", "price": 2}])  # the title is unknown by now, and keeps its last value
    catalogue.arrive()
    catalogue.settle(catalogue.claim()["A"], "waiting")
    catalogue.wake()
    assert catalogue.claim()["A"].known == {"title": "Cup", "price": "2.0000"}
    expire(catalogue)
    catalogue.wake()
    assert catalogue.claim()["A"].known == {"title": "Cup", "price": "2.0000"}


def test_a_newer_version_of_what_was_given_up_waits_until_it_has_settled(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.arrive()
    given_up(catalogue, 10)
    products([{"sku": "A", "title": "Cup", "price": 2}])
    catalogue.arrive()
    assert seconds_to_next(catalogue.con, catalogue.push) > 60


def test_and_so_does_one_that_came_during_the_tenth_attempt(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.arrive()
    given_up(catalogue, 9)
    row = catalogue.claim()["A"]
    products([{"sku": "A", "title": "Cup", "price": 2}])
    catalogue.arrive()
    catalogue.settle(row, "unknown", due_in=90.0)
    assert seconds_to_next(catalogue.con, catalogue.push) > 60


def test_what_only_a_person_can_tell_is_not_made_again_for_a_version_that_came_meanwhile(products, catalogue):
    products([{"sku": "A", "price": 1}])
    catalogue.arrive()
    row = catalogue.claim()["A"]
    products([{"sku": "A", "price": 2}])
    catalogue.arrive()
    catalogue.settle(row, "unknown", unconfirmed=True)
    assert catalogue.heads() == {"A": "unconfirmed"}


def test_a_create_given_up_while_a_newer_version_came_goes_again_as_it_was(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.arrive()
    for _ in range(9):
        catalogue.settle(repeating(catalogue), "unknown")
        later(catalogue)
    first = repeating(catalogue)
    products([{"sku": "A", "title": "Cup", "price": 2}])
    catalogue.arrive()
    catalogue.settle(first, "unknown")
    later(catalogue)
    assert same(repeating(catalogue), first)


def test_a_create_without_an_answer_goes_again_as_it_was_however_many_newer_versions_came(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.arrive()
    first = repeating(catalogue)
    row = first
    for price in (2, 3):
        products([{"sku": "A", "title": "Cup", "price": price}])
        catalogue.arrive()
        catalogue.settle(row, "unknown")
        later(catalogue)
        row = repeating(catalogue)
    assert same(row, first)


def test_once_its_item_is_known_the_newest_version_goes(source, products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.arrive()
    catalogue.settle(repeating(catalogue), "unknown")
    later(catalogue)
    products([{"sku": "A", "title": "Cup", "price": 2}])
    catalogue.arrive()
    source("product", connection="shop").pull([{"sku": "A"}])
    assert repeating(catalogue).desired == {"title": "Cup", "price": "2.0000"}


@pytest.mark.parametrize("outcome", ["waiting", "rejected"])
def test_one_that_could_not_be_sent_in_between_goes_again_as_it_was(products, catalogue, outcome):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.arrive()
    first = repeating(catalogue)
    catalogue.settle(first, "unknown")
    later(catalogue)
    catalogue.settle(repeating(catalogue), outcome, sent_at=None)  # as when what it names is not there just now
    catalogue.con.execute("UPDATE outbox SET state = 'due'")
    assert same(repeating(catalogue), first)


def test_what_is_known_of_a_key_whose_item_is_not_to_be_made_stays_known(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.deliver()
    catalogue.con.execute("DELETE FROM bindings WHERE connection = 'shop'")  # gone there
    products([{"sku": "A", "price": 2}])  # the title is unknown by now
    catalogue.arrive()
    catalogue.settle(catalogue.claim()["A"], "skipped")
    assert catalogue.accepted()["A"]["title"] == "Cup"


def test_a_create_whose_holder_died_goes_again_as_it_was_though_a_newer_version_came_first(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.arrive()
    first = repeating(catalogue)
    products([{"sku": "A", "title": "Cup", "price": 2}])
    catalogue.arrive()
    expire(catalogue)
    catalogue.wake()
    assert same(repeating(catalogue), first)


def test_a_create_that_was_not_done_this_time_goes_again_as_it_was_until_it_has_settled(outdated, catalogue):
    catalogue.settle(repeating(catalogue), "retry")
    later(catalogue)
    assert same(repeating(catalogue), outdated)


def test_nothing_known_of_a_key_without_an_item_is_lost_whatever_is_claimed_with_it(products, catalogue):
    products([{"sku": sku, "title": "Cup", "price": 1} for sku in "AC"])
    catalogue.deliver()
    catalogue.con.execute("DELETE FROM bindings WHERE connection = 'shop' AND id = 'iA'")  # gone there
    products([{"sku": sku, "price": 2} for sku in "ABC"])  # the title is unknown by now
    catalogue.arrive()
    catalogue.settle(catalogue.claim()["A"], "waiting")
    catalogue.wake()
    assert catalogue.claim()["A"].known == {"title": "Cup", "price": "2.0000"}
    assert catalogue.desired()["C"] == {"price": "2.0000"}


@pytest.mark.parametrize("outcome", ["waiting", "rejected"])
def test_a_create_without_an_answer_that_cannot_be_sent_just_now_gives_no_way_to_a_newer_version(
    outdated, catalogue, outcome
):
    catalogue.settle(repeating(catalogue), outcome, sent_at=None)
    catalogue.con.execute("UPDATE outbox SET state = 'due'")
    assert same(repeating(catalogue), outdated)


# Found by the destination's own pull.


@pytest.mark.parametrize("sold", [False, True])
@pytest.mark.parametrize("deliver", ["latest", "every"])
def test_a_new_item_gets_what_is_unknown_by_now_too(products, outbox, con, deliver, sold):
    # given: the shop has both fields, and the source does not say the title any more
    shop, entity = outbox("product", deliver=deliver), ENTITIES["product"]
    for record in ({"sku": "A", "title": "Cup", "price": 3}, {"sku": "A", "price": 3}):
        products([record])
        shop.deliver()
    if sold:
        con.execute("INSERT INTO affected (push, field, value, affectedAt) VALUES ('to_shop', 'sku', 'A', now())")
    # when: another item has taken the place of the one there
    con.execute("UPDATE bindings SET id = 'iB', externalId = '{\"id\":\"iB\"}'")
    send_to_new_items(con, shop.push, entity, entity, pa.table({"key": ['{"sku":"A"}']}))
    shop.arrive()
    # then
    assert shop.claim()["A"].todo == {"title", "price"}


@pytest.fixture
def taken(products, catalogue):
    """A push whose shop has taken all of A."""
    products([{"sku": "A", "title": "Cup", "price": 1}])
    catalogue.deliver()
    return catalogue


def found_anew(push):
    """A is found there under another id. Whether what that sold, and what it is, is noted."""
    entity = ENTITIES["product"]
    send_to_new_items(push.con, push.push, entity, entity, pa.table({"key": ['{"sku":"A"}']}))
    return [
        sold for (sold,) in push.con.execute("SELECT affectedAt > '2000-01-01' FROM affected ORDER BY 1").fetchall()
    ]


def test_what_it_sold_before_is_sent_again_all_the_same(taken):
    taken.con.execute("INSERT INTO affected (push, field, value, affectedAt) VALUES ('to_shop', 'sku', 'A', now())")
    assert [found_anew(taken), found_anew(taken)] == [[False, True], [False, True]]


@pytest.mark.parametrize("taken_there", ["fields = '{}'", "connection = 'other'", "entity = 'stocklevel'"])
def test_of_what_nothing_counts_as_taken_all_is_to_be_sent_anyway(taken, taken_there):
    taken.con.execute(f"UPDATE accepted SET {taken_there}")
    assert found_anew(taken) == []


def test_what_has_another_name_at_its_source_is_not_asked_for_by_that_of_its_item(taken, outbox):
    assert found_anew(outbox("product", translate={"sku": {"Z": "A"}})) == []


def test_what_is_known_to_be_empty_goes_to_a_new_item_too(products, catalogue):
    for description in ("tall", None):
        products([{"sku": "A", "description": description}])
        catalogue.deliver()
    found_anew(catalogue)
    catalogue.arrive()
    assert catalogue.desired() == {"A": {"description": False}}


def test_what_goes_to_a_new_item_with_the_last_of_several_changes_does_not_go_with_the_first(products, outbox):
    shop = outbox("product", deliver="every")
    products([{"sku": "A", "title": "Cup", "price": 1}])
    shop.deliver()
    found_anew(shop)
    for price in (2, 3):
        products([{"sku": "A", "title": "Cup", "price": price}])
    shop.arrive()
    assert shop.desired()["A"]["price"] == "2.0000"
