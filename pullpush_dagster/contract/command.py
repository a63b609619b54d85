"""``pullpush connectors test``."""

import json
import sys
from pathlib import Path

import click

from pullpush_dagster.config import Project
from pullpush_dagster.connectors import Connector, load_connector
from pullpush_dagster.contract.acting import playing
from pullpush_dagster.contract.samples import read_samples
from pullpush_dagster.contract.testing import Verdict, tested
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.telling import told


@click.command("test")
@click.argument("name")
@click.option("--samples", type=click.Path(path_type=Path), help="Default: resources/connectors/samples/NAME.yaml.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
@told
def test_connector(name: str, samples: Path | None, as_json: bool) -> None:
    """Pull and push by the connector NAME against a server that answers as its samples say; exit 1 if anything differs.

    NAME: a connector, or a connection that describes its platform itself. Nothing is stored, and no platform is asked.
    """
    project = Project.find()
    file = samples or project.root / "resources" / "connectors" / "samples" / f"{name}.yaml"
    if not file.is_file():
        raise ConfigError(f"there are no samples at {file}; docs/write-a-connector.md says what goes into them")
    connector = _connector(project, name)
    with playing() as platform:
        verdicts = list(tested(connector, read_samples(file), platform))
    if as_json:
        click.echo(json.dumps([vars(one) for one in verdicts], indent=2, ensure_ascii=False))
    else:
        _show(verdicts)
    sys.exit(1 if any(one.problems for one in verdicts) else 0)


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
