"""One stand-in as a process: builds the platform, binds, announces its port, ends with its parent."""

import asyncio
import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from pullpush_dagster.sandbox.clock import Clock
from pullpush_dagster.sandbox.control import Command, controlled
from pullpush_dagster.sandbox.faults import Faults
from pullpush_dagster.sandbox.ticking import Tick, Ticking

LEAST_SKUS = 20


@dataclass(frozen=True)
class Settings:
    """What a platform is built from: row count, seed, the instant its past ends (UTC), the secrets it accepts.

    ``name`` tells several stand-ins of one platform apart; empty is the platform's usual one.
    """

    skus: int
    seed: int
    now: datetime
    secrets: Mapping[str, str]
    name: str = ""


@dataclass(frozen=True)
class Platform:
    """What a platform brings: its API, the clock its stamps come from, its own commands and its state as JSON.

    ``pattern`` turns a request path into the name it is counted under, ``counts`` tells how many rows there are of
    each kind, and ``tick`` does so many edits drawn from a seed.
    """

    name: str
    settings: Settings
    app: ASGIApp
    clock: Clock
    commands: Mapping[str, Command]
    state: Callable[[], Any]
    pattern: Callable[[str], str]
    counts: Callable[[], Mapping[str, int]]
    tick: Tick

    def server(self, anew: Command) -> ASGIApp:
        """The ASGI app to serve: API, faults and control routes. ``anew`` takes the order to begin again."""
        faults, ticking = Faults(self.app, self.pattern), Ticking(self.tick, self.settings.seed)

        def reset(order: dict[str, Any]) -> Any:
            ticking.steer({"every": 0})
            return anew(order)

        own = {"clock": self.clock.steer, "ticking": ticking.steer, "reset": reset}
        return controlled(faults, {**own, **self.commands}, self.state, lambda: self._about(faults, ticking))

    def _about(self, faults: Faults, ticking: Ticking) -> dict[str, Any]:
        return {
            "platform": self.name,
            "name": self.settings.name or self.name,
            "skus": self.settings.skus,
            "seed": self.settings.seed,
            "now": self.clock.now().isoformat(),
            "ticking": ticking.about(),
            "faults": faults.in_force(),
            "counts": dict(self.counts()),
        }


@dataclass(frozen=True)
class Binding:
    """Where to listen; port 0 takes a free one, a certificate switches to TLS, ``parent`` is a pid to end with."""

    host: str = "127.0.0.1"
    port: int = 0
    certfile: Path | None = None
    keyfile: Path | None = None
    parent: int | None = None


class Served:
    """A platform that can begin again, with other rows, under the same address and secrets."""

    def __init__(self, build: Callable[[Settings], Platform], settings: Settings) -> None:
        self._build, self._settings = build, settings
        self._app = build(settings).server(self._anew)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)

    def _anew(self, order: dict[str, Any]) -> dict[str, Any]:
        """Begin again as ``{"skus": rows, "seed": number}`` say; what is left out stays, and the past ends now.

        Raises:
            ValueError: there is no world of that size.
        """
        skus, seed = int(order.get("skus", self._settings.skus)), int(order.get("seed", self._settings.seed))
        if skus < LEAST_SKUS:
            raise ValueError(f"a world has {LEAST_SKUS} or more products in its ERP")
        now = datetime.now(UTC).replace(microsecond=0)
        settings = replace(self._settings, skus=skus, seed=seed, now=now)
        self._app, self._settings = self._build(settings).server(self._anew), settings
        return {"skus": skus, "seed": seed, "now": now.isoformat()}


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, binding: Binding) -> None:
        super().__init__(config)
        self.binding = binding

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Announces the bound port on stdout, as one JSON line, once requests are taken."""
        await super().startup(sockets)
        if sockets:
            print(orjson.dumps({"port": sockets[0].getsockname()[1]}).decode(), flush=True)
        if self.binding.parent is not None:
            self._watch = asyncio.ensure_future(self._end_with(self.binding.parent))

    async def _end_with(self, parent: int) -> None:
        while os.getppid() == parent:
            await asyncio.sleep(0.2)
        self.should_exit = True


def serve(served: Served, binding: Binding) -> None:
    """Serves until told to stop (SIGTERM, Ctrl-C) or the parent is gone."""
    config = uvicorn.Config(
        served,
        log_level="critical",
        access_log=False,
        lifespan="off",
        proxy_headers=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
        ssl_certfile=binding.certfile,
        ssl_keyfile=binding.keyfile,
    )
    with socket.create_server((binding.host, binding.port), backlog=256) as listener:
        _Announcing(config, binding).run([listener])
