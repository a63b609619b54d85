"""What the store is told of a record that was sent: when it is due again, its ids, and what is known of it now."""

import asyncio
import datetime as dt
from dataclasses import replace
from types import SimpleNamespace

import pyarrow as pa
import pytest

from pullpush_dagster.changes import Ready, Settled, Taken
from pullpush_dagster.push.journal import Group, Journal, Totals, _goes_again
from pullpush_dagster.push.lanes import Sent
from pullpush_dagster.push.outcome import Outcome
from tests.unit.push.pushing.conftest import CREATE

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ITEM = {"id": "7"}


@pytest.fixture
def told(pushing, tiny, made):
    """Makes what the journal says of records with one outcome, of a push whose platform takes 50 s to settle."""

    def tell(outcome, *, count=1, item=None, retry_after=None, attempts=0, facts=None, **payload):
        push = pushing(settle=50, **(facts or {}))

        async def run():
            async with tiny.client(destination=True) as client:
                journal = Journal(push.pusher, client, Totals(), lambda _: None, lambda: None)
                rows = [replace(made(f"S{n}", item=item, attempts=attempts), **payload) for n in range(count)]
                journal.sent(Sent(rows, [outcome] * count, NOW, retry_after))
                return journal.take().settled

        return asyncio.run(run())

    return tell


@pytest.mark.parametrize("name", ["rejected", "waiting"])
def test_what_is_not_tried_again_by_itself_has_no_time_to_wait(told, name):
    assert [one.due_in for one in told(Outcome(name))] == [0.0]


def test_the_platforms_own_time_to_wait_wins(told):
    assert [one.due_in for one in told(Outcome("retry"), retry_after=7.0)] == [7.0]


@pytest.mark.parametrize(("seconds", "later"), [(7.0, False), (7000.0, True)])
def test_what_had_no_answer_has_time_to_settle_whatever_the_platform_asks_for(told, seconds, later):
    (one,) = told(Outcome("unknown"), retry_after=seconds)
    assert one.due_in >= 50
    assert (one.due_in == seconds) is later


@pytest.mark.parametrize(("attempts", "longest"), [(0, 0.22), (1, 0.484), (2, 1.0648), (5, 20.6), (8, 900.0)])
def test_what_was_not_done_goes_again_after_a_pause_that_grows(told, monkeypatch, attempts, longest):
    monkeypatch.setattr("random.uniform", lambda _, most: most)
    assert told(Outcome("retry"), attempts=attempts)[0].due_in == pytest.approx(longest, rel=0.01)


def test_records_that_failed_together_are_due_together(told):
    assert len({one.due_in for one in told(Outcome("retry"), count=5)}) == 1


@pytest.mark.parametrize(
    ("over", "item", "later"), [(False, None, True), (True, None, True), (False, ITEM, True), (True, ITEM, False)]
)
def test_what_may_still_come_is_looked_for_when_the_platform_has_settled(told, over, item, later):
    (one,) = told(Outcome("unknown", over=over), item=item)
    assert (one.due_in >= 50) == later


@pytest.mark.parametrize(("attempts", "pauses"), [(0, False), (2, False), (3, True)])
def test_three_steps_follow_each_other_without_a_pause(told, attempts, pauses):
    (one,) = told(Outcome("accepted"), attempts=attempts, item=ITEM, more=True)
    assert (one.again, one.due_in > 0) == (True, pauses)


def test_what_was_not_done_for_anothers_fault_was_no_attempt(told):
    (one,) = told(Outcome("retry", undone=True), attempts=2)
    assert (one.sent_at, one.attempts) == (None, 2)


@pytest.mark.parametrize("name", ["retry", "rejected"])
def test_no_step_follows_one_that_was_not_accepted(told, name):
    assert not told(Outcome(name), more=True)[0].again


@pytest.mark.parametrize(
    ("outcome", "item", "learned", "ids"),
    [
        (Outcome("accepted", ids=ITEM), None, None, ITEM),
        (Outcome("accepted", answer={"id": 8}), None, None, {"id": "8"}),
        (Outcome("accepted", ids=ITEM), None, {"id": "9"}, {"id": "9"}),
        (Outcome("accepted", ids=ITEM), {"id": "1"}, None, None),
        (Outcome("rejected", ids=ITEM), None, None, None),
        (Outcome("rejected"), None, {"id": "9"}, {"id": "9"}),
        (Outcome("retry", stale=True), None, {"id": "9"}, None),
    ],
)
def test_ids_are_learned_from_what_was_found_or_made_and_never_from_a_refusal(told, outcome, item, learned, ids):
    (one,) = told(outcome, item=item, learned=learned)
    assert (one.external_id, one.unbind) == (ids, outcome.stale)
    assert one.bound_key == ('{"sku": "S0"}' if ids or outcome.stale else None)


@pytest.mark.parametrize(("name", "sent", "answer"), [("accepted", {"title": "S0"}, None), ("rejected", None, "why")])
def test_values_are_kept_of_what_was_taken_and_answers_of_what_was_not(told, name, sent, answer):
    (one,) = told(Outcome(name, answer="why"), item=ITEM)
    assert (one.sent, one.answer) == (sent, answer)


@pytest.mark.parametrize(("lost", "acts"), [(False, False), (True, False), (False, True)])
def test_nothing_is_known_of_what_the_platform_took_otherwise_or_of_what_an_action_did(told, lost, acts):
    assert told(Outcome("retry", lost=lost), acts=acts)[0].lost == (lost or acts)


@pytest.mark.parametrize(
    ("name", "item", "find", "unconfirmed"),
    [("unknown", None, False, True), ("unknown", ITEM, False, False), ("unknown", None, True, False),
     ("retry", None, False, False)],
)  # fmt: skip
def test_only_what_may_have_been_made_where_nobody_can_be_asked_is_left_for_a_person(
    told, name, item, find, unconfirmed
):
    facts = {} if find else {"find": None, "create": CREATE, "batch": 1}
    assert told(Outcome(name), item=item, facts=facts)[0].unconfirmed == unconfirmed


def test_what_could_not_be_written_waits_on_as_if_it_had_not_been_taken(pushing, tiny, made):
    push = pushing()

    async def run():
        async with tiny.client(destination=True) as client:
            journal = Journal(push.pusher, client, Totals(), lambda _: None, lambda: None)
            journal.claimed = 3
            journal.sent(Sent([made("A"), made("B")], [Outcome("accepted")] * 2, NOW, None))
            group = journal.take()
            told = [(journal.in_hand, journal.unwritten, journal.waiting)]
            journal.sent(Sent([made("C")], [Outcome("accepted")], NOW, None))
            journal.put_back(group)
            told.append((journal.in_hand, journal.unwritten, journal.waiting))
            return [*told, [one.claimed.key for one in journal.take().settled]]

    assert asyncio.run(run()) == [(1, 0, False), (0, 3, True), [f'{{"sku": "{sku}"}}' for sku in "ABC"]]


def test_what_was_taken_at_a_second_try_was_taken(claim):
    row = claim("A")
    again, taken = Settled(row, "unknown", held=True), SimpleNamespace(keys=[row.key])
    assert Group([again], [taken]).fates() == {row.key: "accepted"}


@pytest.mark.parametrize(
    ("outcome", "halted", "again"),
    [
        (Outcome("unknown"), False, True),
        (Outcome("unknown"), True, False),
        (Outcome("retry", undone=True), False, False),
    ],
    ids=["no answer", "stopped", "no attempt"],
)
def test_only_what_was_tried_goes_again_at_once_and_nothing_where_all_was_stopped(outcome, halted, again):
    taken = Taken("c", None, frozenset(), pa.table({"key": ["A"], "attempts": [0]}), 1)
    assert _goes_again(Ready(taken, 0), outcome, Sent([], [], NOW, halted=halted), 0.1) is again
