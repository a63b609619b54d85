"""Ask a platform for one pull's records, walk by walk, into a spool."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pullpush_dagster.canonical.field_map import Times
from pullpush_dagster.connectors.bulk_model import Bulk
from pullpush_dagster.connectors.loading import Ask
from pullpush_dagster.connectors.model import Walk
from pullpush_dagster.connectors.template import at
from pullpush_dagster.errors import NoScopeError, PullPushError, RetryError
from pullpush_dagster.pull.bulk import export
from pullpush_dagster.pull.exported import pages_of
from pullpush_dagster.pull.paging import Page, number_of, pages
from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.pull.stamps import bounds_of, read_time
from pullpush_dagster.pull.window import Window
from pullpush_dagster.transport import Client

Watermarks = Mapping[str, dt.datetime]
Progress = Callable[[str], None]


@dataclass
class Asked:
    """What one pull's asking gave, besides the pages in its spool.

    Attributes:
        started_at, finished_at: our clock, UTC.
        pages, records: how many; ``records`` counts a record read twice once.
        expected: how many the platform says there are; None: it does not say.
        watermarks: the position each walk reached; only a sync run may keep them.
        filters: what was asked, for people: an empty pull must say why it may be empty.
    """

    started_at: dt.datetime
    finished_at: dt.datetime
    pages: int = 0
    records: int = 0
    expected: int | None = None
    watermarks: dict[str, dt.datetime] = field(default_factory=dict)
    filters: list[str] = field(default_factory=list)


async def ask(
    client: Client,
    facts: Ask,
    window: Window,
    watermarks: Watermarks,
    spool: Spool,
    progress: Progress,
    *,
    bulk: bool = False,
) -> Asked:
    """Walk every page of ``window`` into ``spool``. Either all of it was read, or this raises.

    Args:
        bulk: whether a full pull is made of an export by the platform, where the connector has one.
        watermarks: where each walk of a sync run goes on, less the connector's overlap; a walk not in it
            has never run, and has no lower bound.

    Raises:
        PullPushError: as ``pages``, or ``export``; the message names connection, entity and what was asked.
    """
    asking = _Asking(client, facts, window, watermarks, spool, progress)
    try:
        return await asking.all(facts.pull.bulk if bulk and window.kind == "full" else None)
    except PullPushError as error:
        error.args = (f"{error} (pulling {client.connection.connection}/{facts.entity}{_of(window)})",)
        raise


class _Asking:
    """One pull under way."""

    def __init__(
        self, client: Client, facts: Ask, window: Window, watermarks: Watermarks, spool: Spool, progress: Progress
    ) -> None:
        self.client, self.facts, self.pull, self.window = client, facts, facts.pull, window
        self.watermarks, self.spool, self.progress = watermarks, spool, progress
        now = dt.datetime.now(dt.UTC)
        self.asked = Asked(started_at=now, finished_at=now)
        self.ids: set[str] = set()
        self.lacking = 0

    async def all(self, bulk: Bulk | None) -> Asked:
        values = await self._scope_values()
        if bulk is not None:
            await self._export(bulk, values)
        for name, walk in self.pull.walks.items() if bulk is None else ():
            await self._walk(name, walk, values)
        self.asked.records = len(self.ids)
        if self.lacking:
            self.asked.expected = max(self.asked.expected or 0, self.asked.records + self.lacking)
        if self.window.kind == "full" and self.pull.count is not None:
            counted = await self.client.ask(self.pull.count, values)
            self.asked.expected = number_of(at(counted.body, self.pull.count.total), self.pull.count.total)
        self.asked.finished_at = dt.datetime.now(dt.UTC)
        self._complete()
        return self.asked

    def _complete(self) -> None:
        """Raises RetryError: a part of a sum did not come, and nothing tells which sum it is a part of."""
        asked = self.asked
        if self.facts.summed and asked.expected is not None and asked.records < asked.expected:
            has = f"the platform has {asked.expected} records and gave {asked.records}"
            raise RetryError(f"{has}, which are parts of sums: without all of them no sum is right")

    async def _walk(self, name: str, walk: Walk, values: dict[str, Any]) -> None:
        before = self.watermarks.get(name)
        bounds = bounds_of(self.pull.since, self.window, before, self.asked.started_at)
        self.asked.filters.append(f"{name}: " + (", ".join(f"{k} {v}" for k, v in bounds.items()) or "no time filter"))
        newest: dt.datetime | None = None
        begun: dt.datetime | None = None
        total: int | None = None
        # One walk alone has all ids there are; they may be millions.
        own = self.ids if len(self.pull.walks) == 1 else set[str]()
        # What is read whole each time finds at the next one what slipped through this one; a sum is wrong without it.
        # A window that is over gets no new records, whose coming hides that others go.
        followed = self.pull.since is not None
        sure = self.facts.summed or (followed and self.window.kind == "sync")
        known_by = self.facts.ids if sure or followed else ()
        values = {**values, **bounds, "walk.by": walk.by}
        # What a full pull lacks, its count tells; behind a watermark nobody looks again.
        whole = self.window.kind != "full"
        async for page in pages(self.client, self.pull, values, known_by, sure=sure, whole=whole):
            begun = begun or page.answer.server_time or page.answer.asked_at
            newest = _latest(newest, page, walk, self.facts.times)
            own |= self._take(name, page)
            total = total if page.total is None else page.total
        self._count(total, own)
        if begun is None or (self.pull.since is not None and not self.pull.since.sorted):
            # Without an order nothing after our own now was asked for, whatever their clock says.
            begun = min(begun or self.asked.started_at, self.asked.started_at)
        moved = _reached(walk, newest, begun, before)
        if moved is not None:
            self.asked.watermarks[name] = moved

    async def _export(self, bulk: Bulk, values: dict[str, Any]) -> None:
        """One export stands for all walks: each of them would give everything."""
        made = await export(self.client, bulk, values, self.spool, self.progress)
        self.asked.filters.append(f"bulk: job {made.job}, no time filter")
        for number, body in enumerate(pages_of(self.pull, bulk, made), 1):
            page = replace(made.started, content=body)
            self._take("bulk", Page(number, page, at(page.body, self.pull.each), None))

    def _take(self, walk: str, page: Page) -> set[str]:
        """Keep ``page``, and give the ids of its records."""
        self.asked.pages += 1
        self.spool.write(walk, self.asked.pages, page.answer)
        # Nearly every record has a single id.
        id_, *more = self.facts.ids
        if more:
            ids = {str([at(record, path) for path in self.facts.ids]) for record in page.records}
        else:
            ids = {str(at(record, id_)) for record in page.records}
        self.ids |= ids
        self.progress(f"{self.client.connection.connection}: {walk}, page {page.number}, {len(self.ids)} records")
        return ids

    def _count(self, total: int | None, own: set[str]) -> None:
        """Note what a walk lacks that gave its ``own`` ids: what another one gave does not make up for it."""
        if self.window.kind == "full" and total is not None:
            self.asked.expected = max(self.asked.expected or 0, total)
            self.lacking += max(0, total - len(own))

    async def _scope_values(self) -> dict[str, Any]:
        """``{scope.NAME}`` values for the scope asked for. Raises NoScopeError: there is not exactly one such."""
        values: dict[str, Any] = {}
        for name, scope in self.pull.scope.items():
            found = at((await self.client.ask(scope, {name: self.window.scope})).body, scope.each)
            if not isinstance(found, list) or len(found) != 1:
                many = len(found) if isinstance(found, list) else "no list of"
                raise NoScopeError(f"{name} {self.window.scope!r}: the platform has {many} such, one is needed")
            values |= {name: self.window.scope}
            values |= {f"scope.{key}": at(found[0], path) for key, path in scope.set.items()}
        return values


def _reached(
    walk: Walk, newest: dt.datetime | None, begun: dt.datetime, before: dt.datetime | None
) -> dt.datetime | None:
    """The walk's new watermark. Never past the moment it began: what changed later may have been missed."""
    reached = begun if walk.stamp is None else newest
    if reached is None:
        return before
    reached = min(reached, begun)
    return max(reached, before) if before else reached


def _latest(newest: dt.datetime | None, page: Page, walk: Walk, times: Times) -> dt.datetime | None:
    if walk.stamp is None:
        return None
    stamps = [stamp for record in page.records if (stamp := read_time(at(record, walk.stamp), times)) is not None]
    return max(stamps if newest is None else [newest, *stamps], default=None)


def _of(window: Window) -> str:
    if window.end:
        return f" [{f'{window.start:%Y-%m-%d}' if window.start else ''}, {window.end:%Y-%m-%d})"
    return f" {window.scope}" if window.scope else ""
