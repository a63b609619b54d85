"""Domains, order, paging, and how values are shown."""

import pytest


@pytest.fixture(scope="session")
def shelf(erp_client):
    """Four products under one prefix; returns their SKUs' prefix."""
    rows = [
        {"default_code": "Q-1", "name": "Äpfel", "list_price": 1.0, "is_storable": True},
        {"default_code": "Q-2", "name": "Birnen", "list_price": 2.5},
        {"default_code": "Q-3", "name": "birke", "list_price": 2.5, "description_sale": "hard"},
        {"default_code": "Q-4", "name": "Zeder", "list_price": 9.1234, "active": False},
    ]
    return erp_client.call("product.product", "create", vals_list=rows)


MINE = ["default_code", "=like", "Q-_"]


@pytest.mark.parametrize(
    ("domain", "numbers"),
    [
        ([], "123"),
        ([["list_price", "=", 2.5]], "23"),
        ([["list_price", "!=", 2.5]], "1"),
        ([["list_price", ">", 1.0]], "23"),
        ([["list_price", ">=", 1.0]], "123"),
        ([["list_price", "<", 2.5]], "1"),
        ([["list_price", "<=", 2.5]], "123"),
        ([["default_code", "in", ["Q-1", "Q-3", "no"]]], "13"),
        ([["default_code", "not in", ["Q-1"]]], "23"),
        ([["name", "like", "Bir"]], "2"),
        ([["name", "ilike", "bir"]], "23"),
        ([["name", "not ilike", "bir"]], "1"),
        ([["name", "=like", "B%n"]], "2"),
        ([["name", "=ilike", "b_r%"]], "23"),
        ([["description_sale", "=", False]], "12"),
        ([["description_sale", "!=", False]], "3"),
        ([["description_sale", "in", [False, "hard"]]], "123"),
        ([["is_storable", "=", True]], "1"),
        ([["is_storable", "=", False]], "23"),
        (["!", ["is_storable", "=", True]], "23"),
        (["|", ["name", "=", "Äpfel"], ["name", "=", "birke"]], "13"),
        (["|", "&", ["list_price", "=", 2.5], ["name", "=", "birke"], ["name", "=", "Äpfel"]], "13"),
        (["&", ["list_price", "=", 2.5], "!", ["name", "=", "birke"]], "2"),
        ([["list_price", "=", 2.5], ["name", "=", "birke"]], "3"),
        ([[1, "=", 1]], "123"),
        ([[0, "=", 1]], ""),
    ],
)
def test_a_domain_selects(erp, shelf, domain, numbers):
    assert "".join(sku[-1] for sku in erp.skus([MINE, *domain], order="default_code")) == numbers


@pytest.mark.parametrize("domain", [["|", ["id", "=", 1]], [["id", "=="]], [["id", "~", 1]], [["id", "in", 1]], ["&"]])
def test_a_malformed_domain_is_a_500(erp, domain):
    answer = erp.ask("product.product", "search", domain=domain)
    assert (answer.status_code, answer.json()["name"]) == (500, "builtins.ValueError")


def test_a_dotted_path_reaches_the_template(erp, shelf):
    template = erp.read(shelf[0], "product_tmpl_id")["product_tmpl_id"][0]
    assert erp.skus([["product_tmpl_id.id", "=", template]]) == ["Q-1"]
    assert erp.skus([["product_tmpl_id.name", "=", "Äpfel"]]) == ["Q-1"]
    assert erp.skus([["product_tmpl_id", "=", template]]) == ["Q-1"]


def test_a_relation_can_be_searched_by_name(erp, shelf):
    assert erp.skus([["product_tmpl_id", "ilike", "äpfel"]]) == ["Q-1"]


def test_archived_rows_are_hidden_unless_asked_for(erp, shelf):  # observed, Odoo 9
    assert "Q-4" not in erp.skus([MINE])
    assert "Q-4" in erp.skus([MINE], context={"active_test": False})
    assert erp.skus([MINE, ["active", "=", False]]) == ["Q-4"]
    assert len(erp.skus([MINE, ["active", "in", [True, False]]])) == 4


def test_an_archived_row_can_still_be_read(erp, shelf):  # observed, Odoo 9
    assert erp.read(shelf[3], "name", "active") == {"id": shelf[3], "name": "Zeder", "active": False}


def test_the_default_order_is_sku_then_name_then_id(erp):
    rows = [
        {"default_code": "R-2", "name": "b"},
        {"default_code": "R-2", "name": "a"},
        {"default_code": "R-1", "name": "z"},
    ]
    two, one, first = erp.call("product.product", "create", vals_list=rows)
    assert erp.call("product.product", "search", domain=[["default_code", "=like", "R-%"]]) == [first, one, two]


@pytest.mark.parametrize(
    ("order", "numbers"),
    [("id desc", "321"), ("list_price, id", "123"), ("list_price desc, id desc", "321"), ("name asc", "231")],
)
def test_rows_come_in_the_order_asked_for(erp, shelf, order, numbers):
    assert "".join(sku[-1] for sku in erp.skus([MINE], order=order)) == numbers


def test_empty_values_sort_last(erp, shelf):
    assert erp.skus([MINE], order="description_sale, id") == ["Q-3", "Q-1", "Q-2"]


def test_offset_and_limit_cut_the_sorted_rows(erp, shelf):
    assert erp.skus([MINE], order="id", offset=1, limit=1) == ["Q-2"]
    assert erp.skus([MINE], order="id", offset=9) == []


def test_search_count_counts_all_matches(erp, shelf):
    assert erp.call("product.product", "search_count", domain=[MINE]) == 3
    assert erp.call("product.product", "search_count", domain=[MINE], limit=2) == 2


def test_a_cursor_by_stamp_and_id_walks_every_row_once(erp):
    seen, domain = [], []
    while page := erp.call(
        "product.product", "search_read", domain=domain, fields=["write_date"], order="write_date, id", limit=70
    ):
        seen += [row["id"] for row in page]
        stamp, last = page[-1]["write_date"], page[-1]["id"]
        domain = ["|", ["write_date", ">", stamp], "&", ["write_date", "=", stamp], ["id", ">", last]]
    assert len(seen) == len(set(seen)) == erp.call("product.product", "search_count", domain=[])


def test_empty_texts_read_false(erp, shelf):  # observed, Odoo 12
    row = erp.read(shelf[0], "barcode", "description_sale", "default_code")
    assert row == {"id": shelf[0], "barcode": False, "description_sale": False, "default_code": "Q-1"}


@pytest.mark.parametrize("empty", [False, None, ""])
def test_every_kind_of_empty_text_clears(erp, empty):  # observed, Odoo 12
    number, _ = erp.new(description_sale="something")
    erp.write(number, description_sale=empty)
    assert erp.read(number, "description_sale")["description_sale"] is False


def test_a_relation_reads_as_id_and_name(erp, shelf):  # observed, Odoo 12
    row = erp.read(shelf[0], "product_tmpl_id", "currency_id")
    assert row["product_tmpl_id"][1] == "[Q-1] Äpfel"
    assert row["currency_id"] == [1, "EUR"]


def test_a_relation_can_be_read_without_its_name(erp, shelf):
    row = erp.call("product.product", "read", ids=shelf[:1], fields=["currency_id"], load=None)[0]
    assert row["currency_id"] == 1


def test_datetimes_are_naive_utc_of_whole_seconds(erp, shelf):  # observed, Odoo 12
    stamp = erp.read(shelf[0], "write_date")["write_date"]
    assert len(stamp) == 19
    assert stamp[10] == " "


@pytest.mark.parametrize("stamp", ["2026-11-01T00:00:00", "yesterday", "2026-11-01 00:00"])
def test_another_form_of_datetime_is_a_500(erp, stamp):
    assert erp.ask("product.product", "search", domain=[["write_date", ">", stamp]]).status_code == 500


def test_a_date_alone_is_its_midnight(erp):
    assert erp.skus([["write_date", "<", "2001-01-01"]]) == []


def test_no_fields_means_all_fields(erp, shelf):
    row = erp.call("product.product", "read", ids=shelf[:1])[0]
    assert {"name", "lst_price", "qty_available", "write_date", "product_tmpl_id"} <= set(row)


def test_read_keeps_the_order_of_the_ids(erp, shelf):
    rows = erp.call("product.product", "read", ids=[shelf[2], shelf[0]], fields=["id"])
    assert [row["id"] for row in rows] == [shelf[2], shelf[0]]


def test_a_thousand_products_with_quantities_come_in_one_call(erp):  # observed, Odoo 13
    vals = [{"name": f"Many {number}", "is_storable": True} for number in range(1000)]
    ids = erp.call("product.product", "create", vals_list=vals)
    rows = erp.call("product.product", "search_read", domain=[["id", "in", ids]], fields=["qty_available", "free_qty"])
    assert len(rows) == 1000
    erp.call("product.product", "unlink", ids=ids)
