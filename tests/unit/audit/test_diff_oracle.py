"""What two pulls differ in, told by a plain reading of dicts, and by the engine: the two must agree.

Records are written as platforms write them, one value in many spellings, and go the whole way: read, kept, audited. The
oracle knows nothing of SQL. ``PULLPUSH_PAIRS`` says how many pairs of pulls (10,000 in full), PULLPUSH_SEED which.
"""

import datetime as dt
import itertools
import os
import random
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.canonical.types import ListOf, Scalar, Struct

PAIRS = int(os.environ.get("PULLPUSH_PAIRS", "500"))
PULLS = 5  # of one group of keys; each but the first makes a pair with what was accepted before it
GROUPS = 42  # that are pulled together: keys of two groups never meet
SEED = int(os.environ.get("PULLPUSH_SEED", "1"))
BATCHES = -(-PAIRS // (len(ENTITIES) * (PULLS - 1) * GROUPS))

Key = tuple[str, ...]
Records = dict[Key, dict[str, Any]]
Found = dict[Key, tuple[str, list[str]]]
MISSING, UNKNOWN, CLEARED = "<missing>", "<unknown>", "<cleared>"
NFC, NFD = unicodedata.normalize("NFC", "Café"), unicodedata.normalize("NFD", "Café")
SPELLINGS: dict[str, list[Any]] = {
    "text": ["a", "A", NFC, NFD, "Straße", "STRASSE", "😀", "👩‍👩‍👧", " a", "NaN", "null", "0", "-0", "O'Hare", 'q"\\',
             "x\ny"],
    "decimal": [5, 5.0, "5", "5.0000", "5.00", "5e0", 0, -0.0, "0", "-0", "-0.0", "0.0000", -5, "-5.0", "0.0001", 19.99,
                "19.9900", "99999999999999.9999", 1e3, "1000"],
    "integer": [0, "0", 5, "5", 61, 86400],
    "instant": ["2026-11-01T10:00:00Z", "2026-11-01T12:00:00+02:00", "2026-11-01 10:00:00", "2026-10-31T22:00:00-12:00",
                "2026-11-01T10:00:00.000000Z", "2026-11-01T10:00:00.000001Z", "2026-11-01T10:00:00+01:00"],
    "json": [{}, {"size": "L"}, {"size": "M", "colour": "é"}],
}  # fmt: skip
UNREADABLE = {"decimal": ["NaN", "Infinity", "many", "0.00001", "123456789012345"], "integer": ["1.5", "x"],
              "instant": ["yesterday", "2026-13-01"]}  # fmt: skip
ALLOWED = {
    ("order", "status"): ["pending", "paid", "fulfilled"], ("product", "status"): ["draft", "active"],
    ("invoice", "status"): ["open", "paid"], ("call", "direction"): ["inbound", "outbound"],
    ("contact", "marketingConsent"): ["subscribed", "unsubscribed", "unknown"],
} | {(name, "currency"): ["EUR", "USD"] for name in ("order", "product", "invoice")}  # fmt: skip
NULL_IS_UNKNOWN = {("stocklevel", "quantity"), ("contact", "marketingConsent")}
AMOUNTS = {"quantity", "unitPrice", "totalAmount", "price"}
KEYS = [NFC, NFD, "K", "k", "😀", "a b", "O'Hare \\"]


class Unreadable(Exception):
    """The record must be set aside."""


# What a native value means.


def read(type_: Any, native: Any) -> Any:
    """A value that is equal to another one just when the two mean the same; None: it says nothing."""
    match type_:
        case Struct(fields):
            parts = {name: read(part, native.get(name)) for name, part in fields.items()}
            return None if set(parts.values()) == {None} else tuple(parts.items())
        case ListOf(item):
            # In rows of a list a number may have 15 digits: whether it came as text is not told apart there.
            if any(len(str(row[part]).replace(".", "")) > 15 for row in native for part in row if part in AMOUNTS):
                raise Unreadable
            return frozenset(Counter(read(item, row) for row in native).items())
    if native is None or native == "":
        return None
    if type_.kind == "json":
        return orjson.dumps(native).decode()
    if type_.kind == "decimal":
        return decimal(native)
    try:
        if type_.kind == "integer":
            return int(str(native))
        if type_.kind == "instant":
            when = dt.datetime.fromisoformat(native)
            return when if when.tzinfo else when.replace(tzinfo=dt.UTC)
    except ValueError:
        raise Unreadable from None
    return native


def decimal(native: Any) -> Decimal:
    try:
        number = Decimal(str(native))
    except InvalidOperation:
        raise Unreadable from None
    if not number.is_finite() or abs(number) >= 10**14 or number != round(number, 4):
        raise Unreadable
    return number


def state(entity: Any, name: str, record: dict[str, Any]) -> Any:
    """What a record says of one field: a value, CLEARED or UNKNOWN."""
    type_, native = entity.fields[name], record.get(name, MISSING)
    if native == MISSING:
        return UNKNOWN
    empty = UNKNOWN if (entity.name, name) in NULL_IS_UNKNOWN or isinstance(type_, Struct) else CLEARED
    if native is None:
        return empty
    value = read(type_, native)
    return empty if value is None else value


@dataclass
class Known:
    """What is known of one key: each field's last state, and how often in a row it was absent."""

    fields: dict[str, Any] = field(default_factory=dict)
    absent: int = 0
    deleted: bool = False


class Oracle:
    """Full pulls, one after the other, of one entity."""

    def __init__(self, entity: Any) -> None:
        self.entity = entity
        self.known: dict[Key, Known] = {}

    def pull(self, records: Records) -> Found:
        """key -> (insert, update, delete, absent or returned; the fields that changed). Other keys are as they were."""
        found = {}
        for key in self.known.keys() | records.keys():
            known = self.known.get(key)
            told = self._missing(known) if key not in records else self._given(key, known, records[key])
            if told is not None:
                found[key] = told
        return found

    def _missing(self, known: Known) -> tuple[str, list[str]] | None:
        if known.deleted:
            return None
        known.absent += 1
        known.deleted = known.absent == 2
        return ("delete" if known.deleted else "absent"), []

    def _given(self, key: Key, known: Known | None, record: dict[str, Any]) -> tuple[str, list[str]] | None:
        was_absent = known is not None and known.absent == 1
        try:
            said = {name: state(self.entity, name, record) for name in self.entity.compared}
            state(self.entity, "updatedAt", record) if "updatedAt" in self.entity.fields else None
        except Unreadable:
            if known and not known.deleted:
                known.absent = 0
            return ("returned", []) if was_absent else None
        new = known is None or known.deleted
        before = {} if new else known.fields
        changed = [name for name, value in said.items() if value != UNKNOWN and value != before.get(name, UNKNOWN)]
        merged = {name: before.get(name, UNKNOWN) if value == UNKNOWN else value for name, value in said.items()}
        self.known[key] = Known(merged)
        return ("insert" if new else "update", changed) if new or changed else ("returned", []) if was_absent else None


# Records as platforms write them.


def spelled(rng: random.Random, entity: Any, name: str, type_: Any) -> Any:
    """Some native value of that type."""
    match type_:
        case Struct(fields):
            return {part: spelled(rng, entity, "", t) for part, t in fields.items() if rng.random() < 0.5}
        case ListOf(item):
            first = next(iter(item.fields))
            rows = [spelled(rng, entity, "", item) for _ in range(rng.choice([0, 1, 2, 3, 5]))]
            return [row | {first: rng.choice("abcdXY") + rng.choice(["", "1", "é"])} for row in rows]
    return rng.choice(ALLOWED.get((entity.name, name)) or SPELLINGS[type_.kind])


def respelled(rng: random.Random, type_: Any, native: Any) -> Any:
    """The same value, written in another way."""
    match type_:
        case Struct(fields):
            again = {part: respelled(rng, fields[part], native[part]) for part in native}
            return again | {part: rng.choice([None, ""]) for part in fields.keys() - again.keys() if rng.random() < 0.3}
        case ListOf(item):
            return rng.sample([respelled(rng, item, row) for row in native], len(native))
    if native in (None, "", MISSING):
        return native
    meant = read(type_, native)
    return rng.choice([native, *(one for one in SPELLINGS[type_.kind] if read(type_, one) == meant)])


def a_record(rng: random.Random, entity: Any, before: dict[str, Any] | None) -> dict[str, Any]:
    """A native record without its key; mostly ``before`` in other words."""
    record = {}
    for name in entity.fields.keys() - set(entity.key):
        type_ = entity.fields[name]
        kind = rng.random()
        if before is not None and kind < 0.7:
            old = before[name]
            whole = old in (None, MISSING, "") or old in UNREADABLE.get(getattr(type_, "kind", ""), [])
            record[name] = old if whole else respelled(rng, type_, old)
        elif kind < 0.8:
            record[name] = rng.choice([MISSING, MISSING, None] + ([""] if isinstance(type_, Scalar) else [None]))
        elif kind > 0.995 and isinstance(type_, Scalar) and type_.kind in UNREADABLE:
            record[name] = rng.choice(UNREADABLE[type_.kind])
        else:
            record[name] = spelled(rng, entity, name, type_)
    return record


def a_pull(rng: random.Random, entity: Any, before: Records) -> Records:
    """The records of every group of keys, by key."""
    found = {}
    for group, name in itertools.product(range(GROUPS), KEYS):
        if rng.random() < 0.75:
            key = tuple(f"{group}-{name}" for _ in entity.key)
            key = (f"{key[0].lower()}@x.example".replace(" ", "_"),) if entity.name == "contact" else key
            found[key] = a_record(rng, entity, before.get(key) if rng.random() < 0.9 else None)
    return found


def native_map(entity: Any) -> dict[str, Any]:
    """A canonical_map in which every native field has its canonical name."""
    found: dict[str, Any] = {}
    for name, type_ in entity.fields.items():
        match type_:
            case Struct(fields):
                found[name] = {"fields": {part: f"item.{name}.{part}" for part in fields}}
            case ListOf(item):
                found[name] = {"from": f"item.{name}", "each": {part: f"each.{part}" for part in item.fields}}
            case _:
                found[name] = f"item.{name}"
    return found


# The engine, asked the same.


def found_by(source: Any, entity: Any, records: Records) -> Found:
    """What the engine makes of one more full pull, in the oracle's words."""
    absent = absent_keys(source, entity)
    source.minute += 10  # sooner than that, an older stamp is a stale row, which the oracle knows nothing of
    natives = [
        dict(zip(entity.key, key, strict=True)) | {"id": "/".join(key), "live": True}
        | {name: value for name, value in record.items() if value != MISSING}
        for key, record in records.items()
    ]  # fmt: skip
    source(natives)
    sql = "SELECT key, op, fields FROM changes WHERE audit = (SELECT max(audit) FROM audits)"
    changes = {tuple(orjson.loads(key).values()): (op, fields) for key, op, fields in source.rows(sql)}
    now = absent_keys(source, entity)
    noted = {key: ("absent", []) for key in now - absent} | {key: ("returned", []) for key in absent - now}
    return noted | changes


def absent_keys(source: Any, entity: Any) -> set[Key]:
    names = ", ".join(f'"{name}"' for name in entity.key)
    return set(source.rows(f"SELECT {names} FROM baseline_{entity.name} WHERE _absent = 1 AND NOT _deleted"))


def accepted(source: Any, entity: Any) -> Records:
    """Every accepted record, as the oracle keeps it."""
    rows = source.con.execute(f"SELECT * FROM baseline_{entity.name} WHERE NOT _deleted").to_arrow_table().to_pylist()
    return {
        tuple(row[name] for name in entity.key): {name: _accepted(entity, row, name) for name in entity.compared}
        for row in rows
    }


def _accepted(entity: Any, row: dict[str, Any], name: str) -> Any:
    if row[name] is None:
        return CLEARED if name in row["_cleared"] else UNKNOWN
    return _meant(entity.fields[name], row[name])


def _meant(type_: Any, value: Any) -> Any:
    match type_:
        case Struct(fields):
            return tuple((name, _meant(part, value[name])) for name, part in fields.items())
        case ListOf(item):
            return frozenset(Counter(_meant(item, row) for row in value).items())
    return value


@pytest.mark.parametrize("name", ENTITIES)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_the_engine_and_a_plain_reading_agree_on_every_key_and_field(source, name, batch):
    # given
    entity, seed = ENTITIES[name], f"{SEED}-{name}-{batch}"
    rng, oracle, pulled = random.Random(seed), Oracle(entity), source(name, map=native_map(entity))
    ensure_tables(pulled.con, entity)
    records: Records = {}
    for number in range(PULLS):
        where = f"seed {seed}, pull {number}"
        records = a_pull(rng, entity, records)
        # when
        wanted, found = oracle.pull(records), found_by(pulled, entity, records)
        # then
        wrong = apart(wanted, found)
        assert wrong == {}, f"{where}: {[records.get(key) for key in wrong]}; set aside: {pulled.quarantined()}"
        known = {key: one.fields for key, one in oracle.known.items() if not one.deleted}
        assert apart(known, accepted(pulled, entity)) == {}, where


def apart(oracle: dict[Key, Any], engine: dict[Key, Any]) -> dict[Key, tuple[Any, Any]]:
    """What the oracle says and what the engine does, for each key on which they disagree."""
    keys = [key for key in oracle.keys() | engine.keys() if oracle.get(key) != engine.get(key)]
    return {key: (oracle.get(key), engine.get(key)) for key in keys}
