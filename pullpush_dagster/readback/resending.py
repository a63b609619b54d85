"""Make what drifted due again, with the newest values of the source; the guard's limits hold for that too."""

import datetime as dt
from dataclasses import dataclass

import duckdb

from pullpush_dagster.audit.guard import Counts, breaches
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.changes.arriving import HARM, routing
from pullpush_dagster.config import Project, Push
from pullpush_dagster.errors import GuardError, NothingYetError
from pullpush_dagster.readback.keeping import newest
from pullpush_dagster.store import Store, named_sql
from pullpush_dagster.store.sql import runner

_SQL = named_sql(__package__, "resend.sql")
# For every entity: that stock moves all day is no reason why so much of it should be wrong at the destination.
_CHANGED = 0.30


@dataclass(frozen=True)
class Resent:
    """Keys that are due again; drifted ones that were left out, as they moved on since, or nothing is known to send."""

    due: int
    left_out: int


def resend(project: Project, push: Push, store: Store) -> Resent:
    """Make the drifted fields of the newest read-back due at the next run of ``push``.

    What the destination accepted in just those fields is forgotten, so that just those are sent, as the source last
    said them. Doing it again changes nothing.

    Raises:
        NothingYetError: it was never read back.
        GuardError: more would be changed, or set to zero, than the push's guard lets through; nothing is due then.
    """
    with store.session() as con:
        if newest(con, push, 0) is None:
            then = f"`pullpush drift {push.name} --now --resend` asks first"
            raise NothingYetError(f"{push.name} was never read back, so nothing is known to have drifted: {then}")
        return _resend(con, project, push)


def _resend(con: duckdb.DuckDBPyConnection, project: Project, push: Push) -> Resent:
    entity = project.entity_of(push)
    ensure_tables(con, entity)
    values: dict[str, object] = {
        "push": push.name, "to": push.to, "entity": entity.name, "amount": entity.amount or "",
        "price": entity.price or "", "now": dt.datetime.now(dt.UTC),
    }  # fmt: skip
    run = runner(con, _SQL, {**routing(entity, push), **HARM}, values)
    run("no_chosen")
    for pull in (project.pull(id_) for id_ in push.from_):
        run("choose", connection=pull.connection, name=pull.name, prefix=f"{pull.id} ")
    run("unknown")
    ((known, chosen, zeroed, price),) = run("counts").fetchall()
    limits = {"changed": _CHANGED, **push.guard.own()}
    reasons = breaches(entity.name, limits, Counts(known, changed=chosen, zeroed=zeroed, price=price))
    if reasons:
        raise GuardError(f"nothing is sent again, as that {'; '.join(reasons)}", push=push.name)
    ((drifted,),) = run("drifted_keys").fetchall()
    facts = project.connector(push.to).push(entity.name)
    if facts.find is not None and facts.create_only:
        run("unbind", settled=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=facts.settle))
    for step in ("forget", "enter", "another", "drop"):
        run(step)
    return Resent(chosen, drifted - chosen)
