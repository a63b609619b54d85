"""Nested orders mapped by the compiled projection on one thread. Floor: the bare from_json of the same leaves."""

import re
from pathlib import Path
from typing import Any

import click
import duckdb
import pyarrow as arrow

from benchmarks.measuring import best_of, told
from benchmarks.orders import judge_page, pages, shop_page
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.compile import projection
from pullpush_dagster.canonical.frame import frame_of, in_batches
from pullpush_dagster.connectors import Connector, load_connector

_PAGES = {"judge": (judge_page, 250), "shop": (shop_page, 100)}


@click.command()
@click.option("--orders", default=100_000, show_default=True, help="Nested orders of each platform.")
@click.option("--rounds", default=5, show_default=True, help="Runs of each, of which the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(orders: int, rounds: int, as_json: bool) -> None:
    """Map ORDERS with the very query a pull uses, on one thread; and map and validate them as a pull does.

    "judge": two lines, 530 bytes. "shop": three lines, two addresses, 1 KB. Pages are in memory already;
    the result is a table.
    """
    figures: dict[str, Any] = {"orders": orders}
    for name, (page, size) in _PAGES.items():
        connector = load_connector(name, Path(__file__).parent)
        taken = _taken(connector, pages(orders, size, page), rounds)
        figures |= {
            f"{name}: floor, orders per second": round(orders / taken["floor"]),
            f"{name}: map, orders per second": round(orders / taken["map"]),
            f"{name}: map / floor": taken["map"] / taken["floor"],
            f"{name}: map and validate, all threads, s": taken["map and validate"],
        }
    told("map", figures, as_json=as_json)


def _taken(connector: Connector, given: arrow.Table, rounds: int) -> dict[str, float]:
    entity, fields, shape = ENTITIES["order"], connector.entity("order").canonical_map, connector.shape("order")
    mapped = projection(entity, fields, shape, {})
    with duckdb.connect() as con:
        con.execute("SET threads = 1; SET TimeZone = 'UTC'")
        con.register("pages", in_batches(given))
        works = {
            "floor": lambda: con.execute(f"CREATE OR REPLACE TABLE floor AS {_floor(mapped, shape.each)}"),
            "map": lambda: con.execute(f"CREATE OR REPLACE TABLE mapped AS {mapped}"),
            "map and validate": lambda: frame_of(entity, fields, shape, given, {}),
        }
        taken = best_of(rounds, works)
        faulty = con.execute("SELECT count(*) FROM mapped WHERE len(_faults) > 0").fetchall()
    if faulty != [(0,)]:
        raise click.ClickException(f"{faulty[0][0]} orders have faults, so this is not the work it should be")
    return taken


def _floor(mapped: str, each: tuple[str, ...]) -> str:
    """The from_json of ``mapped`` that reads records, once per page, and nothing else."""
    structure = re.findall(r"from_json\(body, '([^']+)'\)", mapped)[0]
    return f"SELECT unnest(from_json(body, '{structure}'){''.join(f'.{step}' for step in each)}) AS r FROM pages"


if __name__ == "__main__":
    main()
