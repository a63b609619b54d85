"""What the guards hold, and letting it through: each set by its hash, which names exactly those changes."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from pullpush_dagster.audit import approve as approve_pulled
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import arrive
from pullpush_dagster.changes.arriving import Approved, routing
from pullpush_dagster.config import Project
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.store import Store, named_sql
from pullpush_dagster.store.sql import used
from pullpush_dagster.telling import parsed

_SQL = named_sql(__package__, "held.sql")
_SHOWN = 5


@dataclass(frozen=True)
class Held:
    """One change set that a guard has stopped.

    Attributes:
        hash: its name. guard: ``pull`` (nothing moved at all) or ``push`` (one destination is not sent it).
        where: ``connection/name``, with its scope; for a push, ``connection/name -> push``.
        changes: how many there are. reasons: one sentence per limit it breaks. since: UTC.
        examples: at most 5 of its changes.
    """

    hash: str
    guard: str
    where: str
    changes: int
    reasons: list[str]
    since: dt.datetime
    examples: list[dict[str, Any]]


def held(project: Project) -> list[Held]:
    """Everything that is held now, oldest first."""
    with Store.of(project.state).session() as con:
        # What is known of a place that the files no longer have concerns nobody.
        places = {f"{pull.id} {scope}".rstrip() for pull in project.pulls.values() for scope in pull.places}
        pulls = [row for row in _rows(con, "pulls", {"shown": _SHOWN}) if row["where"] in places]
        pushes = [_with_examples(project, con, row) for row in _rows(con, "pushes", {}) if _is_read(project, row)]
    found = [_held(guard, row) for guard, rows in (("pull", pulls), ("push", pushes)) for row in rows]
    return sorted(found, key=lambda one: one.since)


def _held(guard: str, row: dict[str, Any]) -> Held:
    examples = [parsed(one, "key", "before", "after") for one in row["examples"]]
    return Held(guard=guard, **{**row, "examples": examples})


def _is_read(project: Project, row: Mapping[str, Any]) -> bool:
    """Whether a push still reads the log of which its guard held something."""
    push = project.pushes.get(row["push"])
    return push is not None and f"{row['connection']}/{row['name']}" in push.from_


def _with_examples(project: Project, con: duckdb.DuckDBPyConnection, row: dict[str, Any]) -> dict[str, Any]:
    told = {name: row.pop(name) for name in ("push", "connection", "name", "position", "through", "again")}
    push = project.push(told["push"])
    only = routing(project.entity_of(push), push)["only"]
    return {**row, "examples": _rows(con, "examples", {**told, "shown": _SHOWN}, only=only)}


def _rows(con: duckdb.DuckDBPyConnection, step: str, values: dict[str, Any], **parts: str) -> list[dict[str, Any]]:
    sql = _SQL[step].format_map(parts) if parts else _SQL[step]
    rows: list[dict[str, Any]] = con.execute(sql, used(sql, values)).to_arrow_table().to_pylist()
    return rows


def approve(project: Project, hash_: str) -> list[str]:
    """Let the change set called ``hash_`` through; what was done, in sentences.

    Keys that have moved on since it was held are left out and named; they are compared again.

    Raises:
        ConfigError: nothing of that name is held. HaltError: it is no longer what it was.
    """
    with Store.of(project.state).session() as con:
        pulled = con.execute(_SQL["pulled"], {"hash": hash_}).fetchone()
        if pulled is not None:
            return _pulled(project, con, *pulled)
        pushed = _rows(con, "pushed", {"hash": hash_})
        if pushed and _is_read(project, pushed[0]):
            return _pushed(project, con, hash_, **pushed[0])
    raise ConfigError(f"nothing that is held is called {hash_}; `pullpush held` lists what is")


def _pulled(
    project: Project, con: duckdb.DuckDBPyConnection, audit: int, connection: str, name: str, scope: str
) -> list[str]:
    pull = project.pull(f"{connection}/{name}")
    done = approve_pulled(con, ENTITIES[pull.entity], connection, name, scope, pull.guard.own(), audit)
    of = f"{pull.id} {scope}" if scope else pull.id
    told = [f"{of}: {done.changes} changes are accepted; each sync's own guard looks at them at its next run"]
    if done.absent:
        told += [f"{done.absent} keys are noted as absent; those that the next full pull lacks too are deletes"]
    told += [f"left out, as it has moved on since: {key}" for key in done.left_out]
    return told + [f"what came since is held: {reason}" for reason in done.then.reasons]


def _pushed(
    project: Project, con: duckdb.DuckDBPyConnection, hash_: str, push: str, connection: str, name: str, through: int
) -> list[str]:
    declared, pull = project.push(push), project.pull(f"{connection}/{name}")
    approved, beside = Approved(hash_, through), project.beside(declared)
    done = arrive(con, declared, project.entity_of(declared), pull, approved, beside)
    when = (
        "its next run sends them" if declared.mode == "live" else "they are sent once it is live: it is in shadow mode"
    )
    return [f"{push}: {done.changes} changes of {pull.id} are queued; {when}"]
