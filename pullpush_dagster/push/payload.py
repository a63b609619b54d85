"""One key's request: which native fields go into it, and what they are."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import orjson

from pullpush_dagster.canonical import Entity
from pullpush_dagster.changes.claiming import Claimed, Fields, key_values
from pullpush_dagster.connectors.push_model import PushFacts, Write
from pullpush_dagster.connectors.template import AsIs, fill, fill_path
from pullpush_dagster.push.references import References
from pullpush_dagster.push.rows import entries
from pullpush_dagster.push.typed import typed_value


@dataclass(slots=True)
class Payload:
    """What is to be sent for one key.

    Attributes:
        form: the request that carries it. path: its path, filled; records of one path share a batch.
        record: the native record, or its JSON as the store wrote it. fields: canonical values in it, in stored form.
        empty: nothing in it differs from what the destination has, so it need not go.
        more: whether the key has another step after this one. acts: whether what it did must be read to be known.
        learned: the item's ids, where the store does not have them so yet.
    """

    claimed: Claimed
    form: Write
    path: str
    record: Fields | str
    fields: Fields
    empty: bool = False
    more: bool = False
    acts: bool = False
    learned: Fields | None = None

    @property
    def body(self) -> Fields | orjson.Fragment:
        """The record as a part of a request's body."""
        return orjson.Fragment(self.record) if isinstance(self.record, str) else self.record

    @property
    def native(self) -> Fields:
        """The record's values."""
        found: Fields = orjson.loads(self.record) if isinstance(self.record, str) else self.record
        return found


@dataclass(frozen=True)
class Item:
    """What a destination has for one key, as just looked up.

    Attributes:
        ids: of the item. native: the item itself; rows: of its list; both empty where the connector reads none.
        bound: key -> id of those rows that are ours.
    """

    ids: Fields
    native: Any = None
    rows: Sequence[Any] = ()
    bound: Fields | None = None


def carried(facts: PushFacts, entity: Entity, form: Write) -> frozenset[str]:
    """The canonical fields that ``form`` carries, its key aside."""
    # Worked out once: it is asked for every record.
    known = facts.carried.get((entity.name, id(form)))
    if known is None:
        fields = set(form.names & set(entity.compared))
        fields |= {facts.lines.field} if facts.lines and "lines" in form.names else set()
        named = (ref for name, ref in facts.references.items() if f"reference.{name}" in form.names)
        fields |= {ref.of.partition(".")[0] for ref in named}
        known = facts.carried[entity.name, id(form)] = frozenset(fields)
    return known


def sendable(facts: PushFacts, entity: Entity) -> frozenset[str]:
    """The canonical fields a destination can be sent, in any form of request, its key aside."""
    reached = {facts.actions.field} if facts.actions else set()
    return frozenset(reached.union(*(carried(facts, entity, form) for form in facts.forms)))


def named_references(facts: PushFacts, form: Write, sending: frozenset[str]) -> set[str]:
    """The references that a request of ``form`` with the fields ``sending`` needs."""
    names = {name for name in facts.references if f"reference.{name}" in form.names}
    return names | (set(facts.lines.same) if facts.lines and facts.lines.field in sending else set())


def payload(
    entity: Entity,
    facts: PushFacts,
    claimed: Claimed,
    form: Write,
    item: Item | None,
    references: References,
    fields: Set[str] | None = None,
) -> Payload:
    """The request for one key.

    An existing item gets only the fields that differ; a new one gets every known field. An unknown field
    is in neither; a cleared one has the value with which this platform empties it.

    Args:
        fields: those to be sent, where that is known already.

    Raises:
        RejectError: a value cannot take the form the platform needs.
        MissingError: it names what the platform does not have yet.
    """
    known = claimed.known
    sending = _sending(entity, facts, claimed, form, item) if fields is None else fields
    values: Fields = {**references.settings, **key_values(claimed.key)}
    for name, value in item.ids.items() if item else ():
        values[f"binding.{name}"] = value
    for name in sending:
        values[name] = _native(entity, facts, name, known[name])
    lines = _lines(entity, facts, claimed, item, references) if facts.lines and facts.lines.field in sending else []
    values |= {"lines": lines} if lines else {}
    for name in named_references(facts, form, frozenset()) if facts.references else ():
        if item is None or facts.references[name].of.partition(".")[0] in sending:
            values[f"reference.{name}"] = references.of(name, known)
    record = form.filler(values)
    if form.defaults:
        record = {**fill(form.defaults, values), **record}
    silent = {facts.lines.field} if facts.lines and not lines else set()
    path = form.path if form.path_is_fixed else fill_path(form.path, values)
    empty = item is not None and not sending - silent
    return Payload(claimed, form, path, record, {name: known[name] for name in sending}, empty)


def _sending(entity: Entity, facts: PushFacts, claimed: Claimed, form: Write, item: Item | None) -> Set[str]:
    known = claimed.known
    names = carried(facts, entity, form) & (known.keys() if item is None else claimed.todo & known.keys())
    return {name for name in names if expressible(facts, name, known[name])}


def _lines(entity: Entity, facts: PushFacts, claimed: Claimed, item: Item | None, references: References) -> list[Any]:
    assert facts.lines is not None  # noqa: S101
    return entries(entity, facts.lines, claimed, (item and item.bound) or {}, item.rows if item else (), references)


def _native(entity: Entity, facts: PushFacts, name: str, stored: Any) -> Any:
    if stored is False:
        return AsIs(facts.cleared[name])
    table = facts.values.get(name)
    return table[stored] if table else typed_value(entity.fields[name], stored, facts.instant)


def expressible(facts: PushFacts, name: str, stored: Any) -> bool:
    """Whether the platform has a way to say this value at all."""
    if stored is False:
        return name in facts.cleared
    return name not in facts.values or stored in facts.values[name]


def meets(conditions: Mapping[str, Sequence[str]], told: Mapping[str, Any]) -> bool:
    """Whether every value told is one of those its condition lists."""
    return all(str(told.get(name)) in allowed for name, allowed in conditions.items())
