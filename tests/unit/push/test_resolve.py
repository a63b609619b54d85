"""Look-ups: items are matched by their own value, in batches, and one bad value does not sink the others."""

import asyncio

import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.connectors.model import Binding
from pullpush_dagster.errors import RejectError, UnavailableError
from pullpush_dagster.push.resolve import ids_in, ids_of, look_up

BINDING = Binding(id="item.id", parent="item.parent")


@pytest.fixture
def find(tiny, facts):
    """Looks up SKUs; the ids found, by SKU."""

    def ask(*skus):
        async def run():
            async with tiny.client() as client:
                found = await look_up(client, facts().find, skus)
                return {sku: ids_in(items, BINDING.paths) for sku, items in found.items()}

        return asyncio.run(run())

    return ask


def serve(platform, *items):
    platform.route(lambda seen: JSONResponse([item for item in items if item["sku"] in seen.query["sku"].split(",")]))


def test_items_are_matched_by_their_own_value(platform, find):
    platform.answer(JSONResponse([{"id": 2, "sku": "B", "parent": 0}, {"id": 1, "sku": "A"}, {"id": 3, "sku": "X"}]))
    assert find("A", "B", "C") == {
        "A": [{"id": "1"}], "B": [{"id": "2", "parent": "0"}], "C": [],
    }  # fmt: skip


def test_two_items_of_one_value_are_both_told(platform, find):
    serve(platform, {"id": 1, "sku": "A"}, {"id": 2, "sku": "A"}, {"id": 1, "sku": "A"})
    assert find("A") == {"A": [{"id": "1"}, {"id": "2"}]}


def test_a_value_in_another_case_is_another_one(platform, find):
    platform.answer(JSONResponse([{"id": 1, "sku": "a"}]))
    assert find("A") == {"A": []}


def test_an_item_without_the_value_or_without_an_id_is_none(platform, find):
    platform.answer(
        JSONResponse([{"id": 1}, {"id": 2, "sku": None}, {"sku": "A"}, {"id": None, "sku": "A"}, "A", None])
    )
    assert find("A", "None") == {"A": [], "None": []}


def test_a_value_asked_for_twice_is_asked_for_once(platform, find):
    serve(platform, {"id": 1, "sku": "A"})
    assert find("A", "A") == {"A": [{"id": "1"}]}
    assert [seen.query["sku"] for seen in platform.requests] == ["A"]


def test_it_is_asked_in_batches_and_a_value_with_a_comma_alone(platform, find):
    find("A", "B", "C,D", "E", "F")
    assert sorted(seen.query["sku"] for seen in platform.requests) == ["A,B,E", "C,D", "F"]


def test_no_rows_are_no_request(platform, find):
    assert (find(), platform.requests) == ({}, [])


@pytest.mark.parametrize("status", [400, 422, 414])
def test_a_value_the_platform_refuses_to_look_for_is_found_out(platform, find, status):
    def reply(seen):
        bad = "BAD" in seen.query["sku"]
        return JSONResponse({"message": "no"}, status) if bad else JSONResponse([{"id": 1, "sku": "A"}])

    platform.route(reply)
    found = find("A", "BAD", "C")
    assert isinstance(found.pop("BAD"), RejectError)
    assert found == {"A": [{"id": "1"}], "C": []}


@pytest.mark.parametrize("status", [404, 405])
def test_a_look_up_that_is_refused_as_such_says_nothing_of_the_values(platform, find, status):
    platform.answer(JSONResponse({}, status))
    with pytest.raises(RejectError):
        find("A", "B")


@pytest.mark.parametrize("body", [{"items": []}, "none", None, 5])
def test_an_answer_that_is_no_list_is_not_taken_for_none(platform, find, body):
    platform.answer(JSONResponse(body))
    with pytest.raises(RejectError):
        find("A")


def test_no_answer_is_not_taken_for_none(platform, find):
    platform.answer(JSONResponse({}, 500))
    with pytest.raises(UnavailableError):
        find("A")


@pytest.mark.parametrize(
    ("answer", "ids"),
    [
        ({"id": 7, "parent": 0}, {"id": "7", "parent": "0"}),
        ({"id": 7}, {"id": "7"}),
        ({"parent": 3}, None),
        ([], None),
        (7, {"id": "7"}),
        (True, None),
        (None, None),
    ],
)
def test_the_answer_to_a_create_names_its_ids(answer, ids):
    assert ids_of(answer, BINDING.paths) == ids
