"""Placeholders: what is filled in keeps its type, and what has no value takes the part that holds it along."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pullpush_dagster.connectors.request import Request
from pullpush_dagster.connectors.template import (
    ABSENT,
    at,
    compiled,
    fill,
    fill_path,
    fill_text,
    fill_texts,
    holes,
    misspelt,
    request_problems,
)
from pullpush_dagster.errors import ConfigError, RejectError


@pytest.mark.parametrize("value", [5, "5", 2.5, True, False, [1, 2], {"a": 1}, 0, ""])
def test_a_text_that_is_one_whole_placeholder_keeps_the_values_type(value):
    filled = fill("{x}", {"x": value})
    assert filled == value
    assert type(filled) is type(value)


def test_a_placeholder_within_a_text_becomes_text():
    assert fill("from {x} to {y}", {"x": 1, "y": "b"}) == "from 1 to b"


def test_what_holds_no_placeholder_stays_as_it_is():
    template = {"a": [1, None, True, "text"], "b": {}}
    assert fill(template, {}) == template


def test_zero_false_and_empty_are_values():
    assert fill({"a": "{x}", "b": "{y}", "c": "{z}"}, {"x": 0, "y": False, "z": ""}) == {"a": 0, "b": False, "c": ""}


# Absent.


@pytest.mark.parametrize("values", [{}, {"x": None}])
def test_an_object_entry_without_a_value_is_left_out(values):
    assert fill({"a": "{x}", "b": "until {x}", "c": 1}, values) == {"c": 1}


def test_a_filter_term_without_a_value_goes_as_a_whole():
    domain = [["stamp", ">=", "{since}"], ["id", ">", "{after}"]]
    assert fill(domain, {"after": 7}) == [["id", ">", 7]]
    assert fill(domain, {}) == []


def test_an_object_in_a_list_goes_when_nothing_in_it_has_a_value():
    assert fill([{"a": "{x}", "c": 2}, {"b": 1}], {}) == [{"b": 1}]


def test_a_whole_template_without_a_value_is_absent():
    assert fill("{x}", {}) is ABSENT


def test_a_text_that_must_be_there_names_what_it_lacks():
    with pytest.raises(ConfigError, match="the path needs b"):
        fill_text("{a}/{b}", {"a": 1}, what="the path")


@pytest.mark.parametrize(("values", "terms"), [({"x": 1}, [{"a": 1, "b": 2}]), ({}, [])])
def test_an_object_in_a_list_goes_as_a_whole_where_a_part_it_needs_has_no_value(values, terms):
    assert fill([{"a": "{x!}", "b": 2}], values) == terms


def test_a_scalar_in_a_list_that_may_go_takes_nothing_along():
    assert fill(["{x?}", "{y}"], {"y": 2}) == [2]
    assert fill(["{x}", "{y}"], {"y": 2}) is ABSENT


@pytest.mark.parametrize(
    ("values", "record"),
    [
        ({}, {}),
        ({"x": 1}, {"a": {"type": "t", "b": {"c": 1}}, "l": [{"c": 1, "kind": "k"}]}),
        ({"y": 2}, {"d": [{"k": 2, "fixed": 1}]}),
    ],
)
def test_a_record_leaves_out_objects_of_which_nothing_is_known(values, record):
    template = {
        "a": {"type": "t", "b": {"c": "{x}"}},
        "l": [{"c": "{x}", "kind": "k"}],
        "d": [{"k": "{y}", "fixed": 1}],
    }
    found = compiled(template, sparse=True)(values)
    assert {name: part for name, part in found.items() if part != []} == record


def test_what_a_record_says_of_itself_stays_in_it():
    template = {"type": "order", "nested": {"fixed": [1, {"a": 2}]}, "x": "{x}"}
    assert compiled(template, sparse=True)({}) == {"type": "order", "nested": {"fixed": [1, {"a": 2}]}}


def test_elsewhere_an_object_stays_though_nothing_in_it_has_a_value():
    assert fill({"a": {"type": "t", "b": "{x}"}}, {}) == {"a": {"type": "t"}}


# Texts of a request.


def asking(*of, **how):
    return Request(get="/items", query={"q": "{q}"}, texts={"q": {"of": list(of), **how}})


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"a": 1, "b": "x"}, "WHERE a > 1 AND b = 'x' AND live"),
        ({"b": "O'H"}, "WHERE b = 'O''H' AND live"),
        ({}, "WHERE live"),
    ],
)
def test_a_text_has_those_of_its_parts_that_have_values(values, text):
    asked = asking("a > {a}", "b = '{b:quoted}'", "live", join=" AND ", before="WHERE ")
    assert fill_texts(asked, values) == {**values, "q": text}


def test_a_text_without_any_part_has_no_value():
    asked = asking("a > {a}", before="WHERE ")
    assert fill_texts(asked, {}) == {}
    assert fill(asked.query, fill_texts(asked, {})) == {}


def test_a_text_of_no_part_at_all_is_refused():
    with pytest.raises(ValueError, match="at least 1 item"):
        asking()


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (asking("{a}", "{b:text}"), None),
        (asking("{c}"), "{c} is not known here; known: a, b"),
        (asking("{a:txt}"), "{a:txt} is no placeholder; write"),
        (asking("{q}"), "{q} is not known here; known: a, b"),
        (Request(get="/{c}"), "{c} is not known here; known: a, b"),
        (Request(get="/", headers={"X": "{c}"}), "{c} is not known here; known: a, b"),
        (Request(get="/", query={"c": ["{c}"]}), "{c} is not known here; known: a, b"),
        (Request(post="/", json={"x": {"c": "{c}"}}), "{c} is not known here; known: a, b"),
        (Request(post="/", form={"c": "{c}"}), "{c} is not known here; known: a, b"),
    ],
)
def test_every_placeholder_of_a_request_is_one_that_has_a_value(asked, problem):
    found = request_problems(asked, {"a", "b"})
    assert (len(found), problem is None or found[0].startswith(problem)) == (0 if problem is None else 1, True)


# Forms.


@pytest.mark.parametrize(
    ("value", "plain", "integer", "text"),
    [
        (Decimal("5.0000"), 5, 5, "5"),
        (Decimal("0.0000"), 0, 0, "0"),
        (Decimal("-3.0000"), -3, -3, "-3"),
        (Decimal("1200.0000"), 1200, 1200, "1200"),
        (Decimal("99999999999999.0000"), 99999999999999, 99999999999999, "99999999999999"),
    ],
)
def test_a_whole_decimal_in_each_form(value, plain, integer, text):
    filled = [fill(form, {"x": value}) for form in ("{x}", "{x:integer}", "{x:text}")]
    assert filled == [plain, integer, text]
    assert [type(one) for one in filled] == [int, int, str]


def test_a_broken_decimal_is_a_number_or_a_text_without_a_loss():
    assert fill("{x}", {"x": Decimal("19.9900")}) == 19.99
    assert fill("{x:text}", {"x": Decimal("19.9900")}) == "19.99"
    assert fill("{x:text}", {"x": Decimal("0.0001")}) == "0.0001"


@pytest.mark.parametrize("value", [Decimal("2.5"), "2.5", 2.5, "abc", "", Decimal("NaN"), Decimal("Infinity"), {}])
def test_what_is_no_whole_number_is_rejected_as_an_integer(value):
    with pytest.raises(RejectError, match=r"^quantity .*number, which this platform needs"):
        fill("{quantity:integer}", {"quantity": value})


@given(st.decimals(min_value=-(10**14), max_value=10**14, places=4))
def test_a_decimals_text_is_exactly_that_decimal(value):
    text = fill("{x:text}", {"x": value})
    assert Decimal(text) == value
    assert "E" not in text


# Lists.


@pytest.mark.parametrize(
    ("form", "filled"),
    [
        ("{keys}", ["7", "8,9"]), ("{keys:text}", "7,8,9"), ("sku={keys:text}", "sku=7,8,9"),
        ({"domain": [["sku", "in", "{keys}"]]}, {"domain": [["sku", "in", ["7", "8,9"]]]}),
    ],
)  # fmt: skip
def test_a_list_stays_one_and_as_text_it_has_commas(form, filled):
    assert fill(form, {"keys": ["7", "8,9"]}) == filled


def test_a_list_of_ids_is_one_of_whole_numbers_where_these_are_needed():
    assert fill([["id", "in", "{ids:integer}"]], {"ids": ["7", "12"]}) == [["id", "in", [7, 12]]]


@pytest.mark.parametrize("ids", [["7", "x"], ["7.5"], [""], ["7", None]])
def test_a_list_with_an_id_that_is_none_is_rejected(ids):
    with pytest.raises(RejectError, match=r"^ids .*number, which this platform needs"):
        fill("{ids:integer}", {"ids": ids})


@pytest.mark.parametrize(("form", "filled"), [("{ids}", []), ("{ids:integer}", []), ("{ids:text}", "")])
def test_an_empty_list_is_a_value(form, filled):
    assert fill(form, {"ids": []}) == filled


# Paths.


def test_a_value_in_a_path_stays_one_segment():
    assert fill_path("/items/{id}/stock", {"id": "a/b?c#d e"}) == "/items/a%2Fb%3Fc%23d%20e/stock"


@pytest.mark.parametrize("path", ["/items/{id}/x", "/items/../{id}", "/items/5?all=1", "/items/5#x", "/items/5\\x"])
def test_a_path_that_would_lead_elsewhere_is_rejected(path):
    with pytest.raises(RejectError, match="cannot be part of a path"):
        fill_path(path, {"id": ".."})


# What is in a template.


def test_every_placeholder_is_told_in_reading_order():
    assert list(holes({"a": "{x} {y:text}", "b": [["{z.w}"]], "c": 1})) == ["x", "y", "z.w"]


@pytest.mark.parametrize("text", ["{price:txt}", "{price:}", "{2nd}", "{a-b}", "{a,b}"])
def test_what_only_looks_like_a_placeholder_is_told(text):
    assert list(misspelt({"a": [text]})) != []


@pytest.mark.parametrize(
    "text", ["{price}", "{price:text}", "{a.b_c}", "query { items { id } }", "{}", '{"a":1}', "plain"]
)
def test_other_braces_are_left_alone(text):
    assert list(misspelt(text)) == []


# Paths into answers.


def test_a_path_leads_into_objects_and_lists():
    assert at({"data": [{"id": 5}]}, "body.data.0.id") == 5
    assert at([1], "body") == [1]


@pytest.mark.parametrize("path", ["body.a.b", "body.list.9", "body.list.x", "body.text.0", "body.none.x"])
def test_a_path_to_what_is_not_there_gives_none(path):
    assert at({"a": 1, "list": [1], "text": "abc", "none": None}, path) is None
