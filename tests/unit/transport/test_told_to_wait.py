"""After one request was told to wait, none goes out before that is over: no login, and none that waited for one."""

import asyncio
import time
from contextlib import suppress

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import RateLimitError, RetryError, UnavailableError

FIRST, SECOND = Request(get="/first"), Request(get="/second")
LOGIN = {
    "type": "login",
    "header": "X-Session",
    "login": {"post": "/login", "json": {"key": "{secret.key}"}, "token": "body.access_token"},
}
TOKEN = {"type": "oauth2", "url": "{settings.base_url}/login", "client_id": "app", "client_secret": "{secret.key}"}
BOTH = pytest.mark.parametrize("auth", [LOGIN, TOKEN], ids=["session", "access token"])
GIVEN = JSONResponse({"access_token": "a", "expires_in": 3600, "token_type": "bearer"})


def slower(seconds, status=429):
    return Response("", status, {"Retry-After": str(seconds)})


def late(seconds, response):
    async def reply(scope, receive, send):
        await asyncio.sleep(seconds)
        await response(scope, receive, send)

    return reply


class Asked:
    """A platform that answers each path with its own replies, the last of them for ever; and when it did so.

    Attributes:
        times: when each request came. told: when the first answer to each path left.
    """

    def __init__(self, platform):
        self.times, self.told, self.replies = [], {}, {"/login": [GIVEN]}
        platform.route(self)

    def __call__(self, seen):
        self.times.append((seen.path, time.monotonic()))
        left = self.replies.get(seen.path, [Response("[]")])
        answer = left.pop(0) if len(left) > 1 else left[0]

        async def reply(scope, receive, send):
            await answer(scope, receive, send)
            self.told.setdefault(seen.path, time.monotonic())

        return reply

    @property
    def paths(self):
        return [path for path, _ in self.times]

    def after(self, path):
        """Seconds from the first answer to ``path`` to every request that came later, but for those on their way."""
        return [at - self.told[path] for _, at in self.times if at - self.told[path] > 0.1]


@pytest.fixture
def asked(platform):
    return Asked(platform)


def send(tiny, auth, *requests, start=lambda: None, apart=0.0, **facts):
    """What ``requests`` came to, each begun so many seconds after the one before it."""

    async def go():
        async with tiny.client(tiny.connector(auth=auth, **facts), destination=True) as client:

            async def one(place, request):
                await asyncio.sleep(apart * place)
                return await client.send(request, {}, start=start)

            sent = (one(place, request) for place, request in enumerate(requests))
            return await asyncio.gather(*sent, return_exceptions=True)

    return asyncio.run(go())


def test_a_request_that_waited_for_its_login_heeds_what_another_was_told_meanwhile(tiny, asked):
    # given: each request needs a token of its own, and the second one's takes longer than the first one's refusal
    short = JSONResponse({"access_token": "a", "expires_in": 1, "token_type": "bearer"})
    asked.replies = {"/login": [short, late(0.6, short), short], "/first": [late(0.3, slower(1))]}
    # when
    refused, answered = send(tiny, TOKEN, FIRST, SECOND, apart=0.1)
    # then
    assert type(refused) is RateLimitError
    assert answered.status == 200
    assert min(asked.after("/first")) >= 1


def test_a_request_that_goes_again_with_a_new_login_heeds_what_another_was_told_meanwhile(tiny, asked):
    # given: one request is told to wait while the other waits to hear that its session is over
    asked.replies |= {"/first": [late(0.3, slower(1))], "/second": [late(0.6, Response("", 401)), Response("[]")]}
    # when
    refused, answered = send(tiny, LOGIN, FIRST, SECOND)
    # then
    assert type(refused) is RateLimitError
    assert answered.status == 200
    assert asked.paths.count("/second") == 2
    assert min(asked.after("/first")) >= 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_login_that_is_told_to_wait_holds_up_all_that_need_it(tiny, asked, status):
    asked.replies["/login"] = [slower(1, status), GIVEN]
    refused, *answered = send(tiny, LOGIN, FIRST, SECOND, SECOND)
    assert (type(refused), refused.retry_after) == (RateLimitError, 1)
    assert [answer.status for answer in answered] == [200, 200]
    assert asked.paths == ["/login", "/login", "/second", "/second"]
    assert min(asked.after("/login")) >= 1


@BOTH
def test_a_login_that_is_told_to_wait_is_no_platform_that_is_down(tiny, asked, auth):
    asked.replies["/login"] = [slower(0)]
    found = send(tiny, auth, *[FIRST] * 7, apart=0.02)
    assert {type(error) for error in found} == {RateLimitError}


@pytest.mark.parametrize(("seconds", "wait"), [(7, 7), (None, None)])
def test_a_login_that_is_told_to_wait_by_a_web_page_says_how_long(tiny, asked, seconds, wait):
    headers = {} if seconds is None else {"Retry-After": str(seconds)}
    asked.replies["/login"] = [Response("<html>", 503, headers)]
    (error,) = send(tiny, LOGIN, FIRST)
    assert (type(error), error.sent, error.busy, error.retry_after) == (UnavailableError, False, True, wait)


@BOTH
def test_a_login_takes_a_token_of_the_bucket_as_any_request(tiny, asked, auth):
    (answer,) = send(tiny, auth, FIRST, limits={"rate": {"requests": 1, "seconds": 1}})
    assert answer.status == 200
    assert asked.paths == ["/login", "/first"]
    assert min(asked.after("/login")) > 0.5


@BOTH
def test_a_request_begins_once_its_login_is_done(tiny, asked, auth):
    def start():
        raise RetryError(f"not begun after {asked.paths}")

    (error,) = send(tiny, auth, FIRST, start=start)
    assert str(error).startswith("not begun after ['/login']")
    assert asked.paths == ["/login"]


def test_a_request_that_is_called_off_while_it_waits_after_its_login_has_not_begun(tiny, asked):
    begun = []

    async def go():
        connector = tiny.connector(auth=LOGIN, limits={"rate": {"requests": 1, "seconds": 60}})
        async with tiny.client(connector) as client:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.3):
                    await client.send(FIRST, {}, start=lambda: begun.append(True))

    asyncio.run(go())
    assert (asked.paths, begun) == (["/login"], [])
