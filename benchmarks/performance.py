"""All benchmarks, one after the other, and ``docs/performance.md`` out of what they say."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

_FAULTS = "latency_ms=20&jitter_ms=20&p500=0.01&pitem=0.002"
_BURSTS = f"{_FAULTS}&burst_at=15000&burst_ms=1500&bursts=2&preset=0.002&p500_after=0.002"
# What is measured, by which benchmark, with which arguments.
RUNS: list[tuple[str, str, list[str]]] = [
    ("Diff and audit, 1 million stock rows", "diff", []),
    ("Diff and audit, 10 million stock rows", "diff", ["--rows", "10000000"]),
    ("Diff and audit, 1 million products with 3 million variants", "diff", ["--entity", "product"]),
    ("Keep and audit a pull of 1,000 rows, where 1 million are known", "incremental", []),
    ("Map 100,000 nested orders", "map", []),
    ("Pull 200,000 orders", "pull", []),
    ("Push 50,001 changes, only the newest of a key", "push", ["--deliver", "latest"]),
    ("Push 50,001 changes, each in turn", "push", []),
    ("Push, each in turn, where one request and some items fail", "push", ["--faults", _FAULTS]),
    ("Push, each in turn, with bursts of 429 and lost answers", "push", ["--faults", _BURSTS, "--rounds", "1"]),
    ("Push 50,001 changes, one to a request", "push", ["--mode", "put", "--rounds", "1"]),
    ("Claim and acknowledge 1,000 keys, of 1 million that are due", "claim", []),
    ("From a change's being accepted to its receipt, under dagster dev", "latency", []),
    ("Other tools at the same work", "peers", []),
]
_ABOUT = ("benchmark", "date", "machine")
_PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


@click.command()
@click.option("--only", default="", help="Just those whose title has this in it; the page is not written.")
def main(only: str) -> None:
    """Run every benchmark on this machine, and write docs/performance.md; peers if PULLPUSH_PEERS names their Python.

    Takes a quarter of an hour; let nothing else run.
    """
    sections, about = [], ""
    for title, name, arguments in RUNS:
        if only not in title or (name == "peers" and not os.environ.get("PULLPUSH_PEERS")):
            continue
        found = _measured(name, arguments)
        versions = (f"{key} {found[key]}" for key in _VERSIONS)
        about = about or ", ".join([found["date"], found["machine"], *versions])
        sections.append(_section(title, name, arguments, found))
        click.echo(sections[-1])
    if not only:
        _PAGE.write_text("\n".join([_HEAD.format(about=about), *sections]), encoding="utf-8")


_VERSIONS = ("duckdb", "pandas", "pandera", "pyarrow", "httpx")
_HEAD = """# Performance

What the benchmarks said; `python -m benchmarks.performance` writes this page. A ratio compares with a floor that was
measured in the same run: the least that any program doing this has to do, written by hand
([which](../benchmarks/README.md)). Seconds depend on the machine, ratios much less.

Measured: {about}.
"""


def _measured(name: str, arguments: list[str]) -> dict[str, Any]:
    command = [sys.executable, "-m", f"benchmarks.{name}", *arguments, "--json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if not done.stdout:
        raise click.ClickException(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _section(title: str, name: str, arguments: list[str], found: dict[str, Any]) -> str:
    rows = [
        f"| {key} | {_shown(value)} |" for key, value in found.items() if key not in (*_ABOUT, *_VERSIONS, "faults")
    ]
    command = " ".join(["python -m", f"benchmarks.{name}", *(f"'{one}'" if "&" in one else one for one in arguments)])
    return "\n".join([f"## {title}", "", f"`{command}`", "", "| figure | |", "|---|---|", *rows, ""])


def _shown(value: Any) -> str:
    return f"{value:,.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()
