"""Ticking: a stand-in that does business by itself, every so many seconds."""

import asyncio
from collections.abc import Callable
from typing import Any

Tick = Callable[[int, int], Any]


class Ticking:
    """Runs a platform's tick over and over; every tick has a seed of its own, so the sequence repeats itself."""

    def __init__(self, tick: Tick, seed: int) -> None:
        self._tick = tick
        self._seed = seed
        self._task: asyncio.Task[None] | None = None
        self.every = 0.0
        self.edits = 0
        self.ticks = 0
        self.error = ""

    def steer(self, order: dict[str, Any]) -> dict[str, Any]:
        """What is in force after ``{"every": seconds, "n": edits}``; every 0 stops.

        Raises:
            ValueError: less than 0 seconds, or fewer than 1 edit.
        """
        every, edits = float(order["every"]), int(order.get("n", 4))
        if every < 0 or edits < 1:
            raise ValueError("every is 0 or more seconds, n 1 or more edits")
        if self._task:
            self._task.cancel()
        self.every, self.edits = every, edits
        self.error = "" if every else self.error
        self._task = asyncio.get_running_loop().create_task(self._run()) if every else None
        return self.about()

    def about(self) -> dict[str, Any]:
        """How often, how much, how many times so far, and why the last tick failed ("" if it did not)."""
        return {"every": self.every, "n": self.edits, "ticks": self.ticks, "error": self.error}

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self.every)
            self.ticks += 1
            try:
                self._tick(self.edits, self._seed * 1000 + self.ticks)
                self.error = ""
            except Exception as error:  # noqa: BLE001 - a tick that finds nothing to do must not end the ticking
                self.error = f"{type(error).__name__}: {error}"
