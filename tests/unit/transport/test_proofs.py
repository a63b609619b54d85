"""What is asked for to prove who we are, beside the requests that need it."""

import asyncio
import logging

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import AuthError, UnavailableError

GET, POST = Request(get="/items"), Request(post="/items", json={"n": 1})
LOGIN = {"post": "/login", "json": {"password": "{secret.key}"}}
TOKEN = {"type": "oauth2", "url": "{settings.base_url}/token", "client_id": "app", "client_secret": "{secret.key}"}


def send(tiny, auth, *requests, **facts):
    async def go():
        async with tiny.client(tiny.connector(auth=auth, **facts)) as client:
            return await asyncio.gather(*(client.send(request, {}) for request in requests), return_exceptions=True)

    return asyncio.run(go())


@pytest.fixture
def opened(platform):
    """The sessions that were opened; the first is over at once, and a slow request is told so once there is another."""
    opened = []

    def answer(seen):
        if seen.path == "/login":
            name = f"session-{len(opened) + 1}"
            opened.append(name)
            return JSONResponse({"Token": name}, headers={"set-cookie": f"SESSION={name}; Path=/"})
        shown = seen.headers.get("cookie", "") + seen.headers.get("x-session", "")

        async def late(scope, receive, send):
            while len(opened) < 2:
                await asyncio.sleep(0.01)
            await Response("", 401)(scope, receive, send)

        ended = late if seen.path == "/slow" else Response("", 401)
        return ended if "session-1" in shown else Response("[]")

    platform.route(answer)
    return opened


@pytest.mark.parametrize(
    "auth",
    [{"type": "login", "login": LOGIN},
     {"type": "login", "header": "X-Session", "login": {**LOGIN, "token": "body.Token"}}],
    ids=["cookie", "header"],
)  # fmt: skip
def test_what_is_answered_late_does_not_end_a_session_opened_since(tiny, opened, auth):
    send(tiny, auth, Request(get="/slow"), GET)
    assert opened == ["session-1", "session-2"]


@pytest.mark.parametrize("auth", [{"type": "login", "login": LOGIN}, TOKEN], ids=["session", "access token"])
def test_refused_credentials_are_not_tried_again_for_each_request_that_waits(tiny, platform, auth):
    platform.answer(Response("", 401))
    found = send(tiny, auth, *[GET] * 9)
    assert {type(error) for error in found} == {AuthError}
    assert len(platform.requests) == 1


def test_a_request_whose_access_token_did_not_come_was_not_sent(tiny, platform):
    async def never(scope, receive, send):
        await asyncio.sleep(1)
        await Response("{}")(scope, receive, send)

    platform.route(lambda seen: never if seen.path == "/token" else Response("[]"))
    (error,) = send(tiny, TOKEN, POST, limits={"timeout": 0.3})
    assert [seen.path for seen in platform.requests] == ["/token"]
    assert (type(error), error.sent) == (UnavailableError, False)


def test_a_request_whose_own_answer_did_not_come_was_sent(tiny, platform):
    async def never(scope, receive, send):
        await asyncio.sleep(1)
        await Response("{}")(scope, receive, send)

    given = JSONResponse({"access_token": "a", "expires_in": 3600, "token_type": "bearer"})
    platform.route(lambda seen: given if seen.path == "/token" else never)
    (error,) = send(tiny, TOKEN, POST, limits={"timeout": 0.3})
    assert (type(error), error.sent) == (UnavailableError, True)


def test_a_secret_in_the_query_of_a_login_is_in_no_log(tiny, platform, caplog):
    login = {"get": "/login", "query": {"user": "u", "password": "{secret.key}"}, "token": "body.Token"}
    platform.answer(JSONResponse({"Token": "session-1"}), JSONResponse([]))
    with caplog.at_level(logging.INFO):
        send(tiny, {"type": "login", "header": "X-Session", "login": login}, Request(get="/items", query={"page": "2"}))
    assert "tiny-secret-value" not in caplog.text
    assert "/login" in caplog.text
    assert "/items?page=2" in caplog.text


CSRF = {"type": "bearer", "token": "{secret.key}", "csrf": {"get": "/token", "header": "X-Given"}}
SESSION = {"type": "login", "header": "X-Session", "login": {**LOGIN, "post": "/token", "token": "body.access_token"}}


@pytest.mark.parametrize("auth", [TOKEN, SESSION, CSRF], ids=["access token", "session", "token for writes"])
def test_a_proof_that_was_replaced_is_not_told_by_a_request_that_still_carries_it(tiny, platform, auth):
    # given: the first proof is over for one request, and told again by the late answer to another
    given = []

    def reply(seen):
        if seen.path == "/token":
            given.append(f"given-{len(given) + 1}")
            body = {"access_token": given[-1], "expires_in": 3600, "token_type": "bearer"}
            return JSONResponse(body, headers={"X-Given": given[-1]})

        async def late(scope, receive, send):
            while len(given) < 2:
                await asyncio.sleep(0.01)
            told = [seen.headers.get(name) for name in ("authorization", "x-session", "x-given")]
            await JSONResponse({"message": f"no {told}"}, 400)(scope, receive, send)

        over = Response("", 403, {"X-Given": "required"}) if auth is CSRF else Response("", 401)
        return late if seen.path == "/slow" else over if "given-1" in str(seen.headers) else Response("[]")

    platform.route(reply)
    # when
    told, answer = send(tiny, auth, Request(post="/slow"), POST)
    # then
    assert (len(given), answer.status) == (2, 200)
    assert "given-1" not in str(told)
    assert "<token" in str(told)
