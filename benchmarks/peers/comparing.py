"""Peers run in an interpreter of their own, and what they say beside our own figures."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import click
import duckdb

from benchmarks.judging import NEEDS, VERSIONS, can_judge, checked, judge, reset
from benchmarks.measuring import told
from benchmarks.serving import served

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
# Like those of benchmarks.diff: 1 % changed, 2 % unknown, 0.1 % unknown since.
_STOCK = """
CREATE TABLE before AS
SELECT 'SKU-' || lpad(i::VARCHAR, 9, '0') AS sku, 'WH' AS "locationId",
    CASE WHEN i % 50 <> 0 THEN CAST(i % 1000 AS DECIMAL(18,4)) END AS quantity
FROM range({rows}) AS t(i);
CREATE TABLE after AS
SELECT * REPLACE (CASE WHEN hash(sku) % 100 = 0 THEN quantity + 1
                       WHEN hash(sku) % 1000 <> 1 THEN quantity END AS quantity) FROM before;
COPY before TO '{folder}/before.parquet';
COPY after TO '{folder}/after.parquet';
"""
_LATENCY = "latency_ms=20&jitter_ms=20"
_FAULTS = {"push": _LATENCY, "push where items fail": f"{_LATENCY}&pitem=0.002"}
Figures = dict[str, Any]


@click.command()
@click.option(
    "--python",
    default=sys.executable,
    envvar="PULLPUSH_PEERS",
    help="The interpreter that has the peers; default: this.",
)
@click.option("--rows", default=1_000_000, show_default=True, help="Stock rows of the diff.")
@click.option("--orders", default=50_000, show_default=True, help="Orders of the pull.")
@click.option("--keys", default=16_667, show_default=True, help="Keys of the push, of three changes each.")
@click.option("--rounds", default=3, show_default=True, help="Runs of each that can be repeated; the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(python: str, rows: int, orders: int, keys: int, rounds: int, as_json: bool) -> None:
    """The same diff, pull and push by other tools. One that PYTHON cannot import is left out, and why is told.

    \b
    diff: pandas and polars compare two frames in memory, as our diff two tables; dlt (scd2) also loads the new one,
          and keeps what it was, so our whole audit stands beside it.
    pull: dlt with its client of REST APIs into DuckDB; ours with mapping, validating and keeping.
    push: drt, which knows no keys: one batch after the other, and what fails inside an answer of 2xx is not seen. It
          needs PULLPUSH_JUDGE.
    """
    peers = _Peers(python)
    with tempfile.TemporaryDirectory() as folder:
        figures = _diff(peers, rows, rounds, Path(folder)) | _pull(peers, orders, rounds, Path(folder))
        figures |= _push(peers, keys, rounds, Path(folder))
    told("peers", figures, as_json=as_json)


class _Peers:
    """Scripts of this folder, each run by ``python``."""

    def __init__(self, python: str) -> None:
        self.python = python

    def beside(self, work: str, script: str, ours: float, *arguments: object) -> Figures:
        """What ``script`` says of the same work for which we took ``ours`` seconds; or why it could not be run."""
        peer = f"{work}, {script.rpartition('_')[2]}"
        command = [self.python, str(_HERE / f"{script}.py"), *map(str, arguments)]
        environment = {**os.environ, "RUNTIME__DLTHUB_TELEMETRY": "false", "PYTHONWARNINGS": "ignore"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        if done.returncode:
            reason = done.stderr.strip().rpartition("\n")[2]
            if not reason.startswith(("ModuleNotFoundError", "ImportError")):
                raise click.ClickException(done.stderr[-2000:])
            return {f"{peer}: left out": reason}
        found: Figures = json.loads(done.stdout.strip().rpartition("\n")[2])
        told_by = {f"{peer}: {name}": value for name, value in found.items()}
        return told_by | {f"{peer} / ours": found["s"] / ours}


def _ours(benchmark: str, *arguments: object) -> Figures:
    """What our own benchmark says, as a process like theirs."""
    command = [sys.executable, "-m", f"benchmarks.{benchmark}", *map(str, arguments), "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=_ROOT)
    if not done.stdout:
        raise click.ClickException(done.stderr[-2000:])
    found: Figures = json.loads(done.stdout)
    return found


def _diff(peers: _Peers, rows: int, rounds: int, folder: Path) -> Figures:
    with duckdb.connect() as con:
        con.execute(_STOCK.format(rows=rows, folder=folder))
    files = (folder / "before.parquet", folder / "after.parquet")
    said = _ours("diff", "--rows", rows, "--rounds", rounds)
    diff, kept = said["diff s"], said["audit s"]
    figures = {"rows": rows, "diff, ours: s": diff, "diff, ours: s of the audit": kept}
    figures["diff, ours: changed"] = said["changed"] + said["newly unknown"]
    figures |= peers.beside("diff", "diff_pandas", diff, *files, rounds)
    figures |= peers.beside("diff", "diff_polars", diff, *files, rounds)
    return figures | peers.beside("diff and keep", "diff_dlt", kept, *files, _made(folder / "stock"))


def _pull(peers: _Peers, orders: int, rounds: int, folder: Path) -> Figures:
    with served("", orders, folder) as url:
        said = _ours("pull", "--url", url, "--rounds", rounds)
        seconds = said["pull s"] + said["map, validate, keep s"]
        figures = {"orders": said["orders"], "pull, ours: s": seconds}
        return figures | peers.beside("pull", "pull_dlt", seconds, url, _made(folder / "pulled"))


def _push(peers: _Peers, keys: int, rounds: int, folder: Path) -> Figures:
    if not can_judge():
        return {"push: left out": NEEDS}
    figures: Figures = {"changes": keys * VERSIONS}
    with judge(_made(folder / "judge"), keys) as url:
        for work, faults in _FAULTS.items():
            said = _ours("push", "--keys", keys, "--rounds", rounds, "--faults", faults)
            seconds = said["arrive s"] + said["send s"]
            figures |= {f"{work}, ours: s": seconds, f"{work}, ours: checker": said["checker"]}
            reset(url, faults)
            database = folder / "judge" / "changes.duckdb"
            figures |= peers.beside(work, "push_drt", seconds, url, database, _made(folder / work.replace(" ", "_")))
            if f"{work}, drt: s" in figures:
                figures[f"{work}, drt: checker"] = _verdict(folder / "judge", url)
    return figures


def _verdict(folder: Path, url: str) -> str:
    """PASS, or FAIL with how many keys are not at their newest version."""
    verdict, counted = checked(folder, url)
    return verdict if verdict == "PASS" else f"{verdict}: {counted['stale']} keys stale"


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
