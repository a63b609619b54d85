"""A frame has one row per key; what cannot be used is set aside whole, with its reasons."""

import datetime as dt

import pytest

from pullpush_dagster.errors import RejectError

PRODUCT = {"sku": "item.sku", "title": "item.title", "price": "item.price", "currency": "item.currency",
           "status": "item.status", "updatedAt": "item.at"}  # fmt: skip
TWICE = ["sku: 2 records of the source claim this key"]
NOON = dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)


def skus(found):
    return [row["sku"] for row in found.rows]


@pytest.mark.parametrize("body", ["<html>Bad gateway", '[{"id": 1, "sku"', "", '{"error": "no"}', "5", "null"])
def test_a_page_that_is_no_list_of_records_fails_the_pull(read, body):
    with pytest.raises(RejectError):
        read("product", PRODUCT, [{"id": 1, "sku": "A"}], body)


def test_a_page_without_the_list_the_connector_names_fails_the_pull(read):
    with pytest.raises(RejectError, match="page 0 has no list of records"):
        read("product", PRODUCT, '{"other": []}', each=("data", "items"))


def test_what_a_page_says_is_never_in_the_error(read):
    with pytest.raises(RejectError) as raised:
        read("product", PRODUCT, "<p>jane@example.com")
    assert "jane" not in str(raised.value)


def test_records_lie_where_the_connector_says(read):
    assert skus(read("product", PRODUCT, '{"data": {"items": [{"id": 1, "sku": "A"}]}}', each=("data", "items"))) == [
        "A"
    ]


def test_rows_are_in_order_of_key(read):
    assert skus(read("product", PRODUCT, [{"id": 1, "sku": "C"}, {"id": 2, "sku": "A"}], [{"id": 3, "sku": "B"}])) == [
        "A", "B", "C",
    ]  # fmt: skip


def test_so_much_that_all_cores_read_it_reads_as_a_little_does(read):
    # Given four pages of 2 MB each: the last gives a record of the first again, newer, and a key is claimed twice
    pages = [
        [
            {"id": 10 * page + at, "sku": f"{page}-{at}", "title": "long " * 50_000, "at": "2026-11-01T12:00:00Z"}
            for at in range(8)
        ]
        for page in range(4)
    ]
    pages[3][0] |= {"id": 5, "sku": "0-5", "title": "Cup", "at": "2026-11-01T13:00:00Z"}
    pages[2][1]["sku"] = pages[1][2]["sku"] = "twice"
    # When they are read
    found = read("product", PRODUCT, *pages)
    # Then every other record is one row
    gone = {"3-0", "2-1", "1-2"}
    assert skus(found) == [sku for sku in (f"{page}-{at}" for page in range(4) for at in range(8)) if sku not in gone]
    assert {row["sku"] for row in found.rows if row["title"] == "Cup"} == {"0-5"}
    assert found.faults == {'{"sku":"twice"}': TWICE}


def test_of_so_much_a_broken_page_fails_the_pull_as_well_and_is_not_in_the_error(read):
    with pytest.raises(RejectError, match="the pages do not fit") as raised:
        read("product", PRODUCT, [{"id": 1, "sku": "A", "title": "long " * 1_000_000}], "<p>jane@example.com")
    assert "jane" not in str(raised.value)


def test_no_records_are_no_rows(read):
    found = read("product", PRODUCT, [], [])
    assert (found.rows, found.faults) == ([], {})


@pytest.mark.parametrize("sku", [None, "", {}])
def test_a_record_without_a_key_is_set_aside(read, sku):
    record = {"id": 1, "title": "Cup"} | ({} if sku == {} else {"sku": sku})
    assert read("product", PRODUCT, [record]).faults == {'{"sku":null}': ["sku: is empty"]}


@pytest.mark.parametrize("record", [5, "A", None, [1]])
def test_a_record_that_is_no_object_is_set_aside(read, record):
    found = read("product", PRODUCT, [record, {"id": 1, "sku": "A"}])
    assert skus(found) == ["A"]
    assert found.faults == {'{"sku":null}': ["sku: is empty"]}


def test_records_without_an_id_do_not_pass_for_one_another(read):
    assert skus(read("product", PRODUCT, [{"sku": "A"}, {"sku": "B"}, {"id": None, "sku": "C"}])) == ["A", "B", "C"]


def test_two_records_that_claim_a_key_are_both_set_aside(read):
    found = read("product", PRODUCT, [{"id": 1, "sku": "A"}, {"id": 2, "sku": "B"}], [{"id": 3, "sku": "A"}])
    assert skus(found) == ["B"]
    assert found.frame.quarantined["reasons"].to_pylist() == [TWICE, TWICE]


def test_a_record_that_cannot_be_read_still_claims_its_key(read):
    found = read("product", PRODUCT, [{"id": 1, "sku": "A"}, {"id": 2, "sku": "A", "price": "x"}])
    assert skus(found) == []
    assert len(found.frame.quarantined) == 2


def test_a_record_out_of_use_does_not_shadow_the_one_in_use(read):
    records = [{"id": 1, "sku": "A", "on": False, "title": "old"}, {"id": 2, "sku": "A", "on": True, "title": "new"}]
    for order in (records, records[::-1]):
        found = read("product", PRODUCT, order, live={"item.on": "true"})
        assert [row["title"] for row in found.rows] == ["new"]
        assert found.faults == {}


def test_a_record_out_of_use_alone_is_a_row(read):
    (row,) = read("product", PRODUCT, [{"id": 1, "sku": "A", "on": False}], live={"item.on": "true"}).rows
    assert row["_live"] is False


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (("new", "2026-11-01T10:00:01Z"), ("old", "2026-11-01T10:00:00Z"), "new"),
        (("old", "2026-11-01T10:00:00Z"), ("new", "2026-11-01T10:00:01Z"), "new"),
        (("unstamped", None), ("stamped", "2026-11-01T10:00:00Z"), "stamped"),
        (("stamped", "2026-11-01T10:00:00Z"), ("unstamped", None), "unstamped"),
        (("first", "2026-11-01T10:00:00Z"), ("later", "2026-11-01T10:00:00Z"), "later"),
    ],
)
def test_one_id_read_twice_in_a_walk_is_one_record_the_newest(read, first, second, kept):
    one, two = ({"id": 7, "sku": "A", "title": title, "at": at} for title, at in (first, second))
    found = read("product", PRODUCT, [one], [two], asked=[NOON, NOON + dt.timedelta(seconds=1)])
    assert [row["title"] for row in found.rows] == [kept]
    assert found.faults == {}


def test_of_a_record_whose_later_reading_has_an_unreadable_stamp_the_older_one_is_not_taken(read):
    one, two = {"id": 7, "sku": "A", "at": "2026-11-01T10:00:00Z"}, {"id": 7, "sku": "A", "at": "soon"}
    found = read("product", PRODUCT, [one], [two], asked=[NOON, NOON + dt.timedelta(seconds=1)])
    assert (found.rows, len(found.faults)) == ([], 1)


def test_one_id_read_twice_under_two_keys_has_the_newer_key(read):
    one = {"id": 7, "sku": "A", "at": "2026-11-01T10:00:00Z"}
    two = {"id": 7, "sku": "B", "at": "2026-11-01T10:00:05Z"}
    assert skus(read("product", PRODUCT, [two, one])) == ["B"]


def test_every_row_says_when_its_page_was_asked_for(read):
    found = read(
        "product", PRODUCT, [{"id": 1, "sku": "A"}], [{"id": 2, "sku": "B"}], asked=[NOON, NOON + dt.timedelta(1)]
    )
    assert [row["_askedAt"].day for row in found.rows] == [1, 2]


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"currency": "EU1"}, "currency: is not a three-letter currency code"),
        ({"currency": "EURO"}, "currency: is not a three-letter currency code"),
        ({"status": "live"}, "status: is not one of draft, active, archived"),
    ],
)
def test_a_row_that_fails_a_check_is_set_aside_with_the_reason(read, record, reason):
    found = read("product", PRODUCT, [{"id": 1, "sku": "A", **record}, {"id": 2, "sku": "B", "currency": "EUR"}])
    assert skus(found) == ["B"]
    assert found.faults == {'{"sku":"A"}': [reason]}


def test_a_row_has_all_its_reasons(read):
    found = read("product", PRODUCT, [{"id": 1, "price": "x", "at": "y"}])
    assert found.faults == {
        '{"sku":null}': [
            "price: is not a number, or would be rounded to fit 4 decimal places (round: N allows it)",
            "sku: is empty",
            "updatedAt: is not a time",
        ]
    }


@pytest.mark.parametrize(
    ("entity", "fields", "record", "reason"),
    [
        ("contact", {"email": "item.x"}, "no address", "email: is not a lower-cased e-mail address"),
        ("call", {"callId": "item.id", "duration": "item.x"}, -5, "duration: is negative"),
        ("call", {"callId": "item.id", "direction": "item.x"}, "in", "direction: is not one of inbound, outbound"),
        (
            "invoice",
            {"invoiceId": "item.id", "status": "item.x"},
            "late",
            "status: is not one of draft, open, paid, void",
        ),
    ],
)
def test_each_entity_has_checks_of_its_own(read, entity, fields, record, reason):
    found = read(entity, fields, [{"id": 1, "x": record}])
    assert list(found.faults.values()) == [[reason]]


def test_unknown_and_cleared_fields_pass_every_check(read):
    found = read("product", PRODUCT, [{"id": 1, "sku": "A", "currency": None, "status": None}, {"id": 2, "sku": "B"}])
    assert skus(found) == ["A", "B"]
