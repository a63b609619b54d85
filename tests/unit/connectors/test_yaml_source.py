"""YAML that remembers where everything stands."""

from importlib.resources import files

import pytest
from pydantic import BaseModel, ConfigDict, Field

from pullpush_dagster.connectors.yaml_source import Source, parse
from pullpush_dagster.errors import ConfigError


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int = 0


class Whole(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    parts: dict[str, Part] = {}
    rows: list[Part] = []
    from_: str = Field(default="", alias="from")


def document(text):
    (one,) = Source("f.yaml", text).documents()
    return one


def complaints(text):
    with pytest.raises(ConfigError) as refusal:
        parse(Whole, document(text))
    return str(refusal.value).splitlines()


def refusal_of(text):
    with pytest.raises(ConfigError) as refusal:
        Source("f.yaml", text).documents()
    return str(refusal.value)


def test_a_good_file_becomes_its_model():
    assert parse(Whole, document("name: a\nparts: {x: {number: 5}}\nfrom: b\n")).parts["x"].number == 5


def test_an_unknown_key_is_told_with_what_is_allowed_there():
    assert complaints("name: a\nnmae: b\n") == ["f.yaml:2 nmae: is not known here; allowed: name, parts, rows, from"]


def test_a_key_deep_inside_has_its_own_line():
    assert complaints("name: a\nparts:\n  x:\n    numbr: 5\n") == [
        "f.yaml:4 parts.x.numbr: is not known here; allowed: number"
    ]


def test_a_row_of_a_list_is_told_by_its_place():
    assert complaints("name: a\nrows:\n- number: 1\n- number: b\n")[0].startswith(
        "f.yaml:4 rows.1.number: Input should"
    )


def test_a_missing_key_is_told_where_it_should_be():
    assert complaints("parts: {}\n") == ["f.yaml:1 name: is required"]


def test_every_fault_is_told():
    assert len(complaints("parts: 5\nrows: 6\n")) == 3


@pytest.mark.parametrize(
    ("text", "line"),
    [("a: 1\na: 2\n", 2), ("a:\n  b: 1\n  c: 2\n  b: 3\n", 4), ("x: 1\n---\na: 1\na: 2\n", 4), ("1: a\n'1': b\n", 2)],
)
def test_a_key_given_twice_is_refused(text, line):
    assert refusal_of(text).startswith(f"f.yaml:{line} ")
    assert refusal_of(text).endswith("is here twice")


@pytest.mark.parametrize(
    "text",
    [
        "a: [1\n",
        "a: b: c\n",
        "\tx: 1\n",
        "a: !python/object:os.system x\n",
        "a: *nowhere\n",
        "? [a, b]\n: c\n",
        "a: \x00\n",
    ],
)
def test_what_is_not_plain_yaml_is_refused_with_a_line(text):
    assert refusal_of(text).startswith("f.yaml:")


def test_a_file_that_refers_to_itself_is_refused():
    assert "refers to itself" in refusal_of("&a [*a]\n")


def test_several_documents_keep_their_lines():
    first, second = Source("f.yaml", "name: a\n---\n\nname: b\n").documents()
    assert [first.line(("name",)), second.line(("name",))] == [1, 4]


def test_an_empty_document_is_none():
    assert Source("f.yaml", "---\n---\n# only a remark\n").documents() == []


def test_an_anchor_can_be_used_again():
    assert document("a: &x {n: 1}\nb: *x\n").data["b"] == {"n": 1}


def test_a_date_stays_what_was_written():
    assert document("start: 2026-01-31\n").data == {"start": "2026-01-31"}


def test_a_mark_at_the_beginning_of_a_file_is_no_part_of_it():
    assert document("\ufeffname: a\n").data == {"name": "a"}


def test_what_is_below_a_key_knows_its_lines():
    below = document("type: x\nattributes:\n  name: a\n").at("attributes")
    assert below.complaint(("name",), "is bad") == "f.yaml:3 name: is bad"


def test_what_should_be_below_a_missing_key_is_told_at_its_document():
    (_, second) = Source("f.yaml", "a: 1\n---\ntype: x\n").documents()
    assert second.at("attributes").complaint(("name",), "is required") == "f.yaml:3 name: is required"


@pytest.mark.parametrize("name", ["odoo", "rest", "shopify"])
def test_our_own_files_say_the_same_however_they_are_read(name):
    text = (files("pullpush_dagster.connectors") / f"{name}.yaml").read_text(encoding="utf-8")
    assert Source("f.yaml", text, ours=True).documents() == Source("f.yaml", text).documents()
