"""As many places as a connection bears requests at once, over all processes, and the line that leads to them."""

import asyncio
import random
from io import FileIO
from types import TracebackType

from pullpush_dagster.errors import RetryError
from pullpush_dagster.transport.files import Files, locked, unlock

_PATIENCE = 300.0


class Places:
    """Each place is a file; who has its lock has the place, and a process that dies gives all of its own back."""

    def __init__(self, files: Files, count: int) -> None:
        self._files, self._count, self._opened = files, count, 0
        self._left: list[FileIO] = []
        self._freed = asyncio.Event()

    async def take(self) -> FileIO:
        """A free place, once there is one. Only who is at the front of the line may ask.

        Raises:
            RetryError: other processes held all of them for five minutes.
        """
        loop, wait = asyncio.get_running_loop(), _Wait()
        while (place := self._free()) is None:
            # Ours come back with a word, those of others must be looked for.
            self._freed.clear()
            timer = loop.call_later(wait.next(), self._freed.set)
            await self._freed.wait()
            timer.cancel()
        return place

    def give(self, place: FileIO) -> None:
        """Leave ``place`` to whoever is next."""
        unlock(place)
        self._left.append(place)
        self._freed.set()

    def _free(self) -> FileIO | None:
        # The one left last is most likely still free.
        for at in reversed(range(len(self._left))):
            if locked(self._left[at]):
                return self._left.pop(at)
        while self._opened < self._count:
            place = self._files.open(f"place-{self._opened}")
            self._opened += 1
            if locked(place):
                return place
            self._left.append(place)
        return None


class Line:
    """Where requests wait for their turn, those of other processes too; ``async with`` it to be at its front.

    Who has the lock ``front`` is at the front; who waits for that has the lock ``next``. So whoever leaves the
    front cannot be there again before the one that waited. Requests of one process come in the order they asked in.
    """

    def __init__(self, files: Files) -> None:
        self._next, self._front = files.open("next"), files.open("front")
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> None:
        await self._turn.acquire()
        try:
            await _polled(self._next)
            try:
                await _polled(self._front)
            finally:
                unlock(self._next)
        except BaseException:
            self._turn.release()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        unlock(self._front)
        self._turn.release()


class _Wait:
    """Pauses between two looks at a lock: out of step with others, and longer the longer it takes."""

    def __init__(self) -> None:
        self._time = asyncio.get_running_loop().time
        self._began = self._time()

    def next(self) -> float:
        """Seconds until the next look. Raises RetryError: it took too long."""
        waited = self._time() - self._began
        if waited > _PATIENCE:
            raise RetryError(f"not sent: other processes left no place for it in {_PATIENCE:.0f} s")
        return min(max(waited / 10, 0.001), 0.02) * random.uniform(0.5, 1.5)  # noqa: S311


async def _polled(lock: FileIO) -> None:
    if not locked(lock):
        wait = _Wait()
        while not locked(lock):
            await asyncio.sleep(wait.next())
