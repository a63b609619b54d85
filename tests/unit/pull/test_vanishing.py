"""Records that vanish between two pages by number, and no total tells so: those after them move up; none is lost."""

import asyncio
import datetime as dt
import random

import orjson
import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.errors import RejectError
from pullpush_dagster.pull import Window, pull_records
from pullpush_dagster.pull.paging import pages
from pullpush_dagster.store import Store
from tests.unit.pull.conftest import raw_pages

FORMAT = "%Y-%m-%dT%H:%M:%SZ"
STYLES = pytest.mark.parametrize("style", ["page", "offset"])


class Shelf:
    """Records by id, in that order, filtered by their stamp, without a total; changes happen before a request."""

    def __init__(self, platform):
        self.rows, self.meanwhile, self.asked, self.refuses = {}, {}, [], False
        platform.route(self)

    def put(self, *ids, changed="2026-11-01T10:00:00Z"):
        self.rows |= {id_: {"id": id_, "sku": f"S{id_}", "title": "t", "changed": changed} for id_ in ids}

    def delete(self, *ids):
        for id_ in ids:
            self.rows.pop(id_, None)

    def __call__(self, seen):
        query, size = seen.query, int(seen.query["size"])
        self.asked.append(int(query.get("offset") or query["page"]))
        self.meanwhile.pop(len(self.asked), lambda: None)()
        since, until = query.get("since", ""), query.get("until", "9")
        rows = [row for _, row in sorted(self.rows.items()) if since <= row["changed"] < until]
        start = int(query["offset"]) if "offset" in query else (int(query["page"]) - 1) * size
        if self.refuses and start >= len(rows):
            return JSONResponse({"code": "no_such_page"}, 400)
        return JSONResponse(rows[start : start + size])


@pytest.fixture
def shelf(platform):
    return Shelf(platform)


def paged(style, **more):
    query = {style: f"{{{style}}}", "size": "{size}", "since": "{since}", "until": "{until}"}
    return {"query": query, "pages": {"style": style, "size": 2, "past": ["no_such_page"]}} | more


@pytest.fixture
def walk(tiny):
    """Walks all pages; gives the ids of each."""

    def run(style):
        connector = tiny.connector(pull=paged(style))

        async def go():
            async with tiny.client(connector) as client:
                found = pages(client, connector.pull("product"), {}, known_by=["item.id"])
                return [[row["id"] for row in page.records] async for page in found]

        return asyncio.run(go())

    return run


@STYLES
@pytest.mark.parametrize("gone", [(1,), (2,), (1, 2), (3,), (1, 2, 3)])
@pytest.mark.parametrize("when", [2, 3, 4])
def test_a_deletion_between_two_requests_loses_nobody_else(walk, shelf, style, gone, when):
    shelf.put(*range(1, 8))
    shelf.meanwhile[when] = lambda: shelf.delete(*gone)
    assert {one for page in walk(style) for one in page} >= set(range(1, 8)) - set(gone)


@STYLES
@pytest.mark.parametrize("refuses", [False, True])
def test_a_record_that_moved_up_past_the_end_is_read(walk, shelf, style, refuses):
    shelf.put(1, 2, 3)
    shelf.refuses, shelf.meanwhile[2] = refuses, lambda: shelf.delete(1)
    assert walk(style) == [[1, 2], [2, 3]]


@STYLES
def test_a_walk_whose_records_all_vanish_comes_to_its_end(walk, shelf, style):
    shelf.put(*range(1, 8))
    shelf.meanwhile[4] = shelf.rows.clear
    assert walk(style) == [[1, 2], [3, 4]]


@STYLES
@pytest.mark.parametrize("seed", range(5))
def test_deletions_before_any_request_lose_nobody_else(walk, shelf, style, seed):
    rng = random.Random(seed)
    shelf.put(*range(1, 30))
    for request in range(2, 60):
        shelf.meanwhile[request] = lambda: shelf.delete(*rng.sample(range(1, 30), rng.choice([0, 0, 1, 3])))
    assert {one for page in walk(style) for one in page} >= set(shelf.rows)


@STYLES
def test_records_that_are_others_each_time_are_refused(walk, shelf, style, monkeypatch):
    monkeypatch.setattr("pullpush_dagster.pull.paging._STUCK", 5)
    shelf.put(1, 2, 3, 4)
    for request in range(2, 99):
        shelf.meanwhile[request] = lambda: (
            shelf.delete(*shelf.rows),
            shelf.put(*range(at := 4 * len(shelf.asked), at + 4)),
        )
    with pytest.raises(RejectError, match="others each time"):
        walk(style)


def test_what_stays_as_it_is_is_read_once_and_each_page_looked_at_once_more(walk, shelf):
    shelf.put(1, 2, 3, 4, 5)
    assert walk("page") == [[1, 2], [3, 4], [5]]
    assert shelf.asked == [1, 2, 1, 3, 2, 4, 3]


# What a pull asks for.


@pytest.fixture
def pull(tiny):
    """A sync run; gives the ids that are kept."""

    def run(style, **more):
        project = tiny.project(pull=paged(style, **more))
        store = Store.of(project.state)
        asyncio.run(pull_records(project, store, project.pull("tiny/product"), Window("sync"), lambda _: None))
        return {row["id"] for page in raw_pages(store) for row in orjson.loads(page["body"])}

    return run


def test_an_edit_that_leaves_the_window_loses_nobody_else(pull, shelf):
    # given: no order that edits do not change, so all up to now is asked for
    shelf.put(1, 2, 3, 4, 5)
    later = f"{dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1):{FORMAT}}"
    # when
    shelf.meanwhile[2] = lambda: shelf.put(1, changed=later)
    kept = pull("page", since={"format": FORMAT, "operator": "from", "sorted": False})
    # then
    assert kept == {1, 2, 3, 4, 5}


@STYLES
def test_a_deletion_behind_a_watermark_loses_nobody_else(pull, shelf, style):
    shelf.put(1, 2, 3, 4, 5)
    shelf.meanwhile[2] = lambda: shelf.delete(1)
    assert pull(style, since={"format": FORMAT, "operator": "from"}) >= {2, 3, 4, 5}


def test_what_every_pull_reads_whole_is_not_looked_at_once_more(pull, shelf):
    shelf.put(1, 2, 3)
    pull("page", since=None, query={"page": "{page}", "size": "{size}"})
    assert shelf.asked == [1, 2, 3]
