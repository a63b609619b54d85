"""The shop's API under ``/wp-json/wc/v3``, behind its own authentication."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from pullpush_dagster.sandbox.control import Json
from pullpush_dagster.sandbox.woocommerce import orders, products, variations
from pullpush_dagster.sandbox.woocommerce.auth import Auth
from pullpush_dagster.sandbox.woocommerce.errors import WooError
from pullpush_dagster.sandbox.woocommerce.shop import Shop

RESOURCES = (products, variations, orders)


def app(shop: Shop, auth: Auth) -> ASGIApp:
    """The API for callers that ``auth`` lets pass; a further resource joins by being listed in ``RESOURCES``."""
    inner = Starlette(
        routes=[route for resource in RESOURCES for route in resource.routes(shop)],
        exception_handlers={WooError: _refused, HTTPException: _no_route},
    )

    async def api(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            auth.check(Request(scope))
        except WooError as refusal:
            await Json(refusal.body(), refusal.status)(scope, receive, send)
        else:
            await inner(scope, receive, send)

    return api


def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, WooError)  # noqa: S101
    return Json(error.body(), error.status)


def _no_route(_request: Request, _error: Exception) -> Response:
    reason = "No route was found matching the URL and request method."
    return Json(WooError("rest_no_route", reason, 404).body(), 404)
