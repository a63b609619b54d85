"""BEFORE AFTER ROUNDS: two Parquet files of stock rows compared by pandas, as an outer merge with an indicator."""

import json
import sys
import time

import pandas as pd

before, after = (pd.read_parquet(file) for file in sys.argv[1:3])
best, changed = float("inf"), 0
for _ in range(int(sys.argv[3])):
    begun = time.perf_counter()
    both = before.merge(after, how="outer", on=["sku", "locationId"], suffixes=("Before", ""), indicator=True)
    unknown = both["quantityBefore"].isna() & both["quantity"].isna()
    same = (both["_merge"] == "both") & ((both["quantityBefore"] == both["quantity"]) | unknown)
    changed = len(both[~same])
    best = min(best, time.perf_counter() - begun)
print(json.dumps({"version": pd.__version__, "s": best, "changed": changed}))
