"""Confirm: outcomes on their way into the store, written together."""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pullpush_dagster.changes import Ready, Settled, acknowledge
from pullpush_dagster.errors import RetryError
from pullpush_dagster.push.lanes import Sent
from pullpush_dagster.push.resolve import ids_of
from pullpush_dagster.transport import Client
from pullpush_dagster.transport.client import backoff

if TYPE_CHECKING:
    from pullpush_dagster.push.pushing import Pusher

_GROUP_SECONDS = 0.25
# So many steps a key may take without a pause between them; one that goes round in circles slows down.
_STEPS_AT_ONCE = 3
Progress = Callable[[str], None]


@dataclass
class Totals:
    """Keys of one run, by their last outcome in it, and the requests' keys ``sent`` in all."""

    outcomes: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    def counted(self) -> dict[str, int]:
        """accepted, rejected, retry, unknown, waiting, skipped -> number of keys."""
        return dict(Counter(self.outcomes.values()))


class Journal:
    """Outcomes on their way into the store, written together beside the sending, at most a quarter of a second late.

    Use as ``async with``; its end writes what is left. While a write fails nothing more is taken.

    Attributes:
        claimed: keys to be settled so far. moved: keys that came nearer to what they should be.
    """

    def __init__(self, pusher: "Pusher", client: Client, totals: Totals, progress: Progress) -> None:
        self._pusher, self._client, self._totals, self._progress = pusher, client, totals, progress
        self.claimed = self.moved = 0
        self._waiting: list[Settled] = []
        self._taken = self._written = 0
        self._ending = False
        self._some, self._hurry, self._advanced = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._writing())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._ending = True
        self._hurry.set()
        self._some.set()
        await self._writer

    async def sent(self, sent: list[Sent]) -> None:
        """Take the outcomes of one request."""
        self._totals.sent += sum(one.sent_at is not None for one in sent)
        await self.settle([self._settled(one) for one in sent])

    async def settle(self, settled: list[Settled]) -> None:
        """Take outcomes; they are written soon. Raises what a write before it raised."""
        if self._writer.done():
            await self._writer
        self._waiting += settled
        self._taken += len(settled)
        self.moved += sum(one.outcome == "accepted" or one.again for one in settled)
        self._some.set()

    async def flush(self) -> None:
        """Everything taken so far is written when this returns. Raises what a write raised."""
        taken = self._taken
        while self._written < taken:
            self._advanced.clear()
            self._hurry.set()
            if not self._writer.done():
                await self._advanced.wait()
            if self._writer.done():
                await self._writer

    async def _writing(self) -> None:
        try:
            while not self._ending or self._waiting:
                await self._some.wait()
                self._some.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), _GROUP_SECONDS)
                if not self._ending:
                    self._hurry.clear()
                group, self._waiting = self._waiting, []
                if group:
                    await self._write_group(group)
        finally:
            self._advanced.set()

    async def _write_group(self, group: list[Settled]) -> None:
        await asyncio.to_thread(self._write, group)
        self._written += len(group)
        self._totals.outcomes |= {one.claimed.key: one.fate for one in group}
        self._progress(f"{self._pusher.push.name}: {self._written} of {self.claimed} keys settled")
        self._advanced.set()

    def _write(self, group: list[Settled]) -> None:
        pusher = self._pusher
        with pusher.store.session() as con:
            acknowledge(con, pusher.push, pusher.entity, pusher.bound_as, group, pusher.affected)

    def _settled(self, sent: Sent) -> Settled:
        pusher, payload, outcome = self._pusher, sent.payload, sent.outcome
        row = payload.claimed
        accepted = outcome.name == "accepted"
        if accepted and isinstance(row, Ready):
            return Settled(row, "accepted", sent_at=sent.sent_at)
        ids = None if outcome.stale else payload.learned
        if accepted and not row.ids:
            ids = ids or outcome.ids or ids_of(outcome.answer, pusher.binding.paths)
        return Settled(
            row,
            outcome.name,
            outcome.reason and self._client.redacted(outcome.reason),
            sent=payload.fields if accepted else None,
            payload=payload.body,
            answer=None if accepted or outcome.answer is None else self._client.redacted(str(outcome.answer)),
            sent_at=sent.sent_at,
            due_in=self._due_in(sent),
            external_id=ids,
            bound_key=pusher.bound_key(row) if ids or outcome.stale else None,
            unbind=outcome.stale,
            lost=outcome.lost or payload.acts,
            again=accepted and payload.more,
            unconfirmed=outcome.name == "unknown" and not pusher.facts.settles and not row.ids,
        )

    def _due_in(self, sent: Sent) -> float:
        attempts = sent.payload.claimed.attempts
        if sent.outcome.name == "accepted":
            return 0.0 if attempts < _STEPS_AT_ONCE else backoff(attempts - _STEPS_AT_ONCE, RetryError())
        if sent.outcome.name not in ("retry", "unknown"):
            return 0.0
        if sent.retry_after is not None:
            return sent.retry_after
        # An update that is over can go again at once; whether a create is there shows only after a while.
        may_come = sent.outcome.name == "unknown" and not (sent.outcome.over and sent.payload.claimed.ids)
        return backoff(attempts + 1, RetryError()) + (self._pusher.facts.settle if may_come else 0.0)
