"""What happens at the sources: records are edited, renamed, removed and put back."""

import asyncio
import datetime as dt
import random
from collections.abc import Mapping
from dataclasses import replace

from pullpush_dagster.canonical.types import TEXT
from pullpush_dagster.config import Pull
from pullpush_dagster.simulation.connector import fields_of
from pullpush_dagster.simulation.ledger import Ledger
from pullpush_dagster.simulation.records import Record
from pullpush_dagster.simulation.world import World

# Before the id of a record that took the key of another.
_HEIR = "9"


class Sources:
    """What people do there. A record is called by the number of its first key.

    ``keys``: how many records there are at first.
    """

    def __init__(self, world: World) -> None:
        self.world, self.fields, self.version = world, fields_of(world.entity), 0
        # Requests cost little, transactions much: so many small pages, and most requests go wrong.
        self.keys = 40 if world.rng.random() < 0.2 else world.rng.randint(4, 20)
        self.past = {source.name: dict(source.records) for source in world.sources}
        self.newest = self.keys

    def begin(self) -> None:
        """All that there is at first; where nothing can be made, somebody else has made it."""
        first = random.Random(f"first {self.keys}")
        for pull, source in self.world.sides:
            for number in range(1, self.keys + 1):
                self.edit(first, pull, source, number)
        for pull, _ in self.world.sides if not self.world.traits.written.makes else ():
            for number in range(1, self.keys + 1):
                self.made_there(self.world.destination_key(pull, self.key(number)))

    def made_there(self, key: Mapping[str, str], values: Mapping[str, str] | None = None) -> None:
        """Somebody makes an item at the destination."""
        there = self.world.destination
        there.edit(Record(f"there{len(there.records):04d}{key[next(iter(key))]}", key, values or {}, there.now()))

    def edit(self, rng: random.Random, pull: Pull, source: Ledger, number: int) -> None:
        """Give some fields of one record new values; it may be committed some minutes after its stamp."""
        id_ = f"{number:04d}"
        late = rng.uniform(0, 200) if rng.random() < 0.2 else 0
        stamp = source.now() - dt.timedelta(seconds=int(late))
        known = source.records.get(id_) or source.records.get(_HEIR + id_)
        key = known.key if known else self.key(number)
        values = dict(known.values) if known else {}
        for name in rng.sample(self.fields, rng.randint(1, len(self.fields))):
            values.pop(name, None)
            self.version += 1
            kind = rng.random()
            if kind < 0.8:
                values[name] = self._value(name)
            elif kind < 0.9 and name not in (self.world.entity.amount, self.world.entity.price):
                values[name] = None
        if known or not source.has(key):
            # Of two versions with one stamp nobody can tell which is newer, where a page may be of a while before.
            stamp = max(stamp, known.stamp + dt.timedelta(seconds=1)) if known and late else stamp
            self.put(pull, source, Record(known.id if known else id_, key, values, stamp))

    def touch(self, pull: Pull, source: Ledger, record: Record) -> Record:
        """Give every field of one record a new value; how it is then."""
        self.version += 1
        values = {name: self._value(name) for name in self.fields}
        self.put(pull, source, replace(record, values=values, stamp=source.now()))
        return source.records[record.id]

    def make(self, pull: Pull, source: Ledger) -> dict[str, str]:
        """A new record; its key."""
        key = self.new_key()
        self.touch(pull, source, Record(f"{self.newest:04d}", key, {}, source.now()))
        return key

    def put(self, pull: Pull, source: Ledger, record: Record) -> None:
        """``record`` is there from now on."""
        source.edit(record)
        told = self.world.told_key(pull, record.key)
        self.world.oracle.edited(told, record.values)
        shown = " ".join(f"{name}={record.values.get(name, 'unknown')}" for name in self.fields)
        self.world.tell(f"{source.name}: {told} is now {shown}")

    def key(self, number: int) -> dict[str, str]:
        """The key that a record has at first."""
        first, *others = self.world.entity.key
        own = f"k{number}@example.com" if first in self.world.entity.lowered else f"K{number}"
        return {first: own, **dict.fromkeys(others, "main")}

    def new_key(self) -> dict[str, str]:
        """One that no record ever had."""
        self.newest += 1
        return self.key(self.newest)

    def _value(self, name: str) -> str:
        """One that no other edit has, and near enough to the last for no guard to mind."""
        if self.world.entity.fields[name] == TEXT:
            return f"v{self.version}"
        return f"{1000 + self.version / 100:.2f}"

    def some_edits(self, rng: random.Random, most: int) -> None:
        """Up to so many, anywhere."""
        for _ in range(rng.randint(0, most)):
            pull, source = rng.choice(self.world.sides)
            self.edit(rng, pull, source, rng.randint(1, self.keys))

    async def edits_meanwhile(self, rng: random.Random) -> None:
        """A few, in the course of some seconds."""
        for _ in range(rng.randint(0, 3)):
            await asyncio.sleep(rng.uniform(0.1, 20))
            self.some_edits(rng, 1)

    def remove(self, rng: random.Random) -> None:
        """A record goes, if there are enough of them."""
        _, source = rng.choice(self.world.sides)
        if source.records and len(source.records) > self.keys // 2:
            id_ = rng.choice(sorted(source.records))
            self.world.tell(f"{source.name}: {id_} is removed")
            source.remove(id_)

    def restore(self, rng: random.Random) -> None:
        """A source goes back to a backup, stamps and all."""
        pull, source = rng.choice(self.world.sides)
        old = self.past[source.name]
        if not old:
            self.past[source.name] = dict(source.records)
            return
        source.restore(old)
        for record in old.values():
            self.world.oracle.edited(self.world.told_key(pull, record.key), record.values)
        self.world.tell(f"{source.name}: is restored from a backup")

    def rename(self, rng: random.Random) -> None:
        """A record gets a new key, two swap theirs, or another record takes the place of one."""
        pull, source = rng.choice(self.world.sides)
        ids = rng.sample(sorted(source.records), min(2, len(source.records)))
        kind = rng.choice(["renamed", "swapped", "replaced"])
        if len(ids) < 2:
            return
        one, other = (source.records[id_] for id_ in ids)
        now = source.now()
        self.world.tell(f"{source.name}: {kind}")
        if kind == "renamed":
            free = [key for number in range(1, self.newest + 1) if not source.has(key := self.key(number))]
            key = rng.choice(free) if free and rng.random() < 0.5 else self.new_key()
            self.put(pull, source, replace(one, key=key, stamp=now))
        elif kind == "swapped":
            source.remove(one.id)
            self.put(pull, source, replace(other, key=one.key, stamp=now))
            self.put(pull, source, replace(one, key=other.key, stamp=now))
        elif not one.id.startswith(_HEIR):
            source.remove(one.id)
            self.touch(pull, source, replace(one, id=_HEIR + one.id))
