"""What placeholders stand for: parts of objects, rows of lists, second values, other units, times."""

import json
from decimal import Decimal

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.errors import RejectError
from pullpush_dagster.push.making import MissingError
from pullpush_dagster.push.native import Item
from pullpush_dagster.push.payload import payload, sendable
from pullpush_dagster.push.references import References
from pullpush_dagster.push.typed import typed_value

REFERENCES = {
    "product": {"of": "lineItems.sku", "get": "/p", "query": {"c": "{keys}"}, "match": "item.code"},
    "customer": {"of": "customer.email", "get": "/c", "query": {"c": "{keys}"}, "match": "item.mail", "lowered": True},
}
FOUND = {"product": {"A": ["1"], "B": [], "C": ["3", "4"]}, "customer": {"a@b.c": ["9"]}}
THERE = Item({"id": "7"})
ROW = {"lineId": "1", "sku": "A", "quantity": "2.0000", "unitPrice": None}


@pytest.fixture
def order(facts, claim):
    """The record made of an order, by a form with this record and these facts."""

    def make(desired, record, item=None, accepted=None, **parts):
        form = {"post": "/orders", "record": record}
        given = {"find": None, "create": form, "update": [form], "values": {}, "cleared": {}, "echo": [], **parts}
        known = facts(**given)
        references = References(known.references, FOUND, {"settings.guest": "0"}, "shop")
        row = claim("x", desired, accepted, key='{"orderId":"5"}', ids=item and item.ids)
        return payload(ENTITIES["order"], known, row, known.update[0] if item else known.create, item, references)

    return make


# Parts of objects.

ADDRESS = {"name": "Ann Lee", "line1": "Street 1", "city": "Köln", "country": None}


def test_the_known_parts_of_an_object_are_placeholders_of_their_own(order):
    record = {"to": {"first": "{shippingAddress.name:first}", "street": "{shippingAddress.line1}",
                     "country": "{shippingAddress.country}"}}  # fmt: skip
    assert order({"shippingAddress": ADDRESS}, record).record == {"to": {"first": "Ann", "street": "Street 1"}}


def test_an_object_of_which_nothing_is_sent_is_not_in_the_record(order):
    record = {"note": "{note}", "to": {"kind": "ship", "street": "{shippingAddress.line1}"}}
    assert order({"note": "x"}, record).record == {"note": "x"}


def test_a_record_that_names_a_part_carries_the_field(order, facts):
    made = order({"shippingAddress": ADDRESS}, {"city": "{shippingAddress.city}"})
    assert made.fields == {"shippingAddress": ADDRESS}


def test_a_part_is_said_in_the_platforms_words(order):
    values = {"shippingAddress.country": {"DE": "Germany"}}
    record = {"c": "{shippingAddress.country}", "s": "{shippingAddress.line1}"}
    desired = {"shippingAddress": {"country": "DE", "line1": "x"}}
    assert order(desired, record, values=values).record == {"c": "Germany", "s": "x"}
    desired = {"shippingAddress": {"country": "AT", "line1": "x"}}
    assert order(desired, record, values=values).record == {"s": "x"}


MOVED = {"name": "Ann Lee", "line1": "Elm 9", "city": "Köln"}
STREETS = {"to": {"street": "{shippingAddress.line1}", "more": "{shippingAddress.line2}"}}
HAD = {"shippingAddress": {**MOVED, "line1": "Oak 1", "line2": "Flat 4"}}


@pytest.mark.parametrize("nothing", ["", None])
# Without an answer it is not known any more what was accepted.
@pytest.mark.parametrize("accepted", [HAD, {}])
def test_a_part_that_an_object_lacks_is_emptied_in_what_is_there(order, accepted, nothing):
    made = order({"shippingAddress": MOVED}, STREETS, THERE, accepted, cleared={"shippingAddress.line2": nothing})
    assert made.record == {"to": {"street": "Elm 9", "more": nothing}}


def test_where_one_request_is_for_both_a_part_that_an_object_lacks_is_emptied(facts, claim, no_references):
    form = {"put": "/orders/{orderId}", "record": STREETS}
    known = facts(create=None, update=[], upsert=form, values={}, cleared={"shippingAddress.line2": ""}, echo=[])
    row = claim("x", {"shippingAddress": MOVED}, key='{"orderId":"5"}')
    made = payload(ENTITIES["order"], known, row, known.upsert, None, no_references)
    assert made.record == {"to": {"street": "Elm 9", "more": ""}}


@pytest.mark.parametrize("cleared", [{}, {"shippingAddress.city": ""}])
def test_a_part_of_which_the_connector_does_not_say_how_is_not_emptied(order, cleared):
    made = order({"shippingAddress": MOVED}, STREETS, THERE, HAD, cleared=cleared)
    assert made.record == {"to": {"street": "Elm 9"}}


def test_a_new_item_is_told_nothing_of_what_an_object_lacks(order):
    made = order({"shippingAddress": MOVED}, STREETS, cleared={"shippingAddress.line2": ""})
    assert made.record == {"to": {"street": "Elm 9"}}


@pytest.mark.parametrize("unknown", [{}, {"shippingAddress": None}])
def test_of_an_object_that_is_unknown_no_part_is_emptied(order, unknown):
    record = {"n": "{note}", **STREETS}
    made = order({"note": "x", **unknown}, record, THERE, cleared={"shippingAddress.line2": ""})
    assert made.record == {"n": "x"}


def test_a_part_that_the_source_never_tells_is_not_emptied(facts):
    cleared = {"note": "", "shippingAddress.line2": "", "shippingAddress.city": ""}
    assert facts(cleared=cleared).as_told({"shippingAddress.city"}).cleared == {"note": "", "shippingAddress.city": ""}


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("Ann", {"first": "", "last": "Ann"}),
        ("Ann Lee", {"first": "Ann", "last": "Lee"}),
        (None, {"first": "", "last": ""}),
    ],
)
def test_a_name_in_an_object_leaves_nothing_there_of_a_longer_one(order, name, sent):
    record = {"first": "{shippingAddress.name:first}", "last": "{shippingAddress.name:last}"}
    desired = {"shippingAddress": {**MOVED, "name": name}}
    assert order(desired, record, THERE, HAD, cleared={"shippingAddress.name": ""}).record == sent


def test_inside_a_text_an_empty_part_is_no_text(order):
    record = {"street": "{shippingAddress.line1}, {shippingAddress.line2}"}
    made = order({"shippingAddress": MOVED}, record, THERE, HAD, cleared={"shippingAddress.line2": None})
    assert made.record == {"street": "Elm 9, "}


# Lists.


def test_each_row_of_a_list_stands_for_what_the_connector_says(order):
    lists = {
        "lineItems": {"code": "{line.sku}", "n": "{line.quantity}", "price": "{line.unitPrice}", "cur": "{currency}"}
    }
    one = {**ROW, "unitPrice": "3.0000"}
    made = order({"lineItems": [one, {**one, "sku": None, "quantity": "1.5000"}], "currency": "EUR"},
                 {"rows": "{lineItems}", "c": "{currency}"}, lists=lists)  # fmt: skip
    assert json.loads(json.dumps(made.record["rows"], default=float)) == [
        {"code": "A", "n": 2, "price": 3, "cur": "EUR"},
        {"n": 1.5, "price": 3, "cur": "EUR"},
    ]


@pytest.mark.parametrize("part", ["quantity", "unitPrice"])
def test_a_row_with_an_unknown_number_is_not_left_to_the_platforms_idea_of_it(order, part):
    lists = {"lineItems": {"n": "{line.quantity}", "price": "{line.unitPrice}"}}
    row = {**ROW, "unitPrice": "3.0000", part: None}
    with pytest.raises(RejectError, match=f"{part} of line 1 is unknown"):
        order({"lineItems": [row]}, {"rows": "{lineItems}"}, lists=lists)


TOTALS = {"lineItems": {"n": "{line.quantity}", "total": "{line.totalAmount:text}"}}


def test_a_row_whose_total_cannot_be_told_is_not_made_at_the_platforms_own_price(order):
    with pytest.raises(RejectError, match="totalAmount of line 1 is unknown"):
        order({"lineItems": [{**ROW, "totalAmount": None}]}, {"rows": "{lineItems}"}, lists=TOTALS)


@pytest.mark.parametrize(("total", "sent"), [(None, "6.9998"), ("6.5000", "6.5"), ("0.0000", "0")])
def test_a_total_that_is_not_said_is_quantity_times_price(order, total, sent):
    row = {**ROW, "unitPrice": "3.4999", "totalAmount": total}
    made = order({"lineItems": [row]}, {"rows": "{lineItems}"}, lists=TOTALS)
    assert made.record == {"rows": [{"n": 2, "total": sent}]}


@pytest.mark.parametrize("rows", [[], None])
def test_a_list_without_rows_is_an_empty_one(order, rows):
    assert order({"lineItems": rows}, {"rows": "{lineItems}"}, lists={"lineItems": {"s": "{line.sku}"}}).record == {
        "rows": []
    }


def test_a_row_names_items_by_their_references(order):
    lists = {"lineItems": {"product": "{reference.product:integer}", "n": "{line.quantity:integer}"}}
    made = order({"lineItems": [ROW]}, {"rows": "{lineItems}"}, lists=lists, references=REFERENCES)
    assert made.record == {"rows": [{"product": 1, "n": 2}]}


@pytest.mark.parametrize(
    ("sku", "kind", "says"),
    [
        ("B", MissingError, "shop has no product B"),
        ("C", RejectError, "2 of product C"),
        (None, RejectError, "lineItems.sku of line 1 is unknown"),
    ],
)
def test_a_row_whose_item_cannot_be_told_keeps_the_record_here(order, sku, kind, says):
    lists = {"lineItems": {"product": "{reference.product}"}}
    with pytest.raises(kind, match=says):
        order({"lineItems": [{**ROW, "sku": sku}]}, {"rows": "{lineItems}"}, lists=lists, references=REFERENCES)


def test_a_record_names_an_item_by_its_reference_whatever_its_case(order):
    desired = {"customer": {"name": "Ann", "email": " A@b.C "}}
    made = order(desired, {"who": "{reference.customer}"}, references=REFERENCES)
    assert (made.record, made.fields) == ({"who": "9"}, desired)


# Second values.

ALSO = {"paid": {"of": "status", "values": {"paid": True, "cancelled": False}}}


@pytest.mark.parametrize(
    ("status", "record"),
    [
        ("paid", {"s": "paid", "flag": True}),
        ("cancelled", {"s": "cancelled", "flag": False}),
        ("draft", {"s": "draft"}),
    ],
)
def test_a_field_may_have_a_second_value(order, status, record):
    assert order({"status": status}, {"s": "{status}", "flag": "{paid}"}, also=ALSO).record == record


def test_a_form_that_has_only_the_second_value_carries_the_field(order, facts):
    made = order({"status": "paid"}, {"flag": "{paid}"}, also=ALSO)
    assert (made.record, made.fields) == ({"flag": True}, {"status": "paid"})
    form = {"post": "/o", "record": {"flag": "{paid}"}}
    assert sendable(facts(create=None, update=[form], also=ALSO, values={}), ENTITIES["order"]) == {"status"}


# Numbers and times.


@pytest.mark.parametrize(
    ("scale", "template", "sent"),
    [
        ("100", "{totalAmount:integer}", 1999),
        ("-1", "{totalAmount:text}", "-19.99"),
        ("0.001", "{totalAmount:text}", "0.01999"),
    ],
)
def test_a_number_is_sent_in_the_platforms_unit(order, scale, template, sent):
    assert order({"totalAmount": "19.9900"}, {"t": template}, scale={"totalAmount": scale}).record == {"t": sent}


def test_a_number_that_is_no_whole_one_in_the_platforms_unit_is_not_sent(order):
    with pytest.raises(RejectError, match="is not a whole number"):
        order({"totalAmount": "19.9950"}, {"t": "{totalAmount:integer}"}, scale={"totalAmount": "100"})


@pytest.mark.parametrize(
    ("form", "zone", "sent"),
    [
        ("%Y-%m-%dT%H:%M:%SZ", "UTC", "2026-11-01T10:00:30Z"),
        ("%Y-%m-%d %H:%M", "America/Los_Angeles", "2026-11-01 02:00"),
        ("%Y-%m-%dT%H:%M:%S%z", "Europe/Berlin", "2026-11-01T11:00:30+0100"),
        ("epoch", "Europe/Berlin", 1793527230),
        ("epoch_ms", "UTC", 1793527230500),
    ],
)
def test_a_time_is_sent_in_the_platforms_form_and_on_its_clock(order, form, zone, sent):
    made = order({"createdAt": "2026-11-01T10:00:30.500000+00:00"}, {"at": "{createdAt}"}, instant=form, zone=zone)
    assert made.record == {"at": sent}


@pytest.mark.parametrize(
    ("entity", "field", "stored", "value"),
    [
        ("order", "totalAmount", "2.5000", Decimal("2.5")),
        ("call", "duration", "7", 7),
        ("product", "sku", "7", "7"),
        ("product", "title", None, None),
        ("order", "totalAmount", False, False),
    ],
)
def test_a_stored_value_as_what_it_is(entity, field, stored, value):
    assert typed_value(ENTITIES[entity].fields[field], stored) == value


# What there is now.

NOW = {"read": {"get": "/r", "query": {"i": "{ids}"}, "match": "item.id"}, "now": {"rev": "item.meta.rev"}}


@pytest.mark.parametrize(("native", "record"), [({"meta": {"rev": "7"}}, {"n": "x", "rev": "7"}), ({}, {"n": "x"})])
def test_a_request_may_say_what_it_found_there(order, native, record):
    item = Item({"id": "1"}, native)
    assert order({"note": "x"}, {"n": "{note}", "rev": "{now.rev}"}, item=item, **NOW).record == record


def test_for_what_is_not_there_nothing_was_found(order):
    assert order({"note": "x"}, {"n": "{note}", "rev": "{now.rev}"}, **NOW).record == {"n": "x"}


# Stand-ins for what has no value.


def test_what_has_no_value_may_have_a_stand_in(facts, claim, no_references):
    form = {"post": "/items", "record": {"name": "{title}", "sku": "{sku}"}, "defaults": {"name": "{sku}", "kind": "x"}}
    known = facts(create=form)
    made = payload(ENTITIES["product"], known, claim("A", {"price": "1"}), known.create, None, no_references)
    assert made.record == {"name": "A", "kind": "x", "sku": "A"}
    made = payload(ENTITIES["product"], known, claim("A", {"title": "Cup"}), known.create, None, no_references)
    assert made.record["name"] == "Cup"


# A request for both.


def test_where_create_and_update_are_one_request_all_that_is_known_goes(facts, claim, no_references):
    form = {"put": "/items/{sku}", "record": {"name": "{title}", "price": "{price:text}"}}
    known = facts(create=None, update=[], upsert=form)
    row = claim("A", {"title": "Cup", "price": "2.0000"}, {"title": "Cup", "price": "1.0000"}, ids={"id": "A"})
    made = payload(ENTITIES["product"], known, row, known.upsert, Item({"id": "A"}), no_references)
    assert made.record == {"name": "Cup", "price": "2"}


def test_a_reference_by_a_part_of_the_key_is_in_updates_too(facts, claim):
    place = {"of": "locationId", "get": "/places", "query": {"c": "{keys}"}, "match": "item.code"}
    form = {"post": "/stock", "record": {"place": "{reference.place}", "n": "{quantity:integer}"}}
    known = facts(create=None, update=[form], references={"place": place}, values={}, cleared={}, echo=[])
    references = References(known.references, {"place": {"WH": ["42"]}}, {}, "shop")
    row = claim("A", {"quantity": "5.0000"}, ids={"id": "7"}, key='{"sku":"A","locationId":"WH"}')
    made = payload(ENTITIES["stocklevel"], known, row, known.update[0], Item({"id": "7"}), references)
    assert made.record == {"place": "42", "n": 5}
