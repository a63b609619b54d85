"""List parameters: read, checked and applied to a collection, with the paging headers."""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar, Self
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from pullpush_dagster.sandbox.woocommerce.catalog import Item
from pullpush_dagster.sandbox.woocommerce.errors import invalid
from pullpush_dagster.sandbox.woocommerce.fields import STATUSES
from pullpush_dagster.sandbox.woocommerce.render import ZONE

DATE = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d(:?\d\d)?)?")
CHOICES = {
    "orderby": ("date", "id", "include", "title", "slug", "modified"),
    "order": ("asc", "desc"),
    "status": ("any", *STATUSES, "trash"),
}
LIMITS = {"page": (1, None, "1"), "per_page": (1, 100, "10"), "offset": (0, None, "0")}


@dataclass(frozen=True)
class Query:
    """One request for a list; ``params`` are the parameters as sent, already checked."""

    choices: ClassVar[Mapping[str, Sequence[str]]] = CHOICES
    params: QueryParams
    page: int
    per_page: int
    offset: int

    @classmethod
    def of(cls, params: QueryParams) -> Self:
        """The query of a request.

        Raises:
            WooError: 400 rest_invalid_param, as for ``per_page=101`` (seen on WooCommerce 10.6).
        """
        reasons = {name: reason for name, value in params.multi_items() if (reason := cls.reason(name, value))}
        if reasons:
            raise invalid(reasons)
        page, size, offset = (int(params.get(name, default)) for name, (_, _, default) in LIMITS.items())
        return cls(params, page, size, offset or (page - 1) * size)

    def matching(self, items: Iterable[Item]) -> list[Item]:
        """The items that pass every filter, sorted; newest first unless asked otherwise."""
        tests = list(self._tests())
        found = [item for item in items if all(test(item) for test in tests)]
        found.sort(key=self._key(), reverse=self.params.get("order", "desc") == "desc")
        return found

    def cut(self, found: Sequence[Item]) -> Sequence[Item]:
        """The page asked for; past the end it is empty (seen on WooCommerce 10.6)."""
        return found[self.offset : self.offset + self.per_page]

    def headers(self, total: int, address: str) -> dict[str, str]:
        """X-WP-Total, X-WP-TotalPages and, where there are neighbours, Link."""
        pages = math.ceil(total / self.per_page)
        near = {"prev": min(self.page - 1, pages), "next": self.page + 1 if self.page < pages else 0}
        links = [f'<{self._address(address, page)}>; rel="{rel}"' for rel, page in near.items() if page > 0]
        headers = {"X-WP-Total": str(total), "X-WP-TotalPages": str(pages)}
        return {**headers, "Link": ", ".join(links)} if links else headers

    def fields(self) -> list[str]:
        """The fields to keep of each item; empty: all."""
        return [name.strip() for name in self.params.get("_fields", "").split(",") if name.strip()]

    def skus(self) -> set[str]:
        """The SKUs asked for: the parts of a comma list and the whole text, which may itself be a SKU."""
        text = self.params.get("sku", "")
        return {*text.split(","), text} - {""}

    def ids(self, name: str) -> set[int]:
        """The ids of ``include`` or ``exclude``: ``1,2`` or ``include[]=1&include[]=2``."""
        return {int(text) for text in self.texts(name) if text.isdigit()}

    def texts(self, name: str) -> list[str]:
        """The parts of a list parameter: ``a,b`` or ``name[]=a&name[]=b``."""
        values = [value for key, value in self.params.multi_items() if key.partition("[")[0] == name]
        return [text.strip() for value in values for text in value.split(",")]

    @classmethod
    def reason(cls, name: str, value: str) -> str | None:
        """Why a parameter is refused; None where it is fine or not known."""
        if name in LIMITS:
            low, high, _ = LIMITS[name]
            fits = value.isdigit() and int(value) >= low and (high is None or int(value) <= high)
            return None if fits else f"{name} must be between {low} (inclusive) and {high or 'any'} (inclusive)"
        if name in cls.choices and value not in cls.choices[name]:
            return f"{name} is not one of {', '.join(cls.choices[name])}."
        dates = ("after", "before", "modified_after", "modified_before")
        return "Invalid date." if name in dates and not DATE.fullmatch(value) else None

    def _address(self, address: str, page: int) -> str:
        others = [(name, value) for name, value in self.params.multi_items() if name != "page"]
        return f"{address}?{urlencode([*others, ('page', page)])}"

    def _tests(self) -> Iterable[Callable[[Item], bool]]:
        """One predicate per filter."""
        if included := self.ids("include"):
            yield lambda item: item["id"] in included
        if excluded := self.ids("exclude"):
            yield lambda item: item["id"] not in excluded
        yield from self.own_tests()
        yield from self._date_tests()

    def own_tests(self) -> Iterable[Callable[[Item], bool]]:
        """The filters of products; without a status filter everything but the trash passes."""
        status = self.params.get("status", "any")
        yield (lambda item: item["status"] != "trash") if status == "any" else (lambda item: item["status"] == status)
        for name in ("slug", "type"):
            if wanted := self.params.get(name):
                yield equal(name, wanted)
        if search := self.params.get("search", "").lower():
            yield lambda item: search in item["name"].lower() or search in item["description"].lower()

    def _date_tests(self) -> Iterable[Callable[[Item], bool]]:
        """Both bounds are exclusive at one second (seen on WooCommerce 10.6 and 11.0).

        A row with the very stamp asked for is not returned, so a cursor must ask from a second before its last one.
        """
        for name, column in (("after", "created"), ("before", "created")):
            for parameter, field in ((name, column), (f"modified_{name}", "modified")):
                if parameter in self.params:
                    yield self._bound(self._moment(self.params[parameter]), field, later=name == "after")

    @staticmethod
    def _bound(moment: datetime, field: str, later: bool) -> Callable[[Item], bool]:
        if later:
            return lambda item: item[field] > moment
        return lambda item: item[field] < moment

    def _moment(self, text: str) -> datetime:
        """A bound as an instant: without a zone it is the shop's time, or UTC with ``dates_are_gmt``.

        With a zone it is turned into the shop's clock reading first and then compared as if sent without one, as
        WordPress' date query reads; so a ``Z`` together with ``dates_are_gmt`` is off by the shop's own zone.
        """
        moment = datetime.fromisoformat(text.upper().replace(" ", "T"))
        reading = moment.astimezone(ZONE).replace(tzinfo=None) if moment.tzinfo else moment
        gmt = self.params.get("dates_are_gmt", "").lower() in ("1", "true", "yes")
        return reading.replace(microsecond=0, tzinfo=UTC if gmt else ZONE)

    def _key(self) -> Callable[[Item], Any]:
        order = self.params.get("orderby", "date")
        keys: Mapping[str, Callable[[Item], Any]] = {
            "date": lambda item: (item["created"], item["id"]),
            "modified": lambda item: (item["modified"], item["id"]),
            "title": lambda item: (item["name"].lower(), item["id"]),
            "slug": lambda item: item["slug"],
        }
        return keys.get(order, lambda item: item["id"])


def equal(name: str, wanted: Any) -> Callable[[Item], bool]:
    """The test that a field has the value."""
    return lambda item: bool(item[name] == wanted)
