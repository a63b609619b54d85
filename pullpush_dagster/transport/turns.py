"""When a request may go out: a place, a token, an open gate and a closed breaker, shared by all processes."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from io import FileIO
from pathlib import Path

from pullpush_dagster.connectors.limits_model import Limits
from pullpush_dagster.errors import AuthError, DownError, RateLimitError, RejectError, RetryError, UnavailableError
from pullpush_dagster.transport.clock import instant
from pullpush_dagster.transport.files import Files, locked, unlock
from pullpush_dagster.transport.ledger import Ledger, State
from pullpush_dagster.transport.places import Line, Places

# A gate that stays shut for longer is not waited for here.
LONGEST_WAIT = 60.0
_LONGEST_SHUT = 3600.0
_PROBE_POLL = 0.02


class ShutError(RetryError):
    """Not sent: the platform asked to wait after the turn had come. Another turn comes when that is over."""


class Turn:
    """Leave to send one request, and others that go with it, each once it may go.

    Args:
        start: called just before the request itself goes out; what this raises keeps it here.

    Attributes:
        sent: whether the request itself has begun, and not only what proves who we are.
        answered: whether it had an answer.
    """

    def __init__(self, turns: "Turns", start: Callable[[], None]) -> None:
        self._turns, self._start, self._first = turns, start, True
        self.sent = self.answered = False

    async def go(self) -> None:
        """Returns when a request may go out, which it then does at once. Raises ShutError: the gate was shut since.

        It is not waited for here: who holds a place, and perhaps the lock of a login, must not hold up the others.
        """
        if self._first:
            self._first = False
            self._turns.stay()
        else:
            await self._turns.go_on()

    async def begin(self) -> None:
        """As ``go``, for the request itself."""
        await self.go()
        self._start()
        self.sent = True

    def shut(self, seconds: float | None) -> None:
        """The platform said "slower", and for how long, if it did."""
        self._turns.shut(seconds)


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
        self._probe = self._files.open("probe")
        # The place whose request is the probe, while it is one of this process.
        self._probing: FileIO | None = None
        self._line, self._places = Line(self._files), Places(self._files, limits.concurrency)

    def close(self) -> None:
        """Give back what is held."""
        self._places.close()
        self._files.close()

    @asynccontextmanager
    async def turn(self, start: Callable[[], None] = lambda: None) -> AsyncIterator[Turn]:
        """Waits for a turn; the block sends one request, and what it raises is known to all.

        Raises:
            RateLimitError: the gate is shut for more than a minute.
            DownError: the breaker is open. RetryError: no place was left.
        """
        place, turn = self._at_once(), Turn(self, start)
        if place is None:
            place = await self._in_line()
        try:
            yield turn
            self._answered()
        except UnavailableError as error:
            self._failed(error, probe=self._probing is place)
            if error.busy:
                self.shut(error.retry_after)
            raise
        except (RateLimitError, RejectError, AuthError) as error:
            # A refusal of our own, or of a login, says nothing of whether the platform is there.
            if turn.answered:
                self._answered()
            if isinstance(error, RateLimitError):
                self.shut(error.retry_after)
            raise
        finally:
            self._leave(place)

    def stay(self) -> None:
        """Raises ShutError: what a turn was had for may not go out any more, since the gate was shut."""
        if self._ledger.seen().shut:
            raise ShutError

    async def go_on(self) -> None:
        """Returns when one more request may go out in the same turn. Raises ShutError: the gate is shut."""
        while True:
            with self._ledger.held() as state:
                if state.shut:
                    raise ShutError
                wait = self._token(state)
            if not wait:
                return
            await asyncio.sleep(wait)

    def _at_once(self) -> FileIO | None:
        """A place that this process kept, where nobody else has to be asked; None: the request goes through the line.

        A token, or the probe, is for who is at its front.
        """
        state = self._ledger.seen()
        self._refuse(state)
        open_ = self._rate is None and not state.shut and not (self._breaks and state.openings)
        return self._places.kept() if open_ and self._line.empty else None

    async def _in_line(self) -> FileIO:
        """A place, once the request may go out."""
        async with self._line:
            place = await self._places.take()
            try:
                await self._let_through(place)
            except BaseException:
                self._leave(place)
                raise
            return place

    def _leave(self, place: FileIO) -> None:
        """Give back ``place``, and the probe, if it is its request."""
        if self._probing is place:
            self._probing = None
            unlock(self._probe)
        self._places.give(place)

    async def _let_through(self, place: FileIO) -> None:
        """Returns when the request that has ``place`` may go out."""
        time = asyncio.get_running_loop().time
        began = time()
        while True:
            with self._looked() as state:
                self._refuse(state)
                wait = max(state.shut, state.until_token(self._rate) if self._rate else 0.0)
                half_open = self._breaks and state.openings > 0
                if not wait and half_open and not self._is_probe(place):
                    # It is soon known, one way or the other; unless the process that finds out does not go on.
                    if time() - began > LONGEST_WAIT:
                        raise self._down("another request is to find out", LONGEST_WAIT, state)
                    wait = _PROBE_POLL
                if not wait:
                    self._token(state)
                    return
            await asyncio.sleep(wait)

    def _token(self, state: State) -> float:
        """Seconds until the bucket has a token; 0: it is taken."""
        if self._rate is None:
            return 0.0
        wait = state.until_token(self._rate)
        if not wait:
            state.debt += self._rate.interval
        return wait

    @contextmanager
    def _looked(self) -> Iterator[State]:
        """The state; it is held only where the request takes something from it, as a lock costs as much as a look."""
        state = self._ledger.seen()
        if self._rate is None and not (self._breaks and state.openings):
            yield state
        else:
            with self._ledger.held() as held:
                yield held

    def _is_probe(self, place: FileIO) -> bool:
        """Whether this is the one that finds out; while another one does, in whatever process, it is not."""
        if self._probing is not None or not locked(self._probe):
            return False
        self._probing = place
        return True

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

    def shut(self, seconds: float | None) -> None:
        """Let nobody through for so long, or for a pause."""
        with self._ledger.held() as state:
            state.shut = max(state.shut, min(seconds or self._pause, _LONGEST_SHUT))
