"""Where a walk begins, and the watermark it comes to."""

import asyncio
import datetime as dt

import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.errors import AuthError, ConfigError, RejectError, RetryError
from pullpush_dagster.pull import Window
from pullpush_dagster.pull.asking import ask
from pullpush_dagster.pull.spool import Spool

SYNC = Window("sync")
MARK = dt.datetime(2026, 11, 1, 9, tzinfo=dt.UTC)
OVERLAP_BEFORE_MARK = "2026-11-01T08:55:00"
SINCE = {"format": "%Y-%m-%dT%H:%M:%S", "operator": "from"}


def utc(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.fixture
def asked(tiny, tmp_path):
    """Asks for a window into a spool that is thrown away."""

    def run(window=SYNC, watermarks=None, connector=None, **pull):
        connector = connector or tiny.connector(pull=pull)

        async def go():
            async with tiny.client(connector) as client:
                with Spool(tmp_path / "staging") as spool:
                    facts = connector.ask_of("product")
                    return await ask(client, facts, window, watermarks or {}, spool, lambda _: None)

        return asyncio.run(go())

    return run


# Where it begins.


def test_a_walk_that_never_ran_has_no_lower_bound(asked, table):
    asked()
    assert "since" not in table.asked[0]


def test_a_sync_asks_again_for_the_overlap_before_the_watermark(asked, table):
    asked(watermarks={"all": MARK})
    assert table.asked[0]["since"] == OVERLAP_BEFORE_MARK
    assert "until" not in table.asked[0]


def test_the_overlap_is_the_connectors(asked, table):
    asked(watermarks={"all": MARK}, since={**SINCE, "overlap": 3600})
    assert table.asked[0]["since"] == "2026-11-01T08:00:00"


def test_an_operator_that_leaves_out_the_exact_stamp_is_asked_one_grain_earlier(asked, table):
    asked(watermarks={"all": MARK}, since={**SINCE, "operator": "after"})
    assert table.asked[0]["since"] == "2026-11-01T08:54:59"


def test_the_grain_is_the_connectors(asked, table):
    asked(watermarks={"all": MARK}, since={**SINCE, "operator": "after", "grain": 60})
    assert table.asked[0]["since"] == "2026-11-01T08:54:00"


def test_a_window_asks_for_exactly_itself(asked, table):
    asked(Window("window", start=utc("2026-10-01"), end=utc("2026-10-02")), watermarks={"all": MARK})
    assert (table.asked[0]["since"], table.asked[0]["until"]) == ("2026-10-01T00:00:00", "2026-10-02T00:00:00")


def test_a_window_without_a_beginning_asks_for_all_up_to_its_end(asked, table):
    asked(Window("window", end=utc("2026-10-02")), watermarks={"all": MARK})
    assert ("since" in table.asked[0], table.asked[0]["until"]) == (False, "2026-10-02T00:00:00")


def test_a_window_keeps_its_first_instant_with_an_operator_that_leaves_it_out(asked, table):
    asked(Window("window", start=utc("2026-10-01"), end=utc("2026-10-02")), since={**SINCE, "operator": "after"})
    assert table.asked[0]["since"] == "2026-09-30T23:59:59"


def test_a_full_pull_asks_for_everything(asked, table):
    asked(Window("full"), watermarks={"all": MARK})
    assert {"since", "until"} & set(table.asked[0]) == set()


def test_each_walk_has_a_watermark_of_its_own(asked, table):
    table.add(1)
    walks = {"a": {"by": "x", "stamp": "item.changed"}, "b": {"by": "y", "stamp": "item.changed"}}
    query = {"since": "{since}", "by": "{walk.by}", "after": "{after}"}
    found = asked(watermarks={"a": MARK}, walks=walks, query=query)
    assert [(q.get("by"), q.get("since")) for q in table.asked if "after" not in q] == [
        ("x", OVERLAP_BEFORE_MARK),
        ("y", None),
    ]
    assert found.watermarks == {"a": utc("2026-11-01T10:00:00"), "b": utc("2026-11-01T10:00:00")}


def test_a_record_of_two_walks_counts_once(asked, table):
    table.add(1, 2)
    found = asked(walks={"a": {"stamp": "item.changed"}, "b": {"stamp": "item.changed"}})
    assert (found.records, found.pages) == (2, 2)


def test_what_was_asked_is_told(asked, table):
    assert asked().filters == ["all: no time filter"]
    assert asked(watermarks={"all": MARK}).filters == [f"all: since {OVERLAP_BEFORE_MARK}"]


# Where it ends up.


def test_the_watermark_is_the_newest_stamp_read(asked, table):
    table.add(1, changed="2026-11-01T11:00:00")
    table.add(2, 3, changed="2026-11-01T10:00:00")
    assert asked().watermarks == {"all": utc("2026-11-01T11:00:00")}


@pytest.mark.parametrize(
    "stamps", [("2026-11-01T09:00:00+02:00", "2026-11-01T08:30:00+00:00"), ("2026-11-01T08:30:00Z",)]
)
def test_stamps_are_compared_as_instants(asked, platform, stamps):
    rows = [{"id": n, "changed": stamp} for n, stamp in enumerate(stamps, 1)]
    platform.answer(JSONResponse(rows, headers={"date": "Sun, 01 Nov 2026 12:00:00 GMT"}), JSONResponse([]))
    assert asked().watermarks == {"all": utc("2026-11-01T08:30:00")}


@pytest.mark.parametrize("stamp", ["", "0000-00-00 00:00:00", "soon", None, False, 5])
def test_a_stamp_that_is_none_moves_nothing(asked, platform, stamp):
    rows = [{"id": 1, "changed": "2026-11-01T10:00:00"}, {"id": 2, "changed": stamp}]
    platform.answer(JSONResponse(rows, headers={"date": "Sun, 01 Nov 2026 12:00:00 GMT"}), JSONResponse([]))
    assert asked().watermarks == {"all": utc("2026-11-01T10:00:00")}


def test_the_watermark_never_passes_the_moment_the_walk_began(asked, table):
    table.add(1, 2)
    table.before(2, lambda: table.add(3, changed="2026-11-01T12:00:07"))
    assert asked().watermarks == {"all": utc("2026-11-01T12:00:00")}


def test_a_stamp_from_the_future_does_not_carry_the_watermark_along(asked, table):
    table.add(1, changed="2099-01-01T00:00:00")
    assert asked().watermarks == {"all": utc("2026-11-01T12:00:00")}


def test_without_a_clock_of_theirs_ours_is_the_beginning(asked, platform):
    platform.answer(JSONResponse([{"id": 1, "changed": "2099-01-01T00:00:00"}]), JSONResponse([]))
    before = dt.datetime.now(dt.UTC)
    assert before <= asked().watermarks["all"] <= dt.datetime.now(dt.UTC)


def test_the_watermark_never_goes_backwards(asked, table):
    table.add(1, changed="2026-11-01T08:57:00")
    assert asked(watermarks={"all": MARK}).watermarks == {"all": MARK}


def test_a_walk_that_finds_nothing_stays_where_it_is(asked, table):
    assert asked(watermarks={"all": MARK}).watermarks == {"all": MARK}
    assert asked().watermarks == {}


def test_a_walk_without_stamps_comes_to_the_moment_it_began(asked, table):
    table.add(1, changed="2026-11-01T10:00:00")
    assert asked(walks={"all": {}}).watermarks == {"all": utc("2026-11-01T12:00:00")}


def test_asking_again_from_the_watermark_misses_nothing_of_its_own_second(asked, table):
    table.add(1, changed="2026-11-01T10:00:00")
    first = asked()
    table.add(2, changed="2026-11-01T10:00:00")
    assert asked(watermarks=first.watermarks).records == 2


# Pages without an order.

DRAIN = {"since": {**SINCE, "sorted": False}, "query": {"since": "{since}", "until": "{until}", "after": "{after}"}}


def test_pages_without_an_order_are_asked_for_up_to_the_moment_it_began(asked, table):
    before = f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%S}"
    table.add(1)
    found = asked(watermarks={"all": MARK}, **DRAIN)
    assert {query["since"] for query in table.asked} == {OVERLAP_BEFORE_MARK}
    (until,) = {query["until"] for query in table.asked}
    assert before <= until <= f"{dt.datetime.now(dt.UTC):%Y-%m-%dT%H:%M:%S}"
    assert found.filters == [f"all: since {OVERLAP_BEFORE_MARK}, until {until}"]


def test_what_a_clock_ahead_of_ours_has_after_the_question_is_asked_for_next_time(asked, table):
    table.date = "Sun, 01 Nov 2099 12:00:00 GMT"
    table.add(1)
    assert asked(walks={"all": {}}, **DRAIN).watermarks["all"] <= dt.datetime.now(dt.UTC)


def test_the_stamps_of_an_entity_are_in_the_platforms_form(asked, tiny, platform):
    rows = [{"id": 1, "changed": 1793527200}, {"id": 2, "changed": "soon"}]
    platform.answer(JSONResponse(rows, headers={"date": "Sun, 01 Nov 2026 12:00:00 GMT"}), JSONResponse([]))
    assert asked(connector=tiny.connector(times={"form": "epoch"})).watermarks == {"all": utc("2026-11-01T10:00:00")}


# Completeness.


def test_a_full_pull_is_told_how_many_records_there_are(asked, table):
    table.add(1, 2, 3)
    pages = {"style": "page", "size": 2, "total": "header.x-total"}
    found = asked(Window("full"), pages=pages, query={"page": "{page}", "size": "{size}"})
    assert (found.records, found.expected) == (3, 3)


WALKS = {
    "walks": {"shipped": {"by": "shipped"}, "cancelled": {"by": "cancelled"}},
    "pages": {"style": "page", "size": 2, "total": "header.x-total"},
    "query": {"of": "{walk.by}", "page": "{page}"},
}


def of_two(shipped, cancelled):
    """Gives ids and the number there should be, of each of two walks."""
    said = {"shipped": shipped, "cancelled": cancelled}

    def reply(seen):
        ids, total = said[seen.query["of"]]
        rows = [{"id": one} for one in ids] if seen.query["page"] == "1" else []
        return JSONResponse(rows, headers={"x-total": str(total)})

    return reply


@pytest.mark.parametrize(
    ("shipped", "cancelled", "expected"),
    [(([1, 2], 5), ([], 0), 5), (([1, 2], 2), ([], 2), 4), (([1, 2], 2), ([2], 2), 3), (([1], 2), ([2], 2), 4)],
    ids=["a part of one", "nothing of one", "what the other gave", "parts of both"],
)
def test_what_one_walk_lacks_another_does_not_make_up_for(asked, platform, shipped, cancelled, expected):
    platform.route(of_two(shipped, cancelled))
    found = asked(Window("full"), **WALKS)
    assert (found.records, found.expected) == (len({*shipped[0], *cancelled[0]}), expected)


def test_walks_that_give_the_same_records_are_whole(asked, platform):
    platform.route(of_two(([1, 2], 2), ([2], 1)))
    found = asked(Window("full"), **WALKS)
    assert (found.records, found.expected) == (2, 2)


def test_of_walks_that_are_whole_all_are_counted(asked, platform):
    platform.route(of_two(([1, 2], 2), ([3], 1)))
    found = asked(Window("full"), **WALKS)
    assert found.records >= found.expected


def test_a_full_pull_can_ask_for_the_number(asked, platform):
    platform.route(lambda seen: JSONResponse({"n": 7} if seen.path == "/count" else []))
    assert asked(Window("full"), count={"get": "/count", "total": "body.n"}).expected == 7
    assert asked(SYNC, count={"get": "/count", "total": "body.n"}).expected is None


@pytest.mark.parametrize("body", [{}, {"n": None}, {"n": "many"}, []])
def test_a_number_that_is_none_is_refused(asked, platform, body):
    platform.route(lambda seen: JSONResponse(body if seen.path == "/count" else []))
    with pytest.raises(RejectError, match=r"body\.n is not a number of records"):
        asked(Window("full"), count={"get": "/count", "total": "body.n"})


def test_parts_of_sums_that_are_not_all_there_are_no_pull(asked, tiny, platform, table):
    paged = {"pages": {"style": "offset", "size": 2, "total": "header.x-total"}, "query": {"offset": "{offset}"}}
    entity = {"pull": {"get": "/items", **paged}, "canonical_map": {"sku": "item.sku", "price": "item.p"}}
    summed = tiny.connector(entities={"product": {**entity, "sum": ["price"]}})
    table.add(1, 2, 3)
    assert asked(Window("full"), connector=summed).records == 3
    # when: records move, so that one comes twice and another one not at all
    slid = [JSONResponse([{"id": one} for one in ids], headers={"x-total": "4"}) for ids in ((1, 2), (2, 3), ())]
    platform.route(lambda _: slid.pop(0))
    with pytest.raises(RetryError, match="has 4 records and gave 3, which are parts of sums"):
        asked(Window("full"), connector=summed)


PAGED = {
    "pages": {"style": "page", "size": 2, "total": "header.x-total"},
    "query": {"page": "{page}", "size": "{size}"},
}
SUMMED = {"pull": {"get": "/items", **PAGED}, "sum": ["price"], "canonical_map": {"sku": "item.sku", "price": "item.p"}}


def test_a_part_of_a_sum_that_another_takes_the_place_of_hides_no_other(asked, tiny, swapped):
    summed = tiny.connector(entities={"product": SUMMED})
    assert asked(Window("full"), connector=summed).records == swapped


def test_a_record_that_another_takes_the_place_of_hides_no_other_from_a_sync(asked, swapped):
    assert asked(since=SINCE, watermarks={"all": MARK}, **PAGED).records == swapped


@pytest.fixture
def swapped(table):
    """A record goes and another comes between two pages; how many were there meanwhile."""
    table.add(1, 2, 3, 4)
    table.before(2, lambda: (table.delete(1), table.add(9)))
    return len({1, 2, 3, 4, 9})


@pytest.mark.parametrize(("style", "number"), [("page", lambda at: at // 2 + 1), ("offset", lambda at: at)])
def test_an_empty_page_that_others_follow_by_their_total_is_no_end(asked, platform, style, number):
    # given: a platform that gives the first 2 of a question, whatever it says
    given = {number(at): [{"id": at}, {"id": at + 1}] if at < 2 else [] for at in range(0, 8, 2)}
    total = {"x-total": "5"}
    platform.route(lambda seen: JSONResponse(given[int(seen.query["at"])], headers=total))
    paged = {"pages": {"style": style, "size": 2, "total": "header.x-total"}, "query": {"at": f"{{{style}}}"}}
    with pytest.raises(RetryError, match="page 2 is empty, and the platform has 5 records"):
        asked(**paged, since=SINCE)
    # but: the last ones may be of those that it shows nobody
    total["x-total"] = "4"
    assert asked(**paged, since=SINCE).records == 2


def test_records_are_told_apart_by_all_of_their_ids(asked, tiny, platform):
    entity = {"pull": {"get": "/items", "pages": {"style": "none"}}, "canonical_map": {"sku": "item.sku"}}
    levels = tiny.connector(entities={"product": {**entity, "binding": {"id": "item.sku", "parent": "item.source"}}})
    platform.answer(JSONResponse([{"sku": sku, "source": source} for sku, source in ("A1", "A2", "B1", "A1")]))
    assert asked(Window("full"), connector=levels).records == 3


def test_records_whose_id_is_no_single_value_are_told_apart(asked, platform):
    platform.answer(JSONResponse([{"id": [5, "a"], "n": 1}, {"id": [6, "b"], "n": 2}]), JSONResponse([]))
    assert asked(pages={"style": "keyset", "after": "item.n", "size": 2}).records == 2


# Scopes.

SCOPED = {
    "scope": {"locationId": {"get": "/places", "query": {"code": "{locationId}"}, "set": {"place": "each.id"}}},
    "query": {"place": "{scope.place}", "code": "{locationId}", "after": "{after}"},
}


def test_a_scope_is_asked_for_under_the_platforms_own_id(asked, platform):
    platform.route(lambda seen: JSONResponse([{"id": 42}] if seen.path == "/places" else []))
    asked(Window("full", scope="WH"), **SCOPED)
    assert [seen.query for seen in platform.requests] == [{"code": "WH"}, {"place": "42", "code": "WH"}]


@pytest.mark.parametrize(("places", "many"), [([], "0"), ([{"id": 1}, {"id": 2}], "2"), ({"id": 1}, "no list of")])
def test_a_scope_that_is_not_exactly_one_is_refused(asked, platform, places, many):
    platform.answer(JSONResponse(places))
    with pytest.raises(ConfigError, match=f"locationId 'WH': the platform has {many} such, one is needed"):
        asked(Window("full", scope="WH"), **SCOPED)


# Failure.


def test_a_failure_names_what_was_being_pulled(asked, platform):
    platform.answer(JSONResponse({}, 401))
    with pytest.raises(AuthError, match=r"\(pulling tiny/product \[2026-10-01, 2026-10-02\)\)"):
        asked(Window("window", start=utc("2026-10-01"), end=utc("2026-10-02")))


def test_a_failure_of_a_scope_names_the_scope(asked, platform):
    platform.answer(JSONResponse({}, 401))
    with pytest.raises(AuthError, match=r"\(pulling tiny/product WH\)"):
        asked(Window("full", scope="WH"), **SCOPED)
