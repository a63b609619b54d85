"""Changes pushed in batches. Floor: hand-written httpx over aiohttp with lanes by key, to the same server."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
from pyarrow.json import read_json as json_lines

from benchmarks.judging import VERSIONS, checked, judge, reset
from benchmarks.measuring import told
from benchmarks.project import project_of
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.push import Pusher
from pullpush_dagster.store import Store

_PULL = "type: pullpush_dagster.Pull\nattributes: {connection: judge, entity: product}\n"
_PUSH = """---
type: pullpush_dagster.Push
attributes: {name: bench, from: judge/product, to: judge, mode: live, lanes: LANES, deliver: DELIVER}
"""
# What the judge's floor is called that sends the same.
_FLOORS = {
    ("every", "batch"): "keyed1",
    ("latest", "batch"): "newest",
    ("every", "put"): "keyed",
    ("latest", "put"): "newest",
}
_LOG = """INSERT INTO changes
    (connection, name, sequence, audit, op, key, fields, before, after, cleared, askedAt, acceptedAt)
SELECT 'judge', 'product', seq + 1, 1, 'update',
       CAST(to_json({sku: key}) AS VARCHAR), [], '{}',
       CAST(json_merge_patch('{}', to_json({title: CAST(version AS VARCHAR), barcode: CAST(quantity AS VARCHAR),
                                            price: CAST(CAST(price AS DECIMAL(18,4)) AS VARCHAR)})) AS VARCHAR),
       CASE WHEN quantity IS NULL THEN ['barcode'] ELSE [] END, now(), now()
FROM changed"""
_BOUND = """INSERT INTO bindings (connection, entity, key, id, externalId, live, seenAt)
SELECT 'judge', 'product', CAST(to_json({sku: key}) AS VARCHAR), key, CAST(to_json({id: key}) AS VARCHAR), true, now()
FROM changed GROUP BY key"""


@click.command()
@click.option("--keys", default=16_667, show_default=True, help="Keys, of three versions each.")
@click.option("--deliver", type=click.Choice(["every", "latest"]), default="every", show_default=True)
@click.option("--mode", type=click.Choice(["batch", "put"]), default="batch", show_default=True, help="Of a request.")
@click.option("--faults", default="latency_ms=20&jitter_ms=20", show_default=True, help="The judge's fault string.")
@click.option("--lanes", default=64, show_default=True, help="Requests in flight.")
@click.option("--rounds", default=2, show_default=True, help="Runs of each, of which the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(keys: int, deliver: str, mode: str, faults: str, lanes: int, rounds: int, as_json: bool) -> None:
    """Push the changes of KEYS to the judge (PULLPUSH_JUDGE), against its own ``httpx-aio`` that sends the same.

    Every key is bound. ``every`` sends each change, a key's one after the other; ``latest`` only the newest.
    """
    with tempfile.TemporaryDirectory() as folder, judge(Path(folder), keys) as url:
        best: dict[str, float] = {}
        for _ in range(rounds):
            reset(url, faults)
            floor = _floor(Path(folder), url, mode, _FLOORS[deliver, mode], lanes)
            reset(url, faults)
            ours = _ours(Path(folder), url, mode, deliver, lanes)
            verdict, told_by = checked(Path(folder), url)
            if verdict != "PASS":
                click.echo(f"{verdict} {json.dumps(told_by)}", err=True)
            best = {name: min(best.get(name, 9e9), s) for name, s in {"floor": floor, **ours}.items()}
    figures = {
        "deliver": deliver,
        "mode": mode,
        "faults": faults,
        "changes": keys * VERSIONS,
        "checker": verdict,
        **{f"answers, {name}": told_by[name] for name in ("r429", "early", "r500", "item_fail")},
        "floor s": best["floor"],
        "arrive s": best["arrive"],
        "send s": best["send"],
        "floor / send": best["floor"] / best["send"],
    }
    told("push", figures, as_json=as_json)
    sys.exit(0 if verdict == "PASS" else 1)


def _floor(folder: Path, url: str, mode: str, order: str, lanes: int) -> float:
    """Seconds of the judge's own floor."""
    command = [sys.executable, folder / "push_floor.py", "httpx-aio", mode, order, str(lanes)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "MOCK": url})
    return float(json.loads(done.stdout)["s"])


def _ours(folder: Path, url: str, mode: str, deliver: str, lanes: int) -> dict[str, float]:
    """Seconds from the change log into the outbox, and from there to the last acknowledgement."""
    shutil.rmtree(folder / "project", ignore_errors=True)
    declared = _PULL + _PUSH.replace("LANES", str(lanes)).replace("DELIVER", deliver)
    project = project_of(folder / "project", url, declared, "judge.yaml" if mode == "batch" else "judge_put.yaml")
    store = Store.of(project.state)
    with store.session() as con:
        ensure_tables(con, ENTITIES["product"])
        con.register("changed", json_lines(folder / "changes.jsonl"))
        con.execute(_LOG)
        con.execute("INSERT INTO counters (name, value) SELECT 'sequence judge/product', max(sequence) FROM changes")
        con.execute(_BOUND)
        con.execute("INSERT INTO positions (push, connection, name, position) VALUES ('bench', 'judge', 'product', 0)")
    pusher = Pusher(project, project.push("bench"), store, patience=900)
    begun = time.perf_counter()
    pusher.arrive()
    arrived = time.perf_counter()
    asyncio.run(pusher.send(lambda _: None))
    return {"arrive": arrived - begun, "send": time.perf_counter() - arrived}


if __name__ == "__main__":
    main()
