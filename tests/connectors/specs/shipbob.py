"""ShipBob's OpenAPI document, but for two schemas that the document's own words and ShipBob's guide contradict."""

import copy
from functools import lru_cache

from tests.connectors.specs.documents import document
from tests.connectors.specs.openapi import Document
from tests.connectors.specs.request import SpecRequest


def problems(name: str, request: SpecRequest) -> list[str]:
    """What the document finds wrong with ``request``. Raises NotCovered: it does not describe its path."""
    return _opened(name).problems(request)


@lru_cache(maxsize=1)
def _opened(name: str) -> Document:
    data = copy.deepcopy(document(name))
    # "The request body must be an array of variant objects", and the schema is that of one.
    variants = data["paths"]["/2026-01/product/{productId}/variants"]["patch"]["requestBody"]["content"]
    media = variants["application/json"]
    media["schema"] = {"type": "array", "items": media["schema"]}
    # The guide's examples have the number; what writes the document knows enumerations of texts only.
    data["components"]["schemas"]["ProductsBaseProductRequestModelTypeId"] = {"type": "integer", "enum": [1, 2]}
    return Document(data)
