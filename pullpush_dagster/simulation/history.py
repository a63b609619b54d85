"""One seed, one history: edits, runs, faults and deaths drawn from it, then calm, then the promises."""

import asyncio
import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from pullpush_dagster.canonical.types import TEXT
from pullpush_dagster.config import Project, Pull
from pullpush_dagster.pull import Window
from pullpush_dagster.simulation.connector import fields_of
from pullpush_dagster.simulation.kinds import Kind
from pullpush_dagster.simulation.ledger import Ledger
from pullpush_dagster.simulation.records import Record
from pullpush_dagster.simulation.running import START, Death, Points, virtual
from pullpush_dagster.simulation.steps import Step, death, steps_of
from pullpush_dagster.simulation.world import World
from pullpush_dagster.store.store import kept_by

_CALM_ROUNDS = 12
_TRIES = 10
# A guard minds nothing below twenty keys.
_GUARDED = 20


@dataclass(frozen=True)
class Ended:
    """What a history came to: ``broken`` promises (none: all held), its ``story``, and how many faults were in it."""

    seed: int
    steps: tuple[Step, ...]
    broken: tuple[str, ...]
    story: tuple[str, ...]
    faults: dict[str, int]


def run(project: Project, kind: Kind, seed: int, points: Points, steps: Sequence[Step] | None = None) -> Ended:
    """The history of ``seed``, or of those of its ``steps`` that are given."""
    chosen = tuple(steps_of(seed) if steps is None else steps)
    with virtual(seed) as (clock, loop):
        world = World(project, kind, clock, loop, random.Random(f"world {seed}"), points)
        with world.open(), kept_by(lambda _path: world.store):
            loop.run_until_complete(_History(world).whole(chosen))
        network = world.network
        crashes = sum("Crash" in line for line in world.story)
        faults = dict(network.faults) | ({"crash": crashes} if crashes else {})
        return Ended(seed, chosen, tuple(world.oracle.broken), tuple(world.story), faults)


class _History:
    def __init__(self, world: World) -> None:
        self.world = world
        self.fields = fields_of(world.entity)
        self.version = 0
        rng = world.rng
        # Requests cost little, transactions much: so many small pages, and most requests go wrong.
        self.keys = 40 if rng.random() < 0.2 else rng.randint(4, 20)
        # A destination that answers hardly ever is left alone, and nothing happens there.
        self.rates = {source.name: rng.choice([0.6, 0.85, 0.85, 0.9]) for source in world.sources}
        self.rates[world.destination.name] = rng.choice([0.3, 0.5, 0.7])
        self.deadly = rng.choice([0.0, 0.5, 0.9])
        self.world.network.slow = rng.choice([0.02, 0.1, 0.3])
        self.past = {source.name: dict(source.records) for source in world.sources}

    async def whole(self, steps: Sequence[Step]) -> None:
        """All of it."""
        first = random.Random(f"first {self.keys}")
        for pull, source in self._sides():
            for number in range(1, self.keys + 1):
                self._edit(first, pull, source, number)
        self._made_before()
        for step in steps:
            rng = random.Random(step.seed)
            self.world.network.rng, self.world.network.rates = random.Random(step.seed + 1), self.rates
            self.world.tell(f"--- {step.name}")
            await getattr(self, "_" + step.name.replace(" ", "_"))(rng)
            await asyncio.sleep(rng.uniform(1, 60))
        await self._calm()
        self.world.oracle.settled(self.world.wanted(), self.world.destination, self.world.unconfirmed())
        self.world.oracle.broken += self.world.network.early
        left = self.world.left()
        if left:
            self.world.oracle.broken.append(f"promise 1: not delivered at the end: {left[:3]}")

    # What happens at the sources

    def _made_before(self) -> None:
        """Where nothing can be made, somebody else has made it."""
        for pull, _ in self._sides() if not self.world.traits.written.makes else ():
            for number in range(1, self.keys + 1):
                there = self.world.destination
                key = self.world.destination_key(pull, self._key(number))
                there.edit(Record(f"there{number}", key, {}, there.now()))

    def _sides(self) -> list[tuple[Pull, Ledger]]:
        return list(zip(self.world.pulls, self.world.sources, strict=True))

    def _edit(self, rng: random.Random, pull: Pull, source: Ledger, number: int) -> None:
        """Give some fields of one record new values; it may be committed some minutes after its stamp."""
        id_ = f"{number:04d}"
        late = rng.uniform(0, 200) if rng.random() < 0.2 else 0
        stamp = source.now() - dt.timedelta(seconds=int(late))
        key = self._key(number)
        known = source.records.get(id_)
        values = dict(known.values) if known else {}
        for name in rng.sample(self.fields, rng.randint(1, len(self.fields))):
            values.pop(name, None)
            self.version += 1
            kind = rng.random()
            if kind < 0.8:
                values[name] = self._value(name)
            elif kind < 0.9 and name not in (self.world.entity.amount, self.world.entity.price):
                values[name] = None
        source.edit(Record(id_, key, values, max(stamp, known.stamp) if known and late else stamp))
        told = self.world.told_key(pull, key)
        self.world.oracle.edited(told, values)
        shown = " ".join(f"{name}={values.get(name, 'unknown')}" for name in self.fields)
        self.world.tell(f"{source.name}: {told} is now {shown}")

    def _key(self, number: int) -> dict[str, str]:
        first, *others = self.world.entity.key
        own = f"k{number}@example.com" if first in self.world.entity.lowered else f"K{number}"
        return {first: own, **dict.fromkeys(others, "main")}

    def _value(self, name: str) -> str:
        """One that no other edit has, and near enough to the last for no guard to mind."""
        if self.world.entity.fields[name] == TEXT:
            return f"v{self.version}"
        return f"{1000 + self.version / 100:.2f}"

    def _some_edits(self, rng: random.Random, most: int) -> None:
        for _ in range(rng.randint(0, most)):
            pull, source = rng.choice(self._sides())
            self._edit(rng, pull, source, rng.randint(1, self.keys))

    async def _edits_meanwhile(self, rng: random.Random) -> None:
        for _ in range(rng.randint(0, 3)):
            await asyncio.sleep(rng.uniform(0.1, 20))
            self._some_edits(rng, 1)

    # The steps

    async def _edits(self, rng: random.Random) -> None:
        self._some_edits(rng, 6)

    async def _time(self, rng: random.Random) -> None:
        await asyncio.sleep(rng.choice([120, 700, 3600]))

    async def _clock(self, rng: random.Random) -> None:
        """A platform's clock is set, by up to five minutes."""
        ledger = self.world.ledgers[rng.choice(sorted(self.world.ledgers))]
        step = rng.randint(-300, 300)
        ledger.ahead += dt.timedelta(seconds=step)
        self.world.tell(f"{ledger.name}: its clock is set by {step} s")

    async def _remove(self, rng: random.Random) -> None:
        _, source = rng.choice(self._sides())
        if source.records and len(source.records) > self.keys // 2:
            id_ = rng.choice(sorted(source.records))
            self.world.tell(f"{source.name}: {id_} is removed")
            source.remove(id_)

    async def _restore(self, rng: random.Random) -> None:
        """A source goes back to a backup, stamps and all."""
        pull, source = rng.choice(self._sides())
        old = self.past[source.name]
        if not old:
            self.past[source.name] = dict(source.records)
            return
        source.restore(old)
        for record in old.values():
            self.world.oracle.edited(self.world.told_key(pull, record.key), record.values)
        self.world.tell(f"{source.name}: is restored from a backup")

    async def _sync(self, rng: random.Random) -> None:
        pull, _ = rng.choice(self._sides())
        await self._running(rng, ("sync", lambda: self.world.pull(pull, self._window("sync"))))

    async def _full(self, rng: random.Random) -> None:
        pull, _ = rng.choice(self._sides())
        await self._running(rng, ("full", lambda: self.world.pull(pull, Window("full"))))

    async def _backfill(self, rng: random.Random) -> None:
        pull, _ = rng.choice(self._sides())
        window = self._window("window")
        await self._running(rng, ("backfill", lambda: self.world.pull(pull, window)))

    async def _overlap(self, rng: random.Random) -> None:
        """A full pull, and a walk on the same records meanwhile."""
        pull, _ = rng.choice(self._sides())
        other = self._window("window" if rng.random() < 0.5 else "sync")
        await self._running(
            rng,
            ("full", lambda: self.world.pull(pull, Window("full"))),
            (other.kind, lambda: self.world.pull(pull, other)),
        )

    async def _push(self, rng: random.Random) -> None:
        await self._running(rng, ("push", lambda: self.world.send(20.0)))

    async def _pushes(self, rng: random.Random) -> None:
        await self._running(rng, ("push", lambda: self.world.send(20.0)), ("push too", lambda: self.world.send(5.0)))

    async def _at_once(self, rng: random.Random) -> None:
        pull, _ = rng.choice(self._sides())
        await self._running(
            rng,
            ("sync", lambda: self.world.pull(pull, self._window("sync"))),
            ("push", lambda: self.world.send(20.0)),
        )

    async def _pile(self, rng: random.Random) -> None:
        """Several changes of the same keys are known before any of them is sent."""
        pull, source = rng.choice(self._sides())
        numbers = rng.sample(range(1, self.keys + 1), rng.randint(1, 4))
        for _ in range(rng.randint(2, 4)):
            for number in numbers:
                self._edit(rng, pull, source, number)
            await self._running(rng, ("sync", lambda: self.world.pull(pull, self._window("sync"))), quiet=True)
        await self._push(rng)

    async def _disaster(self, rng: random.Random) -> None:
        """For one full pull a source shows nonsense; the count of its records is as ever."""
        pull, source = rng.choice(self._sides())
        entity = self.world.entity
        field, shown = (entity.price, "99999999") if entity.price else (entity.amount, "0")
        if field is None or self.world.known(pull, field) <= _GUARDED:
            return
        source.bent = lambda one: replace(one, values={**one.values, field: shown})
        self.world.tell(f"{source.name}: shows every {field} as {shown}")
        await self._running(rng, ("full", lambda: self.world.pull(pull, Window("full"))), quiet=True)
        source.bent = None

    async def _replay(self, _: random.Random) -> None:
        self.world.replay(looked=False)

    def _window(self, kind: str) -> Window:
        """What a run of this kind asks for; of a platform that cannot filter, all there is."""
        if self.world.traits.asked.walk == "full":
            return Window("full")
        day = START.replace(hour=0)
        around = day - dt.timedelta(days=1), day + dt.timedelta(days=1)
        return Window("sync") if kind == "sync" else Window("window", "", *around)

    async def _running(self, rng: random.Random, *works: tuple[str, Any], quiet: bool = False) -> None:
        """Runs at the same time, each in a process of its own that may die, and edits meanwhile."""
        runs = []
        for name, work in works:
            runs.append(self._retried(name, work, death(rng) if rng.random() < self.deadly else None))
        edits = [] if quiet else [self._edits_meanwhile(rng)]
        await asyncio.gather(*runs, *edits)

    async def _retried(self, name: str, work: Any, dies: Death | None) -> None:
        """A pull that comes to nothing is begun again, as a run is."""
        for _ in range(1 if name.startswith("push") else _TRIES):
            if await self.world.process(name, work, dies):
                return
            dies = None

    async def _calm(self) -> None:
        """Faults stop, nobody dies, people do what is theirs; it ends when nothing is left to be done.

        They stop at the sources first: so there is much to be sent while they go on at the destination.
        """
        world = self.world
        world.tell("--- calm")
        # Drawn from the history's own, whichever steps were before.
        world.network.rng = random.Random(world.rng.random())
        world.network.rates = {world.destination.name: self.rates[world.destination.name]}
        dies = death(world.rng) if world.rng.random() < self.deadly else None
        for number in range(_CALM_ROUNDS):
            await asyncio.sleep(700)
            # Nobody edits any more, so a source that was pulled has nothing new.
            for pull, _source in self._sides() if number % 4 == 0 else ():
                await world.process("full", partial(world.pull, pull, Window("full")))
            world.approve()
            world.replay(looked=True)
            well = await world.process("push", lambda: world.send(120.0), dies)
            dies, world.network.rates, world.network.slow = None, {}, 0.02
            if well and not world.left():
                return
