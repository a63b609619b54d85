"""One connection's HTTP client. Everything that leaves the project leaves through here."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from pullpush_dagster.config import Connection
from pullpush_dagster.connectors import Connector
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import DownError, RetryError, UnavailableError
from pullpush_dagster.transport.answer import Answer
from pullpush_dagster.transport.classify import short_of
from pullpush_dagster.transport.download import download
from pullpush_dagster.transport.turns import LONGEST_WAIT, ShutError, Turns
from pullpush_dagster.transport.wire import Wire

_LARGEST_BODY = 256 * 1024 * 1024
_LARGEST_FILE = 1024 * 1024 * 1024
_PAUSE = 0.5
Given = TypeVar("Given")


class Client:
    """HTTP to one connection's declared origin; use as ``async with Client(...)``.

    Args:
        state: the project's state folder, where all processes keep its limits together. None, or not there
            yet: this client keeps them for itself.
        destination: whether it is sent to: one that is down is then left alone, and not waited for.
        patient: whether ``ask`` asks again what cannot be reached; where a person waits, it does not.
        pause: seconds that the waits between two attempts of ``ask`` grow from.
        largest: bytes of the largest answer that is read. largest_file: of the largest file that is downloaded.

    Raises:
        ConfigError: a setting or secret is missing (secrets are named, never shown).
    """

    def __init__(
        self,
        connection: Connection,
        connector: Connector,
        *,
        state: Path | None = None,
        destination: bool = False,
        patient: bool = True,
        pause: float = _PAUSE,
        largest: int = _LARGEST_BODY,
        largest_file: int = _LARGEST_FILE,
    ) -> None:
        self.connection, self.facts, self._name = connection, connector.facts, connection.connection
        self._state, self._destination, self._patient, self._pause = state, destination, patient, pause
        self._values = {f"settings.{name}": value for name, value in connector.settings(connection.settings).items()}
        self._largest_file = largest_file
        self._wire = Wire(connection, connector.facts, self._values, largest)

    def __repr__(self) -> str:
        return f"Client({self.connection.connection})"

    async def __aenter__(self) -> Self:
        folder = self._state / "limits" / self._name if self._state and self._state.is_dir() else None
        limits, pause = self.facts.limits, 2 * self._pause
        self._turns = Turns(self._name, limits, folder, pause=pause, breaks=self._destination, clean=self.redacted)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._wire.aclose()
        self._turns.close()

    @property
    def values(self) -> dict[str, Any]:
        """What every template of this connection can use: ``settings.NAME``."""
        return dict(self._values)

    async def ask(
        self, request: Request, values: Mapping[str, Any], *, link: str | None = None, json: bool = True
    ) -> Answer:
        """The answer to a request that changes nothing; asked again, with full-jitter backoff, while that may help.

        Args:
            json: whether it must be JSON; another one is not looked into.

        Raises:
            RetryError: still no answer after the connector's number of attempts, or, from a destination, none that
                is worth waiting for.
            RejectError, AuthError: the platform refuses.
        """

        async def once() -> Answer:
            answer = await self.send(request, values, link=link, json=json)
            _ = answer.body if json else None
            return answer

        return await self._patiently(once)

    async def download(self, address: str, hosts: list[str], file: Path, *, seconds: float) -> None:
        """Write the file at ``address``, within ``hosts``, to ``file``, as ``download``; again, while that may help.

        It does not wait for a turn: what a platform bears is none of the business of where its files lie.
        """
        await self._patiently(lambda: download(address, hosts, file, seconds=seconds, largest=self._largest_file))

    async def _patiently(self, once: Callable[[], Awaitable[Given]]) -> Given:
        attempts = self.facts.limits.attempts
        for attempt in range(1, attempts + 1):
            try:
                return await once()
            except RetryError as error:
                if attempt == attempts or self._gives_up(error):
                    raise
                await asyncio.sleep(backoff(attempt, error, base=self._pause))
        raise AssertionError("unreachable")

    def _gives_up(self, error: RetryError) -> bool:
        if not self._patient and isinstance(error, UnavailableError) and not (error.sent or error.busy):
            return True
        return self._destination and (isinstance(error, DownError) or (error.retry_after or 0.0) > LONGEST_WAIT)

    async def send(
        self,
        request: Request,
        values: Mapping[str, Any],
        body: Any = None,
        *,
        link: str | None = None,
        whole: bool = True,
        json: bool = True,
        start: Callable[[], None] = lambda: None,
    ) -> Answer:
        """The answer to one request, sent once, when its turn has come. From a destination, it is JSON.

        Args:
            body: replaces the request's own. link: an address that the platform gave replaces path and query.
            whole: whether its body says something; if not, it is not looked at, unless it is a web page: such a one
                is from what stands before the platform. json: as ``ask``.
            start: called just before it goes out; what this raises keeps it here.

        Raises:
            RateLimitError: not done; wait. UnavailableError: perhaps done, unless ``sent`` is False; wait if ``busy``.
            DownError: not sent, since the destination does not answer. RejectError, AuthError: refused.
        """
        answer = said = None
        while answer is None:
            with suppress(ShutError):
                async with self._turns.turn(start) as turn:
                    answer = await self._wire.exchange(turn, request, {**self._values, **values}, body, link, json=json)
                    looked = whole or answer.content.lstrip().startswith(b"<")
                    said = answer.body if looked and json and (self._destination or self.facts.limits.cost) else None
        wait = short_of(self.facts.limits, answer.headers, said)
        if wait:
            self._turns.shut(wait)
        return answer

    def redacted(self, text: str) -> str:
        """``text`` without secrets, short enough to be stored."""
        return self._wire.redacted(text)


def backoff(attempt: int, error: RetryError, *, base: float = 0.5) -> float:
    """Seconds to wait before the next attempt: what the error says, else full jitter over a growing cap."""
    if error.retry_after is not None:
        return min(error.retry_after, LONGEST_WAIT * 5)
    return random.uniform(0, min(LONGEST_WAIT, base * 2**attempt))  # noqa: S311
