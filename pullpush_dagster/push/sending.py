"""One run of a push: lanes that always have something to send, and a store that is asked for everything at once."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from pullpush_dagster.changes import Claimed, Settled, Taken
from pullpush_dagster.errors import ForbiddenError
from pullpush_dagster.push.following import Following
from pullpush_dagster.push.journal import Journal, Progress, Totals
from pullpush_dagster.push.lanes import Lanes, Sent
from pullpush_dagster.push.making import Making
from pullpush_dagster.transport import Client

if TYPE_CHECKING:
    from pullpush_dagster.push.pushing import Pusher

_Given = TypeVar("_Given")
# What was answered waits so long to be written together; longer, up to a second, where a turn takes long: it is to
# take a tenth of the time, since lanes with nothing but small requests have no other time than its own.
_GROUP_SECONDS, _LONGEST_GROUP, _GROUP_TURNS = 0.25, 1.0, 10.0
# A claim costs much the same whatever its size, so one that is sent in less than a second was too small.
_CLAIM_SECONDS, _SMALLEST_CLAIM, _LARGEST_CLAIM = 1.0, 100, 25_600


async def _to_its_end(call: Callable[..., _Given], *arguments: object) -> _Given:
    """What ``call`` gives in a thread. Who is called off meanwhile goes on: a transaction cannot be called off."""
    work = asyncio.get_running_loop().run_in_executor(None, copy_context().run, call, *arguments)
    while not work.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({work})
    return work.result()


class Sending:
    """Sends what is due, and what becomes due within the push's patience.

    In turn with the sending, and beside it, the store takes what has been answered and gives what is due: one
    transaction for both, a quarter of a second or more apart where nobody waits for it. No lane waits for a slower one.
    """

    def __init__(self, pusher: "Pusher", client: Client, totals: Totals, progress: Progress) -> None:
        self._pusher, self._client, self._totals = pusher, client, totals
        self._time = asyncio.get_running_loop().time
        self._give_up = self._time() + pusher.patience
        self._group_seconds = _GROUP_SECONDS
        self._changed, self._is_timed = asyncio.Event(), False
        self._journal = Journal(pusher, client, totals, progress, self._came)
        # A lane that waited for a free connection would do so under a lease that was checked before.
        lanes = min(pusher.push.lanes, client.facts.limits.concurrency)
        self._lanes = Lanes(client, pusher.facts, lanes, self._sent, self._changed.set)
        self._following = Following(pusher.store.notes, self._lanes.follow, self._lanes.halt)
        self._making = Making(client, pusher.store, pusher.facts.settle)
        self._resolving: set[asyncio.Task[None]] = set()
        # Asked about again with the next ones: if any is answered then, it is not the credentials.
        self._forbidden: list[tuple[Claimed, ForbiddenError]] = []
        # All keys of a process that dies are unconfirmed where nobody can be asked, so it holds few there.
        least = _SMALLEST_CLAIM if pusher.facts.settles else 1
        self._most, self._claimed_at = max(least, pusher.push.lanes * pusher.facts.batch), self._time()
        # As of the last claim: when the next key is due; None: none will be.
        self._next_due: float | None = self._time()
        # Since nothing was under way: whether this run may have left a key that it has not seen; what had moved then.
        self._fresh, self._moved = True, 0

    async def whole(self) -> None:
        """Send until nothing is due; then, however it ended, all that was answered is in the store.

        Raises:
            AuthError, ConfigError: the destination cannot be spoken to; nothing is lost, all stays due.
            StoreBusyError: the store was held by another process for too long.
        """
        turns: list[asyncio.Task[None]] = []
        try:
            while await self._worth_a_turn():
                turns = [asyncio.create_task(self._turn(self._room()))]
                await asyncio.shield(turns[0])
        except BaseException as error:  # noqa: BLE001 - raised when what is under way has ended
            self._lanes.halt(error)
            # A transaction cannot be called off: what it has written counts, and what it claims is put back below.
            await asyncio.gather(*turns, return_exceptions=True)
        try:
            await asyncio.gather(*self._resolving)
            while self._lanes.busy or self._following.busy:
                await self._lanes.idle()
                await self._following.idle()
            self._give_up_forbidden()
            await self._lanes.ended()
        finally:
            await self._turn(0)
            if not self._journal.in_hand:
                self._following.forget()

    @property
    def _under_way(self) -> int:
        """Claimed keys that come to an outcome by themselves."""
        return self._journal.in_hand - self._lanes.held - len(self._forbidden)

    def _sent(self, sent: Sent) -> None:
        self._following.take(self._journal.sent(sent))

    async def _worth_a_turn(self) -> bool:
        """Returns when there is something to write or to claim. False: there will be nothing."""
        while not self._lanes.halted:
            if self._runs_short() or self._group_is_full():
                return True
            journal = self._journal
            if not self._under_way and not journal.waiting and not self._will_wait():
                return False
            self._changed.clear()
            self._is_timed = journal.waiting
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._next_look()):
                    await self._changed.wait()
        return False

    def _came(self) -> None:
        """Look again, if an outcome makes a difference: to do so for each would cost as much as to send it."""
        if not self._is_timed or self._lanes.halted or self._runs_short() or self._group_is_full():
            self._changed.set()

    def _room(self) -> int:
        """How many keys may be claimed now, so that two claims are in hand; 0: none, or so few that it can wait."""
        journal = self._journal
        if journal.in_hand > 1.25 * self._most:
            return 0
        # Who makes no headway is done when patience is.
        headway = self._under_way or self._fresh or journal.moved > self._moved
        if not headway and self._time() > self._give_up:
            return 0
        return min(self._most, 2 * self._most - journal.in_hand)

    def _runs_short(self) -> bool:
        """Whether less than one claim is in hand, and something is due."""
        due = self._next_due is not None and self._next_due <= self._time()
        return due and self._journal.in_hand <= self._most and self._room() > 0

    def _group_is_full(self) -> bool:
        """Whether what waits to be written has waited enough: for others, or for what may be due after it."""
        journal = self._journal
        if not journal.waiting:
            return False
        return journal.in_hand <= journal.unwritten or self._time() >= journal.since + self._group_seconds

    def _will_wait(self) -> bool:
        """Whether what is due later is waited for."""
        return self._next_due is not None and self._time() < self._next_due <= self._give_up

    def _next_look(self) -> float | None:
        journal = self._journal
        times = [journal.since + self._group_seconds] if journal.waiting else []
        times += [self._next_due] if self._next_due is not None and self._next_due > self._time() else []
        return min(times, default=None)

    async def _turn(self, most: int) -> None:
        """Write what was answered, and claim at most ``most``; what is claimed is on its way when this returns."""
        group = self._journal.take()
        if not group and not most:
            return
        if most and not self._under_way:
            self._fresh, self._moved = False, self._journal.moved
        began = self._time()
        try:
            claimed, wait = await _to_its_end(self._pusher.turn, group, most)
        except BaseException:
            self._journal.put_back(group)
            raise
        self._journal.written(group)
        now, whole = self._time(), claimed is not None and claimed.heads == most
        self._group_seconds = min(_LONGEST_GROUP, max(_GROUP_SECONDS, _GROUP_TURNS * (now - began)))
        # What was written may have made something due that was not asked for.
        self._next_due = now if not most or whole else None if wait is None else now + wait
        if claimed:
            # Of those that were due, others may be left.
            self._fresh = self._fresh or (whole and any(key not in self._totals.outcomes for key in claimed.keys))
            self._grow(now, whole=whole)
            self._send(claimed)

    def _grow(self, now: float, *, whole: bool) -> None:
        if whole and self._pusher.facts.settles and now - self._claimed_at < _CLAIM_SECONDS:
            self._most = min(2 * self._most, max(_LARGEST_CLAIM, self._most))
        self._claimed_at = now

    def _send(self, claimed: Taken) -> None:
        for row in claimed.rest:
            # A request may hold rows of several claims, and is to tell them apart.
            row.index += self._journal.claimed
        self._journal.claimed += claimed.heads
        self._lanes.add_ready(claimed)
        if claimed.rest:
            task = asyncio.create_task(self._resolved(claimed.rest))
            self._resolving.add(task)
            task.add_done_callback(self._resolving.discard)

    async def _resolved(self, rows: Sequence[Claimed]) -> None:
        rows, self._forbidden = [*(row for row, _ in self._forbidden), *rows], []
        try:
            payloads, forbidden = await self._pusher.resolved(self._client, self._making, rows, self._journal.settle)
            self._forbidden += forbidden
            self._lanes.add(payloads)
        except BaseException as error:  # noqa: BLE001 - raised when what is under way has ended
            self._lanes.halt(error)
        finally:
            self._changed.set()

    def _give_up_forbidden(self) -> None:
        """It is the credentials; those rows go behind all others, which would never have their turn else."""
        for row, error in self._forbidden:
            self._lanes.halt(error)
            self._journal.settle([Settled(row, "retry", str(error), requeued=True)])
        self._forbidden = []
