"""Where in a native record a value lies: names with points, chosen rows, every row, several lists."""

import pytest

from pullpush_dagster.canonical.field_map import FieldMap
from pullpush_dagster.canonical.native import steps_of
from pullpush_dagster.connectors.template import at

ID = {"orderId": "item.id"}
LINE = {"lineId": "each.id", "sku": "each.sku"}


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("body", ()),
        ("item.currency.0", ("currency", "0")),
        ('item."a.b".c', ("a.b", "c")),
        ("item.list[name=a b].value", ("list", "[name=a b]", "value")),
        ("item.groups.*.rows", ("groups", "*", "rows")),
        ('item."a.b"[k=v."x"]', ("a.b", '[k=v."x"]')),
    ],
)
def test_a_path_is_its_steps(path, steps):
    assert steps_of(path) == steps


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ('item."a.b"', "point"),
        ('item."x.y".z', "below"),
        ("item.meta[key=colour].value", "red"),
        ("item.meta[key=7].value", "seven"),
        ("item.meta[key=none].value", None),
        ("item.meta[key=colour].none", None),
        ("item.deep.rows[k=v].more[k=w].value", "far"),
        ("item.none[key=colour].value", None),
        ("item.plain[key=colour].value", None),
        ("item.list.1", "two"),
        ("item.list.9", None),
        ("item.UPPER-case_1", "yes"),
    ],
)
def test_a_frame_and_a_template_find_the_same_at_a_path(read, path, value):
    native = {
        "id": 1,
        "a.b": "point",
        "x.y": {"z": "below"},
        "meta": [{"key": "size", "value": "L"}, {"key": "colour", "value": "red"}, {"key": 7, "value": "seven"}],
        "deep": {"rows": [{"k": "u"}, {"k": "v", "more": [{"k": "w", "value": "far"}]}]},
        "plain": [],
        "list": ["one", "two"],
        "UPPER-case_1": "yes",
    }
    assert at(native, path) == value
    assert read("order", ID | {"note": path}, [native]).state("note") == ("unknown" if value is None else value)


@pytest.mark.parametrize(
    "path", ["note", "body.x", "item", "item..x", "item.x[", "item.a[b]", "item.a.'b'", 'item.""', "item.x y"]
)
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ValueError, match="is not a path such as"):
        FieldMap.model_validate(path)


def test_two_conditions_on_one_list_are_two_values(read):
    fields = {"note": "item.meta[key=note].value", "status": "item.meta[key=state].value"}
    native = {"id": 1, "meta": [{"key": "state", "value": "paid"}, {"key": "note", "value": "x"}]}
    found = read("order", ID | fields, [native])
    assert (found.state("note"), found.state("status")) == ("x", "paid")


# Lists.


def lines(read, mapped, **native):
    return read("order", ID | {"lineItems": {"each": LINE, **mapped}}, [{"id": 1, **native}])


def names(found):
    return [row["lineId"] for row in found.state("lineItems")]


def row(id_):
    return {"id": id_, "sku": f"S{id_}"}


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        ([{"rows": [row(2), row(1)]}, {"rows": [row(3)]}], ["1", "2", "3"]),
        ([{"rows": [row(1)]}, {"rows": []}, {"rows": None}, {}], ["1"]),
        ([{"rows": []}], []),
        ([], []),
    ],
)
def test_the_rows_of_every_list_on_the_way_are_one_list(read, groups, expected):
    found = lines(read, {"from": "item.groups.*.rows"}, groups=groups)
    assert names(found) == expected
    assert found.faults == {}


@pytest.mark.parametrize("groups", [{}, {"groups": None}])
def test_where_there_is_no_list_on_the_way_the_rows_are_unknown(read, groups):
    found = lines(read, {"from": "item.groups.*.rows"}, **groups)
    assert found.state("lineItems") == "unknown"


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ({"a": [row(1)], "b": [row(2)], "c": [row(3)]}, ["1", "2", "3"]),
        ({"a": [], "b": [row(2)], "c": []}, ["2"]),
        ({"a": [row(1)]}, ["1"]),
        ({"a": [row(1)], "b": None}, ["1"]),
        ({"a": None, "b": [row(2)]}, ["2"]),
        ({"a": [], "b": [], "c": []}, []),
    ],
)
def test_several_lists_are_one(read, native, expected):
    found = lines(read, {"from": "item.a", "also": ["item.b", "item.c"]}, **native)
    assert names(found) == expected


@pytest.mark.parametrize("other", ["x", {"k": 1}, 5])
def test_one_of_several_lists_that_is_none_is_a_fault(read, other):
    assert lines(read, {"from": "item.a", "also": ["item.b"]}, a=[row(1)], b=other).faults == {
        '{"orderId":"1"}': ["lineItems: is not a list"]
    }


def test_a_chosen_row_may_hold_the_list(read):
    tables = [{"name": "gifts", "rows": [row(9)]}, {"name": "lines", "rows": [row(1)]}]
    assert names(lines(read, {"from": "item.tables[name=lines].rows"}, tables=tables)) == ["1"]


def test_a_part_of_a_row_may_be_chosen(read):
    parts = {"lineId": "each.id", "title": "each.meta[k=t].v", "sku": 'each."s.k"'}
    found = lines(read, {"from": "item.l", "each": parts}, l=[{"id": 1, "meta": [{"k": "t", "v": "T"}], "s.k": "S"}])
    assert [(one["title"], one["sku"]) for one in found.state("lineItems")] == [("T", "S")]
