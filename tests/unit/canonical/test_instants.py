"""Times as platforms write them: every form, every clock, and what is none sets aside its own record only."""

import datetime as dt

import pytest

from pullpush_dagster.canonical.field_map import Times
from pullpush_dagster.pull.stamps import read_time

ID = {"orderId": "item.id"}
US, BERLIN = "America/Los_Angeles", "Europe/Berlin"

FORMS = [
    ("2026-11-01T10:00:00Z", "iso", "UTC", "2026-11-01T10:00:00"),
    ("2026-11-01T10:00:00.250+0000", "iso", "UTC", "2026-11-01T10:00:00.250"),
    ("2026-11-01T10:00:00.250+0000", "iso", US, "2026-11-01T10:00:00.250"),
    ("2026-11-01T10:00:00-0530", "iso", "UTC", "2026-11-01T15:30:00"),
    ("2026-11-01T10:00:00-05:00", "iso", US, "2026-11-01T15:00:00"),
    ("2026-11-01T10:00:00Z", "iso", US, "2026-11-01T10:00:00"),
    ("2026-11-01 10:00:00+02", "iso", US, "2026-11-01T08:00:00"),
    ("2026-07-01T10:00:00", "iso", US, "2026-07-01T17:00:00"),
    ("2026-12-01T10:00:00.5", "iso", US, "2026-12-01T18:00:00.5"),
    ("2026-12-01 10:00:00", "iso", BERLIN, "2026-12-01T09:00:00"),
    ("2026-11-01", "iso", "UTC", "2026-11-01T00:00:00"),
    ("2026-11-02", "iso", BERLIN, "2026-11-01T23:00:00"),
    ("2026-11-01T10:00", "iso", "UTC", "2026-11-01T10:00:00"),
    ("2026-11-01 10:00:00 UTC", "iso", "UTC", "2026-11-01T10:00:00"),
    ("2026-11-01 10:00:00 UTC", "iso", US, "2026-11-01T10:00:00"),
    ("2026-11-01 10:00:00.5 GMT", "iso", "UTC", "2026-11-01T10:00:00.5"),
    ("2026-11-01 10:00:00 GMT ", "iso", US, "2026-11-01T10:00:00"),
    ("Sun, 01 Nov 2026 10:00:00 +0000", "rfc2822", "UTC", "2026-11-01T10:00:00"),
    ("Sun, 1 Nov 2026 10:00:00 -0500", "rfc2822", US, "2026-11-01T15:00:00"),
    ("Sun, 01 Nov 2026 10:00:00 GMT", "rfc2822", US, "2026-11-01T10:00:00"),
    ("01 Nov 2026 10:00:00 +0100", "rfc2822", "UTC", "2026-11-01T09:00:00"),
    ("/Date(1793527200000)/", "odata", "UTC", "2026-11-01T10:00:00"),
    ("/Date(1793527200000+0060)/", "odata", US, "2026-11-01T10:00:00"),
    ("/Date(-1000)/", "odata", "UTC", "1969-12-31T23:59:59"),
    (1793527200, "epoch", US, "2026-11-01T10:00:00"),
    ("1793527200.5", "epoch", "UTC", "2026-11-01T10:00:00.5"),
    (1793527200250, "epoch_ms", "UTC", "2026-11-01T10:00:00.25"),
    ("11/01/2026 10:00:00 AM", "%m/%d/%Y %I:%M:%S %p", "UTC", "2026-11-01T10:00:00"),
    ("11/1/2026 10:00 am", "%m/%d/%Y %I:%M %p", US, "2026-11-01T18:00:00"),
    ("20261101", "%Y%m%d", "UTC", "2026-11-01T00:00:00"),
    ("2026-11-01T10:00:00+0200", "%Y-%m-%dT%H:%M:%S%z", US, "2026-11-01T08:00:00"),
]


@pytest.mark.parametrize(("native", "form", "zone", "when"), FORMS)
def test_a_time_is_an_instant_however_it_is_written(read, native, form, zone, when):
    found = read("order", ID | {"createdAt": "item.at"}, [{"id": 1, "at": native}], times=Times(form=form, zone=zone))
    assert found.faults == {}
    assert found.state("createdAt") == dt.datetime.fromisoformat(when).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize("zone", ["UTC", US])
@pytest.mark.parametrize(
    "native", ["2026-11-01T10:00:00", "2026-11-01 10:00:00", "2026-11-01", "2026-11-01T10:00:00.5", "2026-11-01T10:00"]
)
def test_the_zone_that_one_time_names_is_not_that_of_the_next(read, native, zone):
    times = Times(zone=zone)
    records = [{"id": "1", "at": "2026-11-01 10:00:00 EST"}, {"id": "2", "at": native}]
    found = read("order", ID | {"createdAt": "item.at"}, records, times=times)
    assert [row["createdAt"] for row in found.rows if row["orderId"] == "2"] == [read_time(native, times)]


@pytest.mark.parametrize("zone", ["UTC", US])
@pytest.mark.parametrize("named", ["EST", "CET", "Europe/Berlin", "GMT+02"])
def test_a_zone_that_is_named_otherwise_than_utc_is_told_as_no_time(read, named, zone):
    native = f"2026-11-01 10:00:00 {named}"
    found = read("order", ID | {"createdAt": "item.at"}, [{"id": 1, "at": native}], times=Times(zone=zone))
    assert found.faults == {'{"orderId":"1"}': ["createdAt: is not a time"]}
    assert read_time(native, Times(zone=zone)) is None


@pytest.mark.parametrize(("native", "form", "zone", "when"), FORMS)
def test_a_watermark_reads_a_time_as_the_frame_does(native, form, zone, when):
    assert read_time(native, Times(form=form, zone=zone)) == dt.datetime.fromisoformat(when).replace(tzinfo=dt.UTC)


NO_TIMES = ["soon", "/Date(x)/", "1e400", "1e30", "-1e30", "99999999999999999999", "nan", "inf", "99999-01-01",
            "0000-00-00", "13/45/2026", "294247-01-10 04:00:54"]  # fmt: skip


@pytest.mark.parametrize("form", ["iso", "rfc2822", "odata", "epoch", "epoch_ms", "%m/%d/%Y", "%Y-%m-%d %z"])
@pytest.mark.parametrize("zone", ["UTC", US])
def test_a_time_that_is_none_sets_its_record_aside_and_no_other(read, form, zone):
    good = {"iso": "2026-11-01", "rfc2822": "Sun, 01 Nov 2026 10:00:00 GMT", "odata": "/Date(1)/", "epoch": 1,
            "epoch_ms": 1, "%m/%d/%Y": "11/01/2026", "%Y-%m-%d %z": "2026-11-01 +0000"}[form]  # fmt: skip
    rows = [{"id": native, "at": native} for native in NO_TIMES] + [{"id": "good", "at": good}]
    found = read("order", ID | {"createdAt": "item.at"}, rows, times=Times(form=form, zone=zone))
    assert [row["orderId"] for row in found.rows] == ["good"]
    assert found.faults == {f'{{"orderId":"{native}"}}': ["createdAt: is not a time"] for native in NO_TIMES}


@pytest.mark.parametrize("native", ["infinity", "-infinity", "0001-01-01", "9999-12-31T23:59:59Z"])
def test_a_time_outside_all_years_is_none(read, native):
    found = read("order", ID | {"createdAt": "item.at"}, [{"id": 1, "at": native}])
    assert found.faults == {'{"orderId":"1"}': ["createdAt: is not a time"]}


@pytest.mark.parametrize("form", ["iso", "rfc2822", "odata", "epoch", "epoch_ms", "%Y"])
@pytest.mark.parametrize(("native", "state"), [({"at": None}, "cleared"), ({"at": ""}, "cleared"), ({}, "unknown")])
def test_a_time_that_is_not_said_is_cleared_or_unknown(read, form, native, state):
    found = read("order", ID | {"createdAt": "item.at"}, [{"id": 1, **native}], times=Times(form=form))
    assert found.state("createdAt") == state


def test_one_field_may_be_written_in_a_form_of_its_own_on_the_same_clock(read):
    fields = ID | {"createdAt": {"from": "item.day", "form": "%m/%d/%Y"}, "updatedAt": "item.at"}
    native = [{"id": 1, "day": "11/02/2026", "at": 1793527200}]
    (row,) = read("order", fields, native, times=Times(form="epoch", zone=BERLIN)).rows
    assert row["createdAt"].isoformat() == "2026-11-01T23:00:00+00:00"
    assert row["updatedAt"].isoformat() == "2026-11-01T10:00:00+00:00"


@pytest.mark.parametrize("sku", ["a", "b"])
def test_the_newest_of_two_readings_is_told_by_such_stamps(read, sku):
    old, new = {"id": 1, "sku": "x", "at": "/Date(1000)/"}, {"id": 1, "sku": sku, "at": "/Date(9000)/"}
    found = read("product", {"sku": "item.sku", "updatedAt": "item.at"}, [new, old], times=Times(form="odata"))
    assert [row["sku"] for row in found.rows] == [sku]
