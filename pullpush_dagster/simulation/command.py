"""What ``pullpush simulate`` does and shows."""

import json

import click
from rich.console import Console
from rich.table import Table

from pullpush_dagster.config import Project
from pullpush_dagster.simulation.simulating import Report, history, simulate
from pullpush_dagster.simulation.world import KINDS, Kind


def simulated(sync: str | None, seeds: range, as_json: bool) -> bool:
    """Whether every promise held in all the histories, which are told on the way; those of ``sync``, None: of all."""
    kinds = _kinds(sync)
    if len(seeds) == 1 and not as_json:
        ended, _ = history(seeds[0], kinds[seeds[0] % len(kinds)])
        click.echo("\n".join([*ended.story, *(ended.broken or ["all promises held"])]))
        return not ended.broken
    with Console(stderr=True).status("simulating") as status:
        report = simulate(seeds, kinds, lambda so_far: status.update(_line(so_far)))
    if as_json:
        click.echo(json.dumps({**vars(report), "silent": report.silent}, indent=2))
    else:
        _show(report)
    return not report.failed


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
