"""When a request may go out: a place, a token, an open gate and a closed breaker, shared by all processes."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from io import FileIO
from pathlib import Path

from pullpush_dagster.connectors.limits_model import Limits
from pullpush_dagster.errors import AuthError, DownError, RateLimitError, RejectError, UnavailableError
from pullpush_dagster.transport.clock import instant
from pullpush_dagster.transport.files import Files, locked, unlock
from pullpush_dagster.transport.ledger import Ledger, State
from pullpush_dagster.transport.places import Line, Places

# A gate that stays shut for longer is not waited for here.
LONGEST_WAIT = 60.0
_LONGEST_SHUT = 3600.0
_PROBE_POLL = 0.02


class Turns:
    """The turns of one connection's requests.

    Args:
        folder: where all processes that use the connection keep its files; None: this client is alone.
        pause: seconds the gate is shut for when the platform says "slower" and not for how long.
        breaks: whether there is a breaker: it is for destinations, whose records can wait.
        clean: takes secrets out of what a failure says, before other processes are told.
    """

    def __init__(
        self,
        connection: str,
        limits: Limits,
        folder: Path | None,
        *,
        pause: float,
        breaks: bool,
        clean: Callable[[str], str] = str,
    ) -> None:
        self._clean = clean
        self._connection, self._rate, self._pause, self._breaks = connection, limits.rate, pause, breaks
        self._files = Files(folder)
        self._ledger = Ledger(self._files)
        self._probe, self._probing = self._files.open("probe"), False
        self._line, self._places = Line(self._files), Places(self._files, limits.concurrency)

    def close(self) -> None:
        """Give back what is held."""
        self._places.close()
        self._files.close()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Waits for a turn; the block sends one request, and what it raises is known to all.

        Raises:
            RateLimitError: the gate is shut for more than a minute.
            DownError: the breaker is open. RetryError: no place was left.
        """
        place, probe = self._at_once(), False
        if place is None:
            place, probe = await self._in_line()
        try:
            yield
            self._answered()
        except UnavailableError as error:
            self._failed(error, probe=probe)
            if error.busy:
                self.shut(error.retry_after or self._pause)
            raise
        except RateLimitError as error:
            self._answered()
            self.shut(error.retry_after or self._pause)
            raise
        except (RejectError, AuthError):
            self._answered()
            raise
        finally:
            self._places.give(place)
            if probe:
                self._probing = False
                unlock(self._probe)

    def _at_once(self) -> FileIO | None:
        """A place that this process kept, where nobody else has to be asked; None: the request goes through the line.

        A token, or the probe, is for who is at its front.
        """
        state = self._ledger.seen()
        self._refuse(state)
        open_ = self._rate is None and not state.shut and not (self._breaks and state.openings)
        return self._places.kept() if open_ and self._line.empty else None

    async def _in_line(self) -> tuple[FileIO, bool]:
        """A place, and whether the request is the breaker's probe, once it may go out."""
        async with self._line:
            place = await self._places.take()
            try:
                return place, await self._let_through()
            except BaseException:
                self._places.give(place)
                raise

    async def _let_through(self) -> bool:
        """Returns when the request may go out: whether it is the breaker's probe."""
        time = asyncio.get_running_loop().time
        began = time()
        while True:
            with self._looked() as state:
                self._refuse(state)
                wait = max(state.shut, state.until_token(self._rate) if self._rate else 0.0)
                half_open = self._breaks and state.openings > 0
                if not wait and half_open and not self._is_probe():
                    # It is soon known, one way or the other; unless the process that finds out does not go on.
                    if time() - began > LONGEST_WAIT:
                        raise self._down("another request is to find out", LONGEST_WAIT, state)
                    wait = _PROBE_POLL
                if not wait:
                    state.debt += self._rate.interval if self._rate else 0.0
                    return half_open
            await asyncio.sleep(wait)

    @contextmanager
    def _looked(self) -> Iterator[State]:
        """The state; it is held only where the request takes something from it, as a lock costs as much as a look."""
        state = self._ledger.seen()
        if self._rate is None and not (self._breaks and state.openings):
            yield state
        else:
            with self._ledger.held() as held:
                yield held

    def _is_probe(self) -> bool:
        """Whether this is the one that finds out; while another one does, in whatever process, it is not."""
        if self._probing:
            return False
        self._probing = locked(self._probe)
        return self._probing

    def _refuse(self, state: State) -> None:
        if state.shut > LONGEST_WAIT:
            said = f"not sent: the platform asked to wait, for {state.shut:.0f} s more"
            raise RateLimitError(said, retry_after=state.shut, connection=self._connection)
        if self._breaks and state.open:
            when = dt.datetime.fromtimestamp(instant().wall + state.open, dt.UTC)
            raise self._down(f"the next one goes out at {when:%H:%M:%S} UTC", state.open, state)

    def _down(self, then: str, seconds: float, state: State) -> DownError:
        last = f", the last: {state.last}" if state.last else ""
        said = f"not sent: {state.failures} requests in a row had no answer{last}; {then}"
        return DownError(said, retry_after=seconds, connection=self._connection)

    def _answered(self) -> None:
        if self._breaks and self._ledger.seen().doubtful:
            with self._ledger.held() as state:
                state.answered()

    def _failed(self, error: UnavailableError, *, probe: bool) -> None:
        if self._breaks:
            with self._ledger.held() as state:
                state.failed(self._clean(error.said), probe=probe)

    def shut(self, seconds: float) -> None:
        """Let nobody through for so long."""
        with self._ledger.held() as state:
            state.shut = max(state.shut, min(seconds, _LONGEST_SHUT))
