"""Requests led to one server of our own, whichever platform they are for."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import httpx

from pullpush_dagster.transport.sockets import Sockets, carried_by

_purpose: ContextVar[str] = ContextVar("purpose", default="none")


@contextmanager
def diverted_to(url: str) -> Iterator[None]:
    """In this context all requests go over real sockets to ``url``; only their address is another one.

    It is ``URL/PURPOSE/SCHEME/HOST/PATH``, so that the server knows whom each was for.
    """
    with carried_by(lambda connections: _Diverted(connections, url)):
        yield


@contextmanager
def purpose(name: str) -> Iterator[None]:
    """In this context, requests that are diverted say what for."""
    token = _purpose.set(name)
    try:
        yield
    finally:
        _purpose.reset(token)


class _Diverted(Sockets):
    def __init__(self, connections: int, to: str) -> None:
        super().__init__(connections)
        self._to = httpx.URL(to)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response of the one server."""
        url = request.url
        place = f"/{_purpose.get()}/{url.scheme}/{url.netloc.decode()}".encode()
        # Cookies belong to where the request says it goes, so it is another one that is sent.
        led = httpx.Request(
            request.method,
            self._to.copy_with(raw_path=place + url.raw_path),
            headers=request.headers,
            stream=request.stream,
            extensions=request.extensions,
        )
        return await super().handle_async_request(led)
