"""Every sync of the project PULLPUSH_PROJECT names, once, in a process that a test may kill."""

import asyncio

from pullpush_dagster.audit import audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.config import Project
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.push import Pusher
from pullpush_dagster.store import Store


def silent(_: str) -> None:
    """Progress nobody watches."""


def one_round(project: Project) -> None:
    """Pull, compare and push, sync by sync."""
    store = Store.of(project.state)
    for push in project.pushes.values():
        for pull in (project.pull(id_) for id_ in push.from_):
            for scope in pull.scopes:
                window = Window("full", scope) if scope else Window("sync")
                asyncio.run(pull_records(project, store, pull, window, silent))
                read_pulls(project, store, pull, scope)
                with store.session() as con:
                    audit(con, ENTITIES[pull.entity], pull.connection, pull.name, scope, pull.guard.own())
        pusher = Pusher(project, push, store, patience=1.0)
        pusher.arrive()
        asyncio.run(pusher.send(silent))


if __name__ == "__main__":
    one_round(Project.find())
