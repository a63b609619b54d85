"""``/products/{id}/variations`` and, across all products, ``/variations`` (the latter seen on WooCommerce 10.6)."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pullpush_dagster.sandbox.control import Json
from pullpush_dagster.sandbox.woocommerce.batch import Steps, batch_route
from pullpush_dagster.sandbox.woocommerce.catalog import Catalog, Item
from pullpush_dagster.sandbox.woocommerce.errors import WooError
from pullpush_dagster.sandbox.woocommerce.fields import batched, direct
from pullpush_dagster.sandbox.woocommerce.products import discard, found
from pullpush_dagster.sandbox.woocommerce.query import Query
from pullpush_dagster.sandbox.woocommerce.render import trimmed, variation
from pullpush_dagster.sandbox.woocommerce.shop import ROOT, Shop, base, body, listed, written


def routes(shop: Shop) -> Sequence[Route]:
    """The resource's routes."""
    catalog = shop.catalog

    async def index(request: Request) -> Response:
        query = Query.of(request.query_params)
        wanted = query.skus()
        items = _of(catalog, found(catalog, request, 404)) if "id" in request.path_params else _all(catalog)
        items = [item for item in items if not wanted or item["sku"] in wanted]
        return listed(request, shop, query, query.matching(items), variation)

    async def read(request: Request) -> Response:
        item = child(catalog, request, 404)
        return Json(trimmed(variation(catalog, item, base(request)), Query.of(request.query_params).fields()))

    async def create(request: Request) -> Response:
        parent = found(catalog, request, 404)
        return await written(request, shop, catalog.create(direct(await body(request), True), parent), variation, 201)

    async def update(request: Request) -> Response:
        item = child(catalog, request, 400)
        return await written(request, shop, catalog.update(item, direct(await body(request), True)), variation)

    async def delete(request: Request) -> Response:
        item = child(catalog, request, 404)
        shown = variation(catalog, item, base(request))
        discard(catalog, item, request.query_params.get("force", "").lower() in ("true", "1"))
        return Json(shown)

    one, many = f"{ROOT}/products/{{id:int}}/variations/{{child:int}}", f"{ROOT}/products/{{id:int}}/variations"
    return [
        batch_route(shop, f"{many}/batch", lambda request: _steps(catalog, found(catalog, request, 404))),
        Route(f"{ROOT}/variations", index, methods=["GET"]),
        Route(many, index, methods=["GET"]),
        Route(many, create, methods=["POST"]),
        Route(one, read, methods=["GET"]),
        Route(one, update, methods=["PUT", "POST", "PATCH"]),
        Route(one, delete, methods=["DELETE"]),
    ]


def child(catalog: Catalog, request: Request, status: int) -> Item:
    """The variation of the path.

    Raises:
        WooError: there is none under that product, refused with the given status.
    """
    return _child(catalog, found(catalog, request, 404), request.path_params["child"], status)


def _child(catalog: Catalog, parent: Item, number: int, status: int) -> Item:
    item = catalog.items.get(number)
    if item is None or item["parent_id"] != parent["id"]:
        raise WooError("woocommerce_rest_product_variation_invalid_id", "Invalid ID.", status)
    return item


def _of(catalog: Catalog, parent: Item) -> list[Item]:
    return [catalog.items[number] for number in catalog.children.get(parent["id"], ())]


def _all(catalog: Catalog) -> list[Item]:
    return [item for item in catalog.items.values() if item["type"] == "variation"]


def _steps(catalog: Catalog, parent: Item) -> Steps:
    def delete(number: int) -> Item:
        item = _child(catalog, parent, number, 404)
        catalog.delete(item)
        return item

    return Steps(
        create=lambda values: catalog.create(batched(values, True), parent),
        update=lambda number, values: catalog.update(_child(catalog, parent, number, 400), batched(values, True)),
        delete=delete,
        show=variation,
    )
