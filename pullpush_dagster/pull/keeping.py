"""Keep what one pull asked for: raw pages, the pull's own row, and the watermarks, in one transaction."""

import datetime as dt
from contextlib import suppress
from dataclasses import dataclass

import duckdb
import orjson

from pullpush_dagster.config import Project, Pull
from pullpush_dagster.errors import PullPushError, StoreBusyError
from pullpush_dagster.pull import raw
from pullpush_dagster.pull.asking import Asked
from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.pull.window import Kind, Window
from pullpush_dagster.store import Store, named_sql
from pullpush_dagster.store.schema import next_number
from pullpush_dagster.transport.moving import require_same

_SQL = named_sql(__package__, "keep.sql")
_KEEP_RAW = dt.timedelta(days=7)


@dataclass(frozen=True)
class Pulled:
    """A complete pull that is in the store. ``pull`` is its number; later pulls have larger ones."""

    pull: int
    asked: Asked


def watermarks(con: duckdb.DuckDBPyConnection, pull: Pull) -> dict[str, dt.datetime]:
    """Where each walk of ``pull`` goes on; a walk that never ran is not in it."""
    rows = con.execute(_SQL["watermarks"], {"connection": pull.connection, "name": pull.name}).fetchall()
    return {walk: when.astimezone(dt.UTC) for walk, when in rows}


def keep(project: Project, store: Store, pull: Pull, window: Window, asked: Asked, spool: Spool) -> Pulled:
    """Store a complete pull. Watermarks move in the same transaction, only for a sync run, and only forwards.

    Raises:
        HaltError: another process has noted another address of its connection meanwhile.
    """
    spool.finish()
    with store.session() as con:
        require_same(con, project.connection(pull.connection), project.connector(pull.connection))
        _prune(con, store, asked.finished_at - _KEEP_RAW)
        number = next_number(con, "pull")
        who = {"connection": pull.connection, "name": pull.name}
        row = {
            **who, "pull": number, "scope": window.scope, "kind": window.kind,
            "start": window.start, "end": window.end, "started": asked.started_at, "finished": asked.finished_at,
            "pages": asked.pages, "records": asked.records, "expected": asked.expected,
            "filters": orjson.dumps(asked.filters).decode(),
        }  # fmt: skip
        con.execute(_SQL["pull"], row)
        forget_failure(con, pull, window.scope, *_over_after(pull, window.kind))
        raw.put(store, number, spool)
        # Another run of this pull may have ended while this one was asking.
        known = watermarks(con, pull)
        for walk, reached in asked.watermarks.items() if window.kind == "sync" else ():
            watermark = max(reached, known.get(walk, reached))
            con.execute(_SQL["forget_watermark"], {**who, "walk": walk})
            con.execute(_SQL["watermark"], {**who, "walk": walk, "watermark": watermark, "pull": number})
    return Pulled(number, asked)


def note_failure(store: Store, pull: Pull, scope: str, error: PullPushError, kind: Kind | None = None) -> None:
    """Let it be known why nothing came of a pull of that ``kind``, until one is complete; or, None, why what came
    cannot be read, until it can. A store that is busy is left alone."""
    who = {"connection": pull.connection, "name": pull.name, "scope": scope, "came": kind is None, "kind": kind}
    with suppress(StoreBusyError), store.session() as con:
        forget_failure(con, pull, scope, *([kind] if kind else []))
        con.execute(_SQL["failure"], {**who, "reason": str(error), "now": dt.datetime.now(dt.UTC)})


def forget_failure(con: duckdb.DuckDBPyConnection, pull: Pull, scope: str, *kinds: Kind) -> None:
    """The newest attempt of these ``kinds`` went well; none: what came could be read. In the caller's transaction."""
    who = {"connection": pull.connection, "name": pull.name, "scope": scope, "came": not kinds, "kinds": list(kinds)}
    con.execute(_SQL["forget_failure"], who)


def _over_after(pull: Pull, kind: Kind) -> list[Kind]:
    """The kinds of pulls of whose failures a complete one of ``kind`` is the end.

    A walk does not see what a full audit does, but where the file has none any more, nobody else ends its failure.
    """
    if kind == "window":
        return ["window"]
    return [kind, "window", *(["full"] if pull.full_every is None else [])]  # type: ignore[list-item]


def _prune(con: duckdb.DuckDBPyConnection, store: Store, before: dt.datetime) -> None:
    """Forget the raw pages of pulls from ``before``; those of the newest pull of each scope stay, for a remap."""
    kept = [pull for (pull,) in con.execute(_SQL["with_pages"], {"before": before}).fetchall()]
    raw.sweep(store, set(kept))
    con.execute(_SQL["prune_table"], {"kept": kept})
