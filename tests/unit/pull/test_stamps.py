"""The bounds of a question in the platform's own form, and the stamps it answers with."""

import datetime as dt

import pytest

from pullpush_dagster.canonical.field_map import Times
from pullpush_dagster.connectors.model import Since
from pullpush_dagster.pull import Window
from pullpush_dagster.pull.stamps import bounds_of, read_time

SYNC = Window("sync")
NOW = dt.datetime(2026, 11, 1, 12, 0, 30, 500_000, tzinfo=dt.UTC)
MARK = dt.datetime(2026, 11, 1, 9, 30, 15, tzinfo=dt.UTC)
ISO = "%Y-%m-%dT%H:%M:%S"
DAY, MINUTE = 86400.0, 60.0


def utc(text):
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def since(**how):
    return Since(**{"format": ISO, "operator": "from", "overlap": 0, **how})


def window(start, end):
    return Window("window", start=utc(start), end=utc(end))


def test_a_platform_that_cannot_filter_is_asked_for_everything():
    assert bounds_of(None, SYNC, MARK, NOW) == {}
    assert bounds_of(since(), Window("full"), MARK, NOW) == {}


@pytest.mark.parametrize(
    ("form", "zone", "said"),
    [
        (ISO, "UTC", "2026-11-01T09:30:15"),
        ("%Y-%m-%dT%H:%M:%SZ", "UTC", "2026-11-01T09:30:15Z"),
        (ISO, "America/Los_Angeles", "2026-11-01T01:30:15"),
        ("%Y-%m-%dT%H:%M:%S%z", "Europe/Berlin", "2026-11-01T10:30:15+0100"),
        ("%m/%d/%Y", "UTC", "11/01/2026"),
        ("epoch", "UTC", "1793525415"),
        ("epoch", "America/Los_Angeles", "1793525415"),
        ("epoch_ms", "UTC", "1793525415000"),
    ],
)
def test_a_bound_is_in_the_platforms_own_form(form, zone, said):
    assert bounds_of(since(format=form, zone=zone), SYNC, MARK, NOW) == {"since": said}


@pytest.mark.parametrize(
    ("grain", "zone", "bounds"),
    [
        (1.0, "UTC", ("2026-10-05T09:30:15", "2026-10-06T10:45:30")),
        (MINUTE, "UTC", ("2026-10-05T09:30:00", "2026-10-06T10:46:00")),
        (DAY, "UTC", ("2026-10-05T00:00:00", "2026-10-07T00:00:00")),
        (DAY, "America/Los_Angeles", ("2026-10-05T00:00:00", "2026-10-07T00:00:00")),
        (DAY, "Asia/Tokyo", ("2026-10-05T00:00:00", "2026-10-07T00:00:00")),
    ],
)
def test_bounds_are_widened_to_the_grain_on_the_platforms_clock(grain, zone, bounds):
    found = bounds_of(since(grain=grain, zone=zone), window("2026-10-05T09:30:15", "2026-10-06T10:45:30"), None, NOW)
    assert tuple(found.values()) == bounds


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-11-01T07:30:00", "2026-11-01T07:30:00", ("2026-11-01", "2026-11-02")),
        ("2026-11-01T20:00:00", "2026-11-01T20:00:00", ("2026-11-01", "2026-11-02")),
        ("2026-03-08T07:59:00", "2026-03-08T07:59:00", ("2026-03-07", "2026-03-08")),
        ("2026-03-08T20:00:00", "2026-03-08T08:30:00", ("2026-03-08", "2026-03-09")),
    ],
    ids=["before clocks go back", "after it", "the day before", "clocks go forward"],
)
def test_a_day_on_which_clocks_change_is_a_whole_day(start, end, days):
    how = since(format="%Y-%m-%d", grain=DAY, zone="America/Los_Angeles")
    assert tuple(bounds_of(how, window(start, end), None, NOW).values()) == days


@pytest.mark.parametrize(
    ("start", "end", "bounds"),
    [
        ("2026-10-24T23:59:00", "2026-10-25T00:01:00", ("01:59", "02:01")),
        ("2026-10-25T00:50:00", "2026-10-25T00:59:00", ("01:50", "02:59")),
        ("2026-10-25T01:10:00", "2026-10-25T01:20:00", ("02:10", "03:20")),
        ("2026-10-25T02:00:00", "2026-10-25T02:01:00", ("03:00", "03:01")),
    ],
    ids=["before", "the first time", "the second time", "after"],
)
def test_a_bound_in_the_hour_that_a_clock_shows_twice_takes_in_both(start, end, bounds):
    how = since(format="%H:%M", zone="Europe/Berlin")
    assert tuple(bounds_of(how, window(start, end), None, NOW).values()) == bounds


def test_a_bound_that_is_on_the_grain_stays():
    found = bounds_of(since(grain=DAY), window("2026-10-05T00:00:00", "2026-10-06T00:00:00"), None, NOW)
    assert found == {"since": "2026-10-05T00:00:00", "until": "2026-10-06T00:00:00"}


@pytest.mark.parametrize(("grain", "start"), [(1.0, "2026-11-01T09:30:14"), (DAY, "2026-10-31T00:00:00")])
def test_an_operator_that_leaves_the_bound_out_is_asked_one_grain_earlier(grain, start):
    assert bounds_of(since(operator="after", grain=grain), SYNC, MARK, NOW) == {"since": start}


def test_the_overlap_comes_before_the_grain():
    found = bounds_of(since(overlap=35000, grain=DAY), SYNC, MARK, NOW)
    assert found == {"since": "2026-10-31T00:00:00"}


def test_pages_without_an_order_are_drained_up_to_now():
    assert bounds_of(since(sorted=False), SYNC, MARK, NOW) == {
        "since": "2026-11-01T09:30:15",
        "until": "2026-11-01T12:00:30",
    }
    assert bounds_of(since(sorted=False), SYNC, None, NOW) == {"until": "2026-11-01T12:00:30"}


def test_a_first_sync_in_order_has_no_bounds():
    assert bounds_of(since(), SYNC, None, NOW) == {}


# What it answers with.


@pytest.mark.parametrize(
    ("stamp", "form", "zone", "when"),
    [
        ("2026-11-01T10:00:00Z", "iso", "UTC", "2026-11-01T10:00:00"),
        ("2026-11-01T10:00:00.250+0000", "iso", "UTC", "2026-11-01T10:00:00.250"),
        ("2026-11-01T10:00:00-05:00", "iso", "America/Los_Angeles", "2026-11-01T15:00:00"),
        ("2026-11-01 10:00:00", "iso", "UTC", "2026-11-01T10:00:00"),
        ("2026-07-01T10:00:00", "iso", "America/Los_Angeles", "2026-07-01T17:00:00"),
        ("2026-12-01T10:00:00", "iso", "America/Los_Angeles", "2026-12-01T18:00:00"),
        ("2026-11-01", "iso", "Europe/Berlin", "2026-10-31T23:00:00"),
        ("Sun, 01 Nov 2026 10:00:00 +0000", "rfc2822", "UTC", "2026-11-01T10:00:00"),
        ("Sun, 01 Nov 2026 10:00:00 GMT", "rfc2822", "UTC", "2026-11-01T10:00:00"),
        ("/Date(1793527200000)/", "odata", "UTC", "2026-11-01T10:00:00"),
        ("/Date(1793527200000+0060)/", "odata", "UTC", "2026-11-01T10:00:00"),
        ("/Date(-1000)/", "odata", "UTC", "1969-12-31T23:59:59"),
        (1793527200, "epoch", "America/Los_Angeles", "2026-11-01T10:00:00"),
        ("1793527200.5", "epoch", "UTC", "2026-11-01T10:00:00.5"),
        (1793527200250, "epoch_ms", "UTC", "2026-11-01T10:00:00.25"),
        ("11/01/2026 10:00:00 AM", "%m/%d/%Y %I:%M:%S %p", "UTC", "2026-11-01T10:00:00"),
        ("11/1/2026 2:00 am", "%m/%d/%Y %I:%M %p", "America/Los_Angeles", "2026-11-01T10:00:00"),
        ("20261101", "%Y%m%d", "UTC", "2026-11-01T00:00:00"),
        ("2026-11-01T10:00:00+0200", "%Y-%m-%dT%H:%M:%S%z", "America/Los_Angeles", "2026-11-01T08:00:00"),
    ],
)
def test_a_stamp_is_an_instant_however_it_is_written(stamp, form, zone, when):
    assert read_time(stamp, Times(form=form, zone=zone)) == utc(when)


@pytest.mark.parametrize("form", ["iso", "rfc2822", "odata", "epoch", "epoch_ms", "%Y-%m-%d"])
@pytest.mark.parametrize("stamp", [None, "", "soon", False, [], {}, "/Date()/", "1e400", "nan", "0000-00-00", 10**30])
def test_a_stamp_that_is_none_is_none(stamp, form):
    assert read_time(stamp, Times(form=form)) is None
