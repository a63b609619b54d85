"""``pullpush simulate``."""

import json
import sys

import click
from rich.console import Console
from rich.table import Table

from pullpush_dagster.config import Project
from pullpush_dagster.simulation.simulating import Report, history
from pullpush_dagster.simulation.simulating import simulate as simulated
from pullpush_dagster.simulation.world import KINDS, Kind
from pullpush_dagster.telling import told


@click.command()
@click.argument("sync", required=False)
@click.option("--seeds", default=50, show_default=True, help="How many histories.")
@click.option("--first", default=0, show_default=True, help="The first seed; --seeds 1 --first N tells that one.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
@told
def simulate(sync: str | None, seeds: int, first: int, as_json: bool) -> None:
    """Run histories of faults and deaths through the real engine, and check its promises after each.

    SYNC: its entity and its own ``deliver``, ``on_dead`` and ``lanes``, on platforms made up for it; without it,
    several kinds of syncs. One seed is one history. Exit 1 when a promise was broken; the shortest story is told.
    """
    kinds = _kinds(sync)
    if seeds == 1 and not as_json:
        ended, _ = history(first, kinds[first % len(kinds)])
        click.echo("\n".join([*ended.story, *(ended.broken or ["all promises held"])]))
        sys.exit(1 if ended.broken else 0)
    with Console(stderr=True).status("simulating") as status:
        report = simulated(range(first, first + seeds), kinds, lambda so_far: status.update(_line(so_far)))
    if as_json:
        click.echo(json.dumps({**vars(report), "silent": report.silent}, indent=2))
    else:
        _show(report)
    sys.exit(1 if report.failed else 0)


def _kinds(sync: str | None) -> tuple[Kind, ...]:
    if sync is None:
        return KINDS
    project = Project.find()
    return (Kind.of(project, project.push(sync)),)


def _line(report: Report) -> str:
    return f"{report.seeds} histories, {report.faults.total()} faults, {len(report.failed)} failed"


def _show(report: Report) -> None:
    console = Console()
    for title, counts in (("fault", report.faults), ("crash point", report.points)):
        table = Table(title, "times")
        for name, times in sorted(counts.items(), key=lambda pair: -pair[1]):
            table.add_row(name, f"{times:,}")
        console.print(table)
    for line in report.story:
        console.print(line, markup=False, soft_wrap=True)
    console.print(_line(report) + (f": seeds {', '.join(map(str, report.failed))}" if report.failed else ""))
