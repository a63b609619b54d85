"""A request that carries records, and how its answer is read, in a connector file."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from pullpush_dagster.canonical.field_map import Path
from pullpush_dagster.connectors.request import Fact, JsonTemplate, Request, Several
from pullpush_dagster.connectors.template import Filler, compiled, holes


def _listed(given: object) -> object:
    return [_text(one) for one in given] if isinstance(given, list) else [_text(given)]


def _text(given: object) -> object:
    """YAML's true as JSON has it."""
    return str(given).lower() if isinstance(given, bool) else given


Listed = Annotated[list[str], BeforeValidator(_listed)]


class Match(Fact):
    """How an answered record is told: its value at path ``answered`` is the sent record's at path ``sent``.

    Of several paths on both sides, all must agree. ``lowered``: whatever their case.
    """

    sent: Several[Path]
    answered: Several[Path]
    lowered: bool = False

    @model_validator(mode="after")
    def _pairs(self) -> "Match":
        if len(self.sent) != len(self.answered):
            raise ValueError("sent and answered need as many paths as each other")
        return self


class Place(Fact):
    """How an answered record is told: the value at path ``index`` is its place among those sent, counted from 0."""

    index: Path


class Failures(Fact):
    """A list of what went wrong, apart from the answered records.

    Attributes:
        at: path of the list. One in it that names no record is about all that the answer does not name as taken.
        match: how the record is told; index: or the path of its place among those sent.
        error, code: paths in one failure.
        atomic: whether one failure means that none of the records was taken; the others go again.
    """

    at: str
    atomic: bool = False
    match: Match | None = None
    index: Path | None = None
    error: Path
    code: Path | None = None


class Job(Request):
    """The question for the verdict on a request that was only queued; its answer is read as that request's own.

    Attributes:
        id: path of the job in the first answer (``header.location``: the last part of that address); ``{job}`` here.
        state: path of how far it is; running: the values by which it is not over, failed: those by which it came
            to nothing. Where the answer lists records, any that is still running counts.
        every: seconds between two questions. most: seconds after which its outcome is unknown; a record is held by
            one process for ten minutes, which bounds it.
    """

    id: str
    state: str
    running: Listed
    failed: Listed = []
    every: float = Field(default=1.0, gt=0)
    most: float = Field(default=60.0, gt=0, le=420)


class Write(Request):
    """A request that carries records.

    Attributes:
        when: values of the binding (``binding.parent``), any of those listed, under which this form applies; ``*``:
            any but none, the empty text: none.
        unless: canonical values (field -> one, or a list; the empty text: none) for which nothing is made at all; of
            several such, any.
        at: path in the body (``variables.input.quantities``) where the list of records goes; ``body``: it is that list.
            into: where the one record goes. With neither the request carries one record, as its body. ``json`` is the
            rest of the body; only records for which that, and the path, are the same share a request.
        record: the native record. defaults: what stands in for parts of it that have no value.
        batch: most records in this request, where that differs from the others.
        answers: path of the answered records, or a list of paths whose lists belong together; ``status``: there are
            none, as what the platform answers 2xx it has done, all of it.
        match: how they are told apart. failures: a list of what went wrong, where that is apart from them.
        id: path of the item's id in the answer to one record, where that differs from the binding's;
            ``header.location``: the last part of that address. ids: of its other ids.
        job: how the verdict is asked for, where the answer is only that the request was queued.
    """

    when: dict[str, Listed] = {}
    unless: Several[dict[str, Listed]] = []
    at: str | None = None
    into: str | None = None
    record: dict[str, JsonTemplate]
    defaults: dict[str, JsonTemplate] = {}
    batch: int | None = Field(default=None, ge=1)
    answers: str | list[str] = "body"
    match: Literal["id", "position"] | Match | Place = "position"
    failures: Several[Failures] = []
    id: str | None = None
    ids: dict[str, str] = {}
    job: Job | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Write":
        if self.at is not None and self.into is not None:
            raise ValueError("give at or into: it carries a list of records, or one")
        return self

    @property
    def bodiless(self) -> bool:
        """Whether its answer says all by its status alone."""
        return self.answers == "status" and not self.failures and self.job is None

    @property
    def told_apart(self) -> Match | None:
        """What answered records have in common with sent ones; None: they are told by their place."""
        by_id = Match(sent=["record.id"], answered=["answer.id"])
        return self.match if isinstance(self.match, Match) else by_id if self.match == "id" else None

    @cached_property
    def names(self) -> frozenset[str]:
        """Every placeholder of the record."""
        return frozenset(holes(self.record))

    @cached_property
    def filler(self) -> Filler:
        """What fills the record."""
        return compiled(self.record, sparse=True)

    @cached_property
    def path_is_fixed(self) -> bool:
        """Whether the path is the same for every record."""
        return not any(holes(self.path))

    @cached_property
    def identity(self) -> str:
        """The same for forms that say the same."""
        return self.model_dump_json()

    @cached_property
    def _beside(self) -> frozenset[str]:
        """Every placeholder of the request beside its records and path."""
        texts = [text.of for text in self.texts.values()]
        return frozenset({*holes([self.query, self.headers, self.body]), *holes(texts)} - set(self.texts))

    @cached_property
    def shared(self) -> frozenset[str]:
        """Placeholders of the request beside its records and path; those of one request have the same values there."""
        return frozenset(name for name in self._beside if name != "idempotency" and not name.startswith("settings."))

    @cached_property
    def keyed(self) -> bool:
        """Whether the request as a whole says which change it is, so that the platform knows it when it comes again."""
        return "idempotency" in self._beside

    @cached_property
    def bound(self) -> frozenset[str]:
        """The ids an item must have for this form."""
        named = {*self.names, *self.shared, *holes(self.path)}
        return frozenset(name.removeprefix("binding.") for name in named if name.startswith("binding."))
