"""How a platform makes an export of everything at once, in a connector file."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from pullpush_dagster.canonical.field_map import Path
from pullpush_dagster.connectors.request import Fact, Request, Several


def _by_kind(given: object) -> object:
    return {"*": given} if isinstance(given, str) else given


class Bulk(Fact):
    """A job of the platform's that exports every record: started, asked after until it has ended, fetched.

    Attributes:
        start: the request that starts a job. id: path of the job in its answer, ``{job}`` from then on.
        poll: the request that asks after it. state: path, in its answer, of the job's state, one of ``running`` or of
            ``done``; under any other it has failed.
        every: seconds between two polls. most: seconds from the start to the last byte.
        url: path, in the poll's answer, of the file's address; nothing there: there are no records. hosts: the
            domains it may lie in, where it is asked for without any credentials.
        results: instead, the request for the records, with ``{job}`` and ``{cursor}``. next: ``header.NAME`` that has
            the next cursor; absent, empty or ``null``: that was the last.
        form: ``jsonl``: an object on each line; ``csv``: names on the first, and in one with points each
            is below the one before.
        count: path, in the poll's answer, of how many lines or rows there must be at least.
        errors: paths of what must be empty in every answer about the job. again: words in it that say that it may
            come right; ``*``: any does.
        children: jsonl: where in their parent the lines with a ``__parentId`` go, the ``id`` of a line without one; one
            path, or one for each ``__typename`` (``*``: any other).
    """

    start: Request
    id: str
    poll: Request
    state: str
    running: list[str]
    done: list[str] = Field(min_length=1)
    every: float = Field(default=5.0, gt=0)
    most: float = Field(default=7200.0, gt=0)
    url: str | None = None
    hosts: list[str] = []
    results: Request | None = None
    next: str | None = Field(default=None, pattern=r"^header\.\S+$")
    form: Literal["jsonl", "csv"]
    count: str | None = None
    errors: Several[str] = []
    again: list[str] = []
    children: Annotated[dict[str, Path], BeforeValidator(_by_kind)] = {}

    @model_validator(mode="after")
    def _complete(self) -> "Bulk":
        if (self.url is None) == (self.results is None):
            raise ValueError("give url or results: the records are had one way")
        if self.url is not None and not self.hosts:
            raise ValueError("url needs hosts: the domains it may lie in")
        if self.children and self.form != "jsonl":
            raise ValueError("children are for form: jsonl")
        return self
