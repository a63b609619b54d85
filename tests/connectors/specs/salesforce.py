"""Salesforce: descriptions of objects, one file each. Which addresses there are is what its documentation adds."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from tests.connectors.specs.documents import document, spec_path
from tests.connectors.specs.language import Statement, Term, statement
from tests.connectors.specs.request import NotCovered, SpecRequest
from tests.connectors.specs.schema import Schemas

Json = dict[str, Any]
_KINDS: dict[str, Json] = {
    "boolean": {"type": "boolean"},
    "int": {"type": "integer"},
    "double": {"type": "number"},
    "currency": {"type": "number"},
    "percent": {"type": "number"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "address": {"type": "object"},
}
_LITERALS = {
    "datetime": "moment",
    "date": "moment",
    "double": "number",
    "currency": "number",
    "percent": "number",
    "int": "number",
}
_CUSTOM = re.compile(r"__[cr]$")  # fields of an organisation's own, which no public description has
# Standard fields that the recorded user was not allowed to see, so that the recorded description lacks them.
_OPT_OUTS = dict.fromkeys(("Contact", "Lead"), ("HasOptedOutOfEmail", "HasOptedOutOfFax", "DoNotCall"))
_USES = ("createable", "updateable", "filterable", "sortable")
_HIDDEN: Json = {"type": "boolean", "nillable": False, "length": 0, "idLookup": False, **dict.fromkeys(_USES, True)}
_WORDS = {"null", "true", "false"}
_DAYS = re.compile(r"(?i)(last|next|this|today|yesterday|tomorrow|n_)")


def problems(name: str, request: SpecRequest) -> list[str]:
    """What the description ``name`` finds wrong with ``request``. Raises NotCovered: it is about another object."""
    described = Described(document(name), name)
    parts = [unquote(part) for part in request.whole_path]
    if parts and parts[-1] in ("query", "queryAll"):
        return described.query(request)
    if "sobjects" not in parts:
        raise NotCovered(f"{request.path} is no address that the description of an object can check")
    tail = parts[parts.index("sobjects") + 1 :]
    if parts[parts.index("sobjects") - 1] == "composite":
        return described.collection(tail, request)
    if tail[:1] != [described.name]:
        raise NotCovered(f"{request.path} is about another object than {described.name}")
    return described.record(tail[1:], request)


class Described:
    """One object's description."""

    def __init__(self, data: Json, file: str) -> None:
        self.name: str = data["name"]
        self.file = file
        hidden = [{**_HIDDEN, "name": one} for one in _OPT_OUTS.get(self.name, ())]
        self.fields = {one["name"]: one for one in [*hidden, *data["fields"]]}
        self.relations = {
            key[:-2] for key, one in self.fields.items() if one["type"] == "reference" and key.endswith("Id")
        }

    def query(self, request: SpecRequest) -> list[str]:
        """What is wrong with a query. Raises NotCovered: it is of another object."""
        wrong = [f"query.{name}: unknown parameter" for name in request.query if name != "q"]
        text = request.texts.get("q", [""])[0]
        found = statement(text, "escaped")
        if found.source != self.name:
            raise NotCovered(f"it asks for {found.source or 'nothing'}, not for {self.name}")
        if request.method != "GET":
            wrong.append(f"{request.method} is no method of a query")
        return wrong + [f"query.q: {one}" for one in self._select(text, found)]

    def _select(self, text: str, found: Statement) -> Iterator[str]:
        yield from found.wrong + found.where.wrong
        if not found.fields and not re.match(r"(?i)\s*select\s+count\(", text):
            yield "SELECT asks for nothing"
        uses = [(name, "") for name in found.fields] + [(one.name, "filterable") for one in found.where.terms]
        for name, use in [*uses, *((name, "sortable") for name in found.orders)]:
            yield from self._field(name, use)
        for term in found.where.terms:
            yield from self._literal(term)

    def _field(self, name: str, use: str) -> Iterator[str]:
        first, *rest = name.split(".")
        if _CUSTOM.search(first):
            return
        if rest and first in self.relations:
            yield from (said for other in self._related(first) for said in other._field(".".join(rest), use))
            return
        if rest or first not in self.fields:
            near = get_close_matches(first, self.fields, n=1)
            yield f"{name!r} is no field of {self.name}" + (f"; is {near[0]} meant?" if near else "")
        elif use and not self.fields[first][use]:
            yield f"{name} is not {use}"

    def _related(self, relation: str) -> Iterator["Described"]:
        """The object that ``relation`` leads to, where it is one that is described beside this one."""
        targets = self.fields[relation + "Id"]["referenceTo"]
        file = str(PurePosixPath(self.file).with_name(f"{targets[0]}.describe.json")) if len(targets) == 1 else ""
        if file and spec_path(str(PurePosixPath(file).parent)).joinpath(PurePosixPath(file).name).is_file():
            yield Described(document(file), file)

    def _literal(self, term: Term) -> Iterator[str]:
        facts = self.fields.get(term.name)
        if facts is None or term.literal is None or term.literal.word in _WORDS or _DAYS.match(term.literal.written):
            return
        if term.literal.kind != _LITERALS.get(facts["type"], "text"):
            yield f"{term.literal.written} is not how a {facts['type']} is written"
        elif facts["type"] == "datetime" and "T" not in term.literal.written:
            yield f"{term.literal.written} has no time, which {term.name} needs"

    def record(self, tail: list[str], request: SpecRequest) -> list[str]:
        """What is wrong with a request to ``/sobjects/NAME`` and what follows in ``tail``."""
        if len(tail) > 2 or (not tail and request.method != "POST") or (tail and request.method == "POST"):
            return [f"{request.method} is no method of {request.path}"]
        wrong = self._external(tail[0]) if len(tail) == 2 else []
        for name, values in request.texts.items():
            if name != "fields" or request.method != "GET":
                wrong.append(f"query.{name}: unknown parameter")
            else:
                wrong += [
                    f"query.fields: {one}"
                    for value in values
                    for field in value.split(",")
                    for one in self._field(field, "")
                ]
        if request.method in ("POST", "PATCH"):
            # An upsert may create too.
            schema = self._schema(
                create=request.method == "POST", update=request.method == "PATCH", upsert=len(tail) == 2
            )
            wrong += _validated(schema, request.json, "body")
        return wrong

    def collection(self, tail: list[str], request: SpecRequest) -> list[str]:
        """What is wrong with ``/composite/sobjects``. Raises NotCovered: no record in it is of this object."""
        records = request.json.get("records") if isinstance(request.json, dict) else None
        if not isinstance(records, list):
            return ["body.records: is required, and a list"]
        attributes = [one.get("attributes") for one in records if isinstance(one, dict)]
        types = {str(one.get("type")) for one in attributes if isinstance(one, dict)}
        if self.name not in types and tail[:1] != [self.name]:
            raise NotCovered(f"{request.path} is about another object than {self.name}")
        upsert = len(tail) == 2
        wrong = [f"body.{key}: unknown property" for key in request.json if key not in ("records", "allOrNone")]
        wrong += (
            ["body.allOrNone: is not true or false"]
            if not isinstance(request.json.get("allOrNone", False), bool)
            else []
        )
        wrong += [f"records of {one} among those of {self.name}" for one in types if one != self.name]
        wrong += self._external(tail[1]) if upsert else []
        if request.method not in (("PATCH",) if tail else ("POST", "PATCH")) or len(tail) == 1:
            wrong.append(f"{request.method} is no method of {request.path}")
        schema = self._schema(create=request.method == "POST", update=request.method == "PATCH", upsert=upsert)
        told = {"type": "object", "properties": {"type": {"type": "string"}}, "required": ["type"]}
        schema["properties"]["attributes"] = told
        schema["required"] = [*schema["required"], "attributes"]
        if request.method == "PATCH" and not upsert:
            schema["properties"]["id"] = {"type": "string"}
            schema["required"] = [*schema["required"], "id"]
        for index, one in enumerate(records):
            wrong += _validated(schema, one, f"body.records.{index}")
        return wrong

    def _external(self, name: str) -> list[str]:
        known = _CUSTOM.search(name) or self.fields.get(name, {}).get("idLookup")
        return [] if known else [f"path: {name} is no field that tells records of {self.name}"]

    def _schema(self, *, create: bool, update: bool, upsert: bool) -> Json:
        properties: Json = {one: {"type": "object"} for one in self.relations}
        for name, facts in self.fields.items():
            may = (facts["createable"] and (create or upsert)) or (facts["updateable"] and update)
            schema = dict(_KINDS.get(facts["type"], {"type": "string"}))
            if schema["type"] == "string" and facts["length"]:
                schema["maxLength"] = facts["length"]
            properties[name] = {**schema, "nullable": facts["nillable"], "readOnly": not may}
        needed = [
            name
            for name, facts in self.fields.items()
            if create and facts["createable"] and not facts["nillable"] and facts["type"] == "string"
        ]
        return {
            "type": "object",
            "properties": properties,
            "patternProperties": {_CUSTOM.pattern: {}},
            "required": needed,
        }


def _validated(schema: Json, value: Any, at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: is required, and an object"]
    return _schemas().problems(schema, value, at)


@lru_cache(maxsize=1)
def _schemas() -> Schemas:
    return Schemas({})
