"""Over HTTP: JSON-2 (``POST /json/2/<model>/<method>``) as seen on Odoo 19.0, November 2026, and JSON-RPC."""

import asyncio
import hmac
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pullpush_dagster.sandbox.control import Json
from pullpush_dagster.sandbox.faults import PAUSE
from pullpush_dagster.sandbox.odoo.database import Database
from pullpush_dagster.sandbox.odoo.errors import Unauthorized, Unprocessable, described
from pullpush_dagster.sandbox.odoo.jsonrpc import answered


def app(database: Database, key: str) -> Starlette:
    """The ERP's API for callers that send ``Authorization: bearer <key>``, or the key in a JSON-RPC message."""

    async def call(request: Request) -> Response:
        try:
            _authorize(request, key)
            result = _call(database, request, await request.body())
        except Exception as error:  # noqa: BLE001 - whatever a call raises is an answer, as on the real server
            status, body = described(error)
            return Json(body, status)
        await asyncio.sleep(request.scope.get(PAUSE, 0))
        return Json(result)

    async def message(request: Request) -> Response:
        answer = answered(database, key, orjson.loads(await request.body()))
        await asyncio.sleep(request.scope.get(PAUSE, 0))
        return Json(answer)

    json2 = Route("/json/2/{model}/{method}", call, methods=["POST"])
    return Starlette(routes=[json2, Route("/jsonrpc", message, methods=["POST"])])


def _authorize(request: Request, key: str) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), key.encode()):
        raise Unauthorized("Invalid apikey")


def _call(database: Database, request: Request, body: bytes) -> Any:
    named = orjson.loads(body or b"{}")
    if not isinstance(named, dict):
        raise Unprocessable("the body is not a JSON object")
    ids, context = named.pop("ids", ()), named.pop("context", {})
    return database.call(request.path_params["model"], request.path_params["method"], ids, context or {}, named)
