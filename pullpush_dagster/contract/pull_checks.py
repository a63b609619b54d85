"""What must be so of every pull, whatever the platform."""

import asyncio
import copy
import datetime as dt
from typing import Any

from pullpush_dagster.connectors.model import PullFacts
from pullpush_dagster.connectors.template import at
from pullpush_dagster.contract.account import Account, put
from pullpush_dagster.contract.acting import Heard, Reply
from pullpush_dagster.contract.pulling import Part, asked_for, paged, replies, sample_of, window_of
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.pull import pull_records
from pullpush_dagster.pull.keeping import watermarks
from pullpush_dagster.store import Store

_BROKEN = Reply({}, status=400)
_TIED = 3


def unstored_problems(account: Account, entity: str) -> list[str]:
    """What a pull keeps though its last page never came; and what it does not keep when all came."""
    account = paged(account, entity)
    store = Store(account.state / entity / "store.duckdb")
    answers = replies(sample_of(account, entity))
    found = []
    broken = [*answers[:-1], _BROKEN]
    if _kept(account, store, entity, broken) is None:
        found.append("a pull whose last page failed did not fail")
    if _stored(account, store, entity) != (0, {}):
        found.append("a pull whose last page failed left something behind")
    error = _kept(account, store, entity, answers)
    if error is not None:
        return [*found, f"a pull that was answered failed: {error}"]
    pulls, marks = _stored(account, store, entity)
    walks = account.tested.pull(entity).walks
    if not pulls or (any(at(answer.body, account.tested.pull(entity).each) for answer in answers) and not marks):
        found.append("a pull that was answered left nothing behind")
    if any(mark > dt.datetime.now(dt.UTC) for mark in marks.values()) or not marks.keys() <= walks.keys():
        found.append(f"watermarks are {marks}")
    if _kept(account, store, entity, [_BROKEN]) is None or _stored(account, store, entity) != (pulls, marks):
        found.append("a pull that failed moved something")
    return found


def _kept(account: Account, store: Store, entity: str, answers: list[Reply]) -> PullPushError | None:
    """What ended a sync run's pull; None: it is in the store."""
    pull = account.pull_of(entity)
    window = window_of("sync", pull.partitions.values[0] if pull.partitions else "")
    account.platform.play(Part(account, entity, answers))
    try:
        asyncio.run(pull_records(account, store, pull, window, lambda _: None))
    except PullPushError as error:
        return error
    return None


def _stored(account: Account, store: Store, entity: str) -> tuple[int, dict[str, dt.datetime]]:
    """Of how many pulls there are pages, and the watermarks."""
    with store.session() as con:
        return len(list(store.raw.glob("*"))), watermarks(con, account.pull_of(entity))


def unfiltered_problems(account: Account, entity: str) -> list[str]:
    """What a pull of a part asks for that a full one does, too."""
    whole, *parts = (asked_for(account, entity, kind=kind)[1].pages[0] for kind in ("full", "sync", "window"))
    said = zip(("from a watermark on", "of a window"), parts, strict=True)
    same = [
        kind for kind, one in said if (one.path, one.query, one.content) == (whole.path, whole.query, whole.content)
    ]
    return [f"a pull {kind} asks for what a full one does" for kind in same]


def is_tied(facts: PullFacts) -> bool:
    """Whether the walk goes on after the last record's own id, so that records of one stamp may fill any pages."""
    return facts.pages.style == "keyset" and facts.since is not None


def tie_problems(account: Account, entity: str) -> list[str]:
    """What goes wrong with more records of one stamp than fit on three pages."""
    facts = account.tested.pull(entity)
    answers, after = _tied(facts, account.tested.ask_of(entity).ids[0], sample_of(account, entity).answers)
    asked, part = asked_for(account, entity, answers, "sync")
    found = []
    if asked.records != sum(len(one) for one in after):
        found.append(f"{asked.records} of {sum(len(one) for one in after)} records of one stamp were read")
    one_walk = part.pages[: len(answers)]
    for number, (heard, before) in enumerate(zip(one_walk[1:], after, strict=False), start=2):
        if before and not _says(heard, before[-1]):
            found.append(f"page {number} is not asked for after {before[-1]}, the last record of the page before")
    return found


def _says(heard: Heard, value: str) -> bool:
    said = [*(one for values in heard.query.values() for one in values), heard.path, heard.content.decode()]
    return any(value in one for one in said)


def _tied(facts: PullFacts, id_path: str, bodies: list[Any]) -> tuple[list[Reply], list[list[str]]]:
    """Three pages of records that are alike but for their ids, and the end of the walk; each page's ids."""
    first = next(body for body in bodies if at(body, facts.each))
    record = at(first, facts.each)[0]
    paths = {facts.pages.after or "", id_path}
    pages, ids = [], list[list[str]]()
    more = [*[copy.deepcopy(first) for _ in range(_TIED - 1)], copy.deepcopy(bodies[-1])]
    for number, body in enumerate(more):
        rows = [_alike(record, paths, 2 * number + place) for place in range(2)]
        ids.append([str(at(row, facts.pages.after or "")) for row in rows])
        pages.append(_with(body, facts.each, rows))
    if facts.pages.more is None:
        pages.append(_with(copy.deepcopy(bodies[-1]), facts.each, []))
    return [Reply(body) for body in pages], ids


def _alike(record: Any, paths: set[str], place: int) -> Any:
    """``record`` with other ids, later in the order."""
    whole = {"item": copy.deepcopy(record)}
    for path in paths:
        id_ = at(record, path)
        other = f"{int(id_) + place:0{len(str(id_))}d}" if str(id_).isdigit() else f"{id_}{place}"
        put(whole, f"root.{path}", type(id_)(other))
    return whole["item"]


def _with(body: Any, each: str, rows: list[Any]) -> Any:
    whole = {"body": body}
    put(whole, f"root.{each}", rows)
    return whole["body"]
