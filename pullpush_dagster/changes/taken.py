"""What a claim holds: keys to be sent, and what follows them."""

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, overload

import orjson
import pyarrow as arrow
from pyarrow import compute

Fields = dict[str, Any]
# What stays accepted of keys that are about to be sent.
LEFT = arrow.schema([(name, arrow.string()) for name in ("key", "source", "fields")])


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
        index: its number among all that are sent in a run, as one request may hold rows of several claims.
        refusals: how often it was refused before. repeated: it is what was tried before and may be there, whatever is
            newer.
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
    repeated: bool = False

    @property
    def follows(self) -> bool:
        """Whether another of its key was taken before it, in the same claim."""
        return False

    @property
    def known(self) -> Fields:
        """Everything known of the record: what was accepted, and over it what is newer."""
        return {**self.accepted, **self.desired} if self.accepted else self.desired


def key_values(key: str) -> Fields:
    """The fields of a key that is stored as JSON text."""
    found: Fields = orjson.loads(key)
    return found


@dataclass(frozen=True, eq=False)
class Taken(Sequence["Claimed"]):
    """What one claim holds: a table of which only what is asked for becomes Python.

    It has a row for each key, its head; after these ``heads``, rows of the changes that follow them, each to be sent
    only when the one before of its key was taken. ``again``: how often a row was tried in vain since. ``doubtful``:
    rows that had no answer then.
    """

    claim: str
    lease_until: dt.datetime
    sendable: frozenset[str]
    table: arrow.Table
    heads: int
    again: Counter[int] = field(default_factory=Counter)
    doubtful: set[int] = field(default_factory=set)
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
        """The heads without a record, in order."""
        return [self._whole(place) for place, record in enumerate(self.records) if record is None]

    @cached_property
    def ready(self) -> dict[int, list[int]]:
        """Place of an update's form -> the heads with a record of it, in order."""
        return self.by_form(range(self.heads))

    def by_form(self, places: Iterable[int]) -> dict[int, list[int]]:
        """Place of an update's form -> those of ``places`` with a record of it, in order."""
        found: dict[int, list[int]] = {}
        forms, records = self.column("form"), self.records
        for place in places:
            if records[place] is not None:
                found.setdefault(forms[place], []).append(place)
        return found

    @cached_property
    def following(self) -> dict[int, int]:
        """A row -> the one that follows it."""
        last = {key: place for place, key in enumerate(self.keys[: self.heads])} if len(self) > self.heads else {}
        found = {}
        for place, key in enumerate(self.keys[self.heads :], self.heads):
            found[last[key]] = place
            last[key] = place
        return found

    def under_way(self, place: int) -> str | None:
        """What the destination is known to have while that row is under way, JSON."""
        left: str | None = self.column("left")[place]
        had: str | None = self.column("fields")[place]
        return had if left is None else left

    @property
    def worn(self) -> bool:
        """Whether any of its rows was tried before."""
        return bool(self.again) or self._came_worn

    @cached_property
    def _came_worn(self) -> bool:
        return bool(compute.max(self.table.column("attempts")).as_py())

    def attempts(self, place: int) -> int:
        """How often that row was tried."""
        return int(self.column("attempts")[place]) + self.again[place]

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
        names = ("sequence", "source", "attempts", "refusals", "repeated")
        sequence, source, attempts, refusals, repeated = (self.column(name)[place] for name in names)
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
            repeated,
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
        """key, source and fields of what stays accepted of ready heads, where any of it is about to be sent."""
        heads = self.table.slice(0, self.heads)
        changed = heads.filter(heads.column("left").is_valid())
        return changed.select(["key", "source", "left"]).rename_columns(LEFT.names).cast(LEFT)


class Ready(Claimed):
    """A claimed key whose request is written already; the rest is read only when something asks for it.

    Attributes:
        taken, place: the claim, and the key's row in it.
        form: place of the update's form. record: the native record, JSON.
    """

    __slots__ = ("_again", "_parsed", "place", "taken")

    def __init__(self, taken: Taken, place: int) -> None:
        self.taken, self.place, self.key = taken, place, taken.keys[place]
        # As of now: what is told of one attempt must not change with the next.
        self._again = taken.again[place]
        self._parsed: tuple[Fields, Fields, frozenset[str], list[Fields]] | None = None

    def _read(self) -> tuple[Fields, Fields, frozenset[str], list[Fields]]:
        if self._parsed is None:
            self._parsed = self.taken.parsed(self.place)
        return self._parsed

    def _cell(self, name: str) -> Any:
        return self.taken.column(name)[self.place]

    follows = property(lambda self: self.place >= self.taken.heads)
    form = property(lambda self: self._cell("form"))
    record = property(lambda self: self._cell("record"))
    index = property(lambda self: self.place)
    claim = property(lambda self: self.taken.claim)
    lease_until = property(lambda self: self.taken.lease_until)
    sequence = property(lambda self: self._cell("sequence"))
    source = property(lambda self: self._cell("source"))
    attempts = property(lambda self: self._cell("attempts") + self._again)
    refusals = property(lambda self: self._cell("refusals"))
    repeated = property(lambda self: self._cell("repeated"))
    desired = property(lambda self: self._read()[0])
    accepted = property(lambda self: self._read()[1])
    todo = property(lambda self: self._read()[2])
    ids = property(lambda self: self._read()[3])
