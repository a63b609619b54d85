"""A run of a push that a person ends in the web UI: a signal's handler raises in the main thread, wherever that is."""

import asyncio
import os
import signal
import time

import pytest

from pullpush_dagster.orchestration import ending
from pullpush_dagster.orchestration.ending import ended_in_order

SKUS = [f"S{n}" for n in range(8)]


class Ended(BaseException):
    """As Dagster's own."""


@pytest.fixture
def end():
    """Ends the run."""

    def ended(*_):
        raise Ended

    before = signal.signal(signal.SIGTERM, ended)
    yield lambda: os.kill(os.getpid(), signal.SIGTERM)
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def push(pushing, shop):
    """One request for each of some products, one after the other."""
    for number, sku in enumerate(SKUS):
        shop.items[str(number)] = {"sku": sku}
    made = pushing(batch=1)
    made.pull(*({"sku": sku, "title": "x"} for sku in SKUS))
    made.pusher.arrive()
    return made


@pytest.fixture
def slow(platform, shop, end):
    """Makes writes take so many seconds; the run is ended after the third one came."""

    def route(seconds):
        writes = []

        def answer(seen):
            done = shop(seen)
            if seen.method == "GET":
                return done
            writes.append(seen)
            if len(writes) == 3:
                end()

            async def slowly(scope, receive, send):
                await asyncio.sleep(seconds)
                await done(scope, receive, send)

            return slowly

        platform.route(answer)

    return route


def _send(push, run=ended_in_order):
    with pytest.raises(Ended):
        run(push.pusher.send(lambda _: None))


def _states(push):
    """Of keys that can go again within a second, and of those that cannot."""
    rows = push.rows(
        "SELECT CASE WHEN dueAt < now() + INTERVAL 1 SECOND THEN state END, count(*) FROM outbox GROUP BY 1"
    )
    return dict(rows)


def test_what_is_under_way_is_answered_and_all_else_is_due_at_once(push, slow):
    slow(0.3)
    _send(push)
    assert push.rows("SELECT count(*) FROM receipts WHERE outcome = 'accepted'") == [(3,)]
    assert _states(push) == {"due": 5}


def test_what_is_not_answered_in_time_is_unknown_and_all_else_is_due_at_once(push, slow, monkeypatch):
    monkeypatch.setattr(ending, "_GRACE_SECONDS", 0.2)
    slow(1.0)
    _send(push)
    assert push.rows("SELECT outcome, count(*) FROM receipts WHERE sentAt IS NOT NULL GROUP BY outcome ORDER BY 1") == [
        ("accepted", 2),
        ("unknown", 1),
    ]
    assert _states(push) == {"due": 6}


@pytest.mark.parametrize("run", [ended_in_order, asyncio.run])
def test_no_answer_is_written_twice_by_a_run_that_is_ended_while_it_writes(push, end, monkeypatch, run):
    # given
    turn, ended = push.pusher.turn, []

    def turned(group, most):
        done = turn(group, most)
        if group and not ended:
            ended.append(True)
            end()
            time.sleep(0.3)
        return done

    monkeypatch.setattr(push.pusher, "turn", turned)
    # when
    _send(push, run)
    # then
    assert ended
    assert push.rows("SELECT key FROM receipts GROUP BY key, claim, attempt HAVING count(*) > 1") == []
    assert push.rows("SELECT count(*) FROM outbox WHERE state = 'claimed'") == [(0,)]


def test_what_is_looked_up_when_the_run_is_ended_is_due_at_once(push, platform, shop, end, monkeypatch):
    # given
    monkeypatch.setattr(ending, "_GRACE_SECONDS", 0.2)

    def answer(seen):
        end()
        time.sleep(0.6)
        return shop(seen)

    platform.route(answer)
    # when
    _send(push)
    # then
    assert _states(push) == {"due": len(SKUS)}
