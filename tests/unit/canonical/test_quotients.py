"""A unit price is worked out in whole numbers, half away from zero; what has no price is unknown, and no zero."""

from decimal import Decimal

import pytest

KEY = '{"orderId":"1"}'
NO_NUMBER = "lineItems.unitPrice: is not a quotient of two numbers with at most 4 decimal places"


@pytest.fixture
def prices(read):
    """The unit prices of lines, given as (total, quantity); or the reasons why the order cannot be read."""

    def quotients(*lines, places=4):
        each = {"lineId": "each.id", "unitPrice": {"from": "each.total", "over": "each.q", "round": places}}
        fields = {"orderId": "item.id", "lineItems": {"from": "item.lines", "each": each}}
        natives = [{"id": f"{n:02}", "total": total, "q": q} for n, (total, q) in enumerate(lines)]
        found = read("order", fields, [{"id": 1, "lines": natives}])
        return found.faults.get(KEY) or [line["unitPrice"] for line in found.rows[0]["lineItems"]]

    return quotients


EXACT = {
    ("10.00", 3): "3.3333", ("20.00", 3): "6.6667", ("10.00", 4): "2.5", ("0.00", 5): "0", ("0.0001", 2): "0.0001",
    ("0.0001", 3): "0", ("-10.00", 3): "-3.3333", ("-20.00", 3): "-6.6667", ("10.00", -3): "-3.3333",
    ("-10.00", "-3"): "3.3333", ("1.00", "0.5"): "2", ("99999999999.9999", 1): "99999999999.9999",
    ("12345678901.2345", 1): "12345678901.2345", ("1e2", "8"): "12.5", (10, 3): "3.3333",
}  # fmt: skip


def test_a_total_over_a_quantity_is_exact_to_its_places(prices):
    assert prices(*EXACT) == [Decimal(exact) for exact in EXACT.values()]


@pytest.mark.parametrize(
    ("places", "up", "down"), [(0, "1", "-1"), (1, "0.1", "-0.1"), (2, "0.01", "-0.01"), (3, "0.001", "-0.001")]
)
def test_half_goes_away_from_zero_at_every_number_of_places(prices, places, up, down):
    half = Decimal(1).scaleb(-places)
    found = prices((str(half), 2), (str(-half), 2), (str(half), 3), places=places)
    assert found == [Decimal(up), Decimal(down), 0]


@pytest.mark.parametrize("quantity", [0, "0", "0.0000", "-0", None, ""])
def test_without_a_quantity_the_price_is_unknown(prices, quantity):
    assert prices(("10.00", quantity), ("10.00", 4)) == [None, Decimal("2.5")]


@pytest.mark.parametrize("total", [None, ""])
def test_without_a_total_the_price_is_unknown(prices, total):
    assert prices((total, 3)) == [None]


def test_a_price_that_has_no_room_is_unknown_and_the_order_is_kept(prices):
    assert prices(("99999999999.9999", "0.0001"), ("-99999999999", "0.0001"), ("1.00", 1)) == [None, None, 1]


@pytest.mark.parametrize(
    "line", [("abc", 3), ("10.00", "abc"), ("10.12345", 3), ("10.00", 1.23456), ("123456789012345", 1), ([1], 1)]
)
def test_a_number_that_is_none_or_would_be_rounded_sets_the_order_aside_with_that_reason(prices, line):
    assert prices(("1.00", 1), line) == [NO_NUMBER]
