"""One pull from asking to keeping, and the reading of what was kept."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as arrow

from pullpush_dagster.audit import take_up
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.frame import PAGES, Frame, frame_of
from pullpush_dagster.canonical.keeping import FrameOf, Kept
from pullpush_dagster.changes.new_items import bound_alike, send_to_new_items
from pullpush_dagster.config import Project, Pull
from pullpush_dagster.errors import HaltError, PullPushError, RejectError, StoreBusyError
from pullpush_dagster.pull import raw
from pullpush_dagster.pull.asking import Asked, Progress, ask
from pullpush_dagster.pull.keeping import Pulled, forget_failure, keep, note_failure, watermarks
from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.pull.window import Window
from pullpush_dagster.store import Store, named_sql
from pullpush_dagster.transport import Client
from pullpush_dagster.transport.moving import require_unmoved

_SQL = named_sql(__package__, "keep.sql")
# Of the pages of old pulls, which are in the store: they may have megabytes each.
_PAGES_AT_ONCE = 16


async def pull_records(project: Project, store: Store, pull: Pull, window: Window, progress: Progress) -> Pulled:
    """A complete pull of ``window``, kept raw. Nothing but the reason is stored unless every page came.

    Raises:
        HaltError: the connection has another address than it had.
        PullPushError: as ``ask``.
    """
    with Spool(store.staging) as spool:
        try:
            with store.session() as con:
                require_unmoved(con, project.connection(pull.connection), project.connector(pull.connection))
                known = watermarks(con, pull)
            asked = await ask_platform(project, pull, window, known, spool, progress)
            return keep(project, store, pull, window, asked, spool)
        except StoreBusyError:
            raise
        except PullPushError as error:
            note_failure(store, pull, window.scope, error, window.kind)
            raise


async def ask_platform(
    project: Project,
    pull: Pull,
    window: Window,
    known: dict[str, dt.datetime],
    spool: Spool,
    progress: Progress,
    *,
    patient: bool = True,
) -> Asked:
    """Ask for ``window`` into ``spool``; stores nothing."""
    connector, connection = project.connector(pull.connection), project.connection(pull.connection)
    async with Client(connection, connector, state=project.state, patient=patient) as client:
        return await ask(client, connector.ask_of(pull.entity), window, known, spool, progress, bulk=pull.bulk)


def read_pages(project: Project, pull: Pull, scope: str, pages: arrow.Table) -> Frame:
    """The canonical frame of raw ``pages`` by the connector as it is now.

    Raises:
        RejectError: the pages do not have the form the connector describes.
    """
    connector, entity = project.connector(pull.connection), ENTITIES[pull.entity]
    fields = connector.entity(pull.entity).canonical_map
    by = pull.partitions.by if pull.partitions else ""
    try:
        return frame_of(entity, fields, connector.shape(pull.entity), pages, {by: scope})
    except PullPushError as error:
        error.args = (f"{error} (connection={pull.connection}, pull={pull.name})",)
        raise


@dataclass(frozen=True)
class _Unread:
    pull: int
    kind: str
    scope: str
    start: dt.datetime | None
    end: dt.datetime | None
    started_at: dt.datetime
    finished_at: dt.datetime
    pages: int
    records: int
    expected: int | None

    def takes_the_place_of(self, other: "_Unread") -> bool:
        """Whether it is whole, and was asked for after all of ``other``."""
        whole = self.kind == "full" and (self.expected is None or self.records >= self.expected)
        return whole and self.started_at >= other.finished_at


def read_pulls(project: Project, store: Store, pull: Pull, scope: str) -> list[Kept]:
    """Canonical frames of every pull of ``scope`` not read yet; of the newest one again when all have been.

    The store is not held while the pages are mapped and checked. What another run has read meanwhile is left out:
    many at once would each read what all of them pulled.

    Raises:
        RejectError: as ``read_pages``, of a pull that no full pull after it makes up for.
        HaltError: the raw pages of a pull are gone, and no full pull came after it.
    """
    try:
        return _read(project, store, pull, scope)
    except StoreBusyError:
        raise
    except PullPushError as error:
        note_failure(store, pull, scope, error)
        raise


def _read(project: Project, store: Store, pull: Pull, scope: str) -> list[Kept]:
    kept = list[Kept]()
    sound = set[int]()
    with store.session() as con:
        left = _unread(con, pull, scope)
    while left:
        one, *left = left
        frame = _frame(project, store, pull, one)
        if isinstance(frame, RejectError) and not _replaced(project, store, pull, one, left, sound):
            raise frame
        with store.session() as con:
            unread = _unread(con, pull, scope)
            if one in unread and not isinstance(frame, Frame):
                _give_up(con, store, pull, one, unread)
            elif one in unread and isinstance(frame, Frame):
                kept.append(_keep(project, con, pull, one, frame))
                forget_failure(con, pull, scope)
        left = [other for other in left if other in unread]
    return kept


def _frame(project: Project, store: Store, pull: Pull, one: _Unread) -> Frame | RejectError | None:
    """The frame of a pull; or why its pages have another form than the connector describes; None: they are gone."""
    pages = _pages(store, one)
    try:
        return None if pages is None else read_pages(project, pull, one.scope, pages)
    except RejectError as error:
        return error


def _replaced(
    project: Project, store: Store, pull: Pull, one: _Unread, later: Sequence[_Unread], sound: set[int]
) -> bool:
    """Whether one of those that came ``later`` gives all that ``one`` did, and can be read; ``sound``: known to be so.

    The platform may give another form by now, and the connector describe that.
    """
    for other in later:
        if other.takes_the_place_of(one):
            if other.pull not in sound and isinstance(_frame(project, store, pull, other), Frame):
                sound.add(other.pull)
            if other.pull in sound:
                return True
    return False


def _pages(store: Store, one: _Unread) -> arrow.Table | None:
    """All pages of a pull; None: they are gone, as from a store that was restored without them."""
    pages = raw.pages(store, one.pull)
    if pages is None:
        with store.session() as con:
            reader = con.execute(_SQL["pages_in_table"], {"pull": one.pull}).to_arrow_reader(_PAGES_AT_ONCE)
            pages = arrow.Table.from_batches([batch.cast(PAGES) for batch in reader], PAGES)
    return pages if len(pages) or not one.pages else None


def _give_up(con: duckdb.DuckDBPyConnection, store: Store, pull: Pull, one: _Unread, unread: Sequence[_Unread]) -> None:
    """Leave out a pull whose pages are gone, or cannot be read, where one that began after it gives all that it did.

    Raises:
        HaltError: it was not read, and none does.
    """
    if any(other.takes_the_place_of(one) for other in unread):
        con.execute(_SQL["unreadable"], {"pull": one.pull, "now": dt.datetime.now(dt.UTC)})
        return
    said = f"the pages of pull {one.pull} are no longer in {store.raw.name}; a full pull takes its place"
    raise HaltError(said, connection=pull.connection, pull=pull.name)


def _unread(con: duckdb.DuckDBPyConnection, pull: Pull, scope: str) -> list[_Unread]:
    who = {"connection": pull.connection, "name": pull.name, "scope": scope}
    return [_Unread(*row) for row in con.execute(_SQL["unread"], who).fetchall()]


def _keep(project: Project, con: duckdb.DuckDBPyConnection, pull: Pull, one: _Unread, frame: Frame) -> Kept:
    entity = ENTITIES[pull.entity]
    bound_as = ENTITIES[project.connector(pull.connection).bound_as(pull.entity)]
    days = str(pull.partitions.start) if pull.partitions and pull.partitions.is_days else None
    pushes = bound_alike(project, pull.connection, bound_as)
    window = (f"{one.start:%Y-%m-%d}" if one.start else "", f"{one.end:%Y-%m-%d}") if one.end else None
    of = FrameOf(
        pull.connection, pull.name, one.pull, one.scope, one.kind == "full", bound_as, one.started_at,
        days, window, one.records, one.expected, bool(pushes),
    )  # fmt: skip
    kept = take_up(con, entity, of, frame, pull.guard.own())
    if kept.new_items is not None:
        for push in pushes:
            send_to_new_items(con, push, project.entity_of(push), bound_as, kept.new_items)
    return kept
