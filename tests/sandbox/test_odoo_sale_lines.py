"""Lines of sales orders: their order, their amounts, and what a confirmed order allows."""

import pytest


@pytest.fixture
def lamp(erp):
    """A storable product at 5.00 of which seven lie in WH."""
    number, _ = erp.new(list_price=5.0)
    erp.count(number, 7)
    return number


@pytest.fixture
def sale(erp, lamp):
    """A confirmed order of two lamps, and its line."""
    number = erp.order((lamp, 2, 5.0))
    erp.call("sale.order", "action_confirm", ids=[number])
    return number, erp.lines(number)[0]["id"]


def outgoing(erp, product):
    return erp.read(product, "outgoing_qty")["outgoing_qty"]


def write(erp, order, *commands):
    return erp.call("sale.order", "write", ids=[order], vals={"order_line": list(commands)})


def test_a_line_takes_name_price_and_quantity_from_the_product(erp, lamp):
    number = erp.call(
        "sale.order", "create", vals_list=[{"partner_id": 4, "order_line": [[0, 0, {"product_id": lamp}]]}]
    )[0]
    line = erp.lines(number)[0]
    assert (line["price_unit"], line["product_uom_qty"], line["sequence"], line["discount"]) == (5.0, 1.0, 10, 0.0)
    assert line["name"] == line["product_id"][1]
    assert line["state"] == "draft"


def test_a_price_of_zero_stays(erp, lamp):
    assert erp.lines(erp.order((lamp, 1, 0.0)))[0]["price_unit"] == 0.0


def test_a_price_is_kept_unrounded(erp, lamp):
    line = erp.lines(erp.order((lamp, 3, 10 / 3)))[0]
    assert line["price_unit"] == 10 / 3
    assert line["price_subtotal"] == 10.0


@pytest.mark.parametrize(
    ("units", "price", "discount", "subtotal"), [(3, 3.33, 0, 9.99), (1, 9.99, 50, 5.0), (2, 0.005, 0, 0.01)]
)
def test_a_subtotal_is_rounded_half_up_to_cents(erp, lamp, units, price, discount, subtotal):
    vals = {"product_id": lamp, "product_uom_qty": units, "price_unit": price, "discount": discount}
    number = erp.call("sale.order", "create", vals_list=[{"partner_id": 4, "order_line": [[0, 0, vals]]}])[0]
    assert erp.lines(number)[0]["price_subtotal"] == subtotal


def test_lines_come_by_order_sequence_and_id(erp, lamp):
    first, second = erp.order((lamp, 1, 1.0), (lamp, 2, 1.0)), erp.order((lamp, 3, 1.0))
    write(erp, first, [0, 0, {"product_id": lamp, "product_uom_qty": 4, "sequence": 5}])
    domain = [["order_id", "in", [first, second]]]
    rows = erp.call("sale.order.line", "search_read", domain=domain, fields=["product_uom_qty"])
    assert [row["product_uom_qty"] for row in rows] == [4.0, 1.0, 2.0, 3.0]
    assert erp.sold(first)["order_line"] == [row["id"] for row in rows[:3]]


def test_a_lines_write_moves_the_orders_write_date(erp, sale):
    order, line = sale
    before = erp.sold(order)["write_date"]
    erp.standin.control("clock", advance=5)
    erp.call("sale.order.line", "write", ids=[line], vals={"price_unit": 6.0})
    after = erp.sold(order)
    assert after["write_date"] > before
    assert after["amount_total"] == 12.0


def test_more_units_on_a_confirmed_order_are_outgoing_too(erp, lamp, sale):
    order, line = sale
    write(erp, order, [1, line, {"product_uom_qty": 5}])
    assert outgoing(erp, lamp) == 5.0


def test_no_units_on_a_confirmed_order_are_none_outgoing(erp, lamp, sale):
    order, line = sale
    write(erp, order, [1, line, {"product_uom_qty": 0}])
    assert outgoing(erp, lamp) == 0.0


def test_a_new_line_on_a_confirmed_order_is_outgoing(erp, lamp, sale):
    write(erp, sale[0], [0, 0, {"product_id": lamp, "product_uom_qty": 3}])
    assert outgoing(erp, lamp) == 5.0


def test_another_product_on_a_line_takes_the_units_over(erp, lamp, sale):
    other, _ = erp.new()
    erp.call("sale.order.line", "write", ids=[sale[1]], vals={"product_id": other})
    assert (outgoing(erp, lamp), outgoing(erp, other)) == (0.0, 2.0)


def test_less_than_was_delivered_is_refused(erp, lamp, sale):
    order, line = sale
    erp.standin.control("sale", id=order, deliver=True)
    vals = {"order_line": [[1, line, {"product_uom_qty": 1}]]}
    status, message = erp.refused("sale.order", "write", ids=[order], vals=vals)
    assert status == 422
    assert message == (
        "The ordered quantity of a sale order line cannot be decreased below the amount already delivered."
        " Instead, create a return in your inventory."
    )


def test_more_than_was_delivered_is_outgoing_again(erp, lamp, sale):
    order, line = sale
    erp.standin.control("sale", id=order, deliver=True)
    write(erp, order, [1, line, {"product_uom_qty": 3}])
    assert outgoing(erp, lamp) == 1.0


@pytest.mark.parametrize("path", ["order", "line"])
def test_a_line_of_a_confirmed_order_is_not_removed(erp, sale, path):
    order, line = sale
    refused = {
        "order": lambda: erp.refused("sale.order", "write", ids=[order], vals={"order_line": [[2, line, 0]]}),
        "line": lambda: erp.refused("sale.order.line", "unlink", ids=[line]),
    }[path]()
    assert refused == (
        422,
        "Once a sales order is confirmed, you can't remove one of its lines (we need to track if something gets"
        " invoiced or delivered).\nSet the quantity to 0 instead.",
    )


def test_a_line_of_a_draft_is_removed(erp, lamp):
    order = erp.order((lamp, 1, 5.0), (lamp, 2, 5.0))
    write(erp, order, [2, erp.lines(order)[0]["id"], 0])
    assert [line["product_uom_qty"] for line in erp.lines(order)] == [2.0]


def test_one_refused_command_and_none_is_done(erp, lamp, sale):
    order, line = sale
    vals = {"note": "x", "order_line": [[1, line, {"product_uom_qty": 9}], [2, line, 0]]}
    erp.refused("sale.order", "write", ids=[order], vals=vals)
    assert (erp.sold(order)["note"], outgoing(erp, lamp)) == (False, 2.0)


def test_a_line_of_a_locked_order_is_protected(erp, sale):
    order, line = sale
    erp.call("sale.order", "action_lock", ids=[order])
    status, message = erp.refused("sale.order.line", "write", ids=[line], vals={"product_uom_qty": 3})
    assert status == 422
    assert message == "It is forbidden to modify the following fields in a locked order:\nQuantity"


def test_a_line_is_made_on_its_own(erp, lamp, sale):
    vals = {"order_id": sale[0], "product_id": lamp, "product_uom_qty": 1}
    erp.call("sale.order.line", "create", vals_list=[vals])
    assert len(erp.lines(sale[0])) == 2
    assert outgoing(erp, lamp) == 3.0


def test_a_line_belongs_to_an_order(erp, lamp):
    assert erp.ask("sale.order.line", "create", vals_list=[{"product_id": lamp}]).status_code == 422
    assert erp.ask("sale.order.line", "create", vals_list=[{"product_id": lamp, "order_id": 10**6}]).status_code == 404


def test_a_missing_line_is_refused(erp, sale):
    vals = {"order_line": [[1, 10**6, {"product_uom_qty": 3}]]}
    assert erp.ask("sale.order", "write", ids=[sale[0]], vals=vals).status_code == 404


def test_lines_are_found_by_their_orders_reference(erp, lamp):
    number = erp.order((lamp, 1, 5.0), client_order_ref="path:1")
    domain = [["order_id.client_order_ref", "=", "path:1"]]
    rows = erp.call("sale.order.line", "search_read", domain=domain, fields=["order_id"])
    assert [row["order_id"][0] for row in rows] == [number]
