"""One push: bring its outbox up to date, then claim, resolve, send and acknowledge until nothing is due."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import orjson

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import Arrival, Claimed, Settled, acknowledge, arrive, claim
from pullpush_dagster.changes.claiming import Fields, seconds_to_next, wake
from pullpush_dagster.config import Project, Push
from pullpush_dagster.connectors.model import Write
from pullpush_dagster.errors import PullPushError, RejectError, RetryError
from pullpush_dagster.push.lanes import Lanes, Sent
from pullpush_dagster.push.payload import Payload, form_for, payload, sendable
from pullpush_dagster.push.resolve import ids_of, look_up
from pullpush_dagster.store import Store
from pullpush_dagster.transport import Client
from pullpush_dagster.transport.client import backoff

_CLAIM = 5000
_GROUP = 1000
_REFUSED_SECONDS = 60.0
_GROUP_SECONDS = 0.25
Progress = Callable[[str], None]


@dataclass
class Totals:
    """Keys of one run, by their last outcome in it, and the requests' keys ``sent`` in all."""

    outcomes: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    def counted(self) -> dict[str, int]:
        """accepted, rejected, retry, unknown, waiting, skipped -> number of keys."""
        return dict(Counter(self.outcomes.values()))


class Pusher:
    """Everything one push does at its destination.

    Args:
        patience: seconds to wait, once nothing is due, for a key that will be.
    """

    def __init__(self, project: Project, push: Push, store: Store, *, patience: float = 20.0) -> None:
        self.project, self.push, self.store, self.patience = project, push, store, patience
        self.entity = project.entity_of(push)
        self.connector = project.connector(push.to)
        self.facts = self.connector.push(self.entity.name)
        self.binding = self.connector.entity(self.entity.name).binding
        own = self.connector.entity(self.entity.name).canonical_map
        self.fixed = {name: own[name].value for name in self.entity.key if name in own and own[name].value is not None}
        self.bound_as = ENTITIES[self.connector.bound_as(self.entity.name)]

    def arrive(self) -> list[Arrival]:
        """Read every log this push follows into its outbox, and make due what waits. One transaction."""
        with self.store.session() as con:
            arrivals = [arrive(con, self.push, self.entity, self.project.pull(id_)) for id_ in self.push.from_]
            wake(con, self.push)
        return arrivals

    async def send(self, progress: Progress) -> Totals:
        """Send what is due, and what becomes due within ``patience``, and record every outcome.

        Raises:
            AuthError, ConfigError: the destination cannot be spoken to; nothing is lost, all stays due.
        """
        totals, give_up = Totals(), time.monotonic() + self.patience
        async with Client(self.project.connection(self.push.to), self.connector) as client:
            while True:
                claimed = await asyncio.to_thread(self._claim)
                if claimed:
                    accepted = await self._round(client, claimed, totals, progress)
                    if not accepted and time.monotonic() > give_up:
                        return totals
                    continue
                wait = await asyncio.to_thread(self._seconds_to_next)
                if wait is None or time.monotonic() + wait > give_up:
                    return totals
                await asyncio.sleep(max(wait, 0.05))

    def _claim(self) -> list[Claimed]:
        with self.store.session() as con:
            return claim(con, self.push, self.entity, self.bound_as, sendable(self.facts, self.entity), _CLAIM)

    def _seconds_to_next(self) -> float | None:
        with self.store.session() as con:
            return seconds_to_next(con, self.push)

    async def _round(self, client: Client, claimed: list[Claimed], totals: Totals, progress: Progress) -> int:
        """Send one claim; how many of its keys were accepted."""
        journal = Journal(self, client, totals, len(claimed), progress)
        # A lane that waited for a free connection would do so under a lease that was checked before.
        lanes = min(self.push.lanes, client.facts.limits.concurrency)
        try:
            payloads = await self._resolved(client, claimed, journal)
            await Lanes(client, self.facts, lanes, journal.sent).send(payloads)
        finally:
            await journal.flush()
        return sum(totals.outcomes.get(row.key) == "accepted" for row in claimed)

    async def _resolved(self, client: Client, claimed: list[Claimed], journal: "Journal") -> list[Payload]:
        """Payloads of what can be sent; everything else is settled here."""
        idle = [row for row in claimed if not row.todo]
        await journal.settle([Settled(row, "skipped", "nothing known differs from what it has") for row in idle])
        rows = [row for row in claimed if row.todo]
        homeless = [row for row in rows if not row.ids]
        try:
            found = await look_up(client, self.facts.find, self.binding, homeless)
        except PullPushError as error:
            if not isinstance(error, RetryError | RejectError):
                await journal.settle([Settled(row, "retry", str(error)) for row in rows])
                raise
            # A look-up that is refused says nothing about the records: they wait until it works.
            due_in = backoff(1, error) if isinstance(error, RetryError) else _REFUSED_SECONDS
            await journal.settle([Settled(row, "retry", str(error), due_in=due_in) for row in homeless])
            rows, found = [row for row in rows if row.ids], {}
        payloads = []
        for row in rows:
            one = self._payload(row, row.ids or found.get(row.key, []), client)
            if isinstance(one, Payload):
                payloads.append(one)
            else:
                await journal.settle([one])
        return payloads

    def _payload(self, row: Claimed, candidates: list[Fields] | RejectError, client: Client) -> Payload | Settled:
        stranger = self._stranger(row)
        if stranger or isinstance(candidates, RejectError):
            return Settled(row, "rejected", stranger or str(candidates))
        if len(candidates) > 1:
            return Settled(row, "rejected", f"{len(candidates)} items of {self.push.to} have this key")
        ids = candidates[0] if candidates else None
        learned = {"external_id": ids, "bound_key": self.bound_key(row)} if ids and not row.ids else {}
        form = form_for(self.facts, ids)
        if form is None:
            return Settled(row, "waiting", f"{self.push.to} has no such item", **learned)  # type: ignore[arg-type]
        if self._unwanted(row, form):
            return Settled(row, "skipped", f"not put into {self.push.to} while {form.unless}")
        try:
            one = payload(self.entity, self.facts, row, form, ids, client.values)
        except RejectError as error:
            return Settled(row, "rejected", str(error), **learned)  # type: ignore[arg-type]
        nothing = f"nothing that {self.push.to} can be sent differs"
        return one or Settled(row, "skipped", nothing, **learned)  # type: ignore[arg-type]

    def _stranger(self, row: Claimed) -> str | None:
        """Why the destination cannot have such a key, where a part of its own keys is always the same."""
        key = orjson.loads(row.key)
        for name, always in self.fixed.items():
            if key[name] != always:
                return (
                    f"{self.push.to} has only {name} {always}, not {key[name]}: translate it, or leave it out by only"
                )
        return None

    def _unwanted(self, row: Claimed, form: Write) -> bool:
        known = {**row.accepted, **row.desired}
        return bool(form.unless) and all(known.get(name) == value for name, value in form.unless.items())

    def bound_key(self, row: Claimed) -> str:
        """The key under which ``row``'s ids are bound, as JSON text."""
        key = orjson.loads(row.key)
        return orjson.dumps({name: key[name] for name in self.bound_as.key}).decode()


class Journal:
    """Outcomes on their way into the store: written together, at most 1,000 or a quarter of a second late."""

    def __init__(self, pusher: Pusher, client: Client, totals: Totals, claimed: int, progress: Progress) -> None:
        self._pusher, self._client, self._totals = pusher, client, totals
        self._claimed, self._progress = claimed, progress
        self._waiting: list[Settled] = []
        self._written = 0
        self._since = time.monotonic()
        self._lock = asyncio.Lock()

    async def sent(self, sent: list[Sent]) -> None:
        """Take the outcomes of one request."""
        self._totals.sent += sum(one.sent_at is not None for one in sent)
        await self.settle([self._settled(one) for one in sent])

    async def settle(self, settled: list[Settled]) -> None:
        """Take outcomes; writes them once there are enough or the oldest has waited long enough."""
        self._waiting += settled
        if len(self._waiting) >= _GROUP or time.monotonic() - self._since > _GROUP_SECONDS:
            await self.flush()

    async def flush(self) -> None:
        """Write everything that waits."""
        async with self._lock:
            group, self._waiting = self._waiting, []
            self._since = time.monotonic()
            if not group:
                return
            await asyncio.to_thread(self._write, group)
            self._written += len(group)
            self._totals.outcomes |= {one.claimed.key: one.outcome for one in group}
            self._progress(f"{self._pusher.push.name}: {self._written} of {self._claimed} keys settled")

    def _write(self, group: list[Settled]) -> None:
        pusher = self._pusher
        with pusher.store.session() as con:
            acknowledge(con, pusher.push, pusher.entity, pusher.bound_as, group)

    def _settled(self, sent: Sent) -> Settled:
        pusher, payload_, outcome = self._pusher, sent.payload, sent.outcome
        row = payload_.claimed
        accepted = outcome.name == "accepted"
        ids = ids_of(outcome.answer, pusher.binding) if accepted and not row.ids else None
        return Settled(
            row,
            outcome.name,
            outcome.reason and self._client.redacted(outcome.reason),
            sent=payload_.fields if accepted else None,
            payload=payload_.record,
            answer=None if accepted or outcome.answer is None else self._client.redacted(str(outcome.answer)),
            sent_at=sent.sent_at,
            due_in=self._due_in(sent),
            external_id=ids,
            bound_key=pusher.bound_key(row),
            unbind=outcome.stale,
            lost=outcome.lost,
        )

    def _due_in(self, sent: Sent) -> float:
        if sent.outcome.name not in ("retry", "unknown"):
            return 0.0
        if sent.retry_after is not None:
            return sent.retry_after
        wait = backoff(sent.payload.claimed.attempts + 1, RetryError())
        return wait + (self._pusher.facts.settle if sent.outcome.name == "unknown" else 0.0)
