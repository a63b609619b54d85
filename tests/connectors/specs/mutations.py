"""Requests that are wrong on purpose, made of right ones: a check that lets them pass is none."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from graphql import GraphQLError, Visitor, parse, visit

from tests.connectors.specs.request import SpecRequest

Mutation = tuple[str, SpecRequest]
_WORDS = {
    "select",
    "from",
    "where",
    "order",
    "orderby",
    "by",
    "and",
    "or",
    "not",
    "asc",
    "desc",
    "limit",
    "offset",
    "like",
    "in",
    "null",
    "true",
    "false",
    "startposition",
    "maxresults",
    "datetime",
    "datetimeoffset",
    "guid",
    "any",
    "equals",
    "count",
}
_WORD = re.compile(r"[A-Za-z_][A-Za-z_]{3,}")
_LANGUAGE = re.compile(r"\s(eq|gt|ge|lt|le|ne|AND|and|FROM|from|>=?|<=?|=)\s|^[a-z-]+\(")
_MOST = 6  # mutations of one kind in one place

# What a vendor's spec does not say, so that no fault in it can be found: Mailchimp's operations not what a body holds,
# HubSpot's and Klaviyo's documents not which ``properties`` an account has, Magento's not what a field is compared
# with, ShipBob's call the size of a page a text, nobody's say which fields an account added.
_UNTOLD = {
    "mailchimp": re.compile(r"^(property|type) "),
    "hubspot": re.compile(r"^property .*\.properties\."),
    "klaviyo": re.compile(r"\.properties\."),
    "magento": re.compile(r"^value of .*\[value\]", re.IGNORECASE),
    "shipbob": re.compile(r"^value of PageSize"),
    "salesforce": re.compile(r"__[cr]\b"),
    "sap-b1": re.compile(r"\bU_"),
    "sap-s4": re.compile(r"\b(YY1_|ZZ)"),
}


def untold(spec: str, name: str) -> bool:
    """Whether the mutation called ``name`` changes what ``spec`` says nothing about, so that it cannot be noticed."""
    pattern = _UNTOLD.get(spec.split("/")[0])
    return pattern is not None and pattern.search(name) is not None


def mutations(request: SpecRequest) -> list[Mutation]:
    """Wrong requests made of ``request``, each with one fault and a name that begins with its kind.

    The kinds: ``path`` (its words misspelt), ``parameter`` (a query name misspelt), ``value`` (a number in the query
    that is none), ``words`` (a name inside a filter or query text misspelt), ``property`` (of the body, misspelt or
    unknown), ``type`` (a value of the body), ``graphql`` (a name in the query text misspelt).
    """
    made = [*_paths(request), *_query(request)]
    body = request.json
    if isinstance(body, dict) and isinstance(body.get("query"), str) and request.path.endswith("graphql.json"):
        made += _graphql(request, body["query"])
        changed = _changes(body.get("variables") or {}, "variables")
        searched = _searches(body.get("variables") or {})
        return made + [(name, replace(request, json={**body, "variables": one})) for name, one in [*changed, *searched]]
    if request.form is not None:
        return made + [(name, replace(request, form=one)) for name, one in _changes(request.form, "form")]
    return made + [(name, replace(request, json=one)) for name, one in _changes(body, "body")]


def _misspelt(word: str) -> str:
    """``word`` with a letter in its middle left out, or with one too many where it is short."""
    middle = len(word) // 2
    return word[:middle] + word[middle + 1 :] if len(word) > 4 else word + "x"


def _paths(request: SpecRequest) -> Iterator[Mutation]:
    # Which parts are ids cannot be seen, so all words are misspelt at once: those of the template are among them.
    path = "/".join(_part(part) for part in request.path.split("/"))
    if path != request.path:
        yield "path misspelt", replace(request, path=path)


def _part(part: str) -> str:
    word = re.match(r"[A-Za-z_-]{3,}(?![^(.])", part)
    return _misspelt(word[0]) + part[word.end() :] if word else part


def _query(request: SpecRequest) -> Iterator[Mutation]:
    for name, value in request.query.items():
        others = {key: one for key, one in request.query.items() if key != name}
        # The last word of searchCriteria[pageSize], date_modified:min or $top.
        words = list(re.finditer(r"[A-Za-z]+", name))
        if words:
            wrong = name[: words[-1].start()] + _misspelt(words[-1][0]) + name[words[-1].end() :]
            yield f"parameter {name} misspelt", replace(request, query={**others, wrong: value})
        if isinstance(value, int) or (isinstance(value, str) and value.isdigit()):
            yield f"value of {name} no number", replace(request, query={**others, name: "many"})
        elif isinstance(value, str) and _LANGUAGE.search(value):
            for word, wrong in _said(value):
                yield f"words: {word} in {name} misspelt", replace(request, query={**others, name: wrong})


def _said(text: str) -> Iterator[tuple[str, str]]:
    """Names in a filter or query, each with the text in which it is misspelt."""
    quoted = [found.span() for found in re.finditer(r"'[^']*'|\"[^\"]*\"", text)]
    names = [
        found
        for found in _WORD.finditer(text)
        if found[0].lower() not in _WORDS and not any(start <= found.start() < end for start, end in quoted)
    ]
    for found in names[:_MOST]:
        yield found[0], text[: found.start()] + _misspelt(found[0]) + text[found.end() :]


def _graphql(request: SpecRequest, text: str) -> Iterator[Mutation]:
    found: list[Any] = []

    class Names(Visitor):
        def enter_field(self, node: Any, *_: Any) -> None:
            found.append(node.name)

        def enter_argument(self, node: Any, *_: Any) -> None:
            found.append(node.name)

        def enter_object_field(self, node: Any, *_: Any) -> None:
            found.append(node.name)

    try:
        visit(parse(text), Names())
    except GraphQLError:
        return
    for name in found:
        wrong = text[: name.loc.start] + _misspelt(name.value) + text[name.loc.end :]
        yield f"graphql: {name.value} misspelt", replace(request, json={**request.json, "query": wrong})


def _searches(variables: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in variables.items():
        if isinstance(value, str) and (term := re.match(r"(\w{3,}):[^/]", value)):
            wrong = _misspelt(term[1]) + value[term.end(1) :]
            yield f"words: {term[1]} in {name} misspelt", {**variables, name: wrong}


def _changes(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    """``value`` with one fault in it, each with the fault's name. Of a list, in its first item only."""
    if isinstance(value, Mapping):
        if value:
            yield f"property {at}.thatIsNot unknown", {**value, "thatIsNot": "x"}
        for name, one in value.items():
            others = {key: other for key, other in value.items() if key != name}
            yield f"property {at}.{name} misspelt", {**others, _misspelt(name): one}
            yield from ((said, {**value, name: wrong}) for said, wrong in _changes(one, f"{at}.{name}"))
    elif isinstance(value, list) and value:
        if not at.startswith("variables") or not isinstance(value[0], str):  # GraphQL takes a text for a list of one
            yield f"type of {at}", "a text"
        yield from ((said, [wrong, *value[1:]]) for said, wrong in _changes(value[0], f"{at}.0"))
    elif isinstance(value, str):
        if not at.startswith("form") or value.isdigit():
            yield f"type of {at}", "many" if at.startswith("form") else {"wrong": 1}
    elif value is not None and not isinstance(value, list):
        yield f"type of {at}", "many"
