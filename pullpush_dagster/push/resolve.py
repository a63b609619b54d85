"""Resolve: find the platform's item for each key, by stored bindings and batched look-ups."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from pullpush_dagster.changes.claiming import Claimed, Fields
from pullpush_dagster.connectors.model import Binding, Find
from pullpush_dagster.connectors.template import at
from pullpush_dagster.errors import RejectError
from pullpush_dagster.transport import Client


async def look_up(client: Client, find: Find, binding: Binding, rows: Sequence[Claimed]) -> dict[str, list[Fields]]:
    """The items the platform has for each row's key, by key; an empty list: it has none.

    Asked in batches of ``find.batch``; an item is matched by its own value, never by place.

    Raises:
        RetryError, RejectError, AuthError: as ``Client.ask``.
    """
    wanted = {str(orjson.loads(row.key)[find.field]): row.key for row in rows}
    found: dict[str, list[Fields]] = {key: [] for key in wanted.values()}
    asks = (_one(client, find, batch) for batch in _batches(list(wanted), find.batch))
    for items in await asyncio.gather(*asks):
        for item in items:
            key = wanted.get(str(at(item, find.match)))
            ids = _ids(item, binding)
            if key is not None and ids not in found[key]:
                found[key].append(ids)
    return found


async def _one(client: Client, find: Find, values: Sequence[str]) -> list[Any]:
    answer = await client.ask(find, {"keys": ",".join(values)})
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
