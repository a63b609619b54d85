"""The one clock of what processes share in files."""

import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import NamedTuple

_UNKNOWN = bytes(16)


class Instant(NamedTuple):
    """A moment: ``ticks`` are seconds since the start ``boot`` of this machine, ``wall`` is what its clock says."""

    boot: bytes
    ticks: float
    wall: float


def instant() -> Instant:
    """Now."""
    told = _told.get()
    if told:
        return told()
    return Instant(_boot(), time.clock_gettime(time.CLOCK_BOOTTIME) if _boot() != _UNKNOWN else 0.0, time.time())


_told: ContextVar[Callable[[], Instant] | None] = ContextVar("told", default=None)


@contextmanager
def told_by(clock: Callable[[], Instant]) -> Iterator[None]:
    """In this context, ``clock`` says what the time is."""
    token = _told.set(clock)
    try:
        yield
    finally:
        _told.reset(token)


def seconds_between(then: Instant, now: Instant) -> float:
    """Never negative. Only over a restart of the machine does it trust the wall clock, which people set."""
    if then.boot == now.boot != _UNKNOWN:
        return max(0.0, now.ticks - then.ticks)
    return max(0.0, now.wall - then.wall)


@cache
def _boot() -> bytes:
    """Sixteen bytes that are others after a restart of the machine; zeros: it does not say."""
    try:
        return uuid.UUID(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()).bytes
    except (OSError, ValueError):
        return _UNKNOWN
