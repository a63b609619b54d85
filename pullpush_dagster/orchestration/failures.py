"""Our errors as Dagster's, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from pullpush_dagster.errors import PullPushError, RetryError


@contextmanager
def as_failure() -> Iterator[None]:
    """Turns a PullPushError into a Dagster Failure that shows one clear sentence; only waiting can be retried."""
    try:
        yield
    except PullPushError as error:
        raise dg.Failure(description=str(error), allow_retries=isinstance(error, RetryError)) from None
