"""Objects and lists inside a record: every entity can be mapped, order alone is nothing, wrong shapes are faults."""

from decimal import Decimal

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.types import ListOf, Scalar, Struct

ORDER = {
    "orderId": "item.id",
    "lineItems": {"from": "item.lines", "each": {"lineId": "each.id", "sku": "each.sku", "quantity": "each.q"}},
}
CUSTOMER = {"orderId": "item.id", "customer": {"fields": {"name": "item.c.name", "email": "item.c.email"}}}
NATIVE = {"text": "x@y", "json": {"size": "L"}, "decimal": "12.5", "integer": 7, "instant": "2026-11-01T10:00:00Z"}
VALID = {"currency": "EUR", "direction": "inbound", "marketingConsent": "subscribed"}
STATUS = {"order": "paid", "product": "active", "invoice": "open", "call": "done"}


def lines(*rows):
    return [{"id": 1, "lines": list(rows)}]


def known(row):
    return {name: value for name, value in row.items() if value is not None}


@pytest.mark.parametrize("name", ENTITIES)
def test_every_field_of_every_entity_can_be_mapped_and_read(read, name):
    entity, fields, native = ENTITIES[name], {}, {"id": 1}

    def sample(field, type_):
        return STATUS[name] if field == "status" else VALID.get(field, NATIVE[type_.kind])

    for field, type_ in entity.fields.items():
        match type_:
            case Scalar():
                fields[field], native[field] = f"item.{field}", sample(field, type_)
            case Struct(parts):
                fields[field] = {"fields": {part: f"item.{field}.{part}" for part in parts}}
                native[field] = {part: NATIVE[parts[part].kind] for part in parts}
            case ListOf(item):
                fields[field] = {"from": f"item.{field}", "each": {part: f"each.{part}" for part in item.fields}}
                native[field] = [{part: NATIVE[item.fields[part].kind] for part in item.fields}]

    found = read(name, fields, [native])

    assert found.faults == {}
    assert [field for field in entity.fields if found.rows[0][field] is None] == []


def test_rows_of_a_list_are_sorted_so_that_order_alone_is_nothing(read):
    one, two = {"id": "b", "sku": "B", "q": 1}, {"id": "a", "sku": "A", "q": "2.50"}
    there, back = read("order", ORDER, lines(one, two)), read("order", ORDER, lines(two, one))
    assert there.rows == back.rows
    assert [line["lineId"] for line in there.rows[0]["lineItems"]] == ["a", "b"]
    assert there.rows[0]["lineItems"][0]["quantity"] == Decimal("2.5")


@pytest.mark.parametrize(("native", "state"), [([], []), (None, "cleared")])
def test_an_empty_list_is_a_value_and_null_clears_it(read, native, state):
    assert read("order", ORDER, [{"id": 1, "lines": native}]).state("lineItems") == state


def test_a_missing_list_is_unknown(read):
    assert read("order", ORDER, [{"id": 1}]).state("lineItems") == "unknown"


def test_where_false_means_empty_a_row_that_says_it_is_among_those_that_say_nothing(read):
    rows = [{"id": 1, "kind": False}, {"id": 2, "kind": "note"}, {"id": 3}]
    fields = {
        "orderId": "item.id",
        "lineItems": {"from": "item.lines", "only": {"each.kind": ""}, "each": {"lineId": "each.id"}},
    }
    found = read("order", fields, [{"id": 1, "lines": rows}], false_is_empty=True)
    assert [line["lineId"] for line in found.rows[0]["lineItems"]] == ["1", "3"]


def test_where_false_means_empty_it_clears_a_list_and_is_nothing_inside_one(read):
    found = read("order", ORDER, [{"id": 1, "lines": False}], false_is_empty=True)
    assert found.state("lineItems") == "cleared"
    found = read("order", ORDER, lines({"id": "a", "sku": False, "q": False}), false_is_empty=True)
    assert [known(line) for line in found.state("lineItems")] == [{"lineId": "a"}]


@pytest.mark.parametrize("native", [{}, {"a": {"id": 1}}, "a", 5, True])
def test_what_is_no_list_where_one_is_mapped_is_a_fault(read, native):
    found = read("order", ORDER, [{"id": 1, "lines": native}])
    assert found.faults == {'{"orderId":"1"}': ["lineItems: is not a list"]}


@pytest.mark.parametrize("rows", [["a", "b"], [None], [{"other": 1}], [{"id": "a"}, []]])
def test_rows_that_are_not_of_the_mapped_form_are_a_fault(read, rows):
    found = read("order", ORDER, lines(*rows))
    assert found.faults == {'{"orderId":"1"}': ["lineItems: has a row that says nothing"]}


@pytest.mark.parametrize("q", ["abc", 1.23456, 12345678901234.5678, "1e-9"])
def test_a_number_inside_a_list_is_as_exact_as_outside(read, q):
    found = read("order", ORDER, lines({"id": "a", "q": q}))
    reason = "lineItems.quantity: is not a number, or would be rounded to fit 4 decimal places (round: N allows it)"
    assert found.faults == {'{"orderId":"1"}': [reason]}


NO_TEXTS = [{"en": "Shirt", "size": 1.50}, {}, ["Shirt", 1e5], [], [["Shirt"]]]
TEXTS = ["[SALE] Shirt", "{Shirt", "[1, 2]", "[", '{"a": 1}']


@pytest.mark.parametrize("native", NO_TEXTS)
def test_an_object_or_a_list_in_a_row_is_no_text(read, native):
    found = read("order", ORDER, lines({"id": "a", "sku": native}))
    assert found.faults == {'{"orderId":"1"}': ["lineItems.sku: is no text, but an object or a list"]}


@pytest.mark.parametrize("native", TEXTS)
def test_a_text_in_a_row_may_have_brackets(read, native):
    assert read("order", ORDER, lines({"id": "a", "sku": native})).state("lineItems")[0]["sku"] == native


def test_a_list_may_have_constants_and_maps_of_its_own(read):
    each = {"lineId": "each.id", "title": {"value": "O'Hare"}, "sku": {"from": "each.kind", "map": {"p": "PARCEL"}}}
    found = read("order", {**ORDER, "lineItems": {"from": "item.lines", "each": each}}, lines({"id": 1, "kind": "p"}))
    assert [known(line) for line in found.state("lineItems")] == [{"lineId": "1", "sku": "PARCEL", "title": "O'Hare"}]


def test_an_object_kept_as_json_stays_json(read):
    fields = {"sku": "item.sku", "variants": {"from": "item.v", "each": {"sku": "each.sku", "options": "each.o"}}}
    found = read("product", fields, [{"id": 1, "sku": "A", "v": [{"sku": "A-L", "o": {"size": "L"}}]}])
    assert found.state("variants")[0]["options"] == '{"size":"L"}'


def test_an_object_has_what_is_known_of_it(read):
    found = read("order", CUSTOMER, [{"id": 1, "c": {"name": "Zoë", "email": ""}}])
    assert known(found.state("customer")) == {"name": "Zoë"}


@pytest.mark.parametrize("native", [None, {}, {"name": None, "email": ""}, "Zoë", []])
def test_an_object_of_which_nothing_is_known_is_unknown(read, native):
    assert read("order", CUSTOMER, [{"id": 1, "c": native}]).state("customer") == "unknown"


@pytest.mark.parametrize("native", NO_TEXTS)
def test_an_object_or_a_list_in_an_object_is_no_text(read, native):
    found = read("order", CUSTOMER, [{"id": 1, "c": {"name": native, "email": "a@b"}}])
    assert found.faults == {'{"orderId":"1"}': ["customer.name: is no text, but an object or a list"]}


@pytest.mark.parametrize("native", TEXTS)
def test_a_text_in_an_object_may_have_brackets(read, native):
    assert read("order", CUSTOMER, [{"id": 1, "c": {"name": native}}]).state("customer")["name"] == native


def test_a_first_place_that_counts_hides_what_is_no_text_in_another(read):
    name = {"from": "item.name", "or": ["item.other"]}
    fields = {"orderId": "item.id", "customer": {"fields": {"name": name}}}
    assert read("order", fields, [{"id": 1, "name": "Zoë", "other": {}}]).state("customer")["name"] == "Zoë"
    found = read("order", fields, [{"id": 1, "name": "", "other": {}}])
    assert found.faults == {'{"orderId":"1"}': ["customer.name: is no text, but an object or a list"]}


def test_an_object_is_no_part_of_a_joined_text_in_an_object(read):
    fields = {"orderId": "item.id", "customer": {"fields": {"name": {"join": ["item.first", "item.last"]}}}}
    found = read("order", fields, [{"id": 1, "first": {"x": 1}, "last": "Doe"}])
    assert found.faults == {'{"orderId":"1"}': ["customer.name: is no text, but an object or a list"]}


def test_an_object_may_have_constants_and_maps_of_its_own(read):
    parts = {"country": {"from": "item.cc", "map": {"1": "FR"}}, "company": {"value": "ACME"}}
    fields = {"orderId": "item.id", "billingAddress": {"fields": parts}}
    found = read("order", fields, [{"id": 1, "cc": 1}, {"id": 2, "cc": 9}])
    assert known(found.state("billingAddress")) == {"country": "FR", "company": "ACME"}
    assert found.faults == {'{"orderId":"2"}': ["billingAddress.country: is none of 1"]}


def test_where_false_means_empty_it_is_nothing_inside_an_object(read):
    found = read("order", CUSTOMER, [{"id": 1, "c": {"name": False, "email": "a@b"}}], false_is_empty=True)
    assert known(found.state("customer")) == {"email": "a@b"}
