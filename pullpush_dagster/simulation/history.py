"""One seed, one history: edits, runs, faults and deaths drawn from it, then calm, then the promises."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from pullpush_dagster.config import Project
from pullpush_dagster.pull import Window
from pullpush_dagster.simulation.kinds import Kind
from pullpush_dagster.simulation.people import People
from pullpush_dagster.simulation.running import Points, virtual
from pullpush_dagster.simulation.runs import Runs
from pullpush_dagster.simulation.sources import Sources
from pullpush_dagster.simulation.steps import Step, steps_of
from pullpush_dagster.simulation.world import World
from pullpush_dagster.store.store import kept_by

_CALM_ROUNDS = 12


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
        self.world, self.sources = world, Sources(world)
        rng = world.rng
        # A destination that answers hardly ever is left alone, and nothing happens there.
        self.rates = {source.name: rng.choice([0.6, 0.85, 0.85, 0.9]) for source in world.sources}
        self.rates[world.destination.name] = rng.choice([0.3, 0.5, 0.7])
        self.runs = Runs(self.sources, rng.choice([0.0, 0.5, 0.9]))
        self.people = People(self.runs)
        world.network.slow = rng.choice([0.02, 0.1, 0.3])

    async def whole(self, steps: Sequence[Step]) -> None:
        """All of it."""
        self.sources.begin()
        for step in steps:
            rng = random.Random(step.seed)
            self.world.network.rng, self.world.network.rates = random.Random(step.seed + 1), self.rates
            self.world.tell(f"--- {step.name}")
            name = step.name.replace(" ", "_")
            await getattr(self.runs if hasattr(self.runs, name) else self.people, name)(rng)
            await asyncio.sleep(rng.uniform(1, 60))
        await self._calm()
        self.world.oracle.settled(self.world.wanted(), self.world.destination, self.world.unconfirmed())
        self.world.oracle.broken += self.world.network.early
        left = self.world.left()
        if left:
            self.world.oracle.broken.append(f"promise 1: not delivered at the end: {left[:3]}")

    async def _calm(self) -> None:
        """Faults stop, nobody dies, people do what is theirs; it ends when nothing is left to be done.

        They stop at the sources first: so there is much to be sent while they go on at the destination.
        """
        world = self.world
        world.tell("--- calm")
        # Drawn from the history's own, whichever steps were before.
        world.network.rng = random.Random(world.rng.random())
        world.network.rates = {world.destination.name: self.rates[world.destination.name]}
        deaths = {name: self.runs.death(world.rng) for name in ("push", "read back")}
        self.people.mend()
        for number in range(_CALM_ROUNDS):
            await asyncio.sleep(700)
            # Nobody edits any more, so a source that was pulled has nothing new.
            for pull, _source in world.sides if number % 4 == 0 else ():
                await world.process("full", partial(world.pull, pull, Window("full")))
            world.approve()
            world.replay(looked=True)
            self.people.make_what_is_waited_for()
            if number == _CALM_ROUNDS // 2:
                self.people.relent()
            well = await world.process("push", lambda: world.send(120.0), deaths.pop("push", None))
            world.network.rates, world.network.slow = {}, 0.02
            done = well and not world.left() and not world.is_held()
            if done and await self.people.is_as_accepted(deaths.pop("read back", None)):
                return
