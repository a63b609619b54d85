"""httpx over aiohttp's connections: with many of them open, httpx's own pool costs more than the requests."""

import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

import aiohttp
import certifi
import httpx
from httpx_aiohttp import AiohttpTransport
from yarl import URL

# Only these say for certain that nothing was sent.
_NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


_carrier: ContextVar[Callable[[int], httpx.AsyncBaseTransport] | None] = ContextVar("carrier", default=None)


def carrier(connections: int) -> httpx.AsyncBaseTransport:
    """What carries requests: sockets, at most so many at once; or what stands in for them."""
    make = _carrier.get()
    return make(connections) if make else Sockets(connections)


@contextmanager
def carried_by(make: Callable[[int], httpx.AsyncBaseTransport]) -> Iterator[None]:
    """In this context, requests go over what ``make`` gives and over no socket."""
    token = _carrier.set(make)
    try:
        yield
    finally:
        _carrier.reset(token)


def why_unreached(error: BaseException) -> str:
    """In words, what kept a request from going out at all."""
    while error.__cause__ is not None:
        error = error.__cause__
    match error:
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return "its name cannot be looked up now"
        case socket.gaierror():
            return "unknown host"
        case ConnectionRefusedError():
            return "connection refused"
        case ssl.SSLCertVerificationError():
            return f"its certificate is not trusted: {error.verify_message}"
        case ssl.SSLError():
            return "no TLS there"
        case TimeoutError():
            return "no answer"
        case OSError(errno=int(number)):
            return os.strerror(number).lower()
    return "no connection"


class Sockets(AiohttpTransport):
    """At most ``connections`` at once, kept open; no second try, no redirects.

    ``ConnectError`` and ``ConnectTimeout`` mean that nothing was sent; any other ``httpx.TransportError`` means
    that the platform may have done what it was asked.
    """

    def __init__(self, connections: int) -> None:
        super().__init__(
            verify=_trusting(certifi.where()), limits=httpx.Limits(max_connections=connections), trust_env=False
        )
        self._session: _Session | None = None

    def get_client(self) -> "_Session":  # type: ignore[override]
        """The session behind it; made when first used, as it belongs to the loop that runs then."""
        if self._session is None:
            self._session = _Session(self.limits.max_connections or 0, self.ssl_context)
        return self._session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response, its body not read yet."""
        try:
            response = await super().handle_async_request(request)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            # The library calls every broken connection a connect timeout.
            if isinstance(error.__cause__, _NEVER_SENT):
                raise
            raise httpx.ReadError(str(error)) from error
        except aiohttp.ClientError as error:
            raise httpx.RemoteProtocolError(type(error).__name__) from error
        response.stream = _Body(response.stream)
        return response

    async def aclose(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()


@cache
def _trusting(authorities: str) -> ssl.SSLContext:
    """To read the authorities' file takes longer than many a request, so it is done once."""
    return ssl.create_default_context(cafile=authorities)


class _Session:
    """aiohttp's session, which sends a URL as it is written, and once."""

    def __init__(self, connections: int, tls: ssl.SSLContext) -> None:
        connector = aiohttp.TCPConnector(limit=connections, ssl=tls)
        self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        # It would send a PUT again by itself when the connection breaks: a lost answer is ours to judge.
        self._session._retry_connection = False
        self.close = self._session.close

    def request(self, url: str, **options: Any) -> Any:
        """As the session's own. Quoted anew, a URL would no longer be the one that was signed."""
        return self._session.request(url=URL(url, encoded=True), **options)


class Jar(httpx.Cookies):
    """Cookies. Of an answer that sets none, httpx would make a whole request of another library to look for them."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep those that ``response`` sets."""
        if "set-cookie" in response.headers:
            super().extract_cookies(response)


class _Body(httpx.AsyncByteStream):
    """A response's body; whatever breaks it breaks it after the platform was reached."""

    def __init__(self, stream: object) -> None:
        assert isinstance(stream, httpx.AsyncByteStream)  # noqa: S101
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for chunk in self._stream:
                yield chunk
        except (httpx.TransportError, aiohttp.ClientError) as error:
            raise httpx.ReadError(str(error)) from error

    async def aclose(self) -> None:
        await self._stream.aclose()
