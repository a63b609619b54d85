"""Lists: paging, filters, order, and how a cursor by date goes wrong."""

from datetime import datetime, timedelta

import pytest

ROOT = "/wp-json/wc/v3"


def moved(stamp, seconds):
    return (datetime.fromisoformat(stamp) + timedelta(seconds=seconds)).isoformat()


def ids(rows):
    return [row["id"] for row in rows]


@pytest.fixture
def block(shop):
    """Makes n products, newer than all others, one second apart; returns their ids, oldest first."""

    def make(n):
        made = []
        for _ in range(n):
            shop.standin.control("clock", advance=1)
            made.append(shop.standin.control("product", create={"name": "Row"})["id"])
        return made

    return make


def test_modified_after_excludes_the_very_second(shop):  # observed, WooCommerce 3
    shop.standin.control("clock", advance=5, freeze=True)
    first, second = shop.new(), shop.new()
    stamp = first["date_modified_gmt"]
    assert second["date_modified_gmt"] == stamp
    after = {"dates_are_gmt": "true", "per_page": 100}
    assert shop.call("GET", "/products", modified_after=stamp, **after) == []
    assert set(ids(shop.call("GET", "/products", modified_after=moved(stamp, -1), **after))) == {
        first["id"],
        second["id"],
    }


def test_modified_before_excludes_the_very_second_too(shop):
    shop.standin.control("clock", advance=5, freeze=True)
    item = shop.new()
    stamp = item["date_modified_gmt"]
    bounds = {"modified_after": moved(stamp, -1), "dates_are_gmt": "true"}
    assert shop.call("GET", "/products", modified_before=stamp, **bounds) == []
    assert ids(shop.call("GET", "/products", modified_before=moved(stamp, 1), **bounds)) == [item["id"]]


def test_page_numbers_drift_when_rows_change_between_pages(shop, block):  # observed, WooCommerce 4
    anchor = shop.new()["date_modified_gmt"]
    made = block(123)
    query = {"orderby": "modified", "order": "asc", "per_page": 25, "modified_after": anchor, "dates_are_gmt": "true"}
    seen = ids(shop.call("GET", "/products", page=1, **query))
    for number in made[:5]:
        shop.standin.control("clock", advance=1)
        shop.standin.control("product", id=number, set={"name": "Edited"})
    for page in range(2, 6):
        seen += ids(shop.call("GET", "/products", page=page, **query))
    assert (len(seen), len(set(seen))) == (123, 118)
    assert set(made) - set(seen) == set(made[25:30])


@pytest.mark.parametrize("size", [7, 10, 25])
def test_page_numbers_are_complete_while_nothing_changes(shop, size):  # observed, WooCommerce 4
    seen, page = [], 1
    while rows := shop.call("GET", "/products", orderby="modified", order="asc", per_page=size, page=page):
        seen += ids(rows)
        page += 1
    total = int(shop.ask("GET", "/products").headers["X-WP-Total"])
    assert len(seen) == len(set(seen)) == total


def test_a_put_of_the_same_value_moves_the_date(shop):  # observed, WooCommerce 5
    item = shop.new(manage_stock=True, stock_quantity=5)
    shop.standin.control("clock", advance=3)
    assert shop.put(item["id"], stock_quantity=5)["date_modified_gmt"] > item["date_modified_gmt"]


@pytest.mark.parametrize("params", [{"per_page": 101}, {"per_page": 0}, {"page": 0}, {"per_page": "many"}])
def test_a_page_of_another_size_is_refused(shop, params):  # observed, WooCommerce 9
    assert shop.refused("GET", "/products", **params) == (400, "rest_invalid_param")


def test_a_hundred_rows_a_page_is_the_most(shop, block):  # observed, WooCommerce 9
    block(100)
    assert len(shop.call("GET", "/products", per_page=100)) == 100
    assert len(shop.call("GET", "/products")) == 10


def test_the_headers_say_how_much_there_is(shop):  # observed, WooCommerce 9
    headers = shop.ask("GET", "/products", per_page=7, page=2).headers
    total, pages = int(headers["X-WP-Total"]), int(headers["X-WP-TotalPages"])
    assert pages == -(-total // 7)
    assert 'page=1>; rel="prev"' in headers["Link"]
    assert 'page=3>; rel="next"' in headers["Link"]
    assert f"{shop.standin.url}{ROOT}/products?per_page=7" in headers["Link"]


def test_the_last_page_has_no_next(shop):
    pages = shop.ask("GET", "/products", per_page=10).headers["X-WP-TotalPages"]
    link = shop.ask("GET", "/products", per_page=10, page=pages).headers["Link"]
    assert 'rel="prev"' in link
    assert 'rel="next"' not in link


def test_a_page_past_the_end_is_empty(shop):  # observed, WooCommerce 9
    answer = shop.ask("GET", "/products", page=9999)
    assert (answer.status_code, answer.json()) == (200, [])
    assert int(answer.headers["X-WP-Total"]) > 0


def test_an_offset_skips_rows(shop):
    first = ids(shop.call("GET", "/products", orderby="id", order="asc", per_page=5))
    assert ids(shop.call("GET", "/products", orderby="id", order="asc", per_page=2, offset=3)) == first[3:]


def test_newest_comes_first_unless_asked_otherwise(shop, block):
    made = block(3)
    assert ids(shop.call("GET", "/products", per_page=3)) == made[::-1]


@pytest.mark.parametrize(
    ("orderby", "names"), [("title", "abc"), ("id", "cab"), ("modified", "abc"), ("date", "cab"), ("slug", "abc")]
)
def test_rows_come_in_the_order_asked_for(shop, orderby, names):
    made = [shop.new(name=f"{letter} order {orderby}") for letter in "cab"]
    for item in sorted(made, key=lambda item: item["name"]):
        shop.standin.control("clock", advance=1)
        shop.put(item["id"], name=item["name"])
    rows = shop.call("GET", "/products", include=",".join(map(str, ids(made))), orderby=orderby, order="asc")
    assert "".join(row["name"][0] for row in rows) == names


@pytest.mark.parametrize("params", [{"orderby": "weight"}, {"order": "up"}, {"status": "shiny"}])
def test_an_unknown_order_or_status_is_refused(shop, params):
    assert shop.refused("GET", "/products", **params) == (400, "rest_invalid_param")


@pytest.mark.parametrize("stamp", ["2026-11-01", "yesterday", "2026-11-01T12:00"])
def test_a_date_of_another_form_is_refused(shop, stamp):
    assert shop.refused("GET", "/products", modified_after=stamp) == (400, "rest_invalid_param")


def test_dates_carry_no_zone_and_come_in_two_clocks(shop):
    item = shop.new()
    assert len(item["date_modified_gmt"]) == 19
    assert item["date_modified"] == moved(item["date_modified_gmt"], 2 * 3600)
    assert item["date_created_gmt"] == item["date_modified_gmt"]


def test_without_dates_are_gmt_a_bound_is_the_shops_own_time(shop):
    shop.standin.control("clock", advance=5, freeze=True)
    item = shop.new()
    assert ids(shop.call("GET", "/products", modified_after=moved(item["date_modified"], -1))) == [item["id"]]
    assert shop.call("GET", "/products", modified_after=item["date_modified"]) == []


def test_a_zone_in_the_bound_shifts_it_to_the_shops_clock_first(shop):
    shop.standin.control("clock", advance=5, freeze=True)
    item = shop.new()
    zoned = moved(item["date_modified_gmt"], -1) + "Z"
    assert ids(shop.call("GET", "/products", modified_after=zoned)) == [item["id"]]
    assert shop.call("GET", "/products", modified_after=zoned, dates_are_gmt="true") == []


def test_include_and_exclude_take_lists_in_both_forms(shop):
    one, two, three = (shop.new()["id"] for _ in range(3))
    wanted = f"{one},{two},{three}"
    assert set(ids(shop.call("GET", "/products", include=wanted, exclude=two))) == {one, three}
    rows = shop.call("GET", f"/products?include%5B%5D={one}&include%5B%5D={three}")
    assert set(ids(rows)) == {one, three}


def test_several_skus_are_found_at_once(shop):
    one, two = shop.new(), shop.new()
    rows = shop.call("GET", "/products", sku=f"{one['sku']},{two['sku']},NOPE")
    assert set(ids(rows)) == {one["id"], two["id"]}


def test_a_sku_with_a_comma_is_found_as_a_whole(shop):
    item = shop.new(sku="COMMA,1")
    assert ids(shop.call("GET", "/products", sku="COMMA,1")) == [item["id"]]


def test_an_unknown_sku_finds_nothing(shop):
    assert shop.call("GET", "/products", sku="NOPE") == []


def test_search_looks_into_name_and_description(shop):
    by_name = shop.new(name="Zyxophone grand")
    by_text = shop.new(description="goes with a zyxophone")
    assert set(ids(shop.call("GET", "/products", search="zyxophone"))) == {by_name["id"], by_text["id"]}


def test_status_and_slug_filter(shop):
    item = shop.new(status="draft", name="A slug of its own")
    assert item["id"] in ids(shop.call("GET", "/products", status="draft", per_page=100))
    assert item["id"] not in ids(shop.call("GET", "/products", status="publish", per_page=100))
    assert ids(shop.call("GET", "/products", slug="a-slug-of-its-own")) == [item["id"]]


def test_fields_can_be_trimmed(shop):  # observed, WooCommerce 16
    rows = shop.call("GET", "/products", _fields="id,sku,stock_quantity", per_page=5)
    assert [list(row) for row in rows] == [["id", "sku", "stock_quantity"]] * 5
    item = shop.call("GET", f"/products/{rows[0]['id']}", _fields="id,dimensions.width")
    assert item == {"id": rows[0]["id"], "dimensions": {"width": ""}}
