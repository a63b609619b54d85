"""A connection that describes its platform itself, under ``api``: with no connector file, held to the same rules."""

import asyncio
import re

import pytest
import yaml
from starlette.responses import JSONResponse

from pullpush_dagster.config import Project
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.transport import Client

API = {
    "auth": {"type": "header", "header": "X-Key", "token": "{secret.key}"},
    "secrets": ["key"],
    "entities": {
        "stocklevel": {
            "pull": {"get": "/stock", "pages": {"style": "none"}},
            "canonical_map": {"sku": "item.sku", "locationId": {"value": "YARD"}, "quantity": "item.q"},
            "refused": {"push": "the yard counts by itself"},
        }
    },
}
PULL = {"type": "pullpush_dagster.Pull", "attributes": {"connection": "yard", "entity": "stocklevel"}}


@pytest.fixture
def described(tmp_path):
    """Makes a project with one connection, ``yard``, that describes itself."""

    def make(url="https://yard.example", connector="rest", documents=(PULL,), **parts):
        said = {
            "connection": "yard",
            "connector": connector,
            "settings": {"base_url": url},
            "secrets": {"key": "YARD_KEY"},
        }
        for folder in ("resources", "assets"):
            (tmp_path / folder).mkdir()
        (tmp_path / "resources" / "yard.yaml").write_text(
            yaml.safe_dump({**said, "api": {**API, **parts}}, sort_keys=False)
        )
        if documents:
            (tmp_path / "assets" / "defs.yaml").write_text(yaml.safe_dump_all(documents))
        return Project.at(tmp_path)

    return make


def test_a_connection_that_describes_its_platform_needs_no_connector_file(described):
    project = described()
    assert project.problems() == []
    assert project.connector("yard").pull("stocklevel").path == "/stock"
    assert project.connector("yard") is project.connector("yard")


def test_it_is_spoken_to_as_it_says(described, platform, monkeypatch):
    monkeypatch.setenv("YARD_KEY", "yard-secret")
    platform.answer(JSONResponse([{"sku": "A", "q": 1}]))
    project = described(platform.url)

    async def go():
        connector = project.connector("yard")
        async with Client(project.connection("yard"), connector, pause=0.001) as client:
            return (await client.ask(connector.pull("stocklevel"), {})).body

    assert asyncio.run(go()) == [{"sku": "A", "q": 1}]
    assert platform.requests[0].headers["x-key"] == "yard-secret"


def test_what_it_does_not_say_is_neutral(described):
    facts = described().connector("yard").facts
    assert (facts.connector, facts.limits.throttled, facts.times.zone) == ("rest", [429, 503], "UTC")


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"limit": {}}, "limit: is not known here; allowed: connector, title"),
        ({"auth": {"type": "bearer", "token": "literal"}}, "auth: must have its credentials from {secret.NAME}"),
        ({"entities": {"stock": {}}}, "entities.stock: is no canonical entity; allowed: stocklevel"),
        ({"base_url": "{settings.none}"}, "base_url: {settings.none} is not known here"),
    ],
    ids=["key", "auth", "entity", "base_url"],
)
def test_what_it_says_is_checked_with_its_own_file_and_line(described, parts, says):
    (found,) = described(documents=(), **parts).problems()
    assert re.search(rf"resources/yard\.yaml:\d+ {re.escape(says)}", found)


def test_a_described_platform_that_refuses_says_why(described):
    push = {"type": "pullpush_dagster.Push", "attributes": {"name": "x", "from": "yard/stocklevel", "to": "yard"}}
    assert any("the yard counts by itself" in line for line in described(documents=(PULL, push)).problems())


def test_a_platform_that_has_a_file_is_not_described_by_a_connection(described):
    project = described(connector="odoo")
    complaint = "resources/yard.yaml:7 api: is for connector: rest; odoo says itself what its platform is"
    assert project.problems() == [complaint]
    with pytest.raises(ConfigError, match=complaint):
        project.connector("yard")


def test_a_secret_that_is_not_named_is_a_fault(described):
    found = described(secrets=["key", "other"]).problems()
    assert found == ["resources/yard.yaml:5 secrets.other: is required"]
