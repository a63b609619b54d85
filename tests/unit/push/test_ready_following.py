"""What follows a change in its claim is just what would be claimed once that one was taken."""

import json
import random
from collections import defaultdict

import pytest

from pullpush_dagster.changes import Accepted, Ready, Settled, acknowledge, claim, claiming
from pullpush_dagster.config import Push
from pullpush_dagster.push.payload import sendable
from pullpush_dagster.push.ready import ready_forms
from pullpush_dagster.store import Store
from tests.unit.push.test_ready import CASES, PRODUCT, SETTINGS, VALUES, fill

PUSH = Push.model_validate({"name": "p", "from": "erp/x", "to": "shop", "deliver": "every"})


def pile(con, entity, facts, rng):
    """Behind some of the heads, more changes; some of them say nothing that the one before does not."""
    names = sorted(sendable(facts, entity))
    for key, first in con.execute("SELECT key, desired FROM outbox ORDER BY key").fetchall():
        desired = json.loads(first)
        for place in range(rng.choice([0, 1, 3, 9])):
            change = {name: rng.choice(VALUES[name]) for name in names if rng.random() < 0.5}
            desired = desired if rng.random() < 0.2 else change
            con.execute(
                "INSERT INTO behind (push, key, source, sequence, desired, queuedAt)"
                " VALUES ('p', ?, 'erp/x', ?, ?, now())",
                [key, 1000 + place, json.dumps(desired)],
            )


def delivered(store, entity, facts, fixed):
    """Key -> the records that it got, when each was taken; and all that the store knows then."""
    rng = random.Random(1)
    got = defaultdict(list)
    with store.session() as con:
        fill(con, entity, facts, rng, 40)
        pile(con, entity, facts, rng)
        written = ready_forms(entity, facts, SETTINGS, fixed)
        while rows := claim(con, PUSH, entity, PRODUCT, sendable(facts, entity), 1000, written):
            ready = [row for row in rows if isinstance(row, Ready)]
            for row in ready:
                got[row.key].append((row.sequence, row.form, row.record))
            passed = [Settled(row, "skipped", "not asked here") for row in rows.rest]
            taken = [Accepted(rows, [row.place for row in ready], None)] if ready else []
            acknowledge(con, PUSH, entity, PRODUCT, passed, taken)
        tables = ("outbox", "behind", "accepted", "receipts")
        columns = {
            "outbox": "key, sequence, desired, state",
            "behind": "key, sequence, desired",
            "accepted": "key, fields",
            "receipts": "key, sequence, outcome, sent",
        }
        known = {name: set(con.execute(f"SELECT {columns[name]} FROM {name}").fetchall()) for name in tables}
    known["accepted"] = {(key, json.dumps(json.loads(fields), sort_keys=True)) for key, fields in known["accepted"]}
    return dict(got), known


@pytest.mark.parametrize("case", [name for name, (entity, *_) in CASES.items() if entity is PRODUCT])
def test_to_claim_what_follows_is_to_claim_one_after_the_other(tmp_path, monkeypatch, case):
    # given
    together = delivered(Store(tmp_path / "a.duckdb"), *CASES[case])
    # when
    monkeypatch.setattr(claiming, "_MOST_BEHIND", 0)
    alone = delivered(Store(tmp_path / "b.duckdb"), *CASES[case])
    # then
    assert together == alone
    assert max(len(records) for records in together[0].values()) >= 3
