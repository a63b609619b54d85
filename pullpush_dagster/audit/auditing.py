"""One audit: everything pulled since the last accepted one, compared, guarded, and put into the change log."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace

import duckdb
import orjson

from pullpush_dagster.audit.diff import diff_sql
from pullpush_dagster.audit.guard import Counts, breaches
from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.schema import next_number
from pullpush_dagster.store.sql import quoted, used

_SQL = named_sql(__package__, "audit.sql")


@dataclass(frozen=True)
class Audit:
    """What one audit came to.

    Attributes:
        state: ``accepted`` (the change log has its changes), ``held`` (nothing moved; ``reasons`` say why) or
            ``nothing`` (no pull since the last accepted audit).
        counts: what the change set does, accepted or held.
        hash: names exactly this change set; empty when there is nothing in it.
        deletes_off: why absent keys were not looked at; None: they were, or the walk cannot tell.
    """

    state: str
    counts: Counts
    hash: str = ""
    reasons: tuple[str, ...] = ()
    deletes_off: str | None = None

    @property
    def changes(self) -> int:
        return self.counts.inserted + self.counts.changed + self.counts.deleted


def audit(
    con: duckdb.DuckDBPyConnection,
    entity: Entity,
    connection: str,
    name: str,
    scope: str,
    limits: Mapping[str, float | None],
) -> Audit:
    """Compare what was pulled since the last accepted audit of ``scope`` with the baseline.

    Within the limits, the changes join the log and the baseline moves; beyond them the change set is stored
    as held and nothing moves. All in the caller's transaction.

    Args:
        scope: a full pull's scope; empty for a pull without scopes.
        limits: the pull's own guard limits, by name.
    """
    ensure_tables(con, entity)
    values: dict[str, object] = {"connection": connection, "name": name, "scope": scope, "now": dt.datetime.now(dt.UTC)}
    run = _runner(con, _names(entity), values)
    ((values["through"], values["full_started"]),) = run("last").fetchall()
    full = run("newest_full").fetchone()
    ((newest,),) = run("newest_frame").fetchall()
    if newest <= values["through"]:
        return Audit("nothing", Counts(baseline=0))
    values |= {"full": full is not None, "pull": full and full[0], "started": full[1] if full else values["now"]}
    values["deletes_off"] = bool(full and full[2])
    counts = _compare(run, entity, full=full is not None)
    ((hash_,),) = run("hash").fetchall()
    reasons = tuple(breaches(entity.name, limits, counts))
    if full is not None:
        values["full_started"] = full[1]
    _conclude(con, f"sequence {connection}/{name}", run, counts, hash_, reasons, newest)
    run("drop")
    return Audit("held" if reasons else "accepted", counts, hash_, reasons, full[2] if full else None)


Run = Callable[..., duckdb.DuckDBPyConnection]


def _runner(con: duckdb.DuckDBPyConnection, names: dict[str, str], values: dict[str, object]) -> Run:
    def run(step: str, **more: object) -> duckdb.DuckDBPyConnection:
        sql = _SQL[step].format_map({**names, "diff": more.pop("diff", "")})
        return con.execute(sql, used(sql, {**values, **more}))

    return run


def _compare(run: Run, entity: Entity, *, full: bool) -> Counts:
    """Fill the temporary table ``found`` and count what is in it."""
    for step in ("snapshot", "known"):
        run(step)
    run("found", diff=diff_sql(entity, "known", "snapshot", absences=full))
    run("returned")
    if full:
        run("not_absent")
        run("gone")
    ((baseline, inserted, changed, deleted, zeroed, price),) = run("counts").fetchall()
    counts = Counts(baseline, None, inserted, changed, deleted, zeroed, price)
    return replace(counts, rows=run("rows").fetchall()[0][0]) if full else counts


def _conclude(
    con: duckdb.DuckDBPyConnection,
    log: str,
    run: Run,
    counts: Counts,
    hash_: str,
    reasons: tuple[str, ...],
    newest: int,
) -> None:
    number = next_number(con, "audit")
    state = "held" if reasons else "accepted"
    run("withdraw")
    if reasons:
        run("hold", audit=number)
    else:
        total = counts.inserted + counts.changed + counts.deleted
        run("changes", audit=number, first=next_number(con, log, total) if total else 0)
        run("forget")
        run("advance")
        run("seen")
    told = {"state": state, "hash": hash_, "counts": orjson.dumps(asdict(counts)).decode(), "reasons": list(reasons)}
    run("audited", audit=number, through=newest, **told)


def _names(entity: Entity) -> dict[str, str]:
    key = [quoted(name) for name in entity.key]
    columns = [quoted(name) for name in entity.fields]

    def struct(prefix: str) -> str:
        return ", ".join(f"{name}: {prefix}{name}" for name in key)

    return {
        "canonical": quoted(f"canonical_{entity.name}"),
        "baseline": quoted(f"baseline_{entity.name}"),
        "same_key": " AND ".join(f"s.{name} = b.{name}" for name in key),
        "same_key_found": " AND ".join(f"found.{name} = b.{name}" for name in key),
        "key_fields": struct("b."),
        "b_key_fields": struct("b."),
        "own_key_fields": struct(""),
        "columns": ", ".join(columns),
        "b_columns": ", ".join(f"b.{name}" for name in columns),
    }
