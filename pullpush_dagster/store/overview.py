"""Counts for people: what the store holds of a pull or a push."""

import datetime as dt
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import duckdb

from pullpush_dagster.store.sql import named_sql

_SQL = named_sql(__package__, "overview.sql")


@dataclass(frozen=True)
class OutboxCounts:
    """Keys of one push. ``accepted``: ever; ``why``: reason -> keys that have it, for what is not delivered."""

    due: int
    waiting: int
    dead: int
    accepted: int
    skipped: int
    held: str | None
    why: dict[str, str]

    def numbers(self) -> dict[str, int]:
        """The counts alone."""
        return {name: getattr(self, name) for name in ("accepted", "skipped", "due", "waiting", "dead")}


def outbox_counts(
    con: duckdb.DuckDBPyConnection, push: str, logs: Collection[str], personal: Collection[str] = ()
) -> OutboxCounts:
    """How the outbox of ``push`` stands, which reads the ``logs`` (``connection/name``).

    What its keys and records have in the fields ``personal`` is in no reason or example.
    """
    ((due, waiting, dead),) = con.execute(_SQL["outbox"], {"push": push}).fetchall()
    outcomes = dict(con.execute(_SQL["outcomes"], {"push": push}).fetchall())
    hidden = {"push": push, "personal": list(personal)}
    why = {
        reason: f"{keys} keys, such as {_without(key, personal)}"
        for reason, keys, key in con.execute(_SQL["why"], hidden).fetchall()
    }
    ((held,),) = con.execute(_SQL["held"], {"push": push, "logs": list(logs)}).fetchall()
    return OutboxCounts(due, waiting, dead, outcomes.get("accepted", 0), outcomes.get("skipped", 0), held, why)


def _without(key: str, personal: Collection[str]) -> str:
    if not personal:
        return key
    shown = {name: "…" if name in personal else value for name, value in json.loads(key).items()}
    return json.dumps(shown, ensure_ascii=False)


def past_counts(con: duckdb.DuckDBPyConnection, connection: str, name: str) -> list[int]:
    """Records of the last 30 pulls, oldest first."""
    return [row[0] for row in con.execute(_SQL["past_counts"], {"connection": connection, "name": name}).fetchall()]


def count_quarantined(con: duckdb.DuckDBPyConnection, connection: str, name: str, scopes: Sequence[str]) -> int:
    """Records of these scopes of a pull that cannot be used, whichever pull gave them."""
    who = {"connection": connection, "name": name, "scopes": scopes}
    ((count,),) = con.execute(_SQL["quarantined"], who).fetchall()
    return int(count)


def oldest_watermark(con: duckdb.DuckDBPyConnection, connection: str, name: str) -> dt.datetime | None:
    """Where the walk that is furthest behind goes on, UTC; None: none ever ran."""
    ((found,),) = con.execute(_SQL["oldest_watermark"], {"connection": connection, "name": name}).fetchall()
    return found.astimezone(dt.UTC) if found else None


@dataclass(frozen=True)
class Due:
    """What one push could send now. The same again means that nothing happened to it since.

    ``since`` (UTC) is when the first of it became due, or was given up by its claim.
    """

    push: str
    keys: int
    sequence: int
    attempts: int
    since: dt.datetime


def due_now(con: duckdb.DuckDBPyConnection, now: dt.datetime) -> dict[str, Due]:
    """What could be sent at instant ``now``, by push; a push with nothing due is not in it."""
    found = {}
    for push, keys, sequence, attempts, since in con.execute(_SQL["due"], {"now": now}).fetchall():
        found[push] = Due(push, keys, sequence, int(attempts), since.astimezone(dt.UTC))
    return found


def begun(con: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """(push, ``connection/name``) of every log that a push has begun to read."""
    return {(push, f"{connection}/{name}") for push, connection, name in con.execute(_SQL["begun"]).fetchall()}


def unread(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], tuple[int, dt.datetime]]:
    """(push, ``connection/name``) of every log that it began and has not read to its end, and no guard holds there.

    With the sequence of the newest change, and when that was accepted, UTC.
    """
    rows = con.execute(_SQL["unread"]).fetchall()
    return {(push, log): (sequence, at.astimezone(dt.UTC)) for push, log, sequence, at in rows}


ROUND_COLUMNS = ("pulled", "quarantined", "changed", "held", "sent", "accepted", "waiting", "skipped", "dead")


def round_counts(
    con: duckdb.DuckDBPyConnection, push: str, pulls: list[tuple[str, str]], since: dt.datetime
) -> tuple[int, ...]:
    """What a sync came to since an instant, in the order of ``ROUND_COLUMNS``; waiting, held and dead: as of now."""
    totals = [0, 0, 0, 0]
    for connection, name in pulls:
        who = {"connection": connection, "name": name}
        ((pulled, quarantined),) = con.execute(_SQL["round_pulls"], {**who, "since": since}).fetchall()
        ((changed,),) = con.execute(_SQL["round_changes"], {**who, "since": since}).fetchall()
        ((held,),) = con.execute(_SQL["round_held"], who).fetchall()
        totals = [a + b for a, b in zip(totals, (pulled, quarantined, changed, held), strict=True)]
    ((sent, accepted, skipped),) = con.execute(_SQL["round_receipts"], {"push": push, "since": since}).fetchall()
    counts = outbox_counts(con, push, [f"{connection}/{name}" for connection, name in pulls])
    return (*totals, sent, accepted, counts.waiting, skipped, counts.dead)
