"""OData services: entity sets, their properties, and what is wrong with a request to one."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote

from tests.connectors.specs.language import Token, conditions, tokens
from tests.connectors.specs.request import NotCovered, SpecRequest
from tests.connectors.specs.schema import Schemas

_SEGMENT = re.compile(r"(\w+)(\((.*)\))?")
_FUNCTIONS = {
    "substringof",
    "contains",
    "startswith",
    "endswith",
    "tolower",
    "toupper",
    "length",
    "concat",
    "trim",
    "indexof",
    "substring",
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "round",
    "floor",
    "ceiling",
    "date",
}
_WRITES = {"POST": "POST", "PUT": "PATCH", "PATCH": "PATCH", "MERGE": "PATCH"}


@dataclass(frozen=True)
class Property:
    """A property: the schema of its JSON form, how a literal of it is written, and what it may be used for."""

    schema: dict[str, Any]
    literal: Callable[[Token], bool]
    filterable: bool = True
    sortable: bool = True
    creatable: bool = True
    updatable: bool = True


@dataclass(frozen=True)
class Entity:
    """A type: its properties, where its other names lead (type, many), and the properties of its key, if known."""

    properties: dict[str, Property]
    leads: dict[str, tuple[str, bool]] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    own: str | None = None  # pattern of properties that a customer adds


@dataclass(frozen=True)
class Service:
    """An OData service.

    Attributes:
        sets: entity set -> type. methods: entity set -> methods it does not have. options: of a query.
        whole: name under which it is all there is to know, so that a set it lacks is wrong, not merely unknown.
    """

    entities: Mapping[str, Entity]
    sets: Mapping[str, str]
    options: frozenset[str]
    methods: Mapping[str, set[str]] = field(default_factory=dict)
    whole: str | None = None

    def problems(self, request: SpecRequest) -> list[str]:
        """What is wrong with ``request``. Raises NotCovered: it is to no entity set of this service."""
        parts = [_SEGMENT.fullmatch(unquote(part)) for part in request.whole_path]
        start = next((index for index, part in enumerate(parts) if part and part[1] in self.sets), None)
        if start is None:
            near = get_close_matches(request.whole_path[-1].split("(")[0] if request.whole_path else "", self.sets, n=1)
            said = f"{request.path} has no entity set of it" + (f"; is {near[0]} meant?" if near else "")
            if self.whole in request.whole_path:
                return [said]
            raise NotCovered(said)
        head = parts[start]
        assert head is not None
        wrong = self._key(self.entities[self.sets[head[1]]], head[3])
        if request.method in self.methods.get(head[1], ()):
            wrong.append(f"{head[1]} cannot be asked to {request.method}")
        name, step = self.sets[head[1]], start + 1
        for step in range(start + 1, len(request.whole_path)):
            inner = unquote(request.whole_path[step])
            lead = self.entities[name].leads.get(inner.split("(")[0])
            if lead is None or lead[0] not in self.entities:
                if inner == "$count" or inner in self.entities[name].properties:
                    return wrong
                raise NotCovered(f"{inner} is no property of {name}")
            name = lead[0]
        return wrong + list(self._query(name, request)) + self._body(name, request)

    def _key(self, entity: Entity, key: str | None) -> list[str]:
        if not key:
            return []
        named = re.findall(r"(\w+)=('(?:[^']|'')*'|[^,]+)", key) if re.match(r"\w+=", key) else [("", key)]
        if not entity.key:
            return (
                [] if all(re.fullmatch(r"'(?:[^']|'')*'|\d+", value) for _, value in named) else [f"({key}) is no key"]
            )
        wanted = entity.key
        if len(named) != len(wanted) or (named[0][0] and {name for name, _ in named} != set(wanted)):
            return [f"({key}) is no key of {', '.join(wanted)}"]
        pairs = [(name or wanted[0], value) for name, value in named]
        return [f"({key}): {name} is not written so" for name, value in pairs if not self._written(entity, name, value)]

    def _written(self, entity: Entity, name: str, value: str) -> bool:
        words = tokens(value, "doubled")
        return len(words) == 1 and entity.properties[name].literal(words[0])

    def _query(self, name: str, request: SpecRequest) -> Iterator[str]:
        for option, values in request.texts.items():
            if option not in self.options:
                near = get_close_matches(option, self.options, n=1)
                yield f"query.{option}: unknown parameter" + (f"; is {near[0]} meant?" if near else "")
            for value in values:
                yield from (f"query.{option}: {said}" for said in self._option(name, option, value))

    def _option(self, name: str, option: str, value: str) -> Iterator[str]:
        if option in ("$top", "$skip") and not value.isdigit():
            yield f"{value} is no number"
        elif option in ("$inlinecount", "$count") and value not in ("allpages", "none", "true", "false"):
            yield f"{value} is no choice"
        elif option in ("$select", "$expand"):
            for path in re.sub(r"\([^)]*\)", "", value).split(","):
                if path.strip() != "*":
                    yield from self._path(name, path.strip(), leads=option == "$expand")
        elif option == "$orderby":
            for part in value.split(","):
                words = part.split()
                yield from self._path(name, words[0] if words else "", use="sortable")
                yield from (f"{word} is no direction" for word in words[1:] if word not in ("asc", "desc"))
        elif option == "$filter":
            yield from self._filter(name, value)

    def _filter(self, name: str, value: str) -> Iterator[str]:
        found = conditions(tokens(value, "doubled"))
        yield from found.wrong
        yield from (f"{function} is no function" for function in found.functions if function not in _FUNCTIONS)
        for term in found.terms:
            wrong = list(self._path(name, term.name, use="filterable"))
            yield from wrong
            facts = self._property(name, term.name)
            if facts and term.literal and term.literal.kind != "name" and not facts.literal(term.literal):
                yield f"{term.literal.written} is not how {term.name} is written"

    def _property(self, name: str, path: str) -> Property | None:
        *leads, last = path.split("/")
        for step in leads:
            name = self.entities[name].leads.get(step, ("", False))[0] if name in self.entities else ""
        return self.entities[name].properties.get(last) if name in self.entities else None

    def _path(self, name: str, path: str, *, leads: bool = False, use: str = "") -> Iterator[str]:
        """What is wrong with ``path`` from type ``name`` on. leads: whether it must end at another entity."""
        for step in path.split("/"):
            entity = self.entities.get(name)
            if entity is None:
                return  # the spec names this type without saying what it has
            if entity.own and re.search(entity.own, step):
                return
            if step in entity.leads and (leads or step != path.split("/")[-1] or not use):
                name = entity.leads[step][0]
            elif step not in entity.properties or leads:
                near = get_close_matches(step, [*entity.properties, *entity.leads], n=1)
                yield f"{step!r} is no property of {name}" + (f"; is {near[0]} meant?" if near else "")
                return
            elif use and not getattr(entity.properties[step], use):
                yield f"{step} is not {use}"

    def _body(self, name: str, request: SpecRequest) -> list[str]:
        kind = _WRITES.get(request.method)
        if kind is None:
            return [] if request.json is None else ["body: this operation takes none"]
        if request.json is None:
            return ["body: is required and is not there"]
        return self._schemas().problems({"$ref": f"#/{kind}/{name}"}, request.json, "body")

    def _schemas(self) -> Schemas:
        return Schemas({kind: {name: self._schema(name, kind) for name in self.entities} for kind in ("POST", "PATCH")})

    def _schema(self, name: str, kind: str) -> dict[str, Any]:
        entity = self.entities[name]
        may = "creatable" if kind == "POST" else "updatable"
        properties = {key: {**one.schema, "readOnly": not getattr(one, may)} for key, one in entity.properties.items()}
        for key, (target, many) in entity.leads.items():
            one: dict[str, Any] = {"$ref": f"#/{kind}/{target}"} if target in self.entities else {"type": "object"}
            rows = {"type": "array", "items": one}
            properties[key] = {"anyOf": [rows, _in_results(rows)]} if many else one
        return {"type": "object", "properties": properties, "patternProperties": {entity.own: {}} if entity.own else {}}


def _in_results(rows: dict[str, Any]) -> dict[str, Any]:
    """The other form in which OData V2 takes a list."""
    return {"type": "object", "properties": {"results": rows}, "required": ["results"]}
