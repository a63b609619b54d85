"""The items of other kinds that a record names: an order's products and its customer."""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pullpush_dagster.changes.taken import Fields
from pullpush_dagster.connectors.forms import ABSENT
from pullpush_dagster.connectors.push_model import Reference
from pullpush_dagster.connectors.template import fill
from pullpush_dagster.errors import PullPushError, RejectError
from pullpush_dagster.push.making import Ids, Making, MissingError, ids_at
from pullpush_dagster.push.resolve import look_up
from pullpush_dagster.transport import Client


@dataclass(frozen=True)
class References:
    """Every reference's ids by the value they were found by, ``{name: {value: ids or why not}}``."""

    facts: Mapping[str, Reference]
    found: Mapping[str, Mapping[str, Ids]]
    settings: Mapping[str, Any]
    platform: str

    def of(self, name: str, known: Fields, row: Mapping[str, Any] | None = None) -> Any:
        """The id that reference ``name`` of a record, or of one ``row`` of its list, has at the platform.

        Raises:
            MissingError: there is no such item yet. RejectError: there are several, or nothing to find it by.
        """
        reference = self.facts[name]
        value = value_of(reference, known if row is None else row, in_row=row is not None)
        if value is None:
            other = fill(reference.otherwise, self.settings)
            if other is None or other is ABSENT:
                raise RejectError(f"{_which(reference, row)} is unknown, so its {name} cannot be told")
            return other
        ids = self.found[name].get(value, [])
        if isinstance(ids, PullPushError):
            raise ids
        if len(ids) == 1:
            return ids[0]
        # A value that says something of a person is in no message.
        said = f"{name} {value}" if row is not None else f"{name} with this {reference.of}"
        if not ids:
            raise MissingError(f"{self.platform} has no {said}")
        raise RejectError(f"{self.platform} has {len(ids)} of {said}")


def value_of(reference: Reference, known: Mapping[str, Any], *, in_row: bool) -> str | None:
    """The value ``reference`` is found by; None: it is unknown, cleared or empty."""
    field, _, part = reference.of.partition(".")
    holder = known if in_row or not part else known.get(field)
    value = holder.get(part or field) if isinstance(holder, Mapping) else None
    text = "" if value is None or value is False else str(value).strip()
    return (text.lower() if reference.lowered else text) or None


def _which(reference: Reference, row: Mapping[str, Any] | None) -> str:
    line = f" of line {row['lineId']}" if row is not None and row.get("lineId") else ""
    return f"{reference.of}{line}"


async def find_references(
    client: Client, facts: Mapping[str, Reference], wanted: Mapping[str, list[Fields]], making: Making
) -> References:
    """What the platform has for the records' references; what is missing and can be made is made, once each.

    Args:
        wanted: reference -> the records that need it.

    Raises:
        RetryError, RejectError, AuthError: as ``Client.ask``; a create that fails is only its own value's fault.
        StoreBusyError: as ``Making.made``.
    """
    asked_at = dt.datetime.now(dt.UTC)
    holders = {
        name: {value: one for record in records for value, one in _values(facts[name], record)}
        for name, records in sorted(wanted.items())
    }
    found = {name: await _looked_up(client, facts[name], held) for name, held in holders.items()}
    # Only after every look-up has been answered: one that fails leaves nothing behind.
    for name, held in holders.items():
        missing = {value: held[value] for value, ids in found[name].items() if ids == []}
        found[name] |= await making.made(name, facts[name], missing, asked_at)
    return References(facts, found, client.values, client.connection.connection)


async def _looked_up(client: Client, reference: Reference, values: Iterable[str]) -> dict[str, Ids]:
    items = await look_up(client, reference, values)
    return {value: one if isinstance(one, RejectError) else ids_at(reference, one) for value, one in items.items()}


def _values(reference: Reference, record: Fields) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """(value, the list's row or the object that has it) for each value ``reference`` has in a record."""
    field, _, part = reference.of.partition(".")
    held = record.get(field) if part else record
    for one in held if isinstance(held, list) else [held]:
        value = value_of(reference, {field: one} if part else record, in_row=False)
        if value is not None and isinstance(one, Mapping):
            yield value, one
