"""Durations and shares, as people write them."""

import pytest
from pydantic import TypeAdapter, ValidationError

from pullpush_dagster.config.duration import Every, Quiet, Seconds, Share

SECONDS, EVERY, QUIET, SHARE = map(TypeAdapter, (Seconds, Every, Quiet, Share))


@pytest.mark.parametrize(("text", "seconds"), [("30s", 30), ("15m", 900), ("1h", 3600), ("2d", 172800)])
def test_a_duration_is_a_number_and_a_unit(text, seconds):
    assert SECONDS.validate_python(text) == seconds


@pytest.mark.parametrize("text", ["15", 15, "m", "15 minutes", "1.5h", "-1h", "0m", "", None])
def test_anything_else_is_no_duration(text):
    with pytest.raises(ValidationError, match="not a duration such as 15m, 1h or 1d"):
        SECONDS.validate_python(text)


@pytest.mark.parametrize("text", ["32d", "745h", "9" * 30 + "d"])
def test_more_than_a_month_is_refused_since_no_schedule_says_it(text):
    assert SECONDS.validate_python("31d") == 31 * 86400
    with pytest.raises(ValidationError, match="is more than 31d, and days are counted from the first of each month"):
        SECONDS.validate_python(text)


@pytest.mark.parametrize(
    ("kind", "text", "wholes"),
    [
        (EVERY, "90s", "minutes, as a schedule is"),
        (EVERY, "30s", "minutes, as a schedule is"),
        (EVERY, "36h", "days, as a schedule is from a day on"),
        (QUIET, "90s", "minutes, as a schedule is"),
        (QUIET, "90m", "hours, as a schedule is from an hour on"),
        (QUIET, "36h", "days, as a schedule is from a day on"),
    ],
)
def test_how_often_is_refused_where_a_schedule_would_run_more_often(kind, text, wholes):
    with pytest.raises(ValidationError, match=f"'{text}' is not in whole {wholes}"):
        kind.validate_python(text)


@pytest.mark.parametrize(
    ("kind", "text", "seconds"),
    [(EVERY, "90m", 5400), (EVERY, "120s", 120), (EVERY, "48h", 172800), (QUIET, "10m", 600), (QUIET, "120m", 7200),
     (QUIET, "off", None), (QUIET, False, None)],
)  # fmt: skip
def test_how_often_is_what_a_schedule_can_say(kind, text, seconds):
    assert kind.validate_python(text) == seconds


@pytest.mark.parametrize(("text", "share"), [("10%", 0.1), ("0.5 %", 0.005), ("0%", 0.0), ("100%", 1.0)])
def test_a_share_is_a_percentage(text, share):
    assert SHARE.validate_python(text) == pytest.approx(share)


def test_a_share_of_more_than_all_is_refused():
    with pytest.raises(ValidationError, match="is more than all; off is no limit"):
        SHARE.validate_python("500%")


@pytest.mark.parametrize("given", ["off", False])  # YAML reads a bare off as false
def test_off_is_no_limit(given):
    assert SHARE.validate_python(given) is None


@pytest.mark.parametrize("given", [0, 0.0, 10, 0.1, "10", "-5%", "", True, None])
def test_a_bare_number_is_neither_a_share_nor_off(given):
    with pytest.raises(ValidationError, match="not a share such as 10%, nor off"):
        SHARE.validate_python(given)
