"""``/batch`` routes: up to 100 items in one request, each with an outcome of its own inside a 200."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pullpush_dagster.sandbox.control import Json
from pullpush_dagster.sandbox.faults import PAUSE
from pullpush_dagster.sandbox.woocommerce.catalog import Item
from pullpush_dagster.sandbox.woocommerce.errors import WooError
from pullpush_dagster.sandbox.woocommerce.fields import Values
from pullpush_dagster.sandbox.woocommerce.shop import Shop, Show, base, body

LIMIT = 100


@dataclass(frozen=True)
class Steps:
    """What a batch does to one item of the resource."""

    create: Callable[[Values], Item]
    update: Callable[[int, Values], Item]
    delete: Callable[[int], Item]
    show: Show


def batch_route(shop: Shop, path: str, steps: Callable[[Request], Steps]) -> Route:
    """The batch route of a resource.

    Creates, updates and deletes run in the order given, so of an id that stands twice the last one wins; a refused
    item is ``{"id", "error"}`` in its place and stops nothing. Over 100 items: 413 and nothing is applied (all seen
    on WooCommerce 10.6).
    """

    async def batch(request: Request) -> Response:
        order = await body(request)
        if sum(len(order.get(verb) or ()) for verb in ("create", "update", "delete")) > LIMIT:
            reason = f"Unable to accept more than {LIMIT} items for this request."
            raise WooError("woocommerce_rest_request_entity_too_large", reason, 413)
        outcome = _run(shop, steps(request), order, base(request))
        await asyncio.sleep(request.scope.get(PAUSE, 0))
        return Json(outcome)

    return Route(path, batch, methods=["POST", "PUT", "PATCH"])


def _run(shop: Shop, steps: Steps, order: dict[str, Any], address: str) -> dict[str, Any]:
    def tried(number: int, step: Callable[[], Item]) -> dict[str, Any]:
        try:
            return steps.show(shop.catalog, step(), address)
        except WooError as refusal:
            return {"id": number, "error": refusal.body()}

    outcome: dict[str, Any] = {}
    if order.get("create"):
        outcome["create"] = [tried(0, partial(steps.create, values)) for values in order["create"]]
    if order.get("update"):
        updates = [(_number(values.get("id")), values) for values in order["update"]]
        outcome["update"] = [tried(number, partial(steps.update, number, values)) for number, values in updates]
    if order.get("delete"):
        numbers = [_number(number) for number in order["delete"]]
        outcome["delete"] = [tried(number, partial(steps.delete, number)) for number in numbers]
    return outcome


def _number(value: Any) -> int:
    """An id as the shop casts it; what is no number is 0, which no item has."""
    return int(value) if str(value).isdigit() else 0
