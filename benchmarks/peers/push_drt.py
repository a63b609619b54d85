"""URL DATABASE FOLDER: each row of the DuckDB table ``changes``, in its order, sent by drt, a hundred to a request."""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path

from drt.config.credentials import DuckDBProfile
from drt.config.models import SyncConfig
from drt.destinations.rest_api import RestApiDestination
from drt.engine.sync import run_sync
from drt.sources.duckdb import DuckDBSource

url, database, folder = sys.argv[1:]
sync = SyncConfig.model_validate(
    {
        "name": "push",
        "model": "SELECT key, version, quantity, price FROM changes ORDER BY seq",
        "destination": {
            "type": "rest_api",
            "url": f"{url}/items/batch",
            "headers": {"Content-Type": "application/json"},
            "body_mode": "batch",
            "batch_template": "{{ rows | tojson }}",
            "max_records_per_request": 100,
        },
        # As fast as it can, and on past what fails: its own limit is ten requests a second.
        "sync": {"batch_size": 100, "on_error": "skip", "rate_limit": {"requests_per_second": 1_000_000}},
    }
)
begun = time.perf_counter()
done = run_sync(sync, DuckDBSource(), RestApiDestination(), DuckDBProfile("duckdb", database), Path(folder))
seconds = time.perf_counter() - begun
print(json.dumps({"version": version("drt-core"), "s": seconds, "told": done.success, "failed": done.failed}))
