"""Stamps as platforms write them: the bounds of a question, and the newest of an answer."""

import datetime as dt
import math
import re
from email.utils import parsedate_to_datetime
from typing import Any
from zoneinfo import ZoneInfo

from pullpush_dagster.canonical.field_map import Times
from pullpush_dagster.connectors.model import Since
from pullpush_dagster.pull.window import Window

_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - on whatever clock it is counted
_NAMED = re.compile(r" +(UTC|GMT)\s*$", re.IGNORECASE)
_ODATA = re.compile(r"/Date\((-?\d+)(?:[+-]\d+)?\)/")


def bounds_of(since: Since | None, window: Window, watermark: dt.datetime | None, now: dt.datetime) -> dict[str, str]:
    """``since`` and ``until`` in the platform's form; a bound that is not there is not in it.

    Both are widened to the filter's grain: a whole day too much is compared away, a part of one too little is lost.
    """
    if since is None or window.kind == "full":
        return {}
    start, end = window.start, window.end
    if window.kind == "sync":
        start = watermark - dt.timedelta(seconds=since.overlap) if watermark else None
        # Without an order, what changes meanwhile could push others off the pages to come.
        end = None if since.sorted else now
    start = _widened(start, since, math.floor)
    if start is not None and since.operator == "after":
        start -= dt.timedelta(seconds=since.grain)
    found = (("since", start), ("until", _widened(end, since, math.ceil)))
    return {name: _written(when, since, name) for name, when in found if when is not None}


def _widened(when: dt.datetime | None, since: Since, rounded: Any) -> dt.datetime | None:
    """``when`` at the grain of the filter, on the platform's own clock where a grain is a day."""
    if when is None or since.grain <= 1:
        return when
    # Days are counted on the wall: one on which clocks change is no multiple of anything.
    local = when.astimezone(ZoneInfo(since.zone))
    seconds = (local.replace(tzinfo=None) - _EPOCH).total_seconds()
    wall = _EPOCH + dt.timedelta(seconds=rounded(seconds / since.grain) * since.grain)
    return wall.replace(tzinfo=local.tzinfo, fold=local.fold).astimezone(dt.UTC)


def _written(when: dt.datetime, since: Since, name: str) -> str:
    if since.format == "epoch":
        return str(math.floor(when.timestamp()))
    if since.format == "epoch_ms":
        return str(math.floor(when.timestamp() * 1000))
    return f"{_shown(when, since, name):{since.format}}"


def _shown(when: dt.datetime, since: Since, name: str) -> dt.datetime:
    """``when`` on the platform's clock. Where that goes back, an hour is shown twice: a bound in it takes in both."""
    local = when.astimezone(ZoneInfo(since.zone))
    first, second = (local.replace(fold=fold).utcoffset() or dt.timedelta() for fold in (0, 1))
    if name == "since":
        return local if local.fold else local - (first - second)
    return local + (first - second) if local.fold else local


def read_time(stamp: Any, times: Times) -> dt.datetime | None:
    """A stamp as a UTC instant; one without a zone is on the platform's clock. None: it is none."""
    if stamp is None:
        return None
    try:
        when = _parsed(str(stamp), times.form)
        return (when.replace(tzinfo=ZoneInfo(times.zone)) if when.tzinfo is None else when).astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _parsed(stamp: str, form: str) -> dt.datetime:
    match form:
        case "iso":
            return dt.datetime.fromisoformat(_NAMED.sub("Z", stamp))
        case "rfc2822":
            return parsedate_to_datetime(stamp)
        case "odata":
            found = _ODATA.fullmatch(stamp)
            return dt.datetime.fromtimestamp(int(found[1]) / 1000 if found else math.nan, dt.UTC)
        case "epoch" | "epoch_ms":
            return dt.datetime.fromtimestamp(float(stamp) / (1000 if form == "epoch_ms" else 1), dt.UTC)
    return dt.datetime.strptime(stamp, form)  # noqa: DTZ007 - the platform's clock is put to it
