"""Orders pulled over HTTP into the store. Floor: hand-written httpx + orjson + insert, from the same server."""

import asyncio
import tempfile
import time
from pathlib import Path

import click
import duckdb
import httpx
import orjson
import pyarrow as arrow

from benchmarks.measuring import Work, best_of, told
from benchmarks.project import project_of
from benchmarks.serving import served
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.store import Store

_RAW = """(
    SELECT unnest(from_json(body, '{{"data":[{{"id":"VARCHAR","total_cents":"BIGINT","stock_hint":"BIGINT"}}]}}').data,
                  recursive := true) FROM '{pages}'
)"""
_TOLD = """SELECT count(*), count(DISTINCT id), sum(total_cents), count(*) FILTER (stock_hint IS NULL),
    count(*) FILTER (stock_hint = 0) FROM {orders}"""
_DECLARED = "type: pullpush_dagster.Pull\nattributes: {connection: judge, entity: order}\n"


@click.command()
@click.option("--url", default="", help="A running judge; default: PULLPUSH_JUDGE built and started, or a stand-in.")
@click.option("--orders", default=200_000, show_default=True, help="Orders the started server holds.")
@click.option("--rounds", default=2, show_default=True, help="Runs of each, of which the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(url: str, orders: int, rounds: int, as_json: bool) -> None:
    """Pull every order of the judge, raw pages kept, against the shortest code by hand that stores them.

    "exact": the raw pages and what was stored by hand agree in count, ids, sum of cents, nulls and zeros.
    """
    with tempfile.TemporaryDirectory() as folder, served(url, orders, Path(folder)) as judge:
        project = project_of(Path(folder), judge, _DECLARED)
        pull, store = project.pull("judge/order"), Store.of(project.state)
        works: dict[str, Work] = {
            "floor": lambda: _by_hand(judge, Path(folder) / "floor.duckdb"),
            "pull": lambda: asyncio.run(pull_records(project, store, pull, Window("full"), lambda _: None)),
        }
        taken = best_of(rounds, works)
        started = time.perf_counter()
        (*_, kept) = read_pulls(project, store, pull, "")
        read = (time.perf_counter() - started) / rounds
        with duckdb.connect(str(Path(folder) / "floor.duckdb")) as con:
            pages = _RAW.format(pages=max(store.raw.iterdir(), key=lambda file: int(file.stem)))
            exact = (
                con.execute(_TOLD.format(orders=pages)).fetchall()
                == con.execute(_TOLD.format(orders="orders")).fetchall()
            )
    figures = {
        "orders": kept.rows, "exact": exact, "quarantined": kept.quarantined, "floor s": taken["floor"],
        "pull s": taken["pull"], "pull / floor": taken["pull"] / taken["floor"], "map, validate, keep s": read,
    }  # fmt: skip
    told("pull", figures, as_json=as_json)


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
