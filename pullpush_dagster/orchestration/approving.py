"""The job ``approve``: lets one held change set through, for those who work in the web UI."""

import dagster as dg

from pullpush_dagster.config import Project
from pullpush_dagster.held import approve
from pullpush_dagster.orchestration.failures import as_failure

_ABOUT = "Lets the change set with this hash through. The guard's check and `pullpush held` name it."


def approve_definitions(project: Project) -> dg.Definitions:
    """The job, whose one config field is the hash."""

    @dg.op(name="approve_change_set", config_schema={"hash": dg.Field(str, description=_ABOUT)})
    def approve_change_set(context: dg.OpExecutionContext) -> None:
        with as_failure():
            told = approve(project, context.op_config["hash"])
        for sentence in told:
            context.log.info(sentence)

    @dg.job(name="approve", description=_ABOUT)
    def job() -> None:
        approve_change_set()

    return dg.Definitions(jobs=[job])
