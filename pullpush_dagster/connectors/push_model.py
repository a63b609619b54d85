"""How one sends a platform what changed: look-ups, requests, and how their answers are read."""

import re
from collections.abc import Set
from decimal import Decimal
from functools import cached_property

from pydantic import Field, model_validator

from pullpush_dagster.canonical.field_map import Path
from pullpush_dagster.connectors.look_up_model import Find, LookUp
from pullpush_dagster.connectors.request import Fact, JsonTemplate
from pullpush_dagster.connectors.template import holes
from pullpush_dagster.connectors.write_model import Listed, Write

_FIRST = re.compile(r"\{([\w.]+):first[!?]?\}")


class Also(Fact):
    """A second native value of a canonical field: ``values`` says which, and of others there is none."""

    of: str
    values: dict[str, JsonTemplate]


class Reference(LookUp):
    """An item of another kind that a record names, such as the product of an order's line.

    Attributes:
        of: the canonical value it is found by: ``customer.email``, or of each row of a list, ``lineItems.sku``; or a
            field of the record's key, ``locationId``.
        lowered: whether it is asked for in lower case.
        otherwise: what stands in where that value is unknown; without it such a record is rejected.
        create: makes the item where there is none; without it the record waits. It is made once for all references of
            that name in the file.
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
        cleared: the native value that empties a field, per canonical field, or a part of an object, per
            ``field.part``; others cannot be emptied.
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

    @cached_property
    def parted(self) -> frozenset[str]:
        """Fields, and parts of objects, of which a request takes the first words apart."""
        return frozenset(name for form in self.forms for name in _FIRST.findall(form.identity))

    def as_told(self, parts: Set[str]) -> "PushFacts":
        """The same for records whose source tells these ``parts`` of objects; no other part is emptied."""
        cleared = {name: nothing for name, nothing in self.cleared.items() if "." not in name or name in parts}
        return self.model_copy(update={"cleared": cleared})

    @property
    def settles(self) -> bool:
        """Whether a request without an answer can be settled without a person: asked about, or sent again.

        Only of what is made by a request of its own this is a question.
        """
        return self.create is None or self.find is not None or self.repeats

    @property
    def repeats(self) -> bool:
        """Whether only the same create again settles one without an answer."""
        keyed = self.create is not None and "idempotency" in {*self.create.names, *holes(self.create.templates)}
        return keyed and self.find is None and self.upsert is None

    def most(self, form: Write) -> int:
        """Records in one request of ``form``.

        One alone, where only the same request again tells what became of it: no two batches are the same.
        """
        alone = self.repeats and form is self.create and "idempotency" not in form.names
        return 1 if form.at is None or alone else form.batch or self.batch

    @cached_property
    def keys_records(self) -> bool:
        """Whether any request says of a single record which change it is."""
        parts = [[form.record, form.defaults, form.path] for form in self.forms]
        return "idempotency" in holes([parts, list(self.lists.values())])

    @property
    def forms(self) -> list[Write]:
        """Every request that carries records of this entity."""
        reached = [one.request for one in self.actions.to.values() if one.request] if self.actions else []
        return [one for one in (*self.update, self.create, self.upsert, *reached) if one]
