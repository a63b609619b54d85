"""Values that depend on others: cases, places to fall back to, maps of words, numbers in another unit."""

from decimal import Decimal

import pytest

ID = {"orderId": "item.id"}


def order(**native):
    return [{"id": 1, **native}]


def note(read, mapped, **native):
    return read("order", ID | {"note": mapped}, order(**native))


# Cases.


@pytest.mark.parametrize(
    ("native", "value"),
    [
        ({"kind": "a", "state": "x"}, "one"),
        ({"kind": "a", "state": "y"}, "two"),
        ({"kind": "b"}, "from it"),
        ({"kind": True}, "three"),
        ({"kind": "c"}, "something"),
        ({"kind": ""}, "nothing"),
        ({"kind": None}, "nothing"),
        ({}, "nothing"),
    ],
)
def test_the_first_case_that_holds_says_what_it_is(read, native, value):
    cases = [
        {"when": {"item.kind": "a", "item.state": ["x", "z"]}, "value": "one"},
        {"when": {"item.kind": "a"}, "value": "two"},
        {"when": {"item.kind": "b"}, "from": "item.text"},
        {"when": {"item.kind": True}, "value": "three"},
        {"when": {"item.kind": "*"}, "value": "something"},
        {"when": {"item.kind": ""}, "value": "nothing"},
    ]
    assert note(read, {"cases": cases}, text="from it", **native).state("note") == value


@pytest.mark.parametrize(("asked", "state"), [("*", "else"), ("", "x"), (["", "a"], "x"), (False, "x"), ("a", "else")])
def test_where_false_means_empty_a_case_takes_it_for_nothing(read, asked, state):
    cases = [{"when": {"item.who": asked}, "value": "x"}, {"value": "else"}]
    for who in (False, None) if asked is not False else (False,):
        found = read("order", ID | {"note": {"cases": cases}}, order(who=who), false_is_empty=True)
        assert found.state("note") == state


@pytest.mark.parametrize(
    ("cases", "state"),
    [
        ([{"when": {"item.kind": "b"}, "value": "x"}], "unknown"),
        ([{"when": {"item.kind": "a"}}, {"value": "x"}], "unknown"),
        ([{"when": {"item.kind": "b"}, "value": "x"}, {"value": "else"}], "else"),
        ([{"from": "item.none"}], "unknown"),
        ([{"when": {"item.kind": ["", "a"]}, "value": "x"}], "x"),
        ([{"when": {"item.none": ["*", "b"]}, "value": "x"}], "unknown"),
    ],
)
def test_what_no_case_says_is_unknown(read, cases, state):
    assert note(read, {"cases": cases}, kind="a").state("note") == state


@pytest.mark.parametrize(
    ("native", "state"),
    [({"kind": "debit", "n": "5.5"}, Decimal("5.5")), ({"kind": "void", "n": "5.5"}, 0), ({"kind": "x"}, "unknown")],
)
def test_a_case_may_be_a_number(read, native, state):
    cases = [{"when": {"item.kind": "debit"}, "from": "item.n"}, {"when": {"item.kind": "void"}, "value": 0}]
    found = read("order", ID | {"totalAmount": {"cases": cases}}, order(**native))
    assert found.state("totalAmount") == state


@pytest.mark.parametrize(("kind", "faulty"), [("debit", True), ("void", False)])
def test_only_the_case_that_holds_can_be_wrong(read, kind, faulty):
    cases = [{"when": {"item.kind": "debit"}, "from": "item.n"}, {"when": {"item.kind": "void"}, "value": "0"}]
    found = read("order", ID | {"totalAmount": {"cases": cases}}, order(kind=kind, n="many"))
    assert bool(found.faults) is faulty


@pytest.mark.parametrize(("kind", "faulty"), [("debit", False), ("void", True)])
def test_a_case_after_the_one_that_holds_can_not_be_wrong(read, kind, faulty):
    cases = [{"when": {"item.kind": "debit"}, "value": "0"}, {"from": "item.n"}]
    for native in ("many", 12345678901234.5678):
        found = read("order", ID | {"totalAmount": {"cases": cases}}, order(kind=kind, n=native))
        assert bool(found.faults) is faulty


def test_an_object_may_have_cases_as_well(read):
    cases = [{"when": {"item.private": "true"}, "value": "private"}, {"from": "item.company"}]
    fields = {"customer": {"fields": {"company": {"cases": cases}}}}
    found = read("order", ID | fields, [{"id": 1, "private": True}, {"id": 2, "company": "X"}, {"id": 3}])
    assert [row["customer"] and row["customer"]["company"] for row in found.rows] == ["private", "X", None]


@pytest.mark.parametrize("given", [{"join": ["item.a", "item.b"], "with": "@"}, {"cases": [{"from": "item.mail"}]}])
def test_an_email_address_is_the_same_whatever_its_case_however_it_is_told(read, given):
    native = [{"id": 1, "a": "Ann", "b": "X.org", "mail": "Ann@X.org"}]
    assert read("contact", {"email": given}, native).rows[0]["email"] == "ann@x.org"


@pytest.mark.parametrize("given", ["item.c", {"cases": [{"from": "item.c"}]}, {"from": "item.none", "or": ["item.c"]}])
def test_a_currency_is_the_same_whatever_its_case(read, given):
    assert read("order", ID | {"currency": given}, order(c="eur")).state("currency") == "EUR"


# Where else it may be.


@pytest.mark.parametrize(
    ("native", "state"),
    [
        ({"a": "1", "b": "2", "c": "3"}, "1"),
        ({"a": "", "b": "2"}, "2"),
        ({"a": None, "c": "3"}, "3"),
        ({"c": "3"}, "3"),
        ({"a": "", "b": "", "c": None}, "cleared"),
        ({"a": None}, "cleared"),
        ({"b": ""}, "unknown"),
        ({}, "unknown"),
        ({"a": "none", "b": "2"}, "2"),
    ],
)
def test_a_value_that_is_not_there_may_be_elsewhere(read, native, state):
    mapped = {"from": "item.a", "or": ["item.b", "item.c"], "empty": "none"}
    assert note(read, mapped, **native).state("note") == state


def test_a_number_or_a_time_may_be_elsewhere(read):
    fields = {"totalAmount": {"from": "item.a", "or": ["item.b"]}, "createdAt": {"from": "item.x", "or": ["item.y"]}}
    (row,) = read("order", ID | fields, order(a=None, b="2.5", y="2026-11-01T10:00:00Z")).rows
    assert (row["totalAmount"], row["createdAt"].isoformat()) == (Decimal("2.5"), "2026-11-01T10:00:00+00:00")


def test_what_is_elsewhere_is_checked_as_well(read):
    found = read("order", ID | {"totalAmount": {"from": "item.a", "or": ["item.b"]}}, order(a=None, b="many"))
    assert list(found.faults) == ['{"orderId":"1"}']


def test_what_is_elsewhere_counts_only_where_it_is_used(read):
    fields = {"totalAmount": {"from": "item.a", "or": ["item.b"]}, "note": {"from": "item.x", "or": ["item.y"]}}
    native = order(a=1, b=12345678901234.5678, x="here", y={"no": "text"})
    assert read("order", ID | fields, native).faults == {}


@pytest.mark.parametrize(
    "sku",
    [
        {"from": "item.none", "or": ["item.other", "item.sku"]},
        {"cases": [{"when": {"item.none": "*"}, "value": "x"}, {"from": "item.sku"}]},
        {"join": ["item.id", "item.sku"]},
    ],
    ids=["or", "cases", "join"],
)
@pytest.mark.parametrize("native", [{"a": 1}, ["a"]])
def test_an_object_is_no_key_wherever_it_is(read, sku, native):
    assert list(read("product", {"sku": sku}, [{"id": 1, "sku": native}]).faults) == ['{"sku":null}']


def test_an_object_of_which_only_the_other_place_is_there_is_known(read):
    fields = {"customer": {"fields": {"email": {"from": "item.email", "or": ["item.billing.email"]}}}}
    found = read("order", ID | fields, order(billing={"email": "a@b.c"}))
    assert found.state("customer")["email"] == "a@b.c"


def test_a_row_of_a_list_of_which_only_the_other_place_is_there_says_something(read):
    lines = {"from": "item.lines", "each": {"lineId": {"from": "each.id", "or": ["each.uid"]}}}
    found = read("order", ID | {"lineItems": lines}, order(lines=[{"uid": "u"}, {"id": "i", "uid": "v"}]))
    assert found.faults == {}
    assert [row["lineId"] for row in found.state("lineItems")] == ["i", "u"]


# Words.


@pytest.mark.parametrize(
    ("otherwise", "native", "state"),
    [
        ("late", "new", "pending"),
        ("late", "odd", "late"),
        ("late", None, "cleared"),
        ("unknown", "odd", "unknown"),
        ("unknown", "new", "pending"),
    ],
)
def test_a_word_that_the_map_lacks_may_be_another_or_unknown(read, otherwise, native, state):
    found = note(read, {"from": "item.s", "map": {"new": "pending"}, "otherwise": otherwise}, s=native)
    assert found.state("note") == state
    assert found.faults == {}


def test_in_a_list_a_word_that_the_map_lacks_may_be_another(read):
    lines = {
        "from": "item.l",
        "each": {"lineId": "each.id", "title": {"from": "each.t", "map": {"a": "A"}, "otherwise": "?"}},
    }
    found = read("order", ID | {"lineItems": lines}, order(l=[{"id": 1, "t": "a"}, {"id": 2, "t": "b"}, {"id": 3}]))
    assert [row["title"] for row in found.state("lineItems")] == ["A", "?", None]


# Numbers in another unit.


@pytest.mark.parametrize(
    ("scale", "native", "state"),
    [
        ("-1", "2.5", Decimal("-2.5")),
        (0.01, 1999, Decimal("19.99")),
        ("0.01", "1999.5", Decimal("19.995")),
        ("0.001", 1, Decimal("0.001")),
        ("60", "1.5", 90),
        ("0.01", None, "cleared"),
        ("0.01", 0, 0),
        ("0.0001", 1, Decimal("0.0001")),
        ("-1", "99999999999999.9999", Decimal("-99999999999999.9999")),
        ("1000", "0.00123400", Decimal("1.234")),
        ("10", "2.5e-1", Decimal("2.5")),
    ],
)
def test_a_number_may_be_told_in_another_unit(read, scale, native, state):
    assert (
        read("order", ID | {"totalAmount": {"from": "item.n", "scale": scale}}, order(n=native)).state("totalAmount")
        == state
    )


@pytest.mark.parametrize("native", ["many", "99999999999999999999", "1e30", True])
def test_a_scaled_number_that_is_none_sets_its_record_aside_and_no_other(read, native):
    rows = [{"id": 1, "n": native}, {"id": 2, "n": 100}]
    found = read("order", ID | {"totalAmount": {"from": "item.n", "scale": "0.01"}}, rows)
    assert [row["totalAmount"] for row in found.rows] == [1]
    assert list(found.faults) == ['{"orderId":"1"}']


@pytest.mark.parametrize(
    ("scale", "native"),
    [("-1", "-1.23456"), ("0.0001", "0.4"), ("1000", "0.000000001"), ("2", "1e-20"), ("-1", 12345678901234.5678)],
)
def test_a_scaled_number_that_would_be_rounded_is_set_aside(read, scale, native):
    rows = order(n=native, l=[{"id": 1, "n": native}])
    lines = {"from": "item.l", "each": {"lineId": "each.id", "unitPrice": {"from": "each.n", "scale": scale}}}
    for fields in ({"totalAmount": {"from": "item.n", "scale": scale}}, {"lineItems": lines}):
        ((reasons),) = read("order", ID | fields, rows).faults.values()
        assert "round: N allows it" in reasons[0]
    rounded = read("order", ID | {"totalAmount": {"from": "item.n", "scale": scale, "round": 4}}, rows)
    assert rounded.faults == {}


@pytest.mark.parametrize(("how", "native", "seconds"), [({"round": 0}, 61499, 61), ({}, 61000, 61)])
def test_milliseconds_become_whole_seconds(read, how, native, seconds):
    fields = {"callId": "item.id", "duration": {"from": "item.ms", "scale": "0.001", **how}}
    assert read("call", fields, [{"id": 1, "ms": native}]).state("duration") == seconds


def test_a_part_of_a_second_is_no_whole_one_unless_it_may_be_rounded(read):
    fields = {"callId": "item.id", "duration": {"from": "item.ms", "scale": "0.001"}}
    assert read("call", fields, [{"id": 1, "ms": 61499}]).faults == {
        '{"callId":"1"}': ["duration: is not a whole number"]
    }


def test_a_scaled_number_in_a_list_is_one_too(read):
    lines = {"from": "item.l", "each": {"lineId": "each.id", "unitPrice": {"from": "each.cents", "scale": "0.01"}}}
    found = read("order", ID | {"lineItems": lines}, order(l=[{"id": 1, "cents": 250}]))
    assert found.state("lineItems")[0]["unitPrice"] == Decimal("2.5")


# Texts put together.


def test_texts_are_joined_with_what_the_map_says(read):
    mapped = {"join": ["item.a", "item.b", "item.c"], "with": ", "}
    assert note(read, mapped, a="1", c="3").state("note") == "1, 3"


def test_a_date_and_a_time_are_joined_to_an_instant(read):
    fields = {"createdAt": {"join": ["item.date", "item.time"], "with": "T", "form": "%m/%d/%YT%H:%M"}}
    (row,) = read("order", ID | fields, order(date="11/01/2026", time="10:30")).rows
    assert row["createdAt"].isoformat() == "2026-11-01T10:30:00+00:00"
    assert read("order", ID | fields, order(date="soon", time="10:30")).faults == {
        '{"orderId":"1"}': ["createdAt: is not a time"]
    }
