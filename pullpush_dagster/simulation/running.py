"""Time that is a number: an event loop in which waiting takes none, and nothing happens beside it."""

import asyncio
import contextlib
import datetime as dt
import random
import selectors
from collections.abc import Awaitable, Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import time_machine

_TURN = 1e-6
START = dt.datetime(2026, 1, 1, 8, tzinfo=dt.UTC)


class _Waiting(selectors.SelectSelector):
    """Nobody writes to us from outside, so to wait is to move the clock."""

    def __init__(self, wait: Callable[[float], None]) -> None:
        super().__init__()
        self._wait = wait

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everything waits for something that will never come")
        # A turn of the loop takes its time as well: who waits for less than a clock can tell would wait for ever.
        self._wait(max(timeout, _TURN))
        return []


class Loop(asyncio.SelectorEventLoop):
    """An event loop on a clock of its own. What would go to a thread is done at once, in its turn."""

    def __init__(self, clock: "Clock") -> None:
        self._clock = clock
        super().__init__(_Waiting(clock.move))

    def time(self) -> float:
        return self._clock.seconds

    def run_in_executor(  # type: ignore[override]
        self, _executor: Any, func: Callable[..., Any], *args: Any
    ) -> Any:
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except BaseException as error:  # noqa: BLE001 - as a thread's: whoever waits for it gets it
            done.set_exception(error)
        return done


class Clock:
    """The one clock of a history; ``datetime.now`` and ``time.time`` follow it."""

    def __init__(self, traveller: time_machine.Traveller) -> None:
        self.seconds = 0.0
        self._traveller = traveller

    def move(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        before = self.now()
        self.seconds += seconds
        # To move to an instant would set the time zone anew, twice.
        self._traveller.shift(self.now() - before)

    def now(self) -> dt.datetime:
        """The instant, UTC."""
        return START + dt.timedelta(seconds=self.seconds)


@contextlib.contextmanager
def virtual(seed: int) -> Iterator[tuple[Clock, Loop]]:
    """A clock that stands at ``START`` and a loop on it; everything random is drawn from ``seed``."""
    known = random.getstate()
    random.seed(seed)
    with time_machine.travel(START, tick=False) as traveller:
        clock = Clock(traveller)
        loop = Loop(clock)
        loop.set_task_factory(_task)
        loop.set_exception_handler(lambda _loop, _context: None)
        try:
            yield clock, loop
        finally:
            loop.close()
            random.setstate(known)


class Crash(BaseException):
    """The process is gone: nothing more of it happens, not even what it would do in the end."""


@dataclass(frozen=True)
class Death:
    """When a process dies: at the crash point number ``after`` of those whose names end with ``among``."""

    after: int
    among: str = ""


class Process:
    """What runs as one process, and when it dies (None: it does not)."""

    def __init__(self, points: "Points", death: Death | None) -> None:
        self.points, self.alive = points, True
        self.among = death.among if death else ""
        self.left = death.after if death else None
        self.tasks: list[asyncio.Task[Any]] = []

    async def run(self, work: Callable[[], Awaitable[object]]) -> object:
        """What ``work`` gives; the Crash or error that ended it is returned. Nothing of it goes on afterwards."""
        token = _process.set(self)
        try:
            return await asyncio.create_task(_awaited(work))
        except (Crash, Exception) as error:  # noqa: BLE001 - what a run ends with is a part of the story
            return error
        finally:
            _process.reset(token)
            self.alive = False
            left = [task for task in self.tasks if not task.done()]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)


class Points:
    """The crash points there are, by name: how often each was passed, and how often a process died at it."""

    def __init__(self) -> None:
        self.passed: dict[str, int] = {}
        self.fired: dict[str, int] = {}

    def reach(self, name: str) -> None:
        """Pass the point ``name``, or die at it."""
        process = _process.get()
        if process is None:
            return
        if not process.alive:
            raise Crash(name)
        self.passed[name] = self.passed.get(name, 0) + 1
        if process.left is None or not name.endswith(process.among):
            return
        process.left -= 1
        if process.left < 0:
            process.alive = False
            self.fired[name] = self.fired.get(name, 0) + 1
            raise Crash(name)


async def _awaited(work: Callable[[], Awaitable[object]]) -> object:
    return await work()


def _task(loop: asyncio.AbstractEventLoop, work: Any, **more: Any) -> "asyncio.Task[Any]":
    """A task, known to the process it belongs to."""
    made = asyncio.Task(work, loop=loop, **more)
    process = _process.get()
    if process is not None:
        process.tasks.append(made)
    return made


_process: ContextVar[Process | None] = ContextVar("process", default=None)
