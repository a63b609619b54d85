"""Sending: one request in flight per lane, a key once, and an outcome for every record whatever happens."""

import asyncio
import datetime as dt
import json
import math
import time

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from pullpush_dagster.errors import AuthError, StoreBusyError
from pullpush_dagster.push.lanes import Lanes
from tests.unit.push.conftest import each

TEN = [f"S{n}" for n in range(10)]


def told(seen):
    return {sku: one.outcome.name for sku, one in seen.items()}


def test_every_record_has_its_outcome(platform, sending, echo):
    platform.route(echo)
    seen, error = sending(TEN)
    assert (told(seen), error) == (dict.fromkeys(TEN, "accepted"), None)
    assert all(one.sent_at is not None for one in seen.values())


def test_each_key_is_sent_once_in_batches_of_the_platforms_size(platform, sending, echo, names):
    platform.route(echo)
    sending(TEN)
    batches = [names(request) for request in platform.requests]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(name for batch in batches for name in batch) == TEN


@pytest.fixture
def together(tiny, facts):
    """Sends payloads in one lane; gives what became of each."""

    def send(*payloads, **parts):
        seen = []

        async def run():
            async with tiny.client() as client:
                lanes = Lanes(client, facts(**parts), 1, lambda sent: seen.extend(each(sent)))
                lanes.add(payloads)
                await lanes.ended()

        asyncio.run(run())
        return seen

    return send


def test_creates_and_updates_do_not_share_a_request(platform, together, made, echo):
    platform.route(echo)
    together(made("A", item={"id": "7"}), made("B"))
    assert [list(json.loads(request.body)) for request in platform.requests] == [["update"], ["create"]]


def test_each_record_goes_to_the_address_of_its_own_item(platform, together, made):
    platform.answer(JSONResponse({}))
    together(*(made(sku, {"price": f"{id_}.0000"}, item={"id": str(id_), "parent": "3"}) for sku, id_ in ("A7", "B8")))
    sent = {request.path: json.loads(request.body) for request in platform.requests}
    assert sent == {"/items/3/7": {"price": "7"}, "/items/3/8": {"price": "8"}}


@pytest.mark.parametrize(("status", "over"), [(500, True), (502, False)])
def test_only_of_a_failure_of_the_platform_itself_nothing_more_will_come(platform, sending, status, over):
    platform.answer(Response(status_code=status))
    seen, _ = sending(["A"])
    assert (seen["A"].outcome.name, seen["A"].outcome.over) == ("unknown", over)


@pytest.fixture
def flying(platform, echo):
    """How many requests are in flight now, and were at most."""
    flying = [0, 0]

    def slowly(seen):
        async def reply(scope, receive, send):
            flying[0] += 1
            flying[1] = max(flying)
            await asyncio.sleep(0.02)
            flying[0] -= 1
            await echo(seen)(scope, receive, send)

        return reply

    platform.route(slowly)
    return flying


@pytest.mark.parametrize("lanes", [1, 3])
def test_each_lane_has_one_request_in_flight(sending, flying, lanes):
    seen, _ = sending([f"S{n}" for n in range(40)], lanes=lanes)
    assert set(told(seen).values()) == {"accepted"}
    assert 1 <= flying[1] <= lanes


def test_what_is_added_while_a_lane_sends_waits_until_it_is_done(platform, tiny, made, facts, flying):
    async def run():
        async with tiny.client() as client:
            lanes = Lanes(client, facts(batch=1), 1, lambda sent: None)
            lanes.add([made("A", item={"id": "7"})])
            while not flying[0]:
                await asyncio.sleep(0.001)
            lanes.add([made("B", item={"id": "8"})])
            await lanes.ended()

    asyncio.run(run())
    assert (len(platform.requests), flying[1]) == (2, 1)


def test_it_is_busy_while_any_lane_is(tiny, made, facts, flying):
    seen = []

    async def run():
        async with tiny.client() as client:
            lanes = Lanes(client, facts(), 3, lambda sent: None)
            lanes.add([made("A", item={"id": "7"})])
            while not flying[0]:
                await asyncio.sleep(0.001)
            seen.append(lanes.busy)
            await lanes.ended()
            seen.append(lanes.busy)

    asyncio.run(run())
    assert seen == [True, False]


@pytest.mark.parametrize(("attempts", "requests"), [((0, 0), 1), ((1, 1), 3), ((1, 0), 3), ((0, 1), 3)])
def test_what_is_refused_whole_as_gone_is_looked_up_once_and_then_parted(platform, together, made, attempts, requests):
    platform.answer(JSONResponse({"code": "nope"}, 400))
    rows = [made(sku, item={"id": sku}, attempts=tried) for sku, tried in zip(("A1", "B1"), attempts, strict=True)]
    told = together(*rows, gone=["nope"])
    assert [one.outcome.stale for one in told] == [True, True]
    assert len(platform.requests) == requests


def test_one_bad_record_does_not_sink_its_batch(platform, sending, echo, names):
    platform.route(lambda seen: JSONResponse({"message": "bad"}, 400) if "S6" in names(seen) else echo(seen))
    seen, _ = sending(TEN)
    assert told(seen) == dict.fromkeys(TEN, "accepted") | {"S6": "rejected"}


@pytest.mark.parametrize("bad", [0, 1, 49, 50, 74, 99])
def test_a_bad_record_among_a_hundred_is_found_in_fourteen_requests(platform, sending, echo, names, bad):
    skus = [f"S{n}" for n in range(100)]
    platform.route(lambda seen: JSONResponse({}, 400) if f"S{bad}" in names(seen) else echo(seen))
    seen, _ = sending(skus, batch=100)
    assert told(seen) == dict.fromkeys(skus, "accepted") | {f"S{bad}": "rejected"}
    assert len(platform.requests) <= 2 * math.log2(100) + 1


def test_two_bad_records_are_both_found(platform, sending, echo, names):
    platform.route(lambda seen: JSONResponse({}, 400) if {"S3", "S9"} & set(names(seen)) else echo(seen))
    seen, _ = sending(TEN, batch=10)
    assert told(seen) == dict.fromkeys(TEN, "accepted") | {"S3": "rejected", "S9": "rejected"}


def test_a_batch_of_bad_records_is_rejected_one_by_one(platform, sending):
    platform.answer(JSONResponse({"message": "bad"}, 422))
    seen, _ = sending(TEN[:4])
    assert told(seen) == dict.fromkeys(TEN[:4], "rejected")
    assert len(platform.requests) == 7


@pytest.mark.parametrize(
    "reply", [Response(status_code=500), PlainTextResponse("<html>ok"), Response('{"update": [{"id"'), Response("")]
)
def test_without_a_whole_answer_the_outcome_is_unknown(platform, sending, reply):
    platform.answer(reply)
    seen, _ = sending(TEN[:2])
    assert told(seen) == dict.fromkeys(TEN[:2], "unknown")
    assert all(one.sent_at is not None for one in seen.values())


def test_what_never_reached_the_platform_was_certainly_not_done(tiny, sending):
    tiny.url = "http://127.0.0.1:9"
    seen, _ = sending(["A"])
    assert (told(seen), seen["A"].sent_at) == ({"A": "retry"}, None)


def test_after_five_requests_without_an_answer_the_rest_is_put_back(platform, sending):
    platform.answer(Response(status_code=500))
    seen, _ = sending([f"S{n}" for n in range(40)])
    assert len(platform.requests) == 5
    assert sorted(told(seen).values()) == ["retry"] * 20 + ["unknown"] * 20
    left = [one for one in seen.values() if one.outcome.name == "retry"]
    assert {one.sent_at for one in left} == {None}
    assert all(0 < one.retry_after <= 5 for one in left)
    told_why = "5 requests in a row had no answer, the last: Tiny answered 500; the next one goes out at"
    assert told_why in left[0].outcome.reason


def test_an_answer_in_between_starts_that_count_again(platform, sending, echo):
    turns = iter([False, False, False, False, True] * 10)
    platform.route(lambda seen: echo(seen) if next(turns) else Response(status_code=500))
    seen, _ = sending([f"S{n}" for n in range(40)])
    assert len(platform.requests) == 10
    assert "retry" not in told(seen).values()


def test_when_the_platform_asks_to_wait_no_lane_sends_before_that(platform, sending, echo):
    times = []

    def reply(seen):
        times.append(time.monotonic())
        return Response(status_code=429, headers={"Retry-After": "1"}) if len(times) == 1 else echo(seen)

    platform.route(reply)
    seen, _ = sending(TEN, lanes=1)
    assert [one.outcome.name for one in seen.values()].count("retry") == 4
    assert times[1] - times[0] >= 1
    waiting = [one for one in seen.values() if one.outcome.name == "retry"]
    assert {(one.retry_after, one.sent_at) for one in waiting} == {(1.0, None)}


@pytest.mark.parametrize("seconds", ["300", "99999999999999999999"])
def test_when_it_asks_to_wait_for_long_the_rest_is_put_back_until_then(platform, sending, seconds):
    platform.answer(Response(status_code=429, headers={"Retry-After": seconds}))
    began = time.monotonic()
    seen, _ = sending(TEN)
    assert time.monotonic() - began < 10
    assert len(platform.requests) == 1
    assert told(seen) == dict.fromkeys(TEN, "retry")
    assert all(290 < one.retry_after <= 3600 for one in seen.values())


def test_refused_credentials_stop_everything_and_lose_nothing(platform, sending):
    platform.answer(Response(status_code=401))
    seen, error = sending(TEN)
    assert isinstance(error, AuthError)
    assert len(platform.requests) == 1
    assert told(seen) == dict.fromkeys(TEN, "retry")
    assert {one.sent_at for one in seen.values()} == {None}


def test_what_was_stopped_is_put_back_without_asking_whose_turn_it_is(platform, tiny, made, facts):
    platform.answer(Response(status_code=429, headers={"Retry-After": "300"}))
    seen = []

    async def run():
        def report(sent):
            seen.extend(each(sent))
            lanes.halt(StoreBusyError("busy"))

        async with tiny.client(destination=True) as client:
            lanes = Lanes(client, facts(batch=4), 1, report)
            lanes.add(made(sku, item={"id": sku}) for sku in TEN[:8])
            with pytest.raises(StoreBusyError):
                await lanes.ended()

    asyncio.run(run())
    assert [one.outcome.reason for one in seen][4:] == ["not sent: the push was stopped"] * 4


def test_a_claim_about_to_run_out_is_not_sent(platform, sending):
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    seen, _ = sending(["A"], lease_until=soon)
    assert (told(seen), platform.requests) == ({"A": "retry"}, [])
    assert seen["A"].outcome.reason == "not sent: the claim was about to run out"


def test_records_go_together_only_while_the_claims_on_all_of_them_last(platform, together, made):
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90)
    seen = together(made("A", item={"id": "7"}, lease_until=soon), made("B", item={"id": "8"}))
    assert ([one.outcome.name for one in seen], platform.requests) == (["retry"] * 2, [])


def test_a_claim_that_runs_out_while_it_waits_for_its_turn_is_not_sent(platform, sending):
    platform.answer(Response(status_code=429, headers={"Retry-After": "2"}))
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=121.9)
    seen, _ = sending(TEN[:8], lease_until=soon)
    assert len(platform.requests) == 1
    assert [one.outcome.reason for one in seen.values()][4:] == ["not sent: the claim was about to run out"] * 4


def test_an_item_whose_address_is_gone_is_looked_up_again(platform, together, made):
    platform.answer(JSONResponse({"code": "nope"}, 404))
    (one,) = together(made("A", {"price": "1.0000"}, item={"id": "7", "parent": "3"}))
    assert (one.outcome.name, one.outcome.stale) == ("retry", True)


def test_a_claim_that_would_run_out_before_the_verdict_is_not_sent(platform, together, made, facts):
    job = {"get": "/jobs/{job}", "id": "body.job", "state": "body.state", "running": "busy", "most": 300}
    queued = facts(update=[{"put": "/items/{binding.id}", "record": {"name": "{title}"}, "job": job}])
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=6)
    (one,) = together(made("A", item={"id": "7"}, with_facts=queued, lease_until=soon))
    assert (platform.requests, one.outcome.reason) == ([], "not sent: the claim was about to run out")


def test_whoever_waits_for_an_outcome_hears_of_a_lane_that_broke(tiny, made, facts):
    heard = []

    async def run():
        async with tiny.client() as client:
            lanes = Lanes(client, facts(), 1, heard.append, lambda: heard.append("halted"))
            lanes.add([made("A", item={"id": "7"}, lease_until=None)])
            with pytest.raises(TypeError):
                await lanes.ended()

    asyncio.run(run())
    assert heard == ["halted"]


def test_what_follows_an_answer_that_broke_the_lane_has_an_outcome_too(platform, tiny, made, facts):
    # given: an address that cannot be read
    platform.answer(Response(status_code=201, headers={"location": "https://[shop/items/7"}))
    known = facts(
        create={"post": "/items", "record": {"name": "{title}"}, "answers": "status", "id": "header.location"}
    )
    seen = []

    async def run():
        async with tiny.client(destination=True) as client:
            lanes = Lanes(client, known, 1, lambda sent: seen.extend(each(sent)))
            lanes.add(made(sku, with_facts=known) for sku in "AB")
            with pytest.raises(ValueError, match="IPv6"):
                await lanes.ended()

    asyncio.run(run())
    assert [(one.outcome.name, one.sent_at is None) for one in seen] == [("unknown", False), ("retry", True)]


def test_what_is_called_off_while_it_waits_for_its_turn_was_certainly_not_done(platform, tiny, made, facts):
    platform.answer(Response(status_code=429, headers={"Retry-After": "30"}))
    seen = []

    async def run():
        async with tiny.client(destination=True) as client:
            lanes = Lanes(client, facts(batch=1), 1, lambda sent: seen.extend(each(sent)))
            lanes.add(made(sku, item={"id": sku}) for sku in "AB")
            while not seen:
                await asyncio.sleep(0.01)
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await lanes.ended()

    asyncio.run(run())
    assert [(one.outcome.name, one.sent_at) for one in seen] == [("retry", None)] * 2
