"""Shopify's GraphQL: a request against the real introspection."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    StringValueNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableNode,
    Visitor,
    build_client_schema,
    parse,
    validate,
    visit,
)
from graphql.execution.values import get_variable_values

from tests.connectors.specs.documents import document
from tests.connectors.specs.request import NotCovered, SpecRequest

_ROW = re.compile(r"^\| (\w[\w.]*) \| (?!type)", re.MULTILINE)
_TERM = re.compile(r"(?:^|[\s(-])([A-Za-z_][\w.]*):")


def problems(name: str, request: SpecRequest) -> list[str]:
    """What the introspection ``name`` finds wrong with ``request``. Raises NotCovered: it is no GraphQL request."""
    if request.whole_path[-1:] != ["graphql.json"]:
        raise NotCovered(f"{request.path} is not the Admin API's graphql.json")
    version = re.search(r"\d{4}-\d\d", name)
    stated = [part for part in request.whole_path if re.fullmatch(r"\d{4}-\d\d", part)]
    wrong = [f"path: {one} is not the version of {name}" for one in stated if version and one != version[0]]
    if request.method != "POST" or not isinstance(request.json, dict):
        return [*wrong, "body: GraphQL is a POST of {query, variables}"]
    wrong += [
        f"body.{key}: unknown property" for key in request.json if key not in ("query", "variables", "operationName")
    ]
    if not isinstance(request.json.get("query"), str):
        return [*wrong, "body.query: is required, and a text"]
    return wrong + _query(_schema(name), request.json["query"], request.json.get("variables") or {})


@lru_cache(maxsize=2)
def _schema(name: str) -> GraphQLSchema:
    schema = build_client_schema(document(name)["data"], assume_valid=True)
    # An introspection does not say what a scalar may be: without these, everything would do.
    checks = {
        "DateTime": _moment,
        "Date": date.fromisoformat,
        "Decimal": _decimal,
        "Money": _decimal,
        "UnsignedInt64": _whole,
    }
    for scalar, read in checks.items():
        if scalar in schema.type_map:
            schema.type_map[scalar].parse_value = _as_graphql(scalar, read)  # type: ignore[attr-defined]
    return schema


def _as_graphql(scalar: str, read: Any) -> Any:
    def parse_value(value: Any) -> Any:
        try:
            return read(value)
        except (ValueError, TypeError, InvalidOperation):
            raise GraphQLError(f"{value!r} is no {scalar}") from None

    return parse_value


def _moment(value: Any) -> datetime:
    return datetime.fromisoformat(value)


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError
    return Decimal(value)


def _whole(value: Any) -> int:
    return int(str(value))


def _query(schema: GraphQLSchema, text: str, variables: dict[str, Any]) -> list[str]:
    try:
        parsed = parse(text)
    except GraphQLError as error:
        return [f"query: {error.message}"]
    wrong = [f"query: {error.message}" for error in validate(schema, parsed)]
    for operation in parsed.definitions:
        if isinstance(operation, OperationDefinitionNode):
            declared = operation.variable_definitions or ()
            names = {one.variable.name.value for one in declared}
            wrong += [f"variables.{name}: is not declared" for name in variables if name not in names]
            coerced = get_variable_values(schema, declared, variables)
            wrong += [f"variables: {one.message}" for one in coerced] if isinstance(coerced, list) else []
    return wrong + list(_searches(schema, parsed, variables))


def _searches(schema: GraphQLSchema, parsed: DocumentNode, variables: dict[str, Any]) -> Iterator[str]:
    """Search terms that the argument's description does not list: Shopify ignores those, and finds everything."""
    found: list[tuple[str, set[str]]] = []
    info = TypeInfo(schema)

    class Arguments(Visitor):
        def enter_argument(self, node: Any, *_: Any) -> None:
            argument = info.get_argument()
            terms = set(_ROW.findall(argument.description or "")) if argument and node.name.value == "query" else set()
            given = variables.get(node.value.name.value) if isinstance(node.value, VariableNode) else None
            given = node.value.value if isinstance(node.value, StringValueNode) else given
            if terms and isinstance(given, str):
                found.append((given, terms))

    visit(parsed, TypeInfoVisitor(info, Arguments()))
    for given, terms in found:
        for name in _TERM.findall(re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "''", given)):
            if name not in terms:
                yield f"query: {name} is no search term here; there are {', '.join(sorted(terms))}"
