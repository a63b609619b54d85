"""What the placeholders of one key's request stand for."""

import uuid
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.types import ListOf, Struct, Type
from pullpush_dagster.changes.taken import Claimed, Fields, key_values
from pullpush_dagster.connectors.forms import OneWord
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.template import AsIs, at, compiled, holes
from pullpush_dagster.errors import RejectError
from pullpush_dagster.push.references import References
from pullpush_dagster.push.typed import typed_value

_NUMBERS = ("quantity", "unitPrice", "totalAmount")
_CHANGES = uuid.UUID("6d1f5c1e-52a7-4a39-9f0b-0b6d1a2c7e55")


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


def native_values(
    entity: Entity,
    facts: PushFacts,
    claimed: Claimed,
    item: Item | None,
    settings: Mapping[str, Any],
    sending: Set[str],
) -> Fields:
    """Every placeholder of a record but its lists and references; what is not known has none."""
    key, known = key_values(claimed.key), claimed.known
    values: Fields = {**settings, **{name: _native(entity, facts, name, value) for name, value in key.items()}}
    for name, value in item.ids.items() if item else ():
        values[f"binding.{name}"] = value
    for name in sending:
        values |= _of_field(entity, facts, name, known[name])
    if item is not None or facts.upsert is not None:
        for name in sending:
            values |= _emptied(entity, facts, name, known[name])
        # What is there may have had a first name.
        parted = facts.parted & facts.cleared.keys() & values.keys()
        values |= {name: _alone(values[name], facts.cleared[name]) for name in parted}
    for name, second in facts.also.items():
        if second.of in sending and known[second.of] in second.values:
            values[name] = second.values[known[second.of]]
    values |= {f"now.{name}": at(item.native, path) for name, path in facts.now.items()} if item else {}
    values["index"] = claimed.index
    return values


def change_id(claimed: Claimed, sent: Any, item: str | None = None) -> str:
    """A UUID that is the same whenever the same change of a key is sent, and another one for every other change.

    One that was refused and goes again is another one, and so is one that goes to another ``item``: platforms answer
    the same with the same refusal. What had no answer, and whose key is another source key's by now, is the same one:
    numbers of changes are those of one order over all logs.
    """
    told = [claimed.key, claimed.sequence, claimed.refusals, sent, *([] if item is None else [item])]
    return str(uuid.uuid5(_CHANGES, orjson.dumps(told, option=orjson.OPT_SORT_KEYS).decode()))


def _alone(value: Any, nothing: Any) -> Any:
    """``value``; where it is one word, with what empties the words before it."""
    if not isinstance(value, str) or len(value.split()) > 1:
        return value
    found = OneWord(value)
    found.nothing = nothing
    return found


def _of_field(entity: Entity, facts: PushFacts, name: str, stored: Any) -> Fields:
    """A field as ``{name}``, and the known parts of an object as ``{name.part}``."""
    values: Fields = {name: _native(entity, facts, name, stored)}
    type_ = entity.fields[name]
    if isinstance(type_, Struct) and isinstance(stored, Mapping):
        known = {part: value for part, value in stored.items() if value is not None}
        values |= {
            f"{name}.{part}": _told(type_.fields[part], value, facts, f"{name}.{part}") for part, value in known.items()
        }
    return values


def _emptied(entity: Entity, facts: PushFacts, name: str, stored: Any) -> Fields:
    """What empties the parts that an object lacks: it is one value, and half of an older one would make a third."""
    type_ = entity.fields[name]
    if not isinstance(type_, Struct) or not isinstance(stored, Mapping):
        return {}
    lacking = (f"{name}.{part}" for part in type_.fields if stored.get(part) is None)
    return {part: AsIs(facts.cleared[part]) for part in lacking if part in facts.cleared}


def _native(entity: Entity, facts: PushFacts, name: str, stored: Any) -> Any:
    if stored is False:
        return AsIs(facts.cleared[name])
    return _told(entity.fields[name], stored, facts, name)


def _told(type_: Type, stored: Any, facts: PushFacts, name: str) -> Any:
    table, scale = facts.values.get(name), facts.scale.get(name)
    if table:
        return table.get(stored)
    value = typed_value(type_, stored, facts.instant, facts.zone)
    return Decimal(value) * scale if scale is not None else value


def listed(
    entity: Entity, facts: PushFacts, name: str, known: Fields, values: Fields, references: References
) -> list[Any]:
    """What stands for each row of a list.

    Raises:
        RejectError, MissingError: a row names what cannot be told, or what the platform does not have yet, or its
            quantity, price or total is unknown.
    """
    type_ = entity.fields[name]
    fields = type_.item.fields if isinstance(type_, ListOf) else {}
    template = facts.lists[name]
    filler, named = compiled(template, sparse=True), set(holes(template))
    in_rows = (one for one, facts_ in facts.references.items() if facts_.of.startswith(f"{name}."))
    refs = [one for one in in_rows if f"reference.{one}" in named]
    # Left out, an unknown number would become what the platform takes for the usual one; an upsert makes no document.
    needed = [part for part in _NUMBERS if f"line.{part}" in named and facts.upsert is None]
    rows: Sequence[Mapping[str, Any]] = known[name] or []
    made = []
    for row in map(_with_total, rows) if "line.totalAmount" in named else rows:
        unknown = [part for part in needed if row.get(part) is None]
        if unknown:
            raise RejectError(f"{', '.join(unknown)} of line {row.get('lineId') or row.get('sku')} is unknown")
        told = {f"line.{part}": typed_value(fields[part], value) for part, value in row.items() if value is not None}
        told |= {f"reference.{one}": references.of(one, known, row) for one in refs}
        made.append(filler({**values, **told}))
    return made


def _with_total(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """``row`` with the total that its quantity comes to at its price, where only the total is unknown."""
    quantity, price = row.get("quantity"), row.get("unitPrice")
    if row.get("totalAmount") is not None or quantity is None or price is None:
        return row
    return {**row, "totalAmount": Decimal(quantity) * Decimal(price)}
