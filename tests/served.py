"""A tiny real server that gives whatever answers a test tells it to."""

import socket
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True)
class Seen:
    """One request as it arrived. ``query``: its parameters, decoded."""

    method: str
    path: str
    target: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


Reply = Callable[[Scope, Receive, Send], Awaitable[None]]


class Served:
    """A tiny real server on 127.0.0.1 that gives whatever answers a test tells it to."""

    def __init__(self) -> None:
        self.url = ""
        self.requests: list[Seen] = []
        self.answer(Response("[]"))

    def answer(self, *replies: Reply) -> None:
        """Give ``replies`` one after the other, the last of them for ever."""
        left = list(replies)
        self.route(lambda _: left.pop(0) if len(left) > 1 else left[0])

    def route(self, reply_to: Callable[[Seen], Reply]) -> None:
        """Let ``reply_to`` choose the answer to each request."""
        self._reply_to = reply_to

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        url = scope["raw_path"].decode() + (f"?{request.url.query}" if request.url.query else "")
        seen = Seen(
            request.method, request.url.path, url, dict(request.query_params), request.headers, await request.body()
        )
        self.requests.append(seen)
        await self._reply_to(seen)(scope, receive, send)

    def begin(self) -> None:
        """Nothing was asked yet, and answers are empty lists. What somebody else has asked for, and no longer waits
        for, is over: connections are taken in turn."""
        self.answer(Response("[]"))
        address = self.url.partition("//")[2].partition(":")
        with suppress(OSError), socket.create_connection((address[0], int(address[2])), 1.0) as own:
            own.sendall(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
            own.recv(1)
        self.requests.clear()


@contextmanager
def served(certificate: tuple[Path, Path] | None = None) -> Iterator[Served]:
    """A running server; with (certificate file, key file) it speaks TLS."""
    app = Served()
    cert, key = certificate or (None, None)
    config = uvicorn.Config(
        app,
        log_level="critical",
        lifespan="off",
        date_header=False,
        timeout_graceful_shutdown=0,
        ssl_certfile=cert,
        ssl_keyfile=key,
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app.url = f"{'https' if certificate else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield app
        finally:
            # Of a test that fails too: a thread that goes on keeps the whole run from its end.
            server.should_exit = True
            thread.join()
