"""Walking pages: nothing that is there throughout is lost, and an answer of another form is never taken for the end."""

import asyncio
import functools
import math

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.errors import RejectError, UnavailableError
from pullpush_dagster.pull.paging import pages

KEYSET = {"query": {"after": "{after}", "size": "{size}"}, "pages": {"style": "keyset", "after": "item.id", "size": 2}}
PAGE = {
    "query": {"page": "{page}", "size": "{size}"},
    "pages": {"style": "page", "size": 2, "total": "header.x-total"},
}
UNCOUNTED = {**PAGE, "pages": {"style": "page", "size": 2}}
NEXT = {
    "get": "/next",
    "query": {"cursor": "{cursor}", "size": "{size}"},
    "each": "body.data",
    "pages": {"style": "next", "next": "body.next", "size": 2},
}
WHOLE = {"query": {}, "pages": {"style": "none"}}
EVERY = pytest.mark.parametrize("style", [KEYSET, PAGE, UNCOUNTED, NEXT], ids=["keyset", "page", "uncounted", "next"])


@pytest.fixture
def walk(tiny):
    """Walks all pages; gives the ids of each."""

    def run(style):
        connector = tiny.connector(pull=style)

        async def go():
            async with tiny.client(connector) as client:
                return [
                    [row.get("id") for row in page.records]
                    async for page in pages(client, connector.pull("product"), {})
                ]

        return asyncio.run(go())

    return run


def ids(found):
    return sorted({one for page in found for one in page})


@EVERY
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_every_record_is_read_once_while_nothing_changes(walk, table, style, count):
    table.add(*range(1, count + 1))
    assert [one for page in walk(style) for one in page] == list(range(1, count + 1))


@EVERY
def test_a_walk_over_nothing_is_one_empty_page(walk, table, style):
    assert walk(style) == [[]]
    assert len(table.asked) == 1


def test_an_answer_without_pages_is_asked_for_once(walk, table):
    table.add(1, 2, 3)
    assert walk(WHOLE) == [[1, 2, 3]]
    assert len(table.asked) == 1


def test_the_total_ends_a_walk_without_an_empty_page(walk, table):
    table.add(1, 2, 3, 4)
    walk(PAGE)
    assert len(table.asked) == 2


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_a_platform_that_gives_fewer_on_a_page_than_asked_for_is_read_to_its_end(walk, platform, limit):
    def reply(seen):
        start = (int(seen.query["page"]) - 1) * limit
        return JSONResponse([{"id": one} for one in range(1, 8)][start : start + limit], headers={"x-total": "7"})

    platform.route(reply)
    assert ids(walk({**PAGE, "pages": {**PAGE["pages"], "size": 4}})) == list(range(1, 8))
    assert len(platform.requests) == math.ceil(7 / limit)


# The records change between two pages.


@EVERY
def test_a_record_added_meanwhile_at_the_end_is_read_too(walk, table, style):
    table.add(1, 2, 3)
    table.before(2, functools.partial(table.add, 9))
    assert ids(walk(style)) == [1, 2, 3, 9]


@EVERY
def test_an_edited_record_keeps_its_place(walk, table, style):
    table.add(1, 2, 3, 4, 5)
    table.before(2, functools.partial(table.add, 1, changed="2026-11-01T11:00:00"))
    assert ids(walk(style)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("style", [KEYSET, PAGE], ids=["keyset", "page"])
@pytest.mark.parametrize("gone", [(1,), (2,), (1, 2), (3,), (1, 3)])
@pytest.mark.parametrize("when", [2, 3])
def test_a_deletion_between_two_pages_loses_nobody_else(walk, table, style, gone, when):
    table.add(1, 2, 3, 4, 5, 6, 7)
    table.before(when, functools.partial(table.delete, *gone))
    assert set(ids(walk(style))) >= {1, 2, 3, 4, 5, 6, 7} - set(gone)


def test_a_deletion_that_leaves_the_last_page_empty_loses_nobody(walk, table):
    table.add(1, 2, 3)
    table.before(2, functools.partial(table.delete, 1))
    assert ids(walk(PAGE)) == [1, 2, 3]


def test_more_deletions_than_a_page_holds_lose_nobody(walk, table):
    table.add(*range(1, 13))
    table.before(5, functools.partial(table.delete, 1, 2, 3, 4, 5))
    assert set(ids(walk(PAGE))) >= set(range(6, 13))


def test_deletions_on_pages_smaller_than_asked_for_lose_nobody(walk, table):
    table.most = 2
    table.add(*range(1, 13))
    table.before(4, functools.partial(table.delete, 1, 2, 3, 4))
    assert set(ids(walk({**PAGE, "pages": {**PAGE["pages"], "size": 50}}))) >= set(range(5, 13))


def test_deletions_again_and_again_come_to_an_end(walk, table):
    table.add(*range(1, 13))
    for number in range(2, 9):
        table.before(number, functools.partial(table.delete, number))
    assert set(ids(walk(PAGE))) >= {1, 9, 10, 11, 12}


def test_all_deleted_meanwhile_is_the_end(walk, table):
    table.add(1, 2, 3, 4)
    table.before(2, table.rows.clear)
    assert ids(walk(PAGE)) == [1, 2]


def test_keyset_over_edits_deletions_and_additions_on_every_page(walk, table):
    table.add(*range(10, 40))
    for request in range(2, 12):
        table.before(request, functools.partial(_stir, table, request))
    assert set(ids(walk(KEYSET))) >= set(range(20, 40))


def _stir(table, request):
    table.delete(8 + request)
    table.add(request - 2, 100 + request)
    table.add(30, changed=f"2026-11-01T11:00:{request:02}")


def test_a_thousand_records_with_one_stamp_are_all_read(walk, table):
    table.add(*range(1, 1001))
    found = walk({**KEYSET, "pages": {**KEYSET["pages"], "size": 100}})
    assert ids(found) == list(range(1, 1001))
    assert len(found) == 10


# The answer has another form.


@pytest.mark.parametrize("body", [{"code": "x"}, {"data": []}, None, "text", 5, True])
def test_a_page_that_is_no_list_is_refused(walk, platform, body):
    platform.answer(JSONResponse(body))
    with pytest.raises(RejectError, match="page 1 has no list at body, but"):
        walk(KEYSET)


def test_a_later_page_that_is_no_list_is_not_the_end(walk, platform):
    platform.answer(JSONResponse([{"id": 1}, {"id": 2}]), JSONResponse({"message": "maintenance"}))
    with pytest.raises(RejectError, match="page 2 has no list at body, but an object"):
        walk(KEYSET)


@pytest.mark.parametrize("content", ["<html>", "", '[{"id": 3'])
def test_a_later_page_that_is_no_json_is_not_the_end(walk, platform, content):
    platform.answer(JSONResponse([{"id": 1}, {"id": 2}]), Response(content))
    with pytest.raises(UnavailableError, match="the platform answered 200 with"):
        walk(KEYSET)


def test_a_page_with_a_byte_order_mark_is_read(walk, platform):
    platform.answer(Response(b'\xef\xbb\xbf[{"id": 1}]'), Response("[]"))
    assert walk(KEYSET) == [[1]]


@EVERY
def test_the_same_page_again_and_again_is_refused(walk, platform, style):
    rows = [{"id": 1}, {"id": 2}]
    platform.answer(JSONResponse({"data": rows, "next": "x"} if style is NEXT else rows))
    with pytest.raises(RejectError, match="the same page again and again"):
        walk(style)
    assert len(platform.requests) <= 3


def test_a_page_that_comes_again_because_as_many_records_came_before_it_is_not_refused(walk, table):
    table.add(11, 12, 13, 14)
    table.before(2, lambda: table.add(1, 2))
    assert walk(PAGE) == [[11, 12], [11, 12], [13, 14]]


def test_a_total_that_is_less_again_and_again_on_the_same_page_is_refused(walk, platform, monkeypatch):
    # given: every total is a guess, but that of the last page
    monkeypatch.setattr("pullpush_dagster.pull.paging._STUCK", 5)
    pages = {"1": [1, 2], "2": [3, 4], "3": [5]}
    rows = {number: [{"id": one} for one in some] for number, some in pages.items()}
    platform.route(lambda seen: JSONResponse(
        rows[seen.query["page"]], headers={"x-total": "5" if seen.query["page"] == "3" else "6"}
    ))  # fmt: skip
    # then
    with pytest.raises(RejectError, match="the total they tell, are others each time"):
        walk(PAGE)
    assert len(platform.requests) < 10


def test_pages_that_go_round_in_a_circle_are_refused(walk, platform):
    one, two = ({"data": [{"id": 1}], "next": "a"}, {"data": [{"id": 2}], "next": "b"})
    platform.answer(*(JSONResponse(body) for body in (one, two, one, two)))
    with pytest.raises(RejectError, match="the same page again and again"):
        walk(NEXT)


def test_a_last_record_without_the_value_to_go_on_from_is_refused(walk, platform):
    platform.answer(JSONResponse([{"id": 1}, {"sku": "x"}]))
    with pytest.raises(RejectError, match=r"the last record of a page has no item\.id"):
        walk(KEYSET)


@pytest.mark.parametrize("total", ["many", "", "1.5"])
def test_a_total_that_is_no_number_is_refused(walk, platform, total):
    platform.answer(JSONResponse([{"id": 1}], headers={"x-total": total}))
    with pytest.raises(RejectError, match=r"header\.x-total is not a number of records"):
        walk(PAGE)


def test_a_platform_that_stops_telling_the_total_is_walked_to_an_empty_page(walk, platform):
    platform.answer(
        JSONResponse([{"id": 1}, {"id": 2}], headers={"x-total": "3"}), JSONResponse([{"id": 3}]), JSONResponse([])
    )
    assert ids(walk(PAGE)) == [1, 2, 3]
