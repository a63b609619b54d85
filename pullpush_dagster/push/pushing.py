"""One push: bring its outbox up to date, then claim, resolve, send and acknowledge until nothing is due."""

from collections.abc import Callable, Mapping, Sequence

import duckdb
import orjson
import pyarrow as arrow

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.field_map import told_parts
from pullpush_dagster.changes import Arrival, Claimed, Settled, Taken, acknowledge, arrive, claim
from pullpush_dagster.changes.affected import Affected
from pullpush_dagster.changes.claiming import expire, seconds_to_next, wake
from pullpush_dagster.changes.folding import fold
from pullpush_dagster.changes.new_items import bound_alike, send_to_new_items
from pullpush_dagster.changes.notes import heed, sweep
from pullpush_dagster.changes.redirecting import redirect
from pullpush_dagster.changes.taken import key_values
from pullpush_dagster.config import Project, Push
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.errors import ForbiddenError
from pullpush_dagster.push.failing import failure_noted
from pullpush_dagster.push.journal import Group, Progress, Totals
from pullpush_dagster.push.making import Making
from pullpush_dagster.push.payload import Payload, sendable
from pullpush_dagster.push.ready import ready_forms
from pullpush_dagster.push.resolving import Resolving
from pullpush_dagster.push.sending import Sending
from pullpush_dagster.store import Store
from pullpush_dagster.transport import Client
from pullpush_dagster.transport.moving import require_unmoved


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
        self.by_pull = facts_by_pull(project, push)
        self.binding = self.connector.entity(self.entity.name).binding
        self.fixed = self.connector.fixed(self.entity.name)
        self.bound_as = ENTITIES[self.connector.bound_as(self.entity.name)]
        given = self.connector.settings(project.connection(push.to).settings)
        settings = {f"settings.{name}": value for name, value in given.items()}
        self.written = ready_forms(self.entity, self.facts, settings, self.fixed)
        self.affected = _affected(project, push)
        # A product's own push knows what became of it; of a level's, other places are as much concerned.
        others = bound_alike(project, push.to, self.bound_as)
        self.bound_alike = [one for one in others if project.entity_of(one) is not self.entity or not self._is_whole]

    def arrive(self) -> list[Arrival]:
        """Read every log this push follows into its outbox, and make due what waits. One transaction."""
        with self.store.session() as con:
            sweep(con, self.store.notes)
            arrivals = self.arrived(con)
            wake(con, self.push)
        return arrivals

    def arrived(self, con: duckdb.DuckDBPyConnection) -> list[Arrival]:
        """What reading each log came to, in the caller's transaction.

        What a process that died had claimed is due before that, so that it goes by the rules as they are now.
        """
        heed(con, self.push, self.entity, self.store.notes)
        redirect(con, self.push)
        expire(con, self.push, self.entity, asked=self.facts.settles)
        if not self.push.sends_each(self.entity.deliver):
            fold(con, self.push)
        pulls, beside = map(self.project.pull, self.push.from_), self.project.beside(self.push)
        return [arrive(con, self.push, self.entity, pull, beside=beside) for pull in pulls]

    async def send(self, progress: Progress) -> Totals:
        """Send what is due, and what becomes due within ``patience``, and record every outcome.

        Raises:
            AuthError, ConfigError: the destination cannot be spoken to; nothing is lost, all stays due. Why is kept.
            HaltError: it has another address than it had; the same goes for that.
        """
        totals, connection = Totals(), self.project.connection(self.push.to)
        with failure_noted(self.store, self.push):
            async with Client(connection, self.connector, state=self.project.state, destination=True) as client:
                with self.store.session() as con:
                    require_unmoved(con, connection, self.connector)
                await Sending(self, client, totals, progress).whole()
        return totals

    def turn(self, group: Group, most: int) -> tuple[Taken | None, float | None]:
        """At most ``most`` due keys, and seconds until the next one is due (None: none will be), after outcomes.

        One transaction: outcomes first, since they may make other versions of their keys due.
        """
        with self.store.session() as con:
            if group:
                acknowledge(
                    con, self.push, self.entity, self.bound_as, group.settled, group.accepted, self.affected
                )  # fmt: skip
                self._tell_of_gone(con, group.settled)
            if not most:
                return None, None
            fields = sendable(self.facts, self.entity)
            claimed = claim(
                con, self.push, self.entity, self.bound_as, fields, most, self.written, repeats=self.facts.repeats
            )
            return claimed, seconds_to_next(con, self.push) if len(claimed) < most else 0.0

    def _tell_of_gone(self, con: duckdb.DuckDBPyConnection, settled: Sequence[Settled]) -> None:
        """What others told an item that is gone, such as its level, the one that takes its place is to be told as well.

        They would not notice: the new item's id is bound by then.
        """
        gone = {one.bound_key for one in settled if one.unbind and one.claimed.ids}
        if gone:
            items = arrow.table({"key": [*gone]})
            for push in self.bound_alike:
                send_to_new_items(con, push, self.project.entity_of(push), self.bound_as, items)

    async def resolved(
        self, client: Client, making: Making, claimed: Sequence[Claimed], settle: Callable[[list[Settled]], None]
    ) -> tuple[list[Payload], list[tuple[Claimed, ForbiddenError]]]:
        """Payloads of what can be sent, and what got none by a 403; everything else is settled here.

        Raises:
            AuthError, ConfigError: the destination cannot be spoken to; every row is settled as retry.
        """
        settled: list[Settled] = []
        known: list[Claimed] = []
        for row in claimed:
            stranger = self._stranger(row)
            if stranger:
                settled.append(Settled(row, "rejected", stranger))
            else:
                known.append(row)
        resolving = Resolving(
            client, self.entity, self.facts, self.binding, self.push.to, self.bound_key, making, settled, self.by_pull
        )  # fmt: skip
        try:
            return await resolving.payloads(known), resolving.forbidden
        finally:
            settle(settled)

    @property
    def _is_whole(self) -> bool:
        """Whether its records are what ids are bound to."""
        return self.bound_as is self.entity

    def _stranger(self, row: Claimed) -> str | None:
        """Why the destination cannot have such a key, where a part of its own keys is always the same."""
        key = key_values(row.key) if self.fixed else {}
        for name, always in self.fixed.items():
            if key[name] != always:
                return (
                    f"{self.push.to} has only {name} {always}, not {key[name]}: translate it, or leave it out by only"
                )
        return None

    def bound_key(self, row: Claimed) -> str:
        """The key under which ``row``'s ids are bound, as JSON text."""
        if self._is_whole:
            return row.key
        key = key_values(row.key)
        return orjson.dumps({name: key[name] for name in self.bound_as.key}).decode()


def facts_by_pull(project: Project, push: Push) -> dict[str, PushFacts]:
    """Pull -> what of its records the destination can be sent: what a source never tells of an object stays there."""
    facts = project.connector(push.to).push(project.entity_of(push).name)
    pulls = map(project.pull, push.from_)
    maps = {pull.id: project.connector(pull.connection).entity(pull.entity).canonical_map for pull in pulls}
    return {id_: facts.as_told(told_parts(fields)) for id_, fields in maps.items()}


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
