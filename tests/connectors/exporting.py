"""What the platforms of the samples would export: what their pages hold, as far as the export asks for it."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml
from graphql import FieldNode, OperationDefinitionNode, SelectionSetNode, parse

_TYPES = {"variants": "ProductVariant", "media": "MediaImage"}


def sampled_pages(name: str, entity: str) -> list[Any]:
    """The answers of the sample's pull."""
    text = (Path(__file__).parent / "samples" / f"{name}.yaml").read_text(encoding="utf-8")
    return list(yaml.safe_load(text)[entity]["pull"]["answers"])


def as_lines(query: str, records: list[dict[str, Any]]) -> list[bytes]:
    """Each record and each of its children as a line with the fields that ``query`` asks for."""
    (operation,) = parse(query).definitions
    assert isinstance(operation, OperationDefinitionNode)
    ((_, node),) = _connections(operation.selection_set)
    made = [line for record in records for line in _lines(node, record, None, None)]
    # Children come after their parents, and not always at once.
    return [orjson.dumps(line) for line in sorted(made, key=lambda line: "__parentId" in line)]


def _lines(
    asked: SelectionSetNode, record: Mapping[str, Any], parent: str | None, kind: str | None
) -> Iterator[dict[str, Any]]:
    own, inside = _selected(asked, record, kind)
    yield own | ({"__parentId": parent} if parent else {})
    for name, node, child in inside:
        yield from _lines(node, child, own["id"], _TYPES.get(name))


def _selected(
    asked: SelectionSetNode, record: Mapping[str, Any], kind: str | None
) -> tuple[dict[str, Any], list[tuple[str, SelectionSetNode, Any]]]:
    """What is asked of ``record`` itself, and the children that come apart, however far below it."""
    own: dict[str, Any] = {}
    inside = [(name, node, child) for name, node in _connections(asked) for child in record[name]["nodes"]]
    for field in _fields(asked):
        name = field.alias.value if field.alias else field.name.value
        if name == "__typename":
            own[name] = kind
        elif field.selection_set is None or isinstance(record[name], list):
            own[name] = record[name]
        elif name not in dict(_connections(asked)):
            own[name], below = _selected(field.selection_set, record[name], None)
            inside += below
    return own, inside


def _fields(asked: SelectionSetNode) -> list[FieldNode]:
    return [field for field in asked.selections if isinstance(field, FieldNode)]


def _connections(asked: SelectionSetNode) -> list[tuple[str, SelectionSetNode]]:
    """(name, what is asked of each node) of every connection."""
    found = []
    for field in _fields(asked):
        for edges in _fields(field.selection_set) if field.selection_set else ():
            if edges.name.value == "edges" and edges.selection_set:
                (node,) = _fields(edges.selection_set)
                assert node.selection_set
                found.append((field.name.value, node.selection_set))
    return found


def as_rows(soql: str, records: list[dict[str, Any]]) -> str:
    """The records as Salesforce writes them: every cell in quotes, nothing for null."""
    (asked,) = re.findall(r"SELECT (.*?) FROM", soql)
    made = io.StringIO()
    writer = csv.writer(made, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(asked.split(", "))
    writer.writerows([_cell(record, name.split(".")) for name in asked.split(", ")] for record in records)
    return made.getvalue()


def _cell(value: Any, steps: list[str]) -> str:
    for step in steps:
        value = value and value[step]
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
