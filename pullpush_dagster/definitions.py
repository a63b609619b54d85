"""Composition root: assets/ and resources/ become one dg.Definitions."""

import sys

import dagster as dg

from pullpush_dagster.config import Project
from pullpush_dagster.orchestration.loading import project_definitions


@dg.definitions
def defs() -> dg.Definitions:
    """Everything of the project this package is in, or of the one PULLPUSH_PROJECT names."""
    project = Project.find()
    # Definitions load lazily, in processes that were started elsewhere.
    if str(project.root) not in sys.path:
        sys.path.insert(0, str(project.root))
    return project_definitions(project)
