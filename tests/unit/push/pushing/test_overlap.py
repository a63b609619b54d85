"""The next keys are claimed while those before are sent: what becomes of them when that goes wrong."""

import asyncio
import json
import threading
import time

import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.changes import Settled
from pullpush_dagster.errors import AuthError, StoreBusyError
from pullpush_dagster.push import sending
from pullpush_dagster.push.journal import Totals

SKUS = [f"S{number}" for number in range(12)]


@pytest.fixture
def few(monkeypatch):
    """Five keys in a claim."""
    monkeypatch.setattr(sending, "_SMALLEST_CLAIM", 5)
    monkeypatch.setattr(sending, "_CLAIM_SECONDS", 0.0)


@pytest.fixture
def push(few, pushing, shop):
    """Twelve products that the shop has, with titles it has not."""
    shop.items |= {str(place): {"sku": sku, "title": "old"} for place, sku in enumerate(SKUS)}
    made = pushing(batch=5)
    made.pull(*({"sku": sku, "title": f"new {sku}"} for sku in SKUS))
    return made


def test_every_key_is_sent_once_over_several_claims(push, shop):
    assert push.send() == dict.fromkeys(SKUS, "accepted")
    assert [item["title"] for item in shop.items.values()] == [f"new {sku}" for sku in SKUS]
    assert len(shop.writes) == 12
    assert push.rows("SELECT count(DISTINCT claim) FROM receipts") == [(3,)]


def test_a_second_claim_is_made_though_nothing_of_the_first_is_answered(push, shop, platform):
    claimed, answered = [], []

    def reply(seen):
        until = time.monotonic() + 2.0
        while not answered and 10 not in claimed and time.monotonic() < until:
            claimed.append(push.rows("SELECT count(*) FROM outbox WHERE state = 'claimed'")[0][0])
            time.sleep(0.02)
        answered.append(seen)
        return shop(seen)

    platform.route(reply)
    push.send()
    assert 10 in claimed


def test_what_was_answered_is_soon_in_the_store_though_others_are_not(pushing, shop, platform):
    # given: three requests of one claim
    shop.items |= {str(place): {"sku": sku} for place, sku in enumerate(SKUS)}
    push = pushing(batch=5)
    push.pull(*({"sku": sku, "title": "new"} for sku in SKUS))
    receipts = [0]

    def reply(seen):
        until = time.monotonic() + 2.0
        while shop.writes and not receipts[-1] and time.monotonic() < until:
            receipts.append(push.rows("SELECT count(*) FROM receipts")[0][0])
            time.sleep(0.02)
        return shop(seen)

    # when, then
    platform.route(reply)
    push.send()
    assert receipts[-1] == 5


NUMBERED = {
    "post": "/batch", "json": {"kind": "{binding.kind}"}, "at": "update", "batch": 10,
    "record": {"id": "{binding.id}", "title": "{title}", "number": "{index:text}"},
    "answers": "body.done", "match": "id",
    "failures": {"at": "body.errors", "match": {"sent": "record.number", "answered": "row.number"}, "error": "row.said"}
}  # fmt: skip


def test_a_failure_is_told_from_the_records_of_other_claims_in_its_request(pushing, shop, platform, monkeypatch):
    # given: four keys in two claims; the first goes alone, the others together, and one of those is refused
    monkeypatch.setattr(sending, "_SMALLEST_CLAIM", 2)
    push = pushing(update=[NUMBERED], batch=1, also={"kind": "item.kind"})
    shop.items |= {f"i{sku}": {"sku": sku, "kind": "x" if sku == "S0" else "y"} for sku in SKUS[:4]}
    push.pull(*({"sku": sku, "title": "new"} for sku in SKUS[:4]))
    asked, sent = [], []

    def reply(seen):
        if seen.method == "GET":
            asked.append(seen)
            return shop(seen)
        records = json.loads(seen.body)["update"]
        sent.append(len(records))
        bad = [{"number": one["number"], "said": "bad"} for one in records if one["id"] == "iS1"]
        answer = JSONResponse({"done": [one for one in records if one["id"] != "iS1"], "errors": bad})

        async def when_both_were_looked_up(scope, receive, send):
            until = time.monotonic() + 5.0
            while len(asked) < 2 and time.monotonic() < until:
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.3)
            await answer(scope, receive, send)

        return when_both_were_looked_up

    platform.route(reply)
    # when, then
    assert push.send() == {"S0": "accepted", "S1": "rejected", "S2": "accepted", "S3": "accepted"}
    assert sent == [1, 3]


def test_what_was_written_while_nothing_was_claimed_is_headway(pushing, tiny, claim, monkeypatch):
    push = pushing()
    monkeypatch.setattr(push.pusher, "turn", lambda *_: (None, None))

    async def room():
        async with tiny.client(destination=True) as client:
            run = sending.Sending(push.pusher, client, Totals(), lambda _: None)
            run._fresh, run._journal.claimed = False, 1
            run._journal.settle([Settled(claim("A"), "accepted")])
            await run._turn(0)
            return run._room()

    assert asyncio.run(room()) > 0


def test_refused_credentials_leave_no_key_claimed(push, shop):
    shop.down = (None, 401)
    with pytest.raises(AuthError):
        push.send()
    assert push.rows("SELECT state, attempts, count(*) FROM outbox GROUP BY ALL") == [("due", 0, 12)]
    told = push.rows("SELECT DISTINCT outcome FROM receipts")
    assert told == [("retry",)]


def test_a_batch_that_is_not_answered_ends_the_run_and_all_stays_due(push, shop):
    shop.down = ("/batch", 500)
    push.send()
    assert push.rows("SELECT DISTINCT state FROM outbox") == [("due",)]
    assert push.rows("SELECT count(*) > 0 FROM receipts WHERE outcome = 'unknown'") == [(True,)]


def test_what_has_to_settle_for_long_is_put_back_until_then(pushing, shop):
    shop.items["7"] = {"sku": "A", "title": "old"}
    push = pushing(settle=1.5)
    push.pull({"title": "cup"})
    push.send()
    push.pull({"title": "mug"})
    shop.down = ("/batch", 502)
    push.send()
    assert push.rows("SELECT state, attempts, claim FROM outbox") == [("due", 1, None)]


def test_a_store_that_is_busy_meanwhile_does_not_lose_what_is_being_sent(push, shop, monkeypatch):
    # given: it takes no answer at first
    turns = iter([push.pusher.turn, push.pusher.turn, None])

    def turn(*given):
        make = next(turns, push.pusher.__class__.turn.__get__(push.pusher))
        if make is None:
            raise StoreBusyError("the store was held by process 1 for 60 s")
        return make(*given)

    monkeypatch.setattr(push.pusher, "turn", turn)
    with pytest.raises(StoreBusyError):
        push.send()
    # then
    ((accepted,),) = push.rows("SELECT count(*) FROM receipts WHERE outcome = 'accepted'")
    assert accepted == len(shop.writes) > 0
    assert push.rows("SELECT state, count(*) FROM outbox GROUP BY ALL") == [("due", 12 - accepted)]


def test_a_newer_version_that_comes_while_its_key_is_sent_is_sent_too(push, shop, platform):
    # given: while the first request is under way, the source says something newer
    newer = iter([True])

    def reply(seen):
        if seen.method == "POST" and next(newer, False):
            push.pull(*({"sku": sku, "title": f"newest {sku}"} for sku in SKUS))
            push.pusher.arrive()
        return shop(seen)

    platform.route(reply)
    push.send()
    push.send()
    assert [item["title"] for item in shop.items.values()] == [f"newest {sku}" for sku in SKUS]


def test_a_push_that_is_cancelled_while_the_store_writes_has_it_written_once_and_leaves_no_key_claimed(
    push, shop, monkeypatch
):
    # given: it is cancelled when the answers of a first claim are in the store, and before the store says so
    turn, written, go = push.pusher.turn, threading.Event(), threading.Event()

    def slow(group, most):
        done = turn(group, most)
        if group:
            written.set()
            go.wait(10)
        return done

    monkeypatch.setattr(push.pusher, "turn", slow)
    push.pusher.arrive()

    async def cancelled():
        sending_ = asyncio.create_task(push.pusher.send(lambda _: None))
        await asyncio.to_thread(written.wait, 10)
        sending_.cancel()
        await asyncio.sleep(0.05)
        go.set()
        with pytest.raises(asyncio.CancelledError):
            await sending_

    asyncio.run(cancelled())
    # then
    ((receipts, keys),) = push.rows("SELECT count(*), count(DISTINCT key) FROM receipts WHERE outcome = 'accepted'")
    assert receipts == keys == len(shop.writes) > 0
    assert push.rows("SELECT state, count(*) FROM outbox GROUP BY ALL") == [("due", 12 - receipts)]
