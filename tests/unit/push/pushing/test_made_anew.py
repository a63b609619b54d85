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
