"""A 403: of a firewall that dislikes one record, or for the credentials of all of them."""

import asyncio
import datetime as dt

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.errors import AuthError, ForbiddenError
from pullpush_dagster.push.forbidden import Forbidden
from pullpush_dagster.push.lanes import Lanes, Sent

TEN = [f"S{n}" for n in range(10)]


def told(seen):
    return {sku: one.outcome.name for sku, one in seen.items()}


@pytest.fixture
def firewall(platform, echo, names):
    """Refuses every request with one of these."""

    def refuse(*skus):
        page = Response("<html>blocked</html>", 403)
        platform.route(lambda seen: page if {*skus} & {*names(seen)} else echo(seen))

    return refuse


@pytest.mark.parametrize("bad", ["S0", "S1", "S3", "S4", "S9"])
@pytest.mark.parametrize("batch", [2, 4, 10])
def test_one_record_that_a_firewall_refuses_does_not_stop_the_others(sending, firewall, batch, bad):
    firewall(bad)
    seen, error = sending(TEN, batch=batch)
    assert error is None
    assert told(seen) == dict.fromkeys(TEN, "accepted") | {bad: "rejected"}


def test_one_that_goes_alone_is_refused_once_another_one_is_taken(sending, firewall):
    firewall("S3")
    seen, error = sending(TEN, batch=1)
    assert error is None
    assert told(seen) == dict.fromkeys(TEN, "accepted") | {"S3": "rejected"}


def test_that_others_were_taken_before_says_nothing(sending, firewall):
    firewall("S9")
    seen, error = sending(TEN, batch=1)
    assert isinstance(error, AuthError)
    assert told(seen) == dict.fromkeys(TEN, "accepted") | {"S9": "retry"}
    assert seen["S9"].sent_at is None


@pytest.mark.parametrize(("batch", "requests"), [(1, 3), (10, 7)])
@pytest.mark.parametrize("lanes", [1, 2])
def test_where_none_is_taken_all_is_stopped_after_few_requests(platform, sending, batch, requests, lanes):
    platform.answer(JSONResponse({"message": "no such right"}, 403))
    seen, error = sending([f"S{n}" for n in range(100)], lanes=lanes, batch=batch)
    assert isinstance(error, AuthError)
    assert set(told(seen).values()) == {"retry"}
    assert len(seen) == 100
    assert len(platform.requests) <= requests * lanes


def test_what_may_be_changed_says_nothing_of_what_may_be_made(tiny, platform, facts, made, echo):
    platform.route(lambda seen: echo(seen) if b"update" in seen.body else Response("", 403))
    seen = []

    async def run():
        async with tiny.client(destination=True) as client:
            lanes = Lanes(client, facts(), 1, lambda sent: seen.append(sent.outcomes[0].name))
            lanes.add([made("A"), made("B", item={"id": "7"})])
            await lanes.ended()

    with pytest.raises(AuthError):
        asyncio.run(run())
    assert sorted(seen) == ["accepted", "retry"]


def test_three_that_come_first_are_refused_once_one_from_the_other_end_is_taken(sending, firewall):
    firewall("S0", "S1", "S2")
    seen, error = sending(TEN, batch=1)
    assert error is None
    assert told(seen) == dict.fromkeys(TEN, "accepted") | dict.fromkeys(["S0", "S1", "S2"], "rejected")


def test_three_updates_that_are_forbidden_do_not_keep_back_what_is_to_be_made(tiny, platform, facts, made, echo):
    platform.route(lambda seen: Response("", 403) if b"update" in seen.body else echo(seen))
    seen = []

    async def run():
        async with tiny.client(destination=True) as client:
            lanes = Lanes(client, facts(batch=1), 1, lambda sent: seen.append(sent.outcomes[0].name))
            lanes.add([*(made(sku, item={"id": sku}) for sku in "ABCDE"), made("X"), made("Y")])
            await lanes.idle()
            assert (seen, lanes.held) == (["accepted", "accepted"], 5)
            await lanes.ended()

    with pytest.raises(AuthError):
        asyncio.run(run())
    assert seen[2:] == ["retry"] * 5
    assert len(platform.requests) == 3 + 2


def test_what_was_taken_last_counts_whichever_answer_comes_first(facts, made):
    # given: of two that were taken, the one that went first is answered last
    form, now, told = facts().create, dt.datetime.now(dt.UTC), []
    forbidden = Forbidden(lambda sent: told.append(sent.outcomes[0].name), told.append)
    for seconds in (10, 5):
        forbidden.taken(form, now + dt.timedelta(seconds=seconds))
    # when: one went between them
    at = now + dt.timedelta(seconds=7)
    forbidden.add(form, at, Sent([made("A")], (), at), ForbiddenError("no"))
    # then
    assert told == ["rejected"]


def test_a_lane_that_stopped_goes_on_once_what_was_under_way_in_another_is_taken(platform, sending, echo):
    # given: one lane has three requests forbidden, while one that the other lane sent meanwhile is not answered yet
    page, came = Response("<html>blocked</html>", 403), []

    def answer(seen):
        came.append(seen)
        bad, late = len(came) in (3, 4, 6), {1: 0.2, 2: 0.6, 3: 0.1, 4: 0.6, 5: 0.8}.get(len(came), 0.0)

        async def reply(scope, receive, send):
            await asyncio.sleep(late)
            await (page if bad else echo(seen))(scope, receive, send)

        return reply

    platform.route(answer)
    # when
    seen, error = sending([f"S{n}" for n in range(40)], lanes=2, batch=1)
    # then
    assert error is None
    assert sorted(told(seen).values()) == ["accepted"] * 37 + ["rejected"] * 3
