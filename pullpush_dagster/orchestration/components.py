"""``pullpush_dagster.Pull`` and ``pullpush_dagster.Push``: what a defs.yaml in assets/ declares."""

from pathlib import Path
from typing import Self

import dagster as dg
from pydantic import BaseModel

from pullpush_dagster.config import Project
from pullpush_dagster.config import Pull as PullFile
from pullpush_dagster.config import Push as PushFile
from pullpush_dagster.orchestration.fulls import full_definitions
from pullpush_dagster.orchestration.pulls import pull_definitions
from pullpush_dagster.orchestration.pushes import push_definitions
from pullpush_dagster.orchestration.readbacks import readback_definitions
from pullpush_dagster.orchestration.scaffolding import PullScaffolder, PushScaffolder
from pullpush_dagster.orchestration.schedules import sync_definitions, unread_definitions


@dg.scaffold_with(PullScaffolder)
class Pull(dg.Component):
    """Asks a connection for one entity's records, reads them, and finds what changed."""

    def __init__(self, file: PullFile) -> None:
        self.file = file

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The typed form of ``attributes``."""
        return PullFile

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """The component of one document of a defs.yaml."""
        return cls(PullFile.model_validate(attributes))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The platform's external asset, the assets pulled, canonical and changes, the full audit, and what runs them.

        What a push reads is run by its sync.
        """
        project, file = _project(context), self.file
        return dg.Definitions.merge(
            pull_definitions(project, file), full_definitions(project, file), unread_definitions(project, file)
        )


@dg.scaffold_with(PushScaffolder)
class Push(dg.Component):
    """Sends what changed in one or more pulls to a connection, in order per key, each record confirmed."""

    def __init__(self, file: PushFile) -> None:
        self.file = file

    @classmethod
    def get_model_cls(cls) -> type[BaseModel]:
        """The typed form of ``attributes``."""
        return PushFile

    @classmethod
    def load(cls, attributes: BaseModel | None, context: dg.ComponentLoadContext) -> Self:
        """The component of one document of a defs.yaml."""
        return cls(PushFile.model_validate(attributes))

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """The push asset with its check, the jobs of the sync, its schedule, and the read-back of its destination."""
        project, file = _project(context), self.file
        return dg.Definitions.merge(
            push_definitions(project, file), sync_definitions(project, file), readback_definitions(project, file)
        )


def _project(context: dg.ComponentLoadContext) -> Project:
    return Project.at(Path(context.project_root))
