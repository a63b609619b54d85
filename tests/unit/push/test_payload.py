"""What is put into a request: only what differs, never an unknown, and every value in the platform's form."""

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.errors import RejectError
from pullpush_dagster.push.native import Item
from pullpush_dagster.push.payload import meets, payload, sendable
from pullpush_dagster.push.steps import form_for

ITEM = {"id": "7"}


def test_an_existing_item_gets_only_what_differs(made):
    one = made("A", {"title": "Cup", "price": "2.0000"}, {"title": "Cup", "price": "1.0000"}, item=ITEM)
    assert one.record == {"id": "7", "price": "2"}
    assert one.fields == {"price": "2.0000"}


def test_a_new_item_gets_everything_that_is_known(made):
    one = made("A", {"price": "2.0000"}, {"title": "Cup"})
    assert one.record == {"sku": "A", "name": "Cup", "price": "2"}


@pytest.mark.parametrize("item", [None, ITEM])
def test_an_unknown_field_is_in_no_record(made, item):
    assert "price" not in made("A", {"title": "Cup"}, item=item).record


def test_a_cleared_field_has_the_value_that_empties_it_there(made):
    one = made("A", {"title": False, "price": "1.0000"}, item=ITEM)
    assert (one.record["name"], one.fields["title"]) == ("", False)


@pytest.mark.parametrize(
    ("item", "title", "cleared", "sent"),
    [
        (ITEM, "Ann", {"title": ""}, {"first": "", "last": "Ann"}),
        (ITEM, "Ann", {"title": None}, {"first": None, "last": "Ann"}),
        (ITEM, "Ann", {}, {"last": "Ann"}),
        (ITEM, "Ann de Vries", {"title": ""}, {"first": "Ann de", "last": "Vries"}),
        (ITEM, False, {"title": ""}, {"first": "", "last": ""}),
        (None, "Ann", {"title": ""}, {"last": "Ann"}),
    ],
)
def test_a_name_of_one_word_leaves_nothing_there_of_a_longer_one(made, facts, item, title, cleared, sent):
    record = {"first": "{title:first}", "last": "{title:last}"}
    forms = {"create": {"post": "/new", "record": record}, "update": [{"post": "/items", "record": record}]}
    assert made("A", {"title": title}, item=item, with_facts=facts(**forms, cleared=cleared, echo=[])).record == sent


def test_where_one_request_is_for_both_a_name_of_one_word_leaves_nothing_of_a_longer_one(made, facts):
    upsert = {"put": "/items", "record": {"first": "{title:first}", "last": "{title:last}"}}
    known = facts(create=None, update=[], find=None, upsert=upsert, echo=[])
    assert made("A", {"title": "Ann"}, with_facts=known).record == {"first": "", "last": "Ann"}


def test_a_cleared_field_that_cannot_be_emptied_there_is_left_out(made):
    one = made("A", {"title": "Cup", "price": False}, item=ITEM)
    assert (one.record, one.fields) == ({"id": "7", "name": "Cup"}, {"title": "Cup"})


def test_a_value_that_has_no_word_there_is_left_out_and_not_taken_as_sent(made):
    one = made("A", {"title": "Cup", "status": "draft"}, item=ITEM)
    assert (one.record, one.fields) == ({"id": "7", "name": "Cup"}, {"title": "Cup"})


def test_a_value_is_said_in_the_platforms_words(made):
    assert made("A", {"status": "archived"}, item=ITEM).record["status"] == "off"


@pytest.mark.parametrize("desired", [{"price": False}, {"status": "draft"}, {"description": "x"}])
def test_nothing_that_can_be_sent_is_an_empty_payload(made, desired):
    assert made("A", desired, item=ITEM).empty


@pytest.mark.parametrize(
    ("stored", "sent"), [("19.9900", "19.99"), ("0.0000", "0"), ("100.0000", "100"), ("99999999999999.9999",) * 2]
)
def test_money_goes_out_exact(made, stored, sent):
    assert made("A", {"price": stored}, item=ITEM).record["price"] == sent


@pytest.mark.parametrize("text", ["O'Hare", '"', "é😀", "{title}", "{price:text}", "a,b", "%s"])
def test_any_text_goes_out_as_it_is(made, text):
    one = made(text, {"title": text})
    assert (one.record["sku"], one.record["name"]) == (text, text)


def test_a_form_applies_to_the_items_it_is_made_for(facts):
    known = facts()
    assert form_for(known, None) is known.create
    assert form_for(known, {"id": "7", "parent": "0"}) is known.update[0]
    assert form_for(known, {"id": "7", "parent": "3"}) is known.update[1]
    assert form_for(facts(create=None), None) is None


@pytest.mark.parametrize(
    ("allowed", "value", "holds"),
    [
        (["a", "b"], "b", True),
        (["a", "b"], "c", False),
        (["a"], None, False),
        (["*"], "x", True),
        (["*"], 0, True),
        (["*"], "", False),
        (["*"], None, False),
        ([""], None, True),
        ([""], "", True),
        ([""], "x", False),
        (["", "a"], "a", True),
        (["7"], 7, True),
    ],
)
def test_a_condition_holds_for_what_it_lists(allowed, value, holds):
    assert meets({"binding.kind": allowed}, {"binding.kind": value}) is holds
    assert meets({"binding.kind": allowed, "binding.other": [""]}, {"binding.kind": value}) is holds


@pytest.mark.parametrize(
    ("ids", "form"), [({"id": "7", "kind": "x"}, 0), ({"id": "7", "kind": None}, 1), ({"id": "7"}, 1)]
)
def test_a_form_may_be_for_items_that_lack_an_id(facts, ids, form):
    there = {"when": {"binding.kind": "*"}, "put": "/kinds", "record": {"price": "{price}"}}
    known = facts(update=[there, {"when": {"binding.kind": ""}, "put": "/plain", "record": {"price": "{price}"}}])
    assert form_for(known, ids) is known.update[form]


def test_an_upsert_is_the_form_for_all_items(facts):
    known = facts(create=None, update=[], upsert={"put": "/items/{sku}", "record": {"name": "{title}"}})
    assert form_for(known, None) is form_for(known, {"id": "7"}) is known.upsert


@pytest.mark.parametrize("kind", ["create", "upsert"])
def test_what_is_only_ever_created_has_no_form_for_what_is_there(facts, kind):
    form = {kind: {"post": "/items", "record": {"name": "{title}"}}}
    known = facts(**{"create": None, "update": [], **form, "create_only": True})
    assert form_for(known, None) is getattr(known, kind)
    assert form_for(known, {"id": "7"}) is None


def test_the_path_of_a_form_is_filled(made):
    one = made("A", {"price": "1.0000"}, item={"id": "7", "parent": "3"})
    assert (one.path, one.record) == ("/items/3/7", {"price": "1"})


def test_what_a_platform_can_be_sent_is_what_its_forms_name(facts):
    assert sendable(facts(), ENTITIES["product"]) == {"title", "price", "status"}


STOCK = {
    "create": None,
    "update": [{"post": "/stock", "at": "update", "record": {"id": "{binding.id}", "stock": "{quantity:integer}"}}],
    "echo": ["stock"],
}


def stock_payload(facts, claim, no_references, quantity):
    known, ids = facts(**STOCK), {"id": "7"}
    row = claim("A", {"quantity": quantity}, ids=ids)
    return payload(ENTITIES["stocklevel"], known, row, known.update[0], Item(ids), no_references)


@pytest.mark.parametrize(("stored", "sent"), [("5.0000", 5), ("0.0000", 0), ("-3.0000", -3)])
def test_a_platform_of_whole_numbers_gets_whole_numbers(facts, claim, no_references, stored, sent):
    assert stock_payload(facts, claim, no_references, stored).record["stock"] == sent


def test_a_platform_of_whole_numbers_is_not_sent_a_rounded_one(facts, claim, no_references):
    with pytest.raises(RejectError, match=r"quantity 2.5 is not a whole number"):
        stock_payload(facts, claim, no_references, "2.5000")
