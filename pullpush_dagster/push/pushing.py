"""One push: bring its outbox up to date, then claim, resolve, send and acknowledge until nothing is due."""

import asyncio
from collections.abc import Mapping

import duckdb
import orjson

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import Arrival, Claimed, Ready, Settled, arrive, claim
from pullpush_dagster.changes.acknowledging import Affected
from pullpush_dagster.changes.claiming import key_values, seconds_to_next, wake
from pullpush_dagster.config import Project, Push
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.push.journal import Journal, Progress, Totals
from pullpush_dagster.push.lanes import Lanes
from pullpush_dagster.push.payload import Payload, sendable
from pullpush_dagster.push.ready import ready_forms
from pullpush_dagster.push.resolving import Resolving
from pullpush_dagster.store import Store
from pullpush_dagster.transport import Client

# Few enough that the first are on their way soon, many enough that lanes have whole batches.
_CLAIM = 25_600


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
        self.fixed = {
            name: str(own[name].value) for name in self.entity.key if name in own and own[name].value is not None
        }
        self.bound_as = ENTITIES[self.connector.bound_as(self.entity.name)]
        given = self.connector.settings(project.connection(push.to).settings)
        settings = {f"settings.{name}": value for name, value in given.items()}
        self.written = ready_forms(self.entity, self.facts, settings, self.fixed)
        self.affected = _affected(project, push)

    def arrive(self) -> list[Arrival]:
        """Read every log this push follows into its outbox, and make due what waits. One transaction."""
        with self.store.session() as con:
            arrivals = [arrive(con, self.push, self.entity, self.project.pull(id_)) for id_ in self.push.from_]
            self.wake(con)
        return arrivals

    def wake(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make due what waits, and what a process that died had claimed."""
        wake(con, self.push, self.entity, asked=self.facts.settles)

    async def send(self, progress: Progress) -> Totals:
        """Send what is due, and what becomes due within ``patience``, and record every outcome.

        Raises:
            AuthError, ConfigError: the destination cannot be spoken to; nothing is lost, all stays due.
        """
        totals, give_up = Totals(), _now() + self.patience
        async with (
            Client(
                self.project.connection(self.push.to), self.connector, state=self.project.state, destination=True
            ) as client,
            Journal(self, client, totals, progress) as journal,
        ):
            moved = 0
            while await self._drain(client, journal, give_up):
                await journal.flush()
                wait = await asyncio.to_thread(self._seconds_to_next)
                goes_on = wait == 0 and journal.moved > moved
                if wait is None or (_now() + wait > give_up and not goes_on):
                    break
                moved = journal.moved
                await asyncio.sleep(max(wait, 0.05) if wait else 0)
        return totals

    async def _drain(self, client: Client, journal: Journal, give_up: float) -> bool:
        """Send until nothing is due; the next keys are claimed while those before are sent. False: gave up."""
        sending: asyncio.Task[bool] | None = None
        try:
            while claimed := await asyncio.to_thread(self._claim):
                moved = await self._ended(sending, claimed, journal) if sending else True
                sending = asyncio.create_task(self._round(client, claimed, journal))
                if not moved and _now() > give_up:
                    return False
            return True
        finally:
            if sending is not None:
                await sending

    async def _ended(self, sending: "asyncio.Task[bool]", claimed: list[Claimed], journal: Journal) -> bool:
        """What ``sending`` gives. When it fails, what is ``claimed`` already is put back first."""
        try:
            return await sending
        except PullPushError as error:
            await journal.settle([Settled(row, "retry", f"not sent: {error}") for row in claimed])
            raise

    def _claim(self) -> list[Claimed]:
        with self.store.session() as con:
            return claim(
                con, self.push, self.entity, self.bound_as, sendable(self.facts, self.entity), self._most, self.written
            )

    @property
    def _most(self) -> int:
        """Keys in one claim. All those of a process that dies are unconfirmed where nobody can be asked, so few."""
        return _CLAIM if self.facts.settles else self.push.lanes * self.facts.batch

    def _seconds_to_next(self) -> float | None:
        with self.store.session() as con:
            return seconds_to_next(con, self.push)

    async def _round(self, client: Client, claimed: list[Claimed], journal: Journal) -> bool:
        """Send one claim; whether any of its keys came nearer to what it should be."""
        before, journal.claimed = journal.moved, journal.claimed + len(claimed)
        # A lane that waited for a free connection would do so under a lease that was checked before.
        lanes = min(self.push.lanes, client.facts.limits.concurrency)
        payloads = [self._payload(row) for row in claimed if isinstance(row, Ready)]
        payloads += await self._resolved(client, [row for row in claimed if not isinstance(row, Ready)], journal)
        await Lanes(client, self.facts, lanes, journal.sent).send(payloads)
        return journal.moved > before

    def _payload(self, row: Ready) -> Payload:
        form = self.facts.update[row.form]
        return Payload(row, form, form.path, row.record, {})

    async def _resolved(self, client: Client, claimed: list[Claimed], journal: Journal) -> list[Payload]:
        """Payloads of what can be sent; everything else is settled here."""
        settled: list[Settled] = []
        known = claimed if not self.fixed else []
        for row in claimed if self.fixed else ():
            stranger = self._stranger(row)
            if stranger:
                settled.append(Settled(row, "rejected", stranger))
            else:
                known.append(row)
        resolving = Resolving(
            client, self.entity, self.facts, self.binding, self.push.to, self.bound_key, settled
        )  # fmt: skip
        try:
            return await resolving.payloads(known)
        finally:
            await journal.settle(settled)

    def _stranger(self, row: Claimed) -> str | None:
        """Why the destination cannot have such a key, where a part of its own keys is always the same."""
        key = key_values(row.key)
        for name, always in self.fixed.items():
            if key[name] != always:
                return (
                    f"{self.push.to} has only {name} {always}, not {key[name]}: translate it, or leave it out by only"
                )
        return None

    def bound_key(self, row: Claimed) -> str:
        """The key under which ``row``'s ids are bound, as JSON text."""
        if self.bound_as is self.entity:
            return row.key
        key = key_values(row.key)
        return orjson.dumps({name: key[name] for name in self.bound_as.key}).decode()


def _now() -> float:
    return asyncio.get_running_loop().time()


def _affected(project: Project, push: Push) -> Affected | None:
    """What an accepted record of ``push`` changes at its source: the pushes that go there."""
    if push.affected is None:
        return None
    entity, path = push.affected
    pushes: Mapping[str, list[str]] = {
        project.pull(id_).connection: [
            one.name
            for one in project.pushes.values()
            if one.to == project.pull(id_).connection and project.entity_of(one).name == entity
        ]
        for id_ in push.from_
    }
    return Affected(path, pushes)
