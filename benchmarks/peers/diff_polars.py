"""BEFORE AFTER ROUNDS: two Parquet files of stock rows compared by polars, as a lazy full join and a filter."""

import json
import sys
import time

import polars as pl

before, after = (pl.read_parquet(file) for file in sys.argv[1:3])
best, changed = float("inf"), 0
for _ in range(int(sys.argv[3])):
    begun = time.perf_counter()
    both = (
        before.lazy()
        .with_columns(there=True)
        .join(after.lazy().with_columns(here=True), how="full", on=["sku", "locationId"], suffix="After")
    )
    differs = pl.col("quantity").ne_missing(pl.col("quantityAfter"))
    found = both.filter(pl.col("there").is_null() | pl.col("here").is_null() | differs).collect()
    changed = len(found)
    best = min(best, time.perf_counter() - begun)
print(json.dumps({"version": pl.__version__, "s": best, "changed": changed}))
