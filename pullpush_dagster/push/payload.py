"""One key's request: which form it takes and which native fields go into it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.types import Scalar
from pullpush_dagster.changes.claiming import Claimed, Fields
from pullpush_dagster.connectors.model import PushFacts, Write
from pullpush_dagster.connectors.template import fill, fill_path, holes


@dataclass(frozen=True)
class Payload:
    """What is to be sent for one key.

    Attributes:
        form: the request that carries it. path: its path, filled; records of one path share a batch.
        record: the native record. fields: canonical values in it, in stored form.
    """

    claimed: Claimed
    form: Write
    path: str
    record: Fields
    fields: Fields

    @property
    def creates(self) -> bool:
        return "id" not in self.record


def sendable(facts: PushFacts, entity: Entity) -> frozenset[str]:
    """The canonical fields a destination can be sent, in any form of request, its key aside."""
    forms = [*facts.update, *([facts.create] if facts.create else [])]
    return frozenset(hole for form in forms for hole in holes(form.record) if hole in entity.compared)


def form_for(facts: PushFacts, ids: Fields | None) -> Write | None:
    """The request form for an item with ``ids`` (None: it is not there); None: we have no way to send it."""
    if ids is None:
        return facts.create
    told = {f"binding.{name}": str(value) for name, value in ids.items() if value is not None}
    for form in facts.update:
        if all(told.get(name) == value for name, value in form.when.items()):
            return form
    return None


def payload(
    entity: Entity, facts: PushFacts, claimed: Claimed, form: Write, ids: Fields | None, settings: Mapping[str, Any]
) -> Payload | None:
    """The request for one key; None: nothing that could be sent differs from what the destination has.

    An existing item gets only the fields that differ; a new one gets every known field. An unknown field
    is in neither; a cleared one has the value with which this platform empties it.

    Raises:
        RejectError: a value cannot take the form the platform needs.
    """
    known = {**claimed.accepted, **claimed.desired}
    names = set(holes(form.record)) & set(entity.compared)
    sending = {name for name in names if name in known and (ids is None or name in claimed.todo)}
    sending -= {name for name in sending if not _expressible(facts, name, known[name])}
    if not sending and ids is not None:
        return None
    values: dict[str, Any] = {**settings, **orjson.loads(claimed.key)}
    values |= {f"binding.{name}": value for name, value in (ids or {}).items()}
    values |= {name: _native(entity, facts, name, known[name]) for name in sending if known[name] is not False}
    record = fill(form.record, values)
    record |= _emptied(form, {name for name in sending if known[name] is False}, facts)
    path = fill_path(form.path, values)
    return Payload(claimed, form, path, record, {name: known[name] for name in sending})


def typed(entity: Entity, name: str, stored: Any) -> Any:
    """A stored value (text) as its canonical Python value: Decimal, int or text; lists and objects stay."""
    kind = entity.fields[name]
    if not isinstance(kind, Scalar) or not isinstance(stored, str):
        return stored
    return Decimal(stored) if kind.kind == "decimal" else int(stored) if kind.kind == "integer" else stored


def _native(entity: Entity, facts: PushFacts, name: str, stored: Any) -> Any:
    table = facts.values.get(name)
    return table[stored] if table else typed(entity, name, stored)


def _expressible(facts: PushFacts, name: str, stored: Any) -> bool:
    """Whether the platform has a way to say this value at all."""
    if stored is False:
        return name in facts.cleared
    return name not in facts.values or stored in facts.values[name]


def _emptied(form: Write, names: set[str], facts: PushFacts) -> Fields:
    """Native fields that stand for cleared ones, with the value that empties them."""
    return {
        native: facts.cleared[hole]
        for native, template in form.record.items()
        for hole in holes(template)
        if hole in names
    }
