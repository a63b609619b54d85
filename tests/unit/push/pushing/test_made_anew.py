"""A key whose item is gone there: the next one is told all that is known, whatever its requests come to."""

import json

import pytest
from starlette.responses import JSONResponse

from tests.unit.push.pushing.conftest import CREATE


@pytest.fixture
def once(platform, shop):
    """The shop answers the first write that ``is_it`` with a status, and does nothing."""

    def route(is_it, status):
        done = []

        def answer(seen):
            if seen.method == "POST" and not done and is_it(json.loads(seen.body)):
                done.append(True)
                return JSONResponse({}, status)
            return shop(seen)

        platform.route(answer)

    return route


@pytest.mark.parametrize("status", [429, 503])
def test_an_item_that_was_made_anew_there_gets_all_that_is_known_though_it_was_busy(pushing, shop, once, status):
    shop.items["7"] = {"sku": "A"}
    made = pushing()
    made.pull({"title": "cup", "price": 1})
    made.send()
    del shop.items["7"]
    shop.items["9"] = {"sku": "A", "title": "new"}
    made.pull({"title": "cup", "price": 2})
    once(lambda body: any(one["id"] == "9" for one in body.get("update", [])), status)
    for _ in range(4):
        made.send()
    assert made.rows("FROM outbox") == []
    assert shop.items == {"9": {"sku": "A", "title": "cup", "price": "2"}}


def test_an_item_that_is_gone_is_made_anew_with_all_that_is_known_though_an_answer_was_lost(pushing, shop, once):
    made = pushing(create=CREATE)
    made.pull({"title": "cup", "price": 1})
    made.send()
    made.pull({"price": 2})  # the title is unknown by now, and keeps its last value
    shop.items.clear()
    once(lambda body: "create" in body, 500)
    for _ in range(4):
        made.send()
    (item,) = shop.items.values()
    assert item == {"sku": "A", "title": "cup", "price": "2"}


# Found by the destination's own pull.


@pytest.fixture
def delivered(pushing, shop):
    """The shop's item 7 has all of A, and 8 all of B."""
    shop.items |= {"7": {"sku": "A"}, "8": {"sku": "B"}}
    made = pushing()
    made.pull({"title": "cup", "price": 1}, {"sku": "B", "title": "jug", "price": 2})
    made.send()
    shop.writes.clear()
    return made


@pytest.mark.parametrize("kind", ["full", "sync"])
def test_an_item_that_took_the_place_of_another_is_told_all_though_the_source_did_not_move(delivered, shop, kind):
    del shop.items["7"]
    shop.items["9"] = {"sku": "A", "title": "new"}
    delivered.pull_shop(kind)
    delivered.send()
    assert shop.items["9"] == {"sku": "A", "title": "cup", "price": "1"}
    assert [record["id"] for record in shop.writes] == ["9"]


def test_items_that_took_each_others_keys_are_told_what_is_theirs_now(delivered, shop):
    shop.items["7"]["sku"], shop.items["8"]["sku"] = "B", "A"
    delivered.pull_shop()
    delivered.send()
    assert {one["sku"]: one["title"] for one in shop.items.values()} == {"A": "cup", "B": "jug"}


def test_an_item_that_is_the_one_it_was_is_told_nothing_again(delivered, shop):
    shop.items["9"] = {"sku": "C"}
    for _ in range(2):
        delivered.pull_shop()
        delivered.send()
    assert shop.writes == []


def test_a_key_that_had_been_gone_for_a_while_is_told_all_when_it_is_back(delivered, shop):
    gone = shop.items.pop("7")
    delivered.pull_shop()
    shop.items["9"] = {"sku": gone["sku"]}
    delivered.pull_shop()
    delivered.send()
    assert shop.items["9"] == gone
    delivered.pull_shop()
    delivered.send()
    assert len(shop.writes) == 1


def test_what_is_to_be_sent_again_anyway_goes_to_the_new_item_as_well(delivered, shop):
    # given: told once, of a sale there, though it is not settled
    delivered.rows(
        """INSERT INTO affected (push, field, value, affectedAt, sentAgain)
        VALUES ('to_shop', 'sku', 'A', TIMESTAMPTZ '2026-10-01', ['erp/product {"sku":"A"}']) RETURNING push"""
    )
    shop.items["9"] = {"sku": shop.items.pop("7")["sku"]}
    delivered.pull_shop()
    delivered.send()
    assert shop.items["9"] == {"sku": "A", "title": "cup", "price": "1"}
