"""Page after page of one request, by the connector's paging style."""

import math
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

from pullpush_dagster.connectors.model import Pages, PullFacts
from pullpush_dagster.connectors.template import at
from pullpush_dagster.errors import RejectError
from pullpush_dagster.transport import Answer, Client


@dataclass(frozen=True)
class Page:
    """One answer and the records in it. ``total``: how many the platform says there are in all pages."""

    number: int
    answer: Answer
    records: list[Any]
    total: int | None


async def pages(client: Client, facts: PullFacts, values: Mapping[str, Any]) -> AsyncIterator[Page]:
    """Every page, in order, until the platform has no more. Only a first page may be empty.

    A record may come twice; none that exists throughout is left out while others are edited:
    ``keyset`` and ``page`` walk an order that edits do not change.

    Raises:
        RejectError: a page has another form than the connector describes.
        RetryError, AuthError: as ``Client.ask``.
    """
    position: Any = 1 if facts.pages.style == "page" else None
    number, total = 0, None
    seen: set[Any] = set()
    before: Page | None = None
    while True:
        asked = {**values, "size": facts.pages.size, _NAME.get(facts.pages.style, "page"): position}
        page = _page(number + 1, facts, await client.ask(facts, asked))
        if page.records or not number:
            yield page
        gone = max(0, total - page.total) if total is not None and page.total is not None else 0
        if facts.pages.style == "none" or not (page.records or gone):
            return
        number += 1
        following = _next(facts.pages, page, position, gone)
        if following is None:
            return
        if facts.pages.style == "page":
            # Where there are more in all than a page ago, new ones before this page have pushed it on.
            same = before is not None and (page.records, page.total) == (before.records, before.total)
            repeated = same and bool(page.records)
        else:
            repeated = str(following) in seen
            seen.add(str(following))
        if repeated:
            raise RejectError("the platform gives the same page again and again")
        position, total, before = following, page.total, page


_KIND = {dict: "an object", type(None): "nothing"}
_NAME = {"keyset": "after", "page": "page", "next": "cursor"}


def _next(style: Pages, page: Page, position: Any, gone: int) -> Any:
    """Where the next page starts; None: this was the last. ``gone``: records fewer in all than a page ago."""
    if not page.records and style.style != "page":
        return None
    if style.style == "keyset":
        return _after(style, page)
    if style.style == "next":
        return at(page.answer.body, style.next or "body.next")
    if gone and position > 1:
        # Records were deleted meanwhile: all later ones moved up, the first of them onto pages read before.
        return max(1, position - math.ceil(gone / style.size))
    done = page.total is not None and position * style.size >= page.total
    return None if done else position + 1


def _after(style: Pages, page: Page) -> Any:
    last = at(page.records[-1], style.after or "")
    if last is None:
        raise RejectError(f"the last record of a page has no {style.after}, so the walk cannot go on")
    return last


def _page(number: int, facts: PullFacts, answer: Answer) -> Page:
    records = at(answer.body, facts.each)
    if not isinstance(records, list):
        raise RejectError(f"page {number} has no list at {facts.each}, but {_KIND.get(type(records), 'a value')}")
    return Page(number, answer, records, _total(facts.pages, answer))


def _total(style: Pages, answer: Answer) -> int | None:
    if style.total is None:
        return None
    kind, _, name = style.total.partition(".")
    found = answer.headers.get(name) if kind == "header" else at(answer.body, style.total)
    return None if found is None else number_of(found, style.total)


def number_of(found: Any, path: str) -> int:
    """A number of records as the platform says it, at ``path``. Raises RejectError: it is none."""
    try:
        return int(found)
    except (TypeError, ValueError):
        raise RejectError(f"{path} is not a number of records") from None
