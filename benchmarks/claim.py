"""What a claim and an acknowledgement cost beside few pending keys and beside many. Floor: the same, beside few."""

import datetime as dt
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from benchmarks.measuring import told
from benchmarks.project import project_of
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.changes import Accepted, Ready, Settled, acknowledge, claim
from pullpush_dagster.push import Pusher
from pullpush_dagster.push.payload import sendable
from pullpush_dagster.store import Store

_DECLARED = """type: pullpush_dagster.Pull
attributes: {connection: judge, entity: product}
---
type: pullpush_dagster.Push
attributes: {name: bench, from: judge/product, to: judge, mode: live, deliver: DELIVER}
"""
# Every key is bound, and the destination has accepted another price of it before.
_PENDING = """
CREATE TEMP TABLE pending AS
SELECT CAST(to_json({sku: 'SKU-' || lpad(CAST(i AS VARCHAR), 9, '0')}) AS VARCHAR) AS key, i,
    '{"title":"' || i || '","barcode":"' || i % 1000 || '","price":"' || i % 900 || '.50"}' AS desired
FROM range($pending) AS t(i);
INSERT INTO outbox (push, key, source, sequence, desired, state, attempts, dueAt, queuedAt, tried)
SELECT 'bench', key, 'judge/product ' || key, i + 1, desired, 'due', 0, now(), now(), false FROM pending;
INSERT INTO bindings (connection, entity, key, id, externalId, live, seenAt)
SELECT 'judge', 'product', key, CAST(i AS VARCHAR), '{"id":"' || i || '"}', true, now() FROM pending;
INSERT INTO accepted (connection, entity, key, source, fields, acceptedAt)
SELECT 'judge', 'product', key, 'judge/product ' || key, '{"title":"0","barcode":"1","price":"0.10"}', now()
FROM pending;
"""
_BEHIND = """INSERT INTO behind (push, key, source, sequence, desired, queuedAt)
SELECT 'bench', key, 'judge/product ' || key, i + 1 + $pending, desired, now() FROM pending"""
_LEFT = "SELECT count(*) FROM outbox WHERE state = 'due'"
Spent = dict[str, float]


@click.command()
@click.option("--pending", default=1_000_000, show_default=True, help="Keys that are due: many.")
@click.option("--few", default=10_000, show_default=True, help="Keys that are due: few.")
@click.option("--keys", default=1_000, show_default=True, help="Keys in one claim; and ten times as many, of the many.")
@click.option("--deliver", type=click.Choice(["every", "latest"]), default="latest", show_default=True)
@click.option("--rounds", default=5, show_default=True, help="Runs of each, of which the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(pending: int, few: int, keys: int, deliver: str, rounds: int, as_json: bool) -> None:
    """Claim KEYS and acknowledge them in a store in which FEW keys are due, and in one in which PENDING are.

    Seconds are those of a whole session: the store opened, the work, committed, closed. Each round takes other keys.
    """
    with tempfile.TemporaryDirectory() as folder:
        beside_few = _taken(_filled(Path(folder) / "few", few, deliver), keys, min(rounds, few // keys))
        full = _filled(Path(folder) / "many", pending, deliver)
        beside_many = _taken(full, keys, rounds)
        tenfold = _taken(full, 10 * keys, rounds)
        with full.store.session() as con:
            ((left,),) = con.execute(_LEFT).fetchall()
    figures: dict[str, Any] = {"keys": keys, "few": few, "pending": pending, "deliver": deliver, "left": left}
    for work in ("claim", "acknowledge"):
        figures |= {
            f"{work} s, few pending": beside_few[work],
            f"{work} s, many pending": beside_many[work],
            f"{work} s, many pending, ten times the keys": tenfold[work],
            f"{work}: many pending / floor": beside_many[work] / beside_few[work],
            f"{work}: ten times the keys / keys": tenfold[work] / beside_many[work],
        }
    told("claim", figures, as_json=as_json)


def _filled(folder: Path, pending: int, deliver: str) -> Pusher:
    """The push of a new project whose outbox has so many keys that are due; ``every``: with one more behind each."""
    project = project_of(folder, "http://127.0.0.1:1", _DECLARED.replace("DELIVER", deliver))
    store = Store.of(project.state)
    with store.session() as con:
        ensure_tables(con, ENTITIES["product"])
        for statement in [*_PENDING.split(";\n"), *([_BEHIND] if deliver == "every" else [])]:
            if statement.strip():
                con.execute(statement, {"pending": pending} if "$pending" in statement else {})
        con.execute("DROP TABLE pending")
    return Pusher(project, project.push("bench"), store)


def _taken(pusher: Pusher, keys: int, rounds: int) -> Spent:
    """Seconds of the best claim of ``keys`` keys, and of the best acknowledgement of them."""
    fields, best = sendable(pusher.facts, pusher.entity), {"claim": float("inf"), "acknowledge": float("inf")}
    for _ in range(rounds):
        begun = time.perf_counter()
        with pusher.store.session() as con:
            claimed = claim(con, pusher.push, pusher.entity, pusher.bound_as, fields, keys, pusher.written)
        taken = time.perf_counter()
        rows = [one for one in claimed if isinstance(one, Ready)]
        accepted = Accepted(rows[0].taken, [one.place for one in rows], dt.datetime.now(dt.UTC))
        same = [Settled(one, "skipped") for one in claimed if not isinstance(one, Ready)]
        answered = time.perf_counter()
        with pusher.store.session() as con:
            acknowledge(con, pusher.push, pusher.entity, pusher.bound_as, same, [accepted])
        ended = time.perf_counter()
        if len(claimed) != keys:
            raise click.ClickException(f"{len(claimed)} keys were claimed, not {keys}: too few are due")
        best = {
            "claim": min(best["claim"], taken - begun),
            "acknowledge": min(best["acknowledge"], ended - answered),
        }
    return best


if __name__ == "__main__":
    main()
