"""Dead letters: keys that were given up, why, and giving them another chance."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import duckdb
import orjson
import pyarrow as arrow

from pullpush_dagster.changes.arriving import overlay
from pullpush_dagster.changes.behind import promote
from pullpush_dagster.config import Project
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.store import Store, named_sql
from pullpush_dagster.store.sql import used
from pullpush_dagster.telling import named

_SQL = named_sql(__package__, "dead.sql")
_CHOSEN = arrow.schema(
    [(name, arrow.string()) for name in ("push", "key", "cause", "destination", "entity", "field", "value")]
)


@dataclass(frozen=True)
class DeadLetter:
    """One key that a sync has given up.

    Attributes:
        key: of the destination, JSON. group: the same for letters of one sync with one kind of reason.
        cause: ``refused`` by the destination, ``no answer`` or ``gave up`` after ten attempts, ``not
            sent`` as a value has no form that the platform takes, ``not routed`` to any key of it, ``unconfirmed``: it
            may have been made there, and the destination cannot be asked. reason: in words.
        desired: what it should become, JSON, false for cleared. sent, answer: of its last attempt; None: none.
        at: when that was answered, UTC.
    """

    sync: str
    key: str
    source: str
    cause: str
    reason: str | None
    attempts: int
    desired: str
    sent: str | None
    answer: str | None
    at: dt.datetime | None
    group: str
    pattern: str

    @property
    def names(self) -> list[str]:
        """What people call it: the texts of its key's fields, and all of them at once."""
        return [named(self.key), *(str(value) for value in orjson.loads(self.key).values())]


def dead_letters(project: Project) -> list[DeadLetter]:
    """Every dead letter, newest first."""
    with Store.of(project.state).session() as con:
        return _letters(con)


def grouped(letters: Sequence[DeadLetter]) -> list[dict[str, Any]]:
    """One row per group, largest first: group, sync, cause, count, pattern of the reason; key and reason of one."""
    rows = []
    for group, same in groupby(sorted(letters, key=lambda one: one.group), key=lambda one: one.group):
        found = list(same)
        first = found[0]
        rows.append(
            {"group": group, "sync": first.sync, "cause": first.cause, "count": len(found), "reason": first.pattern,
             "such as": named(first.key), "said": first.reason}
        )  # fmt: skip
    return sorted(rows, key=lambda row: -int(row["count"]))


@dataclass(frozen=True)
class Replayed:
    """Numbers of letters: ``due`` again, to be ``routed`` anew, and ``dropped`` as newer accepted values cover them.

    ``left_out``: those of syncs that are no more, or have another name by now.
    """

    due: int
    routed: int
    dropped: int
    left_out: int


def replay(project: Project, what: str) -> Replayed:
    """Give dead letters another chance at the next run of their push.

    Nothing old goes over something newer: what is sent is the newest value that the source gave, and a letter
    that the values accepted since cover is dropped.

    Args:
        what: a key (the text of a key field, such as a SKU, or of all of them), a group, or ALL.

    Raises:
        ConfigError: no dead letter is called so; ALL may be none.
    """
    with Store.of(project.state).session() as con:
        named_so = [one for one in _letters(con) if _is(one, what)]
        chosen = [one for one in named_so if one.sync in project.pushes]
        if not named_so and what != "ALL":
            raise ConfigError(f"no dead letter has the key or group {what}; `pullpush dead-letters` lists them")
        con.register("chosen", _table(project, chosen))
        overlay(con)
        values = {"now": dt.datetime.now(dt.UTC)}
        for step in ("covered", "drop_covered", "covered_receipts", "route_again", "forget_empty", "due_again"):
            con.execute(_SQL[step], used(_SQL[step], values))
        ((dropped, routed),) = con.execute(
            "SELECT count(*), count(*) FILTER (cause = 'not routed') FROM covered JOIN chosen USING (push, key)"
        ).fetchall()
        for push in {one.sync for one in chosen} if dropped else ():
            promote(con, project.push(push), values["now"])
        con.execute("DROP TABLE covered")
        con.unregister("chosen")
    unrouted = sum(one.cause == "not routed" for one in chosen)
    due = len(chosen) - unrouted - dropped + routed
    return Replayed(due, unrouted - routed, dropped, len(named_so) - len(chosen))


def _letters(con: duckdb.DuckDBPyConnection) -> list[DeadLetter]:
    return [DeadLetter(**row) for row in con.execute(_SQL["letters"]).to_arrow_table().to_pylist()]


def _is(letter: DeadLetter, what: str) -> bool:
    return what in ("ALL", letter.group, *letter.names)


def _table(project: Project, letters: Sequence[DeadLetter]) -> arrow.Table:
    """push, key, cause, and where it goes; with the first key field as its source has it."""
    rows = []
    for one in letters:
        push = project.push(one.sync)
        entity = project.entity_of(push)
        field, value = next(iter(json.loads(one.source.partition(" ")[2]).items()))
        rows.append(
            {"push": one.sync, "key": one.key, "cause": one.cause, "destination": push.to, "entity": entity.name,
             "field": field, "value": value}
        )  # fmt: skip
    return arrow.Table.from_pylist(rows, _CHOSEN)
