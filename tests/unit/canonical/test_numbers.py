"""Money and quantities are exact: what a cast would change is refused, unless the map says how to round."""

import json
from decimal import Decimal

import pytest

NO_NUMBER = "quantity: is not a number, or would be rounded to fit 4 decimal places (round: N allows it)"
DIGITS = "quantity: has more digits than a JSON number keeps (round: N allows it)"
KEY = '{"sku":"A","locationId":"WH"}'


def quantities(read, literals, **how):
    """literal, as it stands in the JSON text -> what it was read as: a number, or the reasons why it was not."""
    fields = {"sku": "item.sku", "locationId": {"value": "WH"}, "quantity": {"from": "item.q", **how}}
    records = (f'{{"id": {n}, "sku": "{n:02}", "q": {literal}}}' for n, literal in enumerate(literals))
    found = read("stocklevel", fields, f"[{','.join(records)}]")
    numbers = {row["sku"]: row["quantity"] for row in found.rows}
    reasons = {json.loads(key)["sku"]: reasons for key, reasons in found.faults.items()}
    return {literal: (numbers | reasons)[f"{n:02}"] for n, literal in enumerate(literals)}


EXACT = {
    "5": "5", "-3": "-3", "0": "0", "-0.0": "0", "19.99": "19.99", "0.0001": "0.0001", "1.5e3": "1500", "1E2": "100",
    "-12.3400": "-12.34", "99999999999999": "99999999999999", '"19.99"': "19.99", '"+5"': "5", '"-0.0"': "0",
    '"007"': "7", '".5"': "0.5", '"5."': "5", '"1E+2"': "100", '"2.5e-1"': "0.25", '"1.23450000"': "1.2345",
    '"12345678901234.5678"': "12345678901234.5678", "12345678901.2345": "12345678901.2345",
}  # fmt: skip


def test_a_number_is_read_exactly(read):
    assert quantities(read, EXACT) == {literal: Decimal(exact) for literal, exact in EXACT.items()}


def test_what_is_no_number_is_refused(read):
    literals = ['"abc"', '"12,50"', '"1 000"', '"1_000"', '"NaN"', '"Infinity"', '"-"', '"."', '"0x10"', '"5 EUR"',
                "true", "[5]", '{"value": 5}']  # fmt: skip
    assert quantities(read, literals) == {literal: [NO_NUMBER] for literal in literals}


def test_a_number_that_would_be_rounded_or_has_no_room_is_refused(read):
    literals = ["1.23456", '"1.23456"', "0.00001", "1e-5", '"1e-5"', '"1e-20"', "1e30", '"123456789012345"', '"1E+14"',
                '"99999999999999.99999"']  # fmt: skip
    assert {literal: NO_NUMBER in read_as for literal, read_as in quantities(read, literals).items()} == dict.fromkeys(
        literals, True
    )


def test_a_json_number_of_more_than_15_digits_is_no_longer_what_was_written(read):
    literals = ["12345678901234.5678", "-123456789012.3456", "0.1234567890123456"]
    assert [DIGITS in reasons for reasons in quantities(read, literals).values()] == [True, True, True]


@pytest.mark.parametrize(
    "how",
    [
        {"from": "item.none", "or": ["item.q"]},
        {"cases": [{"when": {"item.none": "*"}, "from": "item.none"}, {"from": "item.q"}]},
        {"from": "item.id", "minus": "item.q"},
    ],
    ids=["or", "cases", "minus"],
)
def test_a_json_number_of_more_than_15_digits_is_none_wherever_it_is(read, how):
    fields = {"sku": "item.sku", "locationId": {"value": "WH"}, "quantity": how}
    assert read("stocklevel", fields, '[{"id": 1, "sku": "A", "q": 12345678901234.5678}]').faults[KEY][-1] == DIGITS
    assert read("stocklevel", fields, '[{"id": 1, "sku": "A", "q": "12345678901234.5678"}]').faults == {}


@pytest.mark.parametrize(
    ("places", "rounded"),
    [
        (
            4,
            {
                "1.23456": "1.2346",
                "0.30000000000000004": "0.3",
                "1e-5": "0",
                "5.684341886080802e-14": "0",
                "9E-5": "0.0001",
            },
        ),
        (2, {"1.23456": "1.23", '"1.005"': "1.01", "12345678901234.5678": "12345678901234.57"}),
        (0, {"2.5": "3", "-2.5": "-3"}),
    ],
)
def test_a_map_may_say_how_to_round(read, places, rounded):
    wanted = {literal: Decimal(number) for literal, number in rounded.items()}
    assert quantities(read, rounded, round=places) == wanted


@pytest.mark.parametrize("places", [2, 4])
def test_a_number_too_large_to_keep_sets_its_record_aside_and_no_other(read, places):
    fields = {"sku": "item.sku", "locationId": {"value": "WH"}, "quantity": {"from": "item.q", "round": places}}
    found = read(
        "stocklevel", fields, [{"id": 1, "sku": "A", "q": "123456789012345678"}, {"id": 2, "sku": "B", "q": 1}]
    )
    assert found.states("quantity") == [1]
    assert found.faults == {KEY: ["quantity: is not a number of at most 14 digits before the point"]}


@pytest.mark.parametrize(("literal", "seconds"), [("65", 65), ('"65"', 65), ("65.0", 65), ("0", 0)])
def test_a_whole_number_is_read_as_one(read, literal, seconds):
    found = read("call", {"callId": "item.id", "duration": "item.d"}, f'[{{"id": 1, "d": {literal}}}]')
    assert found.state("duration") == seconds


@pytest.mark.parametrize("literal", ["1.5", '"1.5"', '"abc"', '"1e2"', "12345678901234567890", "true"])
def test_a_whole_number_that_is_none_is_refused_and_not_rounded(read, literal):
    found = read("call", {"callId": "item.id", "duration": "item.d"}, f'[{{"id": 1, "d": {literal}}}]')
    assert found.faults == {'{"callId":"1"}': ["duration: is not a whole number"]}


@pytest.mark.parametrize(("literal", "seconds"), [("5", 5), ("5.4", 5), ('"5.5"', 6), ("5.6e0", 6), ('""', None)])
def test_a_map_may_say_that_a_whole_number_is_rounded(read, literal, seconds):
    fields = {"callId": "item.id", "duration": {"from": "item.d", "round": 0}}
    found = read("call", fields, f'[{{"id": 1, "d": {literal}}}]')
    assert [row["duration"] for row in found.rows] == [seconds]


@pytest.mark.parametrize("literal", ['"soon"', "1e20", "true"])
def test_what_is_no_number_is_no_rounded_whole_one_either(read, literal):
    fields = {"callId": "item.id", "duration": {"from": "item.d", "round": 0}}
    found = read("call", fields, f'[{{"id": 1, "d": {literal}}}]')
    assert found.faults == {'{"callId":"1"}': ["duration: is not a whole number"]}


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-01T10:00:00Z", "2026-11-01 10:00:00+00:00"),
        ("2026-11-01T10:00:00+02:00", "2026-11-01 08:00:00+00:00"),
        ("2026-11-01T10:00:00.123456-0530", "2026-11-01 15:30:00.123456+00:00"),
        ("2026-11-01 10:00:00", "2026-11-01 10:00:00+00:00"),
        ("2026-11-01T10:00:00", "2026-11-01 10:00:00+00:00"),
        ("2026-11-01", "2026-11-01 00:00:00+00:00"),
    ],
)
def test_a_time_is_an_instant_in_utc_and_one_without_offset_is_utc(read, text, utc):
    found = read("product", {"sku": "item.sku", "updatedAt": "item.at"}, [{"id": 1, "sku": "A", "at": text}])
    assert str(found.rows[0]["updatedAt"]) == utc


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30T00:00:00Z", "1793520000", "10:00"])
def test_what_is_no_time_is_refused(read, text):
    found = read("product", {"sku": "item.sku", "updatedAt": "item.at"}, [{"id": 1, "sku": "A", "at": text}])
    assert found.faults == {'{"sku":"A"}': ["updatedAt: is not a time"]}
