"""What all processes know together of one connection: its bucket, its gate and its breaker, in one small file."""

import fcntl
import random
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pullpush_dagster.connectors.limits_model import Rate
from pullpush_dagster.transport.clock import Instant, instant, seconds_between
from pullpush_dagster.transport.files import Files, unlock

_FAILURES_IN_A_ROW = 5
_FIRST_OPEN, _LONGEST_OPEN, _SHORTEST_OPEN = 5.0, 300.0, 1.0
# Bytes of what the last failure said.
_LONGEST_SAID = 240
# When it was written (boot, ticks, wall), then the state's own fields; before both their checksum.
_FORM = struct.Struct(f"<16sddddd2I{_LONGEST_SAID}s")
_SEAL = struct.Struct("<I")
_UNWRITTEN = bytes(_SEAL.size + _FORM.size)


@dataclass(slots=True)
class State:
    """Where a connection stands now; nothing known is all zero.

    Attributes:
        debt: seconds until the bucket is full again.
        shut: seconds until the gate opens, behind which a platform's "slower" puts everyone.
        open: seconds until the breaker lets a probe through.
        failures: requests in a row that had no answer.
        openings: how often the breaker opened since there was one. 0: it is closed.
        last: what the last of the failures said, as far as there is room for it.
    """

    debt: float = 0.0
    shut: float = 0.0
    open: float = 0.0
    failures: int = 0
    openings: int = 0
    last: str = ""

    def until_token(self, rate: Rate) -> float:
        """Seconds until the bucket has a token; 0: it has."""
        return max(0.0, self.debt - (rate.burst - 1) * rate.interval)

    def failed(self, said: str = "", *, probe: bool) -> None:
        """A request had no answer, and why. One that was under way when the breaker opened says nothing new."""
        if self.openings and not probe:
            return
        self.failures += 1
        self.last = said.encode()[:_LONGEST_SAID].decode(errors="ignore")
        if probe or self.failures >= _FAILURES_IN_A_ROW:
            cap = min(_LONGEST_OPEN, _FIRST_OPEN * 2 ** min(self.openings, 10))
            self.open = random.uniform(_SHORTEST_OPEN, cap)  # noqa: S311
            self.openings += 1

    @property
    def doubtful(self) -> bool:
        """Whether a request lately had no answer."""
        return bool(self.failures or self.openings)

    def answered(self) -> None:
        """A request had an answer, whatever it said: the platform is there."""
        self.open, self.failures, self.openings, self.last = 0.0, 0, 0, ""


class Ledger:
    """The state in the file ``ledger``. It is locked for a few microseconds, never while anything is waited for."""

    def __init__(self, files: Files) -> None:
        self._shared = files.shared("ledger", len(_UNWRITTEN))

    @contextmanager
    def held(self) -> Iterator[State]:
        """The state as it is now; what the block makes of it is what everyone sees next, unless it raises."""
        fcntl.flock(self._shared.file, fcntl.LOCK_EX)
        try:
            now = instant()
            state, since = self._read(now) or (State(), now)
            before = _fields(state)
            yield state
            after = _fields(state)
            if after != before or not _counts_on(since, now):
                packed = _FORM.pack(*now, *after)
                self._shared.write(_SEAL.pack(zlib.crc32(packed)) + packed)
        finally:
            unlock(self._shared.file)

    def seen(self) -> State:
        """The state as it is now, to be looked at. The lock is waited for only while somebody writes."""
        now = instant()
        found = self._read(now)
        if found is not None and _counts_on(found[1], now):
            return found[0]
        with self.held() as state:
            return state

    def _read(self, now: Instant) -> tuple[State, Instant] | None:
        """The state now, and when it was written.

        None: it is torn, or anything else; under the lock that is nothing known, as all it holds is over soon.
        """
        packed = self._shared.read()
        if packed == _UNWRITTEN:
            return State(), now
        if zlib.crc32(packed[_SEAL.size :]) != _SEAL.unpack_from(packed)[0]:
            return None
        boot, ticks, wall, debt, shut, open_, failures, openings, last = _FORM.unpack_from(packed, _SEAL.size)
        since = Instant(boot, ticks, wall)
        passed = seconds_between(since, now)
        debt, shut, open_ = (max(0.0, seconds - passed) for seconds in (debt, shut, open_))
        return State(debt, shut, open_, failures, openings, last.rstrip(b"\0").decode()), since


def _counts_on(since: Instant, now: Instant) -> bool:
    """Whether time goes on from ``since``. After a start of the machine it may stand still until the clock, which had
    been ahead before, has caught up; what is left is counted from now on then."""
    return since.boot == now.boot and since.wall <= now.wall


def _fields(state: State) -> tuple[float, float, float, int, int, bytes]:
    return state.debt, state.shut, state.open, state.failures, state.openings, state.last.encode()
