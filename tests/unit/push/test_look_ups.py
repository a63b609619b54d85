"""How a platform is asked for items: by terms, one by one, whatever their case, and how it says that there is none."""

import asyncio

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.connectors.look_up_model import LookUp
from pullpush_dagster.errors import AuthError, RejectError
from pullpush_dagster.push.resolve import look_up


@pytest.fixture
def find(tiny, platform):
    """What a look-up of these parts finds: the ids of the items, by value."""

    def ask(*values, name="keys", whole=False, **look):
        facts = LookUp.model_validate({"get": "/items", "match": "item.sku", **look})

        async def run():
            async with tiny.client() as client:
                found = await look_up(client, facts, values, name=name, whole=whole)
            return {value: [one.get("id") if isinstance(one, dict) else one for one in items]
                    if isinstance(items, list) else items for value, items in found.items()}  # fmt: skip

        return asyncio.run(run())

    return ask


def queries(platform, name="q"):
    return [seen.query.get(name) for seen in platform.requests]


# Terms.


@pytest.mark.parametrize(
    ("look", "asked"),
    [
        ({"term": "sku:'{key:escaped}'"}, ["sku:'A' OR sku:'O\\'H'"]),
        ({"term": "Sku eq '{key:quoted}'", "join": " or "}, ["Sku eq 'A' or Sku eq 'O''H'"]),
        ({"term": "sku:{key}", "batch": 1}, ["sku:A", "sku:O'H"]),
    ],
)
def test_values_are_asked_for_by_terms(platform, find, look, asked):
    find("A", "O'H", query={"q": "{terms}"}, **look)
    assert sorted(queries(platform)) == sorted(asked)


def test_terms_may_be_a_part_of_a_text(platform, find):
    texts = {"q": {"of": ["({terms})", "live"], "join": " AND "}}
    find("A", "B", query={"q": "{q}"}, term="sku:{key}", texts=texts)
    assert queries(platform) == ["(sku:A OR sku:B) AND live"]


# One by one.

ONE = {"get": "/items/{key}", "batch": 1}


def test_one_item_may_be_all_that_is_answered(platform, find):
    platform.route(lambda seen: JSONResponse({"id": 7, "sku": seen.path[-1]}))
    assert find("A", "B", **ONE) == {"A": [7], "B": [7]}
    assert sorted(seen.path for seen in platform.requests) == ["/items/A", "/items/B"]


@pytest.mark.parametrize("item", [{"id": 7, "sku": "B"}, {"id": 7}, {"message": "hello"}])
def test_one_item_that_is_another_one_is_none(platform, find, item):
    platform.answer(JSONResponse(item))
    assert find("A", **ONE) == {"A": []}


def test_one_item_lies_where_the_connector_says(platform, find):
    platform.answer(JSONResponse({"data": {"item": {"id": 7, "sku": "A"}}}))
    assert find("A", **ONE, each="body.data.item") == {"A": [7]}


def test_an_object_is_no_list_of_several(platform, find):
    platform.answer(JSONResponse({"id": 7, "sku": "A"}))
    with pytest.raises(RejectError, match="the look-up has no list at body"):
        find("A", query={"q": "{keys:text}"})


@pytest.mark.parametrize(("absent", "status"), [([404], 404), ([400, 404], 400)])
def test_a_status_may_say_that_there_is_none(platform, find, absent, status):
    platform.route(
        lambda seen: Response("", status) if seen.path == "/items/B" else JSONResponse({"id": 7, "sku": "A"})
    )
    assert find("A", "B", **ONE, absent=absent) == {"A": [7], "B": []}


@pytest.mark.parametrize("status", [403, 404, 410])
def test_elsewhere_such_a_status_says_nothing_of_the_value(platform, find, status):
    platform.answer(Response("", status))
    with pytest.raises(Exception, match=f"Tiny answered {status}"):
        find("A", **ONE)


# Values that cannot be asked for.


def test_a_value_that_cannot_take_its_form_does_not_sink_the_others(platform, find):
    platform.answer(JSONResponse([{"id": 1, "sku": 1}, {"id": 2, "sku": 2}]))
    found = find("1", "A-7", "2", query={"q": "{terms}"}, term="n eq {key:integer}")
    assert isinstance(found.pop("A-7"), RejectError)
    assert found == {"1": [1], "2": [2]}


# Full answers.


def serve(platform, *items, size=3):
    """At most ``size`` of the items whose SKU begins with any that is asked for."""

    def reply(seen):
        asked = tuple(seen.query["q"].split(","))
        return JSONResponse([item for item in items if item["sku"].startswith(asked)][:size])

    platform.route(reply)


FULL = {"query": {"q": "{keys:text}"}, "batch": 2, "size": 3}
MANY = [{"id": n, "sku": "A"} for n in range(3)]


def test_what_is_not_in_a_full_answer_is_asked_for_by_itself(platform, find):
    serve(platform, *MANY, {"id": 9, "sku": "B"})
    assert find("A", "B", "C", **FULL) == {"A": [0, 1, 2], "B": [9], "C": []}
    assert sorted(queries(platform)) == ["A", "A,B", "B", "C"]


def test_what_is_not_in_a_full_answer_of_its_own_may_be_there(platform, find):
    serve(platform, *({"id": n, "sku": f"A-{n}"} for n in range(3)))
    (refused,) = find("A", **FULL).values()
    assert isinstance(refused, RejectError)


def test_what_is_in_a_full_answer_of_its_own_is_there(platform, find):
    serve(platform, {"id": 7, "sku": "A"}, {"id": 8, "sku": "A-1"}, {"id": 9, "sku": "A-2"})
    assert find("A", **FULL) == {"A": [7]}


def test_where_all_of_it_counts_a_part_of_it_in_a_full_answer_does_not(platform, find):
    serve(platform, *MANY, {"id": 9, "sku": "B"})
    found = find("A", "B", **FULL, whole=True)
    assert isinstance(found.pop("A"), RejectError)
    assert found == {"B": [9]}


def test_items_with_rows_fill_an_answer_by_their_own_number(platform, find):
    serve(platform, *({"sku": "A", "rows": [{"sku": "A"}] * 3} for _ in range(2)))
    find("A", "B", **FULL, rows="item.rows", match="row.sku")
    assert queries(platform) == ["A,B"]


def test_an_answer_must_have_room_for_more_than_one_item_of_each_value(find):
    with pytest.raises(ValueError, match="size must be larger than batch"):
        find("A", batch=3, size=3)


# What a firewall dislikes.


FORTY = [f"S{n}" for n in range(40)]
FEW = {"query": {"sku": "{keys:text}"}, "batch": 20}


def forbid(platform, *bad):
    no = Response("", 403)
    platform.route(lambda seen: no if {*bad} & {*seen.query["sku"].split(",")} else JSONResponse([]))


@pytest.mark.parametrize("bad", [["S0"], ["S39"], ["S0", "S1", "S2"], ["S0", "S8", "S20", "S39"]])
@pytest.mark.parametrize("batch", [1, 20, 50])
def test_a_value_that_a_firewall_dislikes_is_refused_where_others_are_answered(platform, find, bad, batch):
    forbid(platform, *bad)
    found = find(*FORTY, **{**FEW, "batch": batch})
    assert {value for value, items in found.items() if isinstance(items, RejectError)} == {*bad}
    assert all(found[value] == [] for value in FORTY if value not in bad)


def test_where_none_is_answered_it_is_the_credentials_which_a_few_questions_tell(platform, find):
    forbid(platform, *FORTY)
    with pytest.raises(AuthError):
        find(*FORTY, **FEW)
    assert len(platform.requests) == 2 + 5


def test_credentials_that_are_refused_halfway_are_not_taken_for_the_values(platform, find):
    turns = iter([False] * 4)
    platform.route(lambda seen: JSONResponse([]) if next(turns, True) is False else Response("", 403))
    with pytest.raises(AuthError):
        find(*FORTY, **{**FEW, "batch": 1})


# None at all.


@pytest.mark.parametrize("body", [{}, {"items": None}])
def test_an_answer_that_may_lack_the_list_has_none(platform, find, body):
    platform.answer(JSONResponse(body))
    assert find("A", each="body.items", may_lack=True) == {"A": []}
    with pytest.raises(RejectError, match=r"no list at body\.items"):
        find("A", each="body.items")


# Case.


def test_a_value_may_be_the_same_whatever_its_case(platform, find):
    platform.answer(
        JSONResponse([{"id": 1, "sku": "Ann@X.org"}, {"id": 2, "sku": "ANN@x.org"}, {"id": 3, "sku": "bob"}])
    )
    assert find("ann@x.org", "bob", lowered=True) == {"ann@x.org": [1, 2], "bob": [3]}
    assert find("ann@x.org", "bob") == {"ann@x.org": [], "bob": [3]}


# Rows of items.


def test_what_is_looked_for_may_be_rows_of_items(platform, find):
    variants = [{"id": 11, "sku": "A"}, {"id": 12, "sku": "B"}]
    platform.answer(JSONResponse([{"id": 1, "variants": variants}, {"id": 2, "variants": None}]))
    found = find("A", "X", rows="item.variants", match="row.sku")
    assert list(found) == ["A", "X"]
    assert (len(found["A"]), found["X"]) == (1, [])


@pytest.mark.parametrize("value", [5, "5"])
def test_a_number_is_found_as_its_text(platform, find, value):
    platform.answer(JSONResponse([{"id": 1, "sku": value}]))
    assert find("5") == {"5": [1]}


@pytest.mark.parametrize("name", ["keys", "ids"])
def test_ids_are_asked_for_as_keys_are(platform, find, name):
    find("1", "2", name=name, query={"q": f"{{{name}:text}}"})
    assert queries(platform) == ["1,2"]
