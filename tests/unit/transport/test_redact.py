"""Texts of a platform, made fit to be stored and shown."""

import base64
import json
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
