"""A destination that cannot be asked: what may have been made there is not made again by itself."""

import pytest

from pullpush_dagster.push.journal import Group
from tests.unit.push.pushing.conftest import CREATE


@pytest.fixture
def push(pushing, shop):
    """A push of item A to a shop that finds nothing for us."""
    made = pushing(find=None, create=CREATE, batch=1)
    made.pull({"title": "a"})
    return made


def test_a_create_is_sent_without_a_look_up(push, shop):
    assert push.send() == {"A": "accepted"}
    assert [item["title"] for item in shop.items.values()] == ["a"]


def test_a_create_without_an_answer_is_left_for_a_person(push, shop):
    shop.down = ("/batch", 500)
    assert push.send() == {"A": "unknown"}
    assert [state for state, _ in push.why()] == ["unconfirmed"]


@pytest.fixture
def unconfirmed(push, shop):
    shop.down = ("/batch", 500)
    push.send()
    shop.down = None
    shop.writes.clear()
    return push


def test_it_is_not_sent_again_by_itself(unconfirmed, shop):
    unconfirmed.send()
    assert shop.writes == []


def test_neither_is_a_newer_version_of_it(unconfirmed, shop):
    unconfirmed.pull({"title": "b"})
    unconfirmed.send()
    assert (shop.writes, [state for state, _ in unconfirmed.why()]) == ([], ["unconfirmed"])


def test_what_a_process_that_died_had_claimed_is_not_sent_again(push, shop):
    push.pusher.arrive()
    claimed, _ = push.pusher.turn(Group(), 1)
    assert len(claimed) == 1
    push.rows("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
    push.send()
    assert shop.writes == []
    assert push.why() == [
        ("unconfirmed", "whoever sent it is gone, and shop cannot be asked whether it is there"),
    ]


def test_where_nothing_can_be_made_it_goes_again(pushing, shop):
    # given: an update that needs an item, of which nothing is known yet
    push = pushing(find=None, batch=1)
    push.pull({"title": "a"})
    push.pusher.arrive()
    push.pusher.turn(Group(), 1)
    push.rows("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
    # when
    push.send()
    # then
    assert [state for state, _ in push.why()] == ["waiting"]


def test_a_refused_create_is_a_dead_letter_as_any_other(push, shop):
    shop.down = ("/batch", 400)
    push.send()
    assert [state for state, _ in push.why()] == ["dead"]


def test_an_update_without_an_answer_is_sent_again(push, shop):
    push.send()
    push.pull({"title": "b"})
    shop.down = ("/batch", 500)
    assert push.send() == {"A": "unknown"}
    shop.down = None
    assert push.send() == {"A": "accepted"}
    assert [item["title"] for item in shop.items.values()] == ["b"]
