"""The records of one request, some of which more than one claim may hold."""

import datetime as dt

import orjson
import pyarrow as pa
import pytest

from pullpush_dagster.changes.taken import Taken
from pullpush_dagster.push.batch import ReadyBatch, bodies, leased_until

SOON, LATER = (dt.datetime(2026, 1, 1, hour, tzinfo=dt.UTC) for hour in (8, 9))


def taken(lease_until, *records):
    return Taken("c", lease_until, frozenset(), pa.table({"record": list(records)}), len(records))


@pytest.fixture
def of_two(facts):
    """The second record of one claim, then the first of another, which runs out sooner."""
    one, other = taken(LATER, '{"id":1}', '{"id":2}'), taken(SOON, '{"id":3}')
    return ReadyBatch(facts().update[0], "/items/batch", [(one, 1), (other, 0)])


def test_it_must_be_sent_before_the_first_claim_on_any_of_it_runs_out(of_two):
    assert leased_until(of_two) == SOON
    assert leased_until(of_two[:1]) == LATER


def test_its_records_are_in_its_own_order(of_two):
    assert orjson.dumps(bodies(of_two)) == b'[{"id":2},{"id":3}]'
    assert len(of_two[1:]) == 1
