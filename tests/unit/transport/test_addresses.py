"""What one request is made of: its address, its headers, its body, and links that the platform gives."""

import asyncio
from urllib.parse import parse_qsl

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import ConfigError, RejectError, UnavailableError

GET = Request(get="/items", query={"size": 2})


def follow(tiny, link, base="{settings.base_url}/api"):
    async def go():
        async with tiny.client(tiny.connector(base_url=base)) as client:
            return await client.ask(GET, {}, link=link)

    return asyncio.run(go())


# Links.


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("{url}/api/items?page=2&q=a%20b", "/api/items?page=2&q=a%20b"),
        ("{url}/elsewhere", "/elsewhere"),
        ("/api/items?page=2", "/api/items?page=2"),
        ("items?page=2", "/api/items?page=2"),
        ("Items?$skiptoken='A','B'", "/api/Items?$skiptoken='A','B'"),
    ],
)
def test_a_link_replaces_path_and_query(tiny, platform, link, target):
    follow(tiny, link.format(url=platform.url))
    (seen,) = platform.requests
    assert seen.target == target
    assert seen.headers["authorization"] == "Bearer tiny-secret-value"


@pytest.mark.parametrize(
    "link",
    [
        "https://127.0.0.1/items",
        "http://127.0.0.1:9/items",
        "http://evil.example/items",
        "//evil.example/items",
        "http://127.0.0.1.evil.example/items",
        "{url}@evil.example/items",
    ],
)
def test_a_link_leads_to_no_other_origin(tiny, platform, link):
    with pytest.raises(RejectError, match="its connection's own origin"):
        follow(tiny, link.format(url=platform.url))
    assert platform.requests == []


@pytest.mark.parametrize("link", ["http://[", "http://127.0.0.1:9.evil.example/x", "http://127.0.0.1:port/x", "a\x00b"])
def test_a_link_that_is_no_address_is_refused(tiny, platform, link):
    with pytest.raises(RejectError):
        follow(tiny, link)
    assert platform.requests == []


# The address.


def at(tiny, **settings):
    tiny_connection = tiny.connection().model_copy(update={"settings": settings})
    tiny.connection = lambda: tiny_connection


def test_a_connection_may_say_itself_where_the_platform_is(tiny, platform):
    at(tiny, base_url=f"{platform.url}/sandbox/")
    tiny.send(GET, tiny.connector(base_url="https://api.example.com", settings=[]))
    assert platform.requests[0].path == "/sandbox/items"


def test_a_base_of_settings_is_put_together(tiny, platform):
    at(tiny, host=f"{platform.url}/", version="v2")
    tiny.send(GET, tiny.connector(base_url="{settings.host}/api/{settings.version}", settings=["host", "version"]))
    assert platform.requests[0].path == "/api/v2/items"


def test_a_setting_that_is_not_given_has_what_the_file_says(tiny, platform):
    parts = {"optional_settings": ["version"], "defaults": {"version": "v7"}}
    tiny.send(GET, tiny.connector(base_url="{settings.base_url}/{settings.version}", **parts))
    assert platform.requests[0].path == "/v7/items"


@pytest.mark.parametrize("url", ["http://u:p@127.0.0.1", "ftp://127.0.0.1"])
def test_an_address_of_a_connections_own_is_checked_as_well(tiny, url):
    at(tiny, base_url=url)
    with pytest.raises(ConfigError, match=r"http\(s\)://host, with no user in it"):
        tiny.client(tiny.connector(base_url="https://api.example.com", settings=[]))


def test_a_port_that_is_none_is_refused_before_anything_is_asked(tiny):
    at(tiny, base_url="http://127.0.0.1:99999")
    with pytest.raises(
        ConfigError, match=r"base_url has a port that is none; there are 1 to 65535 \(connection=tiny\)"
    ):
        tiny.client(tiny.connector(base_url="https://api.example.com", settings=[]))


# Headers and bodies.


def test_a_request_may_have_headers_of_its_own(tiny, platform):
    asked = Request(get="/items", headers={"If-Match": "{tag}", "X-None": "{none}", "X-Kind": "köln"})
    tiny.send(asked, tiny.connector(headers={"X-Kind": "every", "X-Every": "1"}), tag='W/"1"')
    headers = platform.requests[0].headers
    assert (headers["if-match"], headers["x-every"]) == ('W/"1"', "1")
    assert headers["x-kind"].encode("latin-1").decode() == "köln"
    assert "x-none" not in headers


def test_a_request_may_say_what_its_body_is(tiny, platform):
    tiny.send(Request(post="/items", headers={"Content-Type": "application/vnd.api+json"}, json={"n": 1}))
    assert platform.requests[0].headers["content-type"] == "application/vnd.api+json"


def test_a_form_is_a_body_of_its_own(tiny, platform):
    form = {"To": "{to}", "Body": "a b&c=ü", "None": "{none}", "Live": True, "N": 5}
    tiny.send(Request(post="/items", form=form), to="+49")
    (seen,) = platform.requests
    assert seen.headers["content-type"] == "application/x-www-form-urlencoded"
    given = {"To": "+49", "Body": "a b&c=ü", "Live": "true", "N": "5"}
    assert dict(parse_qsl(seen.body.decode())) == given


def test_a_body_whose_value_is_not_there_is_none(tiny, platform):
    tiny.send(Request(post="/items", json="{body}"))
    assert platform.requests[0].body == b""


def test_a_request_with_two_bodies_is_none():
    with pytest.raises(ValueError, match="a request has one body"):
        Request(post="/items", json={"a": 1}, form={"a": 1})


def test_a_text_of_a_request_has_the_parts_that_have_values(tiny, platform):
    texts = {"filter": {"of": ["at ge {since}", "at lt {until}", "live eq true"], "join": " and ", "before": "$"}}
    asked = Request(get="/items", query={"filter": "{filter}"}, texts=texts)
    tiny.send(asked, since="2026")
    assert platform.requests[0].query == {"filter": "$at ge 2026 and live eq true"}


@pytest.mark.parametrize(("values", "query"), [({"a": 1}, {"a": "1", "op": "ge", "x": "y"}), ({}, {"x": "y"})])
def test_a_term_of_several_parameters_goes_whole_or_not_at_all(tiny, platform, values, query):
    tiny.send(Request(get="/items", query=[{"a": "{a!}", "op": "ge"}, {"x": "y"}]), **values)
    assert platform.requests[0].query == query


# Bodies of answers.


@pytest.mark.parametrize("status", [201, 202, 204, 205])
def test_an_answer_that_needs_no_body_has_none(tiny, platform, status):
    platform.answer(Response("", status))
    answer = tiny.send(GET)
    assert (answer.status, answer.body) == (status, None)


@pytest.mark.parametrize(("status", "content"), [(200, ""), (203, ""), (201, "<html>"), (202, "[1")])
def test_an_answer_without_the_json_it_must_have_is_none(tiny, platform, status, content):
    platform.answer(Response(content, status))
    with pytest.raises(UnavailableError, match=f"the platform answered {status} with"):
        _ = tiny.send(GET).body


def test_a_created_item_may_be_told_all_the_same(tiny, platform):
    platform.answer(JSONResponse({"id": 7}, 201))
    assert tiny.send(GET).body == {"id": 7}
