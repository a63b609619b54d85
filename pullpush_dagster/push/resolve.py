"""Resolve: find the platform's item for each key, by stored bindings and batched look-ups."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import orjson

from pullpush_dagster.changes.claiming import Claimed, Fields
from pullpush_dagster.connectors.model import Binding, Find
from pullpush_dagster.connectors.template import at
from pullpush_dagster.errors import RejectError
from pullpush_dagster.transport import Client

# How a platform says that a value we asked for, not the asking itself, is wrong.
_ABOUT_THE_VALUES = (400, 414, 422)


async def look_up(
    client: Client, find: Find, binding: Binding, rows: Sequence[Claimed]
) -> dict[str, list[Fields] | RejectError]:
    """The items the platform has for each row's key, by key; an empty list: it has none.

    Asked in batches of ``find.batch``; an item is matched by its own value, never by place. A value that
    the platform refuses to look for has that refusal instead, and does not sink the others.

    Raises:
        RetryError, RejectError, AuthError: as ``Client.ask``.
    """
    wanted: dict[str, list[str]] = {}
    for row in rows:
        wanted.setdefault(str(orjson.loads(row.key)[find.field]), []).append(row.key)
    found: dict[str, list[Fields] | RejectError] = {row.key: [] for row in rows}
    asks = (_one(client, find, batch) for batch in _batches(list(wanted), find.batch))
    for item in chain.from_iterable(await asyncio.gather(*asks)):
        if isinstance(item, _Refused):
            found |= dict.fromkeys(wanted[item.value], item.error)
            continue
        ids = _ids(item, binding)
        value = at(item, find.match)
        for key in wanted.get(str(value), []) if value is not None else ():
            known = found[key]
            if "id" in ids and isinstance(known, list) and ids not in known:
                known.append(ids)
    return found


class _Refused(NamedTuple):
    value: str
    error: RejectError


async def _one(client: Client, find: Find, values: Sequence[str]) -> list[Any]:
    try:
        answer = await client.ask(find, {"keys": ",".join(values)})
    except RejectError as error:
        if error.status not in _ABOUT_THE_VALUES:
            raise
        if len(values) == 1:
            return [_Refused(values[0], error)]
        middle = len(values) // 2
        return await _one(client, find, values[:middle]) + await _one(client, find, values[middle:])
    items = at(answer.body, find.each)
    if not isinstance(items, list):
        raise RejectError(f"the look-up has no list at {find.each}")
    return items


def _batches(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """``values`` in batches; one with a comma goes alone, since commas separate the others."""
    plain = [value for value in values if "," not in value]
    yield from (plain[start : start + size] for start in range(0, len(plain), size))
    yield from ([value] for value in values if "," in value)


def _ids(item: Mapping[str, Any], binding: Binding) -> Fields:
    paths = {"id": binding.id} | ({"parent": binding.parent} if binding.parent else {})
    return {name: str(value) for name, path in paths.items() if (value := at(item, path)) is not None}


def ids_of(item: Any, binding: Binding) -> Fields | None:
    """The ids in a create's answer; None: it names none."""
    ids = _ids(item, binding) if isinstance(item, Mapping) else {}
    return ids if "id" in ids else None
