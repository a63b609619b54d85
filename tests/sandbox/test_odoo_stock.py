"""Stock: what moves it, what shows it, and what cannot be told apart."""

import pytest

QUANTITIES = ("qty_available", "outgoing_qty", "incoming_qty", "virtual_available", "free_qty")


def quants(erp, number):
    return erp.call(
        "stock.quant", "search_read", domain=[["product_id", "=", number]], fields=["quantity", "location_id"]
    )


def test_stock_does_not_move_the_products_stamps(erp):  # observed, Odoo 4
    number, _ = erp.new()
    template = erp.read(number, "product_tmpl_id")["product_tmpl_id"][0]
    before = erp.read(number, "write_date")
    shared = erp.call("product.template", "read", ids=[template], fields=["write_date"])
    erp.standin.control("clock", advance=3)
    erp.count(number, 7)
    assert erp.read(number, "qty_available")["qty_available"] == 7.0
    assert erp.read(number, "write_date") == before
    assert erp.call("product.template", "read", ids=[template], fields=["write_date"]) == shared


def test_counting_again_sets_and_does_not_add(erp):
    number, _ = erp.new()
    assert erp.count(number, 7) == erp.count(number, 3)
    assert [row["quantity"] for row in quants(erp, number)] == [3.0]


def test_writing_the_counted_quantity_sets_the_stock(erp):
    number, _ = erp.new()
    quant = erp.count(number, 7)
    erp.call("stock.quant", "write", ids=[quant], vals={"inventory_quantity_auto_apply": -2})
    assert erp.read(number, "qty_available")["qty_available"] == -2.0


def test_the_quantity_itself_is_read_only(erp):
    number, _ = erp.new()
    quant = erp.count(number, 7)
    answer = erp.ask("stock.quant", "write", ids=[quant], vals={"quantity": 9})
    assert answer.status_code == 422
    assert quants(erp, number)[0]["quantity"] == 7.0


@pytest.mark.parametrize("vals", [{"is_storable": False}, {"is_storable": False, "type": "service"}])
def test_an_untracked_product_takes_no_quant(erp, vals):
    number, _ = erp.new(**vals)
    order = {"product_id": number, "location_id": erp.warehouse("WH")[1], "inventory_quantity_auto_apply": 1}
    answer = erp.ask("stock.quant", "create", vals_list=[order])
    assert (answer.status_code, answer.json()["name"]) == (422, "odoo.exceptions.ValidationError")


def test_a_place_that_is_not_ours_takes_no_quant(erp):
    number, _ = erp.new()
    customers = erp.call("stock.location", "search", domain=[["usage", "=", "customer"]])[0]
    order = {"product_id": number, "location_id": customers, "inventory_quantity_auto_apply": 1}
    assert erp.ask("stock.quant", "create", vals_list=[order]).status_code == 422


def test_a_zero_quant_stays_until_physical_inventory_is_opened(erp):  # observed, Odoo 5
    number, _ = erp.new()
    erp.count(number, 5)
    erp.count(number, 0)
    assert [row["quantity"] for row in quants(erp, number)] == [0.0]
    assert erp.call("stock.quant", "action_view_inventory")["res_model"] == "stock.quant"
    assert quants(erp, number) == []


def test_a_cursor_over_quants_misses_a_vanished_zero_and_one_over_moves_does_not(erp):  # observed, Odoo 5
    number, _ = erp.new()
    erp.count(number, 5)
    erp.standin.control("clock", advance=5)
    since = erp.standin.control("clock")["now"][:19].replace("T", " ")
    erp.count(number, 0)
    erp.standin.control("inventory")
    domain = [["write_date", ">=", since], ["product_id", "=", number]]
    assert erp.call("stock.quant", "search_count", domain=domain) == 0
    moves = erp.call(
        "stock.move", "search_read", domain=[*domain, ["state", "=", "done"]], fields=["product_id", "quantity"]
    )
    assert [(move["product_id"][0], move["quantity"]) for move in moves] == [(number, 5.0)]


def test_zero_is_read_for_never_stocked_for_empty_and_for_services(erp):  # observed, Odoo 6
    never, _ = erp.new()
    empty, _ = erp.new()
    erp.count(empty, 0)
    service, _ = erp.new(is_storable=False, type="service")
    assert [erp.read(number, "qty_available")["qty_available"] for number in (never, empty, service)] == [0.0, 0.0, 0.0]
    assert [erp.read(number, "is_storable")["is_storable"] for number in (never, empty, service)] == [True, True, False]
    moves = [erp.call("stock.move", "search_count", domain=[["product_id", "=", number]]) for number in (never, empty)]
    assert moves == [0, 1]


def test_free_quantity_does_not_fall_on_a_confirmed_order(erp):  # observed, Odoo 6
    number, sku = erp.new()
    erp.count(number, 7)
    erp.standin.control("stock", sku=sku, warehouse="WH", outgoing=2)
    row = erp.read(number, *QUANTITIES)
    assert [row[name] for name in QUANTITIES] == [7.0, 2.0, 0.0, 5.0, 7.0]


@pytest.mark.parametrize(("code", "units"), [("WH", 7.0), ("STORE", 3.0)])
def test_the_context_narrows_to_a_warehouse(erp, code, units):  # observed, Odoo 7
    number, _ = erp.new()
    erp.count(number, 7, "WH")
    erp.count(number, 3, "STORE")
    assert erp.read(number, "qty_available", warehouse_id=erp.warehouse(code)[0])["qty_available"] == units
    assert erp.read(number, "qty_available", location=erp.warehouse(code)[1])["qty_available"] == units
    assert erp.read(number, "qty_available")["qty_available"] == 10.0


def test_outgoing_counts_in_its_own_warehouse_only(erp):  # observed, Odoo 7
    number, sku = erp.new()
    erp.standin.control("stock", sku=sku, warehouse="STORE", quantity=5, outgoing=4)
    wh, store = (erp.read(number, "outgoing_qty", warehouse_id=erp.warehouse(c)[0]) for c in ("WH", "STORE"))
    assert (wh["outgoing_qty"], store["outgoing_qty"]) == (0.0, 4.0)


def test_quants_are_summed_by_product_and_location(erp):  # observed, Odoo 7
    number, _ = erp.new()
    erp.count(number, 7, "WH")
    erp.count(number, 3, "STORE")
    rows = erp.call(
        "stock.quant",
        "formatted_read_group",
        domain=[["product_id", "=", number], ["location_id.usage", "=", "internal"]],
        groupby=["product_id", "location_id"],
        aggregates=["quantity:sum", "__count"],
    )
    levels = {row["location_id"][1]: (row["quantity:sum"], row["__count"]) for row in rows}
    assert levels == {"WH/Stock": (7.0, 1), "STORE/Stock": (3.0, 1)}
    assert rows[0]["__extra_domain"][0] == ["product_id", "=", number]


def test_an_unknown_aggregate_is_a_500(erp):
    answer = erp.ask(
        "stock.quant", "formatted_read_group", domain=[], groupby=["product_id"], aggregates=["quantity:mode"]
    )
    assert answer.status_code == 500


def test_quantities_can_be_searched(erp):
    number, sku = erp.new()
    erp.count(number, 123456)
    assert erp.skus([["qty_available", ">", 123455]]) == [sku]


def test_the_warehouses_are_wh_and_store(erp):
    rows = erp.call("stock.warehouse", "search_read", domain=[], fields=["code", "lot_stock_id"])
    assert [(row["code"], row["lot_stock_id"][1]) for row in rows] == [("WH", "WH/Stock"), ("STORE", "STORE/Stock")]


@pytest.mark.parametrize(("method", "named"), [("create", {"vals_list": [{}]}), ("write", {"ids": [1], "vals": {}})])
def test_moves_cannot_be_written(erp, method, named):
    assert erp.ask("stock.move", method, **named).status_code == 422
