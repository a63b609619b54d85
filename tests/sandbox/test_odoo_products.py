"""Products and their templates: what a write reaches, and which stamp it moves."""

import pytest

SPREAD = 19643  # the first eight draws of this seed lie furthest apart, so the order of finishing is beyond doubt


@pytest.fixture
def stamps(erp):
    """Reads both stamps of a product, one second after whatever was done before."""

    def read(number):
        row = erp.read(number, "write_date", "product_tmpl_id")
        template = erp.call("product.template", "read", ids=[row["product_tmpl_id"][0]], fields=["write_date"])[0]
        erp.standin.control("clock", advance=2)
        return row["write_date"], template["write_date"]

    return read


def test_a_product_shows_its_templates_fields(erp):
    number, _ = erp.new(name="Lamp", list_price=12.3456, description_sale="bright")
    row = erp.read(number, "name", "lst_price", "list_price", "description_sale", "type", "is_storable")
    assert row == {
        "id": number,
        "name": "Lamp",
        "lst_price": 12.3456,
        "list_price": 12.3456,
        "description_sale": "bright",
        "type": "consu",
        "is_storable": True,
    }


def test_a_variants_own_field_moves_only_its_own_stamp(erp, stamps):
    number, _ = erp.new()
    before = stamps(number)
    erp.write(number, barcode="4006381333931")
    after = stamps(number)
    assert after[0] > before[0]
    assert after[1] == before[1]


@pytest.mark.parametrize("vals", [{"name": "New"}, {"list_price": 7}, {"lst_price": 8}, {"description_sale": "x"}])
def test_a_templates_field_written_through_the_variant_moves_only_the_templates_stamp(erp, stamps, vals):
    number, _ = erp.new()
    before = stamps(number)
    erp.write(number, **vals)
    after = stamps(number)
    assert after[0] == before[0]
    assert after[1] > before[1]


def test_a_cursor_over_both_stamps_finds_what_one_alone_misses(erp, stamps):
    number, sku = erp.new()
    stamps(number)
    since = erp.standin.control("clock")["now"][:19].replace("T", " ")
    erp.write(number, name="Renamed")
    assert sku not in erp.skus([["write_date", ">=", since]])
    assert sku in erp.skus(["|", ["write_date", ">=", since], ["product_tmpl_id.write_date", ">=", since]])


def test_a_write_of_the_same_value_moves_the_stamp(erp, stamps):
    number, sku = erp.new()
    before = stamps(number)
    erp.write(number, default_code=sku)
    assert stamps(number)[0] > before[0]


def test_greater_than_loses_the_rows_of_its_own_second(erp):  # observed, Odoo 3
    erp.standin.control("clock", advance=5, freeze=True)
    (_, first), (_, second) = erp.new(), erp.new()
    cursor = (
        erp.skus([["default_code", "=", first]])
        and erp.call("product.product", "search_read", domain=[["default_code", "=", first]], fields=["write_date"])[0][
            "write_date"
        ]
    )
    assert erp.skus([["write_date", ">", cursor]]) == []
    assert set(erp.skus([["write_date", ">=", cursor]])) == {first, second}


def test_two_products_may_share_a_sku(erp):  # observed, Odoo 8
    erp.new(default_code="SAME")
    erp.new(default_code="SAME")
    assert erp.skus([["default_code", "=", "SAME"]]) == ["SAME", "SAME"]


def test_two_products_may_not_share_a_barcode(erp):
    first, _ = erp.new(barcode="111")
    answer = erp.ask("product.product", "create", vals_list=[{"name": "x", "barcode": "111"}])
    assert (answer.status_code, answer.json()["name"]) == (422, "odoo.exceptions.ValidationError")
    erp.write(first, barcode=False)
    assert erp.ask("product.product", "create", vals_list=[{"name": "x", "barcode": "111"}]).status_code == 200


def test_one_bad_row_and_no_row_is_made(erp):  # observed, Odoo 10
    before = erp.call("product.product", "search_count", domain=[])
    answer = erp.ask("product.product", "create", vals_list=[{"name": "good"}, {"default_code": "nameless"}])
    assert answer.status_code == 422
    assert erp.call("product.product", "search_count", domain=[]) == before
    assert erp.call("product.template", "search_count", domain=[["name", "=", "good"]]) == 0


def test_one_write_sets_one_value_on_many_rows(erp):  # observed, Odoo 10
    ids = [erp.new()[0] for _ in range(3)]
    assert erp.call("product.product", "write", ids=ids, vals={"name": "Alike"}) is True
    assert {erp.read(number, "name")["name"] for number in ids} == {"Alike"}


def test_a_write_on_a_missing_row_changes_none(erp):
    number, _ = erp.new(name="Kept")
    answer = erp.ask("product.product", "write", ids=[number, 10**9], vals={"name": "Lost"})
    assert (answer.status_code, answer.json()["name"]) == (404, "odoo.exceptions.MissingError")
    assert erp.read(number, "name")["name"] == "Kept"


def test_unlink_leaves_no_trace(erp):  # observed, Odoo 9
    number, sku = erp.new()
    assert erp.call("product.product", "unlink", ids=[number]) is True
    assert erp.call("product.product", "read", ids=[number], fields=["name"]) == []
    assert erp.skus([["default_code", "=", sku]], context={"active_test": False}) == []


def test_unlink_of_a_used_product_is_refused(erp):  # observed, Odoo 9
    number, _ = erp.new()
    erp.count(number, 3)
    answer = erp.ask("product.product", "unlink", ids=[number])
    assert (answer.status_code, answer.json()["name"]) == (422, "odoo.exceptions.UserError")
    assert erp.read(number, "id") == {"id": number}


def test_computed_and_audit_fields_in_a_write_are_ignored(erp):
    number, _ = erp.new()
    erp.write(number, qty_available=99, write_date="2001-01-01 00:00:00", id=5)
    row = erp.read(number, "qty_available", "write_date")
    assert row["qty_available"] == 0.0
    assert row["write_date"] > "2026"


def test_a_template_has_several_variants_of_one_name(erp):
    number, _ = erp.new(name="Chair")
    template = erp.read(number, "product_tmpl_id")["product_tmpl_id"][0]
    other = erp.call("product.product", "create", vals_list=[{"product_tmpl_id": template, "default_code": "C-2"}])[0]
    erp.write(other, name="Armchair")
    assert erp.read(number, "name")["name"] == "Armchair"
    row = erp.call("product.template", "read", ids=[template], fields=["default_code", "product_variant_ids"])[0]
    assert row["default_code"] is False
    assert row["product_variant_ids"] == [number, other]


def test_a_template_made_directly_has_one_variant(erp):
    vals = {"name": "Bowl", "default_code": "B-1", "barcode": "222"}
    template = erp.call("product.template", "create", vals_list=[vals])[0]
    row = erp.call("product.template", "read", ids=[template], fields=["default_code", "product_variant_ids"])[0]
    assert row["default_code"] == "B-1"
    assert erp.read(row["product_variant_ids"][0], "barcode", "name")["barcode"] == "222"


def test_archiving_the_last_variant_archives_the_template_and_back(erp):
    number, sku = erp.new()
    template = erp.read(number, "product_tmpl_id")["product_tmpl_id"][0]
    erp.write(number, active=False)
    assert erp.call("product.template", "read", ids=[template], fields=["active"])[0]["active"] is False
    erp.call("product.template", "write", ids=[template], vals={"active": True})
    assert erp.skus([["default_code", "=", sku]]) == [sku]


def test_of_parallel_writes_the_last_to_finish_wins(erp, together):  # observed, Odoo 11
    number, _ = erp.new()
    erp.standin.faults(latency_ms=40, jitter_ms=400, seed=SPREAD)
    finished = together(
        lambda n: erp.ask("product.product", "write", ids=[number], vals={"name": f"n{n}"}), range(1, 9)
    )
    erp.standin.faults()
    assert {answer.status_code for _, answer in finished} == {200}
    assert erp.read(number, "name")["name"] == f"n{finished[-1][0]}"
