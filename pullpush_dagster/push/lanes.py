"""Send: lanes by key, one request in flight per lane, a key once per batch."""

import asyncio
import datetime as dt
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import orjson

from pullpush_dagster.changes import Taken
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.errors import AuthError, ForbiddenError, PullPushError, RejectError, RetryError, UnavailableError
from pullpush_dagster.push.batch import leased_until
from pullpush_dagster.push.forbidden import Forbidden
from pullpush_dagster.push.outcome import Outcome, outcomes, refused_whole
from pullpush_dagster.push.payload import Payload
from pullpush_dagster.push.requests import request_of, verdict
from pullpush_dagster.push.waiting import Lane, together
from pullpush_dagster.transport import Answer, Client

# A lease must outlive the request it covers, so no request starts in its last two minutes.
_LEASE_MARGIN = dt.timedelta(minutes=2)
_LONGEST_RETRY_AFTER = 3600.0


@dataclass(slots=True)
class Sent:
    """What became of the records of one request: ``outcomes``, in order.

    ``sent_at``: None when certainly none was done. ``retry_after``: seconds the platform asked us to wait. ``halted``:
    no request is started any more. ``lane``: the one they have in common. ``requeued``: they go behind all others.
    """

    batch: Sequence[Payload]
    outcomes: Sequence[Outcome]
    sent_at: dt.datetime | None
    retry_after: float | None = None
    halted: bool = False
    lane: int = 0
    requeued: bool = False


Report = Callable[[Sent], None]


class Lanes:
    """Sends payloads and reports every record's outcome, as it comes; more can be added all the while.

    What the platform bears is the client's business: a request it does not send now puts its records back.

    Args:
        changed: called when it is halted, and when all that is left is ``held``.
    """

    def __init__(
        self, client: Client, facts: PushFacts, count: int, report: Report, changed: Callable[[], None] = lambda: None
    ) -> None:
        self._client, self._facts, self._report, self._changed = client, facts, report, changed
        self._lanes = [Lane(number) for number in range(count)]
        self._halt: BaseException | None = None
        self._forbidden = Forbidden(report, self.halt)

    def add(self, payloads: Iterable[Payload]) -> None:
        """Let these be sent. None of their keys may be here still."""
        for payload in payloads:
            shared = orjson.dumps(payload.shared, default=str) if payload.shared else b""
            lane = self._lanes[self._number(payload.claimed.key)]
            most = together(self._facts.most(payload.form), payload.claimed.attempts)
            lane.group(payload.form, payload.path, most, shared).waiting.append(payload)
        self._start()

    def add_ready(self, claim: Taken) -> None:
        """Let those heads be sent that the store has written. None of their keys may be here still."""
        keys = claim.keys
        for form, places in claim.ready.items():
            shares: list[list[int]] = [[] for _ in self._lanes]
            for place in places:
                shares[self._number(keys[place])].append(place)
            for lane, share in zip(self._lanes, shares, strict=True):
                if share:
                    self._extend(lane, form, claim, share)
        self._start()

    def follow(self, number: int, claim: Taken, places: Sequence[int]) -> None:
        """Let those be sent in a lane whose keys had a row before them in it, or were there themselves."""
        for form, some in claim.by_form(places).items():
            self._extend(self._lanes[number], form, claim, some)
        self._start()

    def _extend(self, lane: Lane, form: int, claim: Taken, places: Iterable[int]) -> None:
        write = self._facts.update[form]
        most, worn = self._facts.most(write), claim.worn
        if write.path_is_fixed and not worn:
            lane.group(write, write.path, most, "ready").waiting.extend([(claim, place) for place in places])
            return
        for place in places:
            path = write.path if write.path_is_fixed else claim.column("path")[place]
            size = together(most, claim.attempts(place)) if worn else most
            lane.group(write, path, size, "ready").waiting.append((claim, place))

    def _number(self, key: str) -> int:
        """Of the lane that a key has, always."""
        crc = zlib.crc32(key.encode())
        # All of its bits: by the last ones alone, keys that are numbered leave half the lanes with half the work.
        return (crc ^ crc >> 7 ^ crc >> 15 ^ crc >> 23) % len(self._lanes)

    def _start(self) -> None:
        for lane in self._lanes:
            if lane.task is None and lane.next(self._stopped):
                lane.task = asyncio.create_task(self._sent(lane))
        self._tell()

    def _stopped(self, form: Write) -> bool:
        """Whether records of ``form`` are kept back; not once they only have to learn that they are not sent."""
        return not self.halted and self._forbidden.stops(form)

    def _tell(self) -> None:
        if self.held:
            self._changed()

    def halt(self, error: BaseException) -> None:
        """Start no request any more: what waits is reported as retry. ``ended`` raises ``error``."""
        self._halt = self._halt or error
        self._start()
        self._changed()

    @property
    def halted(self) -> bool:
        """Whether no request is started any more."""
        return self._halt is not None

    @property
    def busy(self) -> bool:
        """Whether anything is being sent."""
        return any(lane.task is not None for lane in self._lanes)

    @property
    def held(self) -> int:
        """How many have no outcome until more is known of a 403; 0 while anything is being sent."""
        return 0 if self.busy else len(self._forbidden) + sum(lane.waiting for lane in self._lanes)

    async def idle(self) -> None:
        """Returns when all that was added has its outcome reported, or is ``held``."""
        while tasks := [lane.task for lane in self._lanes if lane.task is not None]:
            await asyncio.wait(tasks)

    async def ended(self) -> None:
        """Returns when all that was added has its outcome reported: nothing more will come.

        Raises:
            AuthError: credentials were refused, by a 401, or by a 403 after which nothing was taken; what was not sent
                is reported as retry first.
        """
        await self.idle()
        self._forbidden.give_up()
        await self.idle()
        if self._halt is not None:
            raise self._halt

    async def _sent(self, lane: Lane) -> None:
        try:
            while group := lane.next(self._stopped):
                lane.forbidden_at = None
                # After one that was forbidden, one from the other end: what was queued together may well be alike.
                batch = lane.take(group, last=self._forbidden.count(group.form) == 1)
                await self._batch(lane, group.form, group.path, batch)
        except BaseException as error:  # noqa: BLE001 - whoever waits for the lanes gets it
            self.halt(error)
        finally:
            lane.task = None
            self._tell()

    async def _batch(self, lane: Lane, form: Write, path: str, batch: Sequence[Payload]) -> bool:
        """Send ``batch``; whether all of it had an answer that is its own."""
        sent_at: dt.datetime | None = None
        job = form.job.most if form.job else 0.0
        latest = leased_until(batch) - _LEASE_MARGIN - dt.timedelta(seconds=job)

        def start() -> None:
            nonlocal sent_at
            sent_at = self._checked(form, latest)

        try:
            self._checked(form, latest)
            answer = await self._request(form, path, batch, start)
            found = outcomes(self._facts, form, batch, answer)
        except PullPushError as error:
            await self._failed(lane, form, path, batch, sent_at, error)
            return False
        except BaseException as error:  # noqa: BLE001 - the run was ended, or is by this; ``ended`` raises it
            self._called_off(lane, batch, sent_at, error)
            return False
        self._report(Sent(batch, found, sent_at, lane=lane.number))
        taken = any(one.name == "accepted" for one in found)
        if taken and sent_at is not None and self._forbidden.taken(form, sent_at):
            self._start()
        return True

    async def _request(self, form: Write, path: str, batch: Sequence[Payload], start: Callable[[], None]) -> Answer:
        request, values, body = request_of(form, path, batch, self._client.values)
        answer = await self._client.send(request, values, body, start=start, whole=not form.bodiless)
        return answer if form.job is None else await verdict(self._client, form.job, answer)

    def _checked(self, form: Write, latest: dt.datetime) -> dt.datetime:
        """Now. Asked before a batch waits for its turn, and again when that has come.

        Raises:
            RetryError: it does not go.
        """
        if self._halt is not None:
            refused = isinstance(self._halt, AuthError)
            raise RetryError("not sent: the credentials were refused" if refused else "not sent: the push was stopped")
        if self._forbidden.stops(form):
            raise RetryError("not sent: others like it were forbidden")
        now = dt.datetime.now(dt.UTC)
        if now > latest:
            raise RetryError("not sent: the claim was about to run out")
        return now

    async def _failed(
        self,
        lane: Lane,
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
        # What is there, or is gone, is looked up again; once that was in vain, only the one it is about is.
        if refused is not None and len(batch) > 1 and not (refused.stale and _is_new(batch)):
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
        self, lane: Lane, batch: Sequence[Payload], sent_at: dt.datetime | None, error: BaseException
    ) -> None:
        """Report a batch that is not waited for any more; what is left of its lane learns that it is not sent."""
        self.halt(error)
        no_answer = Outcome("unknown", "the push was stopped before its answer was read")
        outcome = no_answer if sent_at else Outcome("retry", "not sent: the push was stopped")
        self._report(Sent(batch, [outcome] * len(batch), sent_at, halted=True, lane=lane.number))

    async def _split(self, lane: Lane, form: Write, path: str, batch: Sequence[Payload]) -> None:
        """One bad record can sink a whole batch: halve it until that one stands alone."""
        middle = len(batch) // 2
        first, second = batch[:middle], batch[middle:]
        if await self._batch(lane, form, path, first) and len(second) > 1:
            # The first half went through, so the bad one is in the second, and no request is needed to know it.
            await self._split(lane, form, path, second)
        else:
            await self._batch(lane, form, path, second)


def _is_new(batch: Sequence[Payload]) -> bool:
    """Whether none of it was sent before."""
    return not any(one.claimed.attempts for one in batch)
