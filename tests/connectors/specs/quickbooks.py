"""QuickBooks Online: Intuit's XML schemas, whose names are also those of its JSON and of its query language."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree

from tests.connectors.specs.documents import spec_path
from tests.connectors.specs.language import statement
from tests.connectors.specs.request import NotCovered, SpecRequest
from tests.connectors.specs.schema import Schemas

Json = dict[str, Any]
_XS = "{http://www.w3.org/2001/XMLSchema}"
_SIMPLE: dict[str, Json] = {
    "decimal": {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}]},
    "boolean": {"type": "boolean"},
    "dateTime": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
    "integer": {"type": "integer"},
    "int": {"type": "integer"},
    "positiveInteger": {"type": "integer"},
    "float": {"type": "number"},
    "double": {"type": "number"},
}
# The schemas say what an entity holds. Which addresses there are is what Intuit's documentation adds.
_QUERY = {"query": {"query"}, "cdc": {"entities", "changedSince"}, "batch": {"requestid"}}
_WRITES = {"operation", "requestid", "include"}


def problems(name: str, request: SpecRequest) -> list[str]:
    """What the schemas beside ``name`` find wrong. Raises NotCovered: it is to none of their entities."""
    schemas = _schemas(name)
    entities = {one.lower(): one for one in schemas.document["entities"]}
    parts = [unquote(part) for part in request.whole_path]
    tail = parts[parts.index("company") + 2 :] if "company" in parts else parts
    head = tail[0] if tail else ""
    if (head not in _QUERY and head not in entities) or len(tail) > (1 if head in _QUERY else 2):
        near = get_close_matches(head, [*_QUERY, *entities], n=1)
        raise NotCovered(f"{request.path} is no entity of it" + (f"; is {near[0]} meant?" if near else ""))
    wrong = list(_unknown(request, _QUERY.get(head, _WRITES) | {"minorversion"}))
    if request.method != ("POST" if head == "batch" or (head in entities and len(tail) == 1) else "GET"):
        return [*wrong, f"{request.method} is no method of /{head}"]
    if head == "query":
        return wrong + [
            f"query.query: {one}" for text in request.texts.get("query", [""]) for one in _select(schemas, text)
        ]
    if head == "cdc":
        listed = ",".join(request.texts.get("entities", [""])).split(",")
        return wrong + [f"query.entities: {one!r} is no entity" for one in listed if one not in entities.values()]
    if request.method == "GET":
        return wrong
    reference = "#/types/IntuitBatchRequest" if head == "batch" else f"#/entities/{entities[head]}"
    return wrong + _body(schemas, reference, request)


def _body(schemas: Schemas, reference: str, request: SpecRequest) -> list[str]:
    if request.json is None:
        return ["body: is required and is not there"]
    if request.json == {} or not isinstance(request.json, dict):
        return ["body: is empty, or no object"]
    return schemas.problems({"$ref": reference}, request.json, "body")


def _unknown(request: SpecRequest, known: set[str]) -> Iterator[str]:
    for name, values in request.texts.items():
        if name == "minorversion" and not values[0].isdigit():
            yield f"query.{name}: {values[0]} is no number"
        if name not in known:
            near = get_close_matches(name, known, n=1)
            yield f"query.{name}: unknown parameter" + (f"; is {near[0]} meant?" if near else "")


def _select(schemas: Schemas, text: str) -> Iterator[str]:
    found = statement(text, "escaped")
    yield from found.wrong + found.where.wrong
    if found.source not in schemas.document["entities"]:
        yield f"{found.source!r} is no entity"
        return
    if not found.fields and not re.match(r"(?i)\s*select\s+count\(\s*\*\s*\)", text):
        yield "SELECT asks for nothing"
    for name in [*found.fields, *(term.name for term in found.where.terms), *found.orders]:
        if name != "*":
            yield from _path(schemas, found.source, name)
    for term in found.where.terms:
        # QuickBooks wants every value between quotes, numbers too; true and false aside.
        if term.literal and term.literal.kind not in ("text", "name"):
            yield f"{term.literal.written} is not between quotes"


def _path(schemas: Schemas, entity: str, name: str) -> Iterator[str]:
    parts: list[Json] = [schemas.document["entities"][entity]]
    for step in name.split("."):
        known = {
            key: one
            for part in parts
            for branch in schemas.branches(part)
            for key, one in _own(schemas, branch).items()
        }
        if step not in known:
            near = get_close_matches(step, known, n=1)
            yield f"{name!r} is no property of {entity}" + (f"; is {near[0]} meant?" if near else "")
            return
        parts = [known[step]]


def _own(schemas: Schemas, part: Json) -> Json:
    return {**part.get("properties", {}), **schemas.resolved(part.get("items")).get("properties", {})}


@lru_cache(maxsize=2)
def _schemas(name: str) -> Schemas:
    """Every type of the schemas as JSON Schema, under ``#/types``, and every entity under ``#/entities``."""
    place = spec_path(name)
    files = sorted((place if place.is_dir() else place.parent).glob("*.xsd"))
    tops = [one for file in files for one in ElementTree.fromstring(file.read_bytes())]
    elements = {
        str(one.get("name")): str(one.get("type")) for one in tops if one.tag == _XS + "element" and one.get("type")
    }
    standing: dict[str, list[str]] = {}
    for one in tops:
        if one.tag == _XS + "element" and one.get("substitutionGroup"):
            standing.setdefault(_last(one.get("substitutionGroup")), []).append(str(one.get("name")))
    make = _Made(elements, standing)
    types = {
        str(one.get("name")): make.type_of(one) for one in tops if one.tag in (_XS + "complexType", _XS + "simpleType")
    }
    entities = {one: {"$ref": f"#/types/{_last(elements[one])}"} for one in standing["IntuitObject"]}
    return Schemas({"types": types, "entities": entities})


def _last(name: str | None) -> str:
    return str(name).rsplit(":", 1)[-1]


def _reference(kind: str | None) -> Json:
    """The schema of a value of type ``kind``."""
    if kind is None or not kind.startswith("xs:"):
        return {"$ref": f"#/types/{kind}"} if kind else {}
    return dict(_SIMPLE.get(_last(kind), {"type": "string"}))


class _Made:
    """Makes JSON Schema of XML Schema. standing: element -> those that may stand in its place."""

    def __init__(self, elements: dict[str, str], standing: dict[str, list[str]]) -> None:
        self.elements, self.standing = elements, standing

    def type_of(self, node: ElementTree.Element) -> Json:
        """The schema of a simple or complex type."""
        if node.tag == _XS + "simpleType":
            limits = node.find(_XS + "restriction")
            named = [one.get("value") for one in limits.iter(_XS + "enumeration")] if limits is not None else []
            return {"enum": named} if named else _reference(limits.get("base") if limits is not None else None)
        properties: Json = {}
        for one in node.iter():
            if one.tag == _XS + "element":
                properties |= self._element(one)
            elif one.tag == _XS + "attribute":
                properties[str(one.get("name"))] = _reference(one.get("type"))
        base = next((one.get("base") for one in node.iter(_XS + "extension")), None)
        if node.find(_XS + "simpleContent") is not None:
            # What is text between tags in XML is "value" in JSON.
            return {"type": "object", "properties": {**properties, "value": _reference(base)}}
        schema: Json = {"type": "object", "properties": properties}
        return {**schema, "allOf": [_reference(base)]} if base else schema

    def _element(self, node: ElementTree.Element) -> Json:
        """Property name -> schema, for an element and all that may stand in its place."""
        names = self.standing.get(_last(node.get("ref")), []) if node.get("ref") else []
        kinds = {name: self.elements[name] for name in [*names, _last(node.get("ref"))] if name in self.elements}
        kinds = kinds or {str(node.get("name")): str(node.get("type") or "xs:string")}
        many = node.get("maxOccurs") == "unbounded"
        schemas = {name: _reference(kind) for name, kind in kinds.items()}
        return {name: {"type": "array", "items": one} if many else one for name, one in schemas.items()}
