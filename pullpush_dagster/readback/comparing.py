"""Compare what a destination has with what it last accepted, key by key and field by field, inside the store."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import pyarrow as arrow

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.frame import Frame
from pullpush_dagster.canonical.keeping import ensure_tables, unreadable_sql
from pullpush_dagster.changes.arriving import routing
from pullpush_dagster.config import Project, Push
from pullpush_dagster.push.pushing import facts_by_pull
from pullpush_dagster.readback.fields import drifted_sql, readable_fields, typed_sql
from pullpush_dagster.readback.keeping import ReadBack, keep
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import Run, quoted, runner

_SQL = named_sql(__package__, "compare.sql")


@dataclass(frozen=True)
class There:
    """What one complete read of a destination gave.

    Attributes:
        frames: canonical frames, one per scope that was asked for, and one of what was looked up by key.
        records: how many it gave. seen: keys that it has, or may have, whether or not their records could be read.
        asked: keys that were looked up one by one; None: it has no look-up.
        started_at: when the first page was asked for, UTC.
        by: the key field whose values are the scopes; None: there are none. closed: scope -> why it was not asked for.
    """

    frames: Sequence[Frame]
    records: int
    seen: frozenset[str]
    asked: frozenset[str] | None
    started_at: dt.datetime
    by: str | None
    closed: Mapping[str, str]


class Comparing:
    """The comparison of one push. ``started_at``: keys accepted since are left out."""

    def __init__(self, project: Project, push: Push, started_at: dt.datetime) -> None:
        self.project, self.push, self.started_at = project, push, started_at
        self.entity = project.entity_of(push)
        self.connector = project.connector(push.to)

    def scopes(self, con: duckdb.DuckDBPyConnection, part: str | None) -> list[str]:
        """The values of key field ``part`` among what was accepted, or one empty one; no value: nothing was."""
        with self._own(con) as run:
            if part is None:
                return [""] if run("any").fetchone() else []
            return [value for (value,) in run("scopes", part=f"$.{part}").fetchall()]

    def missing(self, con: duckdb.DuckDBPyConnection, there: There) -> list[str]:
        """Accepted keys, not under way, that were asked for and of which no frame says anything, in order."""
        with self._own(con) as run, self._there(con, run, there):
            return [key for (key,) in run("missing").fetchall()]

    def compare(self, con: duckdb.DuckDBPyConnection, there: There) -> ReadBack:
        """What drifted, kept in place of the last read-back. In the caller's transaction."""
        fields, facts = self.connector.entity(self.entity.name).canonical_map, self.connector.push(self.entity.name)
        names = readable_fields(self.entity, fields, facts)
        with self._own(con) as run, self._there(con, run, there):
            ((nameless,),) = run("nameless").fetchall()
            doubts = [f"{nameless} records have neither a readable key nor an id"] if nameless else []
            doubt = "; ".join([*doubts, *there.closed.values()]) or None
            missing = [key for (key,) in run("missing").fetchall()]
            late = set() if there.asked is None else {*missing} - there.asked
            if late:
                run("not_asked", keys=[*late])
            gone = [] if nameless else [key for key in missing if key not in there.seen and key not in late]
            con.register("gone_there", arrow.table({"key": arrow.array(gone, arrow.string())}))
            drifted = drifted_sql(self.entity, names, fields, facts, facts_by_pull(self.project, self.push))
            run("compared", {"typed": typed_sql(self.entity, names), "drifted": drifted})
            (counts,) = run("counts").fetchall()
            told = (there.started_at, dt.datetime.now(dt.UTC), there.records, *counts, doubt)
            found = ReadBack(*told)
            keep(con, self.push, found)
            con.unregister("gone_there")
        return found

    @contextmanager
    def _own(self, con: duckdb.DuckDBPyConnection) -> Iterator[Run]:
        """What runs the steps of a comparison, over what the destination accepted from this push."""
        ensure_tables(con, self.entity)
        values: dict[str, object] = {
            "push": self.push.name, "to": self.push.to, "entity": self.entity.name, "started": self.started_at,
            "bound_as": self.connector.bound_as(self.entity.name),
        }  # fmt: skip
        run = runner(con, _SQL, self._names(), values)
        run("no_own")
        for pull in (self.project.pull(id_) for id_ in self.push.from_):
            run("own", connection=pull.connection, name=pull.name, prefix=f"{pull.id} ")
        yield run
        run("drop")

    @contextmanager
    def _there(self, con: duckdb.DuckDBPyConnection, run: Run, there: There) -> Iterator[None]:
        for place, frame in enumerate(there.frames):
            con.register("there_rows", frame.rows)
            for step in ("more_there",) if place else ("there", "more_there"):
                run(step)
            con.unregister("there_rows")
        con.register("there_quarantined", arrow.concat_tables(frame.quarantined for frame in there.frames))
        run("bad")
        if there.closed:
            run("closed", part=f"$.{there.by}", closed=list(there.closed))
        yield
        con.unregister("there_quarantined")

    def _names(self) -> dict[str, str]:
        bound_as = ENTITIES[self.connector.bound_as(self.entity.name)]
        return routing(self.entity, self.push) | {
            "key_fields": ", ".join(f"{quoted(name)}: {quoted(name)}" for name in self.entity.key),
            "unreadable": unreadable_sql(self.entity, bound_as, "there_quarantined", "$to"),
        }
