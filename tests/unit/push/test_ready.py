"""What the store writes for a claimed key is just what ``payload`` makes of it; where it cannot, it leaves it alone."""

import json
import random
import re
from collections import Counter

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import Accepted, Ready, acknowledge, claim
from pullpush_dagster.changes.acknowledging import Settled
from pullpush_dagster.config import Push
from pullpush_dagster.connectors import load_connector
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.errors import ConfigError, RejectError
from pullpush_dagster.push.native import Item
from pullpush_dagster.push.payload import payload, sendable
from pullpush_dagster.push.ready import ready_forms
from pullpush_dagster.push.references import References
from pullpush_dagster.push.steps import Ended, next_step
from pullpush_dagster.store import Store
from tests.unit.push.conftest import FACTS

PRODUCT, STOCK = ENTITIES["product"], ENTITIES["stocklevel"]
SETTINGS = {"settings.channel": "web"}
TEXTS = ["", "Cup", "007", "false", "null", 'a "b" \\ c', "π\n☕", "{sku}", "-0", "1e5", "'; DROP", False]
IDS = ["x1", "a/b", "..", "x..y", "é", "a b", "a.b~c_-", "%41", "O'Neil", "?"]
NUMBERS = [
    "0.0000", "12.5000", "-3.1400", "100.0000", "99999999999999.9999", "-12345678901.2345", "99999999999999.0000",
    "0.0001", "-0.0000", "7", False,
]  # fmt: skip
VALUES = {
    "title": TEXTS, "description": TEXTS, "barcode": [*TEXTS, "12", "000012", "123456789012345678901"],
    "status": ["active", "archived", "draft", "strange", False],
    "price": NUMBERS, "quantity": [*NUMBERS, "3.0000", "2.5000", "-1.0000"],
}  # fmt: skip
TYPED = {
    "find": FACTS["find"],
    "update": [
        {
            "post": "/batch", "at": "items", "match": "id", "when": {"binding.parent": ["0", ""]},
            "record": {
                "id": "{binding.id:integer}", "sku": "{sku}", "channel": "{settings.channel}", "none": "{settings.no}",
                "fixed": {"a": [1, None]}, "amount": "{price}", "whole": "{price:integer}", "text": "{price:text}",
                "name": "{title}", "code": "{barcode:integer}", "status": "{status}",
            },
        },
        {"put": "/{settings.channel}/items/{binding.id}/{sku:quoted}", "record": {"price": "{price:text}"}},
    ],
    "values": {"status": {"active": "on", "archived": 'o"ff'}},
    "cleared": {"title": "", "price": None},
}  # fmt: skip


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "a.duckdb")


def woocommerce(entity):
    return load_connector("woocommerce").push(entity)


PRICE = {"post": "/items", "record": {"price": "{price}"}}

CASES = {
    "a connector with every kind of value": (PRODUCT, PushFacts.model_validate(TYPED), {}),
    "prices as JSON numbers": (PRODUCT, PushFacts.model_validate({**FACTS, "update": [PRICE], "echo": []}), {}),
    "the usual facts of these tests": (PRODUCT, PushFacts.model_validate(FACTS), {}),
    "products of a shop": (PRODUCT, woocommerce("product"), {}),
    "stock of a shop": (STOCK, woocommerce("stocklevel"), {"locationId": "main"}),
}


def fill(con, entity, facts, rng, count=450):
    """An outbox, what was accepted, and bindings: some keys have none, some two, some are under a parent."""
    names = sorted(sendable(facts, entity))

    def some(share):
        return {name: rng.choice(VALUES[name]) for name in names if rng.random() < share}

    for number in range(count):
        sku, place = f"S{number}", rng.choice(["main", "main", "main", "else"])
        key = json.dumps(
            {"sku": sku} if entity is PRODUCT else {"sku": sku, "locationId": place}, separators=(",", ":")
        )
        con.execute(
            "INSERT INTO outbox (push, key, source, sequence, desired, state, attempts, dueAt, queuedAt)"
            " VALUES ('p', ?, 'erp/x', ?, ?, 'due', 0, now(), now())",
            [key, number, json.dumps(some(0.7))],
        )
        if rng.random() < 0.5:
            con.execute(
                "INSERT INTO accepted (connection, entity, key, fields) VALUES ('shop', ?, ?, ?)",
                [entity.name, key, json.dumps(some(0.7) | {"other": {"a": "b"}})],
            )
        bound = json.dumps({"sku": sku}, separators=(",", ":"))
        for _ in range(rng.choice([0, 1, 1, 1, 1, 2])):
            id_ = rng.choice(IDS) if rng.random() < 0.1 else str(number + 1)
            ids = {"id": id_} | rng.choice([{"parent": "0"}, {"parent": "9"}, {}])
            con.execute(
                "INSERT INTO bindings (connection, entity, key, id, externalId, live)"
                " VALUES ('shop', 'product', ?, ?, ?, true)",
                [bound, ids["id"], json.dumps(ids)],
            )


def claimed_both_ways(store, entity, facts, fixed, seed):
    """(Ready or not, as Python has it) for every key, and what stays accepted of it while it is under way."""
    push = Push.model_validate({"name": "p", "from": "erp/x", "to": "shop"})
    written = ready_forms(entity, facts, SETTINGS, fixed)
    with store.session() as con:
        fill(con, entity, facts, random.Random(seed))
    found, left = [], {}
    for forms in (None, written):
        with store.session() as con:
            found.append(claim(con, push, entity, PRODUCT, sendable(facts, entity), 10_000, forms))
            left = dict(con.execute("SELECT key, fields FROM accepted").fetchall())
            con.rollback()
            con.begin()
    return list(zip(found[1], found[0], strict=True)), left


def by_hand(entity, facts, row):
    """What the long way sends for a bound key; None: nothing, or it refuses."""
    item = Item(row.ids[0])
    step = next_step(facts, entity, row, item, "shop")
    if isinstance(step, Ended):
        return None
    try:
        return payload(entity, facts, row, step.form, item, References({}, {}, SETTINGS, "shop"), step.fields)
    except (RejectError, ConfigError):
        return None


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("case", CASES)
def test_the_store_writes_what_the_long_way_makes(store, case, seed):
    entity, facts, fixed = CASES[case]
    rows, left = claimed_both_ways(store, entity, facts, fixed, seed)
    seen = Counter()
    for row, whole in rows:
        assert (row.key, row.desired, row.accepted, row.ids) == (whole.key, whole.desired, whole.accepted, whole.ids)
        if not isinstance(row, Ready):
            continue
        assert len(whole.ids) == 1
        expected = by_hand(entity, facts, whole)
        assert expected.form is facts.update[row.form]
        assert json.loads(row.record) == json.loads(json.dumps(expected.record))
        assert row.taken.column("path")[row.place] in (None, expected.path)
        assert expected.form.path_is_fixed or row.taken.column("path")[row.place]
        after = json.loads(row.taken.table.column("after")[row.place].as_py())
        assert after == {**whole.accepted, **expected.fields}
        under_way = {name: value for name, value in whole.accepted.items() if name not in expected.fields}
        assert json.loads(left.get(row.key) or "{}") == under_way
        seen[row.form] += 1
    assert seen.keys() == set(range(len(facts.update)))
    assert seen[0] > 10


@pytest.mark.parametrize("case", CASES)
def test_only_what_the_long_way_must_look_at_is_left_to_it(store, case):
    entity, facts, fixed = CASES[case]
    plain = {place for place, form in enumerate(ready_forms(entity, facts, SETTINGS, fixed).forms) if form}
    for row, whole in claimed_both_ways(store, entity, facts, fixed, 11)[0]:
        if isinstance(row, Ready) or len(whole.ids) != 1:
            continue
        elsewhere = any(json.loads(row.key)[name] != value for name, value in fixed.items())
        made = by_hand(entity, facts, whole)
        special = made is not None and (
            any(_is_special(*one) for one in whole.desired.items()) or not _is_plain(made.path)
        )
        assert elsewhere or made is None or facts.update.index(made.form) not in plain or special, whole


def _is_plain(path):
    """Whether nothing in it has a meaning in a path."""
    return all(re.fullmatch("[A-Za-z0-9_~-][A-Za-z0-9._~-]*", segment) for segment in path.split("/")[1:])


def _is_special(name, stored):
    """A text that is no plain number: negative zero, a code with an exponent, or more digits than fit."""
    return (
        stored in ("-0.0000", "-0")
        or (name, stored) == ("barcode", "1e5")
        or (isinstance(stored, str) and stored.lstrip("-").isdigit() and len(stored) > 18)
    )


@pytest.mark.parametrize(
    "parts",
    [
        {"read": {"get": "/items", "match": "item.id"}},
        {"update": [{"put": "/items/{sku:integer}", "record": {"price": "{price}"}}]},
        {"update": [{"put": "/items/{title}", "record": {"price": "{price}"}}]},
        {"update": [{"put": "/{settings.no}/{sku}", "record": {"price": "{price}"}}]},
        {"update": [{"post": "/items", "record": {"price": "{price} {currency}"}}]},
        {"update": [{"post": "/items", "record": {"changed": "{updatedAt}"}}]},
        {"update": [{"post": "/items", "record": {"price": "{price}"}, "defaults": {"price": 0}}]},
        {"update": [{"post": "/items", "record": {"id": "{binding.id}"}}]},
        {"update": [], "create": None, "upsert": PRICE},
        {"update": [{**PRICE, "headers": {"X-Sku": "{sku}"}}]},
        {"update": [{**PRICE, "json": {"by": "{title}"}}]},
        {"update": [{**PRICE, "when": {"binding.kind": "*"}}]},
        {"update": [{**PRICE, "record": {"price": "{price}", "key": "{idempotency}"}}]},
        {"update": [{**PRICE, "record": {"price": "{price}", "number": "{index}"}}]},
        {"update": [{**PRICE, "record": {"price": "{price}", "more": {"sku": "{sku}"}}}]},
        {
            "update": [{**PRICE, "record": {"price": "{price}", "on": "{on}"}}],
            "also": {"on": {"of": "status", "values": {}}},
        },
        {"scale": {"price": 100}},
        {"read": {"get": "/items", "match": "item.id"}, "now": {"rev": "item.rev"}},
    ],
)
def test_facts_that_need_more_than_one_value_are_left_to_the_long_way(parts):
    assert ready_forms(PRODUCT, PushFacts.model_validate({**FACTS, **parts}), {}, {}) is None


@pytest.mark.parametrize(
    "form",
    [
        {"headers": {"Key": "{idempotency}"}},
        {"json": {"channel": "{settings.channel}"}},
        {"when": {"binding.kind": ""}},
        {"post": "/items/{sku}"},
        {"post": "/{settings.channel}/items/{binding.id}"},
    ],
)
def test_what_is_no_part_of_a_record_keeps_nobody_from_writing_it(form):
    facts = PushFacts.model_validate({**FACTS, "update": [{**PRICE, **form}]})
    assert ready_forms(PRODUCT, facts, SETTINGS, {}).forms[0] is not None


def test_an_accepted_ready_key_leaves_the_outbox_with_a_receipt_and_its_values(store):
    # given
    entity, facts, fixed = CASES["products of a shop"]
    push = Push.model_validate({"name": "p", "from": "erp/x", "to": "shop"})
    with store.session() as con:
        fill(con, entity, facts, random.Random(5), 60)
        written = ready_forms(entity, facts, SETTINGS, fixed)
        rows = [
            r for r in claim(con, push, entity, PRODUCT, sendable(facts, entity), 60, written) if isinstance(r, Ready)
        ]
        after = {row.key: json.loads(row.taken.table.column("after")[row.place].as_py()) for row in rows}
        # when
        acknowledge(con, push, entity, PRODUCT, [], [Accepted(rows[0].taken, [row.place for row in rows], None)])
        # then
        left = {key for (key,) in con.execute("SELECT key FROM outbox").fetchall()}
        assert left.isdisjoint(after)
        kept = {key: json.loads(fields) for key, fields in con.execute("SELECT key, fields FROM accepted").fetchall()}
        assert {key: kept[key] for key in after} == after
        receipts = con.execute("SELECT key, outcome, sent, attempt, claim FROM receipts").fetchall()
    assert {key: sent for key, outcome, sent, *_ in receipts} == {row.key: row.record for row in rows}
    assert {(outcome, attempt, name) for _, outcome, _, attempt, name in receipts} == {("accepted", 1, rows[0].claim)}


def test_a_refused_ready_key_is_dead_and_what_the_destination_had_is_known_again(store):
    # given
    entity, facts, fixed = CASES["products of a shop"]
    push = Push.model_validate({"name": "p", "from": "erp/x", "to": "shop"})
    with store.session() as con:
        fill(con, entity, facts, random.Random(5), 60)
        had = dict(con.execute("SELECT key, fields FROM accepted").fetchall())
        written = ready_forms(entity, facts, SETTINGS, fixed)
        rows = claim(con, push, entity, PRODUCT, sendable(facts, entity), 60, written)
        row = next(row for row in rows if isinstance(row, Ready) and row.key in had)
        # when
        acknowledge(con, push, entity, PRODUCT, [Settled(row, "rejected", "no")])
        # then
        assert con.execute("SELECT state, reason FROM outbox WHERE key = ?", [row.key]).fetchall() == [("dead", "no")]
        ((kept,),) = con.execute("SELECT fields FROM accepted WHERE key = ?", [row.key]).fetchall()
    assert json.loads(kept) == json.loads(had[row.key])
