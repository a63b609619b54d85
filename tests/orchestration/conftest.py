"""Definitions of a project of the test's own, and an instance to run them on."""

import warnings
from collections.abc import Iterator

import dagster as dg
import pytest

from pullpush_dagster.config import Project
from pullpush_dagster.orchestration.loading import project_definitions

# The design uses these on purpose; everything else that warns fails a test.
_PREVIEW = (dg.BetaWarning, dg.PreviewWarning, dg.SupersessionWarning)


@pytest.fixture(autouse=True)
def _preview_parts_of_dagster() -> Iterator[None]:
    with warnings.catch_warnings():
        for category in _PREVIEW:
            warnings.simplefilter("ignore", category)
        yield


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as found:
        yield found


@pytest.fixture(scope="session")
def shipped() -> dg.Definitions:
    """The shipped project as Dagster sees it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return project_definitions(Project.find())


@pytest.fixture
def definitions(world, monkeypatch) -> dg.Definitions:
    """The world's project as Dagster sees it."""
    monkeypatch.syspath_prepend(str(world.project.root))
    monkeypatch.setenv("PULLPUSH_DATA", str(world.project.state))
    return project_definitions(world.project)
