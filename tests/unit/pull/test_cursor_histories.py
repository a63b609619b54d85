"""No record is lost on the way in: random histories of a table behind a filter on a modified stamp of whole seconds.

Records tie on one stamp, are committed late, are edited and deleted between two pages; the platform's clock is minutes
off ours, and says so or not; page sizes change, watermarks are lost, pulls break off. After one quiet pull at the end
every record must be known in its newest version. ``PULLPUSH_HISTORIES`` says how many histories.
"""

import asyncio
import datetime as dt
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.audit import audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.config import Project
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.store import Store

HISTORIES = int(os.environ.get("PULLPUSH_HISTORIES", "3"))
OVERLAP = 300
FORMAT = "%Y-%m-%dT%H:%M:%S"
OFF = dict.fromkeys(("deleted", "zeroed", "changed", "price", "rows"))
STYLES = {
    "keyset": {"pages": {"style": "keyset", "after": "item.id"}, "query": {"after": "{after}"}},
    "page": {"pages": {"style": "page", "total": "header.x-total"}, "query": {"page": "{page}"}},
    "next": {"pages": {"style": "next", "next": "body.next"}, "query": {"after": "{cursor}"}, "each": "body.rows"},
}


@dataclass
class Shelf:
    """The platform: records by id, given in order of id, filtered by their stamp.

    Attributes:
        tells: whether answers carry its clock. inclusive: whether the filter gives the exact second too.
        skew: seconds its clock is ahead of ours. passed: seconds that went by, beside the real ones.
        meanwhile: what happens just before the so-many-th request of a pull is answered.
    """

    tells: bool
    inclusive: bool
    skew: int
    passed: int = 0
    rows: dict[int, dict[str, Any]] = field(default_factory=dict)
    meanwhile: dict[int, Callable[[], object]] = field(default_factory=dict)
    asked: int = 0

    @property
    def now(self) -> dt.datetime:
        return dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.skew + self.passed)

    def commit(self, *ids: int, late: int = 0) -> None:
        """New records, or new versions of old ones; ``late``: so many seconds after they got their stamp."""
        stamp = f"{self.now - dt.timedelta(seconds=late):{FORMAT}}"
        for id_ in ids:
            old = self.rows.get(id_, {"version": 0, "changed": ""})
            version = old["version"] + 1
            self.rows[id_] = {"id": id_, "sku": f"S{id_}", "version": version, "title": f"v{version}",
                              "changed": max(stamp, old["changed"])}  # fmt: skip

    def __call__(self, seen: Any) -> Response:
        self.asked += 1
        happens = self.meanwhile.pop(self.asked, None)
        if happens is not None and happens() == "fails":
            return JSONResponse({"message": "down"}, 500)
        query, size = seen.query, int(seen.query["size"])
        since, until = query.get("since", ""), query.get("until", "9")
        found = [row for _, row in sorted(self.rows.items()) if self._after(row, since) and row["changed"] < until]
        total = len(found)
        if "page" in query:
            found = found[(int(query["page"]) - 1) * size :]
        found = [row for row in found if row["id"] > int(query.get("after", 0))]
        headers = {"x-total": str(total)}
        headers |= {"date": f"{self.now:%a, %d %b %Y %H:%M:%S GMT}"} if self.tells else {}
        following = found[size - 1]["id"] if len(found) > size else None
        body = {"rows": found[:size], "next": following} if seen.path == "/next" else found[:size]
        return JSONResponse(body, headers=headers)

    def _after(self, row: dict[str, Any], since: str) -> bool:
        return row["changed"] >= since if self.inclusive else row["changed"] > since


class History:
    """A shelf, and a project that pulls it."""

    def __init__(self, tiny: Any, platform: Any, rng: random.Random, style: str, *, size: int = 3, **how: Any) -> None:
        self.tiny, self.rng, self.style, self.shelf = tiny, rng, style, Shelf(**how)
        self.steps: list[str] = []
        platform.route(self.shelf)
        self.resize(size)

    def resize(self, size: int) -> None:
        facts = STYLES[self.style]
        query = {**facts["query"], "size": "{size}", "since": "{since}", "until": "{until}"}
        since = {"format": FORMAT, "operator": "from" if self.shelf.inclusive else "after", "overlap": OVERLAP}
        pull = {"get": f"/{self.style}", **facts, "query": query, "pages": {**facts["pages"], "size": size}}
        self.project = self._project({**pull, "since": since})
        self.store = Store.of(self.project.state)

    def _project(self, pull: dict[str, Any]) -> Project:
        return self.tiny.project(pull=pull, limits={"attempts": 1})

    def pull(self, window: Window | None = None) -> None:
        self.shelf.asked = 0
        pull = self.project.pull("tiny/product")
        asyncio.run(pull_records(self.project, self.store, pull, window or Window("sync"), lambda _: None))
        self.shelf.meanwhile.clear()

    def accept(self) -> None:
        """Read what was pulled, and compare."""
        read_pulls(self.project, self.store, self.project.pull("tiny/product"), "")
        with self.store.session() as con:
            audit(con, ENTITIES["product"], "tiny", "product", "", OFF)

    def lost(self) -> dict[int, tuple[str, str | None]]:
        """id -> (newest version, the one that is known), where they differ."""
        with self.store.session() as con:
            known = dict(con.execute("SELECT sku, title FROM baseline_product WHERE NOT _deleted").fetchall())
        return {id_: (row["title"], known.get(row["sku"])) for id_, row in self.shelf.rows.items()
                if known.get(row["sku"]) != row["title"]}  # fmt: skip

    # Steps of a random history

    def _any(self, most: int) -> list[int]:
        """Some ids, old and new ones."""
        return [self.rng.randint(1, len(self.shelf.rows) + 4) for _ in range(self.rng.randint(1, most))]

    def edit(self) -> None:
        self.shelf.commit(*self._any(4))

    def tie(self) -> None:
        self.shelf.commit(*self._any(40))

    def late(self) -> None:
        ids = self.rng.choice([self._any(4), [max(self.shelf.rows, default=0) + 1]])
        self.shelf.commit(*ids, late=self.rng.choice([1, 60, OVERLAP]))

    def delete(self) -> None:
        for id_ in self.rng.sample(sorted(self.shelf.rows), min(len(self.shelf.rows), self.rng.randint(0, 2))):
            del self.shelf.rows[id_]

    def wait(self) -> None:
        if self.shelf.tells:
            self.shelf.passed += self.rng.choice([1, 60, 299, 300, 301, 5000])

    def sync(self) -> None:
        self.pull()
        if self.rng.random() < 0.6:
            self.accept()

    def busy(self) -> None:
        """A pull between whose pages others work, one thing at a time; it may take longer than the overlap."""
        for request in range(2, 9):
            self.shelf.meanwhile[request] = self.rng.choice([self.edit, self.late, self.delete, self.wait])
        self.sync()

    def breaks(self) -> None:
        self.shelf.meanwhile[self.rng.randint(1, 3)] = lambda: "fails"
        try:
            self.pull()
        except PullPushError:
            self.shelf.meanwhile.clear()

    def size(self) -> None:
        self.resize(self.rng.choice([1, 2, 3, 7, 50]))

    def reset(self) -> None:
        with self.store.session() as con:
            con.execute("DELETE FROM watermarks")

    def backfill(self) -> None:
        """Asks for the last hour again."""
        end = self.shelf.now.replace(microsecond=0)
        self.pull(Window("window", start=end - dt.timedelta(hours=1), end=end))

    def run(self, steps: int) -> None:
        actions = {self.edit: 4, self.tie: 1, self.late: 3, self.wait: 4, self.sync: 4, self.busy: 3, self.breaks: 1,
                   self.size: 1, self.reset: 1, self.backfill: 1, self.delete: 1}  # fmt: skip
        for action in self.rng.choices(list(actions), list(actions.values()), k=steps):
            self.steps.append(action.__name__)
            action()


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_after_the_last_pull_every_record_is_known_in_its_newest_version(tiny, platform, seed):
    rng = random.Random(seed)
    style, tells, skew = list(STYLES)[seed % 3], rng.random() < 0.7, rng.choice([-300, -7, 0, 7, 300])
    history = History(tiny, platform, rng, style, tells=tells, inclusive=rng.random() < 0.5, skew=skew)
    history.run(25)
    history.pull()
    history.accept()
    assert history.lost() == {}, f"seed {seed}, {style}, {skew} s, {tells=}: {' '.join(history.steps)}"


def test_a_record_that_was_edited_early_in_a_walk_longer_than_the_overlap_is_not_lost(tiny, platform):
    # given
    history = History(tiny, platform, random.Random(1), "keyset", size=2, tells=True, inclusive=True, skew=0)
    shelf = history.shelf
    shelf.commit(*range(1, 9))

    def much_later():
        shelf.passed += 2 * OVERLAP
        shelf.commit(8)

    # when: the first record is edited once its page is read, the last one when the walk has gone on for long
    shelf.meanwhile = {2: lambda: shelf.commit(1), 3: much_later}
    history.pull()
    history.pull()
    history.accept()
    # then
    assert history.lost() == {}


@pytest.mark.parametrize("style", STYLES)
def test_a_thousand_records_on_one_stamp_are_all_read_and_so_is_what_joins_them_later(tiny, platform, style):
    # given
    history = History(tiny, platform, random.Random(1), style, size=100, tells=True, inclusive=False, skew=0)
    history.shelf.commit(*range(1, 1001))
    # when: while they are read the first ones are edited, and more join them in the very same second
    stamp = history.shelf.rows[1]["changed"]
    history.shelf.meanwhile[3] = lambda: history.shelf.commit(1, 2, *range(1001, 1006))
    history.pull()
    for id_ in (1, 2, *range(1001, 1006), 1006):
        history.shelf.commit(id_)
        history.shelf.rows[id_]["changed"] = stamp
    history.pull()
    history.accept()
    # then
    assert history.lost() == {}
