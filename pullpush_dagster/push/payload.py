"""One key's request: which native fields go into it, and what they are."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import orjson

from pullpush_dagster.canonical import Entity
from pullpush_dagster.changes.taken import Claimed, Fields, key_values
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.template import fill, fill_path, holes
from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.push.native import Item, change_id, listed, native_values
from pullpush_dagster.push.references import References
from pullpush_dagster.push.rows import entries


@dataclass(slots=True)
class Payload:
    """What is to be sent for one key.

    Attributes:
        form: the request that carries it. path: its path, filled; records of one path share a batch.
        record: the native record, or its JSON as the store wrote it. fields: canonical values in it, in stored form;
            none where the store wrote it. item: the id of the item that its request names.
        empty: nothing in it differs from what the destination has, so it need not go.
        more: whether the key has another step after this one. acts: whether what it did must be read to be known.
        learned: the item's ids, where the store does not have them so yet.
        shared: what the rest of the request is filled with, if anything; only records that have it in common share one.
    """

    claimed: Claimed
    form: Write
    path: str
    record: Fields | str
    fields: Mapping[str, Any]
    empty: bool = False
    more: bool = False
    acts: bool = False
    learned: Fields | None = None
    shared: Fields | None = None
    item: str | None = None

    @property
    def body(self) -> Fields | orjson.Fragment:
        """The record as a part of a request's body."""
        return orjson.Fragment(self.record) if isinstance(self.record, str) else self.record

    @property
    def native(self) -> Fields:
        """The record's values."""
        found: Fields = orjson.loads(self.record) if isinstance(self.record, str) else self.record
        return found


def carried(facts: PushFacts, entity: Entity, form: Write) -> frozenset[str]:
    """The canonical fields that ``form`` carries, its key aside."""
    # Worked out once: it is asked for every record.
    known = facts.carried.get((entity.name, id(form)))
    if known is None:
        roots = {name.partition(".")[0] for name in form.names | form.shared}
        roots |= {facts.also[name].of for name in roots & facts.also.keys()}
        fields = roots & set(entity.compared)
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
    named = {*form.names, *holes([facts.lists[name] for name in sending & facts.lists.keys()])}
    names = {name for name in facts.references if f"reference.{name}" in named}
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
    values = native_values(entity, facts, claimed, item, references.settings, sending)
    # Not by all its ids, since more of the same item's may be learned before it goes again.
    goes_to = str(item.ids.get("id")) if item and form.bound else None
    if facts.keys_records:
        values["idempotency"] = change_id(claimed, {name: known[name] for name in sorted(sending)}, goes_to)
    lines = _lines(entity, facts, claimed, item, references) if facts.lines and facts.lines.field in sending else []
    values |= {"lines": lines} if lines else {}
    for name in named_references(facts, form, frozenset()) if facts.references else ():
        if item is None or facts.references[name].of.partition(".")[0] in {*entity.key, *sending}:
            values[f"reference.{name}"] = references.of(name, {**key_values(claimed.key), **known})
    for name in sending & facts.lists.keys():
        values[name] = listed(entity, facts, name, known, values, references)
    record = form.filler(values)
    if form.defaults:
        record = {**fill(form.defaults, values), **record}
    silent = {facts.lines.field} if facts.lines and not lines else set()
    path = form.path if form.path_is_fixed else fill_path(form.path, values)
    empty = item is not None and not sending - silent
    made = Payload(claimed, form, path, record, {name: known[name] for name in sending}, empty, item=goes_to)
    made.shared = {name: values[name] for name in form.shared if name in values} or None
    return made


def _sending(entity: Entity, facts: PushFacts, claimed: Claimed, form: Write, item: Item | None) -> Set[str]:
    known = claimed.known
    all_of_it = item is None or form is facts.upsert
    names = carried(facts, entity, form) & (known.keys() if all_of_it else claimed.todo & known.keys())
    return {name for name in names if expressible(facts, name, known[name])}


def _lines(entity: Entity, facts: PushFacts, claimed: Claimed, item: Item | None, references: References) -> list[Any]:
    assert facts.lines is not None  # noqa: S101
    return entries(entity, facts.lines, claimed, (item and item.bound) or {}, item.rows if item else (), references)


def expressible(facts: PushFacts, name: str, stored: Any) -> bool:
    """Whether the platform has a way to say this value at all."""
    if stored is False:
        return name in facts.cleared
    return name not in facts.values or stored in facts.values[name]


def meets(conditions: Mapping[str, Sequence[str]], told: Mapping[str, Any]) -> bool:
    """Whether every value told is one of those its condition lists; ``*``: any but none, the empty text: none."""
    return all(_is_one(told.get(name), allowed) for name, allowed in conditions.items())


def _is_one(value: Any, allowed: Sequence[str]) -> bool:
    return "" in allowed if value in (None, "") else str(value) in allowed or "*" in allowed
