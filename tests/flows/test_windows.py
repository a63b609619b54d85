"""Windows: a sync walks on from the watermark, a backfill asks for just its days again and moves nothing."""

import asyncio
import datetime as dt
import json
import time

import pytest

from pullpush_dagster.audit import audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.config import Project
from pullpush_dagster.demo.orders import compare_orders
from pullpush_dagster.orchestration.partitions import windows_of
from pullpush_dagster.orchestration.schedules import sync_tags
from pullpush_dagster.pull import Window, pull_records, raw, read_pulls
from pullpush_dagster.pull.keeping import keep
from pullpush_dagster.pull.pulling import ask_platform
from pullpush_dagster.pull.spool import Spool
from tests.conftest import FIRST_DAY, at_length

DAY = dt.timedelta(days=1)
ORDER = "shop/order"
FIRST, LAST = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


def today():
    """The day as it is now: a suite may be loaded before midnight and get here after it."""
    return dt.datetime.now(dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.fixture(autouse=True)
def one_day():
    """Just before midnight a test waits for the next day, so that ``today`` is one day to all of it."""
    left = today() + DAY - dt.datetime.now(dt.UTC)
    if left < dt.timedelta(seconds=30):
        time.sleep(left.total_seconds())


def _silent(_):
    return


@pytest.fixture
def past(desk):
    """Sells at a moment that is over: changed last at that instant."""

    def sell(when, **values):
        ref = desk.sell(**values)
        desk.edit(ref, date_created_gmt=when.isoformat(), date_modified_gmt=when.isoformat())
        return ref

    return sell


def _backfill(world, keys, one_by_one=False):
    """What a backfill of day partitions does: asks for each stretch of days, then reads, then compares."""
    pull = world.project.pull(ORDER)
    runs = [[key] for key in keys] if one_by_one else [keys]
    for run in runs:
        for window in windows_of(pull, run, filtered=True, sync=False):
            asyncio.run(pull_records(world.project, world.store, pull, window, _silent))
        _compare(world)


def _compare(world):
    read_pulls(world.project, world.store, world.project.pull(ORDER), "")
    with world.store.session() as con:
        return audit(con, ENTITIES["order"], "shop", "order", "", {})


def _keys(first, days):
    return [f"{first + n * DAY:%Y-%m-%d}" for n in range(days)]


def _asked(world):
    """Filters of every pull, oldest first."""
    rows = world.rows("SELECT requests FROM pulls WHERE connection = 'shop' AND name = 'order' ORDER BY pull")
    return [json.loads(requests) for (requests,) in rows]


def _watermarks(world):
    return world.rows("SELECT * FROM watermarks ORDER BY ALL")


def _given(world):
    """Numbers of the orders that the newest pull gave."""
    ((newest,),) = world.rows("SELECT max(pull) FROM pulls")
    bodies = raw.pages(world.store, newest)["body"].to_pylist()
    return sorted(order["id"] for body in bodies for order in json.loads(body))


def _number(ref):
    return int(ref.partition(":")[2])


def _partitions(world):
    return dict(world.rows("SELECT 'shop:' || orderId, _partition FROM canonical_order"))


# A sync walks on.


def test_the_first_walk_has_no_lower_bound(desk):
    desk.world.pull(ORDER)
    assert _asked(desk.world) == [["all: no time filter"]]


def test_a_walk_goes_on_from_the_watermark_less_the_overlap(desk, past):
    past(today() - DAY + dt.timedelta(hours=13))
    desk.world.pull(ORDER)
    desk.world.pull(ORDER)
    # five minutes, and the second that the shop leaves out
    assert _asked(desk.world)[1] == [f"all: since {today() - DAY:%Y-%m-%d}T12:54:59"]


def test_an_order_changed_in_the_very_second_of_the_watermark_is_not_lost(desk):
    desk.world.shop.control("clock", freeze=True)
    first = desk.sell()
    desk.sync()
    second = desk.sell()
    desk.sync()
    assert desk.sales().keys() == {first, second}


def test_an_order_that_is_seen_again_in_the_overlap_is_not_sent_again(desk):
    desk.sell()
    desk.sync()
    receipts = desk.world.rows("SELECT count(*) FROM receipts")
    desk.sync()
    assert desk.world.rows("SELECT records FROM pulls ORDER BY pull") == [(1,), (1,)]
    assert desk.world.rows("SELECT count(*) FROM receipts") == receipts


def test_the_run_after_midnight_covers_yesterday_too(desk, past):
    # given: the last run before midnight
    early = past(today() - dt.timedelta(minutes=10))
    desk.sync()
    # when: the first one after it
    late, new = past(today() - dt.timedelta(seconds=1)), past(today())
    tags = sync_tags(desk.world.project, [desk.world.project.pull(ORDER)])
    desk.sync()
    # then
    assert (tags[FIRST], tags[LAST]) == (f"{today() - DAY:%Y-%m-%d}", f"{today():%Y-%m-%d}")
    days = {early: today() - DAY, late: today() - DAY, new: today()}
    assert _partitions(desk.world) == {ref: f"{day:%Y-%m-%d}" for ref, day in days.items()}
    assert desk.sales().keys() == days.keys()


def test_the_watermark_is_never_past_what_the_shop_gave(desk, past):
    when = today() - DAY + dt.timedelta(hours=3)
    past(when)
    desk.world.pull(ORDER)
    desk.world.pull(ORDER)
    assert desk.world.rows("SELECT watermark FROM watermarks WHERE connection = 'shop'") == [(when,)]


# A backfill asks for its days.


def test_a_backfill_asks_for_just_its_days(desk, past):
    # given: orders on both edges of two days, and just beyond them
    start, end = today() - 3 * DAY, today() - DAY
    second = dt.timedelta(seconds=1)
    inside = [past(when) for when in (start, start + DAY, end - second)]
    for when in (start - second, end, today()):
        past(when)
    # when
    _backfill(desk.world, _keys(start, 2))
    # then
    assert _given(desk.world) == [_number(ref) for ref in inside]
    stored = desk.world.rows("SELECT kind, windowStart, windowEnd FROM pulls")
    assert stored == [("window", start, end)]


def test_days_that_do_not_touch_are_asked_for_apart(desk, past):
    days = [today() - n * DAY for n in (9, 8, 3)]
    past(today() - 6 * DAY)
    _backfill(desk.world, [f"{day:%Y-%m-%d}" for day in days])
    stored = desk.world.rows("SELECT windowStart, windowEnd, records FROM pulls ORDER BY pull")
    assert stored == [(days[0], days[1] + DAY, 0), (days[2], days[2] + DAY, 0)]


def test_a_backfill_of_the_first_day_asks_for_the_older_records_that_lie_in_it(desk, past):
    # given
    first = dt.datetime.fromisoformat(FIRST_DAY).replace(tzinfo=dt.UTC)
    older, on_it = past(first - 9 * DAY), past(first)
    past(first + DAY)
    desk.sync()
    # when
    _backfill(desk.world, _keys(first, 1))
    # then
    held = "SELECT orderId FROM canonical_order WHERE _partition = ? ORDER BY 1"
    assert desk.world.rows(held, FIRST_DAY) == sorted((str(_number(ref)),) for ref in (older, on_it))
    assert desk.world.rows("SELECT windowStart, windowEnd FROM pulls WHERE kind = 'window'") == [(None, first + DAY)]


def test_a_backfill_never_moves_the_watermark(desk, past):
    past(today() - 3 * DAY)
    desk.world.pull(ORDER)
    before = _watermarks(desk.world)
    past(today() - 2 * DAY)
    past(today())
    _backfill(desk.world, _keys(today() - 3 * DAY, 4))
    assert _watermarks(desk.world) == before != []


def test_a_backfill_before_the_first_sync_leaves_no_watermark(desk, past):
    past(today() - DAY)
    _backfill(desk.world, _keys(today() - DAY, 1))
    assert _watermarks(desk.world) == []


def test_an_order_that_moved_out_of_a_day_is_no_delete_when_the_day_is_asked_for_again(desk, past):
    ref = past(today() - 2 * DAY)
    desk.sync()
    desk.edit(ref, customer_note="now")
    _backfill(desk.world, _keys(today() - 2 * DAY, 1))
    desk.push()
    assert desk.world.rows("SELECT op FROM changes") == [("insert",)]
    assert desk.state(ref) == "sale"


def test_days_of_which_an_order_was_missed_are_mended_by_a_backfill(desk, past):
    # given: changed in the shop with an old stamp, as a plug-in does, so that no later walk sees it
    past(today())
    desk.sync()
    missed = past(today() - 4 * DAY)
    desk.sync()
    assert missed not in desk.sales()
    # when
    _backfill(desk.world, _keys(today() - 4 * DAY, 1))
    desk.push()
    # then
    assert desk.state(missed) == "sale"


def test_a_window_that_was_asked_for_earlier_never_overwrites_a_newer_row(desk):
    # given: a backfill has its pages, and is slow to keep them
    world, ref = desk.world, desk.sell(status="pending")
    desk.sync()
    pull, window = world.project.pull(ORDER), Window("window", start=today(), end=today() + DAY)
    with Spool(world.store.staging) as spool:
        asked = asyncio.run(ask_platform(world.project, pull, window, {}, spool, _silent))
        desk.edit(ref, status="processing")
        desk.sync()
        keep(world.project, world.store, pull, window, asked, spool)
    # when
    found = _compare(world)
    desk.push()
    # then
    assert found.changes == 0
    assert world.rows("SELECT status FROM canonical_order") == [("paid",)]
    assert desk.state(ref) == "sale"


# Fourteen days of history, beside what goes on.


@pytest.fixture
def old_desk(desk):
    """One whose days begin before all that was ever sold."""
    world = desk.world
    file = world.project.root / "assets" / "orders" / "defs.yaml"
    file.write_text(file.read_text().replace(FIRST_DAY, f"{today() - 20 * DAY:%Y-%m-%d}"))
    world.project = Project(world.project.root, world.project.state)
    return desk


@pytest.mark.parametrize(
    "one_by_one", [pytest.param(True, id="one by one", marks=at_length), pytest.param(False, id="in one run")]
)
def test_fourteen_days_of_orders_are_in_the_erp_once_each_however_often_they_are_backfilled(old_desk, one_by_one):
    # given
    old_desk.world.shop.control("orders", n=42, seed=3, days=14)
    keys = _keys(today() - 14 * DAY, 14)
    # when: twice, with live runs and business between
    for seed in (1, 2):
        _backfill(old_desk.world, keys, one_by_one)
        old_desk.push()
        old_desk.world.shop.control("moves", n=6, seed=seed)
        old_desk.sell()
        old_desk.sync()
    # then
    found = compare_orders(old_desk.world.project, ["shop"])
    assert found.wrong == []
    assert found.agreed == 44
    old_desk.sales()
    assert old_desk.left() == []


def test_every_day_of_a_backfill_gives_its_own_orders(old_desk):
    old_desk.world.shop.control("orders", n=28, seed=3, days=7)
    keys = _keys(today() - 7 * DAY, 7)
    _backfill(old_desk.world, keys)
    stamps = {order["id"]: order["date_modified_gmt"][:10] for order in old_desk.world.shop.state()["orders"]}
    assert _partitions(old_desk.world) == {f"shop:{number}": day for number, day in stamps.items()}
    assert set(stamps.values()) == set(keys)
