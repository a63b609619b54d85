"""What a record names is found, or made once, or told as missing by name, and never with a word of a person."""

import asyncio
import json

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.connectors.push_model import Reference
from pullpush_dagster.errors import PullPushError, RejectError, RetryError
from pullpush_dagster.push.making import Making, MissingError
from pullpush_dagster.push.references import find_references, value_of

ZOE = {"customer": {"name": "Zoë", "email": "Zoe@X.example"}}


@pytest.fixture
def find(tiny, erp, order_facts, store):
    """Finds a reference of some records."""

    def ask(name, *records, **parts):
        facts = order_facts().references
        facts = facts | {name: type(facts[name]).model_validate({**facts[name].model_dump(by_alias=True), **parts})}

        async def run():
            async with tiny.client() as client:
                making = Making(client, store, settle=60.0)
                return await find_references(client, facts, {name: list(records)}, making)

        return asyncio.run(run())

    return ask


def lines(stored, *skus):
    return {"lineItems": [stored.row(str(number), sku) for number, sku in enumerate(skus)]}


def told(references, name, known, row=None):
    with pytest.raises(RejectError) as refusal:
        references.of(name, known, row)
    return type(refusal.value), str(refusal.value)


# Found.


def test_each_row_has_the_one_item_of_its_sku(find, stored):
    known = lines(stored, "A", "B", "A")
    found = find("product", known)
    assert [found.of("product", known, row) for row in known["lineItems"]] == ["1", "2", "1"]


def test_every_value_is_asked_for_once_whatever_the_number_of_records(find, stored, platform):
    find("product", lines(stored, "A", "B"), lines(stored, "A"))
    assert [json.loads(seen.body) for seen in platform.requests] == [{"codes": ["A", "B"]}]


def test_none_is_missing_by_the_name_of_its_sku(find, stored):
    known = lines(stored, "X")
    assert told(find("product", known), "product", known, known["lineItems"][0]) == (
        MissingError, "tiny has no product X",
    )  # fmt: skip


def test_several_are_rejected_by_the_name_of_their_sku(find, stored, erp):
    erp.products.append({"id": 3, "code": "A"})
    known = lines(stored, "A")
    assert told(find("product", known), "product", known, known["lineItems"][0]) == (
        RejectError, "tiny has 2 of product A",
    )  # fmt: skip


@pytest.mark.parametrize("sku", [None, "", " "])
def test_a_row_that_does_not_say_what_it_is_of_is_rejected_by_its_number(find, stored, platform, sku):
    known = lines(stored, sku)
    said = told(find("product", known), "product", known, known["lineItems"][0])
    assert said == (RejectError, "lineItems.sku of line 0 is unknown, so its product cannot be told")
    assert platform.requests == []


def test_a_value_the_platform_refuses_to_look_for_is_its_own_records_fault(find, stored, erp, platform):
    platform.route(lambda seen: Response(status_code=400) if b"BAD" in seen.body else erp(seen))
    known = lines(stored, "A", "BAD")
    found = find("product", known)
    assert found.of("product", known, known["lineItems"][0]) == "1"
    assert "answered 400" in told(found, "product", known, known["lineItems"][1])[1]


# Where nothing is known to find it by.


@pytest.mark.parametrize("customer", [None, False, {}, {"name": "Zoë"}, {"email": ""}, {"email": None}])
def test_an_unknown_customer_is_the_one_the_connection_says(products, customer):
    assert products.of("customer", {"customer": customer}) == 99


def test_without_one_to_stand_in_the_record_is_rejected(find):
    assert told(find("customer"), "customer", {}) == (
        RejectError, "customer.email is unknown, so its customer cannot be told",
    )  # fmt: skip


def test_one_to_stand_in_that_is_no_number_is_rejected(find):
    found = find("customer", otherwise="{settings.base_url:integer}")
    with pytest.raises(RejectError, match="is not a number"):
        found.of("customer", {})


@pytest.mark.parametrize("email", [None, False, ""])
def test_a_field_that_is_unknown_or_cleared_names_nothing(email):
    reference = Reference.model_validate({"of": "contactEmail", "get": "/people", "match": "item.email"})
    assert value_of(reference, {"contactEmail": email}, in_row=False) is None


# A person.


@pytest.mark.parametrize("there", [0, 2])
def test_no_message_has_a_word_of_the_person(find, erp, there):
    erp.people |= {id_: {"email": "zoe@x.example"} for id_ in range(there)}
    _, said = told(find("customer", ZOE, create=None), "customer", ZOE)
    assert "zoe" not in said.lower()
    assert said.endswith("customer with this customer.email")


def test_a_person_is_found_whatever_the_case_of_the_address(find, erp):
    erp.people[7] = {"email": "ZOE@x.example"}
    assert find("customer", ZOE).of("customer", ZOE) == "7"
    assert len(erp.people) == 1


def test_one_that_is_not_there_is_made_once_for_all_its_records(find, erp):
    other = {"customer": {"name": "Z.", "email": " zoe@x.example "}}
    found = find("customer", ZOE, other)
    assert [found.of("customer", known) for known in (ZOE, other)] == ["30", "30"]
    assert (len(erp.people), erp.asked) == (1, ["/people/find", "/people/create"])


def test_what_is_made_says_no_more_than_is_known(find, erp):
    find("customer", {"customer": {"name": None, "email": "al@x.example"}})
    assert list(erp.people.values()) == [{"name": "al@x.example", "email": "al@x.example"}]


@pytest.mark.parametrize("answer", [Response(status_code=500), Response(""), Response(status_code=429)])
def test_without_an_answer_to_the_making_it_is_to_be_tried_later(find, erp, answer):
    erp.after["/people/create"] = answer
    with pytest.raises(RetryError):
        find("customer", ZOE).of("customer", ZOE)
    assert erp.asked.count("/people/create") == 1


@pytest.mark.parametrize("answer", [[], None, {}, [{"name": "Zoë"}]])
def test_an_answer_that_does_not_say_what_was_made_is_looked_for_again(find, erp, answer):
    erp.after["/people/create"] = JSONResponse(answer)
    assert told(find("customer", ZOE), "customer", ZOE)[0] is MissingError


@pytest.mark.parametrize(("answer", "id_"), [([7], "7"), (7, "7"), ([{"id": 7}], "7"), ({"id": 7}, "7")])
def test_an_answer_may_name_what_was_made_in_any_form(find, erp, answer, id_):
    erp.after["/people/create"] = JSONResponse(answer)
    assert find("customer", ZOE).of("customer", ZOE) == id_


def test_one_that_cannot_be_made_is_only_its_own_records_fault(find, erp, order_facts):
    form = order_facts().references["customer"].create.model_dump(by_alias=True)
    al = {"customer": {"name": "7", "email": "al@x.example"}}
    found = find("customer", ZOE, al, create={**form, "record": {"name": "{customer.name:integer}"}})
    assert found.of("customer", al) == "30"
    with pytest.raises(PullPushError, match=r"customer\.name is not a number"):
        found.of("customer", ZOE)
