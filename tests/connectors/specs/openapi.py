"""OpenAPI 3 and Swagger 2: what a document finds wrong with a request."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from tests.connectors.specs.documents import document
from tests.connectors.specs.paths import Found, matching
from tests.connectors.specs.request import SpecRequest, wired
from tests.connectors.specs.schema import Schemas

# OpenAPI says that parameters of these names are to be ignored: they are stated otherwise.
_NOT_PARAMETERS = {"accept", "content-type", "authorization"}
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_BODIES = ("body", "formData")


@lru_cache(maxsize=64)
def opened(name: str) -> "Document":
    """The document in file ``name``."""
    return Document(document(name))


def problems(name: str, request: SpecRequest) -> list[str]:
    """What file ``name`` finds wrong with ``request``. Raises NotCovered: it does not describe its path."""
    return opened(name).problems(request)


class Document:
    """One OpenAPI document."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.paths = data["paths"]
        self.schemas = Schemas(data)
        servers = data.get("servers") or [{"url": "//host" + data.get("basePath", "")}]
        # A Magento store code stands in the path, and "default" is but one of them.
        self.servers = [urlsplit(one["url"]).path.replace("/rest/default", "/rest/{store}") for one in servers]
        schemes = data.get("components", {}).get("securitySchemes") or data.get("securityDefinitions") or {}
        self.keys = {one.get("name") for one in schemes.values() if one.get("in") == "query"}

    def problems(self, request: SpecRequest) -> list[str]:
        """What is wrong with ``request``. Raises NotCovered: no path of the document is its."""
        method = request.method.lower()
        found = matching(request, self.paths, self.servers)
        verdicts = [self._of(request, one, method) for one in found if method in self.paths[one.template]]
        if not verdicts:
            return [f"{request.method} is no method of {found[0].template}"]
        return min(verdicts, key=len)

    def parameters(self, request: SpecRequest) -> list[dict[str, Any]]:
        """Parameters of the operation that ``request`` asks for; none: there is no such operation."""
        method = request.method.lower()
        found = [one for one in matching(request, self.paths, self.servers) if method in self.paths[one.template]]
        return self._parameters(self.paths[found[0].template], method) if found else []

    def _parameters(self, item: dict[str, Any], method: str) -> list[dict[str, Any]]:
        listed = [
            self.schemas.resolved(one) for one in [*item.get("parameters", []), *item[method].get("parameters", [])]
        ]
        # What an operation says goes before what its path says.
        return list({(one.get("name"), one.get("in")): one for one in listed}.values())

    def _of(self, request: SpecRequest, found: Found, method: str) -> list[str]:
        operation = self.paths[found.template][method]
        parameters = self._parameters(self.paths[found.template], method)
        places = {
            "path": {name: [value] for name, value in found.values.items()},
            "query": request.texts,
            "header": {name: [value] for name, value in request.headers.items()},
        }
        wrong = [said for place, given in places.items() for said in self._placed(parameters, place, given)]
        return wrong + list(self._body(request, operation, parameters))

    def _placed(self, parameters: list[Any], place: str, given: dict[str, list[str]]) -> Iterator[str]:
        here = {_plain(one["name"], place): one for one in parameters if one.get("in") == place}
        given = {_plain(name, place): values for name, values in given.items()}
        for name, parameter in here.items():
            if name.lower() in _NOT_PARAMETERS and place == "header":
                continue
            if name in given:
                yield from self._value(parameter, given[name], f"{place}.{name}")
            elif parameter.get("required") is True and place != "path":
                yield f"{place}.{name}: is required and is not there"
        if place == "query":
            for name in set(given) - set(here) - self.keys:
                near = get_close_matches(name, here, n=1)
                yield f"query.{name}: unknown parameter" + (f"; is {near[0]} meant?" if near else "")

    def _value(self, parameter: dict[str, Any], texts: list[str], at: str) -> list[str]:
        schema = parameter.get("schema") or {key: parameter[key] for key in parameter if key not in ("in", "required")}
        apart = parameter.get("explode") is False or (
            "schema" not in parameter and parameter.get("collectionFormat") != "multi"
        )
        listed = any(part.get("type") == "array" for part in self.schemas.branches(schema))
        if ":asc" in parameter.get("description", "") and ":asc" not in str(schema.get("enum", "")):
            # BigCommerce lists the fields to sort by, and says only in words that a direction may follow.
            texts = [re.sub(":(asc|desc)$", "", one) for one in texts]
        # name:in is a list wherever it appears, although some documents give the type of one of it.
        if (listed and apart) or parameter["name"].endswith(":in"):
            texts = [one for text in texts for one in text.split(",")]
        if not listed:
            return [said for one in texts for said in self.schemas.problems(schema, self._typed(schema, one), at)]
        return self.schemas.problems(schema, [self._typed(self._item(schema), one) for one in texts], at)

    def _item(self, schema: dict[str, Any]) -> dict[str, Any]:
        return next((part["items"] for part in self.schemas.branches(schema) if "items" in part), {})

    def _typed(self, schema: dict[str, Any], text: str) -> Any:
        """``text`` as the type that the schema asks for, where it can be read as one."""
        named = [part.get("type") for part in self.schemas.branches(schema)]
        types = {one for part in named for one in (part if isinstance(part, list) else [part])}
        if "boolean" in types and text in ("true", "false"):
            return text == "true"
        if types & {"integer", "number"} and re.fullmatch(r"-?\d+", text):
            return int(text)
        return float(text) if "number" in types and re.fullmatch(r"-?\d+\.\d+", text) else text

    def _body(self, request: SpecRequest, operation: dict[str, Any], parameters: list[Any]) -> Iterator[str]:
        contents, required = self._contents(operation, parameters)
        given = request.json if request.form is None else request.form
        stated = (request.header("content-type") or "").split(";")[0].strip()
        kinds = {name.split(";")[0]: schema for name, schema in contents.items()}
        if given is None:
            if required:
                yield "body: is required and is not there"
        elif not kinds:
            yield "body: this operation takes none"
        elif stated and not any(re.fullmatch(re.escape(kind).replace(r"\*", ".*"), stated) for kind in kinds):
            yield f"header.content-type: {stated} is none of {', '.join(kinds)}"
        elif (request.form is not None) != any(kind in _FORMS for kind in kinds):
            yield f"body: is {'no form' if request.form is None else 'a form'}, and must be {', '.join(kinds)}"
        elif request.form is not None:
            yield from self._form(next(iter(kinds.values())), request.form)
        else:
            yield from self.schemas.problems(next(iter(kinds.values())), given, "body")

    def _form(self, schema: dict[str, Any], form: Any) -> list[str]:
        own = {name: one for part in self.schemas.branches(schema) for name, one in part.get("properties", {}).items()}
        typed = {}
        for name, texts in wired(form).items():
            part = own.get(name, {})
            listed = any(one.get("type") == "array" for one in self.schemas.branches(part))
            values = [self._typed(self._item(part) if listed else part, text) for text in texts]
            typed[name] = values if listed else values[0]
        return self.schemas.problems(schema, typed, "body")

    def _contents(self, operation: dict[str, Any], parameters: list[Any]) -> tuple[dict[str, Any], bool]:
        """Media type -> schema of the body, and whether there must be one."""
        if "requestBody" in operation:
            body = self.schemas.resolved(operation["requestBody"])
            return {name: one.get("schema", {}) for name, one in body.get("content", {}).items()}, body.get(
                "required"
            ) is True
        bodies = [one for one in parameters if one.get("in") in _BODIES]
        kinds = operation.get("consumes") or self.schemas.document.get("consumes") or ["application/json"]
        if bodies and bodies[0]["in"] == "body":
            return dict.fromkeys(kinds, bodies[0].get("schema", {})), bodies[0].get("required") is True
        fields = {one["name"]: one for one in bodies}
        needed = [name for name, one in fields.items() if one.get("required") is True]
        return ({_FORMS[0]: {"type": "object", "properties": fields, "required": needed}} if fields else {}), bool(
            needed
        )


def _plain(name: str, place: str) -> str:
    # Magento's document writes lists in queries by their first items only.
    return name.lower() if place == "header" else re.sub(r"\[\d+\]", "[0]", name)
