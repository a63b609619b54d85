"""Make: what records name and the destination does not have, once."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from pullpush_dagster.changes.made import Made, begin, note
from pullpush_dagster.connectors.push_model import Reference
from pullpush_dagster.connectors.template import at, fill, fill_path
from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.errors import AuthError, ForbiddenError, PullPushError, RejectError, RetryError, UnavailableError
from pullpush_dagster.store import Store
from pullpush_dagster.transport import Client

Ids = list[str] | PullPushError
# As long as a claim: what a process that died was at settles with the keys it held.
_LEASE, _MARGIN = dt.timedelta(minutes=10), dt.timedelta(minutes=2)
# Where so many are forbidden, no others are asked for: it is hardly each one's own fault.
_FEW = 3


class MissingError(RejectError):
    """The platform has no such item yet."""


class UnsettledError(RetryError):
    """It may have been made just now, which shows after ``due_in`` seconds."""

    def __init__(self, message: str, *, due_in: float) -> None:
        super().__init__(message)
        self.due_in = due_in


class Making:
    """Makes what the records of one run name.

    That a look-up did not find it is no reason by itself: it may be under way, for other records of this run, for
    another push or from a process that died. So the store is told before it is asked for, and is asked who did before.

    Args:
        settle: seconds after which what was made can be found, or never will be.
    """

    def __init__(self, client: Client, store: Store, settle: float) -> None:
        self._client, self._store, self._settle = client, store, dt.timedelta(seconds=settle)
        self._to, self._lock = client.connection.connection, asyncio.Lock()

    async def made(
        self, name: str, reference: Reference, holders: Mapping[str, Mapping[str, Any]], asked_at: dt.datetime
    ) -> dict[str, Ids]:
        """The ids of what is now there for the values of ``holders``, or why there is nothing.

        Args:
            asked_at: when the look-up that found none of them was asked.

        Raises:
            AuthError: credentials were refused, other than by a 403. StoreBusyError: nothing is made.
        """
        form = reference.create
        if form is None or not holders:
            return {}
        # One after the other, so that the second sees what became of the first, and need not be put back for it.
        async with self._lock:
            until = dt.datetime.now(dt.UTC) + _LEASE
            begun = await asyncio.to_thread(self._begun, name, [*holders], asked_at, until)
            mine = [value for value in holders if value not in begun]
            made = _blamed(await _asked(lambda one: self._create(reference, form, holders[one], until), mine))
            await asyncio.to_thread(self._noted, name, made)
        for refused in made.values():
            if isinstance(refused, AuthError) and not isinstance(refused, ForbiddenError):
                raise refused
        return {value: self._known(name, one) for value, one in begun.items()} | made

    def _begun(self, name: str, values: list[str], asked_at: dt.datetime, until: dt.datetime) -> dict[str, Made]:
        with self._store.session() as con:
            return begin(con, self._to, name, values, asked_at, until)

    def _noted(self, name: str, made: Mapping[str, Ids]) -> None:
        settles_at = dt.datetime.now(dt.UTC) + self._settle
        if made:
            with self._store.session() as con:
                note(con, self._to, name, {value: _told(one, settles_at) for value, one in made.items()})

    def _known(self, name: str, made: Made) -> Ids:
        if made.id is not None:
            return [made.id]
        left = min(made.settles_at - dt.datetime.now(dt.UTC), self._settle).total_seconds()
        return UnsettledError(f"its {name} may have been made just now, which shows later", due_in=max(0.0, left))

    async def _create(self, reference: Reference, form: Write, holder: Mapping[str, Any], until: dt.datetime) -> Ids:
        def start() -> None:
            if dt.datetime.now(dt.UTC) > until - _MARGIN:
                raise RetryError("not made: it was about to be another's to make")

        field = reference.of.partition(".")[0]
        values = {**self._client.values, **{f"{field}.{name}": value for name, value in holder.items()}}
        try:
            record = {**fill(form.defaults, values), **fill(form.record, values)}
            request, body = form.to(fill_path(form.path, values)), {form.at: [record]} if form.at else record
            answer = await self._client.send(request, {}, body=body, start=start)
            made = at(answer.body, form.answers if isinstance(form.answers, str) else form.answers[0])
        except PullPushError as error:
            return error
        one = made[0] if isinstance(made, list) and made else made
        ids = ids_at(reference, [one]) if isinstance(one, Mapping) else [str(one)] if one else []
        return ids or MissingError("the platform does not say what it has made; it is looked for again")


async def _asked(create: Callable[[str], Awaitable[Ids]], values: Sequence[str]) -> dict[str, Ids]:
    """What ``create`` gives for each of ``values``; where it is forbidden for a few from all over them, for all."""
    few = values[:: max(1, len(values) // _FEW)][:_FEW]
    made = dict(zip(few, await asyncio.gather(*map(create, few)), strict=True))
    left = [value for value in values if value not in made]
    if left and all(isinstance(one, ForbiddenError) for one in made.values()):
        return made | dict.fromkeys(left, made[few[0]])
    return made | dict(zip(left, await asyncio.gather(*map(create, left)), strict=True))


def _blamed(made: dict[str, Ids]) -> dict[str, Ids]:
    """The same, where a 403 is for its own sake if another one was made."""
    if not any(isinstance(one, list) for one in made.values()):
        return made
    return {
        value: RejectError(f"{one}; others were made") if isinstance(one, ForbiddenError) else one
        for value, one in made.items()
    }


def _told(made: Ids, settles_at: dt.datetime) -> Made | None:
    if isinstance(made, list):
        return Made(made[0], settles_at)
    maybe = isinstance(made, MissingError) or (isinstance(made, UnavailableError) and made.sent)
    return Made(None, settles_at) if maybe else None


def ids_at(reference: Reference, items: list[Any]) -> list[str]:
    """The different ids of ``items``, in order."""
    return list(dict.fromkeys(str(value) for item in items if (value := at(item, reference.id)) is not None))
