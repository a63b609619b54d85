"""Drift: the ERP changes by itself, and says exactly what."""

import pytest


def picture(erp):
    """By SKU: what a product sync and a stock sync would read; SKUs of several rows are left out."""
    rows = erp.call(
        "product.product",
        "search_read",
        domain=[],
        fields=["default_code", "name", "list_price", "description_sale"],
        context={"active_test": True},
    )
    skus = [row["default_code"] for row in rows]
    products = {row.pop("default_code"): row for row in rows if skus.count(row["default_code"]) == 1}
    return products, stock(erp)


def stock(erp):
    """By (sku, warehouse): units, for every product that is tracked."""
    levels = {}
    for code in ("WH", "STORE"):
        context = {"warehouse_id": erp.warehouse(code)[0], "active_test": False}
        domain = [["is_storable", "=", True]]
        fields = ["default_code", "qty_available"]
        for row in erp.call("product.product", "search_read", domain=domain, fields=fields, context=context):
            levels[row["default_code"], code] = row["qty_available"]
    return levels


def differing(before, after):
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


@pytest.fixture(scope="module")
def drifted(erp_client):
    """Pictures before and after one drift, and what the drift said of itself."""
    before = picture(erp_client)
    told = erp_client.standin.control("drift", n=40, seed=3)
    return before, told, picture(erp_client)


def test_the_products_named_are_those_that_changed(drifted):
    before, told, after = drifted
    assert set(told["products"]) == differing(before[0], after[0])


def test_the_stock_named_is_what_changed(drifted):
    before, told, after = drifted
    new = {(sku, code) for sku in told["products"] if sku.startswith("NEW-") for code in ("WH", "STORE")}
    assert {tuple(pair) for pair in told["stock"]} == differing(before[1], after[1]) - new


def test_every_kind_of_change_happens(drifted):
    kinds = {change["kind"] for change in drifted[1]["how"]}
    assert kinds == {"move", "zero", "negative", "vanish", "title", "price", "describe", "clear", "create", "archive"}


def test_every_change_tells_before_and_after(drifted):
    before, told, after = drifted
    moves = [change for change in told["how"] if "warehouse" in change]
    assert len(moves) == 24
    for change in moves:
        key = change["sku"], change["warehouse"]
        assert (change["before"], change["after"]) == (before[1][key], after[1][key])


def test_a_vanished_stock_leaves_no_quant(erp, drifted):
    gone = [change for change in drifted[1]["how"] if change["kind"] == "vanish"]
    for change in gone:
        place = [
            ["product_id.default_code", "=", change["sku"]],
            ["location_id", "=", erp.warehouse(change["warehouse"])[1]],
        ]
        assert erp.call("stock.quant", "search_count", domain=place) == 0
    assert gone


def test_a_description_is_cleared_to_false(erp, drifted):
    cleared = [change["sku"] for change in drifted[1]["how"] if change["kind"] == "clear"]
    rows = erp.call(
        "product.product", "search_read", domain=[["default_code", "in", cleared]], fields=["description_sale"]
    )
    assert {row["description_sale"] for row in rows} == {False}


def test_a_stock_cursor_over_moves_finds_every_stock_change(erp):
    erp.standin.control("clock", advance=5)
    since = erp.standin.control("clock")["now"][:19].replace("T", " ")
    told = erp.standin.control("drift", n=20, seed=8)
    domain = [["write_date", ">=", since], ["state", "=", "done"]]
    moves = erp.call("stock.move", "search_read", domain=domain, fields=["product_id"])
    numbers = [move["product_id"][0] for move in moves]
    assert sorted(erp.skus([["id", "in", numbers]])) == sorted({sku for sku, _ in told["stock"]})


def test_another_seed_drifts_elsewhere(erp):
    first, second = (erp.standin.control("drift", n=10, seed=seed)["stock"] for seed in (20, 21))
    assert first != second
