"""One audit: everything pulled since the last accepted one, compared, guarded, and put into the change log."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import duckdb
import orjson

from pullpush_dagster.audit.diff import Rules, diff_sql
from pullpush_dagster.audit.guard import Counts, breaches
from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.schema import next_number
from pullpush_dagster.store.sql import Run, quoted, runner

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
    look = _look(con, entity, connection, name, scope)
    if look is None:
        return Audit("nothing", Counts(baseline=0))
    run, values = look
    counts = _compare(run, entity, full=bool(values["full"]))
    ((hash_,),) = run("hash").fetchall()
    reasons = tuple(breaches(entity.name, limits, counts))
    held = None if reasons else _held_on(run)
    if held is not None:
        hash_, reasons = held
    elif not (reasons and run("held_again", hash=hash_).fetchall()[0][0]):
        told = {"counts": counts, "hash_": hash_, "reasons": reasons, "through": values["newest"]}
        _conclude(con, f"sequence {connection}/{name}", run, **told, full_started=values["newest_full_started"])
    run("drop")
    return Audit("held" if reasons else "accepted", counts, hash_, reasons, values["deletes_off_why"])


@dataclass(frozen=True)
class Approval:
    """What an approved change set came to: so many ``changes`` joined the log.

    ``absent`` keys are noted as gone once; the next full pull that lacks them too makes deletes of them. ``left_out``
    names keys that moved on since it was held; they, and all that was pulled since, are for the next audit, which is
    ``then``.
    """

    changes: int
    absent: int
    left_out: tuple[str, ...]
    then: Audit


def approve(
    con: duckdb.DuckDBPyConnection,
    entity: Entity,
    connection: str,
    name: str,
    scope: str,
    limits: Mapping[str, float | None],
    held: int,
) -> Approval:
    """Let the stored rows of audit ``held`` through, and look at once at what is left. In the caller's transaction."""
    applied, absent, left_out = 0, 0, [key for (key,) in con.execute(_SQL["held_keys"], {"held": held}).fetchall()]
    look = _look(con, entity, connection, name, scope)
    if look is not None:
        run, values = look
        _compare(run, entity, full=bool(values["full"]))
        run("only_held", held=held)
        left_out = [key for (key,) in run("left_out", held=held).fetchall()]
        counts = _counts(run)
        ((absent,),) = run("absent").fetchall()
        applied = counts.inserted + counts.changed + counts.deleted
        ((hash_,),) = run("hash").fetchall()
        ((told_by,),) = run("told_by", held=held).fetchall()
        # Of a pull that fell short nothing is left to look at, and what it lacks would be held again.
        done = values["deletes_off"] and not left_out and told_by == values["newest"]
        if not done:
            run("only_changes")
        told = {"counts": counts, "hash_": hash_, "reasons": (), "through": values["newest" if done else "through"]}
        _conclude(con, f"sequence {connection}/{name}", run, **told, full_started=values["full_started"])
        run("drop")
    con.execute(_SQL["approved"], {"held": held})
    return Approval(applied, absent, tuple(left_out), audit(con, entity, connection, name, scope, limits))


def _look(
    con: duckdb.DuckDBPyConnection, entity: Entity, connection: str, name: str, scope: str
) -> tuple[Run, Mapping[str, Any]] | None:
    """What runs the steps of an audit, and what they are told; None: nothing was pulled since the last accepted one."""
    ensure_tables(con, entity)
    values: dict[str, Any] = {"connection": connection, "name": name, "scope": scope, "now": dt.datetime.now(dt.UTC)}
    run = runner(con, _SQL, _names(entity), values)
    ((values["through"], values["full_started"]),) = run("last").fetchall()
    full = run("newest_full").fetchone()
    ((values["newest"],),) = run("newest_frame").fetchall()
    if values["newest"] <= values["through"]:
        return None
    values |= {"full": full is not None, "pull": full and full[0], "started": full[1] if full else values["now"]}
    values |= {"deletes_off": bool(full and full[2]), "deletes_off_why": full[2] if full else None}
    # One that fell short says nothing of what it did not give.
    values["newest_full_started"] = full[1] if full and not full[2] else values["full_started"]
    return run, values


def _compare(run: Run, entity: Entity, *, full: bool) -> Counts:
    """Fill the temporary table ``found`` and count what is in it."""
    run("found", {"diff": _diff(entity, full=full)})
    if not run("lacks").fetchone():
        return _counts(run)
    run("not_quarantined")
    ((missing,),) = run("missing").fetchall()
    for step in ("not_absent", "not_read_since", "gone"):
        run(step)
    return replace(_counts(run), missing=missing)


def _diff(entity: Entity, *, full: bool) -> str:
    """What was pulled since the last accepted audit, against all that is known."""
    names = _names(entity)
    part = {name: _SQL[name].format_map(names) for name in ("baseline", "snapshot", "elsewhere", "stale", "marked")}
    rules = Rules("b._deleted", "b._moved", part["elsewhere"], part["stale"], part["marked"])
    return diff_sql(entity, f"({part['baseline']})", f"({part['snapshot']})", absences=full, rules=rules)


def _held_on(run: Run) -> tuple[str, tuple[str, ...]] | None:
    """Hash of the held set of which something was not read again since, and what is told of that; None: there is none.

    It stays as it was stored.
    """
    held = run("held_on").fetchone()
    if held is None:
        return None
    ((unread,),) = run("unread", held_through=held[1]).fetchall()
    said = f"{unread} changes of a held set were not read again since; a full pull reads them"
    return (held[0], (said,)) if unread else None


def _counts(run: Run) -> Counts:
    ((baseline, inserted, changed, deleted, zeroed, price),) = run("counts").fetchall()
    return Counts(baseline, 0, inserted, changed, deleted, zeroed, price)


def _conclude(
    con: duckdb.DuckDBPyConnection,
    log: str,
    run: Run,
    *,
    counts: Counts,
    hash_: str,
    reasons: tuple[str, ...],
    through: int,
    full_started: dt.datetime | None,
) -> None:
    number = next_number(con, "audit")
    state = "held" if reasons else "accepted"
    run("replace" if reasons else "withdraw")
    if reasons:
        run("hold", audit=number)
    else:
        total = counts.inserted + counts.changed + counts.deleted
        if total:
            # A key may move from one log to another, and what came later is to be told by its number.
            run("changes", audit=number, first=next_number(con, log, total, among="sequence "))
        run("forget")
        run("advance", full_started=full_started)
        if run("noted_absent").fetchall()[0][0]:
            run("seen")
    told = {"state": state, "hash": hash_, "counts": orjson.dumps(asdict(counts)).decode(), "reasons": list(reasons)}
    run("audited", audit=number, through=through, full_started=full_started, **told)


def _names(entity: Entity) -> dict[str, str]:
    key = [quoted(name) for name in entity.key]
    columns = [quoted(name) for name in entity.fields]

    return {
        "canonical": quoted(f"canonical_{entity.name}"),
        "baseline": quoted(f"baseline_{entity.name}"),
        "same_key": " AND ".join(f"s.{name} = b.{name}" for name in key),
        "same_key_quarantined": " AND ".join(
            f"json_extract_string(q.key, '$.{n}') = b.{quoted(n)}" for n in entity.key
        ),
        "same_key_found": " AND ".join(f"found.{name} = b.{name}" for name in key),
        "key": ", ".join(key),
        "key_fields": ", ".join(f"{name}: {name}" for name in key),
        "columns": ", ".join(columns),
        "older": 's."updatedAt" < b."updatedAt"' if "updatedAt" in entity.fields else "false",
    }
