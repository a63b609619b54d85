"""What a pull of few rows costs, kept and audited, beside few known ones and beside many. Floor: beside few."""

import datetime as dt
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import orjson
import pyarrow as arrow

from benchmarks.diff import filled
from benchmarks.measuring import told
from pullpush_dagster.audit import audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.field_map import FieldMap
from pullpush_dagster.canonical.frame import PAGES, Frame, frame_of
from pullpush_dagster.canonical.keeping import FrameOf, keep_frame
from pullpush_dagster.canonical.shape import RecordShape
from pullpush_dagster.store import Store
from pullpush_dagster.store.schema import next_number

_STOCK = ENTITIES["stocklevel"]
_FIELDS = {"sku": "item.sku", "locationId": "item.loc", "quantity": "item.q"}
_ASKED = dt.datetime(2026, 1, 3, tzinfo=dt.UTC)
_PULL = (
    "INSERT INTO pulls (pull, connection, name, scope, kind, startedAt) VALUES (3, 'erp', 'stocklevel', '', 'sync', ?)"
)
_BOUND = """INSERT INTO bindings (connection, entity, key, id, externalId, live, seenAt)
SELECT 'erp', 'stocklevel', CAST(to_json({sku: sku, locationId: "locationId"}) AS VARCHAR), sku,
    '{"id":"' || sku || '"}', true, _askedAt FROM baseline_stocklevel"""
Spent = dict[str, float]


@click.command()
@click.option("--rows", default=1_000, show_default=True, help="Rows pulled; every one of them has changed.")
@click.option("--known", default=1_000_000, show_default=True, help="Known rows: many.")
@click.option("--few", default=10_000, show_default=True, help="Known rows: few.")
@click.option("--rounds", default=5, show_default=True, help="Runs of each, of which the best counts.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(rows: int, known: int, few: int, rounds: int, as_json: bool) -> None:
    """Keep and audit ROWS stock rows that a pull by a modified stamp gave, where FEW and where KNOWN rows are known."""
    frame = _frame(rows)
    with tempfile.TemporaryDirectory() as folder:
        beside = {
            of: _spent(Path(folder) / of, frame, of_all, rounds) for of, of_all in (("few", few), ("many", known))
        }
    figures: dict[str, Any] = {"rows": rows, "few": few, "known": known, "changed": beside["many"].pop("changed")}
    for work in ("keep", "audit"):
        figures |= {f"{work} s, {of} known": spent[work] for of, spent in beside.items()}
        figures[f"{work}: many known / floor"] = beside["many"][work] / beside["few"][work]
    told("incremental", figures, as_json=as_json)


def _frame(rows: int) -> Frame:
    records = [{"sku": f"SKU-{n:09}", "loc": "WH", "q": n % 1000 + 5} for n in range(rows)]
    page = {"walk": ["all"], "page": [0], "asked_at": [_ASKED], "body": [orjson.dumps(records).decode()]}
    shape = RecordShape((), {"id": "item.sku"}, {}, False)
    fields = {name: FieldMap.model_validate(path) for name, path in _FIELDS.items()}
    return frame_of(_STOCK, fields, shape, arrow.table(page, schema=PAGES), {})


def _spent(folder: Path, frame: Frame, known: int, rounds: int) -> Spent:
    """The best of ``rounds``, each undone afterwards, in a store whose known rows a full pull gave."""
    best: Spent = {}
    store = Store(folder / "store.duckdb")
    with store.session() as con:
        filled(con, _STOCK, known)
        con.execute(_BOUND)
        next_number(con, "frame", 2)
        audit(con, _STOCK, "erp", "stocklevel", "", {})
    of = FrameOf("erp", "stocklevel", 3, "", False, _STOCK, _ASKED, records=len(frame.rows))
    for _ in range(rounds):
        with store.session() as con:
            con.execute(_PULL, [_ASKED])
            began = time.perf_counter()
            keep_frame(con, _STOCK, of, frame)
            kept = time.perf_counter()
            found = audit(con, _STOCK, "erp", "stocklevel", "", {"changed": None, "zeroed": None})
            spent = {"keep": kept - began, "audit": time.perf_counter() - kept}
            con.rollback()
            con.begin()
        best = {work: min(best.get(work, seconds), seconds) for work, seconds in spent.items()}
    return best | {"changed": found.changes}


if __name__ == "__main__":
    main()
