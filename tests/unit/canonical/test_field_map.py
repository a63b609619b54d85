"""What a canonical_map may say is checked when its file is read, not when a pull fails over it."""

import pytest
from pydantic import ValidationError

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.field_map import FieldMap, map_problems, told_parts


def problems(entity, **fields):
    given = {"product": {"sku": "item.sku"}, "order": {"orderId": "item.id"}, "stocklevel": {}}[entity] | fields
    return map_problems(ENTITIES[entity], {name: FieldMap.model_validate(part) for name, part in given.items()})


def test_a_whole_map_has_no_problems():
    lines = {"from": "item.lines", "each": {"lineId": "each.id", "title": {"value": "x"}}}
    assert problems("order", lineItems=lines, customer={"fields": {"name": "item.c.name"}}) == []


def test_an_objects_parts_are_told_but_those_that_may_be_unknown():
    parts = {
        "name": "item.n", "email": {"value": "x"}, "phone": {"from": "item.p", "null": "unknown"},
        "company": {"from": "item.c", "map": {"a": "A"}, "otherwise": "unknown"}, "id": {"cases": [{"from": "item.i"}]},
    }  # fmt: skip
    fields = {"note": FieldMap.model_validate("item.note"), "customer": FieldMap.model_validate({"fields": parts})}
    assert told_parts(fields) == {"customer.name", "customer.email"}


def test_every_part_of_the_key_is_required():
    assert problems("stocklevel", sku="item.sku") == [("locationId", "is required: it is part of the key")]


def test_an_unknown_field_is_named_with_those_there_are():
    ((name, problem),) = problems("product", colour="item.colour")
    assert (name, problem[:40]) == ("colour", "is not a field of product; allowed: sku,")


@pytest.mark.parametrize(
    ("field", "given", "problem"),
    [
        ("lineItems", "item.lines", ("lineItems", "needs each")),
        ("note", {"from": "item.n", "each": {"x": "each.x"}}, ("note", "takes no each")),
        ("customer", "item.customer", ("customer", "needs fields")),
        ("note", {"fields": {"x": "item.x"}}, ("note", "takes no fields")),
        ("note", "each.note", ("note", "starts with item, row or scope; each is for the rows of a list")),
        ("customer", {"fields": {"name": "each.n"}}, ("customer.name", "starts with item or row")),
        ("lineItems", {"from": "item.l", "each": {"sku": "item.sku"}}, ("lineItems.sku", "starts with each")),
        (
            "lineItems",
            {"from": "item.l", "each": {"quantity": {"from": "each.q", "minus": "each.r"}}},
            ("lineItems.quantity", "takes no minus"),
        ),
        (
            "lineItems",
            {"from": "item.l", "each": {"title": {"join": ["each.a", "each.b"]}}},
            ("lineItems.title", "takes no join"),
        ),
        (
            "lineItems",
            {"from": "item.l", "each": {"quantity": {"from": "each.q", "over": "item.n", "round": 4}}},
            ("lineItems.quantity", "starts with each"),
        ),
        (
            "lineItems",
            {"from": "item.l", "each": {"sku": {"from": "each.q", "over": "each.n", "round": 4}}},
            ("lineItems.sku", "over divides numbers; this is none"),
        ),
        (
            "totalAmount",
            {"from": "item.a", "over": "item.b", "round": 4},
            ("totalAmount", "over is for the rows of a list"),
        ),
        ("totalAmount", {"join": ["item.a", "item.b"]}, ("totalAmount", "join puts texts together; this is none")),
        (
            "customer",
            {"fields": {"name": {"join": ["item.a", "each.b"]}}},
            ("customer.name", "starts with item or row"),
        ),
    ],
)
def test_a_form_that_does_not_fit_the_field_is_refused(field, given, problem):
    assert problems("order", **{field: given}) == [problem]


def test_a_part_that_an_object_does_not_have_is_refused():
    ((name, problem),) = problems("order", customer={"fields": {"age": "item.age"}})
    assert (name, problem) == ("customer.age", "is not one of: id, name, email, phone, company")


@pytest.mark.parametrize("title", ["item.SKU", {"join": ["item.name", "item.SKU"]}])
def test_paths_that_sql_cannot_tell_apart_are_refused(title):
    assert problems("product", title=title) == [("title", "item.SKU differs from item.sku only in case")]


@pytest.mark.parametrize(
    "given",
    [
        {}, {"from": "item.a", "value": "b"}, "a", "body.a", "item", "item.", "item.a b", "item.a'", 'item."a',
        {"from": "item.a", "round": 5}, {"from": "item.a", "rounds": 1}, {"value": "x", "each": {"a": "each.a"}},
        {"from": "item.a", "over": "item.b"}, {"join": ["item.a"]}, {"join": ["item.a", "b"]},
        {"from": "item.a", "join": ["item.a", "item.b"]},
        {"from": "item.a", "scale": "0.0000001"}, {"cases": [{"from": "item.a"}], "minus": "item.b"},
    ],
)  # fmt: skip
def test_a_mapping_that_says_nothing_clear_is_refused(given):
    with pytest.raises(ValidationError):
        FieldMap.model_validate(given)


def test_yaml_booleans_and_numbers_are_read_as_json_writes_them():
    given = FieldMap.model_validate(
        {"from": "item.a", "map": {True: "yes", 2: "two"}, "unknown_unless": {"item.b": True}, "empty": 0}
    )
    assert given.empty == "0"
    assert given.map == {"true": "yes", "2": "two"}
    assert given.unknown_unless == {"item.b": "true"}
