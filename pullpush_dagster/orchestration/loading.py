"""A whole project as Dagster definitions."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from pullpush_dagster.config import Project
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.orchestration.approving import approve_definitions
from pullpush_dagster.orchestration.watching import watch_definitions

# The names by which Dagster knows a component's file.
_COMPONENTS = ("defs.yaml", "defs.yml", "component.yaml")


def project_definitions(project: Project) -> dg.Definitions:
    """All assets, jobs, schedules, sensors and checks of ``project``, in-process.

    Raises:
        ConfigError: files contradict each other; every fault is listed with file, line and key.
    """
    problems = project.problems()
    if problems:
        raise ConfigError("\n" + "\n".join(problems))
    found = dg.load_from_defs_folder(path_within_project=project.root) if _has_any(project) else dg.Definitions()
    jobs = [job for job in found.jobs or () if isinstance(job, UnresolvedAssetJobDefinition)]
    # Steps of a sync run wait for platforms and the store, not for the processor: one process is the fastest.
    return dg.Definitions.merge(
        found,
        watch_definitions(project, jobs),
        approve_definitions(project),
        dg.Definitions(executor=dg.in_process_executor),
    )


def _has_any(project: Project) -> bool:
    """Whether there is anything in assets/ that Dagster would load; where there is nothing, it fails."""
    assets = project.root / "assets"
    return any(path.suffix == ".py" or path.name in _COMPONENTS for path in assets.rglob("*"))
