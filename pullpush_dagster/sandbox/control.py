"""The control routes of a stand-in: commands, counts and state, for callers on this machine only."""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pullpush_dagster.sandbox.faults import Faults

Command = Callable[[dict[str, Any]], Any]
LOOPBACK = ("127.0.0.1", "::1")


class Json(Response):
    """JSON as both platforms send it: UTF-8, no spaces."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def controlled(
    platform: Faults, commands: Mapping[str, Command], state: Callable[[], Any], about: Callable[[], Any]
) -> ASGIApp:
    """The whole server: ``/_control/...`` beside the platform, never touched by faults or platform auth.

    ``POST /_control/<command>`` runs a command on its JSON object; ``GET /_control/state``, ``/_control/about`` and
    ``/_control/stats`` read; ``DELETE /_control/stats`` starts the counts again. From anywhere but loopback: 403. A
    command that does not fit what is there: 400 with the reason.
    """
    control = _control(platform, {**commands, "faults": platform.set}, {"state": state, "about": about})

    async def server(scope: Scope, receive: Receive, send: Send) -> None:
        app = control if scope["path"].startswith("/_control/") else platform
        await app(scope, receive, send)

    return server


def _control(platform: Faults, commands: Mapping[str, Command], readings: Mapping[str, Callable[[], Any]]) -> Starlette:
    async def read(request: Request) -> Response:
        return _local(request) or Json(readings[request.url.path.rpartition("/")[2]]())

    async def stats(request: Request) -> Response:
        if refused := _local(request):
            return refused
        if request.method == "DELETE":
            platform.requests.clear()
            platform.injected.clear()
        faults = {kind: times for kind, times in platform.injected.items() if times}
        return Json({"requests": platform.requests, "total": platform.requests.total(), "faults": faults})

    async def command(request: Request) -> Response:
        return _local(request) or await _run(commands, request)

    return Starlette(
        routes=[
            *(Route(f"/_control/{name}", read, methods=["GET"]) for name in readings),
            Route("/_control/stats", stats, methods=["GET", "DELETE"]),
            Route("/_control/{command}", command, methods=["POST"]),
        ]
    )


def _local(request: Request) -> Response | None:
    """A refusal for callers from other machines; None for those on this one."""
    local = request.client is not None and request.client.host in LOOPBACK
    return None if local else Json({"error": "control routes work from loopback only"}, 403)


async def _run(commands: Mapping[str, Command], request: Request) -> Response:
    name = request.path_params["command"]
    if name not in commands:
        return Json({"error": f"no command {name!r}", "commands": sorted(commands)}, 404)
    try:
        return Json(commands[name](orjson.loads(await request.body() or b"{}")))
    except (LookupError, TypeError, ValueError) as error:
        return Json({"error": f"{type(error).__name__}: {error}"}, 400)
