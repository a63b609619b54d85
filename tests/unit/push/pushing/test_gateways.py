"""What stands before the platform answers in its place: a gateway, a firewall, a page while there is maintenance."""

import asyncio
import json
import time

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.push import Pusher
from tests.unit.push.pushing.conftest import CREATE


@pytest.fixture
def cut_off(shop, platform):
    """Lets the answer to the first write be a gateway's, though the shop does it; items are found after two seconds."""

    def route(status):
        began = []

        def answer(seen):
            if seen.method == "GET":
                return shop(seen) if began and time.monotonic() > began[0] + 2 else JSONResponse([])
            began.append(time.monotonic())
            done = shop(seen)
            return Response("<html>first byte timeout</html>", status) if len(began) == 1 else done

        platform.route(answer)

    return route


@pytest.mark.parametrize("status", [503, 504])
def test_a_create_whose_answer_was_cut_off_is_left_for_a_person_where_nobody_can_be_asked(
    pushing, shop, cut_off, status
):
    made = pushing(find=None, batch=1, create=CREATE)
    made.pull({"title": "a"})
    cut_off(status)
    made.send()
    made.send()
    assert len(shop.items) == 1
    assert [state for state, _ in made.why()] == ["unconfirmed"]


@pytest.mark.parametrize("status", [503, 504])
def test_a_create_whose_answer_was_cut_off_is_looked_up_once_it_has_settled(pushing, shop, cut_off, store, status):
    made = pushing(settle=3.0, create=CREATE)
    made.pull({"title": "a"})
    cut_off(status)
    pusher = Pusher(made.pusher.project, made.pusher.push, store, patience=8.0)
    pusher.arrive()
    asyncio.run(pusher.send(lambda _: None))
    assert [item["sku"] for item in shop.items.values()] == ["A"]


@pytest.mark.parametrize("status", [302, 404, 405])
def test_while_there_is_a_maintenance_page_no_change_is_lost(pushing, shop, platform, status):
    shop.items |= {"1": {"sku": "A"}, "2": {"sku": "B"}}
    made = pushing()
    made.pull({"sku": "A", "title": "a"}, {"sku": "B", "title": "b"})
    page = Response("<html>back soon</html>", status, headers={"location": "/maintenance.html"})
    platform.route(lambda seen: shop(seen) if seen.method == "GET" else page)
    made.send()
    platform.route(shop)
    made.send()
    made.send()
    assert {item["sku"]: item.get("title") for item in shop.items.values()} == {"A": "a", "B": "b"}


def test_a_record_that_a_firewall_refuses_is_a_dead_letter_and_the_others_go(pushing, shop, platform):
    shop.items |= {"1": {"sku": "A"}, "2": {"sku": "B"}, "3": {"sku": "C"}}
    made = pushing()
    made.pull({"sku": "A", "title": "a"}, {"sku": "B", "title": "<script>"}, {"sku": "C", "title": "c"})
    blocked = Response("<html>blocked</html>", 403)
    platform.route(lambda seen: blocked if b"<script>" in seen.body else shop(seen))
    assert made.send() == {"A": "accepted", "B": "rejected", "C": "accepted"}
    assert [state for state, _ in made.why()] == ["dead"]


def test_what_may_be_there_goes_on_though_its_next_attempt_did_not_go_and_its_source_went(pushing, shop, platform):
    # given: a bound item whose first update was done, and answered 500; then the platform asked to wait
    shop.items |= {"7": {"sku": "A"}, "8": {"sku": "B"}}
    push = pushing()
    push.pull_shop()
    push.pull({"sku": "A", "price": 1}, {"sku": "B"})
    replies = iter([500, 429])

    def answer(seen):
        status = None if seen.method == "GET" else next(replies, None)
        if status == 429:
            return JSONResponse({}, status, {"Retry-After": "300"})
        done = shop(seen)
        return JSONResponse({}, status) if status else done

    platform.route(answer)
    push.send()
    assert (shop.items["7"]["price"], push.rows("SELECT tried FROM outbox")) == ("1", [(True,)])
    # when: it went to 2, and then it was gone
    push.pull({"sku": "A", "price": 2}, {"sku": "B"})
    push.pusher.arrive()
    for _ in range(2):
        push.pull({"sku": "B"})
    push.pusher.arrive()
    # then
    assert [json.loads(one)["price"] for (one,) in push.rows("SELECT desired FROM outbox")] == ["2.0000"]
