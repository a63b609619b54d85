"""The command line over a world's project."""

import json

import pytest
from click.testing import CliRunner

from pullpush_dagster.cli import main


@pytest.fixture
def run(world, monkeypatch):
    """Runs one command over the world's project."""
    monkeypatch.setenv("PULLPUSH_PROJECT", str(world.project.root))
    monkeypatch.setenv("PULLPUSH_DATA", str(world.project.state))
    return lambda *arguments: CliRunner().invoke(main, arguments)


@pytest.fixture
def letters(run):
    """What ``pullpush dead-letters`` tells."""
    return lambda *options: json.loads(run("dead-letters", "--json", *options).output)
