"""Orders pulled over HTTP into the store. Floor: hand-written httpx + orjson + insert, from the same server."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import duckdb
import httpx
import orjson
import pyarrow as arrow

from benchmarks.measuring import best_of, told
from pullpush_dagster.config import Project
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.store import Store

_DECLARED = "type: pullpush_dagster.Pull\nattributes: {connection: judge, entity: order}\n"


@click.command()
@click.option("--url", default="", help="A running judge; default: one is built from PULLPUSH_JUDGE and started.")
@click.option("--orders", default=200_000, show_default=True, help="Orders the started judge holds.")
@click.option("--rounds", default=2, show_default=True, help="Runs of each, of which the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(url: str, orders: int, rounds: int, as_json: bool) -> None:
    """Pull every order of the judge, raw pages kept, against the shortest code by hand that stores them."""
    with tempfile.TemporaryDirectory() as folder, _judge(url, orders, Path(folder)) as judge:
        project = _project(Path(folder), judge)
        pull, store = project.pull("judge/order"), Store.of(project.state)
        works = {
            "floor": lambda: _by_hand(judge, Path(folder) / "floor.duckdb"),
            "pull": lambda: asyncio.run(pull_records(project, store, pull, Window("full"), lambda _: None)),
        }
        taken = best_of(rounds, works)
        started = time.perf_counter()
        (*_, kept) = read_pulls(project, store, pull, "")
        read = (time.perf_counter() - started) / rounds
        with store.session() as con:
            ((distinct,),) = con.execute('SELECT count(DISTINCT "orderId") FROM canonical_order').fetchall()
    figures = {
        "orders": kept.rows, "distinct": distinct, "quarantined": kept.quarantined, "floor s": taken["floor"],
        "pull s": taken["pull"], "pull / floor": taken["pull"] / taken["floor"], "map, validate, keep s": read,
    }  # fmt: skip
    told("pull", figures, as_json=as_json)


@contextmanager
def _judge(url: str, orders: int, folder: Path) -> Iterator[str]:
    """The address of a judge with that many orders."""
    if url:
        yield url
        return
    source = os.environ.get("PULLPUSH_JUDGE")
    if not source or not shutil.which("cc"):
        raise click.ClickException("set PULLPUSH_JUDGE to the judge's folder (and have a C compiler), or give --url")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = folder / "mockapi"
    subprocess.run(["cc", "-O2", "-o", program, Path(source) / "mockapi.c"], check=True)
    with subprocess.Popen(
        [program, str(port), str(orders)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as judge:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            judge.kill()


def _wait_for(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise click.ClickException("the judge did not start")


def _project(folder: Path, url: str) -> Project:
    """A project of one connection and one pull."""
    connectors, asset = folder / "resources" / "connectors", folder / "assets" / "orders"
    connectors.mkdir(parents=True)
    asset.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("judge.yaml"), connectors)
    connection = f"connection: judge\nconnector: judge\nsettings: {{base_url: '{url}'}}\n"
    (folder / "resources" / "judge.yaml").write_text(connection, encoding="utf-8")
    (asset / "defs.yaml").write_text(_DECLARED, encoding="utf-8")
    return Project(folder, folder / "data")


def _by_hand(url: str, file: Path) -> None:
    """The floor: page after page, parsed, the nested parts back to text, inserted 10,000 rows at a time."""
    file.unlink(missing_ok=True)
    with duckdb.connect(str(file)) as con, httpx.Client() as client:
        made, rows, cursor = False, [], "0"
        while cursor is not None:
            body = orjson.loads(client.get(f"{url}/orders", params={"limit": 250, "cursor": cursor}).content)
            rows += body["data"]
            cursor = body["next_cursor"]
            if len(rows) >= 10_000 or cursor is None:
                made = _insert(con, rows, made)
                rows = []


def _insert(con: duckdb.DuckDBPyConnection, rows: list[dict[str, object]], made: bool) -> bool:
    for row in rows:
        for name in ("customer", "shipping_address", "line_items"):
            row[name] = orjson.dumps(row[name]).decode()
    batch = arrow.Table.from_pylist(rows)
    con.register("batch", batch)
    con.execute(
        "INSERT INTO orders BY NAME SELECT * FROM batch" if made else "CREATE TABLE orders AS SELECT * FROM batch"
    )
    con.unregister("batch")
    return True


if __name__ == "__main__":
    main()
