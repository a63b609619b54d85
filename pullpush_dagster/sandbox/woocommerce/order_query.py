"""List parameters of ``/orders``, where they differ from those of products."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import ClassVar

from pullpush_dagster.sandbox.woocommerce.catalog import Item
from pullpush_dagster.sandbox.woocommerce.order_fields import STATUSES
from pullpush_dagster.sandbox.woocommerce.query import Query, equal


class OrderQuery(Query):
    """One request for a list of orders."""

    choices: ClassVar[Mapping[str, Sequence[str]]] = {
        "orderby": ("date", "id", "include", "modified"),
        "order": ("asc", "desc"),
    }

    @classmethod
    def reason(cls, name: str, value: str) -> str | None:
        """Why a parameter is refused; ``status`` takes a list, as in WooCommerce's orders controller of v3."""
        if name.partition("[")[0] == "status":
            allowed = ("any", "trash", *STATUSES)
            wrong = [part for part in value.split(",") if part.strip() not in allowed]
            return f"{name}[0] is not one of {', '.join(allowed)}." if wrong else None
        if name == "customer":
            return None if value.isdigit() else f"{name} is not of type integer."
        return super().reason(name, value)

    def own_tests(self) -> Iterable[Callable[[Item], bool]]:
        """By status and customer; ``any`` among the statuses stands for all of them but the trash."""
        statuses = set(self.texts("status")) or {"any"}
        yield (
            (lambda item: item["status"] != "trash") if "any" in statuses else (lambda item: item["status"] in statuses)
        )
        if customer := self.params.get("customer"):
            yield equal("customer_id", int(customer))
