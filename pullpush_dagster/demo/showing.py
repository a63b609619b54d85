"""Rounds of syncs, with progress while they run and a table of what each came to."""

import datetime as dt
import logging
import time
from typing import Any

import dagster as dg
from rich.console import Console
from rich.status import Status
from rich.table import Table

from pullpush_dagster.config import Project
from pullpush_dagster.orchestration.loading import project_definitions
from pullpush_dagster.orchestration.running import run_sync
from pullpush_dagster.store import Store
from pullpush_dagster.store.overview import ROUND_COLUMNS, round_counts

# Named in the run config, it is the only one: Dagster's own would print every event.
_LOGGERS: dict[str, Any] = {"loggers": {"shown": {}}}


class _Shown(logging.Handler):
    """Shows the newest line a run logs behind the spinner, and errors for good."""

    def __init__(self, console: Console, status: Status) -> None:
        super().__init__(logging.DEBUG)
        self._console, self._status = console, status

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record, unless it is one of Dagster's own events."""
        told = getattr(record, "dagster_meta", {})
        if told.get("dagster_event") is not None and record.levelno < logging.ERROR:
            return
        text = str(told.get("orig_message") or record.getMessage())
        if record.levelno >= logging.ERROR:
            self._console.print(f"  [red]{text}[/]")
        else:
            self._status.update(f"  {text}")


class SyncTable:
    """Runs every sync of a project through Dagster, in this process."""

    def __init__(self, console: Console, project: Project) -> None:
        self._console, self._project = console, project
        self._instance = dg.DagsterInstance.ephemeral()

    def round(self, title: str) -> bool:
        """Run every sync once, show what each came to, and say whether any failed."""
        table = Table(title=title, title_justify="left", title_style="bold")
        table.add_column("sync", no_wrap=True)
        for name in (*ROUND_COLUMNS, "s"):
            table.add_column(name, justify="right")
        failed = False
        with self._console.status("") as status:
            definitions = self._definitions(status)
            for push in self._project.pushes:
                started, since = time.monotonic(), dt.datetime.now(dt.UTC)
                good = run_sync(self._project, definitions, push, self._instance, _LOGGERS)
                failed = failed or not good
                table.add_row(push, *self._counts(push, since), f"{time.monotonic() - started:.1f}")
        self._console.print(table)
        return failed

    def _counts(self, push: str, since: dt.datetime) -> list[str]:
        sources = [self._project.pull(id_) for id_ in self._project.push(push).from_]
        with Store.of(self._project.state).session() as con:
            counts = round_counts(con, push, [(pull.connection, pull.name) for pull in sources], since)
        return [f"{count:,}" for count in counts]

    def _definitions(self, status: Status) -> dg.Definitions:
        @dg.logger
        def shown(_: dg.InitLoggerContext) -> logging.Logger:
            logger = logging.Logger("demo", logging.DEBUG)
            logger.addHandler(_Shown(self._console, status))
            return logger

        found = project_definitions(self._project)
        return dg.Definitions.merge(found, dg.Definitions(loggers={"shown": shown}))
