"""Letters of what had no way to the destination: routed anew, they lose no value and forget no request."""

import datetime as dt

import pyarrow as pa
import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import claim
from pullpush_dagster.changes.arriving import overlay
from pullpush_dagster.dead import _SQL, _letters
from pullpush_dagster.store.sql import used
from tests.unit.changes.conftest import NAMES

STEPS = ("covered", "drop_covered", "covered_receipts", "route_again", "forget_empty", "due_again")


@pytest.fixture
def replay(con):
    """What ``pullpush replay ALL`` does, on a store that is open; gives the causes."""

    def replayed(entity):
        letters = _letters(con)
        rows = [
            {"push": "to_shop", "key": one.key, "cause": one.cause, "destination": "shop", "entity": entity,
             "field": "sku", "value": "A"}
            for one in letters
        ]  # fmt: skip
        con.register("chosen", pa.Table.from_pylist(rows))
        overlay(con)
        for step in STEPS:
            con.execute(_SQL[step], used(_SQL[step], {"now": dt.datetime.now(dt.UTC)}))
        con.execute("DROP TABLE covered")
        con.unregister("chosen")
        return [one.cause for one in letters]

    return replayed


@pytest.fixture
def lost(source, outbox, con):
    """A's create had no answer, and meanwhile a second source key came to mean A. A destination that only the same
    request again settles; gives the sources, what was claimed of the push, and how to claim."""

    def claimed(one):
        entity, bound_as = ENTITIES["stocklevel"], ENTITIES["product"]
        con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")
        return [*claim(con, one.push, entity, bound_as, frozenset({"quantity"}), 10, repeats=True)]

    here, other, shop = source(scope="WH"), source(scope="STORE"), outbox(translate={"locationId": NAMES})
    here([("A", "WH", 5)])
    shop.arrive()
    (tried,) = claimed(shop)
    other([("A", "STORE", 7)])
    shop.arrive()
    shop.settle(tried, "unknown")
    return here, tried, claimed


@pytest.mark.parametrize("way", ["replayed", "changed once more"])
def test_what_is_given_up_without_an_answer_is_settled_by_the_request_that_was_tried(lost, outbox, replay, way):
    # given: the rule is mended
    here, tried, claimed = lost
    mended = outbox(translate={"locationId": NAMES}, only={"locationId": ["WH"]})
    # when
    here([("A", "WH", 6)])
    if way == "replayed":
        assert replay("stocklevel") == ["not routed"]
    mended.arrive()
    # then
    (again,) = claimed(mended)
    assert (again.sequence, again.desired) == (tried.sequence, tried.desired)


def test_a_letter_that_is_routed_anew_keeps_what_is_unknown_by_now(products, outbox, replay):
    # given: a letter, of which the source does not say the price any more
    shop = outbox("product", translate={"sku": {"Z": "Z"}})
    shop.arrive()
    for record in ({"sku": "A", "title": "Cup", "price": 3}, {"sku": "A", "title": "Cup"}):
        products([record])
        shop.arrive()
    # when: the table is mended, and then the price is said again, as it was
    mended = outbox("product", translate={"sku": {"Z": "Z", "A": "A"}})
    assert replay("product") == ["not routed"]
    mended.deliver()
    products([{"sku": "A", "title": "Cup", "price": 3}])
    mended.deliver()
    # then
    assert mended.accepted() == {"A": {"title": "Cup", "price": "3.0000"}}
    assert mended.heads() == {}
