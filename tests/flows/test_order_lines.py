"""An order's lines in the ERP: bound one to one, changed while they may be, and the money exact."""

from decimal import Decimal

LESS = "line {} can no longer change: qty_delivered is {}"
OPEN = ("pending", "processing")


def _amount(desk, ref):
    return Decimal(str(desk.sales()[ref]["amount_total"]))


def _units(desk, ref):
    return [(sku, units) for sku, units, _ in desk.lines(ref)]


def test_a_changed_quantity_reaches_the_erp_whether_the_order_is_confirmed_or_not(desk):
    refs = [desk.sell(status=status) for status in OPEN]
    desk.sync()
    for ref in refs:
        desk.edit(ref, line_items=[{"id": desk.line(ref), "quantity": 3}])
    desk.sync()
    assert [_units(desk, ref) for ref in refs] == [[("SKU-00053", 3)]] * 2
    assert [desk.state(ref) for ref in refs] == ["draft", "sale"]


def test_lines_that_come_and_go_reach_the_erp_whether_the_order_is_confirmed_or_not(desk):
    refs = [desk.sell("SKU-00053", "SKU-00011", status=status) for status in OPEN]
    desk.sync()
    for ref in refs:
        desk.edit(ref, line_items=[{"id": desk.line(ref), "quantity": 0}, {"sku": "SKU-00016", "quantity": 2}])
    desk.sync()
    expected = [("SKU-00053", 0), ("SKU-00011", 1), ("SKU-00016", 2)]
    assert [_units(desk, ref) for ref in refs] == [expected] * 2
    assert desk.left() == []


def test_what_did_not_change_is_not_written(desk):
    ref = desk.sell("SKU-00053", "SKU-00011")
    desk.sync()
    desk.edit(ref, line_items=[{"id": desk.line(ref), "quantity": 2}])
    desk.sync()
    rows = desk.world.rows("SELECT sent FROM receipts WHERE contains(sent, 'vals') ORDER BY answeredAt")
    assert len(rows) == 1
    assert rows[0][0].count('"product_uom_qty"') == 1


def test_two_lines_of_one_sku_keep_apart(desk):
    lines = [{"sku": "SKU-00053", "quantity": 1, "subtotal": total, "total": total} for total in ("5.00", "7.00")]
    ref = desk.sell(*lines)
    desk.sync()
    desk.edit(ref, line_items=[{"id": desk.line(ref, 1), "quantity": 4, "total": "28.00"}])
    desk.sync()
    assert desk.lines(ref) == [("SKU-00053", 1, 5.0), ("SKU-00053", 4, 7.0)]


def test_a_delivered_line_that_would_change_is_rejected_with_the_reason(desk):
    ref = desk.sell({"sku": "SKU-00053", "quantity": 2})
    desk.sync()
    desk.staff(ref, deliver=True)
    number = desk.line(ref)
    desk.edit(ref, line_items=[{"id": number, "quantity": 3}])
    desk.sync()
    assert desk.left() == [(ref, "dead", LESS.format(number, "2.0"))]
    assert _units(desk, ref) == [("SKU-00053", 2)]


def test_other_orders_of_that_run_are_not_held_up(desk):
    ref, other = desk.sell(), desk.sell(status="pending")
    desk.sync()
    desk.staff(ref, deliver=True)
    for one in (ref, other):
        desk.edit(one, line_items=[{"id": desk.line(one), "quantity": 3}])
    desk.sync()
    assert [left for left, _, _ in desk.left()] == [ref]
    assert _units(desk, other) == [("SKU-00053", 3)]


def test_a_line_may_still_change_beside_one_that_was_delivered(desk):
    ref = desk.sell()
    desk.sync()
    desk.staff(ref, deliver=True)
    desk.edit(ref, line_items=[{"sku": "SKU-00011", "quantity": 2}])
    desk.sync()
    assert _units(desk, ref) == [("SKU-00053", 1), ("SKU-00011", 2)]
    assert desk.left() == []


def test_the_lines_of_a_locked_order_are_rejected_with_the_platforms_reason(desk):
    ref = desk.sell()
    desk.sync()
    desk.staff(ref, lock=True)
    desk.edit(ref, line_items=[{"id": desk.line(ref), "quantity": 3}])
    desk.sync()
    ((_, state, reason),) = desk.left()
    assert state == "dead"
    assert "forbidden to modify the following fields in a locked order" in reason


def test_a_line_that_the_erps_staff_added_stays(desk):
    # given
    ref = desk.sell(status="pending")
    desk.sync()
    product = next(p["id"] for p in desk.world.erp.state()["products"] if p["default_code"] == "SKU-00054")
    desk.staff(ref, set={"order_line": [[0, 0, {"product_id": product, "product_uom_qty": 1, "price_unit": 0.5}]]})
    # when
    desk.edit(ref, line_items=[{"id": desk.line(ref), "quantity": 2}])
    desk.sync()
    desk.edit(ref, status="processing")
    desk.sync()
    # then
    assert _units(desk, ref) == [("SKU-00053", 2), ("SKU-00054", 1)]
    assert desk.state(ref) == "sale"


MONEY = {
    "three for ten": [(3, "10.00")],
    "seven for a hundred": [(7, "100.00")],
    "a discount": [(2, "17.98")],
    "for nothing": [(1, "0.00")],
    "cents that floats do not have": [(1, "0.10"), (3, "0.30"), (1, "1.15")],
    "a large sum": [(1, "1234567.89")],
}


def test_what_the_order_comes_to_is_exact(desk):
    refs = {
        name: desk.sell(
            *({"sku": "SKU-00053", "quantity": n, "subtotal": "2000000", "total": sum_} for n, sum_ in rows)
        )
        for name, rows in MONEY.items()
    }
    desk.sync()
    assert {name: _amount(desk, ref) for name, ref in refs.items()} == {
        name: sum(Decimal(total) for _, total in rows) for name, rows in MONEY.items()
    }


def test_a_price_that_changes_alone_reaches_the_erp(desk):
    ref = desk.sell({"sku": "SKU-00053", "quantity": 2, "subtotal": "20.00", "total": "20.00"}, status="pending")
    desk.sync()
    desk.edit(ref, line_items=[{"id": desk.line(ref), "quantity": 2, "total": "19.00"}])
    desk.sync()
    assert desk.lines(ref) == [("SKU-00053", 2, 9.5)]
