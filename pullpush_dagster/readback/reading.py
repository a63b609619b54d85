"""Ask a destination for everything it has of an entity, and compare that with what it accepted."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import orjson
import pyarrow as arrow

from pullpush_dagster.canonical.frame import PAGES, Frame
from pullpush_dagster.canonical.shape import placed
from pullpush_dagster.config import Project, Pull, Push
from pullpush_dagster.config.sync import Partitions
from pullpush_dagster.errors import ConfigError, NoScopeError, NothingYetError, RetryError
from pullpush_dagster.pull import Window
from pullpush_dagster.pull.asking import Progress
from pullpush_dagster.pull.pulling import ask_platform, read_pages
from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.push.resolve import look_up, named
from pullpush_dagster.readback.comparing import Comparing, There
from pullpush_dagster.readback.keeping import ReadBack
from pullpush_dagster.store import Store
from pullpush_dagster.transport import Client
from pullpush_dagster.transport.moving import require_unmoved

# Items of one page that is made of what look-ups gave.
_PAGE = 100


async def read_back(project: Project, push: Push, store: Store, progress: Progress) -> ReadBack:
    """What the destination of ``push`` has that is not what it last accepted; kept as the push's newest read-back.

    Everything is asked for, whole; a key that the walk does not give is looked up before it counts as gone. Nothing
    of the destination's own pull moves, if it has one: no watermark, no baseline, no binding.

    Of a scope that the destination has closed nothing is concluded.

    Raises:
        ConfigError: the destination cannot be asked for what it was sent, or has closed every scope of it.
        HaltError: it has another address than it had.
        NothingYetError: it has accepted nothing; then nothing is asked, and nothing kept.
        RetryError: it gave fewer records than it says it has; nothing is concluded from those.
        PullPushError: as ``ask``; what was known before stays.
    """
    require_readable(project, push)
    reading = _Reading(project, push, store, progress)
    scopes = reading.scopes()
    if not scopes:
        said = f"{push.to} has accepted nothing of {push.name} yet, so there is nothing to compare"
        raise NothingYetError(said)
    frames = await reading.walked(scopes)
    return reading.compared([*frames, *await reading.looked_up(frames)])


def require_readable(project: Project, push: Push) -> None:
    """Returns where ``push`` has a read-back.

    Raises:
        ConfigError: its destination cannot be asked for what it was sent, and why, where that is known.
    """
    entity, connector = project.entity_of(push).name, project.connector(push.to)
    why = None if connector.reads_back(entity) else f"{push.to} cannot be asked for the {entity} records it was sent"
    try:
        connector.pull(entity)
    except ConfigError as error:
        why = str(error)
    if why is not None:
        raise ConfigError(f"{push.name} has no read-back: {why}")


class _Reading:
    """One read-back under way."""

    def __init__(self, project: Project, push: Push, store: Store, progress: Progress) -> None:
        self.project, self.push, self.store, self.progress = project, push, store, progress
        self.connector, self.entity = project.connector(push.to), project.entity_of(push)
        self.by = next(iter(self.connector.pull(self.entity.name).scope), None)
        self.started_at = dt.datetime.now(dt.UTC)
        self.comparing = Comparing(project, push, self.started_at)
        self.records = 0
        self.seen: set[str] = set()
        self.asked: frozenset[str] | None = None
        self.closed: dict[str, str] = {}

    def scopes(self) -> list[str]:
        """What has to be asked for; empty: the destination has accepted nothing."""
        with self.store.session() as con:
            require_unmoved(con, self.project.connection(self.push.to), self.connector)
            return self.comparing.scopes(con, self.by)

    async def walked(self, scopes: Sequence[str]) -> list[Frame]:
        """A frame for each of ``scopes`` that is not closed. Raises NoScopeError: all are."""
        frames = []
        for scope in scopes:
            try:
                frames.append(await self.walk(scope))
            except NoScopeError as error:
                self.closed[scope] = error.said
                if len(self.closed) == len(scopes):
                    raise
        return frames

    async def walk(self, scope: str) -> Frame:
        """Everything the destination has in ``scope``."""
        pull = self._pull(scope)
        with Spool(self.store.staging) as spool:
            asked = await ask_platform(self.project, pull, Window("full", scope), {}, spool, self.progress)
            if asked.expected is not None and asked.records < asked.expected:
                short = f"it has {asked.expected} records and gave {asked.records}, from which nothing can be concluded"
                raise RetryError(short, connection=pull.connection, entity=pull.entity)
            self.records += asked.records
            return read_pages(self.project, pull, scope, spool.table())

    async def looked_up(self, frames: Sequence[Frame]) -> list[Frame]:
        """What the destination has under accepted keys that no walk gave: lists leave some items out."""
        find = self.connector.push(self.entity.name).find
        values = {key: named(key, find) for key in self._missing(frames)} if find else {}
        self.asked = frozenset(values) if find else None
        if not find or not values:
            return []
        self.progress(f"{self.push.to}: {len(values)} keys are looked up")
        connection, state = self.project.connection(self.push.to), self.project.state
        async with Client(connection, self.connector, state=state) as client:
            found = await look_up(client, find, values.values())
        self.seen |= {key for key, value in values.items() if found[value]}
        # An item alone does not say what it is in which scope, nor one that has another form; only that it is there.
        alike = not (self.by or find.ids or self.connector.pull(self.entity.name).rows)
        items = [item for here in found.values() if isinstance(here, list) and alike for item in here]
        return [self._frame(items)] if items else []

    def _missing(self, frames: Sequence[Frame]) -> list[str]:
        with self.store.session() as con:
            return self.comparing.missing(con, self._there(frames))

    def compared(self, frames: Sequence[Frame]) -> ReadBack:
        """The comparison, in one transaction."""
        with self.store.session() as con:
            return self.comparing.compare(con, self._there(frames))

    def _there(self, frames: Sequence[Frame]) -> There:
        return There(frames, self.records, frozenset(self.seen), self.asked, self.started_at, self.by, self.closed)

    def _pull(self, scope: str) -> Pull:
        """A pull of the destination that nobody declared, so that nothing of a declared one moves."""
        parts = Partitions(by=self.by, values=[scope]) if self.by and scope else None
        return Pull(connection=self.push.to, entity=self.entity.name, partitions=parts)

    def _frame(self, items: Sequence[Any]) -> Frame:
        """What ``items`` mean, by the map that reads the pull's pages."""
        steps = self.connector.shape(self.entity.name).each
        parts = [items[start : start + _PAGE] for start in range(0, len(items), _PAGE)]
        bodies = [orjson.dumps(placed(part, steps)).decode() for part in parts]
        columns = {"walk": ["look-up"] * len(bodies), "page": range(len(bodies)), "body": bodies}
        columns["asked_at"] = [self.started_at] * len(bodies)
        pages = arrow.table({name: list(columns[name]) for name in PAGES.names}, schema=PAGES)
        return read_pages(self.project, self._pull(""), "", pages)
