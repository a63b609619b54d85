"""URL FOLDER: orders pulled by dlt's own client of REST APIs into DuckDB, nested parts as they came."""

import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import dlt
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

url, folder = sys.argv[1:]


@dlt.resource(primary_key="id", write_disposition="replace", max_table_nesting=0)
def orders() -> Iterator[Any]:
    """Every order, page by page."""
    client = RESTClient(
        url,
        paginator=JSONResponseCursorPaginator(cursor_path="next_cursor", cursor_param="cursor"),
        data_selector="data",
    )
    yield from client.paginate("/orders", params={"limit": 250})


pipeline = dlt.pipeline(
    "orders", destination=dlt.destinations.duckdb(f"{folder}/orders.duckdb"), dataset_name="shop", pipelines_dir=folder
)
begun = time.perf_counter()
pipeline.run(orders())
seconds = time.perf_counter() - begun
with pipeline.sql_client() as client:
    ((count,),) = client.execute_sql("SELECT count(*) FROM orders")
print(json.dumps({"version": dlt.__version__, "s": seconds, "orders": count}))
