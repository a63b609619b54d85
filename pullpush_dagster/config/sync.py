"""assets/**/defs.yaml: what is pulled from where, and what is pushed to where."""

import datetime as dt
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.config.duration import Every, Quiet, Share
from pullpush_dagster.connectors.yaml_source import NAME

_DAY = 86_400
# What Dagster takes for an owner.
_OWNER = re.compile(r"team:.+|[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Z|a-z]{2,7}")


class Declared(BaseModel):
    """A part of a defs.yaml; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Guard(Declared):
    """Shares of the known keys a change set may touch before it is held; ``off``: no limit; unset: the default."""

    deleted: Share = None
    zeroed: Share = None
    changed: Share = None
    price: Share = None
    rows: Share = None

    def own(self) -> dict[str, float | None]:
        """Only the limits the file itself sets."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def _owner(given: str) -> str:
    if not _OWNER.fullmatch(given):
        raise ValueError(f"{given!r} is no owner: an e-mail address, or team:NAME")
    return given


Owners = list[Annotated[str, AfterValidator(_owner)]]


class Partitions(Declared):
    """How a pull is cut up: by day of the records' stamp, or by the values of a key field."""

    by: str
    values: list[str] = []
    start: dt.date | None = None

    @model_validator(mode="after")
    def _either(self) -> "Partitions":
        if self.by == "day" and (self.start is None or self.values):
            raise ValueError("by: day needs start (a date) and takes no values")
        if self.by != "day" and (not self.values or self.start):
            raise ValueError(f"by: {self.by} needs values and takes no start")
        if len(set(self.values)) < len(self.values):
            raise ValueError("values has one of them twice")
        return self

    @property
    def is_days(self) -> bool:
        return self.by == "day"


class Pull(Declared):
    """A declared pull, identified by ``connection/name``; any number of pushes read it.

    Attributes:
        full: how often a pull that follows a modified stamp is asked for whole, which finds deletes and drift;
            ``off``: never. Unset: each day, but never for orders, invoices and calls, which only grow.
        bulk: whether what is asked for whole comes as an export that the platform makes, and not page by page.
    """

    connection: str = Field(pattern=NAME)
    entity: str
    as_: str | None = Field(default=None, alias="as", pattern=NAME)
    every: Every | None = None
    full: Quiet = None
    bulk: bool = False
    partitions: Partitions | None = None
    guard: Guard = Guard()
    owners: Owners = ["team:integrations"]

    @field_validator("entity")
    @classmethod
    def _there(cls, given: str) -> str:
        if given not in ENTITIES:
            raise ValueError(f"is not one of {', '.join(ENTITIES)}")
        return given

    @property
    def name(self) -> str:
        """What stands for the entity in asset keys and in ``from``."""
        return self.as_ or self.entity

    @property
    def id(self) -> str:
        return f"{self.connection}/{self.name}"

    @property
    def scopes(self) -> list[str]:
        """What it is asked for one by one; an empty one where it is not cut up so."""
        return self.partitions.values if self.partitions and not self.partitions.is_days else [""]

    @property
    def full_every(self) -> int | None:
        """Seconds between full audits, where the walk alone is not one; None: there are none."""
        if "full" in self.model_fields_set:
            return self.full
        return None if self.entity in ("order", "invoice", "call") else _DAY

    @property
    def places(self) -> list[str]:
        """Its scopes, and the empty one: what is known of a pull may be of before it was cut up."""
        return ["", *self.scopes]

    @property
    def is_audited(self) -> bool:
        """Whether it has full audits where its platform follows a modified stamp."""
        return self.full_every is not None and self.scopes == [""]


def _listed(given: object) -> object:
    return [given] if isinstance(given, str) else given


Listed = Annotated[list[str], BeforeValidator(_listed, json_schema_input_type=str | list[str])]


class Push(Declared):
    """A declared push; with the pulls it reads it is a sync, named by the push.

    Attributes:
        only: source field -> the values that are sent; others are none of this push's business.
        translate: key field -> source value -> destination value; a value missing there is rejected.
        affects: ``ENTITY by FIELD.PART``: what an accepted record changes at its source by itself, such as
            ``stocklevel by lineItems.sku``; the pushes that go there send those keys again.
        deliver: ``latest``: of several changes of a key only the newest values are sent; ``every``: each change is.
            Unset: as the entity has it, which is each for orders, invoices and calls.
        on_dead: what becomes of the changes that follow one that was given up, where each is sent: they ``wait``
            until it is replayed, or ``skip`` it, which closes it.
        mode: ``shadow`` plans and sends nothing.
        lanes: how many requests may be under way at once; a key is always in the same lane.
        readback: how often the destination is read back and compared with what it accepted, in seconds; None: only
            by hand.
    """

    name: str = Field(pattern=NAME)
    from_: Annotated[Listed, Field(alias="from", min_length=1)]
    to: str = Field(pattern=NAME)
    only: dict[str, list[str]] = {}
    translate: dict[str, dict[str, str]] = {}
    affects: str | None = None
    deliver: Literal["latest", "every"] | None = None
    on_dead: Literal["wait", "skip"] = "wait"
    mode: Literal["live", "shadow"] = "shadow"
    lanes: int = Field(default=4, ge=1, le=256)
    readback: Quiet = _DAY
    guard: Guard = Guard()
    owners: Owners = ["team:integrations"]

    @field_validator("from_")
    @classmethod
    def _once(cls, given: list[str]) -> list[str]:
        if len(set(given)) < len(given):
            raise ValueError("has one of them twice")
        return given

    @field_validator("affects")
    @classmethod
    def _readable(cls, given: str | None) -> str | None:
        if given is not None and not _AFFECTS.fullmatch(given):
            raise ValueError(f"{given!r} is not ENTITY by FIELD.PART, such as stocklevel by lineItems.sku")
        return given

    @property
    def logs(self) -> list[dict[str, str]]:
        """``connection`` and ``name`` of each pull it reads, as statements ask for a change log."""
        return [dict(zip(("connection", "name"), id_.split("/", 1), strict=True)) for id_ in self.from_]

    def sends_each(self, usual: str) -> bool:
        """Whether each change is sent by itself; ``usual``: the entity's own ``deliver``."""
        return (self.deliver or usual) == "every"

    @property
    def affected(self) -> tuple[str, str] | None:
        """(entity, path of its key in this push's records); None: it affects nothing."""
        found = _AFFECTS.fullmatch(self.affects or "")
        return (found[1], found[2]) if found else None


_AFFECTS = re.compile(r"(\w+) by (\w+\.\w+)")
