"""Credentials: the right kind for the address, and signatures that a signer of our own agrees with."""

import asyncio
import base64
import hashlib
import hmac
from urllib.parse import quote, unquote, unquote_plus

import certifi
import pytest
import trustme
from starlette.responses import Response

from pullpush_dagster.config import Connection
from pullpush_dagster.connectors import load_connector
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import ConfigError, UnavailableError
from pullpush_dagster.transport import Client

GET = Request(get="/products", query={"search": "{search}", "empty": "{empty}", "per_page": 100})
KEY, SECRET = "ck_12 &/+=ü", "cs_~*'()%"


def signature(method, url, target, secret, owner=""):
    """OAuth 1.0a (RFC 5849, 3.4) over what arrived, written from the text of the standard."""

    def escaped(text):
        return quote(text, safe="-._~")

    path, _, query = target.partition("?")
    pairs = [tuple(unquote_plus(part) for part in pair.partition("=")[::2]) for pair in query.split("&")]
    signed = sorted((escaped(name), escaped(value)) for name, value in pairs if name != "oauth_signature")
    parameters = "&".join(f"{name}={value}" for name, value in signed)
    base = "&".join(escaped(part) for part in (method, url + path, parameters))
    digest = hmac.new(f"{escaped(secret)}&{escaped(owner)}".encode(), base.encode(), hashlib.sha256).digest()
    return base64.b64encode(digest).decode()


@pytest.fixture
def shop(monkeypatch):
    """Sends one request to a shop at an address."""
    monkeypatch.setenv("SHOP_KEY", KEY)
    monkeypatch.setenv("SHOP_SECRET", SECRET)

    def send(url, request=GET, **values):
        connection = Connection(
            connection="shop",
            connector="woocommerce",
            settings={"base_url": url},
            secrets={"key": "SHOP_KEY", "secret": "SHOP_SECRET"},
        )

        async def go():
            async with Client(connection, load_connector("woocommerce"), pause=0.001) as client:
                return await client.send(request, values)

        return asyncio.run(go())

    return send


@pytest.mark.parametrize(
    "search", ["plain", "two words", "a+b&c=d", "50% off", "äöü €", "a/b?c#d", "~*'()!", "%20", " "]
)
def test_a_signature_holds_for_any_query(shop, platform, search):
    shop(platform.url, search=search, empty="")
    (seen,) = platform.requests
    assert (seen.query["search"], seen.query["empty"], seen.query["per_page"]) == (search, "", "100")
    assert seen.query["oauth_consumer_key"] == KEY
    assert seen.query["oauth_signature"] == signature("GET", platform.url, seen.target, SECRET)


def test_a_body_is_no_part_of_the_signature(shop, platform):
    shop(platform.url, Request(post="/products/batch", json={"create": [{"name": "a b"}]}))
    (seen,) = platform.requests
    assert seen.body == b'{"create":[{"name":"a b"}]}'
    assert seen.query["oauth_signature"] == signature("POST", platform.url, seen.target, SECRET)


def test_every_request_is_signed_anew(shop, platform):
    shop(platform.url)
    shop(platform.url)
    one, two = (seen.query["oauth_nonce"] for seen in platform.requests)
    assert one != two


def test_without_tls_the_secret_itself_never_leaves(shop, platform):
    shop(platform.url)
    (seen,) = platform.requests
    assert "authorization" not in seen.headers
    assert SECRET not in unquote_plus(seen.target)


def test_basic_credentials_go_over_tls(shop, tls_platform):
    shop(tls_platform.url)
    (seen,) = tls_platform.requests
    assert base64.b64decode(seen.headers["authorization"].removeprefix("Basic ")).decode() == f"{KEY}:{SECRET}"
    assert "oauth_consumer_key" not in seen.query


def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_sent(shop, tls_platform, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("SHOP_KEY", KEY)
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    with pytest.raises(
        UnavailableError, match=r"127\.0\.0\.1:\d+ cannot be reached: its certificate is not trusted: "
    ) as error:
        shop(tls_platform.url)
    assert not error.value.sent
    assert tls_platform.requests == []


OWNED = {
    "type": "oauth1",
    "place": "header",
    "key": "ck",
    "secret": "cs/1",
    "token": "tk",
    "token_secret": "{secret.key}",
    "realm": "123456_SB1",
}


def test_a_signature_in_a_header_holds_for_key_and_token(tiny, platform):
    tiny.send(Request(get="/items", query={"q": "a b+c&d=ü"}), tiny.connector(auth=OWNED))
    (seen,) = platform.requests
    scheme, _, told = seen.headers["authorization"].partition(" ")
    said = {name: unquote(value.strip('"')) for name, _, value in (part.partition("=") for part in told.split(", "))}
    assert scheme == "OAuth"
    assert (said["realm"], said["oauth_consumer_key"], said["oauth_token"]) == ("123456_SB1", "ck", "tk")
    assert "oauth_" not in seen.target
    signed = "&".join(f"{name}={quote(value)}" for name, value in said.items() if name not in ("realm",))
    target = f"{seen.target}&{signed}"
    assert said["oauth_signature"] == signature("GET", platform.url, target, "cs/1", "tiny-secret-value")


def test_a_signature_in_a_header_leaves_the_question_as_it_is(tiny, platform):
    tiny.send(Request(get="/items", query={"q": "a b+c&d=ü"}), tiny.connector(auth=OWNED))
    assert platform.requests[0].query == {"q": "a b+c&d=ü"}


# Several ways.

WAYS = [
    {"type": "header", "header": "X-Key", "token": "{secret.other}"},
    {"type": "basic", "user": "u", "password": "{secret.key}"},
    {"type": "bearer", "token": "{secret.key}"},
]


def test_of_several_ways_the_first_holds_whose_secrets_there_are(tiny, platform):
    tiny.send(Request(get="/items"), tiny.connector(auth=WAYS, optional_secrets=["other"]))
    (seen,) = platform.requests
    assert "x-key" not in seen.headers
    assert base64.b64decode(seen.headers["authorization"].removeprefix("Basic ")) == b"u:tiny-secret-value"


def test_of_several_ways_none_of_which_has_its_secrets_each_is_named(tiny):
    ways = [WAYS[0], {"type": "basic", "user": "{secret.user}", "password": "{secret.word}"}]
    with pytest.raises(ConfigError, match="secrets must have other or user, word"):
        tiny.client(tiny.connector(auth=ways, optional_secrets=["other", "user", "word"]))


def test_a_platform_without_credentials_is_told_none(tiny, platform):
    tiny.send(Request(get="/items"), tiny.connector(auth={"type": "none"}))
    assert "authorization" not in platform.requests[0].headers


@pytest.mark.parametrize(
    ("type_", "needs"),
    [("bearer", "token"), ("basic", "user"), ("oauth1", "key"), ("oauth2", "url"), ("login", "login")],
)
def test_a_way_that_lacks_a_part_says_which(tiny, type_, needs):
    with pytest.raises(ConfigError, match=f"type: {type_} needs {needs}"):
        tiny.connector(auth={"type": type_})


def test_a_platform_with_a_way_for_tls_only_is_not_spoken_to_without_it(tiny):
    basic = {"type": "basic", "user": "u", "password": "{secret.key}"}
    with pytest.raises(ConfigError, match="not spoken to over http"):
        tiny.client(tiny.connector(auth={"https": basic}))


def test_a_header_of_the_platforms_own_carries_the_token(tiny, platform):
    auth = {"type": "header", "header": "X-Token", "token": "t-{secret.key}"}
    tiny.send(Request(get="/items"), tiny.connector(auth=auth))
    assert platform.requests[0].headers["x-token"] == "t-tiny-secret-value"


def test_a_token_may_have_a_scheme_before_it(tiny, platform):
    auth = {"type": "header", "scheme": "Klaviyo-API-Key", "token": "{secret.key}"}
    tiny.send(Request(get="/items"), tiny.connector(auth=auth))
    assert platform.requests[0].headers["authorization"] == "Klaviyo-API-Key tiny-secret-value"


def test_a_secret_that_is_not_set_is_named(tiny, monkeypatch):
    monkeypatch.delenv("TINY_KEY")
    with pytest.raises(ConfigError, match="set the environment variable TINY_KEY"):
        tiny.client()


@pytest.fixture
def tls_platform(tmp_path, monkeypatch, serve):
    """A tiny server that speaks TLS, under an authority this machine trusts."""
    authority = trustme.CA()
    ours = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    ours.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    ours.private_key_pem.write_to_path(tmp_path / "key.pem")
    monkeypatch.setattr(certifi, "where", lambda: str(tmp_path / "ca.pem"))
    with serve((tmp_path / "cert.pem", tmp_path / "key.pem")) as app:
        app.answer(Response("[]"))
        yield app
