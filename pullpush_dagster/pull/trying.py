"""A live pull that is read and shown, and stored nowhere."""

import tempfile
from pathlib import Path

from pullpush_dagster.canonical.frame import Frame
from pullpush_dagster.config import Project, Pull
from pullpush_dagster.config.sync import Partitions
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.pull.asking import Progress
from pullpush_dagster.pull.pulling import ask_platform, read_pages
from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.pull.window import Window


async def try_pull(project: Project, connection: str, entity: str, scope: str, progress: Progress) -> Frame:
    """The canonical frame of a full pull of ``entity``, whether or not assets/ declares one.

    Raises:
        ConfigError: the platform is asked per scope, and none is given or declared.
        PullPushError: as ``ask``.
    """
    pull = _declared(project, connection, entity, scope)
    parts = pull.partitions
    place = scope or (parts.values[0] if parts and parts.values else "")
    with tempfile.TemporaryDirectory() as folder, Spool(Path(folder)) as spool:
        await ask_platform(project, pull, Window("full", place), {}, spool, progress, patient=False)
        return read_pages(project, pull, place, spool.table())


def _declared(project: Project, connection: str, entity: str, scope: str) -> Pull:
    facts = project.connector(connection).pull(entity)
    found = project.pulls.get(f"{connection}/{entity}")
    if found is not None or not facts.scope:
        return found or Pull(connection=connection, entity=entity)
    by = next(iter(facts.scope))
    if not scope:
        raise ConfigError(f"say which {by}: --scope NAME", connection=connection, entity=entity)
    return Pull(connection=connection, entity=entity, partitions=Partitions(by=by, values=[scope]))
