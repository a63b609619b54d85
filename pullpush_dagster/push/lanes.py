"""Send: lanes by key, one request in flight per lane, a key once per batch."""

import asyncio
import datetime as dt
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import orjson

from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.errors import AuthError, PullPushError, RejectError, RetryError, UnavailableError
from pullpush_dagster.push.outcome import Outcome, outcomes, refused_whole
from pullpush_dagster.push.payload import Payload
from pullpush_dagster.push.requests import request_of, verdict
from pullpush_dagster.transport import Answer, Client

# A lease must outlive the request it covers, so no request starts in its last two minutes.
_LEASE_MARGIN = dt.timedelta(minutes=2)
_LONGEST_RETRY_AFTER = 3600.0


@dataclass(slots=True)
class Sent:
    """One record's fate.

    ``sent_at``: None when it certainly was not done. ``retry_after``: seconds the platform asked us to wait.
    """

    payload: Payload
    outcome: Outcome
    sent_at: dt.datetime | None
    retry_after: float | None = None


Report = Callable[[list[Sent]], Awaitable[None]]


class Lanes:
    """Sends payloads and reports every record's outcome, as it comes.

    What the platform bears is the client's business: a request it does not send now puts its records back.
    """

    def __init__(self, client: Client, facts: PushFacts, count: int, report: Report) -> None:
        self._client, self._facts, self._count, self._report = client, facts, count, report
        self._halt: AuthError | None = None

    async def send(self, payloads: Sequence[Payload]) -> None:
        """Send all; returns when each has its outcome reported.

        Raises:
            AuthError: credentials were refused; what was not sent is reported as retry first.
        """
        lanes: list[list[Payload]] = [[] for _ in range(self._count)]
        for payload in payloads:
            lanes[zlib.crc32(payload.claimed.key.encode()) % self._count].append(payload)
        await asyncio.gather(*(self._lane(lane) for lane in lanes if lane))
        if self._halt is not None:
            raise self._halt

    async def _lane(self, payloads: list[Payload]) -> None:
        for form, path, batch in _batches(payloads, self._facts.batch):
            await self._batch(form, path, batch)

    async def _batch(self, form: Write, path: str, batch: list[Payload]) -> bool:
        """Send ``batch``; whether all of it had an answer that is its own."""
        sent_at: dt.datetime | None = None

        def start() -> None:
            nonlocal sent_at
            self._check(batch)
            sent_at = dt.datetime.now(dt.UTC)

        try:
            self._check(batch)
            answer = await self._request(form, path, batch, start)
        except PullPushError as error:
            await self._failed(form, path, batch, sent_at, error)
            return False
        results = outcomes(self._facts, form, batch, answer)
        await self._report([Sent(one, result, sent_at) for one, result in zip(batch, results, strict=True)])
        return True

    async def _request(self, form: Write, path: str, batch: list[Payload], start: Callable[[], None]) -> Answer:
        request, values, body = request_of(form, path, batch, self._client.values)
        answer = await self._client.send(request, values, body, start=start, whole=not form.bodiless)
        return answer if form.job is None else await verdict(self._client, form.job, answer)

    def _check(self, batch: list[Payload]) -> None:
        """Asked before a batch waits for its turn, and again when that has come. Raises RetryError: it does not go."""
        if self._halt is not None:
            raise RetryError("not sent: the credentials were refused")
        job = batch[0].form.job
        margin = _LEASE_MARGIN + dt.timedelta(seconds=job.most if job else 0)
        if dt.datetime.now(dt.UTC) + margin > min(one.claimed.lease_until for one in batch):
            raise RetryError("not sent: the claim was about to run out")

    async def _failed(
        self, form: Write, path: str, batch: list[Payload], sent_at: dt.datetime | None, error: PullPushError
    ) -> None:
        refused = refused_whole(self._facts, form, error) if isinstance(error, RejectError) else None
        if refused is not None and not refused.stale and len(batch) > 1:
            await self._split(form, path, batch)
            return
        if isinstance(error, AuthError):
            self._halt = error
        wait = error.retry_after if isinstance(error, RetryError) else None
        wait = None if wait is None else min(wait, _LONGEST_RETRY_AFTER)
        maybe_done = refused is not None or (isinstance(error, UnavailableError) and error.sent)
        over = isinstance(error, UnavailableError) and error.over
        outcome = refused or Outcome("unknown" if maybe_done else "retry", str(error), over=over)
        await self._report([Sent(one, outcome, sent_at if maybe_done else None, wait) for one in batch])

    async def _split(self, form: Write, path: str, batch: list[Payload]) -> None:
        """One bad record can sink a whole batch: halve it until that one stands alone."""
        middle = len(batch) // 2
        first, second = batch[:middle], batch[middle:]
        if await self._batch(form, path, first) and len(second) > 1:
            # The first half went through, so the bad one is in the second, and no request is needed to know it.
            await self._split(form, path, second)
        else:
            await self._batch(form, path, second)


def _batches(payloads: list[Payload], size: int) -> Iterator[tuple[Write, str, list[Payload]]]:
    """Payloads that share a request: of one form and path, and with the same in the rest of it; at most ``size``."""

    def group(payload: Payload) -> tuple[str, str, str]:
        shared = orjson.dumps(payload.shared, default=str).decode() if payload.shared else ""
        return payload.path, payload.form.identity, shared

    for (path, _, _), same in groupby(sorted(payloads, key=group), key=group):
        rows = list(same)
        step = (rows[0].form.batch or size) if rows[0].form.at else 1
        for start in range(0, len(rows), step):
            yield rows[start].form, path, rows[start : start + step]
