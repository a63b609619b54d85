"""One pull from asking to keeping, and the reading of what was kept."""

import datetime as dt
from dataclasses import dataclass

import duckdb
import pyarrow as arrow

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.frame import Frame, frame_of
from pullpush_dagster.canonical.keeping import FrameOf, Kept, keep_frame
from pullpush_dagster.config import Project, Pull
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.pull.asking import Asked, Progress, ask
from pullpush_dagster.pull.keeping import Pulled, keep, watermarks
from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.pull.window import Window
from pullpush_dagster.store import Store, named_sql
from pullpush_dagster.transport import Client

_SQL = named_sql(__package__, "keep.sql")


async def pull_records(project: Project, store: Store, pull: Pull, window: Window, progress: Progress) -> Pulled:
    """A complete pull of ``window``, kept raw. Nothing is stored unless every page came.

    Raises:
        PullPushError: as ``ask``.
    """
    with store.session() as con:
        known = watermarks(con, pull)
    with Spool(store.staging) as spool:
        asked = await ask_platform(project, pull, window, known, spool, progress)
        return keep(store, pull, window, asked, spool)


async def ask_platform(
    project: Project, pull: Pull, window: Window, known: dict[str, dt.datetime], spool: Spool, progress: Progress
) -> Asked:
    """Ask for ``window`` into ``spool``; stores nothing."""
    connector = project.connector(pull.connection)
    async with Client(project.connection(pull.connection), connector, state=project.state) as client:
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
    records: int
    expected: int | None


def read_pulls(project: Project, store: Store, pull: Pull, scope: str) -> list[Kept]:
    """Canonical frames of every pull of ``scope`` not read yet; of the newest one again when all have been.

    The store is not held while the pages are mapped and checked. What another run has read meanwhile is left out:
    many at once would each read what all of them pulled.
    """
    kept = []
    with store.session() as con:
        found = _unread(con, pull, scope)
    for one in found:
        with store.session() as con:
            if one not in _unread(con, pull, scope):
                continue
            pages = con.execute(_SQL["raw"], {"pull": one.pull}).to_arrow_table()
        frame = read_pages(project, pull, scope, pages)
        with store.session() as con:
            if one in _unread(con, pull, scope):
                kept.append(_keep(project, con, pull, one, frame))
    return kept


def _unread(con: duckdb.DuckDBPyConnection, pull: Pull, scope: str) -> list[_Unread]:
    who = {"connection": pull.connection, "name": pull.name, "scope": scope}
    return [_Unread(*row) for row in con.execute(_SQL["unread"], who).fetchall()]


def _keep(project: Project, con: duckdb.DuckDBPyConnection, pull: Pull, one: _Unread, frame: Frame) -> Kept:
    entity = ENTITIES[pull.entity]
    bound_as = ENTITIES[project.connector(pull.connection).bound_as(pull.entity)]
    days = str(pull.partitions.start) if pull.partitions and pull.partitions.is_days else None
    window = (f"{one.start:%Y-%m-%d}", f"{one.end:%Y-%m-%d}") if one.start and one.end else None
    of = FrameOf(
        pull.connection, pull.name, one.pull, one.scope, one.kind == "full", bound_as, one.started_at,
        days, window, one.records, one.expected,
    )  # fmt: skip
    return keep_frame(con, entity, of, frame)
