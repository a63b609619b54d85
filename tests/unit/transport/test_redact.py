"""Texts of a platform, made fit to be stored and shown."""

import asyncio
import base64
import json
import logging
import re
from urllib.parse import quote, quote_plus

import pytest

from pullpush_dagster.transport.redact import redacted

SECRET = 'c4nary "+/ä=&'
SECRETS = {"key": "ck_1234", "secret": SECRET}


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
    ],
    ids=["plain", "URL", "form", "JSON", "base64"],
)
def test_a_secret_is_replaced_by_its_name_in_whatever_form_it_comes(form):
    assert redacted(f"bad key {form}!", SECRETS) == "bad key <secret>!"


def test_basic_credentials_are_replaced():
    both = base64.b64encode(f"ck_1234:{SECRET}".encode()).decode()
    assert redacted(f"Basic {both}", SECRETS) == "Basic <key:secret>"


def test_a_secret_that_begins_like_another_is_replaced_whole():
    assert redacted("is abcdef", {"short": "abc", "long": "abcdef"}) == "is <long>"


def test_a_text_is_one_line_of_at_most_500_characters():
    assert redacted("a\n  b\tc", {}) == "a b c"
    assert len(redacted("x" * 1000, {})) == 501


def test_no_secret_is_cut_in_half():
    assert SECRET[:6] not in redacted("x" * 494 + SECRET, SECRETS)


BASIC = {"type": "basic", "user": "any", "password": "{secret.key}"}
APP = {"type": "oauth2", "url": "{settings.base_url}/token", "client_id": "any", "client_secret": "{secret.key}"}


@pytest.mark.parametrize("auth", [BASIC, APP], ids=["of a request", "of one for a token"])
def test_basic_credentials_of_which_one_part_is_no_secret_are_replaced(tiny, auth):
    sent = base64.b64encode(b"any:tiny-secret-value").decode()
    said = tiny.client(tiny.connector(auth=auth)).redacted(f"bad header Basic {sent}")
    assert re.fullmatch("bad header Basic <(user:password|client_id:client_secret)>", said)


def test_of_a_file_that_is_downloaded_only_the_host_is_logged(tiny, platform, caplog, tmp_path):
    async def go():
        async with tiny.client() as client:
            address = f"{platform.url}/files/k3y-in-path?token=k3y-in-query#k3y"
            await client.download(address, ["127.0.0.1"], tmp_path / "file", seconds=5)

    with caplog.at_level(logging.INFO):
        asyncio.run(go())
    assert platform.requests[0].target == "/files/k3y-in-path?token=k3y-in-query"
    assert f"{platform.url}/ " in caplog.text
    assert "k3y" not in caplog.text
