"""Send: what a claim has to send later: what follows a change that was taken, and what goes again.

A change that follows another goes as soon as a note that the other was taken is on the disk.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from pullpush_dagster.changes import Taken
from pullpush_dagster.changes.notes import forget, note
from pullpush_dagster.push.journal import Next

# So long is waited for others that can be noted at once: to write costs the requests of single records dearly.
_GATHERS = 0.005
Add = Callable[[int, Taken, Sequence[int]], None]


class Following:
    """Gives to ``add`` what is to be sent now.

    What was taken is noted first, all that has come meanwhile at once.
    """

    def __init__(self, folder: Path, add: Add, halt: Callable[[BaseException], None]) -> None:
        self._folder, self._add, self._halt = folder, add, halt
        self._waiting: list[Next] = []
        self._noted: set[str] = set()
        self._noting: asyncio.Task[None] | None = None
        self._pausing: set[asyncio.Task[None]] = set()

    def take(self, rows: Iterable[Next]) -> None:
        """Let these be sent when they are due, or what follows them."""
        due: dict[tuple[int, Taken, float], list[int]] = {}
        for one in rows:
            if one.due_in is None:
                self._waiting.append(one)
            else:
                due.setdefault((one.lane, one.claim, one.due_in), []).extend(one.places)
        for (lane, claim, seconds), places in due.items():
            task = asyncio.create_task(self._later(lane, claim, places, seconds))
            self._pausing.add(task)
            task.add_done_callback(self._pausing.discard)
        if self._waiting and self._noting is None:
            self._noting = asyncio.create_task(self._followed())

    @property
    def busy(self) -> bool:
        """Whether anything is not with ``add`` yet."""
        return self._noting is not None or bool(self._pausing)

    async def idle(self) -> None:
        """Returns when all that was known when it was called is with ``add``."""
        tasks = {*self._pausing, *([self._noting] if self._noting else [])}
        if tasks:
            await asyncio.wait(tasks)

    def forget(self) -> None:
        """To be called when all receipts are in the store."""
        forget(self._folder, self._noted)

    async def _later(self, lane: int, claim: Taken, places: Sequence[int], seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._add(lane, claim, places)

    async def _followed(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(_GATHERS)
                group, self._waiting = self._waiting, []
                try:
                    await asyncio.to_thread(self._note, group)
                except BaseException as error:  # noqa: BLE001 - whoever waits for the lanes gets it
                    self._halt(error)
                # With the lanes halted, those learn that they are not sent.
                for one in group:
                    self._add(one.lane, one.claim, [one.claim.following[place] for place in one.places])
        finally:
            self._noting = None

    def _note(self, group: Sequence[Next]) -> None:
        now = dt.datetime.now(dt.UTC)
        for claim in dict.fromkeys(one.claim for one in group):
            note(self._folder, claim, [place for one in group if one.claim is claim for place in one.places], now)
            self._noted.add(claim.claim)
