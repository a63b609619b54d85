"""Access tokens: asked for once, renewed once, and a refresh token that is good once is never lost."""

import asyncio
import errno
import json
import stat
import subprocess
import sys
import time
from base64 import b64decode
from unittest.mock import Mock
from urllib.parse import parse_qsl

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import AuthError, RateLimitError, RejectError, RetryError, UnavailableError
from pullpush_dagster.transport.tokens import TokenFile, Tokens

GET = Request(get="/items")
APP = {
    "type": "oauth2",
    "url": "{settings.base_url}/token",
    "client_id": "app",
    "client_secret": "{secret.key}",
}
ROTATING = {**APP, "refresh_token": "{secret.refresh}"}
SECRETS = {"tiny-secret-value", "first-refresh"}


class Issuer:
    """Gives out tokens a1, a2, ... with refresh tokens r1, r2, ..., each good once; items want the newest token."""

    def __init__(self, platform, **given):
        self.platform, self.given, self.refusal = platform, {"expires_in": 3600, **given}, None
        self.count, self.good, self.refresh, self.refused = 0, "", "first-refresh", 0
        platform.route(self)

    def __call__(self, seen):
        if seen.path == "/token":
            return self.refusal or self._token(dict(parse_qsl(seen.body.decode())))
        if seen.headers.get("authorization") == f"Bearer {self.good}":
            return Response("[]")
        self.refused += 1
        return JSONResponse({"message": "token?"}, 401)

    def _token(self, form):
        if form["grant_type"] == "refresh_token" and form["refresh_token"] != self.refresh:
            return JSONResponse({"error": "invalid_grant"}, 400)
        self.count += 1
        self.good, self.refresh = f"access-{self.count}", f"refresh-{self.count}"
        rotated = {"refresh_token": self.refresh} if form["grant_type"] == "refresh_token" else {}
        return JSONResponse({"access_token": self.good, "token_type": "bearer", **rotated, **self.given})

    def asked(self):
        """Every request for a token: its form and its headers."""
        found = [seen for seen in self.platform.requests if seen.path == "/token"]
        return [(dict(parse_qsl(seen.body.decode())), seen.headers) for seen in found]


@pytest.fixture
def issuer(platform):
    return Issuer(platform)


@pytest.fixture
def app(tiny, tmp_path, monkeypatch):
    """Makes a client of tiny's that asks for its token; its tokens are in ``tmp_path/tokens``."""
    monkeypatch.setenv("PULLPUSH_TOKENS", str(tmp_path / "tokens"))
    monkeypatch.setenv("TINY_REFRESH", "first-refresh")
    state = tmp_path / "data"
    state.mkdir()

    def make(auth=APP, seconds=30, **options):
        limits = {"attempts": 1, "concurrency": 8, "timeout": seconds}
        known = {"auth": auth, "secrets": ["key", "refresh"], "limits": limits}
        connector = tiny.connector(**known)
        connection = tiny.connection().model_copy(update={"secrets": {"key": "TINY_KEY", "refresh": "TINY_REFRESH"}})
        tiny.connection = lambda: connection
        return tiny.client(connector, **{"state": state, **options})

    return make


def get(client, times=1):
    """The statuses of so many requests, sent at once."""

    async def go():
        async with client:
            return [answer.status for answer in await asyncio.gather(*(client.send(GET, {}) for _ in range(times)))]

    return asyncio.run(go())


def stored(tmp_path):
    (file,) = (tmp_path / "tokens").rglob("*.json")
    return file


# Client credentials.


def test_a_token_that_did_not_come_is_one_failure_however_many_wait_for_it(app, issuer):
    issuer.refusal = Response("", 500)

    async def go(client):
        async with client:
            tried = await asyncio.gather(*(client.send(GET, {}) for _ in range(8)), return_exceptions=True)
            issuer.refusal = None
            return tried, (await client.send(GET, {})).status

    tried, status = asyncio.run(go(app(destination=True)))
    assert all(isinstance(one, RetryError) for one in tried)
    assert {one.said for one in tried} == {"the access token cannot be had now: 500"}
    assert status == 200, "the destination is not taken for one that is down"


def test_a_token_is_asked_for_once_for_many_requests_at_once(app, issuer):
    assert get(app(), times=8) == [200] * 8
    assert len(issuer.asked()) == 1


@pytest.mark.parametrize(("given", "asked"), [({"expires_in": 3600}, 1), ({"expires_in": 30}, 2)])
def test_a_token_that_is_about_to_end_is_renewed_before_it_is_used(app, issuer, given, asked):
    issuer.given = given

    async def go(client):
        async with client:
            await client.send(GET, {})
            await client.send(GET, {})

    asyncio.run(go(app()))
    assert len(issuer.asked()) == asked
    assert issuer.refused == 0


def test_the_credentials_go_in_a_header_unless_the_body_is_said(app, issuer):
    get(app({**APP, "scope": "read write"}))
    get(app({**APP, "credentials": "body"}))
    (form, headers), (form_in_body, headers_in_body) = issuer.asked()
    assert form == {"grant_type": "client_credentials", "scope": "read write"}
    assert b64decode(headers["authorization"].removeprefix("Basic ")) == b"app:tiny-secret-value"
    named = {"client_id": "app", "client_secret": "tiny-secret-value"}
    assert form_in_body == {"grant_type": "client_credentials", **named}
    assert "authorization" not in headers_in_body


def test_a_token_that_was_withdrawn_is_renewed_once(app, issuer):
    async def go(client):
        async with client:
            await client.send(GET, {})
            issuer.good = "another"
            return (await client.send(GET, {})).status

    assert asyncio.run(go(app())) == 200
    assert (len(issuer.asked()), issuer.refused) == (2, 1)


def test_a_token_that_many_requests_find_withdrawn_is_renewed_once(app, issuer):
    async def go(client):
        async with client:
            await client.send(GET, {})
            issuer.good = "another"
            await asyncio.gather(*(client.send(GET, {}) for _ in range(8)))

    asyncio.run(go(app()))
    assert len(issuer.asked()) == 2


def test_an_answer_to_an_old_token_leaves_the_new_one(app, issuer, platform):
    late = []

    def reply(seen):
        if seen.headers.get("authorization") == "Bearer access-1" and seen.path == "/slow":
            return slow
        return issuer(seen)

    async def slow(scope, receive, send):
        while not late:
            await asyncio.sleep(0.005)
        await JSONResponse({}, 401)(scope, receive, send)

    platform.route(reply)

    async def go(client):
        async with client:
            await client.send(GET, {})
            behind = asyncio.create_task(client.send(Request(get="/slow"), {}))
            await asyncio.sleep(0.05)
            issuer.good = "another"
            await client.send(GET, {})
            late.append(True)
            return (await behind).status

    assert asyncio.run(go(app())) == 200
    assert len(issuer.asked()) == 2


def test_a_token_that_is_refused_at_once_is_not_asked_for_in_a_loop(app, issuer):
    issuer.given = {"access_token": "never-good"}
    with pytest.raises(AuthError, match="Tiny answered 401"):
        get(app())
    assert (len(issuer.asked()), issuer.refused) == (2, 2)


@pytest.mark.parametrize(
    ("refusal", "kind", "says"),
    [
        (JSONResponse({"error": "invalid_client"}, 400), AuthError, "refused with 400: check the credentials"),
        (Response("", 401), AuthError, "refused with 401"),
        (Response("", 302, {"location": "/login"}), AuthError, "refused with 302"),
        (Response("", 429), RateLimitError, "cannot be had now: 429"),
        (Response("", 500), UnavailableError, "cannot be had now: 500"),
        (Response("<html>"), AuthError, "has none"),
        (Response(""), AuthError, "has none"),
        (Response("null"), AuthError, "has none"),
        (Response("[]"), AuthError, "has none"),
        (JSONResponse({"token_type": "bearer"}), AuthError, "has none"),
        (JSONResponse({"access_token": None}), AuthError, "has none"),
        (JSONResponse({"error": "invalid_scope"}), AuthError, "has none"),
    ],
    ids=lambda value: f"{value.status_code} {bytes(value.body)[:20]}" if isinstance(value, Response) else None,
)
def test_an_end_point_that_gives_no_token_says_why(app, issuer, refusal, kind, says):
    issuer.refusal = refusal
    with pytest.raises(kind, match=rf"{says}.* \(connection=tiny\)") as error:
        get(app())
    assert getattr(error.value, "sent", False) is False
    assert len(issuer.asked()) == len(issuer.platform.requests) == 1


@pytest.mark.parametrize(("given", "lasts"), [({"expires_in": 7200}, 7200), ({}, 300), ({"expires_in": "600"}, 600)])
def test_a_token_lasts_as_long_as_the_platform_says_or_five_minutes(app, issuer, tmp_path, given, lasts):
    issuer.given = given
    get(app(ROTATING))
    assert json.loads(stored(tmp_path).read_text())["until"] == pytest.approx(time.time() + lasts, abs=20)


def test_no_secret_is_in_what_an_error_says(app, issuer, platform):
    def echoing(seen):
        if seen.path == "/token":
            return issuer(seen)
        return JSONResponse({"message": f"{seen.headers} {issuer.refresh} tiny-secret-value first-refresh"}, 422)

    platform.route(echoing)
    with pytest.raises(RejectError, match="Tiny answered 422: Headers") as error:
        get(app(ROTATING))
    assert not [secret for secret in (*SECRETS, "access-1", "refresh-1") if secret in str(error.value)]


@pytest.mark.parametrize("status", [200, 400, 500])
def test_no_secret_is_in_what_the_end_point_is_blamed_for(app, issuer, platform, status):
    def echoing(seen):
        return Response(seen.body + seen.headers.get("authorization", "").encode(), status)

    platform.route(echoing)
    with pytest.raises((AuthError, UnavailableError)) as error:
        get(app({**ROTATING, "credentials": "body"}))
    assert not [secret for secret in SECRETS if secret in f"{error.value!r} {error.value}"]


# Refresh tokens that change with each use.


def test_a_new_refresh_token_is_stored_before_the_token_is_used(app, issuer, platform, tmp_path):
    found = []

    def looking(seen):
        if seen.path == "/items":
            found.append(json.loads(stored(tmp_path).read_text())["refresh"])
        return issuer(seen)

    platform.route(looking)
    get(app(ROTATING))
    assert found == ["refresh-1"]


def test_what_is_stored_is_the_owners_alone_and_outside_the_project(app, issuer, tmp_path):
    get(app(ROTATING))
    file = stored(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file() and b"refresh-1" in path.read_bytes()]


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"PULLPUSH_TOKENS": "here"}, "here"),
        ({"XDG_STATE_HOME": "state"}, "state/pullpush"),
        ({"HOME": "home"}, "home/.local/state/pullpush"),
    ],
)
def test_tokens_are_where_the_environment_says(tmp_path, monkeypatch, environment, folder):
    for name in ("PULLPUSH_TOKENS", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    write(TokenFile("first"))
    assert [path.parent for path in tmp_path.rglob("*.json")] == [tmp_path / folder]


def test_a_later_run_goes_on_with_what_is_stored(app, issuer):
    get(app(ROTATING))
    get(app(ROTATING))
    assert len(issuer.asked()) == 1


def test_a_later_run_refreshes_with_the_newest_token(app, issuer):
    issuer.given = {"expires_in": 1}
    get(app(ROTATING))
    get(app(ROTATING))
    assert [form["refresh_token"] for form, _ in issuer.asked()] == ["first-refresh", "refresh-1"]


def test_a_platform_that_gives_no_new_refresh_token_keeps_the_old_one(app, issuer, tmp_path):
    issuer.given = {"expires_in": 1, "refresh_token": None}
    get(app(ROTATING))
    assert json.loads(stored(tmp_path).read_text())["refresh"] == "first-refresh"


@pytest.mark.parametrize("said", ["3600.0", "", "soon", "2026-12-01T00:00:00Z", -1, [], "nan"], ids=repr)
def test_a_lifetime_that_is_no_number_loses_no_refresh_token(app, issuer, said):
    issuer.given = {"expires_in": said}
    assert get(app(ROTATING)) == [200]
    assert get(app(ROTATING)) == [200]


def test_a_full_disk_loses_no_refresh_token(app, issuer, monkeypatch):
    # given
    with monkeypatch.context() as full:
        full.setattr("os.fsync", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(RetryError, match="could not be stored, so none is asked for: No space"):
            get(app(ROTATING))
    assert issuer.asked() == []
    # when there is room again
    assert get(app(ROTATING)) == [200]


def test_a_project_that_was_moved_goes_on_with_what_is_stored(app, issuer, tmp_path):
    get(app(ROTATING))
    (tmp_path / "data").rename(tmp_path / "moved")
    assert get(app(ROTATING, state=tmp_path / "moved")) == [200]
    assert len(issuer.asked()) == 1


def test_another_scope_than_the_one_asked_for_loses_no_refresh_token(app, issuer):
    issuer.given = {"expires_in": 1, "scope": "read"}
    assert get(app({**ROTATING, "scope": "read write"})) == [200]
    assert get(app({**ROTATING, "scope": "read write"})) == [200]


def test_two_clients_refresh_one_after_the_other(app, issuer):
    async def go(*clients):
        await asyncio.gather(*(asyncio.to_thread(get, client, 4) for client in clients))

    asyncio.run(go(app(ROTATING), app(ROTATING)))
    assert [form["refresh_token"] for form, _ in issuer.asked()] == ["first-refresh"]


def test_a_token_that_another_client_renewed_is_taken_over(app, issuer):
    async def go(one, two):
        async with one, two:
            await one.send(GET, {})
            await two.send(GET, {})
            issuer.good = "another"
            await one.send(GET, {})
            await two.send(GET, {})

    asyncio.run(go(app(ROTATING), app(ROTATING)))
    assert [form["refresh_token"] for form, _ in issuer.asked()] == ["first-refresh", "refresh-1"]


@pytest.fixture
def slow_token(issuer, platform):
    """Tokens are given half a second after they are made."""

    def route(seen):
        reply = issuer(seen)

        async def late(*connection):
            await asyncio.sleep(0.5)
            await reply(*connection)

        return late if seen.path == "/token" else reply

    platform.route(route)


def test_a_request_that_is_cut_off_while_its_token_is_renewed_loses_no_refresh_token(app, issuer, slow_token):
    with pytest.raises(UnavailableError) as error:
        get(app(ROTATING, seconds=0.2))
    assert not error.value.sent
    assert get(app(ROTATING)) == [200]
    assert len(issuer.asked()) == 1


def test_a_run_that_is_ended_while_its_token_is_renewed_loses_no_refresh_token(app, issuer, slow_token):
    async def ended():
        async with app(ROTATING) as client:
            async with asyncio.timeout(0.2):
                await client.send(GET, {})

    with pytest.raises(TimeoutError):
        asyncio.run(ended())
    assert get(app(ROTATING)) == [200]
    assert len(issuer.asked()) == 1


def test_a_renewal_that_failed_when_nobody_waited_any_more_is_tried_anew(app, issuer, slow_token):
    issuer.refusal = JSONResponse({}, 503)
    with pytest.raises(UnavailableError):
        get(app(ROTATING, seconds=0.2))
    issuer.refusal = None
    assert get(app(ROTATING)) == [200]


def test_a_holder_that_dies_lets_go(app, issuer, tmp_path):
    get(app(ROTATING))
    lock = stored(tmp_path).with_suffix(".lock")
    stored(tmp_path).unlink()
    issuer.refresh = "first-refresh"
    holding = f"import fcntl, time; f = open({str(lock)!r}); fcntl.flock(f, fcntl.LOCK_EX); print(flush=True)"
    holder = subprocess.Popen([sys.executable, "-c", f"{holding}; time.sleep(60)"], stdout=subprocess.PIPE)
    holder.stdout.readline()

    async def go(client):
        async with client:
            asked = asyncio.create_task(client.send(GET, {}))
            await asyncio.sleep(0.2)
            waited = not asked.done()
            holder.kill()
            return waited, (await asked).status

    assert asyncio.run(go(app(ROTATING))) == (True, 200)
    holder.wait()
    holder.stdout.close()


def test_another_secret_voids_what_is_stored(app, issuer, monkeypatch):
    get(app(ROTATING))
    monkeypatch.setenv("TINY_REFRESH", "second-refresh")
    issuer.refresh = "second-refresh"
    get(app(ROTATING))
    assert [form["refresh_token"] for form, _ in issuer.asked()] == ["first-refresh", "second-refresh"]


def test_a_refused_refresh_token_stays_refused_until_the_secret_is_another(app, issuer, monkeypatch):
    issuer.refresh = "lost"
    with pytest.raises(AuthError, match="refused with 400"):
        get(app(ROTATING))
    monkeypatch.setenv("TINY_REFRESH", "lost")
    assert get(app(ROTATING)) == [200]


# The file.


def write(file, **tokens):
    async def go():
        async with file.held():
            with file.room() as store:
                store(Tokens(**{"access": "a", "refresh": "r", "until": 9e9, **tokens}))

    asyncio.run(go())


def test_what_is_stored_is_read_again(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLPUSH_TOKENS", str(tmp_path))
    write(TokenFile("first"), refresh="r2")
    assert TokenFile("first").read() == Tokens("a", "r2", 9e9)


def test_what_came_after_another_token_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLPUSH_TOKENS", str(tmp_path))
    write(TokenFile("first"))
    assert TokenFile("second").read() is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", "null", '{"access": "a"}', '{"access":1,"refresh":2}'])
def test_a_file_that_is_none_counts_as_nothing_stored(tmp_path, monkeypatch, content):
    monkeypatch.setenv("PULLPUSH_TOKENS", str(tmp_path))
    file = TokenFile("first")
    write(file)
    (path,) = tmp_path.rglob("*.json")
    path.write_text(content)
    assert file.read() is None


def test_tokens_do_not_show_themselves():
    assert repr(Tokens("a", "r", 1.0)) == "Tokens(...)"
