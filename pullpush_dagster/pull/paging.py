"""Page after page of one request, by the connector's paging style."""

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
    while True:
        asked = {**values, "size": facts.pages.size, _NAME.get(facts.pages.style, "page"): position}
        page = _page(number + 1, facts, await client.ask(facts, asked))
        if page.records or not number:
            yield page
        if not page.records or facts.pages.style == "none":
            return
        number += 1
        following = _next(facts.pages, page, position, shrank=total is not None and (page.total or 0) < total)
        if following is None:
            return
        if following == position:
            raise RejectError("the platform gives the same page again and again")
        position, total = following, page.total


_NAME = {"keyset": "after", "page": "page", "next": "cursor"}


def _next(style: Pages, page: Page, position: Any, *, shrank: bool) -> Any:
    """Where the next page starts; None: this was the last."""
    if style.style == "keyset":
        return _after(style, page)
    if style.style == "next":
        return at(page.answer.body, style.next or "body.next")
    if shrank and position > 1:
        # A record was deleted meanwhile: all later ones moved up by one, some onto the page just read.
        return position - 1
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
        raise RejectError(f"page {number} has no list at {facts.each}, but {type(records).__name__}")
    return Page(number, answer, records, _total(facts.pages, answer))


def _total(style: Pages, answer: Answer) -> int | None:
    if style.total is None:
        return None
    kind, _, name = style.total.partition(".")
    found = answer.headers.get(name) if kind == "header" else at(answer.body, style.total)
    return int(found) if found is not None else None
