"""What a ledger does is what its traits say."""

import datetime as dt

import pytest

from pullpush_dagster.simulation.ledger import Ledger, Refused
from pullpush_dagster.simulation.records import Record
from pullpush_dagster.simulation.traits import Asked, Traits, Way, Written

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def ledger(asked: Asked | None = None, written: Written | None = None) -> Ledger:
    """One with these traits, in which it is always noon."""
    return Ledger("shop", lambda: NOON, Traits(asked or Asked(), written or Written()))


def listed(asked: Asked, **query: str) -> dict:
    """What a list of five records, one for each hour to noon, answers to ``query``."""
    made = ledger(asked)
    for number in range(1, 6):
        stamp = NOON - dt.timedelta(hours=5 - number)
        made.edit(Record(str(number), {"sku": f"K{number}"}, {}, stamp))
    return made.asked("/records", {"size": "2", **query})


def ids(page: dict) -> list[str]:
    """The ids of a page's records."""
    return [one["id"] for one in page["records"]]


@pytest.mark.parametrize(
    ("pages", "query", "found"),
    [
        ("keyset", {"after": "2"}, ["3", "4"]),
        ("page", {"page": "2"}, ["3", "4"]),
        ("offset", {"offset": "1"}, ["2", "3"]),
        ("next", {"cursor": "4"}, ["5"]),
    ],
)
def test_pages_are_walked_by_the_style_of_the_platform(pages, query, found):
    assert ids(listed(Asked(pages=pages), **query)) == found


def test_a_link_leads_to_the_next_page_with_the_same_question():
    page = listed(Asked(pages="link"), since="2026")
    assert page["next"] == "https://shop/records?cursor=2&size=2&since=2026"


def test_the_last_page_leads_nowhere():
    assert "next" not in listed(Asked(pages="next"), cursor="3")


@pytest.mark.parametrize(("operator", "found"), [("from", ["4", "5"]), ("after", ["5"])])
def test_a_record_with_exactly_the_stamp_is_listed_or_not(operator, found):
    assert ids(listed(Asked(operator=operator), since="2026-01-01T11:00:00")) == found


def test_stamps_that_are_days_are_filtered_by_days():
    page = listed(Asked(grain=86_400.0), since="2026-01-01")
    assert ids(page) == ["1", "2"]
    assert page["records"][0]["modified"] == "2026-01-01"


def test_a_second_record_of_a_key_is_made_where_nothing_refuses_it():
    shop = ledger(written=Written(unique=False))
    for _ in range(2):
        shop.write("create", {"records": [{"key_sku": "A"}]})
    assert len(shop.records) == 2


def test_a_second_record_of_a_key_is_refused_where_keys_are_unique():
    shop = ledger()
    shop.write("create", {"records": [{"key_sku": "A"}]})
    assert shop.write("create", {"records": [{"key_sku": "A"}]})["records"][0]["code"] == "exists"


@pytest.mark.parametrize("keyed", ["record", "request"])
def test_a_create_that_comes_again_under_its_name_is_done_once(keyed):
    shop = ledger(written=Written(create=Way(keyed=keyed), unique=False))
    record = {"key_sku": "A"} | ({"token": "1"} if keyed == "record" else {})
    answers = [shop.write("create", {"records": [record]}, "1" if keyed == "request" else "") for _ in range(2)]
    assert len(shop.records) == 1
    assert answers[0] == answers[1]


def test_an_upsert_makes_a_record_and_then_changes_it():
    shop = ledger(written=Written(create=None, update=None, upsert=Way()))
    for title in ("old", "new"):
        shop.write("upsert", {"records": [{"key_sku": "A", "title": title}]})
    assert [one.values for one in shop.records.values()] == [{"title": "new"}]


def test_one_failure_means_that_none_was_done_where_a_request_is_atomic():
    shop = ledger(written=Written(create=Way(failures="atomic")))
    answer = shop.write("create", {"records": [{"key_sku": "A"}, {"key_sku": "B"}]}, unlucky=1)
    assert [one["place"] for one in answer["failures"]] == [1]
    assert not shop.records


def test_failures_that_are_told_apart_are_left_out_of_the_answers():
    shop = ledger(written=Written(create=Way(failures="apart")))
    answer = shop.write("create", {"records": [{"key_sku": "A"}, {"key_sku": "B"}]}, unlucky=0)
    assert [one["key_sku"] for one in answer["records"]] == ["B"]


def test_a_record_with_a_value_that_it_will_not_have_is_refused():
    shop = ledger()
    shop.unwanted.add(("title", "bad"))
    sent = [{"key_sku": "A", "title": "bad"}, {"key_sku": "B", "title": "good"}]
    answers = shop.write("create", {"records": sent})["records"]
    assert [one.get("code") for one in answers] == ["unwanted", None]
    assert [one.key for one in shop.records.values()] == [{"sku": "B"}]


def test_an_answer_that_is_only_a_status_names_no_record():
    shop = ledger(written=Written(create=Way(told="status")))
    assert shop.write("create", {"records": [{"key_sku": "A"}]})["records"] == []


def test_what_cannot_be_told_of_one_record_is_refused_as_a_whole():
    shop = ledger(written=Written(update=Way(told="status")))
    with pytest.raises(Refused) as refused:
        shop.write("update", {"records": [{"id": "1"}]})
    assert refused.value.status == 404


def test_a_record_that_is_the_body_is_answered_as_the_body():
    shop = ledger(written=Written(create=Way(batch=0)))
    assert shop.write("create", {"key_sku": "A"}) == {"key_sku": "A", "id": "shop00001"}
