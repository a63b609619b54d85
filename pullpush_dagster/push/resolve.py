"""Resolve: find the platform's items by batched look-ups; what a connector calls its items' ids."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pullpush_dagster.changes.taken import Fields, key_values
from pullpush_dagster.connectors.forms import text
from pullpush_dagster.connectors.look_up_model import Find, LookUp
from pullpush_dagster.connectors.template import at, fill
from pullpush_dagster.errors import ForbiddenError, RejectError
from pullpush_dagster.transport import Client

# How a platform says that a value we asked for, not the asking itself, is wrong.
_ABOUT_THE_VALUES = (400, 414, 422)
# As many values are asked for alone to see whether any is answered.
_FEW = 5

Found = dict[str, list[Any] | RejectError]
_Ask = Callable[[Sequence[str]], Awaitable[list[Any]]]


async def look_up(
    client: Client, look: LookUp, values: Iterable[str], *, name: str = "keys", whole: bool = False
) -> Found:
    """The items the platform has for each value; an empty list: it has none.

    Asked in batches of ``look.batch``; an item is matched by its own value, never by place. A value that
    the platform refuses to look for, or cannot take, has that refusal instead, and does not sink the others; so has
    one that is not in a full answer, even when it is asked for alone. A 403 counts as one where others are answered.

    Args:
        whole: whether all items of a value count, so that some of them, in a full answer, are as good as none.

    Raises:
        RetryError, RejectError, AuthError: as ``Client.ask``.
    """
    wanted = list(dict.fromkeys(values))
    found: Found = {value: [] for value in wanted}
    batches = [*_batches(wanted, look.batch)]
    for item in await _all(lambda batch: _one(client, look, name, batch), batches):
        if isinstance(item, _Refused):
            found[item.value] = item.error if whole else found[item.value] or item.error
            continue
        value = at(item, in_row(look, look.match))
        text = "" if value is None else str(value).lower() if look.lowered else str(value)
        known = found.get(text) if text else None
        if isinstance(known, list) and item not in known:
            known.append(item)
    return found


def named(key: str, find: Find) -> str:
    """What the item of ``key`` (JSON) is looked up by."""
    value = str(key_values(key)[find.field])
    return value.lower() if find.lowered else value


class _Refused(NamedTuple):
    value: str
    error: RejectError


async def _all(ask: _Ask, batches: Sequence[Sequence[str]]) -> list[Any]:
    """What ``ask`` gives for all ``batches``.

    A 403 is for the values in it where others are answered; those are found by halves then, one after the other.

    Raises:
        ForbiddenError: it is for the credentials.
    """
    forbidden: list[Sequence[str]] = []

    async def one(batch: Sequence[str]) -> list[Any]:
        try:
            return await ask(batch)
        except ForbiddenError:
            forbidden.append(batch)
            return []

    found = [item for items in await asyncio.gather(*map(one, batches)) for item in items]
    if forbidden:
        other = await _answered(ask, [value for batch in batches for value in batch])
        for batch in forbidden:
            found += await _apart(ask, batch, other)
    return found


async def _answered(ask: _Ask, values: Sequence[str]) -> Sequence[str]:
    """One that is answered, of a few from all over ``values``.

    Raises:
        ForbiddenError: none is.
    """
    few = values[:: -(-len(values) // _FEW)]
    for value in few:
        try:
            await ask([value])
        except ForbiddenError:
            if value == few[-1]:
                raise
        else:
            break
    return [value]


async def _apart(ask: _Ask, batch: Sequence[str], other: Sequence[str]) -> list[Any]:
    try:
        return await ask(batch)
    except ForbiddenError as error:
        if len(batch) == 1:
            await ask(other)
            return [_Refused(batch[0], RejectError(f"{error}; others are answered"))]
    middle = len(batch) // 2
    return await _apart(ask, batch[:middle], other) + await _apart(ask, batch[middle:], other)


async def _one(client: Client, look: LookUp, name: str, values: Sequence[str]) -> list[Any]:
    try:
        answer = await client.ask(look, _asked(look, name, values))
    except RejectError as error:
        if error.status in look.absent:
            return []
        # Without a status it was not even asked: a value cannot take the form it needs there.
        if error.status is not None and error.status not in _ABOUT_THE_VALUES:
            raise
        return [_Refused(values[0], error)] if len(values) == 1 else await _halved(client, look, name, values)
    items = at(answer.body, look.each)
    full = look.size is not None and isinstance(items, list) and len(items) >= look.size
    if full and len(values) > 1:
        return await _halved(client, look, name, values)
    found = _listed(look, items)
    if full:
        said = f"there may be more than the {look.size} items of a full answer, so what is there cannot be told"
        found.append(_Refused(values[0], RejectError(said)))
    return found


async def _halved(client: Client, look: LookUp, name: str, values: Sequence[str]) -> list[Any]:
    middle = len(values) // 2
    return await _one(client, look, name, values[:middle]) + await _one(client, look, name, values[middle:])


def _listed(look: LookUp, items: Any) -> list[Any]:
    if look.rows is not None and isinstance(items, list):
        return [{"item": item, "row": row} for item in items for row in at(item, look.rows) or []]
    if items is None and look.may_lack:
        return []
    if isinstance(items, Mapping) and look.batch == 1:
        return [items]
    if not isinstance(items, list):
        raise RejectError(f"the look-up has no list at {look.each}")
    return [*items]


def _asked(look: LookUp, name: str, values: Sequence[str]) -> dict[str, Any]:
    """The placeholders of one question."""
    asked: dict[str, Any] = {name: list(values)}
    if len(values) == 1:
        asked["key"] = values[0]
    else:
        asked["several"] = list(values)
    if look.term is not None:
        asked["terms"] = look.join.join(str(fill(look.term, {"key": value})) for value in values)
    return asked


def _batches(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    """``values`` in batches; one with a comma goes alone, since commas separate the others."""
    plain = [value for value in values if "," not in value]
    yield from (plain[start : start + size] for start in range(0, len(plain), size))
    yield from ([value] for value in values if "," in value)


def in_row(look: LookUp, path: str) -> str:
    """``path`` in what is found: the item, or the item and one row of it side by side."""
    return path if look.rows is None else f"found.{path}"


def ids_in(items: list[Any] | RejectError, paths: Mapping[str, str]) -> list[Fields] | RejectError:
    """The different ids, at ``paths``, of found items; one without an id is none."""
    if isinstance(items, RejectError):
        return items
    found: list[Fields] = []
    for item in items:
        ids = ids_of(item, paths)
        if ids is not None and ids not in found:
            found.append(ids)
    return found


def ids_of(item: Any, paths: Mapping[str, str]) -> Fields | None:
    """The ids an item shows at ``paths``, or the bare id that some creates answer with; None: it names none."""
    if isinstance(item, int | str) and not isinstance(item, bool):
        return {"id": str(item)}
    shown = item if isinstance(item, Mapping) else {}
    ids = {name: text(value) for name, path in paths.items() if (value := at(shown, path)) is not None}
    return ids if "id" in ids else None
