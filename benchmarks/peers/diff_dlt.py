"""BEFORE AFTER FOLDER: a Parquet file of stock rows merged by dlt, with its strategy scd2, into what it loaded before.

The second load is what is measured: it finds what changed, and keeps it. The rows are given as Arrow, which is the
fastest that it takes.
"""

import json
import sys
import time

import dlt
import pyarrow.parquet as parquet
from dlt.sources.helpers.transform import add_row_hash_to_table

before, after, folder = sys.argv[1:]
pipeline = dlt.pipeline(
    "stock", destination=dlt.destinations.duckdb(f"{folder}/stock.duckdb"), dataset_name="erp", pipelines_dir=folder
)


def load(file: str) -> float:
    """Seconds that it takes to load ``file``."""
    rows = dlt.resource(
        [parquet.read_table(file)],
        name="stocklevel",
        write_disposition={"disposition": "merge", "strategy": "scd2", "row_version_column_name": "row_hash"},
        columns={"row_hash": {"x-row-version": True}},
    )
    begun = time.perf_counter()
    pipeline.run(rows.add_map(add_row_hash_to_table("row_hash")), loader_file_format="parquet")
    return time.perf_counter() - begun


load(before)
seconds = load(after)
with pipeline.sql_client() as client:
    ((changed,),) = client.execute_sql("SELECT count(*) FROM stocklevel WHERE _dlt_valid_to IS NOT NULL")
print(json.dumps({"version": dlt.__version__, "s": seconds, "changed": changed}))
