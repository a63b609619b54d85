"""``/products``: list, read, create, update, delete."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from pullpush_dagster.sandbox.control import Json
from pullpush_dagster.sandbox.woocommerce.batch import Steps, batch_route
from pullpush_dagster.sandbox.woocommerce.catalog import Catalog, Item
from pullpush_dagster.sandbox.woocommerce.errors import WooError, unknown
from pullpush_dagster.sandbox.woocommerce.fields import batched, direct
from pullpush_dagster.sandbox.woocommerce.query import Query
from pullpush_dagster.sandbox.woocommerce.render import product, trimmed
from pullpush_dagster.sandbox.woocommerce.shop import ROOT, Shop, base, body, listed, written


def routes(shop: Shop) -> Sequence[Route]:
    """The resource's routes."""
    catalog = shop.catalog

    async def index(request: Request) -> Response:
        query = Query.of(request.query_params)
        return listed(request, shop, query, query.matching(candidates(catalog, query)), product)

    async def read(request: Request) -> Response:
        item = found(catalog, request, 404)
        return Json(trimmed(product(catalog, item, base(request)), Query.of(request.query_params).fields()))

    async def create(request: Request) -> Response:
        return await written(request, shop, catalog.create(direct(await body(request))), product, 201)

    async def update(request: Request) -> Response:
        values = direct(await body(request))
        return await written(request, shop, catalog.update(writable(found(catalog, request, 400)), values), product)

    async def delete(request: Request) -> Response:
        item = found(catalog, request, 404)
        shown = product(catalog, item, base(request))
        discard(catalog, item, request.query_params.get("force", "").lower() in ("true", "1"))
        return Json(shown)

    steps = Steps(
        create=lambda values: catalog.create(batched(values)),
        update=lambda number, values: catalog.update(writable(_known(catalog, number)), batched(values)),
        delete=lambda number: _gone(catalog, number),
        show=product,
    )
    return [
        batch_route(shop, f"{ROOT}/products/batch", lambda _request: steps),
        Route(f"{ROOT}/products", index, methods=["GET"]),
        Route(f"{ROOT}/products", create, methods=["POST"]),
        Route(f"{ROOT}/products/{{id:int}}", read, methods=["GET"]),
        Route(f"{ROOT}/products/{{id:int}}", update, methods=["PUT", "POST", "PATCH"]),
        Route(f"{ROOT}/products/{{id:int}}", delete, methods=["DELETE"]),
    ]


def candidates(catalog: Catalog, query: Query) -> list[Item]:
    """What the list filters run over: products without variations, but every holder of a SKU that is asked for."""
    if "sku" in query.params:
        return [item for sku in sorted(query.skus()) for item in catalog.holders("sku", sku)]
    return [item for item in catalog.items.values() if item["type"] != "variation"]


def found(catalog: Catalog, request: Request, status: int) -> Item:
    """The item of the path; a trashed one is still found.

    Raises:
        WooError: there is none, refused with the given status.
    """
    number = request.path_params["id"]
    if number not in catalog.items:
        raise unknown(status)
    return catalog.items[number]


def writable(item: Item) -> Item:
    """The item, if it may be written on the products' own routes.

    Raises:
        WooError: it is a variation.
    """
    if item["type"] == "variation":
        route = "/products/<product_id>/variations/<id>"
        reason = f"To manipulate product variations you should use the {route} endpoint."
        raise WooError("woocommerce_rest_invalid_product_id", reason, 404)
    return item


def discard(catalog: Catalog, item: Item, force: bool) -> None:
    """Deletes the item for good, or moves it to the trash.

    Raises:
        WooError: 410, it lies in the trash already.
    """
    if force:
        catalog.delete(item)
    elif item["status"] == "trash":
        raise WooError("woocommerce_rest_already_trashed", "The Product has already been deleted.", 410)
    else:
        catalog.trash(item)


def _known(catalog: Catalog, number: int) -> Item:
    if number not in catalog.items:
        raise unknown(400)
    return catalog.items[number]


def _gone(catalog: Catalog, number: int) -> Item:
    """The item that a batch deleted; in a batch that is always for good."""
    if number not in catalog.items:
        raise unknown(404)
    item = dict(catalog.items[number])
    catalog.delete(catalog.items[number])
    return item
