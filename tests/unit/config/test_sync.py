"""What a pull and a push may say."""

import datetime as dt

import pytest
from pydantic import ValidationError

from pullpush_dagster.config import Pull, Push


def pull(**parts):
    return Pull(**{"connection": "erp", "entity": "stocklevel", **parts})


def push(**parts):
    return Push(**{"name": "stock", "from": "erp/stocklevel", "to": "shop", **parts})


def test_a_pull_is_known_by_connection_and_entity():
    assert pull().id == "erp/stocklevel"


def test_a_second_pull_of_an_entity_is_known_by_its_own_name():
    assert pull(**{"as": "returns"}).id == "erp/returns"


def test_a_pull_by_day_needs_its_first_day():
    assert pull(partitions={"by": "day", "start": "2026-01-01"}).partitions.start == dt.date(2026, 1, 1)
    with pytest.raises(ValidationError, match="by: day needs start"):
        pull(partitions={"by": "day"})


def test_a_pull_by_scope_needs_its_values():
    assert pull(partitions={"by": "locationId", "values": ["WH"]}).partitions.values == ["WH"]
    with pytest.raises(ValidationError, match="by: locationId needs values"):
        pull(partitions={"by": "locationId"})


def test_a_scope_named_twice_is_refused():
    with pytest.raises(ValidationError, match="values has one of them twice"):
        pull(partitions={"by": "locationId", "values": ["WH", "WH"]})


def test_a_guard_tells_its_own_limits_from_the_ones_left_to_the_default():
    assert pull(guard={"zeroed": "10%", "deleted": "off"}).guard.own() == {"zeroed": 0.1, "deleted": None}
    assert pull().guard.own() == {}


def test_a_guard_of_zero_does_not_mean_no_guard():
    with pytest.raises(ValidationError, match="nor off"):
        pull(guard={"deleted": 0})


def test_a_push_sends_nothing_unless_it_is_told_to():
    assert push().mode == "shadow"


def test_a_push_reads_one_pull_or_several():
    assert push().from_ == ["erp/stocklevel"]
    assert push(**{"from": ["erp/stocklevel", "wms/stocklevel"]}).from_ == ["erp/stocklevel", "wms/stocklevel"]


def test_a_source_named_twice_is_refused():
    with pytest.raises(ValidationError, match="has one of them twice"):
        push(**{"from": ["erp/stocklevel", "erp/stocklevel"]})


@pytest.mark.parametrize(
    "parts", [{"from": []}, {"mode": "hot"}, {"lanes": 0}, {"only": {"sku": "A"}}, {"name": "My Push"}]
)
def test_what_a_push_cannot_be_is_refused(parts):
    with pytest.raises(ValidationError):
        push(**parts)
