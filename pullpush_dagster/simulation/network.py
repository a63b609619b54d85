"""What lies between the engine and the ledgers, and all that goes wrong there."""

import asyncio
import datetime as dt
import random
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

import httpx
import orjson

from pullpush_dagster.simulation.ledger import TOKEN, Ledger, Refused, items_of
from pullpush_dagster.simulation.running import Points
from pullpush_dagster.simulation.traits import Written

# Kinds of faults, by whether the ledger does what it is asked: not, all the same, or later.
REFUSED = ("unreachable", "dropped before", "500 before", "503 before", "timeout before", "429", "html")
DONE = ("dropped after", "500 after", "timeout after", "truncated", "cut short")
LISTED = ("half page", "stale")
WRITTEN = ("late", "twice", "one item fails")
_IMPOSSIBLE = {("half page", "count"), ("half page", "find"), ("stale", "count")}
_LATEST = 60.0
_TOLERANCE = 1.0  # a header says whole seconds
_STALEST = 60.0


@dataclass
class Network:
    """Carries requests to ledgers by host; with some ``rates`` (name of a ledger -> 0 to 1) something happens to one.

    Attributes:
        told: gets a line for each request. faults: how often each kind happened.
        slow: seconds that a request, and an answer, are on their way at most; so they overtake each other.
        early: requests that began before a Retry-After that had been read was over.
    """

    ledgers: dict[str, Ledger]
    points: Points
    told: Callable[[str], None]
    loop: asyncio.AbstractEventLoop
    rng: random.Random = field(default_factory=random.Random)
    rates: Mapping[str, float] = field(default_factory=dict)
    slow: float = 0.3
    faults: Counter[str] = field(default_factory=Counter)
    early: list[str] = field(default_factory=list)
    _closed: dict[str, float] = field(default_factory=dict)
    _read: dict[str, float] = field(default_factory=dict)
    _waiting: list[asyncio.TimerHandle] = field(default_factory=list)

    def transport(self, _connections: int) -> httpx.AsyncBaseTransport:
        """One client's way into it."""
        return _Wire(self)

    async def carry(self, request: httpx.Request) -> httpx.Response:
        """The answer to one request, or what went wrong with it."""
        ledger, kind = self.ledgers[request.url.host], _kind(request)
        self.points.reach(f"{kind} request, not sent")
        if self.loop.time() < self._read.get(request.url.host, 0.0) - _TOLERANCE:
            self.early.append(f"{self.loop.time():.2f}: {ledger.name} is asked, and had said to wait")
        await asyncio.sleep(self.rng.uniform(0.01, self.slow))
        fault = self._fault(kind, ledger)
        self.told(f"{ledger.name}: {kind}{_named(request)}{f' -> {fault}' if fault else ''}")
        answer = await self._answered(request, ledger, fault)
        await asyncio.sleep(self.rng.uniform(0.01, self.slow))
        self.points.reach(f"{kind} request, answered")
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            self._read[request.url.host] = self._closed[request.url.host]
        return answer

    def _fault(self, kind: str, ledger: Ledger) -> str:
        if self.loop.time() < self._closed.get(ledger.name, 0.0):
            return "429"
        if self.rng.random() >= self.rates.get(ledger.name, 0.0):
            return ""
        own, share = (WRITTEN, 0.5) if kind in ledger.traits.written.ways else (LISTED, 0.15)
        kinds = own if self.rng.random() < share else REFUSED + DONE
        possible = [one for one in kinds if _possible(one, kind, ledger.traits.written)]
        fault = self.rng.choice(possible or REFUSED)
        self.faults[fault] += 1
        return fault

    async def _answered(self, request: httpx.Request, ledger: Ledger, fault: str) -> httpx.Response:
        if fault == "unreachable":
            raise httpx.ConnectError("unreachable")
        if fault == "dropped before":
            raise httpx.ReadError("dropped")
        if fault in ("timeout before", "late"):
            if fault == "late":
                self._later(request, ledger)
            await asyncio.sleep(1000)
        if fault in ("500 before", "503 before"):
            return _response(int(fault[:3]), {}, b"<html></html>")
        if fault == "429":
            return self._throttled(ledger)
        if fault == "html":
            return _response(200, {}, b"<html>we will be back</html>")
        try:
            said = self._done(request, ledger, fault)
            if fault == "twice":
                self._done(request, ledger, fault)
        except Refused as refusal:
            return _response(refusal.status, {}, orjson.dumps(refusal.answer))
        if fault == "timeout after":
            await asyncio.sleep(1000)
        return _told(fault, said, ledger, self.rng)

    def _done(self, request: httpx.Request, ledger: Ledger, fault: str) -> Any:
        if _kind(request) in ledger.bans:
            status = ledger.bans[_kind(request)]
            self.faults[str(status)] += 1
            raise Refused(status, {"error": "not you"})
        if request.method == "GET":
            stale = self.rng.uniform(0, _STALEST) if fault == "stale" else 0.0
            return ledger.asked(request.url.path, dict(request.url.params), stale)
        body = orjson.loads(request.content)
        self.faults += Counter("unwanted" for item in items_of(body) if ledger.minds(item))
        unlucky = self.rng.randrange(len(items_of(body))) if fault == "one item fails" else None
        return ledger.write(_kind(request), body, request.headers.get(TOKEN, ""), unlucky)

    def _later(self, request: httpx.Request, ledger: Ledger) -> None:
        """The ledger does it all the same, before the time is over in which it may."""
        wait = self.rng.uniform(1, min(_LATEST, ledger.traits.written.settle * 2 / 3))
        self._waiting.append(self.loop.call_later(wait, self._unasked, request, ledger))

    def _unasked(self, request: httpx.Request, ledger: Ledger) -> None:
        with suppress(Refused):
            self._done(request, ledger, "")

    def _throttled(self, ledger: Ledger) -> httpx.Response:
        now, host = self.loop.time(), ledger.name
        seconds = max(1, round(self._closed.get(host, 0.0) - now))
        if self._closed.get(host, 0.0) <= now:
            seconds = self.rng.randint(1, 20)
            self._closed[host] = now + seconds
        when = seconds if self.rng.random() < 0.5 else _date(ledger, seconds)
        return _response(429, {"Retry-After": str(when), "Date": _date(ledger)}, b"{}")


def _possible(fault: str, kind: str, written: Written) -> bool:
    """Whether a fault can befall a request. One that makes a record for good is not doubled: nobody can tell."""
    way = written.ways.get(kind)
    if fault == "one item fails":
        return way is not None and way.tells
    if fault == "twice" and kind == "create":
        return written.unique or bool(way and way.keyed)
    return (fault, kind) not in _IMPOSSIBLE


def _told(fault: str, said: Any, ledger: Ledger, rng: random.Random) -> httpx.Response:
    """The answer ``said``, as the fault lets it through."""
    if fault == "dropped after":
        raise httpx.RemoteProtocolError("dropped")
    if fault == "500 after":
        return _response(500, {}, b"<html></html>")
    if fault == "half page" and len(said["records"]) > 1:
        said["records"] = said["records"][: rng.randrange(1, len(said["records"]))]
    content, headers = orjson.dumps(said), {"Date": _date(ledger)}
    if fault == "truncated":
        return httpx.Response(200, headers=headers, stream=_Broken(content[: len(content) // 2]))
    return _response(200, headers, content[: len(content) // 2] if fault == "cut short" else content)


def _response(status: int, headers: dict[str, str], content: bytes) -> httpx.Response:
    return httpx.Response(status, headers=headers, content=content)


def _date(ledger: Ledger, later: float = 0.0) -> str:
    return format_datetime(ledger.now() + dt.timedelta(seconds=later), usegmt=True)


def _kind(request: httpx.Request) -> str:
    return {"/records": "list"}.get(request.url.path, request.url.path[1:])


def _named(request: httpx.Request) -> str:
    """What a request is about, for the story."""
    if request.method == "GET":
        return "".join(f" {name}={value}" for name, value in sorted(request.url.params.items()) if name != "size")
    items = items_of(orjson.loads(request.content))
    return " " + "; ".join(",".join(f"{n}={item[n]}" for n in sorted(item)) for item in items)


class _Wire(httpx.AsyncBaseTransport):
    def __init__(self, network: Network) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._network.carry(request)


class _Broken(httpx.AsyncByteStream):
    """A body that ends before it is over."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content
        raise httpx.RemoteProtocolError("the body ended early")
