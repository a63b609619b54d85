"""One pull, whole or not at all: its pages, its own row and its watermark come into the store together."""

import asyncio
import datetime as dt
import os
import signal
import subprocess
import sys

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.errors import AuthError, ConfigError, HaltError, RateLimitError, RejectError
from pullpush_dagster.pull import Window, pull_records, raw, read_pulls
from pullpush_dagster.pull.keeping import keep, watermarks
from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.store import Store
from pullpush_dagster.store.schema import next_number
from pullpush_dagster.transport import Answer
from tests.unit.pull.conftest import raw_pages

SYNC = Window("sync")
OCTOBER = Window("window", start=dt.datetime(2026, 10, 1, tzinfo=dt.UTC), end=dt.datetime(2026, 10, 2, tzinfo=dt.UTC))
FIRST = JSONResponse([{"id": 1, "changed": "2026-11-01T10:00:00"}, {"id": 2, "changed": "2026-11-01T10:00:00"}])

PULL = """
import asyncio, sys
from pathlib import Path
from pullpush_dagster.config import Project
from pullpush_dagster.pull import Window, pull_records, raw, read_pulls
from pullpush_dagster.store import Store
root = Path(sys.argv[1])
project = Project(root, root / "data")
asyncio.run(pull_records(project, Store.of(project.state), project.pull("tiny/product"), Window("sync"), print))
"""


@pytest.fixture
def project(tiny):
    return tiny.project()


@pytest.fixture
def store(project):
    return Store.of(project.state)


@pytest.fixture
def pull(project, store):
    """Pulls one window of tiny's products."""

    def run(window=SYNC):
        return asyncio.run(pull_records(project, store, project.pull("tiny/product"), window, lambda _: None))

    return run


def kept(store, what="count(*)", table="pulls"):
    with store.session() as con:
        return con.execute(f"SELECT {what} FROM {table} ORDER BY ALL").fetchall()


def left_in(store):
    """Files of pulls under way."""
    return list(store.staging.glob("*"))


def test_a_pull_is_kept_raw(pull, store, table):
    table.add(1, 2, 3)
    done = pull()
    assert kept(store, "pull, connection, name, kind, pages, records") == [(1, "tiny", "product", "sync", 2, 3)]
    assert [(one["pull"], one["walk"], one["page"], one["body"][:2]) for one in raw_pages(store)] == [
        (1, "all", 1, "[{"), (1, "all", 2, "[{"),
    ]  # fmt: skip
    assert (done.pull, done.asked.records) == (1, 3)
    assert left_in(store) == []


def test_a_text_that_was_cut_in_an_emoji_does_not_stop_its_source(project, pull, store, platform):
    page = rb'[{"id":1,"sku":"A","title":"cut \ud83d","changed":"2026-11-01T10:00:00"}]'
    platform.answer(Response(page, media_type="application/json"), JSONResponse([]))
    pull(Window("full"))
    read_pulls(project, store, project.pull("tiny/product"), "")
    assert kept(store, "sku, title", "canonical_product") == [("A", "cut \ufffd")]


def test_an_empty_pull_is_kept_with_what_was_asked(pull, store, table):
    pull()
    assert kept(store, "records, requests") == [(0, '["all: no time filter"]')]


def test_a_sync_goes_on_where_the_last_one_ended(pull, store, table):
    table.add(1, changed="2026-11-01T10:00:00")
    pull()
    assert kept(store, "walk, watermark, pull", "watermarks") == [
        ("all", dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC), 1)
    ]
    pull()
    assert table.asked[-1]["since"] == "2026-11-01T09:55:00"
    assert kept(store, table="watermarks") == [(1,)]


@pytest.mark.parametrize("window", [OCTOBER, Window("full")])
def test_other_pulls_move_no_watermark(pull, store, table, window):
    table.add(1, changed="2026-10-01T10:00:00")
    pull(window)
    assert kept(store) == [(1,)]
    assert kept(store, table="watermarks") == [(0,)]


def test_a_window_leaves_a_watermark_where_it_is(pull, store, table):
    table.add(1, changed="2026-11-01T10:00:00")
    pull()
    pull(OCTOBER)
    assert kept(store, "watermark, pull", "watermarks") == [(dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC), 1)]


def test_a_slower_sync_that_ends_last_does_not_move_the_watermark_back(project, pull, store, table):
    table.add(1, changed="2026-11-01T10:00:00")
    slow = pull().asked
    table.add(2, changed="2026-11-01T11:00:00")
    pull()
    with Spool(store.staging) as spool:
        keep(project, store, project.pull("tiny/product"), SYNC, slow, spool)
    with store.session() as con:
        assert watermarks(con, project.pull("tiny/product")) == {"all": dt.datetime(2026, 11, 1, 11, tzinfo=dt.UTC)}


# Interrupted.


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (JSONResponse({}, 401), AuthError),
        (JSONResponse({}, 404), RejectError),
        (JSONResponse({"message": "maintenance"}), RejectError),
        (Response("", 429, headers={"retry-after": "0"}), RateLimitError),
        (FIRST, RejectError),
    ],
    ids=["401", "404", "no list", "429 for ever", "the same page again"],
)
def test_a_pull_that_breaks_off_stores_nothing_at_all(pull, store, platform, broken, error):
    platform.answer(FIRST, broken)
    with pytest.raises(error):
        pull()
    assert [kept(store, table=name) for name in ("pulls", "watermarks")] == [[(0,)]] * 2
    assert raw_pages(store) == []
    assert left_in(store) == []


def test_a_pull_that_breaks_off_leaves_the_last_watermark(pull, store, platform, table):
    table.add(1, changed="2026-11-01T10:00:00")
    pull()
    platform.answer(JSONResponse([{"id": 3, "changed": "2026-11-01T11:00:00"}]), JSONResponse({}, 404))
    with pytest.raises(RejectError):
        pull()
    assert kept(store, "watermark", "watermarks") == [(dt.datetime(2026, 11, 1, 10, tzinfo=dt.UTC),)]


def test_a_pull_whose_secret_is_not_set_leaves_no_file(pull, store, monkeypatch):
    monkeypatch.delenv("TINY_KEY")
    with pytest.raises(ConfigError, match="TINY_KEY"):
        pull()
    assert left_in(store) == []


def test_a_cancelled_pull_stores_nothing_and_leaves_no_file(project, store, platform):
    async def silent(scope, receive, send):
        await asyncio.sleep(1)

    platform.answer(FIRST, silent)

    async def cancelled():
        await asyncio.wait_for(
            pull_records(project, store, project.pull("tiny/product"), SYNC, lambda _: None), timeout=0.3
        )

    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())
    assert kept(store) == [(0,)]
    assert left_in(store) == []


def test_a_pull_killed_with_kill_9_stores_nothing_and_the_next_one_reads_all(tiny, pull, store, platform, table):
    async def silent(scope, receive, send):
        await asyncio.sleep(5)

    platform.answer(FIRST, silent)
    with subprocess.Popen([sys.executable, "-uc", PULL, str(tiny.root)], stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        os.kill(process.pid, signal.SIGKILL)
    assert [kept(store, table=name) for name in ("pulls", "watermarks")] == [[(0,)]] * 2
    assert raw_pages(store) == []
    platform.route(table.reply_to)
    table.add(1, 2, 3)
    assert pull().asked.records == 3


def test_the_store_is_free_while_the_platform_is_asked(project, pull, store, platform):
    def answer(_):
        with Store(store.path, wait=0.5).session() as con:
            con.execute("SELECT 1")
        return JSONResponse([])

    platform.route(answer)
    assert pull().pull == 1


# Raw pages are kept for a week.


def test_old_raw_pages_go_once_they_were_read_but_never_the_newest(pull, store, table):
    table.add(1)
    for _ in range(3):
        pull(Window("full"))
    with store.session() as con:
        con.execute("UPDATE pulls SET finishedAt = finishedAt - INTERVAL 8 DAY")
        con.execute("UPDATE pulls SET mappedAt = now() WHERE pull <> 2")
    pull(Window("full"))
    assert [one["pull"] for one in raw_pages(store)] == [2, 3, 4]
    pull(Window("full"))
    assert [one["pull"] for one in raw_pages(store)] == [2, 4, 5]


def test_the_newest_raw_pages_stay_however_old(pull, store, table):
    table.add(1)
    pull(Window("full", scope=""))
    with store.session() as con:
        con.execute("UPDATE pulls SET finishedAt = finishedAt - INTERVAL 8 DAY, mappedAt = now(), scope = 'other'")
    pull()
    assert [one["pull"] for one in raw_pages(store)] == [1, 2]


def test_pages_of_a_pull_that_the_store_does_not_know_go(pull, store, table):
    # Given pages of a pull that was killed before it was stored, and a stranger's file
    table.add(1)
    pull()
    for name in ("7.parquet", "copy of 1.parquet"):
        (store.raw / name).write_bytes((store.raw / "1.parquet").read_bytes())
    # When the next pull is stored
    pull()
    # Then only those of the two are there
    assert sorted(file.name for file in store.raw.iterdir()) == ["1.parquet", "2.parquet"]


def test_pages_of_a_pull_that_could_not_be_stored_give_way_to_the_next_ones(project, pull, store, table):
    # Given a pull that put its pages in their place, and then failed
    table.add(1)
    with Spool(store.staging) as spool:
        spool.write("all", 1, Answer(200, {}, b"[]", dt.datetime.now(dt.UTC), None))
        spool.finish()
        with store.session() as con:
            raw.put(store, next_number(con, "pull"), spool)
            con.rollback()
            con.begin()
    # When the next pull is stored
    done = pull()
    # Then it has that number, and its own pages
    assert [(one["pull"], one["body"][:2]) for one in raw_pages(store)] == [(done.pull, "[{")]


# Pages in other places.


@pytest.fixture
def read(project, store):
    """Reads what is not read yet: (pull's rows, ...)."""
    return lambda: [one.rows for one in read_pulls(project, store, project.pull("tiny/product"), "")]


def test_what_a_later_pull_says_nothing_of_is_audited_before_that_is_read(pull, store, read, table):
    table.add(1, 2)
    pull()
    read()
    del table.rows[1]["title"]
    pull()
    read()
    assert kept(store, "state", "audits") == [("accepted",)]
    assert kept(store, "sku, title", "baseline_product") == [("S1", "t"), ("S2", "t")]


def test_pages_that_a_version_before_kept_in_the_store_are_read(pull, store, read, table):
    # Given a pull whose pages are in the store's table
    table.add(1, 2)
    pull()
    pages = raw.pages(store, 1)
    with store.session() as con:
        con.register("pages", pages)
        con.execute("INSERT INTO raw_pages BY NAME SELECT 1 AS pull, * FROM pages")
    (store.raw / "1.parquet").unlink()
    # When it is read
    # Then its records are rows; and in a week those pages go as well
    assert read() == [2]
    with store.session() as con:
        con.execute("UPDATE pulls SET finishedAt = finishedAt - INTERVAL 8 DAY")
    pull()
    pull()
    assert kept(store, table="raw_pages") == [(0,)]


def test_a_pull_whose_pages_are_gone_is_told_of_until_a_full_one_takes_its_place(pull, store, read, table):
    # Given a store that was restored without its raw pages, one of whose pulls was not read yet
    table.add(1)
    pull()
    (store.raw / "1.parquet").unlink()
    # When it is to be read, alone or with what came by the stamp since
    # Then a person is told, and nothing is taken for nothing
    table.add(2, changed="2026-11-01T12:00:00")
    pull()
    with pytest.raises(HaltError, match=r"pages of pull 1 are no longer in .*; a full pull takes its place"):
        read()
    # When a full pull has come
    pull(Window("full"))
    # Then it goes on
    assert read() == [2, 2]
    assert kept(store, "pull, rows", "pulls") == [(1, 0), (2, 2), (3, 2)]


def test_a_full_pull_that_began_before_takes_no_pulls_place(pull, store, read, table):
    table.add(1)
    pull()
    read()
    table.add(3)
    lost = pull()
    (store.raw / f"{lost.pull}.parquet").unlink()
    # when: what the full pull saw is of an hour before
    table.delete(3)
    full = pull(Window("full"))
    with store.session() as con:
        con.execute("UPDATE pulls SET startedAt = startedAt - INTERVAL 1 HOUR WHERE pull = ?", [full.pull])
    # then
    with pytest.raises(HaltError, match="no longer"):
        read()


# Pages in another form.

OLD = {"id": 1, "sku": "A", "title": "old", "changed": "2026-11-01T10:00:00"}


def reformed(tiny, platform):
    """One unread sync pull in the form of before; the platform and its connector have another one by now.

    Gives the project by the new one.
    """
    old = tiny.project(pull={"pages": {"style": "none"}})
    platform.answer(JSONResponse([OLD]))
    asyncio.run(pull_records(old, Store.of(old.state), old.pull("tiny/product"), SYNC, lambda _: None))
    platform.answer(JSONResponse({"items": [{**OLD, "title": "new"}]}))
    return tiny.project(pull={"each": "body.items", "pages": {"style": "none"}})


def pulled_and_read(project, window):
    store, pull = Store.of(project.state), project.pull("tiny/product")
    asyncio.run(pull_records(project, store, pull, window, lambda _: None))
    read_pulls(project, store, pull, "")


def test_a_pull_that_no_map_can_read_does_not_stop_a_full_one_after_it(tiny, platform):
    project = reformed(tiny, platform)
    pulled_and_read(project, Window("full"))
    assert kept(Store.of(project.state), "title", "canonical_product") == [("new",)]
    assert kept(Store.of(project.state), "pull, rows", "pulls") == [(1, 0), (2, 1)]


def test_a_pull_that_no_map_can_read_is_told_of_where_none_after_it_gives_all_of_it(tiny, platform):
    project = reformed(tiny, platform)
    with pytest.raises(RejectError, match="no list of records"):
        pulled_and_read(project, SYNC)
    assert kept(Store.of(project.state), "pull, rows", "pulls") == [(1, None), (2, None)]


def test_a_full_pull_that_cannot_be_read_either_makes_up_for_none(tiny, platform):
    project = reformed(tiny, platform)
    platform.answer(JSONResponse({"items": [OLD]}))
    asyncio.run(
        pull_records(project, Store.of(project.state), project.pull("tiny/product"), Window("full"), lambda _: None)
    )
    other = tiny.project(pull={"each": "body.others", "pages": {"style": "none"}})
    with pytest.raises(RejectError, match="no list of records"):
        read_pulls(other, Store.of(other.state), other.pull("tiny/product"), "")
    assert kept(Store.of(project.state), "pull, rows", "pulls") == [(1, None), (2, None)]
