"""Diff of stock rows against a baseline. Floor: the bare join of the same tables on the same key."""

import tempfile
from pathlib import Path

import click
import duckdb

from benchmarks.measuring import best_of, peak_mb, told
from pullpush_dagster.audit.diff import diff_sql
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.keeping import ensure_tables

_STOCK = ENTITIES["stocklevel"]
_FLOOR = """
SELECT count(*) FROM snapshot AS s FULL OUTER JOIN known AS b ON s.sku = b.sku AND s."locationId" = b."locationId"
WHERE s.quantity IS DISTINCT FROM b.quantity
"""
_FILL = """
INSERT INTO baseline_stocklevel
    (_connection, _name, _scope, _askedAt, _deleted, _absent, sku, "locationId", quantity, _cleared)
SELECT 'erp', 'stocklevel', 'WH', TIMESTAMPTZ '2026-01-01', false, 0, 'SKU-' || lpad(i::VARCHAR, 9, '0'), 'WH',
       CASE WHEN i % 50 <> 0 THEN i % 1000 END, [] FROM range({rows}) AS t(i);
CREATE VIEW known AS SELECT * FROM baseline_stocklevel WHERE NOT _deleted;
CREATE TABLE snapshot AS SELECT sku, "locationId", "updatedAt", _cleared, TIMESTAMPTZ '2026-01-02' AS _askedAt,
       CASE WHEN hash(sku) % 100 = 0 THEN quantity + 1 WHEN hash(sku) % 1000 <> 1 THEN quantity END AS quantity
       FROM baseline_stocklevel
"""
_ADVANCE = """
DELETE FROM baseline_stocklevel AS b USING found AS f WHERE b.sku = f.sku AND b."locationId" = f."locationId";
INSERT INTO baseline_stocklevel
    (_connection, _name, _scope, _askedAt, _deleted, _absent, sku, "locationId", quantity, _cleared)
SELECT 'erp', 'stocklevel', 'WH', _askedAt, false, 0, sku, "locationId", quantity, _cleared FROM found
"""


@click.command()
@click.option(
    "--rows",
    default=1_000_000,
    show_default=True,
    help="Stock rows: 1 % changed, 2 % unknown, 0.1 % unknown since now.",
)
@click.option("--rounds", default=5, show_default=True, help="Runs of each, of which the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rows: int, rounds: int, as_json: bool) -> None:
    """The audit's own diff query over ROWS stock rows, against the bare key join."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(str(Path(folder) / "diff.duckdb")) as con:
        con.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
        ensure_tables(con, _STOCK)
        con.execute(_FILL.format(rows=rows))
        diff = f"CREATE OR REPLACE TEMP TABLE found AS {diff_sql(_STOCK, 'known', 'snapshot', absences=True)}"
        taken = best_of(rounds, {"floor": lambda: con.execute(_FLOOR).fetchall(), "diff": lambda: con.execute(diff)})
        ((changed, noted),) = con.execute("SELECT count(op), count(*) - count(op) FROM found").fetchall()
        con.execute("CHECKPOINT")
        before = Path(folder, "diff.duckdb").stat().st_size
        advance = best_of(1, {"advance": lambda: con.execute(_ADVANCE)})["advance"]
        con.execute("CHECKPOINT")
        growth = Path(folder, "diff.duckdb").stat().st_size - before
    figures = {
        "rows": rows, "changed": changed, "newly unknown": noted, "floor s": taken["floor"], "diff s": taken["diff"],
        "diff / floor": taken["diff"] / taken["floor"], "advance s": advance, "growth MB": growth / 1e6,
        "peak MB": peak_mb(),
    }  # fmt: skip
    told("diff", figures, as_json=as_json)


if __name__ == "__main__":
    main()
