"""Records inside records, records that are only a part of themselves, and records that are parts of one."""

import datetime as dt
from decimal import Decimal

import pytest

from pullpush_dagster.errors import RejectError
from tests.unit.conftest import START

VARIANTS = {"sku": "row.sku", "title": "item.title", "price": "row.price"}
IN_ROWS = {"rows": "item.variants", "external_id": {"id": "row.id", "parent": "item.id"}}
STOCK = {"sku": "item.sku", "locationId": "item.loc", "quantity": "item.q", "updatedAt": "item.at"}
BATCHES = {"external_id": {"id": "item.id"}, "sum": ("quantity",)}


def shirt(*variants, **more):
    return {"id": 1, "title": "Shirt", "variants": list(variants), **more}


# Rows in records.


def test_each_row_is_a_record_beside_the_one_it_lies_in(read):
    found = read(
        "product", VARIANTS, [shirt({"id": 11, "sku": "S", "price": "1.5"}, {"id": 12, "sku": "M"})], **IN_ROWS
    )
    assert [(row["sku"], row["title"], row["price"]) for row in found.rows] == [
        ("M", "Shirt", None),
        ("S", "Shirt", Decimal("1.5")),
    ]
    assert [row["_externalId"] for row in found.rows] == ['{"id":"12","parent":"1"}', '{"id":"11","parent":"1"}']


def test_a_record_with_an_empty_list_has_no_rows_and_no_fault(read):
    found = read("product", VARIANTS, [shirt(), shirt({"id": 11, "sku": "S"}, id=2)], **IN_ROWS)
    assert [row["sku"] for row in found.rows] == ["S"]
    assert found.faults == {}


@pytest.mark.parametrize(
    "record",
    [
        {"id": 1, "title": "Shirt"},
        {"id": 1, "variants": None},
        {"id": 1, "variants": {}},
        {"id": 1, "variants": "x"},
        5,
    ],
    ids=["none", "null", "an object", "a text", "no record"],
)
def test_a_record_without_the_list_is_set_aside_and_no_other(read, record):
    found = read("product", VARIANTS, [record, shirt({"id": 11, "sku": "S"}, id=2)], **IN_ROWS)
    assert [row["sku"] for row in found.rows] == ["S"]
    ((reasons),) = found.faults.values()
    assert "has no list at item.variants" in reasons


def test_a_row_that_cannot_be_read_sets_only_itself_aside(read):
    rows = [{"id": 11, "sku": "S", "price": "many"}, {"id": 12, "sku": "M", "price": 2}]
    found = read("product", VARIANTS, [shirt(*rows)], **IN_ROWS)
    assert [row["sku"] for row in found.rows] == ["M"]
    assert list(found.faults) == ['{"sku":"S"}']


def test_a_row_may_have_lists_and_a_skip_and_a_life_of_its_own(read):
    media = {"from": "row.images", "each": {"url": "each.src"}}
    rows = [{"id": 11, "sku": "S", "images": [{"src": "u"}], "on": "yes"}, {"id": 12, "sku": "M", "on": "no"}]
    rows += [{"id": 13, "sku": "L", "gift": "true"}]
    shape = {**IN_ROWS, "live": {"row.on": "yes"}, "skip": {"row.gift": "true"}}
    found = read("product", {"sku": "row.sku", "media": media}, [shirt(*rows)], **shape)
    assert [(row["sku"], row["media"], row["_live"]) for row in found.rows] == [
        ("M", None, False),
        ("S", [{"url": "u", "alt": None}], True),
    ]


def test_a_row_says_when_its_text_is_an_object(read):
    found = read("product", VARIANTS | {"description": "row.note"}, [shirt({"sku": "S", "note": {"a": 1}})], **IN_ROWS)
    assert found.faults == {'{"sku":"S"}': ["description: is no text, but an object or a list"]}


def test_a_row_of_null_is_a_fault(read):
    found = read("product", VARIANTS, [shirt(None)], **IN_ROWS)
    assert found.rows == []
    assert len(found.faults) == 1


def test_a_null_in_a_row_clears_and_absence_is_unknown(read):
    found = read(
        "product", VARIANTS | {"description": "row.note"}, [shirt({"id": 1, "sku": "S", "note": None})], **IN_ROWS
    )
    assert found.state("description") == "cleared"
    found = read("product", VARIANTS | {"description": "row.note"}, [shirt({"id": 1, "sku": "S"})], **IN_ROWS)
    assert found.state("description") == "unknown"


# A record that is only a part of itself.


@pytest.mark.parametrize(
    ("allowed", "native", "whole"),
    [
        (["false"], {"more": False}, True),
        (["false"], {"more": True}, False),
        (["false"], {}, False),
        (["false", ""], {}, True),
        (["false", ""], {"more": None}, True),
        (["false", ""], {"more": True}, False),
    ],
)
def test_a_record_that_is_only_a_part_of_itself_is_set_aside(read, allowed, native, whole):
    lines = {"from": "item.l", "each": {"lineId": "each.id"}}
    found = read(
        "order", {"orderId": "item.id", "lineItems": lines}, [{"id": 1, **native}], whole={"item.more": allowed}
    )
    assert (len(found.rows), found.faults) == (
        (1, {}) if whole else (0, {'{"orderId":"1"}': ["is only a part: item.more"]})
    )


# Pages that lack the list.


@pytest.mark.parametrize("body", ["{}", '{"data": null}', '{"other": []}'])
def test_a_page_that_may_lack_the_list_has_no_records(read, body):
    shape = {"each": ("data",), "external_id": {"id": "item.id"}}
    assert read("product", {"sku": "item.sku"}, body, may_lack=True, **shape).rows == []
    with pytest.raises(RejectError, match="page 0 has no list of records"):
        read("product", {"sku": "item.sku"}, body, **shape)


# Records that are parts of one.


def batch(id_, quantity, sku="A", loc="WH", **more):
    return {"id": id_, "sku": sku, "loc": loc, "q": quantity, **more}


def amounts(found):
    return {(row["sku"], row["locationId"]): row["quantity"] for row in found.rows}


def test_the_amounts_of_one_key_are_added_up(read):
    rows = [batch(1, "1.5"), batch(2, 2), batch(3, 4, loc="B"), batch(4, 0, sku="Z")]
    found = read("stocklevel", STOCK, rows, **BATCHES)
    assert amounts(found) == {("A", "WH"): Decimal("3.5"), ("A", "B"): 4, ("Z", "WH"): 0}
    assert found.faults == {}


@pytest.mark.parametrize("unknown", [batch(2, None), {"id": 2, "sku": "A", "loc": "WH"}])
def test_a_sum_of_which_a_part_is_unknown_is_unknown(read, unknown):
    found = read("stocklevel", STOCK, [batch(1, 5), unknown], **BATCHES)
    assert found.states("quantity") == ["unknown"]


def test_a_sum_of_which_a_part_cannot_be_read_is_set_aside(read):
    found = read("stocklevel", STOCK, [batch(1, 5), batch(2, "many"), batch(3, 1, sku="B")], **BATCHES)
    assert amounts(found) == {("B", "WH"): 1}
    ((key, reasons),) = found.faults.items()
    assert key == '{"sku":"A","locationId":"WH"}'
    assert len(reasons) == 1


def test_a_native_record_read_twice_is_added_once_the_newest(read):
    first, second = [batch(1, 5, at="2026-11-01T10:00:00Z"), batch(2, 1)], [batch(1, 7, at="2026-11-01T11:00:00Z")]
    found = read("stocklevel", STOCK, first, second, **BATCHES)
    assert amounts(found) == {("A", "WH"): 8}


def test_a_sum_has_the_newest_stamp_of_its_parts(read):
    rows = [batch(1, 5, at="2026-11-01T10:00:00Z"), batch(2, 1, at="2026-11-01T11:00:00Z")]
    (row,) = read("stocklevel", STOCK, rows, **BATCHES).rows
    assert row["updatedAt"].isoformat() == "2026-11-01T11:00:00+00:00"


def test_a_sum_is_as_old_as_its_oldest_part(read):
    later = START + dt.timedelta(minutes=9)
    (row,) = read("stocklevel", STOCK, [batch(1, 5)], [batch(2, 3)], asked=[START, later], **BATCHES).rows
    assert row["_askedAt"] == START


def test_of_what_is_not_added_up_the_first_part_that_knows_it_speaks(read):
    parts = [
        {"id": 3, "s": "A", "p": 1},
        {"id": 2, "s": "A", "p": 1, "t": "Cup"},
        {"id": 1, "s": "A", "p": 1, "t": "Mug"},
    ]
    fields = {"sku": "item.s", "price": "item.p", "title": "item.t"}
    (row,) = read("product", fields, parts, external_id={"id": "item.id"}, sum=("price",)).rows
    assert (row["price"], row["title"]) == (3, "Cup")


def test_parts_that_name_no_key_are_set_aside_one_by_one(read):
    found = read("stocklevel", STOCK, [batch(1, 5, sku=None), batch(2, 1, sku=None), batch(3, 1, loc="B")], **BATCHES)
    assert amounts(found) == {("A", "B"): 1}
    assert len(found.frame.quarantined) == 2


LEVELS = {("A", "WH"), ("A", "B"), ("Z", "WH"), ("Z", "B")}


@pytest.mark.parametrize(
    ("named", "whole"),
    [
        ({"sku": None, "loc": "WH"}, {("A", "B"), ("Z", "B")}),
        ({"sku": "A", "loc": None}, {("Z", "WH"), ("Z", "B")}),
        ({"sku": {"no": "text"}, "loc": "C"}, LEVELS),
        ({"sku": "", "loc": ""}, set()),
    ],
)
def test_a_sum_that_may_lack_a_part_that_names_no_whole_key_is_set_aside(read, named, whole):
    rows = [batch(number, 5, sku, loc) for number, (sku, loc) in enumerate(sorted(LEVELS))]
    found = read("stocklevel", STOCK, [*rows, batch(9, 3, **named)], **BATCHES)
    assert set(amounts(found)) == whole
    assert len(found.frame.quarantined) == 1 + len(LEVELS - whole)


def test_why_a_sum_that_may_lack_a_part_is_set_aside_is_told(read):
    found = read(
        "product", {"sku": "item.sku", "price": "item.q"}, [batch(1, 5), batch(2, 1, sku=None)], sum=("price",)
    )
    told = ["price: may lack a part, as a record of the source has no readable key"]
    assert found.faults == {'{"sku":"A"}': told, '{"sku":null}': ["sku: is empty"]}


def test_a_part_that_names_no_key_and_is_read_twice_is_set_aside_once(read):
    found = read("stocklevel", STOCK, [batch(1, 5, sku=None)], [batch(1, 5, sku=None)], **BATCHES)
    assert len(found.frame.quarantined) == 1


def test_a_sum_that_has_no_room_is_unknown_and_fails_no_pull(read):
    large = "99999999999999"
    found = read("stocklevel", STOCK, [batch(1, large), batch(2, large), batch(3, 1, sku="B")], **BATCHES)
    assert amounts(found) == {("A", "WH"): None, ("B", "WH"): 1}


@pytest.mark.parametrize(
    ("quantities", "state"), [((5, None), "unknown"), ((None, None), "cleared"), ((None, "no"), "unknown")]
)
def test_a_sum_is_only_cleared_where_all_of_its_parts_are(read, quantities, state):
    emptied = {**STOCK, "quantity": {"from": "item.q", "null": "cleared"}}
    parts = [batch(number, quantity) for number, quantity in enumerate(quantities)]
    for part in parts:
        if part["q"] == "no":
            del part["q"]
    assert read("stocklevel", emptied, parts, **BATCHES).state("quantity") == state


def test_a_sum_of_parts_none_of_which_is_in_use_is_not_in_use(read):
    shape = {**BATCHES, "live": {"item.on": "yes"}}
    rows = [batch(1, 5, on="no"), batch(2, 5, sku="B", on="no"), batch(3, 5, sku="B", on="yes")]
    assert [row["_live"] for row in read("stocklevel", STOCK, rows, **shape).rows] == [False, True]
