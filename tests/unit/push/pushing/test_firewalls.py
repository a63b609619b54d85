"""A firewall that answers 403 to whatever has a certain text in it; everything else is taken."""

import asyncio

import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.errors import AuthError
from pullpush_dagster.push import sending
from tests.unit.push.pushing.conftest import CREATE

BAD = "<script>"


@pytest.fixture
def firewall(shop, platform):
    """Stands before the shop, whose look-ups take ``late`` seconds."""

    def route(late=0.0):
        no = JSONResponse({"message": "no"}, 403)

        def answer(seen):
            async def reply(scope, receive, send):
                bad = b"script" in seen.body or "script" in seen.target
                await asyncio.sleep(late if seen.method == "GET" else 0.0)
                await (no if bad else shop(seen))(scope, receive, send)

            return reply

        platform.route(answer)

    return route


def send_often(push, times=3):
    for _ in range(times):
        try:
            push.send()
        except AuthError:
            continue


def titles(shop):
    return {item["sku"]: item.get("title") for item in shop.items.values()}


@pytest.mark.parametrize("bad", ["A", "ABC"])
def test_records_that_it_dislikes_do_not_keep_back_those_that_are_being_looked_up(pushing, shop, firewall, bad):
    # given: items that are bound, whose updates go at once, and new ones
    shop.items |= {f"i{sku}": {"sku": sku} for sku in bad}
    push = pushing(create=CREATE, batch=1)
    push.pull(*({"sku": sku, "title": "old"} for sku in bad))
    push.send()
    push.pull(*({"sku": sku, "title": BAD} for sku in bad), *({"sku": sku, "title": "new"} for sku in "XYZ"))
    # when
    firewall(late=0.3)
    send_often(push, 1)
    # then
    assert titles(shop) == dict.fromkeys(bad, "old") | dict.fromkeys("XYZ", "new")


@pytest.mark.parametrize("bad", ["ABC", "ABCGH", "DEFGH"])
@pytest.mark.parametrize("batch", [1, 10])
def test_records_that_it_dislikes_do_not_stop_a_push_for_ever(pushing, shop, firewall, batch, bad):
    shop.items |= {f"i{sku}": {"sku": sku} for sku in "ABCDEFGH"}
    push = pushing(batch=batch)
    push.pull(*({"sku": sku, "title": BAD if sku in bad else "new"} for sku in "ABCDEFGH"))
    firewall()
    send_often(push)
    assert titles(shop) == {sku: None if sku in bad else "new" for sku in "ABCDEFGH"}


def test_a_key_that_it_dislikes_in_a_look_up_is_rejected_and_the_others_go(pushing, shop, firewall):
    push = pushing(create=CREATE)
    push.pull(*({"sku": sku, "title": "new"} for sku in (BAD, "B", "C")))
    firewall()
    assert push.send() == {BAD: "rejected", "B": "accepted", "C": "accepted"}


def test_so_is_one_that_was_looked_up_alone_once_another_one_is_answered(pushing, firewall, monkeypatch):
    monkeypatch.setattr(sending, "_SMALLEST_CLAIM", 1)
    push = pushing(create=CREATE, batch=1)
    push.pull(*({"sku": sku, "title": "new"} for sku in (BAD, "B", "C", "D")))
    firewall()
    assert push.send() == {BAD: "rejected", **dict.fromkeys("BCD", "accepted")}


def test_one_that_it_dislikes_in_a_look_up_does_not_keep_back_those_that_need_none(pushing, shop, firewall):
    # given
    skus = [f"S{n}" for n in range(9)]
    shop.items |= {f"i{sku}": {"sku": sku} for sku in skus}
    push = pushing(create=CREATE, batch=1)
    push.pull(*({"sku": sku, "title": "old"} for sku in skus))
    push.send()
    push.pull({"sku": BAD, "title": "new"}, *({"sku": sku, "title": "new"} for sku in skus))
    firewall()
    # when
    with pytest.raises(AuthError):
        push.send()
    # then
    assert titles(shop) == dict.fromkeys(skus, "new")
    assert push.rows("SELECT key, state, attempts, claim FROM outbox") == [(f'{{"sku":"{BAD}"}}', "due", 0, None)]


def test_those_that_it_dislikes_in_a_look_up_go_behind_the_others_at_the_next_run(pushing, shop, firewall, monkeypatch):
    # given: as many as there is room for come first
    for name in ("_SMALLEST_CLAIM", "_LARGEST_CLAIM"):
        monkeypatch.setattr(sending, name, 1)
    push = pushing(create=CREATE, batch=1)
    push.pull(*({"sku": sku, "title": "new"} for sku in (BAD, f"{BAD}2", "B", "C")))
    firewall()
    # when
    send_often(push, 2)
    # then
    assert titles(shop) == dict.fromkeys("BC", "new")


@pytest.mark.parametrize("where", [None, "/batch"], ids=["everything", "writes"])
def test_credentials_that_are_refused_stop_the_push_soon_and_wear_nothing_out(pushing, shop, platform, where):
    shop.items |= {f"i{n}": {"sku": f"S{n}"} for n in range(250)}
    push = pushing(batch=1)
    push.pull(*({"sku": f"S{n}", "title": "new"} for n in range(250)))
    shop.down = (where, 403)
    with pytest.raises(AuthError):
        push.send()
    assert push.rows("SELECT DISTINCT state, attempts, claim FROM outbox") == [("due", 0, None)]
    refused = [seen for seen in platform.requests if where is None or where in seen.target]
    assert len(refused) <= 20


def test_a_record_that_it_dislikes_does_not_make_a_run_go_on_that_makes_no_headway(pushing, shop, platform):
    shop.items |= {f"i{sku}": {"sku": sku} for sku in "AB"}
    push = pushing(batch=1)
    push.pull({"title": BAD}, {"sku": "B", "title": "new"})
    slower, no = JSONResponse({}, 429, headers={"Retry-After": "0"}), JSONResponse({}, 403)
    platform.route(lambda seen: shop(seen) if seen.method == "GET" else no if b"script" in seen.body else slower)
    send_often(push, 1)
    assert len([seen for seen in platform.requests if seen.method == "POST"]) == 2
    assert push.rows("SELECT DISTINCT state, attempts, claim FROM outbox") == [("due", 0, None)]
