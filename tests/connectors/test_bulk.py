"""Every bulk export of a built-in connector: asked for as its vendor describes it, and read as the pages are."""

import asyncio
from importlib.resources import files

import orjson
import pyarrow as arrow
import pytest
import yaml
from starlette.responses import JSONResponse, PlainTextResponse, Response

from pullpush_dagster.canonical.frame import PAGES
from pullpush_dagster.config import Project, Pull
from pullpush_dagster.connectors import load_connector
from pullpush_dagster.connectors.loading import connector_names
from pullpush_dagster.connectors.template import at
from pullpush_dagster.pull import Window
from pullpush_dagster.pull.pulling import ask_platform, read_pages
from pullpush_dagster.pull.spool import Spool
from tests.connectors.exporting import as_lines, as_rows, sampled_pages
from tests.connectors.specs.checking import check
from tests.connectors.specs.documents import specs_folder
from tests.connectors.specs.request import SpecRequest
from tests.served import served

JOB = "gid://shopify/BulkOperation/206005076024"
EXPORTS = [
    (name, entity)
    for name in connector_names()
    for entity, facts in load_connector(name).facts.entities.items()
    if facts.pull and facts.pull.bulk
]
# An export of Salesforce has nothing below a record.
UNKNOWN = {("salesforce", "product"): {"price"}}


def exported(name, entity):
    return pytest.param(name, entity, id=f"{name}-{entity}")


each_export = pytest.mark.parametrize(("name", "entity"), [exported(*one) for one in EXPORTS])


class Shopify:
    """Plays Shopify: one job, whose file lies on another server."""

    def __init__(self, elsewhere):
        self.elsewhere, self.polls = elsewhere, ["CREATED", "RUNNING", "COMPLETED"]

    def reply_to(self, seen, records):
        body = orjson.loads(seen.body)
        if "bulkOperationRunQuery" in body["query"]:
            lines = as_lines(body["variables"]["query"], records)
            self.count = len(lines)
            self.elsewhere.answer(Response(b"\n".join(lines) + b"\n"))
            return JSONResponse({"data": {"job": {"bulkOperation": {"id": JOB}, "userErrors": []}}})
        state = self.polls.pop(0)
        done = state == "COMPLETED"
        told = {
            "status": state,
            "errorCode": None,
            "objectCount": str(self.count if done else 1),
            "partialDataUrl": None,
        }
        assert body["variables"] == {"job": JOB}
        return JSONResponse({"data": {"export": told | {"url": f"{self.elsewhere.url}/bulk.jsonl" if done else None}}})


class Salesforce:
    """Plays Salesforce: one job, whose rows come in parts of two."""

    def __init__(self, _):
        self.polls = ["UploadComplete", "InProgress", "JobComplete"]

    def reply_to(self, seen, records):
        if seen.path == "/services/oauth2/token":
            return JSONResponse({"access_token": "T", "token_type": "Bearer"})
        if seen.method == "POST":
            self.soql = orjson.loads(seen.body)["query"]
            return JSONResponse({"id": "750R0000000zlh9IAA", "operation": "query", "state": "UploadComplete"})
        assert seen.path.startswith("/jobs/query/750R0000000zlh9IAA")
        if not seen.path.endswith("/results"):
            return JSONResponse(
                {"id": "750R0000000zlh9IAA", "state": self.polls.pop(0), "numberRecordsProcessed": len(records)}
            )
        start = int(seen.query.get("locator", "0"))
        following = str(start + 2) if start + 2 < len(records) else "null"
        return PlainTextResponse(as_rows(self.soql, records[start : start + 2]), headers={"Sforce-Locator": following})


PLAYED = {"shopify": Shopify, "salesforce": Salesforce}


@pytest.fixture(scope="module")
def other_server():
    with served() as running:
        yield running


@pytest.fixture
def project(tmp_path, platform, monkeypatch):
    """A project with one connection on the tiny server; its connector differs from the built-in one in addresses."""

    def make(name):
        text = files("pullpush_dagster.connectors").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
        text = text.replace("storage.googleapis.com", "127.0.0.1").replace("every: 5\n", "every: 0.001\n")
        text = text.replace(
            "https://{settings.domain}.my.salesforce.com/services/oauth2", f"{platform.url}/services/oauth2"
        )
        facts = yaml.safe_load(text)
        for part in facts["entities"].values():
            part.get("pull", {}).get("bulk", {})["every"] = 0.001
        (tmp_path / "resources" / "connectors").mkdir(parents=True)
        (tmp_path / "resources" / "connectors" / f"{name}.yaml").write_text(yaml.safe_dump(facts, sort_keys=False))
        secrets = {"shopify": ["token"], "salesforce": ["client_id", "client_secret"]}[name]
        for secret in secrets:
            monkeypatch.setenv(f"THE_{secret.upper()}", f"{secret}-value")
        connection = {
            "connection": name,
            "connector": name,
            "settings": dict.fromkeys(facts["settings"], "example") | {"base_url": platform.url},
            "secrets": {secret: f"THE_{secret.upper()}" for secret in secrets},
        }
        (tmp_path / "resources" / f"{name}.yaml").write_text(yaml.safe_dump(connection))
        return Project.at(tmp_path)

    return make


def frame(project, pull, bodies):
    columns = {"walk": ["all"] * len(bodies), "page": range(len(bodies)), "asked_at": [0] * len(bodies), "body": bodies}
    table = arrow.table({name: list(values) for name, values in columns.items()}, schema=PAGES)
    return read_pages(project, pull, "", table)


def meant(found, without):
    kept = [name for name in found.rows.schema.names if name not in {"_askedAt", *without}]
    rows = found.rows.select(kept).to_pylist()
    return [{**row, "_cleared": sorted(set(row["_cleared"]) - without)} for row in rows]


@pytest.fixture
def export(project, platform, other_server, tmp_path):
    """Asks for a whole export of what the sample's pages hold; gives project, pull and the bodies that came."""

    def run(name, entity):
        made, pull = project(name), Pull(connection=name, entity=entity, bulk=True)
        each = load_connector(name).pull(entity).each
        records = [record for page in sampled_pages(name, entity) for record in at(page, each)]
        playing = PLAYED[name](other_server)
        platform.route(lambda seen: playing.reply_to(seen, records))
        with Spool(tmp_path / "staging") as spool:
            asked = asyncio.run(ask_platform(made, pull, Window("full"), {}, spool, lambda _: None))
            bodies = spool.table()["body"].to_pylist()
        assert asked.records == len(records)
        return made, pull, bodies

    return run


@each_export
def test_an_export_means_what_the_pages_mean(export, name, entity):
    made, pull, bodies = export(name, entity)
    paged = frame(made, pull, [orjson.dumps(page).decode() for page in sampled_pages(name, entity)])
    whole = frame(made, pull, bodies)
    unknown = UNKNOWN.get((name, entity), set())
    assert meant(whole, unknown) == meant(paged, unknown)
    assert whole.quarantined.num_rows == paged.quarantined.num_rows == 0
    assert all(value is None for field in unknown for value in whole.rows[field].to_pylist())
    assert all(field not in cleared for field in unknown for cleared in whole.rows["_cleared"].to_pylist())


@each_export
def test_an_export_is_asked_for_as_the_vendor_describes_it(export, platform, name, entity):
    spec = load_connector(name).entity(entity).spec
    if specs_folder() is None or spec == "none":
        pytest.skip("there is no spec to hold it against")
    export(name, entity)
    for request in asked_of(platform, name):
        assert check(spec, request) == []


def asked_of(platform, name):
    """Each request as the spec has it, and what is to be exported as if it were asked for at once."""
    sent = [(seen, orjson.loads(seen.body)) for seen in platform.requests if seen.body.startswith(b"{")]
    if name == "salesforce":
        # Its published files say nothing of jobs.
        ((_, body),) = sent
        yield SpecRequest("GET", "/query", {"q": body["query"]}, base="/services/data/v62.0")
        return
    for seen, body in sent:
        yield SpecRequest(seen.method, seen.path, json=body, base="/admin")
        if "query" in body["variables"]:
            yield SpecRequest(seen.method, seen.path, json={"query": body["variables"]["query"]}, base="/admin")


@each_export
def test_an_export_is_not_sorted(name, entity):
    asked = load_connector(name).pull(entity).bulk.start.body
    assert "sortkey" not in str(asked).lower()
    assert "order by" not in str(asked).lower()
