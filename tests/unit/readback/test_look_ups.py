"""A read-back's look-ups ask as everybody else does: in the same words, with the tokens, and within the limits."""

import time
from urllib.parse import parse_qsl

import pytest
import yaml
from starlette.responses import JSONResponse

from pullpush_dagster.config import Project

ROTATING = {
    "type": "oauth2", "url": "{settings.base_url}/token", "client_id": "app", "client_secret": "{secret.key}",
    "refresh_token": "{secret.refresh}",
}  # fmt: skip


@pytest.fixture
def declared(products):
    """Makes it a Reader of other facts of the connector and of its look-up, with other secrets of the connections."""

    def declare(given=None, find=None, **facts):
        folder = products.project.root / "resources"
        file = folder / "connectors" / "tiny.yaml"
        known = {**yaml.safe_load(file.read_text()), **facts}
        known["entities"]["product"]["push"]["find"] |= find or {}
        file.write_text(yaml.safe_dump(known))
        for name in ("erp", "shelf"):
            file = folder / f"{name}.yaml"
            told = yaml.safe_load(file.read_text())
            file.write_text(yaml.safe_dump(told | {"secrets": given or told["secrets"]}))
        products.project = Project(products.project.root, products.project.root / "data")
        products.project.state.mkdir(exist_ok=True)
        products.push = products.project.push("to_shelf")
        return products

    return declare


@pytest.fixture
def unlisted(shelf):
    """Lets a Reader have accepted one product that only a look-up finds."""

    def unlist(made):
        made.accepted("A", title="Oak")
        shelf.put("A", title="Oak")
        shelf.unlisted = {"A"}

    return unlist


@pytest.fixture
def refreshed(shelf, platform, tmp_path, monkeypatch):
    """The refresh tokens that the shelf is shown, each of which is good once, as QuickBooks'."""
    monkeypatch.setenv("PULLPUSH_TOKENS", str(tmp_path / "tokens"))
    monkeypatch.setenv("TINY_REFRESH", "refresh-0")
    shown = []

    def token(seen):
        shown.append(dict(parse_qsl(seen.body.decode()))["refresh_token"])
        if shown[-1] != f"refresh-{len(shown) - 1}":
            return JSONResponse({"error": "invalid_grant"}, 400)
        given = {"access_token": f"access-{len(shown)}", "refresh_token": f"refresh-{len(shown)}"}
        return JSONResponse({**given, "expires_in": 3600, "token_type": "bearer"})

    platform.route(lambda seen: token(seen) if seen.path == "/token" else shelf(seen))
    return shown


def test_a_look_up_shows_no_refresh_token_a_second_time(declared, unlisted, refreshed):
    made = declared({"key": "TINY_KEY", "refresh": "TINY_REFRESH"}, auth=ROTATING, secrets=["key", "refresh"])
    unlisted(made)
    found = made.read()
    assert (found.compared, found.gone) == (1, 0)
    assert refreshed == ["refresh-0"]


def test_a_look_up_keeps_to_the_rate_that_all_share(declared, unlisted, shelf, platform):
    made = declared(limits={"rate": {"requests": 1, "seconds": 1.0}})
    unlisted(made)
    times = []
    platform.route(lambda seen: times.append(time.monotonic()) or shelf(seen))
    made.read()
    walked, looked_up = times
    assert looked_up - walked > 0.9


def test_a_look_up_in_lower_case_finds_a_key_that_is_not(declared, unlisted, shelf, platform):
    # given: a platform that knows its SKUs in lower case alone
    made = declared(find={"lowered": True})
    unlisted(made)
    shelf.items = {id_: {**item, "sku": item["sku"].lower()} for id_, item in shelf.items.items()}
    shelf.unlisted = {"a"}
    # then
    assert made.read().gone == 0
