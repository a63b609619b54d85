"""How commands speak: errors in one sentence, values in words, tables that lose nothing."""

import datetime as dt
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pullpush_dagster.errors import PullPushError

# What is read by other programs, such as grep, is not broken into lines.
_UNBROKEN = 10_000


def told(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose expected errors are one red sentence and exit code 1, not a traceback."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except PullPushError as error:
            Console(stderr=True).print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
            sys.exit(1)

    return run


def shown(value: Any) -> str:
    """A value in words; null is unknown, and what an object or a row of a list does not say is left out."""
    match value:
        case None:
            return "unknown"
        case bool():
            return "yes" if value else "no"
        case dt.datetime():
            return f"{value.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"
        case Mapping():
            return ", ".join(f"{name} {_inside(one)}" for name, one in value.items() if one is not None) or "nothing"
        case list():
            return "; ".join(_inside(one) for one in value) or "none"
    return str(value)


def briefly(value: dt.datetime | int | None) -> str:
    """An instant without its year, or seconds, where there is little room; null: never."""
    if value is None:
        return "never"
    return f"{value:%m-%d %H:%M}" if isinstance(value, dt.datetime) else str(value)


def _inside(value: Any) -> str:
    return f"({shown(value)})" if isinstance(value, Mapping | list) else shown(value)


def parsed(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """``row`` with what is JSON text in ``names`` read."""
    return {name: json.loads(v) if name in names and isinstance(v, str) else v for name, v in row.items()}


def named(key: str | Mapping[str, Any]) -> str:
    """A key as people write it: the texts of its fields, ``SKU-1 WH``."""
    return " ".join(map(str, (json.loads(key) if isinstance(key, str) else key).values()))


def sent(value: Any) -> str:
    """A stored value, where False stands for an emptied field."""
    return "cleared" if value is False else shown(value)


def print_table(rows: Sequence[Mapping[str, Any]], *whole: str) -> None:
    """``rows`` as a table, which folds what has no room; the first column and those named in ``whole`` never break."""
    if not rows:
        click.echo("nothing")
        return
    table = Table(box=box.SIMPLE_HEAD, padding=0, show_edge=False)
    for place, name in enumerate(rows[0]):
        table.add_column(name, no_wrap=not place or name in whole, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one if isinstance(one, str) else shown(one)) for one in row.values()))
    console = Console()
    console.width = console.width if console.is_terminal else _UNBROKEN
    console.print(table)


def print_story(story: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Each stage with its rows, of which each begins with its key."""
    console = Console()
    for stage, rows in story.items():
        console.print(f"[bold]{stage}[/]" + ("" if rows else ": nothing"))
        for row in rows:
            line = Text(_line(row))
            if console.is_terminal:
                console.print(Padding(line, (0, 0, 0, 2)))
            else:
                console.print("  ", line, sep="", soft_wrap=True)


def _line(row: Mapping[str, Any]) -> str:
    """``row`` in a line. What a column is called is left out where its value says it."""
    key = row.get("key")
    begin = [named(key)] if key else []
    words = [row["is"]] if "is" in row else [f"{name} {_inside(v)}" for name, v in row.items() if name != "key"]
    return ": ".join([*begin, ", ".join(words)])


def print_json(value: Any) -> None:
    """``value`` as JSON; times in ISO 8601, amounts as text."""
    click.echo(
        json.dumps(value, indent=2, ensure_ascii=False, default=lambda one: getattr(one, "isoformat", one.__str__)())
    )
