"""A field is a value, cleared or unknown, and that is decided by what the native record says and how."""

import pytest

NO = object()
PRODUCT = {"sku": "item.sku", "title": "item.title"}
STOCK = {"sku": "item.sku", "locationId": {"value": "WH"}, "quantity": "item.q"}


def one(read, entity, fields, native, **shape):
    native = {name: value for name, value in native.items() if value is not NO}
    return read(entity, fields, [{"id": 1, "sku": "A", **native}], **shape)


@pytest.mark.parametrize(
    ("native", "state"),
    [("Cup", "Cup"), (NO, "unknown"), (None, "cleared"), ("", "cleared"), (" ", " "), ("null", "null"), (0, "0")],
)
def test_a_text_is_what_was_said_cleared_by_null_or_empty_and_unknown_when_missing(read, native, state):
    assert one(read, "product", PRODUCT, {"title": native}).state("title") == state


@pytest.mark.parametrize(("native", "state"), [(0, 0), ("0", 0), (NO, "unknown"), (None, "unknown"), ("", "unknown")])
def test_stock_that_is_not_said_is_unknown_and_never_zero(read, native, state):
    assert one(read, "stocklevel", STOCK, {"q": native}).state("quantity") == state


def test_a_connector_may_say_that_null_means_unknown(read):
    fields = PRODUCT | {"title": {"from": "item.title", "null": "unknown"}}
    assert one(read, "product", fields, {"title": None}).state("title") == "unknown"


def test_a_connector_may_say_that_missing_means_cleared(read):
    fields = PRODUCT | {"title": {"from": "item.title", "missing": "cleared"}}
    assert one(read, "product", fields, {"title": NO}).state("title") == "cleared"


def test_a_field_that_is_not_mapped_is_unknown(read):
    assert one(read, "product", PRODUCT, {"description": "x"}).state("description") == "unknown"


@pytest.mark.parametrize(
    ("native", "state"), [(False, "cleared"), ("false", "false"), (NO, "unknown"), (None, "cleared"), ("Cup", "Cup")]
)
def test_where_false_means_empty_the_word_false_is_still_a_word(read, native, state):
    assert one(read, "product", PRODUCT, {"title": native}, false_is_empty=True).state("title") == state


def test_elsewhere_false_is_what_it_says(read):
    assert one(read, "product", PRODUCT, {"title": False}).state("title") == "false"


@pytest.mark.parametrize(("native", "state"), [(True, "active"), (False, "archived"), (None, "cleared")])
def test_where_false_means_empty_a_mapped_boolean_is_still_one(read, native, state):
    status = {"from": "item.active", "map": {True: "active", False: "archived"}}
    found = one(read, "product", PRODUCT | {"status": status}, {"active": native}, false_is_empty=True)
    assert found.state("status") == state


def test_where_false_means_empty_true_is_not_empty(read):
    fields = PRODUCT | {"status": {"from": "item.active", "map": {True: "active"}}}
    assert one(read, "product", fields, {"active": True}, false_is_empty=True).state("status") == "active"


def test_where_false_means_empty_true_is_no_number(read):
    found = one(read, "stocklevel", STOCK, {"q": True}, false_is_empty=True)
    assert found.faults == {'{"sku":"A","locationId":"WH"}': [NO_NUMBER.format("quantity")]}


NO_NUMBER = "{}: is not a number, or would be rounded to fit 4 decimal places (round: N allows it)"


@pytest.mark.parametrize(("native", "state"), [(True, 7), (False, "unknown"), (NO, "unknown"), ("true", 7)])
def test_a_number_counts_only_while_its_condition_holds(read, native, state):
    fields = STOCK | {"quantity": {"from": "item.q", "unknown_unless": {"item.managed": True}}}
    assert one(read, "stocklevel", fields, {"q": 7, "managed": native}).state("quantity") == state


@pytest.mark.parametrize(
    "told", [{"value": 7}, {"cases": [{"when": {"item.k": "a"}, "from": "item.q"}]}, {"cases": [{"value": 7}]}]
)
def test_a_number_counts_only_then_wherever_it_comes_from(read, told):
    fields = STOCK | {"quantity": told | {"unknown_unless": {"item.managed": True}}}
    for managed, state in ((True, 7), (False, "unknown")):
        assert one(read, "stocklevel", fields, {"q": 7, "k": "a", "managed": managed}).state("quantity") == state


def test_an_empty_field_whose_condition_fails_is_unknown_and_not_cleared(read):
    fields = PRODUCT | {"price": {"from": "item.price", "unknown_unless": {"item.priced": True}}}
    assert one(read, "product", fields, {"price": None, "priced": False}).state("price") == "unknown"
    assert one(read, "product", fields, {"price": None, "priced": True}).state("price") == "cleared"


@pytest.mark.parametrize(("out", "state"), [(2, 3), ("7.5", -2.5), (0, 5), (None, "unknown"), (NO, "unknown")])
def test_a_difference_is_unknown_when_either_number_is(read, out, state):
    fields = STOCK | {"quantity": {"from": "item.q", "minus": "item.out"}}
    assert one(read, "stocklevel", fields, {"q": 5, "out": out}).state("quantity") == state


def test_a_difference_that_has_no_room_does_not_fail_the_pull(read):
    fields = STOCK | {"quantity": {"from": "item.q", "minus": "item.out"}}
    found = one(read, "stocklevel", fields, {"q": "99999999999999", "out": "-99999999999999"})
    assert found.state("quantity") == "unknown"


@pytest.mark.parametrize(("native", "state"), [("publish", "active"), ("draft", "draft"), (None, "cleared")])
def test_native_words_become_canonical_ones(read, native, state):
    fields = PRODUCT | {"status": {"from": "item.status", "map": {"publish": "active", "draft": "draft"}}}
    assert one(read, "product", fields, {"status": native}).state("status") == state


def test_a_native_word_that_the_map_lacks_is_a_fault_with_what_is_allowed(read):
    fields = PRODUCT | {"status": {"from": "item.status", "map": {"publish": "active", "draft": "draft"}}}
    found = one(read, "product", fields, {"status": "PUBLISH"})
    assert found.rows == []
    assert found.faults == {'{"sku":"A"}': ["status: is none of publish, draft"]}


def test_an_object_where_a_text_is_mapped_is_a_fault(read):
    found = one(read, "product", PRODUCT, {"title": {"raw": "Cup"}})
    assert found.faults == {'{"sku":"A"}': ["title: is no text, but an object or a list"]}


@pytest.mark.parametrize("key", [{"a": 1}, ["S", "x"]])
def test_an_object_is_no_key(read, key):
    found = read("product", {"sku": "item.sku"}, [{"id": 1, "sku": key}, {"id": 2, "sku": "[S]"}])
    assert [row["sku"] for row in found.rows] == ["[S]"]
    assert found.faults == {'{"sku":null}': ["sku: is empty", "sku: is no text, but an object or a list"]}


def test_a_constant_is_the_same_for_every_record(read):
    found = read("product", PRODUCT | {"currency": {"value": "EUR"}}, [{"id": n, "sku": f"S{n}"} for n in (1, 2)])
    assert found.states("currency") == ["EUR", "EUR"]


def test_the_scope_of_a_pull_may_be_part_of_the_key(read):
    fields = {"sku": "item.sku", "locationId": "scope.locationId", "quantity": "item.q"}
    found = read("stocklevel", fields, [{"id": 1, "sku": "A", "q": 1}], scope={"locationId": "O'Hare"})
    assert found.state("locationId") == "O'Hare"


def test_a_place_in_a_list_can_be_mapped(read):
    fields = PRODUCT | {"currency": "item.currency.1"}
    natives = [{"id": 1, "sku": "A", "currency": [3, "EUR"]}, {"id": 2, "sku": "B", "currency": False}]
    found = read("product", fields, natives, false_is_empty=True)
    assert found.states("currency") == ["EUR", "unknown"]


AWKWARD = [
    "é", "日本語", "😀", "e\u0301", "O'Hare", 'a "quoted" \\ slash', "'; DROP TABLE frame; --", "{sku}", "$x", "%s",
    "a\nb\tc", "<b>&amp;</b>", "a,b;c", "\u2028", "x\u0000y",
]  # fmt: skip


@pytest.mark.parametrize("text", AWKWARD)
def test_any_text_comes_through_as_it_is_in_keys_and_in_values(read, text):
    (row,) = read("product", PRODUCT, [{"id": 1, "sku": text, "title": text}]).rows
    assert (row["sku"], row["title"]) == (text, text)


def test_any_text_may_stand_in_the_map_itself(read):
    fields = PRODUCT | {"status": {"from": "item.status", "map": {"O'Hare; --": "draft"}}}
    assert one(read, "product", fields, {"status": "O'Hare; --"}).state("status") == "draft"


def test_keys_that_differ_in_case_are_two_records(read):
    found = read("product", PRODUCT, [{"id": 1, "sku": "a", "title": "low"}, {"id": 2, "sku": "A", "title": "up"}])
    assert [(row["sku"], row["title"]) for row in found.rows] == [("A", "up"), ("a", "low")]


def test_a_native_field_is_not_taken_for_another_that_differs_in_case(read):
    (row,) = read("product", PRODUCT, [{"id": 1, "SKU": "wrong", "sku": "A", "Title": "wrong"}]).rows
    assert (row["sku"], row["title"]) == ("A", None)


def test_an_email_address_is_the_same_whatever_its_case(read):
    found = read("contact", {"email": "item.email"}, [{"id": 1, "email": "Bob@Example.COM"}])
    assert found.state("email") == "bob@example.com"
