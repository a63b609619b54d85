"""Our errors as Dagster's, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from pullpush_dagster.errors import PullPushError, RetryError


@contextmanager
def as_failure(*but: type[PullPushError]) -> Iterator[None]:
    """Turns a PullPushError, ``but`` these, into a Dagster Failure that shows one sentence; only waiting is retried."""
    try:
        yield
    except but:
        raise
    except PullPushError as error:
        raise dg.Failure(description=str(error), allow_retries=isinstance(error, RetryError)) from None
