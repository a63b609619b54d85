"""Send: lanes by key, one request in flight per lane, a key once per batch."""

import asyncio
import datetime as dt
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from pullpush_dagster.changes import Taken
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.errors import AuthError, ForbiddenError, PullPushError, RejectError, RetryError, UnavailableError
from pullpush_dagster.push.batch import Place, ReadyBatch, leased_until
from pullpush_dagster.push.forbidden import Forbidden
from pullpush_dagster.push.outcome import Outcome, outcomes, refused_whole
from pullpush_dagster.push.payload import Payload
from pullpush_dagster.push.requests import request_of, verdict
from pullpush_dagster.transport import Answer, Client

# A lease must outlive the request it covers, so no request starts in its last two minutes.
_LEASE_MARGIN = dt.timedelta(minutes=2)
_LONGEST_RETRY_AFTER = 3600.0


@dataclass(slots=True)
class Sent:
    """What became of the records of one request: ``outcomes``, in order.

    ``sent_at``: None when certainly none was done. ``retry_after``: seconds the platform asked us to wait. ``halted``:
    no request is started any more. ``lane``: the one they have in common.
    """

    batch: Sequence[Payload]
    outcomes: Sequence[Outcome]
    sent_at: dt.datetime | None
    retry_after: float | None = None
    halted: bool = False
    lane: int = 0


Report = Callable[[Sent], None]


@dataclass(slots=True)
class _Group:
    """Records that can share a request: payloads, or places in claims."""

    form: Write
    path: str
    waiting: deque[Any] = field(default_factory=deque)

    def next(self, facts: PushFacts) -> Sequence[Payload]:
        most = facts.most(self.form)
        batch = [self.waiting.popleft() for _ in range(min(most, len(self.waiting)))]
        return batch if isinstance(batch[0], Payload) else ReadyBatch(self.form, self.path, batch)


@dataclass(slots=True)
class _Lane:
    """What waits in lane ``number``; ``task`` sends it, None: nothing waits.

    ``forbidden_at``: when the batch that is under way, whole or in parts, was first sent and answered 403.
    """

    number: int
    groups: dict[tuple[object, ...], _Group] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    forbidden_at: dt.datetime | None = None

    def group(self, form: Write, path: str, *more: object) -> _Group:
        """Those of one form and path, and with the same in the rest of their request."""
        name = path, form.identity, *more
        if name not in self.groups:
            self.groups[name] = _Group(form, path)
        return self.groups[name]

    def next(self, facts: PushFacts) -> tuple[_Group, Sequence[Payload]]:
        """The next request's records, and the group they were in."""
        name, group = next(iter(self.groups.items()))
        batch = group.next(facts)
        if not group.waiting:
            del self.groups[name]
        return group, batch


class Lanes:
    """Sends payloads and reports every record's outcome, as it comes; more can be added all the while.

    What the platform bears is the client's business: a request it does not send now puts its records back.
    """

    def __init__(
        self, client: Client, facts: PushFacts, count: int, report: Report, halts: Callable[[], None] = lambda: None
    ) -> None:
        self._client, self._facts, self._report, self._halts = client, facts, report, halts
        self._lanes = [_Lane(number) for number in range(count)]
        self._halt: BaseException | None = None
        self._forbidden = Forbidden(report, self.halt)

    def add(self, payloads: Iterable[Payload]) -> None:
        """Let these be sent. None of their keys may be here still."""
        for payload in payloads:
            shared = orjson.dumps(payload.shared, default=str) if payload.shared else b""
            lane = self._lanes[self._number(payload.claimed.key)]
            lane.group(payload.form, payload.path, shared).waiting.append(payload)
        self._start()

    def add_ready(self, claim: Taken) -> None:
        """Let those heads be sent that the store has written. None of their keys may be here still."""
        keys = claim.keys
        for form, places in claim.ready.items():
            shares: list[list[Place]] = [[] for _ in self._lanes]
            for place in places:
                shares[self._number(keys[place])].append((claim, place))
            for lane, share in zip(self._lanes, shares, strict=True):
                if share:
                    self._extend(lane, form, share)
        self._start()

    def follow(self, number: int, claim: Taken, places: Sequence[int]) -> None:
        """Let those be sent in a lane whose keys had a row before them in it, or were there themselves."""
        for form, some in claim.by_form(places).items():
            self._extend(self._lanes[number], form, [(claim, place) for place in some])
        self._start()

    def _extend(self, lane: _Lane, form: int, places: Iterable[Place]) -> None:
        write = self._facts.update[form]
        if write.path_is_fixed:
            lane.group(write, write.path, "ready").waiting.extend(places)
            return
        for claim, place in places:
            lane.group(write, claim.column("path")[place], "ready").waiting.append((claim, place))

    def _number(self, key: str) -> int:
        """Of the lane that a key has, always."""
        crc = zlib.crc32(key.encode())
        # All of its bits: by the last ones alone, keys that are numbered leave half the lanes with half the work.
        return (crc ^ crc >> 7 ^ crc >> 15 ^ crc >> 23) % len(self._lanes)

    def _start(self) -> None:
        for lane in self._lanes:
            if lane.task is None and lane.groups:
                lane.task = asyncio.create_task(self._sent(lane))

    def halt(self, error: BaseException) -> None:
        """Start no request any more: what waits is reported as retry. ``ended`` raises ``error``."""
        self._halt = self._halt or error
        self._halts()

    @property
    def halted(self) -> bool:
        """Whether no request is started any more."""
        return self._halt is not None

    @property
    def busy(self) -> bool:
        """Whether anything that was added has no outcome yet."""
        return any(lane.task is not None for lane in self._lanes)

    async def idle(self) -> None:
        """Returns when all that was added has its outcome reported."""
        while tasks := [lane.task for lane in self._lanes if lane.task is not None]:
            await asyncio.wait(tasks)

    async def ended(self) -> None:
        """As ``idle``.

        Raises:
            AuthError: credentials were refused, by a 401, or by a 403 after which nothing was taken; what was not sent
                is reported as retry first.
        """
        await self.idle()
        if self._halt is not None:
            raise self._halt

    async def _sent(self, lane: _Lane) -> None:
        try:
            while lane.groups:
                group, batch = lane.next(self._facts)
                lane.forbidden_at = None
                await self._batch(lane, group.form, group.path, batch)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the lanes gets it
            self.halt(error)
        finally:
            lane.task = None
            if not self.busy:
                self._forbidden.give_up()

    async def _batch(self, lane: _Lane, form: Write, path: str, batch: Sequence[Payload]) -> bool:
        """Send ``batch``; whether all of it had an answer that is its own."""
        sent_at: dt.datetime | None = None
        job = form.job.most if form.job else 0.0
        latest = leased_until(batch) - _LEASE_MARGIN - dt.timedelta(seconds=job)

        def start() -> None:
            nonlocal sent_at
            sent_at = self._checked(latest)

        try:
            self._checked(latest)
            answer = await self._request(form, path, batch, start)
            found = outcomes(self._facts, form, batch, answer)
        except PullPushError as error:
            await self._failed(lane, form, path, batch, sent_at, error)
            return False
        except BaseException as error:  # noqa: BLE001 - the run was ended, or is by this; ``ended`` raises it
            self._called_off(lane, batch, sent_at, error)
            return False
        self._report(Sent(batch, found, sent_at, lane=lane.number))
        if sent_at is not None and any(one.name == "accepted" for one in found):
            self._forbidden.taken(form, sent_at)
        return True

    async def _request(self, form: Write, path: str, batch: Sequence[Payload], start: Callable[[], None]) -> Answer:
        request, values, body = request_of(form, path, batch, self._client.values)
        answer = await self._client.send(request, values, body, start=start, whole=not form.bodiless)
        return answer if form.job is None else await verdict(self._client, form.job, answer)

    def _checked(self, latest: dt.datetime) -> dt.datetime:
        """Now. Asked before a batch waits for its turn, and again when that has come.

        Raises:
            RetryError: it does not go.
        """
        if self._halt is not None:
            refused = isinstance(self._halt, AuthError)
            raise RetryError("not sent: the credentials were refused" if refused else "not sent: the push was stopped")
        now = dt.datetime.now(dt.UTC)
        if now > latest:
            raise RetryError("not sent: the claim was about to run out")
        return now

    async def _failed(
        self,
        lane: _Lane,
        form: Write,
        path: str,
        batch: Sequence[Payload],
        sent_at: dt.datetime | None,
        error: PullPushError,
    ) -> None:
        if isinstance(error, ForbiddenError) and sent_at is not None:
            lane.forbidden_at = lane.forbidden_at or sent_at
            if len(batch) > 1:
                await self._split(lane, form, path, batch)
            else:
                self._forbidden.add(form, lane.forbidden_at, Sent(batch, (), sent_at, lane=lane.number), error)
            return
        refused = refused_whole(self._facts, form, error) if isinstance(error, RejectError) else None
        if refused is not None and not refused.stale and len(batch) > 1:
            await self._split(lane, form, path, batch)
            return
        if isinstance(error, AuthError):
            self.halt(error)
        wait = error.retry_after if isinstance(error, RetryError) else None
        wait = None if wait is None else min(wait, _LONGEST_RETRY_AFTER)
        maybe_done = refused is not None or (isinstance(error, UnavailableError) and error.sent)
        over = isinstance(error, UnavailableError) and error.over
        outcome = refused or Outcome("unknown" if maybe_done else "retry", str(error), over=over)
        sent_at = sent_at if maybe_done else None
        self._report(Sent(batch, [outcome] * len(batch), sent_at, wait, self.halted, lane.number))

    def _called_off(
        self, lane: _Lane, batch: Sequence[Payload], sent_at: dt.datetime | None, error: BaseException
    ) -> None:
        """Report a batch that is not waited for any more; what is left of its lane learns that it is not sent."""
        self.halt(error)
        no_answer = Outcome("unknown", "the push was stopped before its answer was read")
        outcome = no_answer if sent_at else Outcome("retry", "not sent: the push was stopped")
        self._report(Sent(batch, [outcome] * len(batch), sent_at, halted=True, lane=lane.number))

    async def _split(self, lane: _Lane, form: Write, path: str, batch: Sequence[Payload]) -> None:
        """One bad record can sink a whole batch: halve it until that one stands alone."""
        middle = len(batch) // 2
        first, second = batch[:middle], batch[middle:]
        if await self._batch(lane, form, path, first) and len(second) > 1:
            # The first half went through, so the bad one is in the second, and no request is needed to know it.
            await self._split(lane, form, path, second)
        else:
            await self._batch(lane, form, path, second)
