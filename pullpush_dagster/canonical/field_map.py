"""canonical_map: the table in a connector file that says where each canonical field comes from."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from pullpush_dagster.canonical.entity import Entity
from pullpush_dagster.canonical.types import ListOf, Scalar, Struct

_STEP = r"""(\.[A-Za-z0-9_\-:]+|\.\*|\."[^".]+(\.[^".]+)*"|\[[A-Za-z0-9_]+=[^\[\]=]+\])"""
_PATH = re.compile(rf"^(item|row|scope|each|answer|record|now){_STEP}+$")


def _path(text: str) -> str:
    if not _PATH.match(text):
        raise ValueError(
            f"{text!r} is not a path such as item.price, item.currency.0, row.sku, each.id or scope.locationId"
        )
    return text


Path = Annotated[str, AfterValidator(_path)]


def _texts(given: Any) -> Any:
    return [_plain(one) for one in given] if isinstance(given, list) else [_plain(given)]


Texts = Annotated[list[str], BeforeValidator(_texts)]


class Times(BaseModel):
    """How a platform writes a time.

    Attributes:
        form: ``iso``, with or without a zone; ``rfc2822``; ``odata``: ``/Date(1130112000000+0000)/``; ``epoch`` and
            ``epoch_ms``; or a strftime form.
        zone: whose clock a time without a zone is on, such as ``America/Los_Angeles``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    form: str = "iso"
    zone: str = "UTC"


class Case(BaseModel):
    """One rule of ``cases``: what the field is when every condition of ``when`` holds (path -> text, or a list of
    texts any of which it may be; ``"*"``: anything but nothing, ``""``: nothing). It is the ``value``, or what lies
    at ``from``; with neither it is unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    when: dict[Path, Texts] = {}
    value: str | None = None
    from_: Path | None = Field(default=None, alias="from")

    @field_validator("value", mode="before")
    @classmethod
    def _text(cls, given: Any) -> Any:
        return _plain(given)


class FieldMap(BaseModel):
    """How one canonical field is read. ``price: item.price`` is short for ``price: {from: item.price}``.

    Attributes:
        from_: where the value is; for a list, where the list is.
        or_: where else it may be, in order, where it is not there.
        value: a constant instead. join: several texts instead, put together with a blank between, or ``with``.
        cases: rules instead, of which the first that holds says what it is; none: unknown.
        empty: a native text that says nothing, besides the empty one, such as "0" for the id of nobody.
        over: in the rows of a list, a number to divide by; unknown when that is 0. Needs round.
        minus: a second number to take off the first; unknown when either is.
        round: decimal places to round to. Without it, a number that a cast would round is a fault.
        scale: what a number is multiplied by, exactly, such as -1, or 0.001 for milliseconds.
        map: native text -> canonical text. A value not in it is a fault; otherwise: or this (``unknown``: unknown).
        form: how this time is written, where it differs from the platform's others.
        unknown_unless: the value counts only while these native values are so; else it is unknown.
        null, missing: what a native null (or empty) and an absent field say. Of a part of an object, ``null: unknown``:
            where it has none, nothing is known of it.
        fields: for an object: its fields. each: for a list: the fields of every row. also: for a list: where more of
            its rows are. A step ``*`` in a list's path stands for every row of a list on the way. only: conditions, as
            in ``cases``, without all of which a row is none of it, such as a subtotal among the lines.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    from_: Path | None = Field(default=None, alias="from")
    or_: list[Path] = Field(default=[], alias="or")
    value: str | None = None
    join: list[Path] | None = Field(default=None, min_length=2)
    with_: str = Field(default=" ", alias="with")
    cases: list[Case] | None = Field(default=None, min_length=1)
    empty: str | None = None
    over: Path | None = None
    minus: Path | None = None
    round: int | None = Field(default=None, ge=0, le=4)
    scale: Decimal | None = Field(default=None, max_digits=10, decimal_places=6)
    map: dict[str, str] | None = None
    otherwise: str | None = None
    form: str | None = None
    unknown_unless: dict[Path, str] = {}
    null: Literal["unknown", "cleared"] | None = None
    missing: Literal["unknown", "cleared"] = "unknown"
    fields: "CanonicalMap | None" = None
    each: "CanonicalMap | None" = None
    also: list[Path] = []
    only: dict[Path, Texts] = {}

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"from": given}
        if isinstance(given, dict):
            return {key: _as_text(key, value) for key, value in given.items()}
        return given

    @model_validator(mode="after")
    def _one_source(self) -> "FieldMap":
        if sum(x is not None for x in (self.from_, self.value, self.fields, self.join, self.cases)) != 1:
            raise ValueError("give exactly one of: from, value, join, cases, fields")
        if (self.or_ or self.scale is not None or self.minus is not None) and self.from_ is None:
            raise ValueError("or, scale and minus need from")
        if (self.also or self.only) and self.each is None:
            raise ValueError("also and only need each: they are for lists")
        if self.otherwise is not None and self.map is None:
            raise ValueError("otherwise needs map")
        if self.each is not None and self.from_ is None:
            raise ValueError("each needs from: the path of the list")
        if self.over is not None and self.round is None:
            raise ValueError("over needs round: a quotient may have no end")
        return self

    @property
    def paths(self) -> list[str]:
        """Every native path the value is made of."""
        told = [path for case in self.cases or [] for path in (*case.when, case.from_)]
        every = (self.from_, *self.or_, *(self.join or []), self.minus, self.over, *told, *self.also)
        return [path for path in every if path is not None]


def _as_text(key: str, value: Any) -> Any:
    """YAML's true and numbers as the text JSON would have, where native values are compared with."""
    if key in ("value", "empty", "otherwise") and value is not None:
        return _plain(value)
    if key in ("map", "unknown_unless") and isinstance(value, dict):
        return {_plain(name): _plain(to) for name, to in value.items()}
    return value


def _plain(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else str(value) if isinstance(value, int) else value


CanonicalMap = dict[str, FieldMap]


def told_parts(fields: CanonicalMap) -> frozenset[str]:
    """``field.part`` of each part that is empty where an object has none; of every other one that is unknown.

    An object of which any part is known was told as a whole. Its map may still say of a part that it can be unknown.
    """
    parts = ((f"{name}.{part}", told) for name, one in fields.items() for part, told in (one.fields or {}).items())
    return frozenset(
        part for part, told in parts if told.cases is None and "unknown" not in (told.null, told.otherwise)
    )


def map_problems(entity: Entity, fields: CanonicalMap) -> list[tuple[str, str]]:
    """(field, what is wrong and what is allowed) for each entry that ``entity`` cannot carry. Empty: all is well."""
    problems = [(name, "is required: it is part of the key") for name in entity.key if name not in fields]
    for name, field in fields.items():
        allowed = entity.fields.get(name)
        if allowed is None:
            problems.append((name, f"is not a field of {entity.name}; allowed: {', '.join(entity.fields)}"))
        elif isinstance(allowed, ListOf) != (field.each is not None):
            problems.append((name, "needs each" if isinstance(allowed, ListOf) else "takes no each"))
        elif isinstance(allowed, Struct) != (field.fields is not None):
            problems.append((name, "needs fields" if isinstance(allowed, Struct) else "takes no fields"))
        else:
            problems += [(name, problem) for problem in _alone_problems(field, allowed)]
            problems += [(name, "unknown_unless is for single values")] if field.each and field.unknown_unless else []
            inner = allowed.item.fields if isinstance(allowed, ListOf) else getattr(allowed, "fields", {})
            root = "each" if field.each is not None else "item"
            for part, mapped in (field.each or field.fields or {}).items():
                problems += [(f"{name}.{part}", problem) for problem in _part_problems(part, mapped, root, inner)]
            strange = [path for path in field.only if not path.startswith("each.")]
            problems += [(name, f"only is about each row: {path} starts with each") for path in strange]
            if any(path.startswith("each.") for path in field.paths):
                problems.append((name, "starts with item, row or scope; each is for the rows of a list"))
    return problems + _look_alikes(fields)


def _look_alikes(fields: CanonicalMap) -> list[tuple[str, str]]:
    """Paths that differ from another one only in case, which SQL takes for the same."""
    seen: dict[str, str] = {}
    found = []
    for name, field in fields.items():
        for path in (*field.paths, *(path for part in (field.fields or {}).values() for path in part.paths)):
            steps = path.split(".")
            for here in (".".join(steps[:end]) for end in range(1, len(steps) + 1)):
                other = seen.setdefault(here.lower(), here)
                if other != here:
                    found.append((name, f"{here} differs from {other} only in case"))
    return found


def _alone_problems(mapped: FieldMap, type_: object) -> list[str]:
    """What a field may not have; ``over`` belongs into the rows of a list."""
    joins = isinstance(type_, Scalar) and type_.kind in ("text", "instant")
    found = [] if mapped.over is None else ["over is for the rows of a list"]
    return found if mapped.join is None or joins else [*found, "join puts texts together; this is none"]


def _part_problems(part: str, mapped: FieldMap, root: str, allowed: Mapping[str, Scalar]) -> list[str]:
    if part not in allowed:
        return [f"is not one of: {', '.join(allowed)}"]
    roots = ("each",) if root == "each" else ("item", "row")
    ok = all(path.partition(".")[0] in roots for path in mapped.paths)
    found = [] if ok else [f"starts with {' or '.join(roots)}"]
    given: dict[str, object] = {"minus": mapped.minus, "unknown_unless": mapped.unknown_unless, "fields": mapped.fields}
    if root == "each":
        given |= {"join": mapped.join, "cases": mapped.cases}
        if mapped.over is not None and allowed[part].kind != "decimal":
            found.append("over divides numbers; this is none")
    else:
        found += _alone_problems(mapped, allowed[part])
    return found + [f"takes no {name}" for name, value in given.items() if value]
