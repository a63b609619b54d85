"""Sales orders: made, confirmed, cancelled, locked."""

import pytest

WIZARD_OFF = {"disable_cancel_warning": True}


@pytest.fixture
def lamp(erp):
    """A storable product at 5.00 of which seven lie in WH."""
    number, _ = erp.new(list_price=5.0)
    erp.count(number, 7)
    return number


def quantities(erp, product, **context):
    row = erp.read(product, "qty_available", "outgoing_qty", "free_qty", "virtual_available", **context)
    return tuple(row[name] for name in ("qty_available", "outgoing_qty", "free_qty", "virtual_available"))


def act(erp, method, *ids, **context):
    return erp.call("sale.order", method, ids=list(ids), context=context)


def confirmed(erp, *lines, **vals):
    number = erp.order(*lines, **vals)
    act(erp, "action_confirm", number)
    return number


def test_a_new_order_is_a_draft_with_a_number(erp, lamp):
    order = erp.sold(erp.order((lamp, 2, 5.0)))
    assert order["name"] == f"S{order['id']:05d}"
    assert (order["state"], order["locked"], order["client_order_ref"], order["note"]) == ("draft", False, False, False)
    assert order["partner_id"] == [4, "Web guest"]
    assert order["warehouse_id"] == [1, "Warehouse WH"]
    assert order["date_order"] == order["create_date"]


def test_amounts_follow_from_the_lines(erp, lamp):
    order = erp.sold(erp.order((lamp, 3, 3.335), (lamp, 2, 5.0)))
    assert (order["amount_untaxed"], order["amount_tax"], order["amount_total"]) == (20.01, 0.0, 20.01)


def test_an_order_needs_a_partner(erp):
    status, message = erp.refused("sale.order", "create", vals_list=[{"client_order_ref": "x"}])
    assert (status, message) == (422, "Missing required value for the field 'Customer' (partner_id).")


@pytest.mark.parametrize(
    ("vals", "status"),
    [
        ({"partner_id": 999_999}, 404),
        ({"partner_id": 4, "warehouse_id": 999_999}, 404),
        ({"partner_id": 4, "order_line": [[0, 0, {"product_id": 999_999}]]}, 404),
        ({"partner_id": 4, "order_line": [[0, 0, {"product_uom_qty": 1}]]}, 422),
        ({"partner_id": 4, "order_line": [[1, 1, {"product_uom_qty": 1}]]}, 422),
        ({"partner_id": 4, "order_line": [[0, 0, {"colour": "red"}]]}, 500),
        ({"partner_id": 4, "order_line": [[5, 0, 0]]}, 500),
    ],
)
def test_one_bad_order_and_none_is_made(erp, lamp, vals, status):  # observed, Odoo 10
    good = {"partner_id": 4, "order_line": [[0, 0, {"product_id": lamp}]]}
    count = erp.call("sale.order", "search_count", domain=[]), erp.call("sale.order.line", "search_count", domain=[])
    assert erp.ask("sale.order", "create", vals_list=[good, vals]).status_code == status
    assert count == (
        erp.call("sale.order", "search_count", domain=[]),
        erp.call("sale.order.line", "search_count", domain=[]),
    )


def test_many_orders_are_made_at_once(erp, lamp):
    vals = {"partner_id": 4, "order_line": [[0, 0, {"product_id": lamp}]]}
    ids = erp.call("sale.order", "create", vals_list=[vals, vals])
    assert [len(erp.lines(number)) for number in ids] == [1, 1]


def test_a_reference_may_stand_twice(erp):  # observed, Odoo 8
    ids = [erp.order(client_order_ref="shop:twice") for _ in range(2)]
    assert erp.call("sale.order", "search", domain=[["client_order_ref", "in", ["shop:twice"]]], order="id") == ids


def test_the_newest_order_comes_first(erp):
    first, second = erp.order(client_order_ref="newest"), erp.order(client_order_ref="newest")
    assert erp.call("sale.order", "search", domain=[["client_order_ref", "=", "newest"]]) == [second, first]


def test_confirming_makes_the_units_outgoing_and_leaves_them_on_hand(erp, lamp):  # observed, Odoo 6
    assert act(erp, "action_confirm", erp.order((lamp, 2, 5.0))) is True
    assert quantities(erp, lamp) == (7.0, 2.0, 7.0, 5.0)


def test_a_draft_promises_nothing(erp, lamp):
    erp.order((lamp, 2, 5.0))
    assert quantities(erp, lamp) == (7.0, 0.0, 7.0, 7.0)


def test_units_leave_the_warehouse_of_the_order(erp, lamp):
    store = erp.warehouse("STORE")[0]
    confirmed(erp, (lamp, 2, 5.0), warehouse_id=store)
    assert quantities(erp, lamp, warehouse_id=store)[1] == 2.0
    assert quantities(erp, lamp, warehouse_id=erp.warehouse("WH")[0])[1] == 0.0


def test_an_order_moved_to_another_warehouse_takes_its_units_along(erp, lamp):
    number = confirmed(erp, (lamp, 2, 5.0))
    store = erp.warehouse("STORE")[0]
    erp.call("sale.order", "write", ids=[number], vals={"warehouse_id": store})
    assert [quantities(erp, lamp, warehouse_id=x)[1] for x in (1, store)] == [0.0, 2.0]


def test_a_product_that_is_not_storable_promises_nothing(erp):
    number, _ = erp.new(is_storable=False)
    confirmed(erp, (number, 2, 5.0))
    assert quantities(erp, number) == (0.0, 0.0, 0.0, 0.0)


def test_confirming_sets_the_order_date(erp, lamp):
    number = erp.order((lamp, 1, 5.0))
    before = erp.sold(number)
    erp.standin.control("clock", advance=5)
    act(erp, "action_confirm", number)
    after = erp.sold(number)
    assert (after["state"], before["state"]) == ("sale", "draft")
    assert after["date_order"] > before["date_order"]
    assert after["write_date"] == after["date_order"]


@pytest.mark.parametrize("state", ["sale", "cancel"])
def test_only_a_draft_is_confirmed(erp, lamp, state):
    number = confirmed(erp, (lamp, 1, 5.0))
    if state == "cancel":
        act(erp, "action_cancel", number, **WIZARD_OFF)
    assert erp.refused("sale.order", "action_confirm", ids=[number]) == (
        422,
        "Some orders are not in a state requiring confirmation.",
    )


def test_one_order_that_cannot_be_confirmed_stops_the_others(erp, lamp):
    draft, sale = erp.order((lamp, 1, 5.0)), confirmed(erp, (lamp, 1, 5.0))
    assert erp.ask("sale.order", "action_confirm", ids=[draft, sale]).json()["name"] == "odoo.exceptions.UserError"
    assert erp.sold(draft)["state"] == "draft"


def test_a_draft_is_cancelled_at_once(erp, lamp):
    number = erp.order((lamp, 1, 5.0))
    assert act(erp, "action_cancel", number) is True
    assert erp.sold(number)["state"] == "cancel"


def test_cancelling_a_sale_answers_a_wizard_and_cancels_nothing(erp, lamp):
    number = confirmed(erp, (lamp, 1, 5.0))
    action = act(erp, "action_cancel", number)
    assert (action["type"], action["res_model"]) == ("ir.actions.act_window", "sale.order.cancel")
    assert action["context"] == {"default_order_id": number}
    assert erp.sold(number)["state"] == "sale"


def test_past_the_wizard_the_units_come_back(erp, lamp):
    number = confirmed(erp, (lamp, 2, 5.0))
    assert act(erp, "action_cancel", number, **WIZARD_OFF) is True
    assert erp.sold(number)["state"] == "cancel"
    assert quantities(erp, lamp) == (7.0, 0.0, 7.0, 7.0)


def test_a_locked_order_is_not_cancelled(erp, lamp):
    number = confirmed(erp, (lamp, 1, 5.0))
    act(erp, "action_lock", number)
    named = {"ids": [number], "context": WIZARD_OFF}
    reason = "You cannot cancel a locked order. Please unlock it first."
    assert erp.refused("sale.order", "action_cancel", **named) == (422, reason)
    act(erp, "action_unlock", number)
    assert erp.call("sale.order", "action_cancel", **named) is True


@pytest.mark.parametrize(
    ("vals", "label"),
    [
        ({"partner_id": 3}, "Customer"),
        ({"date_order": "2026-11-01 00:00:00"}, "Order Date"),
        ({"order_line": [[0, 0, {"product_id": 1}]]}, "Order Lines"),
    ],
)
def test_a_locked_order_keeps_what_it_protects(erp, lamp, vals, label):
    number = confirmed(erp, (lamp, 1, 5.0))
    act(erp, "action_lock", number)
    status, message = erp.refused("sale.order", "write", ids=[number], vals=vals)
    assert status == 422
    assert message == f"It is forbidden to modify the following fields in a locked order:\n{label}"


def test_a_locked_order_takes_a_note(erp, lamp):
    number = confirmed(erp, (lamp, 1, 5.0))
    act(erp, "action_lock", number)
    assert erp.call("sale.order", "write", ids=[number], vals={"note": "late"}) is True


def test_state_and_lock_are_not_written(erp):
    number = erp.order()
    erp.call("sale.order", "write", ids=[number], vals={"state": "sale", "locked": True})
    assert (erp.sold(number)["state"], erp.sold(number)["locked"]) == ("draft", False)


def test_a_confirmed_order_is_not_deleted_before_it_is_cancelled(erp, lamp):
    number = confirmed(erp, (lamp, 1, 5.0))
    assert erp.refused("sale.order", "unlink", ids=[number])[0] == 422
    act(erp, "action_cancel", number, **WIZARD_OFF)
    assert erp.call("sale.order", "unlink", ids=[number]) is True
    assert erp.lines(number) == []


def test_faults_meet_sales_orders_too(erp):
    erp.standin.faults(error_after=1.0, path="/json/2/sale.order/create")
    assert erp.ask("sale.order", "create", vals_list=[{"partner_id": 4, "client_order_ref": "late"}]).status_code == 500
    assert erp.call("sale.order", "search_count", domain=[["client_order_ref", "=", "late"]]) == 1


def test_staff_ships_what_is_ordered(erp, lamp):
    number = confirmed(erp, (lamp, 2, 5.0), client_order_ref="ship:1")
    assert erp.standin.control("sale", ref="ship:1", deliver=True)["state"] == "sale"
    assert erp.lines(number)[0]["qty_delivered"] == 2.0
    assert quantities(erp, lamp) == (5.0, 0.0, 5.0, 5.0)


def test_a_shipment_is_a_done_move(erp, lamp):
    number = confirmed(erp, (lamp, 2, 5.0))
    erp.standin.control("sale", id=number, deliver=True)
    domain = [["product_id", "=", lamp], ["origin", "=", erp.sold(number)["name"]]]
    moves = erp.call("stock.move", "search_read", domain=domain, fields=["state", "quantity"])
    assert [(move["state"], move["quantity"]) for move in moves] == [("done", 2.0)]


def test_shipping_twice_ships_once(erp, lamp):
    number = confirmed(erp, (lamp, 2, 5.0))
    for _ in range(2):
        erp.standin.control("sale", id=number, deliver=True)
    assert quantities(erp, lamp)[0] == 5.0


def test_staff_makes_changes_confirms_locks_and_cancels(erp, lamp):
    made = erp.standin.control("sale", create={"partner_id": 4, "client_order_ref": "staff:1"}, confirm=True)
    assert (made["state"], made["locked"]) == ("sale", False)
    assert erp.standin.control("sale", ref="staff:1", set={"note": "x"}, lock=True)["locked"] is True
    assert erp.sold(made["id"])["note"] == "x"
    erp.standin.control("sale", ref="staff:1", lock=False)
    assert erp.standin.control("sale", ref="staff:1", cancel=True)["state"] == "cancel"


@pytest.mark.parametrize(
    "order", [{"ref": "nobody:1"}, {"id": 999_999}, {}, {"create": {}}, {"create": {"partner_id": 4}, "deliver": True}]
)
def test_a_sale_that_does_not_fit_is_refused(erp, order):
    with pytest.raises(ValueError, match="Error"):
        erp.standin.control("sale", **order)


def test_a_reference_of_two_orders_is_refused(erp):
    for _ in range(2):
        erp.order(client_order_ref="two:1")
    with pytest.raises(ValueError, match="2 sales orders"):
        erp.standin.control("sale", ref="two:1", lock=True)


def test_the_state_holds_orders_and_lines(erp, lamp):
    number = erp.order((lamp, 2, 5.0), client_order_ref="state:1")
    state = erp.standin.state()
    order = next(row for row in state["orders"] if row["id"] == number)
    lines = [row for row in state["order_lines"] if row["order_id"] == number]
    assert (order["client_order_ref"], order["amount_total"], order["partner_id"]) == ("state:1", 10.0, 4)
    assert [(line["product_id"], line["product_uom_qty"], line["state"]) for line in lines] == [(lamp, 2.0, "draft")]
    assert order["order_line"] == [lines[0]["id"]]
