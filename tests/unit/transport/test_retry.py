"""Asking again: while that may help, as long as the platform said, and never when it cannot."""

import asyncio
import datetime as dt
import time
from email.utils import format_datetime, parsedate_to_datetime

import orjson
import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.connectors import load_connector
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import AuthError, DownError, RateLimitError, RejectError, UnavailableError
from pullpush_dagster.transport.answer import Answer
from pullpush_dagster.transport.classify import fault_of, retry_after
from pullpush_dagster.transport.client import backoff

GET = Request(get="/items")
GOOD = JSONResponse([{"id": 1}])
NOW = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)


def answered(status, body):
    return Answer(status, {}, orjson.dumps(body), NOW, None)


def slower(when):
    return Response("", 429, headers={"retry-after": when})


@pytest.mark.parametrize(
    "bad",
    [
        slower("0"),
        Response("", 500),
        Response("", 504),
        Response("<html>"),
        Response(""),
        Response('[{"id": 1}, {'),
        Response("[", 408),
        Response("", 302, {"location": "/maintenance.html"}),
        Response("<html>back soon", 404),
    ],
    ids=["429", "500", "504", "HTML", "nothing", "cut JSON", "408", "302", "a page"],
)
def test_a_passing_fault_is_asked_again(tiny, platform, bad):
    platform.answer(bad, bad, GOOD)
    assert tiny.ask(GET).body == [{"id": 1}]
    assert len(platform.requests) == 3


def test_after_six_attempts_it_is_given_up(tiny, platform):
    platform.answer(Response("", 500))
    with pytest.raises(UnavailableError, match="Tiny answered 500"):
        tiny.ask(GET)
    assert len(platform.requests) == 6


def test_a_refused_connection_is_asked_again_and_told_as_unsent(tiny):
    tiny.url = "http://127.0.0.1:1"
    with pytest.raises(UnavailableError, match="cannot be reached") as error:
        tiny.ask(GET)
    assert not error.value.sent


@pytest.mark.timeout(30)
def test_while_a_person_waits_it_is_not_asked_again(tiny):
    tiny.url = "http://127.0.0.1:1"
    with pytest.raises(UnavailableError, match="cannot be reached"):
        asyncio.run(tiny._with(tiny.client(patient=False, pause=600), lambda client: client.ask(GET, {})))


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "", AuthError),
        (403, "", AuthError),
        (404, "", RejectError),
        (500, "broken_for_good", RejectError),
    ],
)
def test_what_stays_wrong_is_asked_once(tiny, platform, status, code, kind):
    platform.answer(JSONResponse({"code": code}, status))
    with pytest.raises(kind):
        tiny.ask(GET)
    assert len(platform.requests) == 1


def test_odoos_answer_to_an_unknown_field_stays_wrong():
    facts = load_connector("odoo").facts
    body = {"name": "builtins.ValueError", "message": "Invalid field 'x' on 'product.product'"}
    assert isinstance(fault_of(facts, answered(500, body), "erp"), RejectError)
    passing = answered(500, {"name": "psycopg2.OperationalError"})
    assert isinstance(fault_of(facts, passing, "erp"), UnavailableError)


def test_a_shop_whose_plugin_is_off_refuses_no_record():
    body = {"code": "rest_no_route", "message": "No route was found matching the URL and request method."}
    assert isinstance(fault_of(load_connector("woocommerce").facts, answered(404, body), "shop"), UnavailableError)


def test_a_shop_that_is_locked_refuses_no_record():
    locked = answered(423, {"errors": "Unavailable Shop"})
    assert isinstance(fault_of(load_connector("shopify").facts, locked, "shop"), RateLimitError)


async def slower_twice(scope, receive, send):
    """As where a proxy and the platform behind it both say it."""
    headers = [(b"retry-after", b"0"), (b"retry-after", b"1")]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize("told", [slower("1"), slower_twice], ids=["once", "twice"])
def test_a_wait_the_platform_asks_for_is_kept(tiny, platform, told):
    platform.answer(told, GOOD)
    start = time.monotonic()
    tiny.ask(GET)
    assert time.monotonic() - start >= 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        (format_datetime(NOW + dt.timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - dt.timedelta(hours=1), usegmt=True), 0),
        ("Sun, 01 Nov 2026 12:00:30 -0000", 30),
        ("Sun, 01 Nov 2026 13:00:30 +0100", 30),
        ("3, 7, 5", 7),
        ("Sun, 01 Nov 2026 12:00:30 GMT, Sun, 01 Nov 2026 12:00:40 GMT", 40),
        ("3, Sun, 01 Nov 2026 12:00:40 GMT,soon", 40),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header, seconds):
    assert retry_after({"retry-after": header}, now=NOW) == seconds


@pytest.mark.parametrize("date", ["Sun, 01 Nov 2026 09:00:00 GMT", "Mon, 02 Nov 2026 00:00:00 GMT"])
def test_a_date_to_retry_after_is_judged_by_the_clock_of_the_platform(date):
    later = format_datetime(parsedate_to_datetime(date) + dt.timedelta(seconds=90), usegmt=True)
    assert retry_after({"retry-after": later, "date": date}, now=NOW) == 90


def test_no_retry_after_says_nothing():
    assert retry_after({}) is None


def test_a_wait_is_what_the_platform_said_within_reason():
    assert backoff(1, RateLimitError(retry_after=7)) == 7
    assert backoff(1, RateLimitError(retry_after=86400)) == 300
    assert backoff(1, DownError(retry_after=7)) == 7


def test_other_waits_grow_with_full_jitter():
    waits = [[backoff(attempt, UnavailableError(), base=1) for _ in range(200)] for attempt in (1, 3, 20)]
    assert [max(some) <= cap for some, cap in zip(waits, (2, 8, 60), strict=True)] == [True, True, True]
    assert [max(some) > cap / 2 for some, cap in zip(waits, (2, 8, 60), strict=True)] == [True, True, True]
    assert min(waits[2]) < 30
