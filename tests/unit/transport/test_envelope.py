"""Requests that go inside another one: how they are put in, what comes out, and when the login is asked for anew."""

import asyncio
import json

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.config import Connection
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import AuthError, ConfigError, ForbiddenError, RejectError, UnavailableError
from pullpush_dagster.transport import Client

CALL = {
    "user": "{login}",
    "key": "{secret.key}",
    "to": ["{path.1}", "{path.2}"],
    "args": "{positional}",
    "kw": "{named}",
}
ENVELOPE = {
    "when": {"form": "sealed"},
    "at": "{settings.base_url}",
    "post": "/envelope",
    "json": {"call": CALL},
    "login": {"who": "{settings.user}", "key": "{secret.key}"},
    "positional": ["ids"],
    "sign": "body.seal",
    "answer": "body.inside",
    "error": "body.error",
}
ERRORS = {
    "code": "body.name",
    "message": "body.said",
    "permanent": ["wrong"],
    "refused": ["denied"],
    "forbidden": ["not you"],
}
PARTS = {
    "base_url": "{settings.base_url}/plain",
    "optional_settings": ["form", "user"],
    "defaults": {"form": "plain"},
    "errors": ERRORS,
}
NEED = Request(post="/items/change", json={"ids": [4], "title": "{title}"})


def inside(value):
    return JSONResponse({"seal": 1, "inside": value})


def error(name, said="no"):
    return JSONResponse({"seal": 1, "error": {"name": name, "said": said}})


class Sealed:
    """A connection whose requests go in an envelope, and what it sends."""

    def __init__(self, tiny, platform):
        self._tiny, self.platform, self.limits = tiny, platform, {}

    def connector(self, **envelope):
        # A request that reads by GET has no place in an envelope.
        pull = {"get": None, "post": "/items/list", "query": {}, "json": {"after": "{after}"}}
        return self._tiny.connector(pull, **PARTS, limits=self.limits, envelope={**ENVELOPE, **envelope})

    def send(self, *requests, form="sealed", user="ann", at_once=False, before=(), **envelope):
        """The answers to ``requests``, sent by one client: one by one, or, after those ``before``, all at once."""
        settings = {"base_url": self._tiny.url, "form": form, "user": user}
        given = {name: value for name, value in settings.items() if value}
        connection = Connection(connection="tiny", connector="tiny", settings=given, secrets={"key": "TINY_KEY"})

        async def go():
            async with Client(connection, self.connector(**envelope), pause=0.001) as client:
                for one in before:
                    await client.send(one, {"title": "Lamp"})
                if at_once:
                    sent = (client.send(one, {"title": "Lamp"}) for one in requests)
                    return await asyncio.gather(*sent, return_exceptions=True)
                return [await client.send(one, {"title": "Lamp"}) for one in requests]

        return asyncio.run(go())

    def bodies(self):
        """What arrived, as JSON."""
        return [json.loads(seen.body) for seen in self.platform.requests]


@pytest.fixture
def sealed(tiny, platform):
    platform.answer(inside(7), inside([{"id": 1}]))
    return Sealed(tiny, platform)


def test_a_request_goes_inside_the_envelope_with_the_login_and_what_goes_by_place(sealed):
    sealed.send(NEED)
    assert sealed.bodies() == [
        {"who": "ann", "key": "tiny-secret-value"},
        {
            "call": {
                "user": 7,
                "key": "tiny-secret-value",
                "to": ["items", "change"],
                "args": [[4]],
                "kw": {"title": "Lamp"},
            }
        },
    ]
    assert {(seen.method, seen.path) for seen in sealed.platform.requests} == {("POST", "/envelope")}


def test_who_we_are_stands_in_the_envelope_alone(sealed):
    sealed.send(NEED)
    assert [seen.headers.get("authorization") for seen in sealed.platform.requests] == [None, None]


def test_an_answer_comes_out_as_if_the_request_had_gone_by_itself(sealed):
    (answer,) = sealed.send(NEED)
    assert (answer.status, answer.body, answer.content) == (200, [{"id": 1}], b'[{"id":1}]')


def test_an_answer_with_nothing_inside_is_null(sealed):
    sealed.platform.answer(inside(7), JSONResponse({"seal": 1}))
    (answer,) = sealed.send(NEED)
    assert answer.body is None


def test_a_request_of_a_connection_that_does_not_say_so_goes_as_it_is(sealed):
    sealed.platform.answer(JSONResponse([{"id": 1}]))
    sealed.send(NEED, form=None, user=None)
    (seen,) = sealed.platform.requests
    assert (seen.path, json.loads(seen.body)) == ("/plain/items/change", {"ids": [4], "title": "Lamp"})
    assert seen.headers["authorization"] == "Bearer tiny-secret-value"


# Errors inside.


@pytest.mark.parametrize(
    ("name", "kind"),
    [("wrong", RejectError), ("denied", AuthError), ("not you", ForbiddenError), ("anything", UnavailableError)],
)
def test_an_error_inside_a_good_answer_is_no_good_answer(sealed, name, kind):
    sealed.platform.answer(inside(7), error(name))
    with pytest.raises(kind, match=rf"{name}: no"):
        sealed.send(NEED)


def test_an_answer_without_an_envelope_is_none(sealed):
    sealed.platform.answer(inside(7), JSONResponse([{"id": 1}]))
    with pytest.raises(UnavailableError, match="without an envelope"):
        sealed.send(NEED)


def test_an_error_of_what_stands_before_the_platform_keeps_its_own_status(sealed):
    sealed.platform.answer(inside(7), Response("<html>", 413))
    with pytest.raises(RejectError) as refused:
        sealed.send(NEED)
    assert refused.value.status == 413


def test_an_error_that_repeats_the_secret_does_not_tell_it(sealed):
    sealed.platform.answer(inside(7), error("wrong", said="bad key tiny-secret-value"))
    with pytest.raises(RejectError, match="bad key <key>"):
        sealed.send(NEED)


# The login.


def test_a_client_logs_in_once_however_many_requests_there_are_at_once(sealed):
    sealed.send(*[NEED] * 5, at_once=True)
    assert ["who" in body for body in sealed.bodies()].count(True) == 1


@pytest.mark.parametrize("said", [False, None, 0])
def test_a_login_that_is_answered_with_nothing_is_refused(sealed, said):
    sealed.platform.answer(inside(said))
    with pytest.raises(AuthError, match="the login was refused"):
        sealed.send(NEED)
    assert len(sealed.bodies()) == 1


def test_a_refused_login_is_not_tried_again_for_each_request_that_waits(sealed):
    sealed.platform.answer(inside(False))
    found = sealed.send(*[NEED] * 9, at_once=True)
    assert {type(error) for error in found} == {AuthError}
    assert len(sealed.bodies()) == 1


def test_a_login_that_is_no_longer_good_is_asked_for_anew_and_the_request_sent_again(sealed):
    sealed.platform.answer(inside(7), inside(1), error("denied"), inside(8), inside(2))
    answers = sealed.send(NEED, NEED)
    assert [answer.body for answer in answers] == [1, 2]
    assert [body["call"]["user"] for body in sealed.bodies() if "call" in body] == [7, 7, 8]


def test_a_refusal_of_the_old_login_that_comes_late_does_not_end_the_new_one(sealed):
    # given: a login that is no longer good, as one of two requests is told once the other one has a new login
    logins, used = [], []

    def reply(seen):
        body = json.loads(seen.body)
        if "who" in body:
            logins.append(body)
            return inside(len(logins))
        used.append(body["call"]["user"])
        place = len(used)

        async def refused(scope, receive, send):
            while place == 3 and len(logins) < 2:
                await asyncio.sleep(0.01)
            await error("denied")(scope, receive, send)

        return refused if used[-1] == 1 and place > 1 else inside(0)

    sealed.platform.route(reply)
    # when
    sealed.send(NEED, NEED, at_once=True, before=[NEED])
    # then
    assert (len(logins), sorted(used)) == (2, [1, 1, 1, 2, 2])


def test_a_new_login_that_is_refused_too_is_not_asked_for_again(sealed):
    sealed.platform.answer(inside(7), inside(1), error("denied"), inside(8), error("denied"))
    with pytest.raises(AuthError):
        sealed.send(NEED, NEED)
    assert len(sealed.bodies()) == 5


def test_a_login_whose_answer_is_an_error_fails_as_that_error(sealed):
    sealed.platform.answer(error("anything"))
    with pytest.raises(UnavailableError):
        sealed.send(NEED)


@pytest.mark.parametrize("login", [Response(status_code=500), Response("<html>", 502), error("anything")])
def test_a_request_whose_login_has_no_good_answer_was_not_sent(sealed, login):
    sealed.platform.answer(login)
    with pytest.raises(UnavailableError) as failed:
        sealed.send(NEED)
    assert not failed.value.sent


@pytest.mark.parametrize("begun", [False, True])
def test_a_request_was_sent_once_it_began_itself_and_not_only_its_login(sealed, begun):
    async def never(*_):
        await asyncio.sleep(60)

    sealed.platform.answer(*([inside(7), never] if begun else [never]))
    sealed.limits = {"timeout": 0.3}
    with pytest.raises(UnavailableError, match="no whole answer in") as failed:
        sealed.send(NEED)
    assert failed.value.sent == begun


# Files and settings that cannot be.


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"form": "saeled"}, "form is none of plain, sealed"),
        ({"user": None}, "user is required with form: sealed"),
    ],
)
def test_a_connection_that_says_too_little_is_told_before_anything_is_sent(sealed, given, said):
    with pytest.raises(ConfigError, match=said):
        sealed.send(NEED, **given)
    assert sealed.platform.requests == []


@pytest.mark.parametrize(
    ("envelope", "said"),
    [
        ({"when": {"user": "ann"}}, "user is not one of defaults"),
        ({"login": {"who": "{path.1}"}}, r"\{path.1\} is not known here"),
        ({"json": {"to": "{paht.1}"}}, r"\{paht.1\} is not known here"),
    ],
)
def test_an_envelope_that_cannot_be_is_refused(sealed, envelope, said):
    with pytest.raises(ConfigError, match=said):
        sealed.connector(**envelope)


def test_a_request_that_has_no_room_in_the_envelope_is_refused(tiny):
    with pytest.raises(ConfigError, match=r"entities\.product\.pull: is carried in the envelope"):
        tiny.connector(**PARTS, envelope=ENVELOPE)
