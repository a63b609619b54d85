"""Offsets, links, and what else platforms have to say where pages end."""

import asyncio

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.errors import ConfigError, RejectError, RetryError
from pullpush_dagster.pull.paging import pages

OFFSET = {
    "query": {"offset": "{offset}", "size": "{size}"},
    "pages": {"style": "offset", "size": 2, "total": "header.x-total"},
}
UNCOUNTED = {**OFFSET, "pages": {"style": "offset", "size": 2}}
LINK = {"query": {"size": "{size}"}, "each": "body.data", "pages": {"style": "link", "next": "body.next", "size": 2}}
HEADER = {"query": {"size": "{size}"}, "pages": {"style": "link", "next": "header.link", "size": 2}}
COUNTED = pytest.mark.parametrize("style", [OFFSET, UNCOUNTED], ids=["with a total", "without"])


@pytest.fixture
def walk(tiny):
    """Walks all pages; gives the ids of each."""

    def run(style, **values):
        connector = tiny.connector(pull=style)

        async def go():
            async with tiny.client(connector) as client:
                found = pages(client, connector.pull("product"), values)
                return [[row["id"] for row in page.records] async for page in found]

        return asyncio.run(go())

    return run


class Shelf:
    """Records 1, 2, ... given out from ``offset`` on, at most ``most`` at once; changes happen before a request."""

    def __init__(self, platform):
        self.ids, self.most, self.asked, self.meanwhile = [], 100, [], {}
        platform.route(self)

    def __call__(self, seen):
        self.asked.append(seen.query)
        self.meanwhile.pop(len(self.asked), lambda: None)()
        start = int(seen.query["offset"])
        some = self.ids[start : start + min(self.most, int(seen.query["size"]))]
        return JSONResponse([{"id": one} for one in some], headers={"x-total": str(len(self.ids))})


@pytest.fixture
def shelf(platform):
    return Shelf(platform)


def listed(*ids, **more):
    return {"data": [{"id": one} for one in ids], **more}


# Offsets.


@COUNTED
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_offsets_read_every_record_once(walk, shelf, style, count):
    shelf.ids = list(range(1, count + 1))
    assert [one for page in walk(style) for one in page] == shelf.ids


@COUNTED
def test_a_page_smaller_than_asked_for_moves_on_by_what_it_has(walk, shelf, style):
    shelf.ids, shelf.most = [1, 2, 3, 4, 5], 1
    assert walk(style) == [[1], [2], [3], [4], [5]]


def test_a_total_ends_offsets_without_an_empty_page(walk, shelf):
    shelf.ids = [1, 2, 3, 4]
    walk(OFFSET)
    assert [query["offset"] for query in shelf.asked] == ["0", "2"]


@pytest.mark.parametrize("gone", [(1,), (2,), (1, 2), (3,)])
@pytest.mark.parametrize("when", [2, 3])
def test_a_deletion_between_two_offsets_loses_nobody_else(walk, shelf, gone, when):
    shelf.ids = [1, 2, 3, 4, 5, 6, 7]
    shelf.meanwhile[when] = lambda: [shelf.ids.remove(one) for one in gone]
    found = {one for page in walk(OFFSET) for one in page}
    assert found >= {1, 2, 3, 4, 5, 6, 7} - set(gone)


def test_the_same_offset_again_and_again_is_refused(walk, platform):
    platform.answer(JSONResponse([{"id": 1}, {"id": 2}]))
    with pytest.raises(RejectError, match="the same page again and again"):
        walk(UNCOUNTED)
    assert len(platform.requests) == 2


@pytest.mark.parametrize(
    ("style", "first", "numbers"),
    [("page", None, ["1", "2", "3"]), ("page", 0, ["0", "1", "2"]), ("offset", None, ["0", "2", "4"]),
     ("offset", 1, ["1", "3", "5"])],
)  # fmt: skip
def test_the_first_number_is_the_platforms(walk, platform, style, first, numbers):
    name = {"page": "page", "offset": "offset"}[style]
    paged = {"query": {"at": f"{{{name}}}"}, "pages": {"style": style, "size": 2, "first": first, "total": "header.n"}}
    answers = [JSONResponse([{"id": one} for one in some], headers={"n": "5"}) for some in ([1, 2], [3, 4], [5])]
    platform.answer(*answers)
    assert walk(paged) == [[1, 2], [3, 4], [5]]
    assert [seen.query["at"] for seen in platform.requests] == numbers


# Links.


@pytest.mark.parametrize("end", [{}, {"next": None}, {"next": ""}])
def test_a_link_in_the_body_is_followed_to_the_end(walk, platform, end):
    platform.answer(
        JSONResponse(listed(1, 2, next=f"{platform.url}/more?page=2&x=a%2Fb")), JSONResponse(listed(3, **end))
    )
    assert walk(LINK) == [[1, 2], [3]]
    assert [seen.target for seen in platform.requests] == ["/items?size=2", "/more?page=2&x=a%2Fb"]


@pytest.mark.parametrize(
    "said",
    [
        '<{url}/items?page=2>; rel="next"',
        '<{url}/items?page=0>; rel="previous", <{url}/items?page=2>; rel="next"',
        "<{url}/items?page=2>; rel=next",
        '<{url}/items?page=2>; title="x"; rel="next"',
        '<{url}/items?page=2>;REL="NEXT", <{url}/items?page=9>; rel="last"',
        "</items?page=2>; rel=next",
    ],
)
def test_a_link_in_a_header_is_followed(walk, platform, said):
    first = JSONResponse([{"id": 1}], headers={"link": said.format(url=platform.url)})
    platform.answer(first, JSONResponse([{"id": 2}], headers={"link": '</items?page=1>; rel="previous"'}))
    assert walk(HEADER) == [[1], [2]]
    assert platform.requests[1].target == "/items?page=2"


@pytest.mark.parametrize("said", ["", '</x>; rel="last"', '</x>; rel="nextish"', "rel=next", "<>; rel=next"])
def test_a_header_without_the_next_link_ends_the_walk(walk, platform, said):
    platform.answer(JSONResponse([{"id": 1}], headers={"link": said}))
    assert walk(HEADER) == [[1]]


def test_a_link_to_elsewhere_fails_the_walk(walk, platform):
    platform.answer(JSONResponse(listed(1, next="http://evil.example/items")))
    with pytest.raises(RejectError, match="its connection's own origin"):
        walk(LINK)


def test_links_that_go_round_in_a_circle_are_refused(walk, platform):
    one, two = JSONResponse(listed(1, next="/items?at=a")), JSONResponse(listed(2, next="/items?at=b"))
    platform.answer(one, two, one, two)
    with pytest.raises(RejectError, match="the same page again and again"):
        walk(LINK)


# Pages without a record, as of a filter that is put to pages already cut.


@pytest.fixture(params=["next", "link"])
def chain(request, walk, platform):
    """Walks what lists the ids of each page, each naming the next: by a cursor, and by an address."""
    style = {"each": "body.data", "query": {"cursor": "{cursor}"} if request.param == "next" else {},
             "pages": {"style": request.param, "next": "body.next"}}  # fmt: skip

    def run(*listed_ids):
        names = [f"{platform.url}/{number}" for number in range(1, len(listed_ids))]
        platform.answer(
            *(JSONResponse(listed(*some, next=name)) for some, name in zip(listed_ids, [*names, None], strict=True))
        )
        return walk(style)

    return run


def test_a_page_without_records_that_names_a_next_one_is_not_the_end(chain):
    assert chain([1, 2], [], [], [3]) == [[1, 2], [3]]


def test_a_first_page_without_records_that_names_a_next_one_is_not_the_end(chain):
    assert chain([], [], [3]) == [[], [3]]


def test_a_page_without_records_that_names_itself_is_the_end(walk, platform):
    platform.answer(JSONResponse(listed(1, end="a", more=True)), JSONResponse(listed(end="a", more=True)))
    assert walk(MORE) == [[1]]


def test_pages_without_records_that_go_round_in_a_circle_are_refused(walk, platform):
    one, two = (JSONResponse(listed(end=end, more=True)) for end in "ab")
    platform.answer(JSONResponse(listed(1, end="a", more=True)), two, one)
    with pytest.raises(RejectError, match="the same page again and again"):
        walk(MORE)


def test_pages_without_records_that_name_a_new_one_for_ever_are_refused(walk, platform, monkeypatch):
    monkeypatch.setattr("pullpush_dagster.pull.paging._STUCK", 5)
    platform.route(lambda _: JSONResponse(listed(end=len(platform.requests), more=True)))
    with pytest.raises(RejectError, match="6 pages one after another without a record"):
        walk(MORE)


# Whether there is more.

MORE = {
    "query": {"cursor": "{cursor}"},
    "each": "body.data",
    "pages": {"style": "next", "next": "body.end", "more": "body.more"},
}


@pytest.mark.parametrize("last", [False, "false", None])
def test_a_platform_may_say_that_there_is_no_more_beside_a_cursor(walk, platform, last):
    platform.answer(JSONResponse(listed(1, end="a", more=True)), JSONResponse(listed(2, end="b", more=last)))
    assert walk(MORE) == [[1], [2]]
    assert len(platform.requests) == 2


def test_a_keyset_may_be_told_to_end(walk, platform):
    keyset = {"query": {"after": "{after}"}, "each": "body.data",
              "pages": {"style": "keyset", "after": "item.id", "more": "body.more"}}  # fmt: skip
    platform.answer(JSONResponse(listed(1, 2, more=True)), JSONResponse(listed(3, more=False)))
    assert walk(keyset) == [[1, 2], [3]]


@pytest.mark.parametrize(("style", "hole"), [("keyset", "after"), ("page", "page"), ("offset", "offset")])
def test_a_page_without_records_that_says_that_there_is_more_fails_the_walk(walk, platform, style, hole):
    platform.answer(JSONResponse(listed(1, 2, more=True)), JSONResponse(listed(more=True)))
    after = {"after": "item.id"} if style == "keyset" else {}
    told = {"style": style, "size": 2, "more": "body.more", **after}
    with pytest.raises(RetryError, match="page 2 is empty, and says that there is more, but not where"):
        walk({"query": {"at": f"{{{hole}}}"}, "each": "body.data", "pages": told})


PAST = {
    "query": {"page": "{page}"},
    "pages": {"style": "page", "size": 1, "past": ["no_such_page", "page number is invalid"]},
}


@pytest.mark.parametrize("answer", [{"code": "no_such_page"}, {"message": "Sorry, the page number is invalid."}])
def test_a_platform_may_say_that_there_is_no_such_page(walk, platform, answer):
    platform.answer(JSONResponse([{"id": 1}]), JSONResponse(answer, 400))
    assert walk(PAST) == [[1]]


@pytest.mark.parametrize("answer", [{"code": "other"}, {"message": "The query is invalid."}, {}])
def test_any_other_refusal_of_a_page_is_no_end(walk, platform, answer):
    platform.answer(JSONResponse([{"id": 1}]), JSONResponse(answer, 400))
    with pytest.raises(RejectError, match="Tiny answered 400"):
        walk(PAST)


# Caps.


@pytest.mark.parametrize("count", [4, 5])
@pytest.mark.parametrize("style", ["offset", "page"])
def test_a_walk_that_comes_to_the_cap_fails(walk, platform, style, count):
    rows = list(range(1, count + 1))
    start = {"offset": lambda at: at, "page": lambda at: (at - 1) * 2}[style]

    def reply(seen):
        at = start(int(seen.query["at"]))
        return JSONResponse([{"id": one} for one in rows[at : at + 2]])

    platform.route(reply)
    with pytest.raises(RejectError, match="at most 4 records of one question, and there are more"):
        walk({"query": {"at": f"{{{style}}}"}, "pages": {"style": style, "size": 2, "cap": 4}})


def test_a_walk_below_the_cap_or_known_to_end_at_it_is_whole(walk, shelf):
    shelf.ids = [1, 2, 3]
    assert walk({**UNCOUNTED, "pages": {**UNCOUNTED["pages"], "cap": 4}}) == [[1, 2], [3]]
    shelf.ids = [1, 2, 3, 4]
    assert walk({**OFFSET, "pages": {**OFFSET["pages"], "cap": 4}}) == [[1, 2], [3, 4]]


def test_a_keyset_asks_a_new_question_for_each_page_and_has_no_cap(walk, platform):
    keyset = {"query": {"after": "{after}"}, "pages": {"style": "keyset", "after": "item.id", "cap": 2}}
    platform.answer(JSONResponse([{"id": 1}, {"id": 2}]), JSONResponse([{"id": 3}]), JSONResponse([]))
    assert walk(keyset) == [[1, 2], [3]]


# Answers without the list.


@pytest.mark.parametrize("body", [{}, {"data": None}, {"other": 1}])
def test_an_answer_that_may_lack_the_list_has_no_records(walk, platform, body):
    platform.answer(JSONResponse(body))
    assert walk({**MORE, "may_lack": True}) == [[]]


@pytest.mark.parametrize("body", [{"data": {}}, {"data": "x"}, {"data": 0}])
def test_what_is_there_and_is_no_list_is_refused_all_the_same(walk, platform, body):
    platform.answer(JSONResponse(body))
    with pytest.raises(RejectError, match=r"page 1 has no list at body\.data"):
        walk({**MORE, "may_lack": True})


# What a file says.


@pytest.mark.parametrize(
    ("pages_", "says"),
    [
        ({"style": "keyset"}, "keyset needs after"),
        ({"style": "link"}, "link needs next"),
        ({"style": "offset", "first": 2}, "first"),
        ({"style": "page"}, r"page needs \{page\} in the request"),
        ({"style": "offset"}, r"offset needs \{offset\} in the request"),
        ({"style": "next"}, r"next needs \{cursor\} in the request"),
    ],
)
def test_pages_that_cannot_be_walked_are_refused(tiny, pages_, says):
    with pytest.raises(ConfigError, match=says):
        tiny.connector(pull={"query": {}, "pages": pages_})


def test_a_position_in_a_text_of_the_request_is_in_it(tiny):
    texts = {"q": {"of": ["id > {after}"]}}
    keyset = {"query": {"q": "{q}"}, "texts": texts, "pages": {"style": "keyset", "after": "item.id"}}
    assert tiny.connector(pull=keyset).pull("product").texts["q"].of == ["id > {after}"]


def test_a_page_in_the_body_of_a_question_is_asked_for(walk, platform):
    asked = {"get": None, "post": "/search", "query": {}, "json": {"page": "{page}", "limit": "{size}"},
             "pages": {"style": "page", "size": 1}}  # fmt: skip
    platform.answer(JSONResponse([{"id": 1}]), Response("[]"))
    assert walk(asked) == [[1]]
    assert [seen.body for seen in platform.requests] == [b'{"page":1,"limit":1}', b'{"page":2,"limit":1}']
