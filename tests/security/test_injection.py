"""Names and values from platforms and files are data: never SQL, never a path, never another address."""

import asyncio

import pytest
import yaml
from starlette.responses import JSONResponse

from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.store import Store

NASTY = [
    "'); DROP TABLE pulls; --",
    '"; DROP TABLE pulls; --',
    "${SHOP_KEY}",
    "{settings.base_url}",
    "../../etc",
    "$1",
    "%s",
]


@pytest.fixture
def rows_of(tiny, platform):
    """Pulls and reads records under a scope; gives (sku, title, partition) of every canonical row."""

    def run(records, scope=""):
        platform.route(lambda seen: JSONResponse([{"id": 1}] if seen.path == "/places" else _after(records, seen)))
        scopes = {"locationId": {"get": "/places", "query": {"code": "{locationId}"}, "set": {"place": "each.id"}}}
        project = tiny.project(pull={"scope": scopes} if scope else {})
        if scope:
            attributes = {
                "connection": "tiny",
                "entity": "product",
                "partitions": {"by": "locationId", "values": [scope]},
            }
            text = yaml.safe_dump({"type": "pullpush_dagster.Pull", "attributes": attributes})
            (tiny.root / "assets" / "defs.yaml").write_text(text)
        pull, store = project.pull("tiny/product"), Store.of(project.state)
        window = Window("full", scope)
        asyncio.run(pull_records(project, store, pull, window, lambda _: None))
        read_pulls(project, store, pull, scope)
        with store.session() as con:
            assert con.execute("SELECT scope FROM pulls").fetchall() == [(scope,)]
            return con.execute("SELECT sku, title FROM canonical_product ORDER BY ALL").fetchall()

    return run


def _after(records, seen):
    return [record for record in records if record["id"] > int(seen.query.get("after", 0))]


def test_whatever_a_platform_calls_its_records_is_only_a_name(rows_of):
    records = [{"id": n, "sku": text, "title": text} for n, text in enumerate(NASTY, 1)]
    assert rows_of(records) == sorted((text, text) for text in NASTY)


@pytest.mark.parametrize("scope", NASTY[:3])
def test_whatever_a_scope_is_called_is_only_a_name(rows_of, platform, scope):
    assert rows_of([{"id": 1, "sku": "A", "title": "t"}], scope) == [("A", "t")]
    assert platform.requests[0].query == {"code": scope}
