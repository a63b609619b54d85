"""Diff of a snapshot against a baseline. Floor: the bare join of the same tables on the key, over the same columns."""

import tempfile
from pathlib import Path

import click
import duckdb

from benchmarks.measuring import Work, best_of, peak_mb, told
from pullpush_dagster.audit import audit
from pullpush_dagster.audit.diff import diff_sql
from pullpush_dagster.canonical import ENTITIES, Entity
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.store.schema import create_tables
from pullpush_dagster.store.sql import quoted

# Of each entity: its fields in the baseline by row number i; which field moves, and how.
_SAID = {
    "stocklevel": {
        "sku": "'SKU-' || lpad(i::VARCHAR, 9, '0')",
        "locationId": "'WH'",
        "quantity": "CASE WHEN i % 50 <> 0 THEN i % 1000 END",
    },
    "product": {
        "sku": "'SKU-' || lpad(i::VARCHAR, 9, '0')",
        "title": "'Product number ' || i",
        "description": "'What there is to say of product number ' || i || ', which comes in three sizes.'",
        "price": "CASE WHEN i % 50 <> 0 THEN i % 1000 + 0.99 END",
        "currency": "'EUR'",
        "status": "'active'",
        "media": "[{url: 'https://cdn.example/' || i || '.jpg', alt: 'Product ' || i}]",
        "variants": "[{sku: 'SKU-' || i || '-' || size, title: size, price: i % 1000 + 0.99,"
        " barcode: (4000000 + i)::VARCHAR, options: '{\"size\":\"' || size || '\"}'} FOR size IN ['L', 'M', 'S']]",
        "updatedAt": "TIMESTAMPTZ '2026-01-01'",
    },
}
_MOVES = {"stocklevel": "quantity", "product": "price"}
_FILL = """
INSERT INTO {baseline} (_connection, _name, _scope, _askedAt, _deleted, _absent, {fields}, _cleared)
SELECT 'erp', '{entity}', '', TIMESTAMPTZ '2026-01-01', false, 0, {said}, [] FROM range({rows}) AS t(i);
INSERT INTO {canonical} (_connection, _name, _partition, _frame, _askedAt, {all_fields}, _cleared)
SELECT 'erp', '{entity}', '', 2, TIMESTAMPTZ '2026-01-02', {all_fields}, _cleared
FROM (SELECT * REPLACE (
    CASE WHEN hash(sku) % 100 = 0 THEN {moves} + 1 WHEN hash(sku) % 1000 <> 1 THEN {moves} END AS {moves}
) FROM {baseline});
INSERT INTO pulls (pull, connection, name, scope, kind, startedAt, frame)
VALUES (2, 'erp', '{entity}', '', 'full', TIMESTAMPTZ '2026-01-02', 2)
"""
_VIEWS = """
CREATE VIEW known AS SELECT {all_fields}, _cleared, _unknown, rowid FROM {baseline};
CREATE VIEW snapshot AS SELECT {all_fields}, _cleared, _askedAt FROM {canonical}
"""
_FLOOR = "SELECT count(*) FROM snapshot AS s FULL OUTER JOIN known AS b ON {same_key} WHERE {differs}"


@click.command()
@click.option("--entity", "name", default="stocklevel", show_default=True, type=click.Choice(list(_SAID)))
@click.option(
    "--rows", default=1_000_000, show_default=True, help="Rows: 1 % changed, 2 % unknown, 0.1 % unknown since now."
)
@click.option("--rounds", default=5, show_default=True, help="Runs of each, of which the best counts.")
@click.option("--memory-limit", default="4GB", show_default=True, help="DuckDB's; the store's own is 4GB.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(name: str, rows: int, rounds: int, memory_limit: str, as_json: bool) -> None:
    """The diff alone, and all of an audit, of ROWS rows; a product has three variants. Against the bare key join."""
    entity = ENTITIES[name]
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(str(Path(folder) / "diff.duckdb")) as con:
        con.execute(f"SET TimeZone = 'UTC'; SET preserve_insertion_order = false; SET memory_limit = '{memory_limit}'")
        figures = {"entity": name, "rows": rows, "memory limit": memory_limit}
        told("diff", figures | _measured(con, entity, rows, rounds, Path(folder, "diff.duckdb")), as_json=as_json)


def _measured(con: duckdb.DuckDBPyConnection, entity: Entity, rows: int, rounds: int, file: Path) -> dict[str, float]:
    create_tables(con, new=True)
    filled(con, entity, rows)
    names = _names(entity)
    con.execute(_VIEWS.format(**names))
    con.execute("CHECKPOINT")
    peaks = {"peak MB, filled": peak_mb()}
    diff = f"CREATE OR REPLACE TEMP TABLE told AS {diff_sql(entity, 'known', 'snapshot', absences=True)}"
    works: dict[str, Work] = {
        "diff": lambda: con.execute(diff),
        "audit": lambda: _audited(con, entity, "rollback"),
        "floor": lambda: con.execute(_FLOOR.format(**names)).fetchall(),
    }
    for name, work in works.items():
        work()
        peaks[f"peak MB, {name}"] = peak_mb()
    taken = best_of(rounds, works)
    ((changed, noted),) = con.execute("SELECT count(op), count(*) - count(op) FROM told").fetchall()
    before = file.stat().st_size
    _audited(con, entity, "commit")
    con.execute("CHECKPOINT")
    return {
        "changed": changed, "newly unknown": noted, "floor s": taken["floor"], "diff s": taken["diff"],
        "diff / floor": taken["diff"] / taken["floor"], "audit s": taken["audit"],
        "audit / floor": taken["audit"] / taken["floor"], "growth MB": (file.stat().st_size - before) / 1e6, **peaks,
    }  # fmt: skip


def filled(con: duckdb.DuckDBPyConnection, entity: Entity, rows: int) -> None:
    """``rows`` known rows of ``erp``, and a full pull of them that was not audited: 1 % of its rows changed."""
    ensure_tables(con, entity)
    con.execute(_FILL.format(**_names(entity), rows=rows))


def _audited(con: duckdb.DuckDBPyConnection, entity: Entity, end: str) -> None:
    """The whole audit: diff, guard, change log, baseline moved on."""
    con.begin()
    audit(con, entity, "erp", entity.name, "", {})
    getattr(con, end)()


def _names(entity: Entity) -> dict[str, str]:
    said = _SAID[entity.name]
    return {
        "entity": entity.name,
        "baseline": f"baseline_{entity.name}",
        "canonical": f"canonical_{entity.name}",
        "fields": ", ".join(quoted(name) for name in said),
        "said": ", ".join(said.values()),
        "all_fields": ", ".join(quoted(name) for name in entity.fields),
        "moves": _MOVES[entity.name],
        "same_key": " AND ".join(f"s.{quoted(name)} = b.{quoted(name)}" for name in entity.key),
        "differs": " OR ".join(f"s.{quoted(name)} IS DISTINCT FROM b.{quoted(name)}" for name in entity.compared),
    }


if __name__ == "__main__":
    main()
