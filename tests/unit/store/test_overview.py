"""Counts for people."""

import datetime as dt
import json

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.store import Store
from pullpush_dagster.store.overview import oldest_watermark, outbox_counts, past_counts


@pytest.fixture
def con(tmp_path):
    with Store(tmp_path / "pullpush.duckdb").session() as con:
        yield con


def test_an_outbox_is_counted_by_state_with_a_reason_and_an_example(con):
    con.execute(
        "INSERT INTO outbox (push, key, state, reason) VALUES "
        "('p', 'A', 'due', NULL), ('p', 'B', 'waiting', 'no item'), ('p', 'C', 'waiting', 'no item'), "
        "('q', 'D', 'dead', 'x')"
    )
    found = outbox_counts(con, "p", [])
    assert found.numbers() == {"accepted": 0, "skipped": 0, "due": 1, "waiting": 2, "dead": 0}
    assert found.why == {"waiting: no item": "2 keys, such as B", "due: to be sent": "1 keys, such as A"}


def test_a_key_accepted_twice_counts_once(con):
    con.execute("INSERT INTO receipts (push, key, outcome) VALUES ('p', 'A', 'accepted'), ('p', 'A', 'accepted')")
    assert outbox_counts(con, "p", []).accepted == 1


def test_past_pulls_are_told_oldest_first(con):
    con.execute("INSERT INTO pulls (pull, connection, name, records) VALUES (2, 'c', 'n', 20), (1, 'c', 'n', 10)")
    assert past_counts(con, "c", "n") == [10, 20]


def test_the_walk_furthest_behind_is_told_in_utc(con):
    con.execute("INSERT INTO watermarks VALUES ('c', 'n', 'a', '2026-11-02 00:00:00+00', 1)")
    con.execute("INSERT INTO watermarks VALUES ('c', 'n', 'b', '2026-11-01 02:00:00+02', 1)")
    assert oldest_watermark(con, "c", "n") == dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def test_a_pull_that_never_ran_has_no_watermark(con):
    assert oldest_watermark(con, "c", "n") is None


def test_what_a_key_says_of_a_person_is_in_no_reason_and_no_example(con):
    con.execute(
        "INSERT INTO outbox (push, key, state, reason) VALUES "
        """('p', '{"email":"a.b@c.example"}', 'dead', 'A.B@c.example is no address'), """
        """('p', '{"email":"d@e.example"}', 'dead', 'd@e.example is no address')"""
    )
    assert outbox_counts(con, "p", [], ["email", "phone"]).why == {
        "dead: … is no address": """2 keys, such as {"email": "…"}"""
    }


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("422: billing email Zoe@X.example is not valid", "422: billing email … is not valid"),
        ("Zoe Doe of 5 Main (St.) is unknown", "… of … is unknown"),
        ("no postcode like this in DE", "no postcode like this in …"),
        ("the order said: call her at 5", "the order said: …"),
    ],
)
def test_what_a_record_says_of_a_person_is_in_no_reason(con, reason, told):
    customer = {"id": None, "name": "Doe", "email": "zoe@x.example", "company": ""}
    address = {"name": "Zoe Doe", "line1": "5 Main (St.)", "country": "DE"}
    desired = {"orderId": "7", "customer": customer, "billingAddress": address, "note": "call her at 5"}
    con.execute(
        "INSERT INTO outbox (push, key, desired, state, reason) VALUES ('p', ?, ?, 'dead', ?)",
        ['{"orderId":"7"}', json.dumps(desired), reason],
    )
    assert list(outbox_counts(con, "p", [], ENTITIES["order"].personal).why) == [f"dead: {told}"]


def test_what_was_held_of_a_log_that_a_push_no_longer_reads_does_not_count(con):
    con.execute("INSERT INTO positions (push, connection, name, held) VALUES ('p', 'c', 'n', 'too many')")
    assert outbox_counts(con, "p", ["c/n"]).held == "too many"
    assert outbox_counts(con, "p", ["c/other"]).held is None
