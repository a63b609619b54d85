"""What ``pullpush connectors test`` does and shows."""

from pathlib import Path

import click

from pullpush_dagster.config import Project
from pullpush_dagster.connectors import Connector, load_connector
from pullpush_dagster.connectors.loading import connector_names
from pullpush_dagster.contract.acting import playing
from pullpush_dagster.contract.samples import read_samples
from pullpush_dagster.contract.testing import Verdict, tested
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.telling import print_json


def tested_by_samples(name: str, samples: Path | None, *, as_json: bool) -> bool:
    """Whether the connector does what its samples say; every check is told.

    Raises:
        ConfigError: there is no such connector, or there are no samples of it; where they belong.
    """
    project = Project.find()
    connector = _connector(project, name)
    file = _samples(project, name) if samples is None else samples
    with playing() as platform:
        verdicts = list(tested(connector, read_samples(file), platform))
    if as_json:
        print_json([vars(one) for one in verdicts])
    else:
        _show(verdicts)
    return not any(one.problems for one in verdicts)


def _samples(project: Project, name: str) -> Path:
    own = Path("resources", "connectors", "samples", f"{name}.yaml")
    if not (project.root / own).is_file():
        said = "docs/write-a-connector.md says what goes into them"
        if name in connector_names():
            said = "those of built-in connectors are in the sources, tests/connectors/samples; --samples FILE names one"
        raise ConfigError(f"there are no samples of {name} at {own}; {said}")
    return project.root / own


def _connector(project: Project, name: str) -> Connector:
    described = project.connections.get(name)
    if described is not None and described.api is not None:
        return project.connector(name)
    return load_connector(name, project.root / "resources" / "connectors")


def _show(verdicts: list[Verdict]) -> None:
    for one in verdicts:
        click.echo(f"{'not so' if one.problems else 'so':7}{one.entity} {one.check}")
        for problem in one.problems:
            click.echo(f"         {problem}")
    wrong = sum(bool(one.problems) for one in verdicts)
    click.echo(f"{len(verdicts)} checks, {wrong or 'none'} of them not so")
