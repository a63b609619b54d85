"""A secret is used and never told: not by us, and not by us repeating what a platform says."""

import asyncio
import base64
import contextlib
import json
import logging
import traceback
from urllib.parse import quote_plus

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.config import Connection
from pullpush_dagster.connectors import load_connector
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.pull import Window, pull_records
from pullpush_dagster.store import Store
from pullpush_dagster.transport import Client

KEY, SECRET = "ck_canary+key/4711", "cs_canary secret=0815&ä"
GET = Request(get="/items")


def forms(secret):
    """What a secret may look like where it must not be."""
    return {
        secret,
        quote_plus(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        base64.b64encode(secret.encode()).decode(),
    }


TELLTALE = forms(KEY) | forms(SECRET) | forms(f"{KEY}:{SECRET}") | {"canary"}


def assert_silent(text):
    assert [form for form in TELLTALE if form in text] == []


def all_that_is_told(error):
    """Everything anyone could print of an error and of what led to it."""
    told = "".join(traceback.format_exception(error))
    while error is not None:
        told += f"{error} {error!r} {error.args} {getattr(error, 'where', '')} {getattr(error, 'code', '')}"
        error = error.__cause__ or error.__context__
    return told


@pytest.fixture
def log(caplog):
    """Every log line of every library."""
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    return caplog


@pytest.fixture
def shop(platform, monkeypatch):
    """A connection that signs with OAuth 1.0a, since it is spoken to without TLS."""
    monkeypatch.setenv("SHOP_KEY", KEY)
    monkeypatch.setenv("SHOP_SECRET", SECRET)
    connection = Connection(
        connection="shop",
        connector="woocommerce",
        settings={"base_url": platform.url},
        secrets={"key": "SHOP_KEY", "secret": "SHOP_SECRET"},
    )
    return lambda: Client(connection, load_connector("woocommerce"), pause=0.001)


@pytest.fixture
def tiny_canary(tiny, monkeypatch):
    """A connection whose token is the canary."""
    monkeypatch.setenv("TINY_KEY", SECRET)
    return tiny


def outcome(client, method="send"):
    """The error that one request ends with."""

    async def go():
        async with client:
            await getattr(client, method)(GET, {})

    with pytest.raises(PullPushError) as error:
        asyncio.run(go())
    return error.value


def test_neither_a_connection_nor_its_client_shows_its_secret(tiny_canary, shop):
    for one in (tiny_canary.connection(), tiny_canary.client(), tiny_canary.project(), shop()):
        assert_silent(f"{one} {one!r}")
    assert_silent(tiny_canary.connection().model_dump_json())


@pytest.mark.parametrize("status", [301, 400, 401, 429, 500])
@pytest.mark.parametrize("form", sorted(forms(SECRET)))
def test_an_echoed_secret_is_not_repeated(tiny_canary, platform, log, status, form):
    said = {"code": f"bad {form}", "message": f"the key {form} is unknown; Authorization: Bearer {form}"}
    platform.answer(JSONResponse(said, status))
    assert_silent(all_that_is_told(outcome(tiny_canary.client())))
    assert_silent(log.text)


@pytest.mark.parametrize("before", range(180, 200, 3))
def test_an_echoed_secret_is_not_cut_in_half_either(tiny_canary, platform, before):
    platform.answer(JSONResponse({"message": "x" * before + SECRET}, 400))
    told = all_that_is_told(outcome(tiny_canary.client()))
    assert SECRET[:4] not in told


def test_echoed_basic_credentials_are_not_repeated(shop, platform):
    both = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
    platform.answer(JSONResponse({"code": "x", "message": f"cannot use Basic {both}"}, 400))
    assert_silent(all_that_is_told(outcome(shop())))


@pytest.mark.parametrize("content", [f"<html>{SECRET}", SECRET, f'{{"a": "{SECRET}'])
def test_a_broken_answer_is_not_repeated(tiny_canary, platform, log, content):
    platform.answer(Response(content))
    assert_silent(all_that_is_told(outcome(tiny_canary.client(), "ask")))
    assert_silent(log.text)


@pytest.mark.parametrize("reply", [Response("[]"), JSONResponse({"message": "no"}, 400), Response("", 500)])
def test_a_signed_query_is_in_no_log(shop, platform, log, reply):
    platform.answer(reply)

    async def go():
        async with shop() as client:
            await client.ask(GET, {})

    with contextlib.suppress(PullPushError):
        asyncio.run(go())
    assert "oauth_consumer_key" in platform.requests[0].target
    assert_silent(log.text)
    assert "oauth_" not in log.text


def test_a_signed_query_is_in_no_error(shop, platform):
    platform.answer(JSONResponse({"message": "no"}, 400))
    told = all_that_is_told(outcome(shop()))
    assert_silent(told)
    assert "oauth_" not in told


def test_a_platform_that_cannot_be_reached_tells_nothing(shop, tiny_canary, log):
    tiny_canary.url = "http://127.0.0.1:1"
    assert_silent(all_that_is_told(outcome(tiny_canary.client(), "ask")))
    assert_silent(log.text)


def test_other_queries_are_still_logged(tiny, platform, log):
    tiny.send(Request(get="/items", query={"page": 7}))
    assert "/items?page=7" in log.text


def test_a_pull_that_fails_with_an_echo_leaves_no_trace_in_any_file(tiny_canary, platform):
    said = JSONResponse({"code": SECRET, "message": f"key {SECRET} may not read page 2"}, 401)
    platform.answer(JSONResponse([{"id": 1, "changed": "2026-11-01T10:00:00"}]), said)
    project = tiny_canary.project()
    store = Store.of(project.state)
    with pytest.raises(PullPushError) as error:
        asyncio.run(pull_records(project, store, project.pull("tiny/product"), Window("sync"), assert_silent))
    assert_silent(all_that_is_told(error.value))
    assert_no_file_has(tiny_canary.root, SECRET)


def test_whole_syncs_leave_no_secret_in_any_file_or_log(world, log, tmp_path):
    world.erp.faults(error_before=0.2, count=4)
    world.sync("products_to_shop")
    world.shop.faults(error_before=0.2, count=4)
    world.sync("stock_to_shop")
    secrets = [*world.erp.secrets.values(), *world.shop.secrets.values()]
    assert world.rows("SELECT count(*) > 0 FROM receipts") == [(True,)]
    for secret in secrets:
        assert_no_file_has(tmp_path, secret)
        assert secret not in log.text


def test_a_secret_in_one_records_own_answer_is_not_kept(world, platform, tmp_path):
    # given: a shop that refuses each record, and repeats the credentials as it does
    secret = world.shop.secrets["secret"]
    file = world.project.root / "resources" / "shop.yaml"
    file.write_text(file.read_text().replace(world.shop.url, platform.url))

    def reply(seen):
        if seen.method == "GET":
            return JSONResponse([])
        refused = [{"id": 0, "error": {"code": "no", "message": f"{secret} may not"}}] * 60
        return JSONResponse({"create": refused[: seen.body.count(b'"sku"')]})

    platform.route(reply)
    # when
    world.sync("products_to_shop")
    # then
    assert world.rows("SELECT DISTINCT reason FROM outbox WHERE state = 'dead'") == [("no: <secret> may not",)]
    assert_no_file_has(tmp_path, secret)


def assert_no_file_has(folder, secret):
    """No byte of any file is the secret, in the store least of all."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert any(path.suffix == ".duckdb" for path in files)
    assert [path.name for path in files for form in forms(secret) if form.encode() in path.read_bytes()] == []
