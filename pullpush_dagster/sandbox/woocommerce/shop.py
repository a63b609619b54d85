"""What every resource of the shop shares: its state, its address and how it answers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from pullpush_dagster.sandbox.control import Json
from pullpush_dagster.sandbox.faults import PAUSE
from pullpush_dagster.sandbox.woocommerce.catalog import Catalog, Item
from pullpush_dagster.sandbox.woocommerce.errors import WooError
from pullpush_dagster.sandbox.woocommerce.orderbook import Orders
from pullpush_dagster.sandbox.woocommerce.query import Query
from pullpush_dagster.sandbox.woocommerce.render import trimmed

ROOT = "/wp-json/wc/v3"
Show = Callable[[Catalog, Item, str], dict[str, Any]]


@dataclass(frozen=True)
class Shop:
    """The shop's state; ``shared`` are the SKUs that it holds of the ERP's."""

    catalog: Catalog
    orders: Orders
    name: str
    shared: frozenset[str]


def base(request: Request) -> str:
    """The API's address as the caller wrote it."""
    return f"{request.url.scheme}://{request.url.netloc}{ROOT}"


async def body(request: Request) -> dict[str, Any]:
    """The request's JSON object; an empty body is an empty object.

    Raises:
        WooError: 400, not JSON or not an object.
    """
    try:
        parsed = orjson.loads(await request.body() or b"{}")
    except orjson.JSONDecodeError as error:
        raise WooError("rest_invalid_json", "Invalid JSON body passed.") from error
    if not isinstance(parsed, dict):
        raise WooError("rest_invalid_json", "Invalid JSON body passed.")
    return parsed


def listed(request: Request, shop: Shop, query: Query, found: list[Item], show: Show) -> Response:
    """One page of a list, with its paging headers."""
    fields, address = query.fields(), base(request)
    page = [trimmed(show(shop.catalog, item, address), fields) for item in query.cut(found)]
    return Json(page, headers=query.headers(len(found), f"{address}{request.url.path.removeprefix(ROOT)}"))


async def written(request: Request, shop: Shop, item: Item, show: Show, status: int = 200) -> Response:
    """The item after a write, read only now: another writer may have been here since the commit.

    So a reply may echo another writer's value, as one of 8 parallel ones did (seen on WooCommerce 10.6).
    """
    await asyncio.sleep(request.scope.get(PAUSE, 0))
    shown = show(shop.catalog, item, base(request))
    headers = {"Location": shown["_links"]["self"][0]["href"]} if status == 201 else {}
    return Json(trimmed(shown, Query.of(request.query_params).fields()), status, headers)
