"""What every part of a connector file is made of: facts, and HTTP requests with placeholders."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

JsonTemplate = Any  # any YAML value; texts in it may hold {placeholders}


class Fact(BaseModel):
    """A part of a connector file; unknown keys are refused, so that a typo cannot pass for a fact."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Request(Fact):
    """One HTTP request. Exactly one of get, post, put is its path below ``base_url``.

    A text that is one whole ``{placeholder}`` keeps the value's type. A query parameter, object entry or
    list-in-a-list that holds a placeholder without a value is left out.
    """

    get: str | None = None
    post: str | None = None
    put: str | None = None
    query: dict[str, JsonTemplate] = {}
    body: JsonTemplate = Field(default=None, alias="json")

    @model_validator(mode="after")
    def _one_path(self) -> "Request":
        if sum(path is not None for path in (self.get, self.post, self.put)) != 1:
            raise ValueError("give exactly one of: get, post, put")
        return self

    @property
    def method(self) -> str:
        return "GET" if self.get else "POST" if self.post else "PUT"

    @property
    def path(self) -> str:
        return self.get or self.post or self.put or ""

    @property
    def templates(self) -> list[JsonTemplate]:
        """Every part of it that may hold placeholders."""
        return [self.path, self.query, self.body]
