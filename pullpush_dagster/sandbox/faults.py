"""Faults on command: what goes wrong between a platform and its caller, drawn from a seed."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAUSE = "sandbox.pause"
KINDS = ("error_before", "error_after", "close_after", "truncate", "cut_json")


@dataclass(frozen=True)
class Rules:
    """What may go wrong; all zero: nothing does.

    The five rates are shares of matching requests and exclude each other (their sum is at most 1):
    ``error_before`` answers ``status`` and applies nothing, ``error_after`` applies and then answers ``status``,
    ``close_after`` applies and drops the connection, ``truncate`` sends half the declared Content-Length,
    ``cut_json`` sends a well-framed half of the body. ``throttle_requests`` and ``throttle_seconds`` answer 429 with
    ``retry_after`` (seconds). ``path`` (prefix) and ``method`` narrow all of it; ``count`` ends it after k requests.
    """

    error_before: float = 0.0
    error_after: float = 0.0
    close_after: float = 0.0
    truncate: float = 0.0
    cut_json: float = 0.0
    status: int = 500
    latency_ms: float = 0.0
    jitter_ms: float = 0.0
    throttle_requests: int = 0
    throttle_seconds: float = 0.0
    retry_after: int = 1
    path: str = ""
    method: str = ""
    count: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        if sum(getattr(self, kind) for kind in KINDS) > 1 + 1e-9:
            raise ValueError("the rates exclude each other, so their sum is at most 1")


@dataclass(frozen=True)
class Answer:
    """One complete response."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Faults:
    """The platform behind its faults; counts every request that arrives, harmed or not."""

    def __init__(self, app: ASGIApp, pattern: Callable[[str], str]) -> None:
        self.app = app
        self.pattern = pattern
        self.requests: Counter[str] = Counter()
        self.injected: Counter[str] = Counter()
        self.set({})

    def set(self, order: dict[str, Any]) -> dict[str, Any]:
        """The rules now in force; an empty order switches all faults off.

        Raises:
            TypeError: a name that is no rule.
            ValueError: rates whose sum is over 1.
        """
        self.rules = Rules(**order)
        self._random = random.Random(self.rules.seed)
        self._left = self.rules.count
        self._throttled_until = time.monotonic() + self.rules.throttle_seconds
        return asdict(self.rules)

    def in_force(self) -> dict[str, Any]:
        """The rules that differ from none at all."""
        return {name: value for name, value in asdict(self.rules).items() if value != getattr(Rules(), name)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests[f"{scope['method']} {self.pattern(scope['path'])}"] += 1
        if self.rules == Rules() or not self._applies(scope):
            await self.app(scope, receive, send)
            return
        kind, wait = self._draw()
        self.injected[kind] += bool(kind)
        end = time.monotonic() + wait
        # Half the wait lies before the platform looks at the request, half between its commit and its answer, so
        # that parallel writers overtake each other and may echo one another's value, as on the real servers.
        scope[PAUSE] = wait / 2
        await asyncio.sleep(wait / 2)
        answer = self._refusal(kind) or await _record(self.app, scope, receive)
        await asyncio.sleep(max(0.0, end - time.monotonic()))
        await self._deliver(kind, answer, send)

    def _applies(self, scope: Scope) -> bool:
        matches = scope["path"].startswith(self.rules.path) and self.rules.method in ("", scope["method"])
        if not matches or self._left == 0:
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def _draw(self) -> tuple[str, float]:
        """The kind of fault for one request ("" is none) and how long the request takes, in seconds."""
        wait = (self.rules.latency_ms + self._random.random() * self.rules.jitter_ms) / 1000
        point = self._random.random()
        if self.rules.throttle_requests:
            self.rules = replace(self.rules, throttle_requests=self.rules.throttle_requests - 1)
            return "throttle", wait
        if time.monotonic() < self._throttled_until:
            return "throttle", wait
        for kind in KINDS:
            point -= getattr(self.rules, kind)
            if point < 0:
                return kind, wait
        return "", wait

    def _refusal(self, kind: str) -> Answer | None:
        """The answer that keeps a request from the platform; None lets it through."""
        if kind == "error_before":
            return _page(self.rules.status)
        if kind == "throttle":
            return _page(429, (b"retry-after", str(self.rules.retry_after).encode()))
        return None

    async def _deliver(self, kind: str, answer: Answer, send: Send) -> None:
        if kind == "close_after":
            await _drop(send)
        elif kind == "truncate":
            await send(_start(answer, len(answer.body)))
            await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
            await _drop(send)
        else:
            answer = _page(self.rules.status) if kind == "error_after" else answer
            body = answer.body[: len(answer.body) // 2] if kind == "cut_json" else answer.body
            await send(_start(answer, len(body)))
            await send({"type": "http.response.body", "body": body})


def _page(status: int, *headers: tuple[bytes, bytes]) -> Answer:
    """An error as a proxy in front of the platform words it: HTML, none of the platform's own error fields."""
    body = f"<html><body><h1>{status}</h1></body></html>".encode()
    return Answer(status, [(b"content-type", b"text/html"), *headers], body)


def _start(answer: Answer, length: int) -> Message:
    kept = [(name, value) for name, value in answer.headers if name.lower() != b"content-length"]
    headers = [*kept, (b"content-length", str(length).encode())]
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def _record(app: ASGIApp, scope: Scope, receive: Receive) -> Answer:
    """What the platform answers, held back."""
    messages: list[Message] = []

    async def keep(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, keep)
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return Answer(messages[0]["status"], list(messages[0]["headers"]), body)


async def _drop(send: Send) -> None:
    """Closes the connection as a killed worker would. ASGI has no word for it, so this reaches for uvicorn's own."""
    send.__self__.transport.close()  # type: ignore[attr-defined]
    await asyncio.sleep(0.01)
