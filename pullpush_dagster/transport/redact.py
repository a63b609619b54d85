"""Texts of a platform made fit to be logged, stored and shown."""

import base64
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import permutations
from typing import Any
from urllib.parse import quote, quote_plus

import httpx

_LONGEST = 500


def redacted(text: str, secrets: dict[str, str]) -> str:
    """``text`` on one line, at most 500 characters, with every secret in it replaced by its name."""
    for form, name in sorted(_forms(secrets).items(), key=lambda pair: -len(pair[0])):
        text = text.replace(form, f"<{name}>")
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


def _forms(secrets: dict[str, str]) -> dict[str, str]:
    """Every form in which a secret may come back: plain, in a URL, in JSON, as Basic credentials; to its name."""
    forms: dict[str, str] = {}
    for name, secret in secrets.items():
        in_json = (json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False))
        for form in (_base64(secret), *in_json, quote(secret, safe=""), quote_plus(secret), secret):
            forms[form] = name
    for one, two in permutations(secrets, 2):
        forms[_base64(f"{secrets[one]}:{secrets[two]}")] = f"{one}:{two}"
    return forms


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@contextmanager
def logged_without_query(*, path: bool = True) -> Iterator[None]:
    """What the block asks for is logged without its query, which may hold what a login needs.

    Args:
        path: whether its path is logged.
    """
    before = _HIDDEN.set({"query": None} if path else {"raw_path": b"/", "fragment": None})
    try:
        yield
    finally:
        _HIDDEN.reset(before)


# What stands in a log for parts of an address.
_HIDDEN = ContextVar[dict[str, Any]]("_HIDDEN")


def _without_credentials(record: logging.LogRecord) -> bool:
    """Takes the query off every signed URL that httpx logs: who has it has what it is for."""
    if isinstance(record.args, tuple):
        record.args = tuple(_hidden(arg) if isinstance(arg, httpx.URL) else arg for arg in record.args)
    return True


def _hidden(url: httpx.URL) -> httpx.URL:
    parts = _HIDDEN.get({"query": None} if _is_signed(url.query.lower()) else {})
    return url.copy_with(**parts) if parts else url


def _is_signed(query: bytes) -> bool:
    """Whether it holds a signature: of OAuth 1, or of the address of a file (Signature, X-Goog-Signature, sig)."""
    return b"oauth_" in query or b"sig" in query


logging.getLogger("httpx").addFilter(_without_credentials)
logging.getLogger("oauthlib.oauth1.rfc5849").setLevel(logging.INFO)  # at DEBUG it logs what it signs with
