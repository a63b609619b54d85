"""One exchange: what leaves, where it goes, and what an answer or its absence means."""

import asyncio
import gc
import gzip
import socket

import httpx
import orjson
import pytest
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse

from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import AuthError, ConfigError, RateLimitError, RejectError, UnavailableError

GET = Request(get="/items")


def closing(after=b""):
    """An answer that promises 100 bytes, gives ``after`` and hangs up."""

    async def reply(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
        await send({"type": "http.response.body", "body": after, "more_body": True})
        send.__self__.transport.close()
        await asyncio.sleep(0.01)

    return reply


def dripping():
    async def drops():
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    return StreamingResponse(drops())


# What leaves.


def test_a_request_is_filled_and_sent_with_its_credentials(tiny, platform):
    tiny.send(
        Request(post="/items/{id}", query={"q": "{q}", "none": "{none}"}, json={"n": "{n}"}), id=7, q="a b&c", n=5
    )
    (seen,) = platform.requests
    assert (seen.method, seen.path, seen.query, seen.body) == ("POST", "/items/7", {"q": "a b&c"}, b'{"n":5}')
    assert seen.headers["authorization"] == "Bearer tiny-secret-value"
    assert seen.headers["content-type"] == "application/json"


def test_a_request_without_a_body_has_none(tiny, platform):
    tiny.send(GET)
    assert platform.requests[0].body == b""
    assert "content-type" not in platform.requests[0].headers


def test_nothing_of_an_exchange_waits_for_the_garbage_collector(tiny, platform):
    async def left():
        async with tiny.client(tiny.connector()) as client:
            gc.disable()
            try:
                await client.send(GET, {})
                return [one for one in gc.get_objects() if type(one) in (httpx.Request, httpx.Response)]
            finally:
                gc.enable()

    gc.collect()
    assert asyncio.run(left()) == []


def test_a_given_body_replaces_the_requests_own(tiny, platform):
    tiny.send(Request(put="/items", json={"own": 1}), body=[1, 2])
    assert (platform.requests[0].method, platform.requests[0].body) == ("PUT", b"[1,2]")


def test_a_slash_at_the_end_of_the_address_makes_no_difference(tiny, platform):
    tiny.url += "/"
    tiny.send(GET, tiny.connector(base_url="{settings.base_url}/api"))
    assert platform.requests[0].path == "/api/items"


def test_settings_are_known_to_every_request(tiny, platform):
    tiny.send(Request(get="/items", query={"at": "{settings.base_url}"}))
    assert platform.requests[0].query == {"at": tiny.url}


def test_a_header_can_hold_any_text(tiny, platform):
    tiny.send(GET, tiny.connector(headers={"X-Database": "köln"}))
    assert platform.requests[0].headers["x-database"].encode("latin-1").decode() == "köln"


# Where it goes.


@pytest.mark.parametrize("path", ["@127.0.0.1:9/x", ":9/x", ".evil.example/x"])
def test_a_request_goes_to_its_connections_origin_only(tiny, platform, path):
    with pytest.raises(RejectError, match="its connection's own origin"):
        tiny.send(Request(get=path))
    assert platform.requests == []


def test_an_id_cannot_lead_a_request_elsewhere(tiny, platform):
    tiny.send(Request(get="/items/{id}"), id="../../admin?x=1")
    assert platform.requests[0].target == "/items/..%2F..%2Fadmin%3Fx%3D1"


def test_a_redirect_is_told_and_not_followed(tiny, platform):
    platform.answer(RedirectResponse(f"{platform.url}/elsewhere"))
    with pytest.raises(UnavailableError, match="answered 307: redirects are not followed; correct base_url"):
        tiny.send(GET)
    assert len(platform.requests) == 1


@pytest.mark.parametrize(
    "url", ["ftp://x.example", "x.example", "http://", "http://x:port", "http://[::1", "http://x\ty", ""]
)
def test_an_address_that_is_none_is_a_config_error(tiny, url):
    tiny.url = url
    with pytest.raises(ConfigError):
        tiny.client()


def test_a_proxy_in_the_environment_is_not_used(tiny, platform, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    tiny.send(GET)
    assert len(platform.requests) == 1


# What comes back.


def test_an_answer_knows_both_clocks(tiny, platform):
    platform.answer(JSONResponse({"a": 1}, headers={"date": "Sun, 01 Nov 2026 12:00:00 GMT"}))
    answer = tiny.send(GET)
    assert (answer.status, answer.body) == (200, {"a": 1})
    assert answer.server_time.isoformat() == "2026-11-01T12:00:00+00:00"
    assert answer.asked_at.utcoffset().total_seconds() == 0


@pytest.mark.parametrize("date", ["", "yesterday", "Fri, 31 Dec 9999 23:00:00 -1400"])
def test_a_platform_that_does_not_tell_the_time_has_no_clock(tiny, platform, date):
    platform.answer(JSONResponse([], headers={"date": date}))
    assert tiny.send(GET).server_time is None


def test_a_byte_order_mark_before_the_json_is_skipped(tiny, platform):
    platform.answer(Response(b'\xef\xbb\xbf[{"id":1}]'))
    answer = tiny.send(GET)
    assert answer.body == [{"id": 1}]
    assert answer.content == b'[{"id":1}]'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>down for maintenance</html>", "200 with HTML"),
        (b"", "200 with nothing"),
        (b'[{"id": 1}, {"i', "200 with no JSON, or only a part of it"),
        (b'["\xff"]', "200 with no JSON"),
        (b"[NaN]", "200 with no JSON"),
    ],
    ids=["HTML", "nothing", "cut JSON", "no UTF-8", "NaN"],
)
def test_a_body_that_is_no_whole_json_is_no_answer(tiny, platform, content, said):
    platform.answer(Response(content))
    with pytest.raises(UnavailableError, match=said):
        _ = tiny.send(GET).body


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (rb'["cut \ud83d"]', "cut \ufffd"),
        (rb'["\uDE00 cut"]', "\ufffd cut"),
        (rb'["\ud83d\u0041"]', "\ufffdA"),
        (rb'["\ud83d\ud83d\ude00"]', "\ufffd😀"),
        (rb'["\\ud83d \\\ud83d"]', "\\ud83d \\\ufffd"),
    ],
    ids=["first half", "second half", "half before a letter", "half before a whole", "escaped backslashes"],
)
def test_half_a_character_is_read_as_one_that_cannot_be_shown(tiny, platform, content, read):
    platform.answer(Response(content))
    answer = tiny.send(GET)
    assert answer.body == [read]
    assert orjson.loads(answer.text) == [read]


@pytest.mark.parametrize("reply", [closing(), closing(b'[{"id": 1}]')], ids=["no body", "truncated body"])
def test_a_connection_that_breaks_off_leaves_the_outcome_unknown(tiny, platform, reply):
    platform.answer(reply)
    with pytest.raises(UnavailableError, match="no whole answer") as error:
        tiny.send(GET)
    assert error.value.sent


@pytest.mark.parametrize("drips", [True, False])
def test_an_answer_that_takes_too_long_leaves_the_outcome_unknown(tiny, platform, drips):
    async def silent(scope, receive, send):
        await asyncio.sleep(1)

    platform.answer(dripping() if drips else silent)
    with pytest.raises(UnavailableError, match="no whole answer") as error:
        tiny.send(GET, tiny.connector(limits={"timeout": 0.2}))
    assert error.value.sent


def test_a_refused_connection_certainly_sent_nothing(tiny):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    tiny.url = f"http://127.0.0.1:{port}"
    with pytest.raises(UnavailableError, match=rf"127\.0\.0\.1:{port} cannot be reached: connection refused") as error:
        tiny.send(GET)
    assert not error.value.sent


def test_a_body_that_is_no_gzip_though_it_says_so_is_no_answer(tiny, platform):
    platform.answer(Response(b"[]", headers={"content-encoding": "gzip"}))
    with pytest.raises(UnavailableError, match="no whole answer"):
        tiny.send(GET)


@pytest.mark.parametrize("packed", [False, True])
def test_an_answer_over_the_largest_size_is_refused_even_packed(tiny, platform, packed):
    body = b" " * 100_000
    platform.answer(Response(gzip.compress(body), headers={"content-encoding": "gzip"}) if packed else Response(body))

    async def send():
        async with tiny.client(largest=50_000) as client:
            await client.send(GET, {})

    with pytest.raises(RejectError, match="over 50000 bytes"):
        asyncio.run(send())


def test_what_changes_something_may_be_done_though_its_answer_is_over_the_largest_size(tiny, platform):
    platform.answer(Response(b" " * 100_000))

    async def send():
        async with tiny.client(largest=50_000) as client:
            await client.send(Request(post="/items", json={}), {})

    with pytest.raises(UnavailableError, match="over 50000 bytes") as error:
        asyncio.run(send())
    assert (error.value.sent, error.value.over) == (True, True)


# What a status means.


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectError),
        (401, AuthError),
        (402, AuthError),
        (403, AuthError),
        (404, RejectError),
        (408, UnavailableError),
        (413, RejectError),
        (422, RejectError),
        (429, RateLimitError),
        (500, UnavailableError),
        (502, UnavailableError),
        (503, UnavailableError),
        (504, UnavailableError),
    ],
)
def test_each_status_is_its_own_kind_of_error(tiny, platform, status, kind):
    platform.answer(JSONResponse({"code": "c", "message": "what is wrong"}, status))
    with pytest.raises(kind, match=f"Tiny answered {status}: c: what is wrong.*connection=tiny"):
        tiny.send(GET)


def test_a_rejection_carries_the_platforms_own_code(tiny, platform):
    platform.answer(JSONResponse({"code": "sku_taken"}, 400))
    with pytest.raises(RejectError) as refusal:
        tiny.send(GET)
    assert (refusal.value.code, refusal.value.status) == ("sku_taken", 400)


def test_a_500_with_a_code_that_never_goes_away_is_a_rejection(tiny, platform):
    platform.answer(JSONResponse({"code": "broken_for_good"}, 500))
    with pytest.raises(RejectError, match="broken_for_good"):
        tiny.send(GET)


@pytest.mark.parametrize("status", [404, 405])
@pytest.mark.parametrize(
    ("content", "kind"), [(b" <html>back soon</html>", UnavailableError), (b"{}", RejectError), (b"", RejectError)]
)
def test_only_a_web_page_says_that_nothing_is_there_for_now(tiny, platform, status, content, kind):
    platform.answer(Response(content, status))
    with pytest.raises(kind, match=f"Tiny answered {status}") as error:
        tiny.send(GET)
    assert getattr(error.value, "over", True)


@pytest.mark.parametrize("content", [b"<html>Bad Gateway</html>", b"", b"[1]", b"null", b'"text"'])
def test_an_error_page_that_is_not_the_platforms_own_is_no_surprise(tiny, platform, content):
    platform.answer(Response(content, 502))
    with pytest.raises(UnavailableError, match="Tiny answered 502"):
        tiny.send(GET)


def test_a_long_message_is_told_on_one_short_line(tiny, platform):
    platform.answer(JSONResponse({"message": "no\n" * 1000}, 400))
    with pytest.raises(RejectError) as refusal:
        tiny.send(GET)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


# How many at once.


def test_no_more_requests_are_under_way_than_the_platform_bears(tiny, platform):
    under_way, most = 0, 0

    def slow(_):
        async def reply(scope, receive, send):
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0.02)
            under_way -= 1
            await Response("[]")(scope, receive, send)

        return reply

    platform.route(slow)

    async def many():
        async with tiny.client(tiny.connector(limits={"concurrency": 3})) as client:
            await asyncio.gather(*(client.send(GET, {}) for _ in range(12)))

    asyncio.run(many())
    assert most == 3
