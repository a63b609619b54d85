"""Dead letters: keys that were given up, why, and giving them another chance."""

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import duckdb
import orjson
import pyarrow as arrow

from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.changes.affected import AT_ONCE
from pullpush_dagster.changes.arriving import overlay, routing, state_of
from pullpush_dagster.changes.behind import promote
from pullpush_dagster.config import Project, Push
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.store import Store, named_sql
from pullpush_dagster.store.sql import quoted, runner
from pullpush_dagster.telling import named, parsed

_SQL = named_sql(__package__, "dead.sql")
_CHOSEN = arrow.schema([(name, arrow.string()) for name in ("push", "key", "cause", "destination", "entity", "field")])
_STEPS = (
    "no_way", "overtaken", "fold", "fates", "covered", "ends", "drop", "drop_behind", "dropped_receipts",
    "route_again", "leave", "move", "moved", "move_behind", "forget_empty", "due_again",
)  # fmt: skip


@dataclass(frozen=True)
class DeadLetter:
    """One key that a sync has given up.

    Attributes:
        key: of the destination, JSON. source: its pull, a blank, and its key there, JSON.
        group: the same for letters of one sync with one kind of reason.
        cause: ``refused`` by the destination, ``no answer`` or ``gave up`` after ten attempts (the first also
            where whoever sent it died, and it is another key by now), ``not sent`` as a value has no form that the
            platform takes, or names what is not one item there, ``not routed`` to any key of it, ``unconfirmed``: it
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

    def told(self) -> dict[str, Any]:
        """It for other programs: what is JSON text as it is meant, ``source`` as its ``pull`` and its ``key`` there."""
        pull, _, key = self.source.partition(" ")
        source = {"pull": pull, "key": orjson.loads(key)}
        return parsed(vars(self), "key", "desired", "sent", "answer") | {"source": source}


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

    ``closed``: those that their sync leaves out by now, and those to be routed anew that the source does not have any
    more. ``left_out``: those of syncs that are no more, or have another name by now.
    """

    due: int
    routed: int
    dropped: int
    closed: int
    left_out: int


def replay(project: Project, what: str) -> Replayed:
    """Give dead letters another chance at the next run of their push, as that is by now.

    Nothing old goes over something newer: what is sent is the newest value that the source gave, and a letter
    that the values accepted since cover is dropped. One that is another key at the destination by now, or none of the
    sync's business, does not go under the old one.

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
        pushes = [project.push(name) for name in {one.sync: None for one in chosen}]
        fates = give_another_chance(con, chosen, {push.name: (push, project.entity_of(push)) for push in pushes})
    closed = fates["left out"] + fates["gone"]
    return Replayed(fates["due"], fates["anew"] + fates["moved"], fates["covered"], closed, len(named_so) - len(chosen))


def give_another_chance(
    con: duckdb.DuckDBPyConnection, letters: Sequence[DeadLetter], syncs: Mapping[str, tuple[Push, Entity]]
) -> Counter[str]:
    """How many letters have which fate: due, anew, moved, covered, gone, left out. In the caller's transaction.

    ``moved``: anew as well, as one change of several.
    """
    con.register("chosen", _table(letters, syncs))
    overlay(con)
    now = dt.datetime.now(dt.UTC)
    run = runner(con, _SQL, {}, {"now": now, "at_once": AT_ONCE})
    for step in ("standing", "ways"):
        run(step)
    for push, entity in syncs.values():
        _find_ways(con, push, entity)
    for step in _STEPS:
        run(step)
    fates: Counter[str] = Counter(dict(run("counts").fetchall()))
    for push, entity in syncs.values():
        if push.sends_each(entity.deliver):
            promote(con, push, now, among="fates")
    run("forget")
    con.unregister("chosen")
    return fates


def _find_ways(con: duckdb.DuckDBPyConnection, push: Push, entity: Entity) -> None:
    """What ``push`` makes of its letters now, pull by pull."""
    ensure_tables(con, entity)
    names = {**routing(entity, push), "part": quoted(entity.key[0])}
    names["state"] = state_of(names, f"({_SQL['of_letters'].format_map(names)})")
    values = {"push": push.name, "path": f"$.{entity.key[0]}", "each": push.sends_each(entity.deliver)}
    for log in push.logs:
        runner(con, _SQL, names, {**values, **log})("way")


def _letters(con: duckdb.DuckDBPyConnection) -> list[DeadLetter]:
    return [DeadLetter(**row) for row in con.execute(_SQL["letters"]).to_arrow_table().to_pylist()]


def _is(letter: DeadLetter, what: str) -> bool:
    return what in ("ALL", letter.group, *letter.names)


def _table(letters: Sequence[DeadLetter], syncs: Mapping[str, tuple[Push, Entity]]) -> arrow.Table:
    """push, key, cause, where it goes, and the first field of its key."""
    rows = []
    for one in letters:
        push, entity = syncs[one.sync]
        rows.append(
            {"push": one.sync, "key": one.key, "cause": one.cause, "destination": push.to, "entity": entity.name,
             "field": entity.key[0]}
        )  # fmt: skip
    return arrow.Table.from_pylist(rows, _CHOSEN)
