"""How one sends a platform what changed: look-ups, requests, and how their answers are read."""

from decimal import Decimal
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from pullpush_dagster.canonical.field_map import Path
from pullpush_dagster.connectors.request import Fact, JsonTemplate, Request
from pullpush_dagster.connectors.template import Filler, compiled, holes


def _listed(given: object) -> object:
    return [_text(one) for one in given] if isinstance(given, list) else [_text(given)]


def _text(given: object) -> object:
    """YAML's true as JSON has it."""
    return str(given).lower() if isinstance(given, bool) else given


def _several(given: object) -> object:
    return given if isinstance(given, list) else [given]


Listed = Annotated[list[str], BeforeValidator(_listed)]


class LookUp(Request):
    """A batched question for items. ``{keys}`` or ``{ids}`` is the list of what is asked for, at most ``batch``.

    An item is told by its own value at ``match``, never by its place.

    Attributes:
        each: path of the items, or of the one item. may_lack: whether an answer without it has none.
        lowered: whether that value is compared in lower case.
        term, join: ``{terms}`` is ``term`` for each ``{key}``, with ``join`` between: ``sku:'{key:escaped}'``.
        absent: statuses by which a question for one item says that there is none.
    """

    each: str = "body"
    may_lack: bool = False
    match: Path
    lowered: bool = False
    batch: int = Field(default=50, ge=1)
    term: str | None = None
    join: str = " OR "
    absent: list[int] = []


class Find(LookUp):
    """The look-up of items by key.

    Attributes:
        field: the key field asked for. ids: name -> path of an item's ids, where that differs from the binding's.
    """

    field: str
    ids: dict[str, Path] = {}


class Also(Fact):
    """A second native value of a canonical field: ``values`` says which, and of others there is none."""

    of: str
    values: dict[str, JsonTemplate]


class Match(Fact):
    """How an answered record is told: its value at path ``answered`` is the sent record's at path ``sent``."""

    sent: Path
    answered: Path


class Failures(Fact):
    """A list of what went wrong, apart from the answered records.

    Attributes:
        at: path of the list. One in it that names no record is about all of them.
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
        every: seconds between two questions. most: seconds after which its outcome is unknown.
    """

    id: str
    state: str
    running: Listed
    failed: Listed = []
    every: float = Field(default=1.0, gt=0)
    most: float = Field(default=60.0, gt=0)


class Write(Request):
    """A request that carries records.

    Attributes:
        when: values of the binding (``binding.parent``), any of those listed, under which this form applies; ``*``:
            any but none, the empty text: none.
        unless: canonical values (field -> one, or a list) for which nothing is sent at all.
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
    unless: dict[str, Listed] = {}
    at: str | None = None
    into: str | None = None
    record: dict[str, JsonTemplate]
    defaults: dict[str, JsonTemplate] = {}
    batch: int | None = Field(default=None, ge=1)
    answers: str | list[str] = "body"
    match: Literal["id", "position"] | Match = "position"
    failures: Annotated[list[Failures], BeforeValidator(_several)] = []
    id: str | None = None
    ids: dict[str, str] = {}
    job: Job | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "Write":
        if self.at is not None and self.into is not None:
            raise ValueError("give at or into: it carries a list of records, or one")
        return self

    @property
    def told_apart(self) -> Match | None:
        """How answered records are matched with sent ones; None: by their place."""
        by_id = Match(sent="record.id", answered="answer.id")
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
    def shared(self) -> frozenset[str]:
        """Placeholders of the request beside its records and path; those of one request have the same values there."""
        texts = [text.of for text in self.texts.values()]
        named = {*holes([self.query, self.headers, self.body]), *holes(texts)} - set(self.texts) - {"idempotency"}
        return frozenset(name for name in named if not name.startswith("settings."))

    @cached_property
    def bound(self) -> frozenset[str]:
        """The ids an item must have for this form."""
        named = {*self.names, *self.shared, *holes(self.path)}
        return frozenset(name.removeprefix("binding.") for name in named if name.startswith("binding."))


class Reference(LookUp):
    """An item of another kind that a record names, such as the product of an order's line.

    Attributes:
        of: the canonical value it is found by: ``customer.email``, or of each row of a list, ``lineItems.sku``; or a
            field of the record's key, ``locationId``.
        lowered: whether it is asked for in lower case.
        otherwise: what stands in where that value is unknown; without it such a record is rejected.
        create: makes the item where there is none; without it the record waits.
    """

    of: str
    id: Path = "item.id"
    lowered: bool = False
    otherwise: JsonTemplate = None
    create: Write | None = None


class Lines(LookUp):
    """A list of rows that has items of its own at the platform, each bound to one.

    The look-up gives the rows of the items ``{ids}``; ``match`` is the path of the item a row belongs to.

    Attributes:
        field: the canonical list; key: the field that tells its rows apart.
        id: path of a row's own id.
        same: reference -> path of the same thing in a row, which tells an unbound row.
        values: canonical field -> path of its value in a row.
        final: path of a number that, once it is not 0, lets a row no longer change.
        new, changed, gone: what stands for a row in ``{lines}``; gone: of one that is bound and no longer in the list.
    """

    field: str
    key: str
    id: Path = "item.id"
    same: dict[str, Path]
    values: dict[str, Path]
    final: Path | None = None
    new: JsonTemplate
    changed: JsonTemplate
    gone: JsonTemplate


class Action(Fact):
    """How a canonical value is reached: ``is`` lists the item's own states that mean it.

    ``request`` leads there from any state in ``from``; without it, or from another state, it cannot be reached.
    """

    is_: Listed = Field(alias="is")
    from_: Listed = Field(default=[], alias="from")
    request: Write | None = None


class Actions(Fact):
    """A canonical field that is not written but reached: what is there is read, acted upon, and read again.

    Attributes:
        field: the canonical field. state: path of the item's own state.
        to: canonical value -> how it is reached.
    """

    field: str
    state: Path
    to: dict[str, Action]


class PushFacts(Fact):
    """What one sends to change an entity's records.

    Attributes:
        find: the look-up that fills bindings. Without one, a create without an answer is left for a person.
        create: absent means that we cannot create here.
        upsert: one request for both, of a platform that tells records by our key: it may be sent again, and needs no
            look-up. Always all that is known.
        create_only: whether a record is only ever created: what changes later is not sent.
        read: the look-up of items by their ids, asked before an update and after a create.
        now: name -> path in what ``read`` found, for ``{now.NAME}``: a revision, or what a change is compared with.
        agree: canonical field -> path of the item's own value, which must be the same, such as its currency.
        references, lines, actions: what a record names, is made of and is led to.
        update: the forms of an update; the first whose ``when`` holds is used.
        batch: most records in one request.
        values: canonical value -> native value, per canonical field.
        scale: canonical number -> what it is multiplied by, such as seconds by 1000.
        also: name -> a second native value of a field, for ``{NAME}``.
        lists: canonical list -> what stands for one of its rows in ``{NAME}``; its values are ``{line.FIELD}``,
            beside all of the record's.
        instant: strftime form of times, or ``epoch`` or ``epoch_ms``; zone: on whose clock.
        cleared: the native value that empties a field, per canonical field; others cannot be emptied.
        echo: native fields whose echoed value must equal the sent one.
        status: path, in one record's answer, of its own HTTP status. error, code: paths of its error message and code.
        gone: codes that say that the binding is stale. exists: codes that say that the record is there already.
        missing: codes that say that what the record is about is not there yet; it waits.
        conflict: codes, or statuses, that say that somebody else was faster: it is read, and sent again.
        again: codes of a refusal that may pass.
        settle: seconds after which a request without an answer has either arrived or never will.
    """

    find: Find | None = None
    read: LookUp | None = None
    now: dict[str, Path] = {}
    agree: dict[str, Path] = {}
    references: dict[str, Reference] = {}
    lines: Lines | None = None
    create: Write | None = None
    update: list[Write] = []
    upsert: Write | None = None
    create_only: bool = False
    actions: Actions | None = None
    batch: int = Field(default=1, ge=1)
    values: dict[str, dict[str, JsonTemplate]] = {}
    scale: dict[str, Decimal] = {}
    also: dict[str, Also] = {}
    lists: dict[str, JsonTemplate] = {}
    instant: str = "%Y-%m-%dT%H:%M:%SZ"
    zone: str = "UTC"
    cleared: dict[str, JsonTemplate] = {}
    echo: list[str] = []
    status: str | None = None
    error: str | None = None
    code: str | None = None
    gone: list[str] = []
    exists: list[str] = []
    missing: list[str] = []
    conflict: list[str] = []
    again: list[str] = []
    settle: float = 90.0

    @cached_property
    def carried(self) -> dict[tuple[str, int], frozenset[str]]:
        """(entity, form's identity) -> canonical fields the form carries, as found out."""
        return {}

    @model_validator(mode="after")
    def _read_first(self) -> "PushFacts":
        if self.read is None and (self.lines or self.actions or self.agree):
            raise ValueError("lines, actions and agree need read: they compare with what is there")
        if self.upsert is not None and (self.create or self.update):
            raise ValueError("upsert is both create and update; give it, or those")
        if not (self.upsert or self.update or (self.create and self.create_only)):
            raise ValueError("needs update or upsert, or create with create_only")
        return self

    @property
    def settles(self) -> bool:
        """Whether a request without an answer can be settled without a person: asked about, or sent again."""
        keyed = self.create is not None and "idempotency" in {*self.create.names, *holes(self.create.templates)}
        return self.find is not None or self.upsert is not None or keyed

    @property
    def forms(self) -> list[Write]:
        """Every request that carries records of this entity."""
        reached = [one.request for one in self.actions.to.values() if one.request] if self.actions else []
        return [one for one in (*self.update, self.create, self.upsert, *reached) if one]
