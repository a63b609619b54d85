"""What ``pullpush simulate`` does and shows."""

import json

import click
from rich.console import Console
from rich.table import Table

from pullpush_dagster.config import Project
from pullpush_dagster.connectors import load_connector
from pullpush_dagster.connectors.loading import connector_names
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.simulation.kinds import KINDS, Kind, kinds_of
from pullpush_dagster.simulation.simulating import Report, history, simulate
from pullpush_dagster.simulation.traits import unmirrored


def simulated(what: str | None, seeds: range, as_json: bool) -> bool:
    """Whether every promise held in all the histories, which are told on the way.

    Args:
        what: the name of a sync or of a connector; None: several kinds of both.

    Raises:
        ConfigError: nothing is called so, or it is a connector without an entity.
    """
    kinds = KINDS if what is None else _kinds(Project.find(), what)
    if len(seeds) == 1 and not as_json:
        ended, _ = history(seeds[0], kinds[seeds[0] % len(kinds)])
        click.echo("\n".join([*ended.story, *(ended.broken or ["all promises held"])]))
        return not ended.broken
    report, console = Report(), Console(stderr=True)
    try:
        with console.status("simulating") as status:
            simulate(seeds, report, kinds, lambda: status.update(_line(report)))
    finally:
        # Broken off too, it tells what it has found.
        if as_json:
            click.echo(json.dumps({**vars(report), "silent": report.silent}, indent=2))
        else:
            _show(report)
    return not report.failed


def _kinds(project: Project, what: str) -> tuple[Kind, ...]:
    if what in project.pushes:
        return (Kind.of(project, project.push(what)),)
    own = project.root / "resources" / "connectors"
    names = connector_names(own)
    if what not in names:
        syncs = ", ".join(project.pushes) or "none"
        raise ConfigError(f"there is no sync and no connector {what!r}; syncs: {syncs}; connectors: {', '.join(names)}")
    facts = load_connector(what, own).facts
    kinds = kinds_of(facts)
    told = {one.entity: ", ".join(unmirrored(facts.entities[one.entity])) for one in kinds}
    rest = "; ".join(f"{name} without its {left_out}" if left_out else name for name, left_out in told.items())
    click.echo(f"ledgers with the ways of {what}: {rest}", err=True)
    return kinds


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
