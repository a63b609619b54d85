"""Sessions that a login opens, and the tokens that only writes need."""

import asyncio
from urllib.parse import parse_qsl

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import (
    AuthError,
    ConfigError,
    ForbiddenError,
    RateLimitError,
    RejectError,
    UnavailableError,
)

GET, POST = Request(get="/items"), Request(post="/items", json={"n": 1})
LOGIN = {"type": "login", "login": {"post": "/login", "json": {"user": "u", "password": "{secret.key}"}}}


def login(header=None, **how):
    return LOGIN | ({"header": header} if header else {}) | {"login": LOGIN["login"] | how}


class Desk:
    """Opens sessions s1, s2, ...; the newest is good, told by its cookie or the header X-Session."""

    def __init__(self, platform):
        self.platform, self.opened, self.good, self.body = platform, 0, "", {}
        platform.route(self)

    def __call__(self, seen):
        if seen.path == "/login":
            self.opened += 1
            self.good = f"session-{self.opened}"
            return JSONResponse(
                {"Token": self.good, **self.body}, headers={"set-cookie": f"SESSION={self.good}; Path=/"}
            )
        shown = seen.headers.get("cookie", "") + seen.headers.get("x-session", "")
        return Response("[]") if self.good and self.good in shown else Response("", 401)

    def paths(self):
        return [seen.path for seen in self.platform.requests]


@pytest.fixture
def desk(platform):
    return Desk(platform)


def run(tiny, auth, use, **connector):
    async def go():
        async with tiny.client(tiny.connector(auth=auth, **connector)) as client:
            return await use(client)

    return asyncio.run(go())


def get(client, times=1):
    return asyncio.gather(*(client.send(GET, {}) for _ in range(times)))


# Logging in.


@pytest.mark.parametrize(
    ("auth", "header"),
    [(LOGIN, "cookie"), (login("X-Session", token="body.Token"), "x-session")],
    ids=["cookie", "header"],
)
def test_a_session_is_opened_once_and_goes_along(tiny, platform, desk, auth, header):
    run(tiny, auth, lambda client: get(client, 5))
    assert desk.paths() == ["/login", *["/items"] * 5]
    assert all("session-1" in seen.headers[header] for seen in platform.requests[1:])


def test_a_login_carries_the_credentials_and_nothing_else_does(tiny, platform, desk):
    run(tiny, LOGIN, get)
    opened, asked = platform.requests
    assert opened.body == b'{"user":"u","password":"tiny-secret-value"}'
    assert "authorization" not in opened.headers
    assert "tiny-secret-value" not in f"{asked.target} {asked.headers} {asked.body}"


def test_the_token_of_a_session_may_have_a_scheme_before_it(tiny, platform, desk):
    run(tiny, {**login(token="body.Token"), "scheme": "Session"}, get)
    assert platform.requests[1].headers["authorization"] == "Session session-1"


def test_a_login_may_be_a_form(tiny, platform, desk):
    form = {"type": "login", "login": {"post": "/login", "form": {"user": "u", "key": "{secret.key}"}}}
    run(tiny, form, get)
    assert dict(parse_qsl(platform.requests[0].body.decode())) == {"user": "u", "key": "tiny-secret-value"}


def test_a_login_may_be_at_an_origin_of_its_own(tiny, platform, desk, serve):
    with serve() as other:
        other.answer(JSONResponse({"Token": "session-0"}))
        desk.good = "session-0"
        run(tiny, login("X-Session", token="body.Token", at=other.url), get)
        assert [seen.path for seen in other.requests] == ["/login"]
    assert desk.paths() == ["/items"]


def test_a_login_may_give_two_cookies_of_one_name(tiny, platform):
    opened = Response("")
    for value, path in (("outer", "/"), ("inner", "/items")):
        opened.set_cookie("SESSION", value, path=path)
    platform.answer(opened, Response("[]"))
    run(tiny, LOGIN, get)
    assert "SESSION=inner" in platform.requests[1].headers["cookie"]


def test_a_login_at_a_base_with_a_path_goes_below_it(tiny, platform):
    run(tiny, LOGIN, get, base_url="{settings.base_url}/api")
    assert [seen.path for seen in platform.requests] == ["/api/login", "/api/items"]


# A session that ends.


def test_a_session_that_ended_is_opened_again_once(tiny, desk):
    async def use(client):
        await get(client)
        desk.good = "another"
        await get(client)

    run(tiny, LOGIN, use)
    assert desk.paths() == ["/login", "/items", "/items", "/login", "/items"]


def test_a_session_that_ended_for_many_requests_is_open_for_all_of_them_again(tiny, desk):
    async def use(client):
        await get(client)
        desk.good = "another"
        return await get(client, 4)

    assert len(run(tiny, LOGIN, use)) == 4
    assert desk.opened < 6


def test_a_session_that_is_refused_at_once_is_not_opened_in_a_loop(tiny, platform):
    platform.route(lambda seen: Response("", 401 if seen.path == "/items" else 204))
    with pytest.raises(AuthError, match="Tiny answered 401"):
        run(tiny, LOGIN, get)
    assert [seen.path for seen in platform.requests] == ["/login", "/items"] * 2


def test_another_refusal_ends_no_session(tiny, platform):
    platform.route(lambda seen: Response("", 404 if seen.path == "/items" else 204))

    async def use(client):
        for _ in range(2):
            with pytest.raises(RejectError):
                await get(client)

    run(tiny, LOGIN, use)
    assert [seen.path for seen in platform.requests] == ["/login", "/items", "/items"]


# A login that fails.


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (Response("wrong tiny-secret-value", 401), AuthError, "the session was refused with 401"),
        (Response("", 302, {"location": "/elsewhere"}), AuthError, "refused with 302"),
        (Response("", 503), UnavailableError, "the session cannot be had now: 503"),
        (Response("", 408), UnavailableError, "cannot be had now: 408"),
        (Response("", 429), RateLimitError, "cannot be had now: 429"),
        (JSONResponse({"other": 1}), AuthError, "has no body.Token"),
        (Response(""), AuthError, "has no body.Token"),
        (Response("<html>"), AuthError, "has no body.Token"),
    ],
    ids=lambda value: f"{value.status_code} {bytes(value.body)[:8]}" if isinstance(value, Response) else None,
)
def test_a_login_that_fails_says_why_and_nothing_is_sent(tiny, platform, answer, kind, says):
    platform.answer(answer)
    with pytest.raises(kind, match=rf"{says}.* \(connection=tiny\)") as error:
        run(tiny, login("X-Session", token="body.Token"), get)
    assert [seen.path for seen in platform.requests] == ["/login"]
    assert "tiny-secret-value" not in str(error.value)
    assert getattr(error.value, "sent", False) is False


def test_a_session_is_in_what_no_error_says(tiny, platform, desk):
    async def use(client):
        await get(client)
        return client.redacted("saw session-1 and tiny-secret-value")

    assert run(tiny, login("X-Session", token="body.Token"), use) == "saw <token0> and <key>"


# An origin that the login gives.


def test_requests_go_to_the_origin_the_login_gives(tiny, platform, desk, serve):
    with serve() as other:
        desk.body = {"Server": other.url}
        run(tiny, login("X-Session", token="body.Token", host="body.Server", hosts=["127.0.0.1"]), get)
        assert [(seen.path, seen.headers["x-session"]) for seen in other.requests] == [("/items", "session-1")]
    assert desk.paths() == ["/login"]


def test_who_logs_in_again_does_so_where_the_first_login_was(tiny, desk, serve):
    async def use(client):
        await get(client)
        desk.good = "another"
        await get(client)

    with serve() as other:
        desk.body = {"Server": other.url}
        other.route(lambda seen: desk(seen) if seen.path == "/items" else Response("", 404))
        run(tiny, login("X-Session", token="body.Token", host="body.Server", hosts=["127.0.0.1"]), use)
        assert [seen.path for seen in other.requests] == ["/items"] * 3
    assert desk.paths() == ["/login"] * 2


@pytest.mark.parametrize(
    "given",
    [
        "https://example.org",
        "https://evil-example.com",
        "https://example.com.evil.org",
        "http://eu.example.com",
        "https://user:pw@eu.example.com",
        "https://eu.example.com@evil.org",
        "//eu.example.com",
        "eu.example.com",
        "https://[",
        "",
        None,
    ],
)
def test_a_login_that_leads_elsewhere_is_refused(tiny, desk, given):
    desk.body = {"Server": given}
    with pytest.raises(AuthError, match=r"a request would lead to an origin outside example\.com"):
        run(tiny, login("X-Session", token="body.Token", host="body.Server", hosts=["example.com"]), get)
    assert desk.paths() == ["/login"]


AT = login("X-Session", token="body.Token", hosts=["127.0.0.1"])


def test_one_request_may_go_to_another_origin_within_the_domains(tiny, desk, serve):
    with serve() as other:
        asked = Request(get="/files", origin="{where}")
        run(tiny, AT, lambda client: client.send(asked, {"where": other.url}))
        assert [(seen.path, seen.headers["x-session"]) for seen in other.requests] == [("/files", "session-1")]
    assert desk.paths() == ["/login"]


@pytest.mark.parametrize("where", ["https://evil.example", "http://127.0.0.1.evil.example", "https://[", ""])
@pytest.mark.parametrize("auth", [AT, {"type": "bearer", "token": "{secret.key}"}], ids=["login", "no domains"])
def test_no_request_goes_to_an_origin_outside_of_them(tiny, desk, auth, where):
    with pytest.raises(AuthError, match="would lead to an origin outside"):
        run(tiny, auth, lambda client: client.send(Request(get="/files", origin="{where}"), {"where": where}))
    assert "/files" not in desk.paths()


def test_an_origin_without_its_domains_is_no_login(tiny):
    with pytest.raises(ConfigError, match="host needs hosts"):
        tiny.connector(auth=login(host="body.Server"))


# Tokens that writes need.

CSRF = {"type": "bearer", "token": "{secret.key}", "csrf": {"get": "/service"}}


class Guard:
    """Gives tokens c1, c2, ... bound to a cookie; a write without the newest is answered 403."""

    def __init__(self, platform):
        self.platform, self.given, self.good = platform, 0, ""
        platform.route(self)

    def __call__(self, seen):
        if seen.headers.get("x-csrf-token") == "Fetch":
            self.given += 1
            self.good = f"csrf-{self.given}"
            return Response("{}", headers={"x-csrf-token": self.good, "set-cookie": f"C={self.good}; Path=/"})
        fine = seen.headers.get("x-csrf-token") == self.good and seen.headers.get("cookie") == f"C={self.good}"
        if seen.method == "GET" or fine:
            return Response("[]")
        return Response("", 403, {"x-csrf-token": "Required"})

    def seen(self):
        return [(seen.method, seen.path) for seen in self.platform.requests]


@pytest.fixture
def guard(platform):
    return Guard(platform)


def post(client, times=1):
    return asyncio.gather(*(client.send(POST, {}) for _ in range(times)))


FETCH, WRITE = ("GET", "/service"), ("POST", "/items")


def test_a_question_fetches_no_token(tiny, guard):
    run(tiny, CSRF, get)
    assert guard.seen() == [("GET", "/items")]


def test_writes_fetch_one_token_together(tiny, guard):
    run(tiny, CSRF, lambda client: post(client, 4))
    assert guard.seen() == [FETCH, *[WRITE] * 4]
    assert guard.platform.requests[0].headers["authorization"] == "Bearer tiny-secret-value"


def test_a_token_that_is_no_longer_good_is_fetched_again_once(tiny, guard):
    async def use(client):
        await post(client)
        guard.good = "another"
        await post(client)

    run(tiny, CSRF, use)
    assert guard.seen() == [FETCH, WRITE, WRITE, FETCH, WRITE]


def test_a_token_that_many_writes_find_no_longer_good_is_fetched_again_once(tiny, guard):
    async def use(client):
        await post(client)
        guard.good = "another"
        return await post(client, 4)

    assert len(run(tiny, CSRF, use)) == 4
    assert guard.given == 2


def test_a_token_that_is_refused_at_once_is_not_fetched_in_a_loop(tiny, guard):
    guard.platform.route(
        lambda seen: guard(seen) if seen.path == "/service" else Response("", 403, {"x-csrf-token": "required"})
    )
    with pytest.raises(AuthError, match="403"):
        run(tiny, CSRF, post)
    assert guard.seen() == [FETCH, WRITE] * 2


def test_a_write_that_is_refused_for_want_of_a_token_is_not_forbidden_itself(tiny, platform):
    platform.route(lambda seen: Response("", 200 if seen.method == "GET" else 403, {"x-csrf-token": "required"}))
    with pytest.raises(AuthError) as error:
        run(tiny, CSRF, post)
    assert not isinstance(error.value, ForbiddenError)


def test_a_plain_403_fetches_no_new_token(tiny, guard):
    guard.platform.route(lambda seen: guard(seen) if seen.path == "/service" else Response("", 403))
    with pytest.raises(AuthError, match="403"):
        run(tiny, CSRF, post)
    assert guard.seen() == [FETCH, WRITE]


@pytest.mark.parametrize(
    ("answer", "kind", "says"),
    [
        (Response("{}"), AuthError, "gives no x-csrf-token, which writes need"),
        (Response("", 403), AuthError, "the token for writes was refused with 403"),
        (Response("", 502), UnavailableError, "the token for writes cannot be had now: 502"),
    ],
)
def test_a_write_without_its_token_does_not_go(tiny, platform, answer, kind, says):
    platform.answer(answer)
    with pytest.raises(kind, match=rf"{says}.* \(connection=tiny\)"):
        run(tiny, CSRF, post)
    assert [seen.method for seen in platform.requests] == ["GET"]


def test_a_write_token_is_asked_for_with_the_proof_that_came_before_it(tiny, platform, desk):
    def reply(seen):
        found = desk(seen)
        if seen.path == "/service" and found.status_code == 200:
            return Response("{}", headers={"x-csrf-token": "c"})
        return found

    platform.route(reply)
    run(tiny, {**login("X-Session", token="body.Token"), "csrf": {"get": "/service"}}, post)
    assert platform.requests[1].headers["x-session"] == "session-1"
