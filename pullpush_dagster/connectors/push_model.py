"""How one sends a platform what changed: look-ups, requests, and how their answers are read."""

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


Listed = Annotated[list[str], BeforeValidator(_listed)]


class LookUp(Request):
    """A batched question for items. ``{keys}`` or ``{ids}`` is the list of what is asked for, at most ``batch``.

    An item is told by its own value at ``match``, never by its place.
    """

    each: str = "body"
    match: Path
    batch: int = Field(default=50, ge=1)


class Find(LookUp):
    """The look-up of items by key; ``field`` is the key field asked for."""

    field: str


class Write(Request):
    """A request that carries records.

    Attributes:
        when: values of the binding (``binding.parent``), any of those listed, under which this form applies.
        unless: canonical values (field -> one, or a list) for which nothing is sent at all.
        at: where in the body the list of records goes; without it the request carries one record, as its body.
        record: the native record. defaults: what stands in for parts of it that have no value.
        answers: path of the answered records; match: how they are told apart.
    """

    when: dict[str, Listed] = {}
    unless: dict[str, Listed] = {}
    at: str | None = None
    record: dict[str, JsonTemplate]
    defaults: dict[str, JsonTemplate] = {}
    answers: str = "body"
    match: Literal["id", "position"] = "position"

    @cached_property
    def names(self) -> frozenset[str]:
        """Every placeholder of the record."""
        return frozenset(holes(self.record))

    @cached_property
    def filler(self) -> Filler:
        """What fills the record."""
        return compiled(self.record)

    @cached_property
    def path_is_fixed(self) -> bool:
        """Whether the path is the same for every record."""
        return not any(holes(self.path))


class Reference(LookUp):
    """An item of another kind that a record names, such as the product of an order's line.

    Attributes:
        of: the canonical value it is found by: ``customer.email``, or of each row of a list, ``lineItems.sku``.
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
        read: the look-up of items by their ids, asked before an update and after a create.
        agree: canonical field -> path of the item's own value, which must be the same, such as its currency.
        references, lines, actions: what a record names, is made of and is led to.
        update: the forms of an update; the first whose ``when`` holds is used.
        batch: most records in one request.
        values: canonical value -> native value, per canonical field.
        instant: strftime form of times, in UTC.
        cleared: the native value that empties a field, per canonical field; others cannot be emptied.
        echo: native fields whose echoed value must equal the sent one.
        status: path, in one record's answer, of its own HTTP status. error, code: paths of its error message and code.
        gone: codes that say that the binding is stale. exists: codes that say that the record is there already.
        settle: seconds after which a request without an answer has either arrived or never will.
    """

    find: Find | None = None
    read: LookUp | None = None
    agree: dict[str, Path] = {}
    references: dict[str, Reference] = {}
    lines: Lines | None = None
    create: Write | None = None
    update: list[Write]
    actions: Actions | None = None
    batch: int = Field(default=1, ge=1)
    values: dict[str, dict[str, str]] = {}
    instant: str = "%Y-%m-%dT%H:%M:%SZ"
    cleared: dict[str, JsonTemplate] = {}
    echo: list[str] = []
    status: str | None = None
    error: str | None = None
    code: str | None = None
    gone: list[str] = []
    exists: list[str] = []
    settle: float = 90.0

    @cached_property
    def carried(self) -> dict[tuple[str, int], frozenset[str]]:
        """(entity, form's identity) -> canonical fields the form carries, as found out."""
        return {}

    @model_validator(mode="after")
    def _read_first(self) -> "PushFacts":
        if self.read is None and (self.lines or self.actions or self.agree):
            raise ValueError("lines, actions and agree need read: they compare with what is there")
        return self

    @property
    def forms(self) -> list[Write]:
        """Every request that carries records of this entity."""
        reached = [one.request for one in self.actions.to.values() if one.request] if self.actions else []
        return [*self.update, *([self.create] if self.create else []), *reached]
