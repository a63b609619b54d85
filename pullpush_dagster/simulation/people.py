"""What people do in a history, at the platforms and with the engine."""

import asyncio
import datetime as dt
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from pullpush_dagster.canonical.types import TEXT
from pullpush_dagster.simulation.ledger import Ledger
from pullpush_dagster.simulation.oracle import key_of
from pullpush_dagster.simulation.records import Record
from pullpush_dagster.simulation.running import Death
from pullpush_dagster.simulation.runs import Runs

_ASKED, _WRITTEN = ("list", "count", "find"), ("create", "update", "upsert")
# Keys that records get later on.
_NEW = 20
# Before the id of a second item of a key.
_COPY = "copy of "


class People:
    """The steps that people do.

    ``by_hand``: whether the destination may have other things than it accepted.
    """

    def __init__(self, runs: Runs) -> None:
        self.runs, self.sources, self.world = runs, runs.sources, runs.world
        self.by_hand = False

    async def edits(self, rng: random.Random) -> None:
        """A few records are edited."""
        self.sources.some_edits(rng, 6)

    async def time(self, rng: random.Random) -> None:
        """Nothing happens for a while."""
        await asyncio.sleep(rng.choice([120, 700, 3600]))

    async def clock(self, rng: random.Random) -> None:
        """A platform's clock is set, by up to five minutes."""
        ledger = self.world.ledgers[rng.choice(sorted(self.world.ledgers))]
        step = rng.randint(-300, 300)
        ledger.ahead += dt.timedelta(seconds=step)
        self.world.tell(f"{ledger.name}: its clock is set by {step} s")

    async def remove(self, rng: random.Random) -> None:
        """A source loses a record."""
        self.sources.remove(rng)

    async def restore(self, rng: random.Random) -> None:
        """A source goes back to a backup."""
        self.sources.restore(rng)

    async def replay(self, _: random.Random) -> None:
        """Dead letters get another chance."""
        self.world.replay(looked=False)

    async def renamed(self, rng: random.Random) -> None:
        """Records of a source get other keys."""
        await self._at_it(rng, *[self.sources.rename] * rng.randint(1, 2))

    async def gone(self, rng: random.Random) -> None:
        """Somebody deletes, changes or makes items at the destination."""
        written, seen = self.world.traits.written, self.world.is_readable()
        # What is gone looks as if it were there to one that makes what it does not have.
        kinds = [self._deleted] if seen and not written.upsert else []
        kinds += [self._changed] if seen and (written.update or written.upsert) else []
        kinds += [self._made] if written.find or written.upsert else []
        kinds += [self._doubled] if seen and written.find else []
        await self._at_it(rng, *(rng.choices(kinds, k=rng.randint(1, 3)) if kinds else ()))

    async def _at_it(self, rng: random.Random, *acts: Callable[[random.Random], object]) -> None:
        """All of ``acts``, before runs or while they are under way."""
        wait = rng.choice([0.0, 0.0, 10.0])
        for act in acts if not wait else ():
            act(rng)
        await asyncio.gather(self.runs.at_once(rng), self._later(rng, acts if wait else (), wait))

    @staticmethod
    async def _later(rng: random.Random, acts: Sequence[Callable[[random.Random], object]], wait: float) -> None:
        for act in acts:
            await asyncio.sleep(rng.uniform(0, wait))
            act(rng)

    def _deleted(self, rng: random.Random) -> None:
        for item in self._items(rng, "deleted"):
            self.world.destination.remove(item.id)

    def _changed(self, rng: random.Random) -> None:
        name = rng.choice(self.sources.fields)
        for item in self._items(rng, f"given another {name}"):
            self.world.destination.edit(replace(item, values={**item.values, name: self._own(name)}))

    def _doubled(self, rng: random.Random) -> None:
        for item in self._items(rng, "copied"):
            self.world.destination.edit(replace(item, id=f"{_COPY}{item.id}"))

    def _items(self, rng: random.Random, said: str) -> list[Record]:
        """The one to which somebody does something; none: there is none."""
        there = self.world.destination
        found = [there.records[id_] for id_ in rng.sample(sorted(there.records), min(1, len(there.records)))]
        for item in found:
            self.by_hand = True
            self.world.tell(f"{there.name}: {item.id} is {said} by hand")
        return found

    def _made(self, rng: random.Random) -> None:
        """At once with its record at the source: before, nobody knows of it, and afterwards it may be under way."""
        pull, source = rng.choice(self.world.sides)
        key = self.sources.make(pull, source)
        self.world.tell(f"{self.world.destination.name}: {key} is made by hand")
        values = {name: self._own(name) for name in self.sources.fields if rng.random() < 0.5}
        self.sources.made_there(self.world.destination_key(pull, key), values)

    def _own(self, name: str) -> str:
        """A value that no source ever had."""
        return "by hand" if self.world.entity.fields[name] == TEXT else "7.00"

    async def forbidden(self, rng: random.Random) -> None:
        """A platform refuses our credentials: for everything, or for one kind of request."""
        ledger = rng.choice([*self.world.sources, self.world.destination, self.world.destination])
        kinds = rng.choice([_ASKED + _WRITTEN, ("find",), ("list",), ("create",), ("update",)])
        bans = dict.fromkeys(kinds, rng.choice([401, 402, 403, 403]))
        told = self._banned(ledger, bans, rng.choice([0, 0, 5]), rng.choice([5, 20, 60, 3600]))
        await asyncio.gather(told, self.runs.at_once(rng))
        self.world.oracle.broken += self.world.blamed()

    async def _banned(self, ledger: Ledger, bans: Mapping[str, int], begin: float, seconds: float) -> None:
        await asyncio.sleep(begin)
        self.world.tell(f"{ledger.name}: answers {bans}")
        ledger.bans = bans
        await asyncio.sleep(seconds)
        self.world.tell(f"{ledger.name}: answers as ever")
        ledger.bans = {}

    async def refused(self, rng: random.Random) -> None:
        """The destination will not have some values that a source has just now."""
        pull, source = rng.choice(self.world.sides)
        for id_ in rng.sample(sorted(source.records), min(2, len(source.records))):
            record = self.sources.touch(pull, source, source.records[id_])
            self.world.destination.unwanted.add(rng.choice(sorted(record.values.items())))
        self.world.tell(f"destination: will not have {sorted(self.world.destination.unwanted)}")
        await self.runs.at_once(rng)
        await self.runs.push(rng)

    async def rules(self, rng: random.Random) -> None:
        """The push leaves out other keys than before, or calls some of them otherwise at the destination."""
        field, names = self.world.entity.key[0], [key[self.world.entity.key[0]] for key in self._keys()]
        one, other, third = rng.sample(names[: self.sources.keys], 3)
        # None: the table lacks it.
        ways: dict[str, str | None] = rng.choice(
            [{}, {one: other, other: one}, {one: f"t{one}"}, {one: other}, {one: None}]
        )
        table = {name: to for name in names if (to := ways.get(name, name)) is not None}
        only = {field: [name for name in names if name != third]} if rng.random() < 0.5 else {}
        self.world.tell(f"the push leaves out {third if only else 'nothing'} and calls {ways or 'nothing otherwise'}")
        rule = {"only": only, "translate": {field: table} if ways else {}}
        await self._at_it(rng, lambda _: self.world.rule(self._keys(), **rule))

    def _keys(self) -> list[dict[str, str]]:
        """All that records may have."""
        return [self.sources.key(number) for number in range(1, self.sources.keys + _NEW)]

    async def read_back(self, rng: random.Random) -> None:
        """The destination is compared with what it accepted, and perhaps sent again what drifted."""
        again = rng.random() < 0.5
        if self.world.is_readable():
            await self.runs.running(rng, ("read back", lambda: self.world.read_back(again=again)))
        await self.runs.push(rng)

    async def approve(self, _: random.Random) -> None:
        """What guards hold is let through."""
        self.world.approve()

    async def flood(self, rng: random.Random) -> None:
        """A source changes all its records, which is as it should be."""
        pull, source = rng.choice(self.world.sides)
        for record in source.records.values():
            self.sources.touch(pull, source, record)
        await self.runs.at_once(rng)
        if rng.random() < 0.5:
            self.world.approve()
        await self.runs.push(rng)

    def mend(self) -> None:
        """What they have done is made good, as far as nothing else does that."""
        there = self.world.destination
        for table in self.world.push.translate.values():
            if len(set(table.values())) < len(self._keys()):
                self._part(table)
        for id_ in [id_ for id_ in there.records if id_.startswith(_COPY)]:
            there.remove(id_)
        each = self.world.push.sends_each(self.world.entity.deliver)
        lost = not each or self.world.push.on_dead == "skip"
        for pull, source, record in self.world.everything():
            # What is unknown by now is still sent as it was known last.
            refused = any(record.values.get(name, value) == value for name, value in there.unwanted)
            if (refused and lost) or self.world.is_strange(pull, record):
                self.sources.touch(pull, source, record)
        if each:
            self.relent()

    def relent(self) -> None:
        """The destination has any value again: what it refused of a key that is gone at its source has no newer one."""
        self.world.destination.unwanted.clear()

    def _part(self, table: Mapping[str, str]) -> None:
        """No key means that of another any more. One that did may have taken the place of the other's letter."""
        field, means = self.world.entity.key[0], Counter(table.values())
        same = [key for key in self._keys() if means[table.get(key[field], "")] > 1]
        self.world.rule(self._keys(), translate={})
        self.world.strange |= {(pull.id, key_of(key)) for pull in self.world.pulls for key in same}

    def make_what_is_waited_for(self) -> None:
        """Where nothing can be made, somebody else makes it."""
        for key in self.world.waiting() if not self.world.traits.written.makes else ():
            if not self.world.destination.has(key):  # a look-up may have been told of a while before
                self.sources.made_there(key)

    async def is_as_accepted(self, dies: Death | None) -> bool:
        """Whether the destination is known to have what it accepted; what it has not is sent again."""
        self.world.drifted = 0
        if not self.world.is_readable():
            return True
        read = await self.world.process("read back", lambda: self.world.read_back(again=self.by_hand), dies)
        if self.world.drifted and not self.by_hand:
            self.world.oracle.broken.append(f"promise 6: {self.world.drifted} keys are not there as they were accepted")
            return True
        # One that nobody ended has nothing to compare.
        return (read or dies is None) and not self.world.drifted
