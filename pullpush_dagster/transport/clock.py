"""The one clock of what processes share in files. A test or a simulator that has its own time sets it here."""

import time
import uuid
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
    return Instant(_boot(), time.clock_gettime(time.CLOCK_BOOTTIME) if _boot() != _UNKNOWN else 0.0, time.time())


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
