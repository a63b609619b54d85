"""Nested orders mapped by the compiled projection on one thread, and mapped and validated as a pull does.

Floors: the bare from_json of the same leaves, which leaves texts; and a projection of it by hand (``map.sql``), which
casts them and asks nothing.
"""

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
from pullpush_dagster.store import named_sql

_BY_HAND = named_sql("benchmarks", "map.sql")
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
        taken = _taken(connector, _BY_HAND[name], pages(orders, size, page), rounds)
        figures |= {
            f"{name}: floor, orders per second": round(orders / taken["floor"]),
            f"{name}: by hand, orders per second": round(orders / taken["by hand"]),
            f"{name}: map, orders per second": round(orders / taken["map"]),
            f"{name}: map / floor": taken["map"] / taken["floor"],
            f"{name}: map / by hand": taken["map"] / taken["by hand"],
            f"{name}: by hand, all threads, s": taken["by hand, all threads"],
            f"{name}: map and validate, all threads, s": taken["map and validate"],
            f"{name}: map and validate / by hand": taken["map and validate"] / taken["by hand, all threads"],
        }
    told("map", figures, as_json=as_json)


def _taken(connector: Connector, by_hand: str, given: arrow.Table, rounds: int) -> dict[str, float]:
    entity, fields, shape = ENTITIES["order"], connector.entity("order").canonical_map, connector.shape("order")
    mapped = projection(entity, fields, shape, {})
    floor = _floor(mapped, shape.each)
    projected = f"WITH records AS ({floor}) {by_hand}"
    with duckdb.connect() as con, duckdb.connect() as wide:
        con.execute("SET threads = 1")
        for one in (con, wide):
            one.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
            one.register("pages", in_batches(given))
        works = {
            "floor": lambda: con.execute(f"CREATE OR REPLACE TABLE floor AS {floor}"),
            "by hand": lambda: con.execute(f"CREATE OR REPLACE TABLE projected AS {projected}"),
            "map": lambda: con.execute(f"CREATE OR REPLACE TABLE mapped AS {mapped}"),
            "by hand, all threads": lambda: wide.sql(projected).to_arrow_table(),
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
