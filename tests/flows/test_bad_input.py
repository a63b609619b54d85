"""Platforms that answer what cannot be: one clear outcome, a store as it was before, and a next run that works."""

import asyncio
import json
import shutil
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from pullpush_dagster.audit import Audit, audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.config import Project, Pull
from pullpush_dagster.errors import AuthError, ConfigError, PullPushError, RejectError, UnavailableError
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.store import Store

RECORDS = [
    {"id": n, "sku": f"S{n}", "title": "old", "changed": "2026-11-01T10:00:00", "price": "1.5"} for n in range(1, 6)
]
CUT = b'[{"id": 3, "sku": "S3", "ti'


async def _closed(scope, receive, send):
    """A body in chunks, of which the connection closes before the last."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": CUT, "more_body": True})
    await asyncio.sleep(0.05)
    send.__self__.transport.close()


async def _short(scope, receive, send):
    """A body shorter than its Content-Length, and then the end."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"400")]})
    await send({"type": "http.response.body", "body": CUT, "more_body": True})
    send.__self__.transport.close()


BROKEN = {
    "401": (
        JSONResponse({"message": "bad key"}, 401),
        AuthError,
        "Tiny answered 401: bad key: check the credentials and their rights (connection=tiny)",
    ),
    "500": (Response("x", 500), UnavailableError, "Tiny answered 500 (connection=tiny)"),
    "a redirect": (
        RedirectResponse("http://127.0.0.1:1/"),
        UnavailableError,
        "Tiny answered 307: redirects are not followed; correct base_url (connection=tiny)",
    ),
    "HTML": (HTMLResponse("<html>log in"), UnavailableError, "the platform answered 200 with HTML (connection=tiny)"),
    "no body": (Response(b""), UnavailableError, "the platform answered 200 with nothing (connection=tiny)"),
    "an object": (JSONResponse({}), RejectError, "page 2 has no list at body, but an object"),
    "null": (Response("null"), RejectError, "page 2 has no list at body, but nothing"),
    "cut JSON": (
        Response(CUT),
        UnavailableError,
        "the platform answered 200 with no JSON, or only a part of it (connection=tiny)",
    ),
    "no UTF-8": (
        Response(b'[{"id": 3, "sku": "\xe9"}]'),
        UnavailableError,
        "the platform answered 200 with no JSON, or only a part of it (connection=tiny)",
    ),
    "a closed connection": (
        _closed, UnavailableError, "no whole answer (ReadError) (connection=tiny)"
    ),
    "a short body": (_short, UnavailableError, "no whole answer (ReadError) (connection=tiny)"),
    "records without an id": (
        JSONResponse([{"sku": "S3"}]),
        RejectError,
        "the last record of a page has no item.id, so the walk cannot go on",
    ),
}  # fmt: skip


@dataclass
class Source:
    """The tiny platform's products, two to a page, and what the store makes of them."""

    platform: Any
    project: Project
    store: Store

    @property
    def pull(self) -> Pull:
        return self.project.pull("tiny/product")

    def answer(self, records, second=None):
        """Give ``records``, but ``second`` in place of the second page."""

        def reply(seen):
            after = int(seen.query.get("after", 0))
            good = JSONResponse([record for record in records if record["id"] > after][:2])
            return second if second is not None and after == 2 else good

        self.platform.route(reply)

    def run(self) -> Audit:
        """Pull everything, read and compare."""
        asyncio.run(pull_records(self.project, self.store, self.pull, Window("full"), lambda _: None))
        read_pulls(self.project, self.store, self.pull, "")
        with self.store.session() as con:
            return audit(con, ENTITIES["product"], "tiny", "product", "", {})

    def refuse(self, error=PullPushError) -> str:
        """What a run that fails says."""
        with pytest.raises(error) as refusal:
            self.run()
        return str(refusal.value)

    def known(self):
        """Every accepted record and every change, without the marks of when they were asked for."""
        records = self.rows("SELECT COLUMNS(c -> NOT starts_with(c, '_')) FROM baseline_product ORDER BY ALL")
        return records, self.rows("SELECT * FROM changes ORDER BY ALL")

    def rows(self, sql):
        with self.store.session() as con:
            return con.execute(sql).fetchall()


@pytest.fixture(scope="module")
def pulled_once(tmp_path_factory):
    """What the state folder is after the first pull; the first test that needs one makes it for all."""
    return tmp_path_factory.mktemp("pulled") / "data"


@pytest.fixture
def source(tiny, platform, pulled_once) -> Source:
    """A platform that was pulled once, and asks for no patience."""
    fields = {"sku": "item.sku", "title": "item.title", "price": "item.price", "updatedAt": "item.changed"}
    project = tiny.project(limits={"attempts": 1})
    file = tiny.root / "resources" / "connectors" / "tiny.yaml"
    text = file.read_text()
    mapped = "    canonical_map:\n" + "".join(f"      {name}: {path}\n" for name, path in fields.items())
    head, _, tail = text.partition("    canonical_map:\n")
    file.write_text(head + mapped + tail[tail.index("    binding:") :])
    made = Source(platform, project, Store.of(project.state))
    made.answer(RECORDS)
    if pulled_once.exists():
        shutil.copytree(pulled_once, project.state)
    else:
        made.run()
        shutil.copytree(project.state, pulled_once)
    return made


def renamed(records=RECORDS):
    """The same records with another title: what a working run would find."""
    return [{**record, "title": "new"} for record in records]


# A pull that breaks off.


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_second_page_of_three_is_one_sentence(source, fault):
    answer, error, told = BROKEN[fault]
    source.answer(renamed(), answer)
    assert source.refuse(error) == f"{told} (pulling tiny/product)"


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_second_page_of_three_leaves_the_store_as_it_was(source, contents, fault):
    before = contents(source.store)
    source.answer(renamed(), BROKEN[fault][0])
    source.refuse()
    assert contents(source.store) == before
    assert list(source.store.staging.iterdir()) == []


def test_the_run_after_every_kind_of_fault_works(source):
    for answer, _, _ in BROKEN.values():
        source.answer(renamed(), answer)
        source.refuse()
    source.answer(renamed())
    assert source.run().counts.changed == 5
    assert source.rows("SELECT DISTINCT title FROM baseline_product") == [("new",)]


def test_a_host_that_cannot_be_reached_is_named(source, contents, tiny):
    # given
    before = contents(source.store)
    there = tiny.url
    file = tiny.root / "resources" / "tiny.yaml"
    file.write_text(file.read_text().replace(there, "http://127.0.0.1:9"))
    source.project = Project(source.project.root, source.project.state)
    # when
    told = source.refuse(UnavailableError)
    # then
    assert told == "127.0.0.1:9 cannot be reached: connection refused (connection=tiny) (pulling tiny/product)"
    assert contents(source.store) == before
    file.write_text(file.read_text().replace("http://127.0.0.1:9", there))
    source.project = Project(source.project.root, source.project.state)
    assert source.run().state == "accepted"


def test_a_missing_secret_is_named_by_its_variable(source, contents, monkeypatch):
    before = contents(source.store)
    with monkeypatch.context() as unset:
        unset.delenv("TINY_KEY")
        assert source.refuse(ConfigError) == "set the environment variable TINY_KEY (connection=tiny)"
    assert contents(source.store) == before
    assert source.run().state == "accepted"


# A complete pull with nothing in it.


@pytest.mark.parametrize("count", [5, 60])
def test_an_empty_list_where_records_were_deletes_nothing(source, count):
    source.answer([{**RECORDS[0], "id": n, "sku": f"S{n}"} for n in range(1, count + 1)])
    source.run()
    before = source.known()
    source.answer([])
    source.run()
    assert source.known() == before


def test_an_empty_list_again_and_again_is_held_and_says_how_much_is_missing(source):
    many = [{**RECORDS[0], "id": n, "sku": f"S{n}"} for n in range(1, 61)]
    source.answer(many)
    source.run()
    source.answer([])
    found = [source.run() for _ in range(3)]
    assert {one.state for one in found} == {"held"}
    assert "no longer has 60 of 60 keys (limit 20%, at least 20)" in found[-1].reasons
    source.answer(renamed(many))
    assert source.run().state == "held", "sixty titles at once are implausible too"
    source.answer(many)
    assert (source.run().state, source.rows("SELECT * FROM changes WHERE op = 'delete'")) == ("accepted", [])


# Records that must not be used.

BAD_RECORDS = {
    "a null key": ({"sku": None}, [({"sku": "S2"}, ["sku: is empty"])]),
    "an empty key": ({"sku": ""}, [({"sku": "S2"}, ["sku: is empty"])]),
    "a duplicate key": (
        {"sku": "S1"}, [({"sku": "S1"}, ["sku: 2 records of the source claim this key"])] * 2
    ),
    "a number that would be rounded": (
        {"price": "1.23456"},
        [({"sku": "S2"}, ["price: is not a number, or would be rounded to fit 4 decimal places (round: N allows it)"])],
    ),
    "a time that is none": ({"changed": "yesterday"}, [({"sku": "S2"}, ["updatedAt: is not a time"])]),
}  # fmt: skip


@pytest.mark.parametrize("fault", BAD_RECORDS)
def test_a_bad_record_is_set_aside_under_connection_entity_and_key(source, fault):
    edit, expected = BAD_RECORDS[fault]
    source.answer([record | edit if record["id"] == 2 else record for record in RECORDS])
    source.run()
    told = source.rows("SELECT connection, name, key, reasons FROM quarantine ORDER BY ALL")
    assert [(who, what, json.loads(key), reasons) for who, what, key, reasons in told] == [
        ("tiny", "product", key, reasons) for key, reasons in expected
    ]


@pytest.mark.parametrize("fault", BAD_RECORDS)
def test_a_bad_record_changes_nothing_and_the_others_arrive(source, fault):
    # given
    edit, expected = BAD_RECORDS[fault]
    known = source.rows("SELECT sku, title, price FROM baseline_product ORDER BY ALL")
    bad = {key["sku"] for key, _ in expected} | {"S2"}
    # when
    source.answer([record | (edit if record["id"] == 2 else {}) for record in renamed()])
    source.run()
    # then
    assert source.rows("SELECT sku, title, price FROM baseline_product ORDER BY ALL") == [
        (sku, title if sku in bad else "new", price) for sku, title, price in known
    ]


@pytest.mark.parametrize("fault", BAD_RECORDS)
def test_a_record_that_is_good_again_arrives(source, fault):
    source.answer([record | (BAD_RECORDS[fault][0] if record["id"] == 2 else {}) for record in RECORDS])
    source.run()
    source.answer([record | {"price": "2.25"} for record in RECORDS])
    source.run()
    assert source.rows("SELECT DISTINCT price FROM baseline_product") == [(Decimal("2.2500"),)]
    assert source.rows("SELECT * FROM quarantine") == []
