"""Nested orders mapped by the compiled projection on one thread. Floor: the bare from_json of the same leaves."""

from pathlib import Path

import click
import duckdb

from benchmarks.measuring import best_of, told
from benchmarks.orders import pages
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.compile import projection
from pullpush_dagster.canonical.frame import frame_of
from pullpush_dagster.connectors import load_connector

_LEAVES = (
    '{"data":[{"id":"VARCHAR","status":"VARCHAR","currency":"VARCHAR","total_amount":"VARCHAR","created_at":"VARCHAR",'
    '"updated_at":"VARCHAR","note":"VARCHAR","customer":{"id":"VARCHAR","name":"VARCHAR","email":"VARCHAR"},'
    '"shipping_address":{"line1":"VARCHAR","city":"VARCHAR","postcode":"VARCHAR","country":"VARCHAR"},'
    '"line_items":[{"sku":"VARCHAR","quantity":"VARCHAR","price":"VARCHAR"}]}]}'
)
_FLOOR = f"CREATE OR REPLACE TABLE floor AS SELECT unnest(from_json(body, '{_LEAVES}').data) AS r FROM pages"


@click.command()
@click.option("--orders", default=100_000, show_default=True, help="Nested orders.")
@click.option("--rounds", default=3, show_default=True, help="Runs of each, of which the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(orders: int, rounds: int, as_json: bool) -> None:
    """Map ORDERS with the very query a pull uses, on one thread; and map and validate them as a pull does."""
    connector, entity = load_connector("judge", Path(__file__).parent), ENTITIES["order"]
    fields, shape, given = connector.entity("order").canonical_map, connector.shape("order"), pages(orders)
    mapped = f"CREATE OR REPLACE TABLE mapped AS {projection(entity, fields, shape, {})}"
    with duckdb.connect() as con:
        con.execute("SET threads = 1; SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        con.register("given", given)
        con.execute("CREATE TABLE pages AS SELECT * FROM given")
        works = {
            "floor": lambda: con.execute(_FLOOR),
            "map": lambda: con.execute(mapped),
            "map and validate": lambda: frame_of(entity, fields, shape, given, {}),
        }
        taken = best_of(rounds, works)
        ((rows, faulty),) = con.execute("SELECT count(*), count(*) FILTER (len(_faults) > 0) FROM mapped").fetchall()
    figures = {
        "orders": rows, "with faults": faulty, "floor s": taken["floor"], "map s": taken["map"],
        "orders per second, one thread": round(orders / taken["map"]), "map / floor": taken["map"] / taken["floor"],
        "map and validate, all threads, s": taken["map and validate"],
    }  # fmt: skip
    told("map", figures, as_json=as_json)


if __name__ == "__main__":
    main()
