"""Acknowledge: what became of each claimed key, committed in groups."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import pyarrow as arrow

from pullpush_dagster.canonical import Entity
from pullpush_dagster.changes.claiming import Claimed, Fields
from pullpush_dagster.config import Push
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import used

_SQL = named_sql(__package__, "acknowledge.sql")
_ATTEMPTS = 10
_SCHEMA = arrow.schema(
    [
        (name, arrow.string())
        for name in ("key", "claim", "source", "outcome", "reason", "sent", "answer", "fields", "state")
    ]
    + [("externalId", arrow.string()), ("boundKey", arrow.string()), ("unbind", arrow.bool_())]
    + [("sequence", arrow.int64()), ("attempts", arrow.int32())]
    + [("dueAt", arrow.timestamp("us", tz="UTC")), ("sentAt", arrow.timestamp("us", tz="UTC"))]
)


@dataclass(frozen=True)
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
    """

    claimed: Claimed
    outcome: str
    reason: str | None = None
    sent: Fields | None = None
    payload: Any = None
    answer: Any = None
    sent_at: dt.datetime | None = None
    due_in: float = 0.0
    external_id: Fields | None = None
    bound_key: str | None = None
    unbind: bool = False
    lost: bool = False
    again: bool = False


@dataclass(frozen=True)
class Affected:
    """What an accepted record changes at its source by itself, as an order lowers the stock of its shop.

    Attributes:
        path: of the other entity's key in the record: ``lineItems.sku``.
        pushes: connection the record came from -> pushes that send that entity there.
    """

    path: str
    pushes: Mapping[str, Sequence[str]]


def acknowledge(
    con: duckdb.DuckDBPyConnection,
    push: Push,
    entity: Entity,
    bound_as: Entity,
    settled: list[Settled],
    affected: Affected | None = None,
) -> None:
    """Record outcomes: receipts for all; accepted values, dead letters and next attempts for what is still ours.

    After ten attempts without an answer either way a key is a dead letter.
    """
    now = dt.datetime.now(dt.UTC)
    con.register("settled", arrow.Table.from_pylist([_row(one, now) for one in settled], _SCHEMA))
    values = {"push": push.name, "to": push.to, "entity": entity.name, "bound_as": bound_as.name, "now": now}
    for step in ("mine", "forget", "accept", "done", "renewed", "put_back", "receipts", "unbind", "unlearn", "bind"):
        con.execute(_SQL[step], used(_SQL[step], values))
    con.execute("DROP TABLE mine")
    con.unregister("settled")
    if affected is not None:
        _note(con, affected, settled, now)


def _note(con: duckdb.DuckDBPyConnection, affected: Affected, settled: list[Settled], now: dt.datetime) -> None:
    """Remember what accepted records changed at their source, for the pushes that go there."""
    field, _, part = affected.path.partition(".")
    touched = {
        (push, row[part])
        for one in settled
        if one.outcome == "accepted" and one.sent_at is not None
        for push in affected.pushes.get(one.claimed.source.partition("/")[0], ())
        for fields in (one.claimed.accepted, one.claimed.desired)
        for row in fields.get(field) or []
        if row.get(part) is not None
    }
    if touched:
        names, values = zip(*sorted(touched), strict=True)
        con.register("touched", arrow.table({"push": names, "field": [part] * len(names), "value": values}))
        for step in ("forget_affected", "affect"):
            con.execute(_SQL[step], used(_SQL[step], {"now": now}))
        con.unregister("touched")


def _row(one: Settled, now: dt.datetime) -> dict[str, Any]:
    # Only what was sent and not answered wears a record out: a refused login or a missing item is not its fault.
    attempts = one.claimed.attempts + (one.sent_at is not None)
    state = _STATES[one.outcome]
    if one.again:
        state = "due"
    if state == "due" and attempts >= _ATTEMPTS:
        state = "dead"
    return {
        "key": one.claimed.key,
        "claim": one.claimed.claim,
        "source": one.claimed.source,
        "sequence": one.claimed.sequence,
        "outcome": one.outcome,
        "reason": one.reason if state != "dead" or one.outcome == "rejected" else f"{one.reason} ({attempts} attempts)",
        "sent": _json(one.payload),
        "answer": _json(one.answer),
        "fields": _json(_accepted(one)),
        "state": state,
        "attempts": attempts,
        "dueAt": now + dt.timedelta(seconds=one.due_in),
        "sentAt": one.sent_at,
        "externalId": _json(one.external_id),
        "boundKey": one.bound_key,
        "unbind": one.unbind,
    }


_STATES: dict[str, str | None] = {
    "accepted": None, "skipped": None, "rejected": "dead", "waiting": "waiting", "retry": "due", "unknown": "due",
}  # fmt: skip


def _accepted(one: Settled) -> Fields | None:
    """What the destination is now known to have. None: as the claim left it, with the sent fields forgotten."""
    if one.outcome == "unknown" or one.lost:
        return None
    fields = {**one.claimed.accepted, **(one.sent or {})}
    return fields or None


def _json(value: Any) -> str | None:
    return None if value is None else orjson.dumps(value, default=str).decode()
