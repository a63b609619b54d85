"""The forms of placeholders: the same value, as this or that platform wants it."""

from decimal import Decimal

import pytest

from pullpush_dagster.connectors.forms import ABSENT, FORMS, text
from pullpush_dagster.connectors.template import AsIs, fill, fill_path, template_problems
from pullpush_dagster.errors import RejectError


@pytest.mark.parametrize(
    ("form", "value", "formed"),
    [
        ("text", True, "true"),
        ("text", Decimal("1.500"), "1.5"),
        ("text", Decimal("1E+3"), "1000"),
        ("text", "x y", "x y"),
        ("integer", "007", 7),
        ("integer", Decimal("2.000"), 2),
        ("integer", " 5 ", 5),
        ("quoted", "O'Hare's", "O''Hare''s"),
        ("quoted", Decimal("2.50"), "2.5"),
        ("escaped", "O'Hare\\", "O\\'Hare\\\\"),
        ("json", 'a "b"\\\n', 'a \\"b\\"\\\\\\n'),
        ("json", "é", "é"),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("boolean", True, True),
        ("first", "Ann Marie  Lee", "Ann Marie"),
        ("last", "Ann Marie  Lee ", "Lee"),
        ("last", "Lee", "Lee"),
        ("md5", "Ann@X.org", "d249273c41f89b03bc92f5bf33fa4b96"),
        ("date", "2026-11-01T10:00:00Z", "2026-11-01"),
    ],
)
def test_a_value_in_a_form(form, value, formed):
    found = fill(f"{{x:{form}}}", {"x": value})
    assert (found, type(found)) == (formed, type(formed))


@pytest.mark.parametrize(("form", "value"), [("first", "Lee"), ("first", ""), ("last", " ")])
def test_a_form_of_nothing_leaves_its_part_out(form, value):
    assert fill({"a": f"{{x:{form}}}", "b": 1}, {"x": value}) == {"b": 1}
    assert FORMS[form](value, "x") is ABSENT


@pytest.mark.parametrize(
    ("form", "value", "says"),
    [
        ("integer", "2.5", "x 2.5 is not a whole number"),
        ("integer", "many", "x is not a number"),
        ("integer", "inf", "is not a whole number|is not a number"),
        ("integer", "²", "x is not a number"),
        ("boolean", "yes", "x is not true or false"),
        ("boolean", 1, "x is not true or false"),
    ],
)
def test_a_value_that_cannot_take_its_form_is_rejected(form, value, says):
    with pytest.raises(RejectError, match=says):
        fill(f"{{x:{form}}}", {"x": value})


@pytest.mark.parametrize("exact", ["12345678901234", "12345678901.2345", "-0.0001", "19.99"])
def test_a_number_that_json_keeps_goes_out_as_it_is(exact):
    assert Decimal(repr(fill("{x}", {"x": Decimal(exact)}))) == Decimal(exact)


@pytest.mark.parametrize("long", ["12345678901234.5678", "-99999999999999.9999"])
def test_a_number_of_more_digits_than_json_keeps_is_no_other_number(long):
    with pytest.raises(RejectError, match=f"x {long} has more digits than a JSON number keeps"):
        fill("{x}", {"x": Decimal(long)})
    assert fill("{x:text}", {"x": Decimal(long)}) == long


@pytest.mark.parametrize("form", [None, *FORMS])
def test_a_value_that_empties_a_field_goes_out_as_it_is_in_every_form(form):
    assert fill(f"{{x:{form}}}" if form else "{x}", {"x": AsIs(None)}) is None
    assert fill(f"{{x:{form}}}" if form else "{x}", {"x": AsIs("")}) == ""


@pytest.mark.parametrize(("form", "formed"), [("quoted", ["O''H", "B"]), ("integer", [1, 2]), ("text", "O'H,B")])
def test_a_list_has_each_of_its_items_in_the_form(form, formed):
    values = ["1", "2"] if form == "integer" else ["O'H", "B"]
    assert fill(f"{{x:{form}}}", {"x": values}) == formed


def test_a_form_holds_inside_a_text_and_a_path():
    assert fill("sku eq '{x:quoted}'", {"x": "O'H"}) == "sku eq 'O''H'"
    assert fill_path("/items('{x:quoted}')/{d:date}", {"x": "O'H/2", "d": "2026-11-01T10"}) == (
        "/items('O%27%27H%2F2')/2026-11-01"
    )


def test_a_form_that_is_none_is_told_with_those_there_are():
    (problem,) = template_problems("{x:upper}", {"x"})
    assert problem.startswith(
        "{x:upper} is no placeholder; write {name} or {name:FORM}, FORM being one of text, integer"
    )


@pytest.mark.parametrize(
    ("value", "told"), [(None, "None"), (0, "0"), (Decimal("0.00"), "0"), (Decimal("-1.50"), "-1.5"), (False, "false")]
)
def test_a_value_as_text(value, told):
    assert text(value) == told
