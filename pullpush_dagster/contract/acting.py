"""The server that plays a platform."""

import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import uvicorn
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True)
class Heard:
    """One request as it arrived.

    Attributes:
        purpose: what the engine asked it for: a look-up's name, ``write``, ``none`` where it does not say.
        origin: scheme and host that it was for. path: percent-encoded, from the root. query: name -> its values.
    """

    purpose: str
    method: str
    origin: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The parsed JSON body; None: there is none."""
        return orjson.loads(self.content) if self.content and self.form is None else None

    @property
    def form(self) -> dict[str, str] | None:
        """The form-encoded body; None: it has none."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return None
        return {name: values[-1] for name, values in parse_qs(self.content.decode(), keep_blank_values=True).items()}


@dataclass(frozen=True)
class Reply:
    """What it answers: ``body`` as JSON, or ``text``. ``dropped``: the connection breaks in the middle of it."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None
    dropped: bool = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.dropped:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
            return
        content = b"" if self.body is None else orjson.dumps(self.body, default=str)
        headers = {"content-type": "application/json" if self.text is None else "text/html", **self.headers}
        content = content if self.text is None else self.text.encode()
        await Response(content, self.status, headers)(scope, receive, send)


class Platform:
    """A platform that answers as it is told.

    Attributes:
        url: where it listens. heard: the requests since it was last told what to play.
    """

    def __init__(self) -> None:
        self.url, self.heard = "", list[Heard]()
        self._answer: Callable[[Heard], Reply] = lambda _: Reply(status=404)

    def play(self, answer: Callable[[Heard], Reply]) -> None:
        """Let ``answer`` say what each request is answered; nothing is heard yet."""
        self.heard, self._answer = [], answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        _, purpose, scheme, host, path = scope["raw_path"].decode().split("/", 4)
        query = parse_qs(request.url.query, keep_blank_values=True)
        content = await request.body()
        heard = Heard(purpose, request.method, f"{scheme}://{host}", f"/{path}", query, request.headers, content)
        self.heard.append(heard)
        await self._answer(heard)(scope, receive, send)


@contextmanager
def playing() -> Iterator[Platform]:
    """A running server on a free port of 127.0.0.1."""
    platform = Platform()
    config = uvicorn.Config(
        platform, log_level="critical", lifespan="off", date_header=False, timeout_graceful_shutdown=0
    )
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        platform.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield platform
        finally:
            server.should_exit = True
            thread.join()


def origin_of(url: str) -> str:
    """Scheme and host of ``url``."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
