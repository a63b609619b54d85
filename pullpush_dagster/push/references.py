"""The items of other kinds that a record names: an order's products and its customer."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pullpush_dagster.changes.taken import Fields
from pullpush_dagster.connectors.forms import ABSENT
from pullpush_dagster.connectors.push_model import Reference
from pullpush_dagster.connectors.template import at, fill, fill_path
from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.errors import AuthError, PullPushError, RejectError
from pullpush_dagster.push.resolve import look_up
from pullpush_dagster.transport import Client

_Ids = list[str] | PullPushError


class MissingError(RejectError):
    """The platform has no such item yet."""


@dataclass(frozen=True)
class References:
    """Every reference's ids by the value they were found by, ``{name: {value: ids or why not}}``."""

    facts: Mapping[str, Reference]
    found: Mapping[str, Mapping[str, _Ids]]
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
    client: Client, facts: Mapping[str, Reference], wanted: Mapping[str, list[Fields]]
) -> References:
    """What the platform has for the records' references; what is missing and can be made is made, once each.

    Args:
        wanted: reference -> the records that need it.

    Raises:
        RetryError, RejectError, AuthError: as ``Client.ask``; a create that fails is only its own value's fault.
    """
    holders = {
        name: {value: one for record in records for value, one in _values(facts[name], record)}
        for name, records in sorted(wanted.items())
    }
    found = {name: await _looked_up(client, facts[name], held) for name, held in holders.items()}
    # Only after every look-up has been answered: one that fails leaves nothing behind.
    for name, held in holders.items():
        found[name] |= await _made(client, facts[name], held, found[name])
    return References(facts, found, client.values, client.connection.connection)


async def _looked_up(client: Client, reference: Reference, values: Iterable[str]) -> dict[str, _Ids]:
    items = await look_up(client, reference, values)
    return {value: _ids(reference, one) for value, one in items.items()}


async def _made(
    client: Client, reference: Reference, holders: Mapping[str, Mapping[str, Any]], found: Mapping[str, _Ids]
) -> dict[str, _Ids]:
    """What was created for the values that nothing was found for, where ``reference`` has a create."""
    if reference.create is None:
        return {}
    form, missing = reference.create, [value for value, ids in found.items() if ids == []]
    answers = await asyncio.gather(*(_create(client, reference, form, holders[value]) for value in missing))
    for refused in answers:
        if isinstance(refused, AuthError):
            raise refused
    return dict(zip(missing, answers, strict=True))


def _values(reference: Reference, record: Fields) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """(value, the list's row or the object that has it) for each value ``reference`` has in a record."""
    field, _, part = reference.of.partition(".")
    held = record.get(field) if part else record
    for one in held if isinstance(held, list) else [held]:
        value = value_of(reference, {field: one} if part else record, in_row=False)
        if value is not None and isinstance(one, Mapping):
            yield value, one


def _ids(reference: Reference, items: list[Any] | RejectError) -> _Ids:
    if isinstance(items, RejectError):
        return items
    return list(dict.fromkeys(str(value) for item in items if (value := at(item, reference.id)) is not None))


async def _create(client: Client, reference: Reference, form: Write, holder: Mapping[str, Any]) -> _Ids:
    field = reference.of.partition(".")[0]
    values = {**client.values, **{f"{field}.{name}": value for name, value in holder.items()}}
    try:
        record = {**fill(form.defaults, values), **fill(form.record, values)}
        request = form.to(fill_path(form.path, values))
        answer = await client.send(request, {}, body={form.at: [record]} if form.at else record)
        made = at(answer.body, form.answers if isinstance(form.answers, str) else form.answers[0])
    except PullPushError as error:
        return error
    one = made[0] if isinstance(made, list) and made else made
    ids = _ids(reference, [one]) if isinstance(one, Mapping) else [str(one)] if one else []
    return ids or MissingError("the platform does not say what it has made; it is looked for again")
