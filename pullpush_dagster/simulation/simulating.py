"""Many histories: run, counted, and the first that breaks a promise made as short as it can be."""

import os
import shutil
import signal
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import get_all_start_methods, get_context, parent_process
from multiprocessing.context import BaseContext
from multiprocessing.util import Finalize
from pathlib import Path

from pullpush_dagster.config import Project
from pullpush_dagster.simulation.history import Ended, run
from pullpush_dagster.simulation.kinds import KINDS, Kind
from pullpush_dagster.simulation.running import Points
from pullpush_dagster.simulation.steps import Step, steps_of
from pullpush_dagster.simulation.world import written

_TRIES = 80
# Of this process, for as long as it lives.
_FOLDERS: list[str] = []


@dataclass
class Report:
    """What became of many histories.

    Attributes:
        faults: kind -> how often. points: crash point -> how often a process died there, 0 included.
        failed: seeds that broke a promise. story: of the first of them, at its shortest.
    """

    seeds: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    failed: list[int] = field(default_factory=list)
    story: list[str] = field(default_factory=list)

    def add(self, ended: Ended, points: Points) -> None:
        """Count one history in."""
        self.seeds += 1
        self.faults.update(ended.faults)
        for name in points.passed:
            self.points[name] += points.fired.get(name, 0)
        if ended.broken:
            self.failed.append(ended.seed)

    @property
    def silent(self) -> list[str]:
        """Crash points at which no process died."""
        return sorted(name for name, times in self.points.items() if not times)


def simulate(
    seeds: Sequence[int], report: Report, kinds: Sequence[Kind] = KINDS, progress: Callable[[], None] = lambda: None
) -> None:
    """Run the histories of ``seeds``, each on one of ``kinds`` by its number, on all processors.

    ``report`` counts each as it ends, so that it holds what was found so far if this is broken off.
    """
    pool = ProcessPoolExecutor(min(len(seeds), os.cpu_count() or 1), _context(), _left_alone)
    try:
        for ended, points in pool.map(_alone, [(seed, _kind_of(seed, kinds)) for seed in seeds]):
            report.add(ended, points)
            progress()
    finally:
        pool.shutdown(cancel_futures=True)
    if report.failed:
        seed = report.failed[0]
        report.story = [*_told(shortest(seed, _kind_of(seed, kinds)))]


def history(seed: int, kind: Kind, steps: Sequence[Step] | None = None) -> tuple[Ended, Points]:
    """The history of one seed, and the crash points it passed."""
    points, project = Points(), _project(kind)
    shutil.rmtree(project.state, ignore_errors=True)
    return run(project, kind, seed, points, steps), points


def shortest(seed: int, kind: Kind, tries: int = _TRIES) -> Ended:
    """The history of ``seed`` without the steps that a broken promise does not need; ``tries``: of leaving some out."""
    found, _ = history(seed, kind)
    steps = list(steps_of(seed))
    size = max(1, len(steps) // 2)
    while size and tries:
        place = 0
        while place < len(steps) and tries:
            fewer = steps[:place] + steps[place + size :]
            ended, _ = history(seed, kind, fewer)
            tries -= 1
            if _promises(ended) & _promises(found):
                steps, found = fewer, ended
            else:
                place += size
        size //= 2
    return found


def _promises(ended: Ended) -> set[str]:
    return {line.partition(":")[0] for line in ended.broken}


def _told(ended: Ended) -> Iterator[str]:
    yield f"seed {ended.seed}, {len(ended.steps)} steps:"
    yield from ended.story
    yield from ended.broken


def _kind_of(seed: int, kinds: Sequence[Kind]) -> Kind:
    return kinds[seed % len(kinds)]


@cache
def _project(kind: Kind) -> Project:
    """One for all histories of a kind, since to read its files takes as long as many a step."""
    folder = tempfile.mkdtemp(dir=_memory())
    _FOLDERS.append(folder)
    # atexit is not heard of in a process that was forked
    Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=0)
    return written(kind, Path(folder) / "project")


def _context() -> BaseContext:
    """How processes are started. Forked from this one, they would go on with the locks that its threads held at that
    moment; so they are forked from one without threads, in which what takes two seconds to import is there already."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__, "pullpush_dagster.canonical.checking"])
    return context


def _left_alone() -> None:
    """Ctrl-C is for the process that counts; and where that is killed, nobody asks for what is done here."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent is not None  # noqa: S101
    parent.join()
    for folder in _FOLDERS:
        shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)


def _alone(given: tuple[int, Kind]) -> tuple[Ended, Points]:
    ended, points = history(*given)
    return ended, points


def _memory() -> str | None:
    """A folder in memory, where there is one: histories write and forget thousands of small files."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108
