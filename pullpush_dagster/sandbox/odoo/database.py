"""The database: one instance of every model, and the call that JSON-2 maps to."""

import inspect
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from pullpush_dagster.sandbox.clock import Clock
from pullpush_dagster.sandbox.odoo.errors import NotFound, Unprocessable
from pullpush_dagster.sandbox.odoo.fields import stamp
from pullpush_dagster.sandbox.odoo.orm import Context, Env, Model
from pullpush_dagster.sandbox.odoo.partners import Partner
from pullpush_dagster.sandbox.odoo.products import Currency, Product, Template
from pullpush_dagster.sandbox.odoo.quantities import Stock
from pullpush_dagster.sandbox.odoo.sale_lines import SaleLine
from pullpush_dagster.sandbox.odoo.sales import Sale
from pullpush_dagster.sandbox.odoo.stock import Location, Move, Quant, Warehouse

MODELS: Sequence[type[Model]] = (Currency, Location, Warehouse)


class Database:
    """All rows of one ERP; a further model joins by being listed in ``MODELS``."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.templates, self.products = Template(self), Product(self)
        self.products.variants, self.products.barcodes = {}, Counter()
        self.quants, self.moves = Quant(self), Move(self)
        self.quants.by_place = {}
        self.partners, self.sales, self.sale_lines = Partner(self), Sale(self), SaleLine(self)
        built: list[Model] = [self.templates, self.products, self.quants, self.moves]
        built += [self.partners, self.sales, self.sale_lines]
        self.models = {model.name: model for model in [*built, *(kind(self) for kind in MODELS)]}
        self.locations, self.warehouses = self["stock.location"], self["stock.warehouse"]
        self.places: dict[str, int] = {}
        self.stock = Stock(self)

    def __getitem__(self, name: str) -> Model:
        return self.models[name]

    def stamp(self) -> str:
        """The present instant as rows carry it."""
        return stamp(self.clock.now())

    def takes_ids(self, model: str, method: str) -> bool:
        """Whether the public method works on rows. Raises NotFound: there is none."""
        return self._public(model, method)[1] == "rows"

    def call(
        self,
        model: str,
        method: str,
        ids: Sequence[int],
        context: Context,
        named: dict[str, Any],
        args: Sequence[Any] = (),
    ) -> Any:
        """What the public method answers.

        Raises:
            NotFound: no such model, or no such public method.
            Unprocessable: an argument is missing or not known, or ids were given to a method that takes none.
        """
        function, kind = self._public(model, method)
        if kind == "model" and ids:
            raise Unprocessable(f"cannot call {model}.{method} with ids")
        try:
            bound = inspect.signature(function).bind(Env(ids, context), *args, **named)
        except TypeError as error:
            raise Unprocessable(str(error)) from error
        return function(*bound.args, **bound.kwargs)

    def _public(self, model: str, method: str) -> tuple[Callable[..., Any], str]:
        if model not in self.models:
            raise NotFound(f"the model {model!r} does not exist")
        function = getattr(self.models[model], method, None)
        kind = getattr(function, "public", None)
        if function is None or kind is None:
            raise NotFound(f"The method '{model}.{method}' does not exist")
        return function, kind

    def warehouse(self, code: str) -> int:
        """The stock location of the warehouse with this code.

        Raises:
            LookupError: there is none.
        """
        for row in self.warehouses.rows.values():
            if row["code"] == code:
                return int(row["lot_stock_id"])
        raise LookupError(f"no warehouse {code!r}")
