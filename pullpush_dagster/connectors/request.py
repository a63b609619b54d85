"""What every part of a connector file is made of: facts, and HTTP requests with placeholders."""

from functools import cached_property
from typing import Annotated, Any, Self, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

JsonTemplate = Any  # any YAML value; texts in it may hold {placeholders}
_METHODS = ("get", "post", "put", "patch", "delete")
One = TypeVar("One")


def _several(given: object) -> object:
    return given if isinstance(given, list) else [given]


# One of them may stand in the file without a list around it.
Several = Annotated[list[One], BeforeValidator(_several)]


class Fact(BaseModel):
    """A part of a connector file; unknown keys are refused, so that a typo cannot pass for a fact."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Fact):
    """A text put together of those ``of`` its parts whose placeholders all have values; none: it has none itself.

    For filters that are one text, such as OData's: ``of`` with ``join`` between, ``before`` in front of it all.
    """

    of: list[str] = Field(min_length=1)
    join: str = ""
    before: str = ""


class Request(Fact):
    """One HTTP request. Exactly one of get, post, put, patch, delete is its path below ``base_url``.

    A text that is one whole ``{placeholder}`` keeps the value's type. A query parameter, header, object entry or
    list-in-a-list that holds a placeholder without a value is left out.

    Attributes:
        origin: where it goes, where that is not ``base_url``; only within the ``hosts`` of a login.
        query: parameters; or a list of terms of several parameters, each of which goes whole or not at all.
        headers: of this request. body (``json``): its JSON body. form: its body, form-encoded, instead.
        texts: placeholders of its own, made of others.
    """

    get: str | None = None
    post: str | None = None
    put: str | None = None
    patch: str | None = None
    delete: str | None = None
    origin: str | None = None
    query: dict[str, JsonTemplate] | list[dict[str, JsonTemplate]] = {}
    headers: dict[str, str] = {}
    body: JsonTemplate = Field(default=None, alias="json")
    form: dict[str, JsonTemplate] = {}
    texts: dict[str, Text] = {}

    @model_validator(mode="after")
    def _one_path(self) -> "Request":
        if sum(getattr(self, name) is not None for name in _METHODS) != 1:
            raise ValueError(f"give exactly one of: {', '.join(_METHODS)}")
        if self.body is not None and self.form:
            raise ValueError("give json or form: a request has one body")
        return self

    @cached_property
    def method(self) -> str:
        return next(name for name in _METHODS if getattr(self, name) is not None).upper()

    @cached_property
    def path(self) -> str:
        return str(getattr(self, self.method.lower()))

    def to(self, path: str) -> Self:
        """The same request to ``path``."""
        # What was worked out of the old path is copied along, so it is replaced as well.
        return self.model_copy(update={self.method.lower(): path, "path": path})

    @property
    def templates(self) -> list[JsonTemplate]:
        """Every part of it that may hold placeholders, the parts of its texts aside."""
        return [self.path, self.origin, self.query, self.headers, self.body, self.form]
