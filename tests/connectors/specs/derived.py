"""Operation lists of vendors that publish no OpenAPI of their own, put as OpenAPI documents."""

import html
import re
from functools import lru_cache
from typing import Any

from tests.connectors.specs.documents import document
from tests.connectors.specs.openapi import Document
from tests.connectors.specs.request import SpecRequest

Json = dict[str, Any]
_TYPES: dict[str, Json] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "list[str]": {"type": "array", "items": {"type": "string"}},
}
_DOCUMENTED: dict[str, Json] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "bool": {"type": "boolean"},
    "boolean": {"type": "boolean"},
    "array": {"type": "array"},
    "object": {"type": "object"},
    "date-time": _TYPES["datetime"],
}

# The list says that an operation has a body, not which: HubSpot's client calls them so for every kind of object.
_HUBSPOT_BODIES = {
    "batch/create": "BatchInputSimplePublicObjectBatchInputForCreate",
    "batch/update": "BatchInputSimplePublicObjectBatchInput",
    "batch/upsert": "BatchInputSimplePublicObjectBatchInputUpsert",
    "batch/read": "BatchReadInputSimplePublicObjectId",
    "search": "PublicObjectSearchRequest",
    "POST": "SimplePublicObjectInputForCreate",
    "PATCH": "SimplePublicObjectInput",
}
# Kinds of objects that HubSpot documents and its client reaches by the general address only.
_HUBSPOT_KINDS = {"orders", "carts", "discounts", "fees", "subscriptions", "commerce_payments"}


def hubspot(name: str, request: SpecRequest) -> list[str]:
    """What HubSpot's operations and models find wrong with ``request``. Raises NotCovered: none has its path."""
    return _hubspot(name).problems(request)


def mailchimp(name: str, request: SpecRequest) -> list[str]:
    """The same for Mailchimp's operations, which do not say what a body holds."""
    return _mailchimp(name).problems(request)


def woocommerce(name: str, request: SpecRequest) -> list[str]:
    """The same for the tables of WooCommerce's documentation."""
    return _woocommerce(name).problems(request)


@lru_cache(maxsize=2)
def _hubspot(name: str) -> Document:
    data = document(name)
    paths: Json = {}
    kinds = _HUBSPOT_KINDS | {
        one["path"].split("/")[4] for one in data["operations"] if one["path"].startswith("/crm/v3/objects/")
    }
    known = "|".join(sorted(re.escape(kind) for kind in kinds if "{" not in kind))
    object_type = {"name": "objectType", "in": "path", "schema": {"pattern": rf"^({known}|\d+-\d+|p\d*_\w+)$"}}
    for one in data["operations"]:
        operation: Json = {
            "parameters": [object_type, *({"name": name, "in": "query", "schema": {}} for name in one["query"])]
        }
        if one["body"]:
            operation["requestBody"] = {
                "required": True,
                "content": {"application/json": {"schema": _hubspot_body(one)}},
            }
        paths.setdefault(one["path"], {})[one["method"].lower()] = operation
    models = {f"{full}": _model(full, facts) for full, facts in data["models"].items()}
    return Document({"openapi": "3.0.0", "paths": paths, "models": models})


def _hubspot_body(operation: Json) -> Json:
    after = operation["path"].split("/")[5:]
    tail = "/".join(after)
    single = {"POST": not after, "PATCH": len(after) == 1}.get(operation["method"], False)
    model = _HUBSPOT_BODIES.get(tail) or (_HUBSPOT_BODIES[operation["method"]] if single else None)
    if model is None or not operation["path"].startswith("/crm/v3/objects/"):
        return {}
    return {"$ref": f"#/models/objects.{model}"}


def _model(full: str, facts: Json) -> Json:
    area = full.split(".")[0]
    properties = {facts["json"][name]: _typed(area, kind) for name, kind in facts["types"].items()}
    if full.endswith(".PublicObjectSearchRequest"):
        # The client's model says texts; HubSpot's documentation of search has objects of these two.
        direction = {"enum": ["ASCENDING", "DESCENDING"]}
        sort = {"type": "object", "properties": {"propertyName": {"type": "string"}, "direction": direction}}
        properties["sorts"] = {"type": "array", "items": {"anyOf": [{"type": "string"}, sort]}}
    return {"type": "object", "properties": properties, "required": [facts["json"][name] for name in facts["required"]]}


def _typed(area: str, kind: str) -> Json:
    if kind in _TYPES:
        return dict(_TYPES[kind])
    if kind.startswith("list["):
        return {"type": "array", "items": _typed(area, kind[5:-1])}
    if kind.startswith("dict["):
        return {"type": "object", "additionalProperties": _typed(area, kind[5:-1].split(", ", 1)[1])}
    return {"$ref": f"#/models/{area}.{kind}"}


@lru_cache(maxsize=2)
def _mailchimp(name: str) -> Document:
    paths: Json = {}
    for one in document(name)["operations"]:
        operation: Json = {
            "parameters": [_mailchimp_parameter(name, one["params"].get(name, {})) for name in one["query"]]
        }
        if one["body"]:
            operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": {}}}}
        paths.setdefault(one["path"], {})[one["method"].lower()] = operation
    return Document({"openapi": "3.0.0", "servers": [{"url": "//host/3.0"}], "paths": paths})


def _mailchimp_parameter(name: str, facts: Json) -> Json:
    schema = _TYPES.get(facts.get("type", ""), {})
    required = "(required)" in facts.get("description", "")
    return {"name": name, "in": "query", "required": required, "explode": False, "schema": schema}


@lru_cache(maxsize=2)
def _woocommerce(name: str) -> Document:
    paths: Json = {}
    for facts in document(name).values():
        sections = facts["sections"]
        record = _record(sections, next(iter(sections)))
        for method, address in facts["endpoints"]:
            path = re.sub(r"<(\w+)>", r"{\1}", html.unescape(address)).removeprefix("/wp-json/wc/v3")
            # The extract has INFO where the page shows a POST that creates.
            paths.setdefault(path, {})[method.lower().replace("info", "post")] = _operation(
                method, path, record, sections
            )
    return Document({"openapi": "3.0.0", "servers": [{"url": "//host/wp-json/wc/v3"}], "paths": paths})


def _operation(method: str, path: str, record: Json, sections: Json) -> Json:
    holes = [{"name": one, "in": "path", "schema": {"type": "integer"}} for one in re.findall(r"\{(\w*id)\}", path)]
    if method in ("GET", "DELETE"):
        listed = sections.get("Available parameters", {}) if method == "GET" and not path.endswith("}") else {}
        # WordPress answers every REST request with the fields that _fields names only.
        names = {**listed, "_fields": {"type": "string"}} if method == "GET" else {"force": {"type": "boolean"}}
        query = [
            {"name": name, "in": "query", "explode": False, "schema": _column(facts)} for name, facts in names.items()
        ]
        return {"parameters": holes + query}
    told = {**record, "properties": {**record["properties"], "id": {"type": "integer"}}}
    batch = {"create": record, "update": {**told, "required": ["id"]}, "delete": {"type": "integer"}}
    lists = {"type": "object", "properties": {name: {"type": "array", "items": one} for name, one in batch.items()}}
    schema = lists if path.endswith("/batch") else record
    return {"parameters": holes, "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _column(facts: Json) -> Json:
    return {**_DOCUMENTED[facts["type"]], **({"items": {}} if facts["type"] == "array" else {})}


def _record(sections: Json, name: str) -> Json:
    properties = {}
    for column, facts in sections[name].items():
        schema = {**_DOCUMENTED[facts["type"]], "readOnly": facts["readonly"]}
        see = re.search(r"See \[([^\]]+)\]", facts["description"])
        if see and see[1] in sections and see[1] != name:
            part = _record(sections, see[1])
            # The id of a line tells which line is meant, although the table calls it read-only.
            part["properties"].get("id", {}).pop("readOnly", None)
            schema = {**schema, "items": part} if facts["type"] == "array" else {**schema, **part}
        properties[column] = schema
    if name.endswith(("Billing properties", "Shipping properties")):
        # The extract has no names with a digit in them; the documentation's tables have these two.
        properties |= {"address_1": {"type": "string"}, "address_2": {"type": "string"}}
    return {"type": "object", "properties": properties}
