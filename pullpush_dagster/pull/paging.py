"""Page after page of one request, by the connector's paging style."""

import math
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pullpush_dagster.connectors.model import Pages, PullFacts
from pullpush_dagster.connectors.template import at
from pullpush_dagster.errors import RejectError, RetryError
from pullpush_dagster.transport import Answer, Client

# A walk that gets no further by so many pages comes to nothing.
_STUCK = 1000


@dataclass(frozen=True)
class Page:
    """One answer and the records in it. ``total``: how many the platform says there are in all pages."""

    number: int
    answer: Answer
    records: list[Any]
    total: int | None


async def pages(
    client: Client,
    facts: PullFacts,
    values: Mapping[str, Any],
    known_by: Sequence[str] = (),
    *,
    sure: bool = False,
    whole: bool = False,
) -> AsyncIterator[Page]:
    """Every page, in order, until the platform has no more. Only a first page may be empty.

    A record may come twice; none that exists throughout is left out while others are edited:
    ``keyset``, ``page`` and ``offset`` walk an order that edits do not change.

    Args:
        known_by: paths of a record's ids. With them none is left out either where others vanish and no total tells so.
        sure: nor where a total hides it, as when others come in their place; each page is looked at once more for that.
        whole: whether an empty page is no end where by their total others follow it.

    Raises:
        RejectError: a page has another form than the connector describes, or the walk came to a cap, or no further.
        RetryError, AuthError: as ``Client.ask``; RetryError: an empty page that others follow.
    """
    style = facts.pages
    position: Any = style.begins
    way = _Way(style)

    async def asked(position: Any) -> Page | None:
        answer = await _asked(client, facts, values, position)
        return None if answer is None else _page(way.pages + 1, facts, answer)

    read = _Read(asked, known_by if style.begins is not None else (), sure=sure)
    while True:
        page, position = await read.joined(await asked(position), position)
        if page is None:
            return
        if page.records or not way.pages:
            yield page
        following = way.after(page, position)
        if following is None:
            if whole:
                _check_end(style, page, position)
            return
        way.check(page, position, following)
        position = following


class _Way:
    """How far a walk has come: ``pages`` so far, and whether it gets any further."""

    def __init__(self, style: Pages) -> None:
        self._style, self.pages = style, 0
        self._records, self._empty, self._widest = 0, 0, 0
        self._total: int | None = None
        self._before: Page | None = None
        self._seen = set[str]()
        self._furthest, self._behind = -1, 0

    def after(self, page: Page, position: Any) -> Any:
        """Where the page after this one starts; None: this is the last."""
        self.pages += 1
        self._records += len(page.records)
        self._empty = 0 if page.records else self._empty + 1
        self._widest = max(self._widest, len(page.records))
        total, self._total = self._total, page.total
        gone = 0 if total is None or page.total is None else max(0, total - page.total)
        return _next(self._style, page, position, gone, min(self._style.size, self._widest))

    def check(self, page: Page, position: Any, following: Any) -> None:
        """Raises RejectError: it gets no further, or came to the platform's cap."""
        style = self._style
        if self._empty > _STUCK:
            raise RejectError(f"the platform gives {self._empty} pages one after another without a record")
        if style.cap is not None and style.style != "keyset" and self._records >= style.cap:
            raise RejectError(f"the platform gives at most {style.cap} records of one question, and there are more")
        if style.begins is not None:
            self._check_back(position)
        if _repeated(page, self._before) if style.begins is not None else str(following) in self._seen:
            raise RejectError("the platform gives the same page again and again")
        self._seen.add(str(following))
        self._before = page

    def _check_back(self, position: int) -> None:
        """Raises RejectError: again and again it goes back, as without an order, or by a total that is a guess."""
        self._behind = self._behind + 1 if position <= self._furthest else 0
        self._furthest = max(self._furthest, position)
        if self._behind > _STUCK:
            said = "the pages before a page, or the total they tell, are others each time"
            raise RejectError(f"{said}, so the walk cannot go on")


class _Read:
    """What of a walk by numbers has been read, where no total tells that records vanish, or not well enough.

    Then later ones move up, from pages to come onto pages read before. So a page joins on to those only where it
    begins with a record that was read, or where the page before it, asked for once more, still ends with one.
    """

    def __init__(self, asked: Callable[[Any], Awaitable[Page | None]], known_by: Sequence[str], *, sure: bool) -> None:
        self._asked, self._known_by, self._sure = asked, known_by, sure
        self._positions, self._ids = list[Any](), set[str]()

    async def joined(self, page: Page | None, position: Any) -> tuple[Page | None, Any]:
        """``page`` and its position, or the earlier page that what moved up is on, to go on from there."""
        if not self._known_by or (page is not None and page.total is not None and not self._sure):
            return page, position
        while self._positions and not self._knows(page, 0):
            earlier = self._positions.pop()
            again = await self._asked(earlier)
            if self._knows(again, -1):
                self._positions.append(earlier)
                break
            page, position = again, earlier
        self._positions.append(position)
        self._ids.update(self._id(record) for record in (page.records if page else ()))
        return page, position

    def _knows(self, page: Page | None, place: int) -> bool:
        return page is not None and bool(page.records) and self._id(page.records[place]) in self._ids

    def _id(self, record: Any) -> str:
        return str([at(record, path) for path in self._known_by])


_KIND = {dict: "an object", type(None): "nothing"}
_NAME = {"keyset": "after", "offset": "offset", "next": "cursor"}
_LINK = re.compile(r'<([^>]*)>[^,]*;\s*rel="?next"?\s*(?:[,;]|$)', re.IGNORECASE)


async def _asked(client: Client, facts: PullFacts, values: Mapping[str, Any], position: Any) -> Answer | None:
    """The answer; None: the platform says that there is no such page."""
    style = facts.pages
    link = position if style.style == "link" else None
    name = {} if style.style == "link" else {_NAME.get(style.style, "page"): position}
    try:
        return await client.ask(facts, {**values, "size": style.size, **name}, link=link)
    except RejectError as error:
        if error.code in style.past or any(said in str(error) for said in style.past):
            return None
        raise


def _repeated(page: Page, before: Page | None) -> bool:
    """Whether it is the page before once more. Where there are more in all, new ones have pushed that one on."""
    return bool(page.records) and before is not None and (page.records, page.total) == (before.records, before.total)


def _next(style: Pages, page: Page, position: Any, gone: int, size: int) -> Any:
    """Where the next page starts; None: this was the last.

    Args:
        gone: records fewer in all than a page ago. size: how many the platform gives on a page.
    """
    if style.more is not None and at(page.answer.body, style.more) in (False, None, "false"):
        return None
    if style.style in ("next", "link"):
        following = _linked(style, page) or None
        # A filter may leave a page empty that others follow; one that only names itself again is the end.
        return following if page.records or following != position else None
    if style.style == "none" or not (page.records or gone):
        if style.more is not None and style.style != "none":
            raise RetryError(f"page {page.number} is empty, and says that there is more, but not where")
        return None
    return _after(style, page) if style.style == "keyset" else _counted(style, page, position, gone, size)


def _counted(style: Pages, page: Page, position: int, gone: int, size: int) -> int | None:
    first = style.begins or 0
    if gone and position > first:
        # Records were deleted meanwhile: all later ones moved up, the first of them onto pages read before.
        back = gone if style.style == "offset" else math.ceil(gone / size)
        return max(first, position - back)
    # A page may hold fewer than were asked for, where the platform has a lower limit of its own.
    read = position - first + len(page.records) if style.style == "offset" else (position - first + 1) * size
    done = page.total is not None and read >= page.total
    return None if done else position + (len(page.records) if style.style == "offset" else 1)


def _check_end(style: Pages, page: Page, position: Any) -> None:
    """Raises RetryError: the page is empty, though by their total others follow it. Some of a page may be hidden."""
    if style.begins is None or page.records or page.total is None:
        return
    before = position - style.begins
    if (before + style.size if style.style == "offset" else (before + 1) * style.size) < page.total:
        raise RetryError(f"page {page.number} is empty, and the platform has {page.total} records: it gave not all")


def _linked(style: Pages, page: Page) -> Any:
    kind, _, name = (style.next or "body.next").partition(".")
    if kind != "header":
        return at(page.answer.body, style.next or "body.next")
    found = _LINK.search(page.answer.headers.get(name, ""))
    return found[1] if found else None


def _after(style: Pages, page: Page) -> Any:
    last = at(page.records[-1], style.after or "")
    if last is None:
        raise RejectError(f"the last record of a page has no {style.after}, so the walk cannot go on")
    return last


def _page(number: int, facts: PullFacts, answer: Answer) -> Page:
    records = at(answer.body, facts.each)
    if records is None and facts.may_lack:
        records = []
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
