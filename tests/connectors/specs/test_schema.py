"""JSON Schema as vendors write it."""

from typing import Any

import pytest

from tests.connectors.specs.schema import Schemas

_DOCUMENT = {
    "openapi": "3.0.0",
    "Base": {"type": "object", "properties": {"id": {"type": "integer", "readOnly": True}}, "required": ["id"]},
    "Item": {
        "allOf": [
            {"$ref": "#/Base"},
            {"properties": {"name": {"type": "string", "nullable": True}, "tags": {"type": "object"}}},
        ],
        "additionalProperties": True,
    },
    "Either": {
        "oneOf": [{"type": "string"}, {"type": "string", "enum": ["a"]}, {"type": "object", "properties": {"x": {}}}]
    },
    "Map": {"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}},
    "Both": {"allOf": [{"properties": {"a": {}}, "additionalProperties": False}, {"$ref": "#/Closed"}]},
    "Closed": {"type": "object", "properties": {"b": {}}, "additionalProperties": False},
    "Nothing": {"type": "object", "additionalProperties": False},
    "Far": {"$ref": "../other.yaml#/Thing"},
}


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("Item", {"name": "x"}, []),  # a read-only id is required of answers only
        ("Item", {"name": None}, []),
        ("Item", {"nam": "x"}, ["body.nam: unknown property; is name meant?"]),  # whatever additionalProperties says
        ("Item", {"tags": {"any": 1}}, []),  # an object of which nothing is said may hold anything
        ("Item", {"id": 3}, []),  # called read-only and required: some vendors mean that it tells which record
        ("Item", {"name": 3}, ["body.name: 3 is not of type string"]),
        ("Either", "a", []),  # vendors' branches overlap
        ("Either", {"y": 1}, ["body.y: unknown property"]),
        ("Map", {"b": "x"}, []),
        ("Map", {"b": 3}, ["body.b: 3 is not of type string"]),
        ("Both", {"a": 1, "b": 2}, []),  # closed branches close what they are put together to
        ("Both", {"a": 1, "x": 2}, ["body.x: unknown property"]),
        ("Nothing", {"x": 2}, ["body.x: unknown property"]),
        ("Far", {"any": 1}, []),  # what lies in another document says nothing here
    ],
)
def test_a_value_is_held_to_all_branches_of_its_schema(name: str, value: Any, said: list[str]) -> None:
    assert Schemas(_DOCUMENT).problems({"$ref": f"#/{name}"}, value, "body") == said
