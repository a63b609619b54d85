"""As many places as a connection bears requests at once, over all processes, and the line that leads to them."""

import asyncio
import random
import struct
from io import FileIO
from types import TracebackType

from pullpush_dagster.errors import RetryError
from pullpush_dagster.transport.clock import Instant, instant, seconds_between
from pullpush_dagster.transport.files import Files, locked, unlock

_PATIENCE = 300.0
_KEPT_SECONDS = 0.02


class Places:
    """Each place is a file; who has its lock has the place, and a process that dies gives all of its own back.

    A process keeps the places that its requests leave for those that come right after them: to lock a file costs as
    much as a good part of a request. It does so for a moment, and not while another process waits for one.
    """

    def __init__(self, files: Files, count: int) -> None:
        self._files, self._count, self._opened = files, count, 0
        self._left, self._kept = list[FileIO](), list[FileIO]()
        self._want = Want(files)
        self._freed = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def close(self) -> None:
        """Keep nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def kept(self) -> FileIO | None:
        """A place that this process kept, for who is the first of it to ask; None: none, or another one waits."""
        return self._kept.pop() if self._kept and not self._want.felt() else None

    async def take(self) -> FileIO:
        """A free place, once there is one. Only who is at the front of the line may ask.

        Raises:
            RetryError: other processes held all of them for five minutes.
        """
        loop, wait = asyncio.get_running_loop(), _Wait()
        while (place := self._free()) is None:
            if self._opened - len(self._left) < self._count:
                self._want.tell()
            # Ours come back with a word, those of others must be looked for.
            self._freed.clear()
            timer = loop.call_later(wait.next(), self._freed.set)
            await self._freed.wait()
            timer.cancel()
        return place

    def give(self, place: FileIO) -> None:
        """Leave ``place`` to whoever is next."""
        if place.closed:
            return
        self._kept.append(place)
        if self._want.felt():
            self._leave()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_KEPT_SECONDS, self._rest)
        self._freed.set()

    def _rest(self) -> None:
        """Requests that go on have taken their places again, so what is still kept is too much."""
        self._timer = None
        self._leave()

    def _leave(self) -> None:
        while self._kept:
            place = self._kept.pop()
            unlock(place)
            self._left.append(place)

    def _free(self) -> FileIO | None:
        if self._kept:
            return self._kept.pop()
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


class Want:
    """When a request last found that other processes have places and none is left, as all processes know it."""

    # Longer than two looks at a place are apart; and who waited a moment ago is likely to wait again.
    _LASTS = 1.0
    _FORM = struct.Struct("<16sdd")

    def __init__(self, files: Files) -> None:
        self._shared = files.shared("wanted", self._FORM.size)

    def tell(self) -> None:
        """It is so now. Only who is at the front of the line tells it."""
        self._shared.write(self._FORM.pack(*instant()))

    def felt(self) -> bool:
        """Whether it was so lately. What is half written, or of another start of the machine, is of no matter."""
        then, now = Instant(*self._FORM.unpack(self._shared.read())), instant()
        return then.boot == now.boot and seconds_between(then, now) < self._LASTS


class Line:
    """Where requests wait for their turn, those of other processes too; ``async with`` it to be at its front.

    Who has the lock ``front`` is at the front; who waits for that has the lock ``next``. So whoever leaves the
    front cannot be there again before the one that waited. Requests of one process come in the order they asked in.
    """

    def __init__(self, files: Files) -> None:
        self._next, self._front = files.open("next"), files.open("front")
        self._turn, self._here = asyncio.Lock(), 0

    @property
    def empty(self) -> bool:
        """Whether no request of this process is in it."""
        return not self._here

    async def __aenter__(self) -> None:
        self._here += 1
        try:
            await self._turn.acquire()
            try:
                await self._come()
            except BaseException:
                self._turn.release()
                raise
        except BaseException:
            self._here -= 1
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        unlock(self._front)
        self._turn.release()
        self._here -= 1

    async def _come(self) -> None:
        await _polled(self._next)
        try:
            await _polled(self._front)
        finally:
            unlock(self._next)


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
