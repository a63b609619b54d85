"""Texts that are put together, and texts that say nothing; records that are none of an entity's."""

import pytest

PERSON = {
    "orderId": "item.id",
    "customer": {
        "fields": {"id": {"from": "item.who", "empty": "0"}, "name": {"join": ["item.first", "item.last"]}},
    },
}
NOTE = {"orderId": "item.id", "note": {"join": ["item.a", "item.b", "item.c"]}}


def customer(read, **native):
    return read("order", PERSON, [{"id": 1, **native}]).state("customer")


@pytest.mark.parametrize(
    ("native", "name"),
    [
        ({"first": "Zoë", "last": "O'Hare"}, "Zoë O'Hare"),
        ({"first": "Zoë", "last": ""}, "Zoë"),
        ({"first": None, "last": "O'Hare"}, "O'Hare"),
        ({"last": "O'Hare"}, "O'Hare"),
    ],
)
def test_texts_are_joined_by_a_blank_without_those_that_are_not_there(read, native, name):
    assert customer(read, **native)["name"] == name


@pytest.mark.parametrize("native", [{}, {"first": "", "last": ""}, {"first": None, "last": ""}])
def test_of_nothing_nothing_is_joined_and_it_is_unknown_and_not_cleared(read, native):
    assert customer(read, **native) == "unknown"
    assert read("order", NOTE, [{"id": 1, "a": "", "b": None}]).state("note") == "unknown"


def test_a_field_of_its_own_may_be_joined_as_well(read):
    assert read("order", NOTE, [{"id": 1, "a": "x", "b": "", "c": "y"}]).state("note") == "x y"


def test_an_object_is_no_part_of_a_joined_text(read):
    found = read("order", NOTE, [{"id": 1, "a": {"x": 1}, "b": "y"}, {"id": 2, "a": "[x]", "b": "{y"}])
    assert found.faults == {'{"orderId":"1"}': ["note: is no text, but an object or a list"]}
    assert found.state("note") == "[x] {y"


def test_where_false_means_empty_it_is_no_part_of_a_joined_text(read):
    found = read("order", NOTE, [{"id": 1, "a": "x", "b": False, "c": "false"}], false_is_empty=True)
    assert found.state("note") == "x false"


@pytest.mark.parametrize(("who", "id_"), [("0", None), (0, None), ("", None), (None, None), ("00", "00"), (7, "7")])
def test_the_text_that_means_nobody_is_unknown(read, who, id_):
    assert customer(read, who=who, first="Zoë")["id"] == id_


def test_a_customer_of_whom_nobody_and_no_name_is_told_is_unknown(read):
    assert customer(read, who=0, first="") == "unknown"


@pytest.mark.parametrize(("note", "state"), [("-", "cleared"), ("", "cleared"), (None, "cleared"), ("x", "x")])
def test_in_a_field_of_its_own_the_text_that_says_nothing_empties_it_as_the_empty_one_does(read, note, state):
    fields = {"orderId": "item.id", "note": {"from": "item.note", "empty": "-"}}
    assert read("order", fields, [{"id": 1, "note": note}]).state("note") == state


@pytest.mark.parametrize("numbers", [("0", "a"), ("a", "0")])
def test_in_the_rows_of_a_list_it_is_unknown_and_order_is_still_nothing(read, numbers):
    each = {"lineId": {"from": "each.id", "empty": "0"}, "title": "each.t"}
    fields = {"orderId": "item.id", "lineItems": {"from": "item.lines", "each": each}}
    found = read("order", fields, [{"id": 1, "lines": [{"id": number, "t": "x"} for number in numbers]}])
    told = read("order", fields, [{"id": 1, "lines": [{"id": number, "t": "x"} for number in sorted(numbers)]}])
    assert found.rows == told.rows
    assert {line["lineId"] for line in found.state("lineItems")} == {"a", None}


# Records that are none.


@pytest.fixture
def kept(read):
    """Ids of the records that are kept of those with some status."""

    def ids(*statuses, skip=None):
        records = [{"id": number, "status": status} for number, status in enumerate(statuses)]
        found = read("order", {"orderId": "item.id"}, records, skip=skip or {"item.status": "draft"})
        return [int(row["orderId"]) for row in found.rows], found.faults

    return ids


def test_a_record_that_is_none_of_the_entitys_is_neither_kept_nor_set_aside(kept):
    assert kept("paid", "draft", "drafts") == ([0, 2], {})


@pytest.mark.parametrize("status", [None, "", "Draft", ["draft"]])
def test_one_that_does_not_say_so_is_kept(kept, status):
    assert kept(status) == ([0], {})


def test_one_that_does_not_say_anything_is_kept(read):
    found = read("order", {"orderId": "item.id"}, [{"id": 1}], skip={"item.status": "draft"})
    assert [row["orderId"] for row in found.rows] == ["1"]


def test_any_of_several_conditions_is_enough(kept):
    assert kept("paid", "draft", skip={"item.status": "draft", "item.id": "0"}) == ([], {})


def test_a_record_that_is_none_claims_no_key_from_one_that_is(read):
    records = [{"id": 1, "number": "A", "status": "draft"}, {"id": 2, "number": "A", "status": "paid"}]
    found = read("order", {"orderId": "item.number"}, records, skip={"item.status": "draft"})
    assert (len(found.rows), found.faults) == (1, {})
