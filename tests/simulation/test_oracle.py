"""What the oracle finds to be wrong."""

import pytest

from pullpush_dagster.simulation.oracle import Oracle


@pytest.fixture
def oracle():
    """One to which a source has said two titles of A, and one of B."""
    made = Oracle()
    for key, title in (("A", "old"), ("A", "new"), ("B", "other")):
        made.edited(key, {"title": title})
    return made


def test_a_value_may_be_left_out(oracle):
    oracle.taken("A", {"title": "new"})
    assert oracle.broken == []


def test_a_destination_must_not_go_back(oracle):
    for title in ("new", "old"):
        oracle.taken("A", {"title": title})
    assert oracle.broken == ["promise 2: A title goes back to 'old' from 'new'"]


def test_what_was_said_of_another_key_is_none_of_its_own(oracle):
    oracle.taken("B", {"title": "new"})
    assert oracle.broken == ["promise 3 or 5: B title is sent as 'new', which no source ever said"]


def test_a_key_that_is_another_by_now_brings_what_was_said_of_it(oracle):
    oracle.moved([("A", "B")])
    for title in ("other", "old", "new"):
        oracle.taken("B", {"title": title})
    assert oracle.broken == []


def test_two_keys_that_were_one_both_bring_what_was_said_of_it(oracle):
    oracle.moved([("A", "B"), ("A", "C")])
    for key in ("B", "C"):
        oracle.taken(key, {"title": "new"})
    assert oracle.broken == []


def test_what_a_key_had_before_is_older_than_what_another_brings(oracle):
    oracle.moved([("A", "B")])
    for title in ("old", "other"):
        oracle.taken("B", {"title": title})
    assert oracle.broken == ["promise 2: B title goes back to 'other' from 'old'"]
