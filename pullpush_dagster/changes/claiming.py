"""Claim what is due: no two claims hold one key, and what is about to be sent is no longer taken as accepted."""

import datetime as dt
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

import duckdb
import orjson
import pyarrow as arrow

from pullpush_dagster.canonical import Entity
from pullpush_dagster.changes.ready import Written
from pullpush_dagster.config import Push
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import quoted, used

_SQL = named_sql(__package__, "claim.sql")
_LEASE = dt.timedelta(minutes=10)

Fields = dict[str, Any]


@dataclass(slots=True)
class Claimed:
    """One key to be sent, held by one claim until its lease ends.

    Attributes:
        key: the destination key, JSON text.
        desired: newest values, field -> text (lists and objects as they are), False for cleared.
        accepted: what the destination had accepted before this claim, in the same form.
        todo: names of the fields in which the two differ; only those are sent to an existing item. All that
            are known where no item is bound: the one to be found need not be the one that took those values.
        ids: external ids bound to the key; none: to be looked up; several: ambiguous.
        index: its place in the claim. refusals: how often it was refused before.
    """

    key: str
    sequence: int
    source: str
    claim: str
    lease_until: dt.datetime
    attempts: int
    desired: Fields
    accepted: Fields
    todo: frozenset[str]
    ids: list[Fields]
    index: int = 0
    refusals: int = 0

    @property
    def known(self) -> Fields:
        """Everything known of the record: what was accepted, and over it what is newer."""
        return {**self.accepted, **self.desired} if self.accepted else self.desired


def key_values(key: str) -> Fields:
    """The fields of a key that is stored as JSON text."""
    found: Fields = orjson.loads(key)
    return found


def wake(con: duckdb.DuckDBPyConnection, push: Push, entity: Entity, *, asked: bool = True) -> None:
    """Make everything that waits, and every claim whose holder died, due again.

    Args:
        asked: whether the destination can be asked what it has. If not, what that holder may have made there is
            left for a person.
    """
    values = {"push": push.name, "to": push.to, "entity": entity.name, "now": dt.datetime.now(dt.UTC)}
    for step in ("wake", *([] if asked else ["leave_unconfirmed"]), "expire"):
        con.execute(_SQL[step], used(_SQL[step], values))


def claim(
    con: duckdb.DuckDBPyConnection,
    push: Push,
    entity: Entity,
    bound_as: Entity,
    fields: frozenset[str],
    limit: int,
    written: Written | None = None,
    *,
    repeats: bool = False,
) -> "Taken":
    """At most ``limit`` due keys, longest queued first; empty: nothing is due.

    Args:
        fields: canonical fields the destination can be sent at all.
        written: how the store writes requests; keys for which it can are ``Ready``.
        repeats: whether only the same request again tells if a key is there. One that may be is given as it was
            tried, whatever is newer, until that is settled.
    """
    now = dt.datetime.now(dt.UTC)
    name, lease = uuid.uuid4().hex, now + _LEASE
    parts = (f"{quoted(part)}: json_extract_string(key, '$.{part}')" for part in bound_as.key)
    bound_key = "key" if bound_as is entity else f"CAST(to_json({{{', '.join(parts)}}}) AS VARCHAR)"
    con.execute(_SQL["pick"], {"push": push.name, "now": now, "limit": limit})
    con.execute(_SQL["mine"].format(bound_key=bound_key))
    ((count,),) = con.execute(_SQL["claim"], {"claim": name, "lease": lease}).fetchall()
    if not count:
        con.execute(_SQL["put_down"])
        return Taken(name, lease, fields, _EMPTY.empty_table())
    con.execute(_SQL["taken"], {"to": push.to, "entity": entity.name, "bound_as": bound_as.name, "repeats": repeats})
    table = con.execute(written.sql if written else _SQL["claimed"]).to_arrow_table()
    con.execute(_SQL["put_down"])
    taken = Taken(name, lease, fields, table)
    _intend(con, push, entity, arrow.concat_tables([taken.left(), _left(taken.rest)]), now)
    return taken


def seconds_to_next(con: duckdb.DuckDBPyConnection, push: Push) -> float | None:
    """Seconds until the next key of ``push`` is due, 0 if one is; None: none will be."""
    ((when,),) = con.execute(_SQL["next_due"], {"push": push.name}).fetchall()
    return None if when is None else max(0.0, (when - dt.datetime.now(dt.UTC)).total_seconds())


def count_due(con: duckdb.DuckDBPyConnection, push: Push) -> int:
    """How many keys of ``push`` could be claimed."""
    ((count,),) = con.execute(_SQL["count_due"], {"push": push.name, "now": dt.datetime.now(dt.UTC)}).fetchall()
    return int(count)


@dataclass(frozen=True, eq=False)
class Taken(Sequence["Claimed"]):
    """What one claim holds: a table with a row for each key, of which only what is asked for becomes Python."""

    claim: str
    lease_until: dt.datetime
    sendable: frozenset[str]
    table: arrow.Table
    _columns: dict[str, list[Any]] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """Of each row, JSON text."""
        return self.column("key")

    @property
    def records(self) -> list[str | None]:
        """Of each row, the native record as JSON; None: the store cannot write it."""
        return self.column("record")

    def column(self, name: str) -> list[Any]:
        """Of each row, in order. Made whole, once: a cell of a table costs as much as ten of a list."""
        if name not in self._columns:
            self._columns[name] = self.table.column(name).to_pylist()
        return self._columns[name]

    @cached_property
    def rest(self) -> list[Claimed]:
        """The rows without a record, in order."""
        return [self._whole(place) for place, record in enumerate(self.records) if record is None]

    @cached_property
    def ready(self) -> dict[int, list[int]]:
        """Place of an update's form -> the rows with a record of it, in order."""
        found: dict[int, list[int]] = {}
        for place, (form, record) in enumerate(zip(self.column("form"), self.records, strict=True)):
            if record is not None:
                found.setdefault(form, []).append(place)
        return found

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, at: int) -> Claimed: ...
    @overload
    def __getitem__(self, at: slice) -> list[Claimed]: ...
    def __getitem__(self, at: int | slice) -> Claimed | list[Claimed]:
        if isinstance(at, slice):
            return [self[place] for place in range(len(self))[at]]
        place = range(len(self))[at]
        return self._whole(place) if self.records[place] is None else Ready(self, place)

    def _whole(self, place: int) -> Claimed:
        names = ("sequence", "source", "attempts", "refusals")
        sequence, source, attempts, refusals = (self.column(name)[place] for name in names)
        wanted, had, todo, ids = self.parsed(place)
        return Claimed(
            self.keys[place],
            sequence,
            source,
            self.claim,
            self.lease_until,
            attempts,
            wanted,
            had,
            todo,
            ids,
            place,
            refusals,
        )

    def parsed(self, place: int) -> tuple[Fields, Fields, frozenset[str], list[Fields]]:
        """desired, accepted, todo and ids of one row."""
        desired, accepted, ids = (self.column(name)[place] for name in ("desired", "fields", "ids"))
        wanted, had = orjson.loads(desired), orjson.loads(accepted) if accepted else {}
        bound = [orjson.loads(one) for one in ids] if ids else []
        same = {field for field, value in had.items() if bound and wanted.get(field) == value}
        todo = frozenset((self.sendable & (wanted.keys() if bound else {**had, **wanted}.keys())) - same)
        return wanted, had, todo, bound

    def left(self) -> arrow.Table:
        """key, source and fields of what stays accepted of ready rows, where any of it is about to be sent."""
        changed = self.table.filter(self.table.column("left").is_valid())
        return changed.select(["key", "source", "left"]).rename_columns(_LEFT.names).cast(_LEFT)


class Ready(Claimed):
    """A claimed key whose request is written already; the rest is read only when something asks for it.

    Attributes:
        taken, place: the claim, and the key's row in it.
        form: place of the update's form. record: the native record, JSON.
    """

    __slots__ = ("_parsed", "place", "taken")

    def __init__(self, taken: Taken, place: int) -> None:
        self.taken, self.place, self.key = taken, place, taken.keys[place]
        self._parsed: tuple[Fields, Fields, frozenset[str], list[Fields]] | None = None

    def _read(self) -> tuple[Fields, Fields, frozenset[str], list[Fields]]:
        if self._parsed is None:
            self._parsed = self.taken.parsed(self.place)
        return self._parsed

    def _cell(self, name: str) -> Any:
        return self.taken.column(name)[self.place]

    form = property(lambda self: self._cell("form"))
    record = property(lambda self: self._cell("record"))
    index = property(lambda self: self.place)
    claim = property(lambda self: self.taken.claim)
    lease_until = property(lambda self: self.taken.lease_until)
    sequence = property(lambda self: self._cell("sequence"))
    source = property(lambda self: self._cell("source"))
    attempts = property(lambda self: self._cell("attempts"))
    refusals = property(lambda self: self._cell("refusals"))
    desired = property(lambda self: self._read()[0])
    accepted = property(lambda self: self._read()[1])
    todo = property(lambda self: self._read()[2])
    ids = property(lambda self: self._read()[3])


_EMPTY = arrow.schema([(name, arrow.string()) for name in ("key", "form", "record")])
_LEFT = arrow.schema([(name, arrow.string()) for name in ("key", "source", "fields")])


def _left(rows: list[Claimed]) -> arrow.Table:
    """The same of the other rows."""
    some = [one for one in rows if one.todo & one.accepted.keys()]
    left = [orjson.dumps({n: v for n, v in one.accepted.items() if n not in one.todo}).decode() for one in some]
    return arrow.table([[one.key for one in some], [one.source for one in some], left], schema=_LEFT)


def _intend(con: duckdb.DuckDBPyConnection, push: Push, entity: Entity, left: arrow.Table, now: dt.datetime) -> None:
    """Forget the fields that are about to be sent: from here on, what the destination has there is unknown."""
    if not len(left):
        return
    con.register("intents", left)
    con.execute(_SQL["forget"], {"to": push.to, "entity": entity.name})
    con.execute(_SQL["intend"], {"to": push.to, "entity": entity.name, "now": now})
    con.unregister("intents")
