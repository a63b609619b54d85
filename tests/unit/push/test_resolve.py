"""Look-ups: items are matched by their own value, in batches, and one bad value does not sink the others."""

import asyncio

import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.connectors.model import Binding
from pullpush_dagster.errors import RejectError, UnavailableError
from pullpush_dagster.push.resolve import ids_of, look_up

BINDING = Binding(id="item.id", parent="item.parent")


@pytest.fixture
def find(tiny, facts):
    """Looks up claimed rows; the answers by key."""

    def ask(*rows):
        async def run():
            async with tiny.client() as client:
                return await look_up(client, facts().find, BINDING, rows)

        return asyncio.run(run())

    return ask


def key(sku):
    return f'{{"sku": "{sku}"}}'


def serve(platform, *items):
    platform.route(lambda seen: JSONResponse([item for item in items if item["sku"] in seen.query["sku"].split(",")]))


def test_items_are_matched_by_their_own_value(platform, find, claim):
    platform.answer(JSONResponse([{"id": 2, "sku": "B", "parent": 0}, {"id": 1, "sku": "A"}, {"id": 3, "sku": "X"}]))
    assert find(claim("A"), claim("B"), claim("C")) == {
        key("A"): [{"id": "1"}], key("B"): [{"id": "2", "parent": "0"}], key("C"): [],
    }  # fmt: skip


def test_two_items_of_one_value_are_both_told(platform, find, claim):
    serve(platform, {"id": 1, "sku": "A"}, {"id": 2, "sku": "A"}, {"id": 1, "sku": "A"})
    assert find(claim("A")) == {key("A"): [{"id": "1"}, {"id": "2"}]}


def test_a_value_in_another_case_is_another_one(platform, find, claim):
    platform.answer(JSONResponse([{"id": 1, "sku": "a"}]))
    assert find(claim("A")) == {key("A"): []}


def test_an_item_without_the_value_or_without_an_id_is_none(platform, find, claim):
    platform.answer(
        JSONResponse([{"id": 1}, {"id": 2, "sku": None}, {"sku": "A"}, {"id": None, "sku": "A"}, "A", None])
    )
    assert find(claim("A"), claim("None")) == {key("A"): [], key("None"): []}


def test_two_keys_on_one_item_both_find_it(platform, find, claim):
    serve(platform, {"id": 1, "sku": "A"})
    one, two = claim("A", key='{"sku": "A", "locationId": "1"}'), claim("A", key='{"sku": "A", "locationId": "2"}')
    assert find(one, two) == {one.key: [{"id": "1"}], two.key: [{"id": "1"}]}


def test_it_is_asked_in_batches_and_a_value_with_a_comma_alone(platform, find, claim):
    find(*(claim(sku) for sku in ("A", "B", "C,D", "E", "F")))
    assert sorted(seen.query["sku"] for seen in platform.requests) == ["A,B,E", "C,D", "F"]


def test_no_rows_are_no_request(platform, find):
    assert (find(), platform.requests) == ({}, [])


@pytest.mark.parametrize("status", [400, 422, 414])
def test_a_value_the_platform_refuses_to_look_for_is_found_out(platform, find, claim, status):
    def reply(seen):
        bad = "BAD" in seen.query["sku"]
        return JSONResponse({"message": "no"}, status) if bad else JSONResponse([{"id": 1, "sku": "A"}])

    platform.route(reply)
    found = find(claim("A"), claim("BAD"), claim("C"))
    assert isinstance(found.pop(key("BAD")), RejectError)
    assert found == {key("A"): [{"id": "1"}], key("C"): []}


@pytest.mark.parametrize("status", [404, 405, 301])
def test_a_look_up_that_is_refused_as_such_says_nothing_of_the_values(platform, find, claim, status):
    platform.answer(JSONResponse({}, status))
    with pytest.raises(RejectError):
        find(claim("A"), claim("B"))


@pytest.mark.parametrize("body", [{"items": []}, "none", None, 5])
def test_an_answer_that_is_no_list_is_not_taken_for_none(platform, find, claim, body):
    platform.answer(JSONResponse(body))
    with pytest.raises(RejectError):
        find(claim("A"))


def test_no_answer_is_not_taken_for_none(platform, find, claim):
    platform.answer(JSONResponse({}, 500))
    with pytest.raises(UnavailableError):
        find(claim("A"))


@pytest.mark.parametrize(
    ("answer", "ids"),
    [({"id": 7, "parent": 0}, {"id": "7", "parent": "0"}), ({"id": 7}, {"id": "7"}), ({"parent": 3}, None), ([], None)],
)
def test_the_answer_to_a_create_names_its_ids(answer, ids):
    assert ids_of(answer, BINDING) == ids
