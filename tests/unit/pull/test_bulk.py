"""An export that the platform makes: all of it comes into the store as pages would, or none of it does."""

import asyncio
import csv
import datetime as dt
import io
import logging

import orjson
import pytest
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from pullpush_dagster.config import Pull
from pullpush_dagster.errors import AuthError, ConfigError, RejectError, RetryError
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.pull.asking import ask
from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.store import Store
from tests.served import served
from tests.unit.pull.conftest import raw_pages

WHOLE = Window("full")
MUG = {"id": "p1", "title": "Mug"}
PLATE = {"id": "p2", "title": "Plate"}
RED = {"id": "v1", "sku": "MUG-R", "__typename": "Variant", "__parentId": "p1"}
BLUE = {"id": "v2", "sku": "MUG-B", "__typename": "Variant", "__parentId": "p1"}
FLAT = {"id": "v3", "sku": "PLATE", "__typename": "Variant", "__parentId": "p2"}
PICTURE = {"url": "https://img/1", "__typename": "Image", "__parentId": "p1"}

JOB = {
    "start": {"post": "/jobs", "json": {"export": "products"}},
    "id": "body.job.id",
    "poll": {"get": "/jobs/{job}"},
    "state": "body.state",
    "running": ["created", "running"],
    "done": ["completed"],
    "every": 0.001,
    "most": 10,
    "count": "body.count",
    "errors": ["body.errors", "body.partial"],
    "again": ["BUSY", "TIMEOUT"],
}
LINES = {
    **JOB,
    "form": "jsonl",
    "url": "body.url",
    "hosts": ["127.0.0.1"],
    "children": {"Variant": "item.variants.nodes", "*": "item.media.nodes"},
}
ROWS = {
    **JOB,
    "form": "csv",
    "results": {"get": "/jobs/{job}/rows", "query": {"from": "{cursor}"}, "headers": {"Accept": "text/csv"}},
    "next": "header.x-next",
}
PRODUCTS = {
    "get": "/items",
    "query": {},
    "each": "body.data.products",
    "rows": "item.variants.nodes",
    "record": "item.id",
    "whole": {"item.variants.more": "false"},
    "pages": {"style": "none", "size": 2},
}
MAP = {"sku": "row.sku", "title": "item.title", "media": {"from": "item.media.nodes", "each": {"url": "each.url"}}}


def lines(*records):
    """Records as a file of lines."""
    return b"\n".join(orjson.dumps(record) for record in records)


class Exporter:
    """A platform that exports; its file lies on another server, ``elsewhere``."""

    def __init__(self, platform, elsewhere):
        self.platform, self.elsewhere = platform, elsewhere
        self.started = {"job": {"id": "job/7"}}
        self.polls = [{"state": "created", "count": 0}, {"state": "running", "count": 2}]
        self.end = {"state": "completed", "url": f"{elsewhere.url}/file?Signature=very-secret"}
        self.parts = {}
        platform.route(self.reply_to)
        elsewhere.requests.clear()
        self.gives(MUG, RED, BLUE, PICTURE, PLATE, FLAT)

    def gives(self, *records):
        self.elsewhere.answer(Response(lines(*records)))
        self.end["count"] = len(records)

    def gives_rows(self, *parts):
        """One text for each part; each but the last names the next."""
        for number, text in enumerate(parts):
            following = str(number + 1) if number + 1 < len(parts) else "null"
            self.parts["" if not number else str(number)] = PlainTextResponse(text, headers={"x-next": following})
        self.end["count"] = sum(len(list(csv.reader(io.StringIO(text)))) - 1 for text in parts)

    def reply_to(self, seen):
        if seen.method == "POST":
            return JSONResponse(self.started)
        if seen.path.endswith("/rows"):
            return self.parts[seen.query.get("from", "")]
        return JSONResponse(self.polls.pop(0) if self.polls else self.end)

    @property
    def asked(self):
        return [f"{seen.method} {seen.target}" for seen in self.platform.requests]


@pytest.fixture(scope="module")
def other_server():
    with served() as running:
        yield running


@pytest.fixture
def exporter(platform, other_server):
    return Exporter(platform, other_server)


@pytest.fixture
def described(tiny):
    """A project whose product pull has the given bulk."""

    def make(bulk=LINES, fields=MAP, errors=None, **pull):
        wanted = {**PRODUCTS, **pull, "bulk": bulk}
        entity = {"pull": wanted, "canonical_map": fields, "binding": {"id": "row.id" if wanted["rows"] else "item.id"}}
        entity["pull"] = {name: part for name, part in wanted.items() if part is not None}
        return tiny.project(entities={"product": entity}, limits={"attempts": 2}, errors=errors or {})

    return make


@pytest.fixture
def pull(described):
    """Pulls tiny's products as an export; gives the project's store."""

    def run(window=WHOLE, *, declared=True, say=lambda _: None, **parts):
        project = described(**parts)
        store = Store.of(project.state)
        declared_pull = Pull(connection="tiny", entity="product", bulk=declared)
        asyncio.run(pull_records(project, store, declared_pull, window, say))
        read_pulls(project, store, declared_pull, "")
        return store

    return run


@pytest.fixture
def refused(described, exporter):
    """What the pull of a broken export raises; it leaves nothing behind."""

    def run(error, **parts):
        project = described(**parts)
        store = Store.of(project.state)
        declared = Pull(connection="tiny", entity="product", bulk=True)
        with pytest.raises(error) as told:
            asyncio.run(pull_records(project, store, declared, WHOLE, lambda _: None))
        with store.session() as con:
            assert not store.raw.exists()
            for table in ("pulls", "watermarks"):
                assert con.execute(f"SELECT count(*) FROM {table}").fetchall() == [(0,)]
        assert list(store.staging.glob("*")) == []
        return str(told.value)

    return run


def kept(store, columns="sku, title", table="canonical_product"):
    with store.session() as con:
        return con.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()


# A job that fails.


@pytest.mark.parametrize("state", ["failed", "expired", "canceled", "canceling", None])
def test_a_job_that_ends_otherwise_stores_nothing_though_it_gives_a_file(refused, exporter, state):
    exporter.end["state"] = state
    assert f"the bulk export failed: its job is {state}" in refused(RetryError)
    assert exporter.elsewhere.requests == []


def test_a_partial_file_is_never_asked_for_nor_told(refused, exporter):
    exporter.end |= {"state": "completed", "partial": f"{exporter.elsewhere.url}/part?Signature=very-secret"}
    said = refused(RejectError)
    assert "body.partial" in said
    assert "very-secret" not in said
    assert exporter.elsewhere.requests == []


def test_what_the_platform_says_against_a_start_is_told(refused, exporter):
    exporter.started = {"job": None, "errors": [{"code": "INVALID", "message": "no such field"}]}
    assert "INVALID; no such field" in refused(RejectError)
    assert exporter.asked == ["POST /jobs"]


def test_a_platform_that_is_busy_is_asked_again_by_a_later_run(refused, exporter):
    exporter.started = {"job": None, "errors": [{"code": "BUSY"}]}
    assert "(body.errors; BUSY)" in refused(RetryError)


def test_any_failure_may_be_said_to_pass(refused, exporter):
    exporter.end |= {"state": "failed", "errors": "the dog ate it"}
    assert "its job is failed (body.errors; the dog ate it)" in refused(RetryError, bulk={**LINES, "again": ["*"]})


def test_a_start_without_a_job_is_no_start(refused, exporter):
    exporter.started = {"job": {}}
    assert "the bulk export did not start: there is no body.job.id" in refused(RejectError)


def test_a_job_that_takes_too_long_is_given_up(refused, exporter):
    exporter.end = {"state": "running"}
    assert "no bulk export in 0.2 s; its job was running" in refused(RetryError, bulk={**LINES, "most": 0.2})


# A file that is not whole.


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lines(MUG, RED)[:-9], "a line of the bulk export is no JSON"),
        (lines(MUG) + b"\n{}\xff\xfe", "a line of the bulk export is no JSON"),
        (b"<html>not found</html>", "a line of the bulk export is no JSON"),
        (lines(MUG, RED, BLUE, PICTURE, PLATE), "the bulk export has 5 records, and its job says 6"),
        (b"", "the bulk export has 0 records, and its job says 6"),
    ],
    ids=["cut in a line", "no text", "HTML", "cut after a line", "empty"],
)
def test_a_file_that_was_cut_is_noticed(refused, exporter, content, said):
    exporter.elsewhere.answer(Response(content))
    told = refused(RetryError)
    assert said in told
    assert "html" not in told


def test_a_file_that_breaks_off_is_asked_for_again(pull, exporter):
    whole = lines(MUG, RED, BLUE, PICTURE, PLATE, FLAT)

    async def broken(scope, receive, send):
        headers = [(b"content-length", str(len(whole)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": whole[:40], "more_body": True})
        raise ConnectionError

    exporter.elsewhere.answer(broken, Response("", 503), Response(whole))
    with pytest.raises(RetryError, match=r"127.0.0.1 answered 503 to the request for the file"):
        pull()
    assert [row[0] for row in kept(pull())] == ["MUG-B", "MUG-R", "PLATE"]


def test_no_file_where_there_should_be_records_is_noticed(refused, exporter):
    exporter.end["url"] = None
    assert "the bulk export has 0 records, and its job says 6" in refused(RetryError)


def test_a_file_that_is_too_large_is_refused(described, exporter, tiny, tmp_path):
    described()
    exporter.elsewhere.answer(Response(b" " * 5000))
    connector = tiny.project(entities=_entities()).connector("tiny")

    async def go():
        async with tiny.client(connector, largest_file=4096) as client:
            with Spool(tmp_path / "staging") as spool:
                await ask(client, connector.ask_of("product"), WHOLE, {}, spool, lambda _: None, bulk=True)

    with pytest.raises(RejectError, match="the file is over 4096 bytes"):
        asyncio.run(go())
    assert list((tmp_path / "staging").glob("*")) == []


def _entities():
    return {"product": {"pull": {**PRODUCTS, "bulk": LINES}, "canonical_map": MAP, "binding": {"id": "row.id"}}}


@pytest.mark.parametrize(
    ("line", "error", "said"),
    [
        ({**RED, "__parentId": "p9"}, RetryError, "children of a record that is not in it: 1 such parents"),
        ({"id": "g", "__parentId": "v1"}, RetryError, "children of a record that is not in it: 1 such parents"),
        ([1], RejectError, "a line of the bulk export is no object"),
    ],
    ids=["no parent", "a grandchild", "a list"],
)
def test_a_line_that_belongs_nowhere_fails_the_pull(refused, exporter, line, error, said):
    exporter.gives(MUG, RED, line)
    assert said in refused(error)


def test_a_child_of_a_kind_without_a_place_fails_the_pull(refused, exporter):
    bulk = {**LINES, "children": {"Variant": "item.variants.nodes"}}
    assert "children of a kind that has no place" in refused(RejectError, bulk=bulk)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        (["id,sku,title\n1,A,x\n2,B\n"], "a row of the bulk export has 2 cells, and there are 3 columns"),
        (["id,sku,title\n1,A,x\n2,B,y,z\n"], "a row of the bulk export has 4 cells"),
        (['id,sku,title\n1,A,"x\n'], "a row of the bulk export cannot be read"),
        (["id,sku,title\n1,A,x\n", "id,sku,name\n2,B,y\n"], "the bulk export has 3 records, and its job says 4"),
    ],
    ids=["narrow", "wide", "open quotes", "short"],
)
def test_rows_that_were_cut_are_noticed(refused, exporter, parts, said):
    exporter.gives_rows(*parts)
    exporter.end["count"] = 4
    assert said in refused(RetryError, bulk=ROWS, rows=None, whole=None, fields={"sku": "item.sku"})


def test_two_columns_for_one_value_are_refused(refused, exporter):
    exporter.gives_rows("id,sku,sku\n1,A,B\n")
    said = refused(RejectError, bulk=ROWS, rows=None, whole=None, fields={"sku": "item.sku"})
    assert "two columns of the bulk export are for one value" in said


def test_a_cursor_that_comes_back_is_noticed(refused, exporter):
    exporter.parts = dict.fromkeys(("", "1"), PlainTextResponse("id,sku\n1,A\n", headers={"x-next": "1"}))
    said = refused(RejectError, bulk=ROWS, rows=None, whole=None, fields={"sku": "item.sku"})
    assert "the same part of the bulk export again and again" in said


# Where the file lies.


@pytest.mark.parametrize("address", ["https://evil.example/file", "http://files.example/x", "file:///etc/passwd", "no"])
def test_a_file_outside_its_hosts_is_not_asked_for(refused, exporter, address):
    exporter.end["url"] = address
    said = refused(AuthError, bulk={**LINES, "hosts": ["files.example"]})
    assert "a request would lead to an origin outside files.example" in said
    assert exporter.elsewhere.requests == []


def test_a_file_is_asked_for_without_any_credentials(pull, exporter):
    pull()
    (seen,) = exporter.elsewhere.requests
    assert {"authorization", "cookie"} & set(seen.headers) == set()
    assert "tiny-secret-value" not in str(dict(seen.headers))
    assert all("authorization" in one.headers for one in exporter.platform.requests)


def test_a_redirect_away_from_the_file_is_not_followed(refused, exporter):
    exporter.elsewhere.answer(RedirectResponse(f"{exporter.platform.url}/other"))
    assert "answered 307 to the request for the file" in refused(RetryError)
    assert "GET /other" not in exporter.asked


def test_the_key_in_a_files_address_is_not_logged(pull, exporter, caplog):
    with caplog.at_level(logging.DEBUG):
        pull()
    assert "HTTP Request: GET" in caplog.text
    assert "/file" not in caplog.text
    assert "very-secret" not in caplog.text


# An export that is whole.


def test_children_come_where_a_page_has_them(pull, exporter):
    store = pull()
    assert kept(store) == [("MUG-B", "Mug"), ("MUG-R", "Mug"), ("PLATE", "Plate")]
    bodies = [orjson.loads(one["body"]) for one in raw_pages(store)]
    mug, plate = bodies[0]["data"]["products"]
    assert mug == {
        **MUG, "variants": {"nodes": [RED, BLUE], "more": "false"}, "media": {"nodes": [PICTURE]}
    }  # fmt: skip
    assert plate["media"] == {"nodes": []}


def test_children_may_come_long_after_their_parents_and_keep_their_order(pull, exporter):
    exporter.gives(PLATE, MUG, FLAT, BLUE, PICTURE, RED)
    store = pull()
    (body,) = (orjson.loads(one["body"]) for one in raw_pages(store))
    assert [one["id"] for one in body["data"]["products"]] == ["p2", "p1"]
    assert [one["sku"] for one in body["data"]["products"][1]["variants"]["nodes"]] == ["MUG-B", "MUG-R"]


def test_a_parent_that_comes_twice_has_its_children_each_time(pull, exporter):
    fields = {"sku": "item.sku", "media": {"from": "item.media.nodes", "each": {"url": "each.url"}}}
    twice = {"id": "p1", "sku": "MUG"}
    exporter.gives(twice, PICTURE, twice)
    ((media,),) = kept(pull(rows=None, record=None, whole={}, fields=fields), "media")
    assert [row["url"] for row in media] == [PICTURE["url"]]


def test_a_row_of_a_parent_that_comes_twice_is_one_record(pull, exporter):
    exporter.gives(MUG, RED, BLUE, PICTURE, PLATE, MUG)
    assert [sku for sku, _ in kept(pull())] == ["MUG-B", "MUG-R"]


def test_pages_have_the_size_of_the_paged_answers(pull, exporter):
    exporter.gives(*({"id": f"p{number}", "title": "t"} for number in range(5)))
    store = pull()
    sizes = [(one["walk"], one["page"], len(orjson.loads(one["body"])["data"]["products"])) for one in raw_pages(store)]
    assert sizes == [("bulk", 1, 2), ("bulk", 2, 2), ("bulk", 3, 1)]
    assert kept(store, "kind, pages, records", "pulls") == [("full", 3, 5)]


def test_values_come_as_they_were_written(pull, exporter):
    title = 'ü "x" \u2028 \\ {} \n'
    exporter.gives({"id": "p1", "title": title, "none": None, "big": 12345678901234567890}, RED)
    store = pull()
    (record,) = orjson.loads(raw_pages(store)[0]["body"])["data"]["products"]
    assert (record["title"], record["none"], record["big"]) == (title, None, 12345678901234567890)


def test_texts_of_a_parent_and_a_child_that_were_cut_in_an_emoji_are_read(pull, exporter):
    child = rb'{"id":"v1","sku":"MUG \ud83d","__typename":"Variant","__parentId":"p1"}'
    exporter.elsewhere.answer(Response(rb'{"id":"p1","title":"Mug \ud83d"}' + b"\n" + child))
    exporter.end |= {"count": 2}
    assert kept(pull()) == [("MUG \ufffd", "Mug \ufffd")]


def test_done_without_a_file_is_an_empty_pull(pull, exporter):
    exporter.end |= {"url": None, "count": 0}
    store = pull()
    assert kept(store, "pages, records, requests", "pulls") == [(1, 0, '["bulk: job job/7, no time filter"]')]
    assert kept(store) == []


def test_records_are_as_old_as_the_start_of_the_job(pull, exporter):
    exporter.polls = [{"state": "running"}] * 50
    before = dt.datetime.now(dt.UTC)
    store = pull()
    (page,), ((finished,),) = raw_pages(store), kept(store, "finishedAt", "pulls")
    assert before <= page["asked_at"] < finished.astimezone(dt.UTC) - dt.timedelta(seconds=0.05)


def test_a_job_is_started_asked_after_and_told_of(pull, exporter):
    told = []
    pull(say=told.append)
    assert exporter.asked == ["POST /jobs", *["GET /jobs/job%2F7"] * 3]
    assert told[:3] == [
        "tiny: bulk job is created, 0 so far",
        "tiny: bulk job is running, 2 so far",
        "tiny: bulk job is completed, 6 so far",
    ]


def test_each_pull_starts_a_job_of_its_own(described, pull, exporter):
    pull()
    pull()
    assert exporter.asked.count("POST /jobs") == 2


# Rows.


def test_rows_become_records_with_what_lies_below_in_its_place(pull, exporter):
    names = '"id","sku","Account.Name","Account.Owner.Name"\n'
    exporter.gives_rows(names + '"1","A","Ann, ""Ltd""\nLondon",""\n', names + '"2","","",""\n')
    store = pull(bulk=ROWS, rows=None, whole=None, fields={"sku": "item.sku", "title": "item.Account.Name"})
    bodies = [orjson.loads(one["body"])["data"]["products"] for one in raw_pages(store)]
    assert bodies == [
        [
            {"id": "1", "sku": "A", "Account": {"Name": 'Ann, "Ltd"\nLondon', "Owner": None}},
            {"id": "2", "sku": None, "Account": None},
        ]
    ]
    assert exporter.asked[-2:] == ["GET /jobs/job%2F7/rows", "GET /jobs/job%2F7/rows?from=1"]
    assert exporter.platform.requests[-1].headers["accept"] == "text/csv"


def test_names_need_not_come_again_in_later_parts(pull, exporter):
    exporter.gives_rows("id,sku\r\n1,A\r\n", "2,B\r\n3,C\r\n", "")
    exporter.end["count"] = 3
    store = pull(bulk=ROWS, rows=None, whole=None, fields={"sku": "item.sku"})
    assert kept(store, "sku") == [("A",), ("B",), ("C",)]


def test_names_alone_are_an_empty_pull(pull, exporter):
    exporter.gives_rows("id,sku\n")
    store = pull(bulk=ROWS, rows=None, whole=None, fields={"sku": "item.sku"})
    assert kept(store, "pages, records", "pulls") == [(1, 0)]


def test_lines_may_come_in_parts_with_a_child_apart_from_its_parent(pull, exporter):
    parts = lines(MUG, RED), lines(PLATE, FLAT, BLUE)
    exporter.gives_rows(*(part.decode() for part in parts))
    exporter.end["count"] = 5
    bulk = {**ROWS, "form": "jsonl", "children": LINES["children"]}
    assert [row[0] for row in kept(pull(bulk=bulk))] == ["MUG-B", "MUG-R", "PLATE"]


def test_rows_are_not_searched_for_the_error_that_an_answer_in_json_may_hold(pull, exporter):
    exporter.gives_rows("id,sku\n1,A\n")
    errors = {"inside": "body.fault"}
    store = pull(bulk=ROWS, rows=None, whole=None, fields={"sku": "item.sku"}, errors=errors)
    assert kept(store, "sku") == [("A",)]


# When it is asked for.


@pytest.mark.parametrize(
    ("window", "declared"), [(Window("sync"), True), (WHOLE, False)], ids=["a sync", "not declared"]
)
def test_other_pulls_go_page_by_page(pull, platform, exporter, window, declared):
    platform.answer(JSONResponse({"data": {"products": []}}))
    store = pull(window, declared=declared)
    assert [one["walk"] for one in raw_pages(store)] == ["all"]
    assert exporter.asked == ["GET /items"]


def test_a_declaration_without_a_bulk_is_told_with_file_and_line(tiny):
    project = tiny.project()
    defs = project.root / "assets" / "defs.yaml"
    defs.write_text("type: pullpush_dagster.Pull\nattributes:\n  connection: tiny\n  entity: product\n  bulk: true\n")
    assert project.problems() == [
        "assets/defs.yaml:5 bulk: tiny has no bulk export of its product; leave it out, or say false"
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"url": None}, "give url or results: the records are had one way"),
        ({"hosts": []}, "url needs hosts: the domains it may lie in"),
        ({"form": "csv"}, "children are for form: jsonl"),
        ({"poll": {"get": "/jobs/{jobb}"}}, "{jobb} is not known here"),
        ({"children": "item.variants.0"}, "must be names only, as bulk puts records there"),
        ({"next": "body.next"}, "String should match pattern"),
    ],
)
def test_a_bulk_that_cannot_be_is_told(described, change, said):
    bulk = {name: part for name, part in {**LINES, **change}.items() if part is not None}
    with pytest.raises(ConfigError) as told:
        described(bulk=bulk)
    assert said in str(told.value)
