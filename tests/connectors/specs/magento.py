"""Magento: its Swagger document, and what holds for all its paths and is told by its documentation alone."""

import re
from dataclasses import replace

from tests.connectors.specs import openapi
from tests.connectors.specs.request import SpecRequest, segments

_SNAKE = re.compile(r"_([a-z])")


def problems(name: str, request: SpecRequest) -> list[str]:
    """What the document finds wrong with ``request``, or each of a bulk. Raises NotCovered: it has no such path."""
    # Every GET takes fields, and search criteria are read in either spelling; value and Value are one property.
    query = {_camel(key): value for key, value in request.query.items() if key != "fields" or request.method != "GET"}
    single = replace(request, query=query)
    parts = segments(request.path)
    if "async" not in parts:
        return openapi.problems(name, single)
    plain = replace(single, path="/" + "/".join(part for part in parts if part not in ("async", "bulk")))
    if "bulk" not in parts:
        return openapi.problems(name, plain)
    # A bulk path says byId where the path of one has its id, which then comes from the body.
    plain = replace(plain, path=re.sub(r"/by[A-Z]\w*", "/1", plain.path))
    if not isinstance(request.json, list) or not request.json:
        return ["body: a bulk is a list of bodies"]
    return [said for one in request.json for said in openapi.problems(name, replace(plain, json=one))]


def _camel(key: str) -> str:
    if not key.startswith(("searchCriteria", "search_criteria")):
        return key
    return _SNAKE.sub(lambda found: found[1].upper(), key).replace("[Value]", "[value]")
