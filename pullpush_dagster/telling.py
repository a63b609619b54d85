"""How a command tells what went wrong."""

import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

from rich.console import Console

from pullpush_dagster.errors import PullPushError


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
