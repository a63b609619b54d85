"""What happens in a history, and when a process dies in it, drawn from a seed."""

import random
from dataclasses import dataclass

from pullpush_dagster.simulation.running import Death

STEPS = {
    "edits": 5, "sync": 6, "full": 2, "backfill": 2, "overlap": 2, "push": 9, "pushes": 3, "at once": 5, "pile": 4,
    "time": 3, "clock": 1, "restore": 1, "remove": 1, "disaster": 1, "replay": 1,
}  # fmt: skip
# What happens seldom, and comes on top of the others, so that it takes nothing of their place.
SELDOM = {
    "renamed": 3, "gone": 3, "forbidden": 2, "refused": 2, "rules": 3, "read back": 2, "flood": 2, "approve": 1,
}  # fmt: skip
# Before anything was pulled, nothing else does anything.
_FIRST = ("full", "full", "full", "at once")
# Most are short; of a long one there are more ways through.
_SHORT, _LONG = (1, 3), (4, 12)
# How many histories have one of those, and how many of these another.
_SELDOM = 0.4


@dataclass(frozen=True)
class Step:
    """One thing that happens, drawn from a seed of its own, so that leaving out another changes nothing of it."""

    name: str
    seed: int


def steps_of(seed: int) -> tuple[Step, ...]:
    """The steps that ``seed`` stands for."""
    rng = random.Random(f"steps {seed}")
    least, most = _SHORT if rng.random() < 0.9 else _LONG
    others = rng.choices(list(STEPS), list(STEPS.values()), k=rng.randint(least, most))
    steps = [Step(name, rng.randrange(2**32)) for name in (rng.choice(_FIRST), *others)]
    while rng.random() < _SELDOM:
        (name,) = rng.choices(list(SELDOM), list(SELDOM.values()))
        steps.insert(rng.randint(1, len(steps)), Step(name, rng.randrange(2**32)))
    return tuple(steps)


def death(rng: random.Random) -> Death:
    """At some request; or at some transaction, of which there are fewer."""
    if rng.random() < 0.5:
        return Death(int(rng.expovariate(1 / 6)), rng.choice(["request, not sent", "request, answered"]))
    return Death(int(rng.expovariate(1 / 2)), rng.choice([", before", "not committed", ", committed"]))
