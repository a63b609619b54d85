"""One connection's HTTP client. Everything that leaves the project leaves through here."""

import asyncio
import datetime as dt
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import orjson

from pullpush_dagster.config import Connection
from pullpush_dagster.connectors import Connector
from pullpush_dagster.connectors.auth_model import Auth
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.connectors.template import ABSENT, fill, fill_path, fill_text
from pullpush_dagster.errors import (
    ConfigError,
    DownError,
    RejectError,
    RetryError,
    UnavailableError,
)
from pullpush_dagster.transport.auth import authentication
from pullpush_dagster.transport.classify import fault_of, http_date
from pullpush_dagster.transport.redact import redacted
from pullpush_dagster.transport.sockets import carrier
from pullpush_dagster.transport.turns import LONGEST_WAIT, Turns

_LARGEST_BODY = 256 * 1024 * 1024
_PAUSE = 0.5
_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class Answer:
    """A good answer. ``asked_at`` is our clock just before asking; ``server_time`` is theirs, if they said."""

    status: int
    headers: Mapping[str, str]
    content: bytes
    asked_at: dt.datetime
    server_time: dt.datetime | None

    @cached_property
    def body(self) -> Any:
        """The parsed JSON body. Raises UnavailableError: it is not JSON, as when it was cut short."""
        try:
            return orjson.loads(self.content)
        except orjson.JSONDecodeError:
            start = self.content[:1].decode("latin-1")
            kind = "HTML" if start == "<" else "nothing" if not self.content else "no JSON, or only a part of it"
            raise UnavailableError(f"the platform answered {self.status} with {kind}") from None


class Client:
    """HTTP to one connection's declared origin; use as ``async with Client(...)``.

    Args:
        state: the project's state folder, where all processes keep its limits together. None, or not there
            yet: this client keeps them for itself.
        destination: whether it is sent to: one that is down is then left alone, and not waited for.
        pause: seconds that the waits between two attempts of ``ask`` grow from.
        largest: bytes of the largest answer that is read.

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
        pause: float = _PAUSE,
        largest: int = _LARGEST_BODY,
    ) -> None:
        self.connection, self.facts, self._name = connection, connector.facts, connection.connection
        self._state, self._destination, self._pause, self._largest = state, destination, pause, largest
        self._secrets = connection.secret_values()
        self._values = {f"settings.{name}": value for name, value in connection.settings.items()}
        secrets = {f"secret.{name}": value for name, value in self._secrets.items()}
        base = self._base_url()
        self._http = httpx.AsyncClient(
            auth=authentication(self._auth(base), {**self._values, **secrets}),
            headers={n: str(v).encode() for n, v in fill(self.facts.headers, {**self._values, **secrets}).items()},
            timeout=httpx.Timeout(self._seconds, connect=min(_CONNECT_SECONDS, self._seconds)),
            transport=carrier(self.facts.limits.concurrency),
            follow_redirects=False,
            trust_env=False,
        )
        self._base = base

    def __repr__(self) -> str:
        return f"Client({self.connection.connection})"

    async def __aenter__(self) -> Self:
        folder = self._state / "limits" / self._name if self._state and self._state.is_dir() else None
        limits, pause = self.facts.limits, 2 * self._pause
        self._turns = Turns(self._name, limits, folder, pause=pause, breaks=self._destination)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self._http.aclose()
        self._turns.close()

    @property
    def values(self) -> dict[str, Any]:
        """What every template of this connection can use: ``settings.NAME``."""
        return dict(self._values)

    async def ask(self, request: Request, values: Mapping[str, Any]) -> Answer:
        """The answer to a request that changes nothing; asked again, with full-jitter backoff, while that may help.

        Raises:
            RetryError: still no answer after the connector's number of attempts, or, from a destination, none that
                is worth waiting for.
            RejectError, AuthError: the platform refuses.
        """
        attempts = self.facts.limits.attempts
        for attempt in range(1, attempts + 1):
            try:
                answer = await self.send(request, values)
                _ = answer.body
            except RetryError as error:
                if attempt == attempts or self._gives_up(error):
                    raise
                await asyncio.sleep(backoff(attempt, error, base=self._pause))
            else:
                return answer
        raise AssertionError("unreachable")

    def _gives_up(self, error: RetryError) -> bool:
        return self._destination and (isinstance(error, DownError) or (error.retry_after or 0.0) > LONGEST_WAIT)

    async def send(
        self,
        request: Request,
        values: Mapping[str, Any],
        body: Any = None,
        *,
        start: Callable[[], None] = lambda: None,
    ) -> Answer:
        """The answer to one request, sent once, when its turn has come. From a destination, it is JSON.

        Args:
            body: replaces the request's own.
            start: called just before it goes out; what this raises keeps it here.

        Raises:
            RateLimitError: not done; wait. UnavailableError: perhaps done, unless ``sent`` is False.
            DownError: not sent, since the destination does not answer. RejectError, AuthError: refused.
        """
        every = {**self._values, **values}
        content = body if body is not None else fill(request.body, every)
        url = f"{str(self._base).rstrip('/')}{fill_path(request.path, every)}"
        if httpx.URL(url).netloc != self._base.netloc:
            raise RejectError("a request may only go to its connection's own origin", connection=self._name)
        sent = self._http.build_request(
            request.method,
            url,
            params=fill(request.query, every),
            content=None if content in (None, ABSENT) else orjson.dumps(content),
            headers={} if content in (None, ABSENT) else {"Content-Type": "application/json"},
        )
        async with self._turns.turn():
            start()
            answer = await self._exchange(sent)
            if self._destination:
                _ = answer.body
        return answer

    async def _exchange(self, request: httpx.Request) -> Answer:
        asked_at = dt.datetime.now(dt.UTC)
        try:
            # httpx's own timeouts are per read, so an answer that drips would outlive the lease it is sent under.
            async with asyncio.timeout(self._seconds):
                response = await self._http.send(request, stream=True)
                try:
                    content = await self._read(response)
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise UnavailableError(
                f"{self._base.host}:{self._base.port} cannot be reached", sent=False, connection=self._name
            ) from None
        except httpx.HTTPError as error:
            raise UnavailableError(f"no whole answer ({type(error).__name__})", connection=self._name) from None
        except TimeoutError:
            raise UnavailableError(f"no whole answer in {self._seconds:g} s", connection=self._name) from None
        if not response.is_success:
            said = _parsed(content)
            raise fault_of(self.facts, response.status_code, response.headers, said, self._name, self.redacted)
        server_time = http_date(response.headers.get("date", ""))
        return Answer(response.status_code, response.headers, content, asked_at, server_time)

    async def _read(self, response: httpx.Response) -> bytes:
        parts, size = [], 0
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if size > self._largest:
                raise RejectError(f"the answer is over {self._largest} bytes", connection=self._name)
        # A byte order mark is no JSON, but some PHP files put one in front of it.
        return b"".join(parts).removeprefix(b"\xef\xbb\xbf")

    def redacted(self, text: str) -> str:
        """``text`` without secrets, short enough to be stored."""
        return redacted(text, self._secrets)

    @property
    def _seconds(self) -> float:
        return self.facts.limits.timeout

    def _base_url(self) -> httpx.URL:
        values = {name: value.rstrip("/") for name, value in self._values.items()}
        try:
            return httpx.URL(fill_text(self.facts.base_url, values, what=f"base_url of {self._name}"))
        except httpx.InvalidURL as error:
            raise ConfigError(f"base_url is no URL: {error}", connection=self._name) from None

    def _auth(self, base: httpx.URL) -> Auth:
        if base.scheme not in ("http", "https") or not base.host or base.userinfo:
            raise ConfigError("base_url must be http(s)://host, with no user in it", connection=self._name)
        auth = self.facts.auth
        if isinstance(auth, Auth):
            return auth
        if base.scheme not in auth:
            raise ConfigError(f"this platform is not spoken to over {base.scheme}", connection=self._name)
        return auth["https" if base.scheme == "https" else "http"]


def backoff(attempt: int, error: RetryError, *, base: float = 0.5) -> float:
    """Seconds to wait before the next attempt: what the error says, else full jitter over a doubling cap."""
    if error.retry_after is not None:
        return min(error.retry_after, LONGEST_WAIT * 5)
    return random.uniform(0, min(LONGEST_WAIT, base * 2**attempt))  # noqa: S311


def _parsed(content: bytes) -> object:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None
