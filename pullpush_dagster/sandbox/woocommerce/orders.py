"""``/orders``: list, read, create, update, delete, and the batch."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pullpush_dagster.sandbox.control import Json
from pullpush_dagster.sandbox.woocommerce.batch import Steps, batch_route
from pullpush_dagster.sandbox.woocommerce.catalog import Item
from pullpush_dagster.sandbox.woocommerce.errors import WooError
from pullpush_dagster.sandbox.woocommerce.order_fields import checked
from pullpush_dagster.sandbox.woocommerce.order_query import OrderQuery
from pullpush_dagster.sandbox.woocommerce.order_render import order
from pullpush_dagster.sandbox.woocommerce.orderbook import Orders
from pullpush_dagster.sandbox.woocommerce.render import trimmed
from pullpush_dagster.sandbox.woocommerce.shop import ROOT, Shop, base, body, listed, written


def routes(shop: Shop) -> Sequence[Route]:
    """The resource's routes."""
    orders = shop.orders

    async def index(request: Request) -> Response:
        query = OrderQuery.of(request.query_params)
        return listed(request, shop, query, query.matching(orders.items.values()), order)

    async def read(request: Request) -> Response:
        item = found(orders, request.path_params["id"], 404)
        fields = OrderQuery.of(request.query_params).fields()
        return Json(trimmed(order(shop.catalog, item, base(request)), fields))

    async def create(request: Request) -> Response:
        return await written(request, shop, orders.create(checked(await body(request))), order, 201)

    async def update(request: Request) -> Response:
        values = checked(await body(request))
        return await written(request, shop, orders.update(found(orders, request.path_params["id"], 400), values), order)

    async def delete(request: Request) -> Response:
        item = found(orders, request.path_params["id"], 404)
        shown = order(shop.catalog, item, base(request))
        _discard(orders, item, request.query_params.get("force", "").lower() in ("true", "1"))
        return Json(shown)

    steps = Steps(
        create=lambda values: orders.create(checked(values)),
        update=lambda number, values: orders.update(found(orders, number, 400), checked(values)),
        delete=lambda number: _gone(orders, number),
        show=order,
    )
    return [
        batch_route(shop, f"{ROOT}/orders/batch", lambda _request: steps),
        Route(f"{ROOT}/orders", index, methods=["GET"]),
        Route(f"{ROOT}/orders", create, methods=["POST"]),
        Route(f"{ROOT}/orders/{{id:int}}", read, methods=["GET"]),
        Route(f"{ROOT}/orders/{{id:int}}", update, methods=["PUT", "POST", "PATCH"]),
        Route(f"{ROOT}/orders/{{id:int}}", delete, methods=["DELETE"]),
    ]


def found(orders: Orders, number: int, status: int) -> Item:
    """The order of this id; a trashed one is still found.

    Raises:
        WooError: there is none, refused with the given status: 404 when reading or deleting, 400 when updating.
    """
    if number not in orders.items:
        raise WooError("woocommerce_rest_shop_order_invalid_id", "Invalid ID.", status)
    return orders.items[number]


def _discard(orders: Orders, item: Item, force: bool) -> None:
    if force:
        orders.delete(item)
    elif item["status"] == "trash":
        raise WooError("woocommerce_rest_already_trashed", "The shop_order has already been deleted.", 410)
    else:
        orders.trash(item)


def _gone(orders: Orders, number: int) -> Item:
    """The order that a batch deleted; in a batch that is always for good."""
    item = found(orders, number, 404)
    orders.delete(item)
    return item
