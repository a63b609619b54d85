"""Acknowledge: what became of each claimed key, committed in groups."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import duckdb
import orjson
import pyarrow as arrow
from pyarrow import compute

from pullpush_dagster.canonical import Entity
from pullpush_dagster.changes.affected import Affected, note_affected
from pullpush_dagster.changes.behind import promote
from pullpush_dagster.changes.taken import Claimed, Fields, Taken
from pullpush_dagster.config import Push
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import used

_SQL = named_sql(__package__, "acknowledge.sql")
_ATTEMPTS = 10
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
# Columns of a claim that outcomes have as well, and its record and what is known after it.
_SAME = ("key", "source", "sequence", "attempts")
_OF_CLAIM = [*_SAME, "record", "after"]
_SCHEMA = arrow.schema(
    [
        (name, arrow.string())
        for name in ("key", "claim", "source", "outcome", "reason", "sent", "answer", "fields", "state")
    ]
    + [("externalId", arrow.string()), ("boundKey", arrow.string())]
    + [(name, arrow.bool_()) for name in ("unbind", "decides", "repeated", "requeued", "there")]
    + [("sequence", arrow.int64()), ("attempts", arrow.int32())]
    + [("dueAt", arrow.timestamp("us", tz="UTC")), ("sentAt", arrow.timestamp("us", tz="UTC"))]
)


@dataclass(slots=True)
class Settled:
    """What became of one claimed key.

    Attributes:
        outcome: accepted, rejected, retry, unknown, waiting, skipped.
        sent: canonical fields the destination took with this; only for accepted.
        payload, answer: what went out and what came back, without secrets; None: nothing did.
        due_in: seconds until the next attempt, for retry and unknown.
        external_id: the item's ids, when they were learned; bound_key: under which key.
        unbind: the stored ids are stale.
        lost: what the destination has now is not known.
        again: another step follows, so the key stays due.
        unconfirmed: it may be there by now, and the destination cannot be asked, so that a person must.
        held: its claim goes on with it, so that this says nothing of what becomes of it: there is only the receipt.
        requeued: it goes behind all that is queued by now.
    """

    claimed: Claimed
    outcome: str
    reason: str | None = None
    sent: Mapping[str, Any] | None = None
    payload: Any = None
    answer: Any = None
    sent_at: dt.datetime | None = None
    due_in: float = 0.0
    external_id: Fields | None = None
    bound_key: str | None = None
    unbind: bool = False
    lost: bool = False
    again: bool = False
    unconfirmed: bool = False
    held: bool = False
    requeued: bool = False

    @property
    def attempts(self) -> int:
        """With this one. A refused login or a missing item does not wear a record out, so only what was sent counts."""
        return self.claimed.attempts + (self.sent_at is not None)

    @property
    def fate(self) -> str:
        """The outcome; but where every step is answered and there is always another one, that is a refusal."""
        return "rejected" if self.again and self.attempts >= _ATTEMPTS else self.outcome


@dataclass(frozen=True)
class Accepted:
    """Keys of one request that the store wrote, and that were taken: all else that is to be known is in their claim.

    Most are, and a list of places takes a tenth of the time that a ``Settled`` for each would.
    """

    claim: Taken
    places: Sequence[int]
    sent_at: dt.datetime | None

    @cached_property
    def followed(self) -> list[int]:
        """Those that others of their keys follow."""
        following = self.claim.following
        return [place for place in self.places if place in following] if following else []

    @property
    def ends(self) -> int:
        """How many keys come to their end with them."""
        return len(self.places) - len(self.followed)

    @property
    def keys(self) -> list[str]:
        """Theirs."""
        keys = self.claim.keys
        return [keys[place] for place in self.places]


def acknowledge(
    con: duckdb.DuckDBPyConnection,
    push: Push,
    entity: Entity,
    bound_as: Entity,
    settled: Sequence[Settled],
    accepted: Sequence[Accepted] = (),
    affected: Affected | None = None,
) -> None:
    """Record outcomes: receipts for all; accepted values, dead letters and next attempts for what is still ours.

    After ten attempts without an answer either way a key is a dead letter.
    """
    now = dt.datetime.now(dt.UTC)
    # In one piece: DuckDB reads many small ones ten times slower.
    table = arrow.concat_tables([_table(settled, now), *_ready_tables(accepted, now)]).combine_chunks()
    con.register("settled", table)
    values = {"push": push.name, "to": push.to, "entity": entity.name, "bound_as": bound_as.name, "now": now}
    con.execute(_SQL["receipts"], used(_SQL["receipts"], values))
    deciding = compute.sum(table.column("decides")).as_py()
    if deciding:
        ((ours, newer, refused, moved),) = con.execute(_SQL["still_ours"], {"push": push.name}).fetchall()
        meanwhile = [*(["hand_over"] if moved else []), *(["give_up"] if refused else [])]
        for step in _steps(settled, accepted, meanwhile, whole=ours == deciding, renewed=bool(newer)):
            con.execute(_SQL[step], used(_SQL[step], values))
        if push.sends_each(entity.deliver):
            promote(con, push, now, among="mine")
        con.execute(f"DROP {'VIEW' if ours == deciding else 'TABLE'} mine")
    con.unregister("settled")
    if affected is not None:
        # Found to be there counts as well: its own answer may have been lost, or the process that asked.
        rows = [one.claimed for one in settled if one.outcome == "accepted" or one.sent]
        note_affected(con, affected, [*rows, *(one.claim[place] for one in accepted for place in one.places)], now)


def _table(settled: Sequence[Settled], now: dt.datetime) -> arrow.Table:
    """Column by column, since a row each as a dict costs as much as sending it."""
    states = [_state(one) for one in settled]
    rows = [one.claimed for one in settled]
    columns = {
        "key": [row.key for row in rows],
        "claim": [row.claim for row in rows],
        "source": [row.source for row in rows],
        "outcome": [one.fate for one in settled],
        "reason": [_reason(one, state) for one, state in zip(settled, states, strict=True)],
        "sent": [_json(one.payload) for one in settled],
        "answer": [_json(one.answer) for one in settled],
        "fields": [_json(_accepted(one)) for one in settled],
        "state": states,
        "externalId": [_json(one.external_id) for one in settled],
        "boundKey": [one.bound_key for one in settled],
        "unbind": [one.unbind for one in settled],
        "decides": [not one.held for one in settled],
        "repeated": [row.repeated for row in rows],
        "there": [_is_there(one) for one in settled],
        "requeued": [one.requeued for one in settled],
        "sequence": [row.sequence for row in rows],
        "attempts": [one.attempts for one in settled],
        "dueAt": [now + dt.timedelta(seconds=one.due_in) if one.due_in else now for one in settled],
        "sentAt": [one.sent_at for one in settled],
    }
    return arrow.table([columns[name] for name in _SCHEMA.names], schema=_SCHEMA)


def _steps(
    settled: Sequence[Settled], accepted: Sequence[Accepted], meanwhile: list[str], *, whole: bool, renewed: bool
) -> list[str]:
    """What there is to do, beside what every accepted key needs. A step without work costs as much as one with it.

    Args:
        meanwhile: what to do about what befell some of them. whole: all of it is still this claim's. renewed: a newer
            version of some came meanwhile.
    """
    deciding = [one for one in settled if not one.held]
    failed = any(one.claimed.follows for one in deciding)
    steps = ["all_mine" if whole else "mine"]
    steps += ["unbind"] if any(one.unbind or one.external_id for one in settled) else []
    steps += ["advance"] if failed else []
    steps += ["passed"] if failed or any(one.claim.following for one in accepted) else []
    found = ["found"] if any(one.outcome == "skipped" and _is_there(one) for one in deciding) else []
    steps += ["forget", "accept", *found, *meanwhile, "done", *(["renewed"] if renewed else [])]
    steps += ["put_back"] if any(_state(one) for one in deciding) else []
    return steps + (["unlearn", "bind"] if any(one.external_id for one in settled) else [])


def _ready_tables(accepted: Sequence[Accepted], now: dt.datetime) -> Iterator[arrow.Table]:
    """The same of accepted keys whose requests were written by the store, out of the claims' own tables."""
    for name in dict.fromkeys(one.claim.claim for one in accepted):
        same = [one for one in accepted if one.claim.claim == name]
        claim, places = same[0].claim, [place for one in same for place in one.places]
        rows_of = claim.table.select(_OF_CLAIM).take(places)
        given = dict(zip((*_SAME, "sent", "fields"), rows_of.columns, strict=True))
        tried = arrow.array([1 + claim.again[place] for place in places], arrow.int32()) if claim.again else 1
        given["attempts"] = compute.add(given["attempts"], tried)
        # As one list: each call of Arrow lets go of the interpreter, and may wait for it again.
        sent_at = [at for one in same for at in [_microseconds(one.sent_at)] * len(one.places)]
        given["sentAt"] = arrow.array(sent_at, arrow.int64())
        # What its key comes to is told by the one that follows it, or by that one's failure.
        given["decides"] = arrow.array([place not in claim.following for place in places], arrow.bool_())
        no = dict.fromkeys(("unbind", "repeated", "requeued"), False)
        always = {"claim": claim.claim, "outcome": "accepted", **no, "dueAt": now}
        columns = [
            given[field.name].cast(field.type)
            if field.name in given
            else arrow.repeat(arrow.scalar(always.get(field.name), field.type), len(places))
            for field in _SCHEMA
        ]
        yield arrow.table(columns, schema=_SCHEMA)


def _microseconds(instant: dt.datetime | None) -> int | None:
    """Since 1970."""
    return None if instant is None else (instant - _EPOCH) // dt.timedelta(microseconds=1)


def _state(one: Settled) -> str | None:
    """What becomes of the key in the outbox; None: it leaves it."""
    if one.unconfirmed:
        return "unconfirmed"
    state = "due" if one.again else _STATES[one.outcome]
    return "dead" if state == "due" and one.attempts >= _ATTEMPTS else state


def _reason(one: Settled, state: str | None) -> str | None:
    if state != "dead" or one.outcome == "rejected":
        return one.reason
    return f"{one.reason or 'all was answered, and it is still not so'} ({one.attempts} attempts)"


_STATES: dict[str, str | None] = {
    "accepted": None, "skipped": None, "rejected": "dead", "waiting": "waiting", "retry": "due", "unknown": "due",
}  # fmt: skip


def _accepted(one: Settled) -> Fields | None:
    """What the destination is now known to have. None: as the claim left it, with the sent fields forgotten."""
    if one.outcome == "unknown" or one.lost:
        row = one.claimed
        # Where the claim left its key, the rows before this one were not taken yet.
        return {n: value for n, value in row.accepted.items() if n not in row.todo} if row.follows else None
    # An item that was found or made only now never took what another one had accepted under this key, and what is
    # known of the key is in the outbox as long as that is there.
    had = {} if not one.claimed.ids and one.outcome != "skipped" else one.claimed.accepted
    fields = {**had, **(one.sent or {})}
    return fields or None


def _is_there(one: Settled) -> bool:
    """Told only of those of which it is asked: to know it, a row that the store wrote must be read."""
    return one.outcome in ("retry", "skipped") and bool(one.claimed.ids or one.external_id)


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()
