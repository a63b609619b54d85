"""Run a sync through Dagster in this very process, as the demo and tests do."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from pullpush_dagster.config import Project
from pullpush_dagster.orchestration.schedules import sync_tags


def run_sync(
    project: Project,
    definitions: dg.Definitions,
    name: str,
    instance: dg.DagsterInstance,
    run_config: Mapping[str, Any] | None = None,
) -> bool:
    """Whether a sync run of ``name`` succeeded: the same job, with the same tags, as its schedule launches."""
    push = project.push(name)
    tags = sync_tags(project, [project.pull(id_) for id_ in push.from_])
    job = definitions.resolve_job_def(name)
    ran = job.execute_in_process(instance=instance, tags=tags, run_config=run_config, raise_on_error=False)
    return ran.success
