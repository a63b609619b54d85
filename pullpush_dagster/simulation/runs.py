"""The engine's runs in a history: pulls, pushes, and both at once, each in a process that may die."""

import asyncio
import datetime as dt
import random
from dataclasses import replace
from typing import Any

from pullpush_dagster.pull import Window
from pullpush_dagster.simulation.running import START, Death
from pullpush_dagster.simulation.sources import Sources
from pullpush_dagster.simulation.steps import death

_TRIES = 10
# A guard minds nothing below twenty keys.
_GUARDED = 20


class Runs:
    """The steps that are runs; people edit meanwhile. ``deadly``: how many of the processes die."""

    def __init__(self, sources: Sources, deadly: float) -> None:
        self.world, self.sources, self.deadly = sources.world, sources, deadly

    async def sync(self, rng: random.Random) -> None:
        """A source is asked for what is new."""
        pull, _ = rng.choice(self.world.sides)
        await self.running(rng, ("sync", lambda: self.world.pull(pull, self._window("sync"))))

    async def full(self, rng: random.Random) -> None:
        """A source is asked for everything."""
        pull, _ = rng.choice(self.world.sides)
        await self.running(rng, ("full", lambda: self.world.pull(pull, Window("full"))))

    async def backfill(self, rng: random.Random) -> None:
        """Some days are asked for again."""
        pull, _ = rng.choice(self.world.sides)
        window = self._window("window")
        await self.running(rng, ("backfill", lambda: self.world.pull(pull, window)))

    async def overlap(self, rng: random.Random) -> None:
        """A full pull, and a walk on the same records meanwhile."""
        pull, _ = rng.choice(self.world.sides)
        other = self._window("window" if rng.random() < 0.5 else "sync")
        await self.running(
            rng,
            ("full", lambda: self.world.pull(pull, Window("full"))),
            (other.kind, lambda: self.world.pull(pull, other)),
        )

    async def push(self, rng: random.Random) -> None:
        """What is known is sent."""
        await self.running(rng, ("push", lambda: self.world.send(20.0)))

    async def pushes(self, rng: random.Random) -> None:
        """Two pushes at the same time."""
        await self.running(rng, ("push", lambda: self.world.send(20.0)), ("push too", lambda: self.world.send(5.0)))

    async def at_once(self, rng: random.Random) -> None:
        """A pull and a push at the same time."""
        pull, _ = rng.choice(self.world.sides)
        await self.running(
            rng,
            ("sync", lambda: self.world.pull(pull, self._window("sync"))),
            ("push", lambda: self.world.send(20.0)),
        )

    async def pile(self, rng: random.Random) -> None:
        """Several changes of the same keys are known before any of them is sent."""
        pull, source = rng.choice(self.world.sides)
        numbers = rng.sample(range(1, self.sources.keys + 1), rng.randint(1, 4))
        for _ in range(rng.randint(2, 4)):
            for number in numbers:
                self.sources.edit(rng, pull, source, number)
            await self.running(rng, ("sync", lambda: self.world.pull(pull, self._window("sync"))), quiet=True)
        await self.push(rng)

    async def disaster(self, rng: random.Random) -> None:
        """For one full pull a source shows nonsense; the count of its records is as ever."""
        pull, source = rng.choice(self.world.sides)
        entity = self.world.entity
        field, shown = (entity.price, "99999999") if entity.price else (entity.amount, "0")
        if field is None or self.world.known(pull, field) <= _GUARDED:
            return
        source.bent = lambda one: replace(one, values={**one.values, field: shown})
        self.world.tell(f"{source.name}: shows every {field} as {shown}")
        await self.running(rng, ("full", lambda: self.world.pull(pull, Window("full"))), quiet=True)
        source.bent = None

    def _window(self, kind: str) -> Window:
        """What a run of this kind asks for; of a platform that cannot filter, all there is."""
        if self.world.traits.asked.walk == "full":
            return Window("full")
        day = START.replace(hour=0)
        around = day - dt.timedelta(days=1), day + dt.timedelta(days=1)
        return Window("sync") if kind == "sync" else Window("window", "", *around)

    async def running(self, rng: random.Random, *works: tuple[str, Any], quiet: bool = False) -> None:
        """Runs at the same time, each in a process of its own that may die, and edits meanwhile."""
        runs = []
        for name, work in works:
            runs.append(self._retried(name, work, self.death(rng)))
        edits = [] if quiet else [self.sources.edits_meanwhile(rng)]
        await asyncio.gather(*runs, *edits)

    def death(self, rng: random.Random) -> Death | None:
        """When the next process dies, if it does."""
        return death(rng) if rng.random() < self.deadly else None

    async def _retried(self, name: str, work: Any, dies: Death | None) -> None:
        """A pull that comes to nothing is begun again, as a run is."""
        for _ in range(1 if name.startswith("push") else _TRIES):
            if await self.world.process(name, work, dies):
                return
            dies = None
