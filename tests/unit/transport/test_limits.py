"""What an answer says of our limits, and of what is wrong: by codes, by headers, by a budget of points."""

import asyncio
import resource
import time
from contextlib import closing, contextmanager, suppress

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.connectors.limits_model import Limits, Rate
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import AuthError, DownError, PullPushError, RateLimitError, RejectError, UnavailableError
from pullpush_dagster.transport.classify import short_of
from pullpush_dagster.transport.files import Files
from pullpush_dagster.transport.ledger import Ledger
from pullpush_dagster.transport.turns import Turns

GET = Request(get="/items")
COST = {"asked": "body.cost.asked", "left": "body.cost.left", "gains": "body.cost.gains"}


def tell(tiny, platform, answer, errors=None, **limits):
    platform.answer(answer)
    tiny.send(
        GET, tiny.connector(limits=limits, errors={"code": "body.code", "message": "body.message"} | (errors or {}))
    )


def coded(code, status=400, **more):
    return JSONResponse({"code": code, "message": "said", **more}, status)


# What is wrong.


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (coded("slow"), RateLimitError),
        (coded("slow", 403), RateLimitError),
        (coded("slow", 500), RateLimitError),
        (coded("other", 400), RejectError),
        (Response("<html>", 403), RateLimitError),
        (Response("", 403), RateLimitError),
        (coded("denied", 403), AuthError),
        (Response("<html>", 400), RejectError),
        (coded("soon", 400), UnavailableError),
        (coded("never", 500), RejectError),
        (coded("key", 400), AuthError),
        (coded("key", 500), AuthError),
        (Response("", 420), RateLimitError),
        (Response("", 429), RejectError),
    ],
    ids=lambda value: f"{value.status_code} {bytes(value.body)[:16]}" if isinstance(value, Response) else None,
)
def test_a_code_says_more_than_its_status(tiny, platform, answer, kind):
    errors = {"transient": ["soon"], "permanent": ["never"], "refused": ["key"]}
    with pytest.raises(kind):
        tell(tiny, platform, answer, errors, throttled=[420], throttled_codes=["slow"], throttled_bare=[403])


SOON = {"retry-after": "7"}


@pytest.mark.parametrize(
    ("answer", "kind", "wait"),
    [
        (Response("", 503, SOON), RateLimitError, 7),
        (JSONResponse({"code": "slow"}, 503), RateLimitError, 2),
        (JSONResponse({}, 429), RateLimitError, 2),
        (JSONResponse({}, 503), UnavailableError, 2),
        (Response("<html>first byte timeout", 503), UnavailableError, 2),
        (Response("<html>guru meditation", 503, SOON), UnavailableError, 7),
        (Response("", 502, SOON), UnavailableError, None),
    ],
    ids=["503 and when", "503 and a code", "429", "503", "a page", "a page and when", "502"],
)
def test_of_what_is_busy_only_an_answer_that_says_so_itself_was_not_done(tiny, platform, answer, kind, wait):
    with pytest.raises(kind) as error:
        tell(tiny, platform, answer, throttled_codes=["slow"], pause=2)
    assert (type(error.value), error.value.retry_after) == (kind, wait)


def test_who_is_busy_is_left_alone_though_it_is_not_known_what_was_done(tiny, platform):
    platform.answer(Response("", 503), JSONResponse([]))

    async def twice():
        async with tiny.client(tiny.connector(limits={"pause": 0.5})) as client:
            with suppress(UnavailableError):
                await client.send(GET, {})
            began = time.monotonic()
            await client.send(GET, {})
            return time.monotonic() - began

    assert asyncio.run(twice()) > 0.4


@pytest.mark.parametrize(("answer", "over"), [(coded("soon"), True), (coded("", 500), True), (coded("", 502), False)])
def test_only_what_stands_before_the_platform_may_be_at_it_still(tiny, platform, answer, over):
    with pytest.raises(UnavailableError) as error:
        tell(tiny, platform, answer, {"transient": ["soon"]})
    assert error.value.over is over


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"errors": [{"extensions": {"code": "A"}, "message": "m"}]}, "A"),
        ({"errors": [{"id": "B"}]}, "B"),
        ({"errors": [{"extensions": {"code": ""}, "id": "B"}]}, "B"),
        ({"errors": [{"extensions": {"code": 1}}]}, "1"),
        ({"errors": []}, None),
    ],
)
def test_of_several_paths_of_a_code_the_first_counts_that_says_anything(tiny, platform, body, code):
    errors = {"code": ["body.errors.0.extensions.code", "body.errors.0.id"], "message": "body.errors.0.message"}
    with pytest.raises(RejectError) as error:
        tell(tiny, platform, JSONResponse(body, 400), errors)
    assert error.value.code == code


@pytest.mark.parametrize(
    ("inside", "kind"),
    [
        ([{"code": "slow"}], RateLimitError),
        ([{"code": "wrong"}], RejectError),
        ([{"code": "soon"}], UnavailableError),
        ([{"code": "key"}], AuthError),
        ({"code": "wrong"}, RejectError),
        ("wrong", RejectError),
    ],
)
def test_an_answer_that_calls_itself_good_may_hold_an_error(tiny, platform, inside, kind):
    errors = {"code": "body.errors.0.code", "inside": "body.errors", "transient": ["soon"], "refused": ["key"]}
    with pytest.raises(kind, match="Tiny answered 200"):
        tell(tiny, platform, JSONResponse({"errors": inside, "data": {}}), errors, throttled_codes=["slow"])


@pytest.mark.parametrize("body", [{"errors": []}, {"errors": None}, {"data": 1}, [], None])
def test_a_good_answer_that_holds_no_error_is_one(tiny, platform, body):
    tell(tiny, platform, JSONResponse(body), {"inside": "body.errors"})
    assert len(platform.requests) == 1


def test_an_empty_answer_holds_no_error(tiny, platform):
    tell(tiny, platform, Response("", 204), {"inside": "body.errors"})
    assert len(platform.requests) == 1


# How long to wait.


@pytest.mark.parametrize(
    ("headers", "limits", "wait"),
    [
        ({"retry-after": "7"}, {}, 7),
        ({"x-wait": "2.5"}, {"wait": "x-wait"}, 2.5),
        ({"retry-after": "7"}, {"wait": "x-wait"}, None),
        ({}, {"pause": 30}, 30),
        ({"retry-after": "7"}, {"pause": 30}, 7),
        ({"retry-after": "0"}, {"pause": 30}, 0),
        ({"x-left": "0", "x-reset": "12"}, {"left": "x-left", "reset": "x-reset", "pause": 30}, 12),
    ],
)
def test_how_long_to_wait_is_what_the_platform_says_else_the_file(tiny, platform, headers, limits, wait):
    with pytest.raises(RateLimitError) as error:
        tell(tiny, platform, Response("", 429, headers), **limits)
    assert error.value.retry_after == wait


@pytest.mark.parametrize(
    ("headers", "reset_in", "seconds"),
    [
        ({"x-left": "0", "x-reset": "30"}, "s", 30),
        ({"x-left": "0", "x-reset": "1500"}, "ms", 1.5),
        ({"x-left": "-1", "x-reset": "30"}, "s", 30),
        ({"x-left": "1", "x-reset": "30"}, "s", None),
        ({"x-left": "0"}, "s", None),
        ({"x-reset": "30"}, "s", None),
        ({"x-left": "none", "x-reset": "30"}, "s", None),
        ({"x-left": "0", "x-reset": "-3"}, "s", 0),
        ({"x-left": "0", "x-reset": "nan"}, "s", None),
        ({"x-left": "0", "x-reset": "inf"}, "s", None),
        ({}, "s", None),
    ],
)
def test_headers_say_when_there_are_requests_again(headers, reset_in, seconds):
    limits = Limits(left="x-left", reset="x-reset", reset_in=reset_in)
    assert short_of(limits, headers, None) == seconds


@pytest.mark.parametrize(
    ("cost", "seconds"),
    [
        ({"asked": 50, "left": 10, "gains": 20}, 2),
        ({"asked": 50, "left": 500, "gains": 20}, 0),
        ({"asked": "50", "left": "10", "gains": "20"}, 2),
        ({"asked": 50, "left": 10, "gains": 0}, None),
        ({"asked": 50, "left": 10}, None),
        ({"asked": None, "left": 10, "gains": 20}, None),
        ({}, None),
    ],
)
def test_a_budget_of_points_says_when_there_is_room_again(cost, seconds):
    assert short_of(Limits(cost=COST), {}, {"cost": cost}) == seconds


def test_without_a_budget_an_answer_says_nothing_of_one():
    assert short_of(Limits(), {"x-left": "0", "x-reset": "30"}, {"cost": {"asked": 9, "left": 0, "gains": 1}}) is None


SHORT = [
    (JSONResponse({"cost": {"asked": 50, "left": 40, "gains": 25}}), {"cost": COST}),
    (
        JSONResponse([], headers={"x-left": "0", "x-reset": "400"}),
        {"left": "x-left", "reset": "x-reset", "reset_in": "ms"},
    ),
]


@pytest.mark.parametrize(("answer", "limits"), SHORT, ids=["points", "headers"])
def test_the_next_request_waits_until_there_is_room(tiny, platform, answer, limits):
    platform.answer(answer)

    async def go():
        async with tiny.client(tiny.connector(limits=limits)) as client:
            await client.send(GET, {})
            start = time.monotonic()
            await client.send(GET, {})
            return time.monotonic() - start

    assert 0.35 < asyncio.run(go()) < 3


def test_a_refusal_inside_a_good_answer_shuts_the_gate_by_the_budget(tiny, platform):
    body = {"errors": [{"code": "slow"}], "cost": {"asked": 50, "left": 40, "gains": 25}}
    errors = {"code": "body.errors.0.code", "inside": "body.errors"}
    with pytest.raises(RateLimitError) as error:
        tell(tiny, platform, JSONResponse(body), errors, throttled_codes=["slow"], cost=COST)
    assert error.value.retry_after == 0.4


def test_a_gate_that_is_shut_for_long_is_not_waited_for(tiny, platform):
    platform.answer(JSONResponse([], headers={"x-left": "0", "x-reset": "900"}))

    async def go():
        async with tiny.client(tiny.connector(limits={"left": "x-left", "reset": "x-reset"})) as client:
            await client.send(GET, {})
            await client.send(GET, {})

    with pytest.raises(RateLimitError, match="not sent: the platform asked to wait"):
        asyncio.run(go())
    assert len(platform.requests) == 1


@pytest.fixture
def turns():
    """The turns of a destination's requests: what each of them raises, and then the platform's asking to wait."""

    def take(*errors, shut=(), answered=True):
        async def run():
            with closing(Turns("tiny", Limits(), None, pause=0.0, breaks=True)) as turns:
                for error in errors:
                    with suppress(type(error)):
                        async with turns.turn() as turn:
                            turn.answered = answered
                            raise error
                for seconds in shut:
                    turns.shut(seconds)
                async with turns.turn():
                    return True

        return asyncio.run(run())

    return take


@pytest.mark.parametrize("answer", [RejectError("no"), AuthError("no"), RateLimitError("slower")])
def test_a_refusal_is_an_answer_and_starts_the_count_of_failures_again(turns, answer):
    silent = [UnavailableError("no answer")] * 4
    assert turns(*silent, answer, *silent)


@pytest.mark.parametrize("own", [RejectError("no"), AuthError("no"), RateLimitError("slower")])
def test_a_refusal_that_no_answer_brought_starts_no_count_again(turns, own):
    silent = UnavailableError("no answer")
    with pytest.raises(DownError):
        turns(*[silent] * 4, own, silent, answered=False)


@pytest.mark.parametrize(
    ("key", "last"), [("A-1", DownError), ("1", UnavailableError)], ids=["refused here", "refused by the platform"]
)
def test_only_a_refusal_of_the_platform_shows_that_it_is_there(tiny, platform, key, last):
    found = Request(get="/found", query={"id": "{key:integer}"})
    platform.route(lambda seen: coded("unknown") if seen.path == "/found" else Response("", 500))

    async def go():
        async with tiny.client(tiny.connector(), destination=True) as client:
            for request in (*[GET] * 4, found, GET):
                with suppress(PullPushError):
                    await client.send(request, {"key": key})
            await client.send(GET, {})

    with pytest.raises(last):
        asyncio.run(go())


def test_a_probe_that_cannot_be_written_down_is_left_to_the_next_request(tmp_path):
    """As on a full disk; here no file may grow at all."""
    rate = Rate(requests=1000)

    async def go():
        with closing(Turns("tiny", Limits(rate=rate), tmp_path, pause=0.0, breaks=True)) as turns:
            with closing(Files(tmp_path)) as files, Ledger(files).held() as state:
                state.openings = 1
            with pytest.raises(OSError, match="File too large"), full_disk():
                async with turns.turn():
                    pass
            async with asyncio.timeout(5), turns.turn():
                return True

    assert asyncio.run(go())


@contextmanager
def full_disk():
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_a_short_time_to_wait_does_not_open_a_gate_that_is_shut_for_long(turns):
    with pytest.raises(PullPushError, match="the platform asked to wait"):
        turns(shut=(300.0, 0.0))


@pytest.mark.parametrize("seconds", [60.9, 99_999.0])
def test_a_gate_that_is_shut_for_over_a_minute_says_for_how_long_at_most_an_hour(turns, seconds):
    with pytest.raises(RateLimitError) as error:
        turns(shut=(seconds,))
    assert min(seconds, 3600.0) - 5 < error.value.retry_after <= min(seconds, 3600.0)


def test_what_a_source_does_not_answer_opens_no_breaker(tmp_path):
    async def run():
        source, destination = (Turns("tiny", Limits(), tmp_path, pause=0.0, breaks=breaks) for breaks in (False, True))
        with closing(source), closing(destination):
            for _ in range(5):
                with suppress(UnavailableError):
                    async with source.turn():
                        raise UnavailableError("no answer")
            async with destination.turn():
                return True

    assert asyncio.run(run())
