"""What a canonical entity is: its key, its fields and what its frames must satisfy."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pullpush_dagster.canonical.types import Type

Means = Literal["unknown", "cleared"]
Deliver = Literal["latest", "every"]


@dataclass(frozen=True)
class Check:
    """What a known value must satisfy: pandera's check of that ``name``, and what is said of a value that fails it."""

    name: str
    error: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Entity:
    """A canonical type.

    Attributes:
        key: fields that identify a record; never null.
        fields: every field, the key's first, with its type.
        deliver: ``latest`` when only the newest state matters, ``every`` when each change does.
        checks: per scalar field, what a known value must satisfy.
        null_means: what a native null says where it is not ``cleared``.
        amount: the field whose fall to zero, or below it, the guard counts.
        price: the field whose jumps the guard counts.
        lowered: text fields that are the same whatever their case; kept in lower case.
        raised: text fields that are the same whatever their case; kept in capitals.
        prefixed: keys of two connections may be equal and mean different records.
        personal: fields that say something of a person; they are in no log, metadata or sample.
    """

    name: str
    key: tuple[str, ...]
    fields: Mapping[str, Type]
    deliver: Deliver
    checks: Mapping[str, list[Check]] = field(default_factory=dict)
    null_means: Mapping[str, Means] = field(default_factory=dict)
    amount: str | None = None
    price: str | None = None
    lowered: frozenset[str] = frozenset()
    raised: frozenset[str] = frozenset({"currency"})
    prefixed: bool = False
    personal: frozenset[str] = frozenset()

    @property
    def compared(self) -> tuple[str, ...]:
        """Fields whose difference is a change. ``updatedAt`` moves by itself, so it is not one of them."""
        return tuple(name for name in self.fields if name not in self.key and name != "updatedAt")

    def null_state(self, name: str) -> Means:
        """What a native null in field ``name`` says unless the connector says otherwise."""
        return self.null_means.get(name, "unknown" if name == "updatedAt" else "cleared")


NOT_EMPTY = Check("str_length", "is empty", {"min_value": 1})
CURRENCY = Check("str_matches", "is not a three-letter currency code", {"pattern": r"^[A-Z]{3}$"})


def one_of(*values: str) -> Check:
    """A check that a known value is one of ``values``."""
    return Check("isin", f"is not one of {', '.join(values)}", {"allowed_values": values})
