"""How every benchmark measures and tells: best of N, interleaved, as ratios to a floor of the same run."""

import datetime as dt
import json
import os
import platform
import resource
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import click

Work = Callable[[], object]


def best_of(rounds: int, works: dict[str, Work]) -> dict[str, float]:
    """Seconds of the best of ``rounds`` runs of each work; taken in turn, so that noise meets all of them."""
    best: dict[str, float] = {}
    for _ in range(rounds):
        for name, work in works.items():
            started = time.perf_counter()
            work()
            best[name] = min(best.get(name, float("inf")), time.perf_counter() - started)
    return best


def peak_mb() -> int:
    """The largest this process has ever been, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def told(benchmark: str, figures: dict[str, Any], *, as_json: bool) -> None:
    """Print figures with what they were taken on, as a table or as JSON."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    libraries = {name: version(name) for name in ("duckdb", "pandas", "pandera", "pyarrow", "httpx")}
    today = str(dt.datetime.now(dt.UTC).date())
    if as_json:
        click.echo(json.dumps({"benchmark": benchmark, "date": today, "machine": machine, **libraries, **figures}))
        return
    click.echo(f"{benchmark} ({today}; {machine}; {', '.join(f'{k} {v}' for k, v in libraries.items())})")
    for name, value in figures.items():
        click.echo(f"  {name:<44} {_shown(value)}")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "NO"
    if isinstance(value, str):
        return value
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}"
