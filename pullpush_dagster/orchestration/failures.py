"""Our errors as Dagster's, in one place."""

from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from pullpush_dagster.errors import PullPushError, RetryError, StoreBusyError


@contextmanager
def as_failure(*but: type[PullPushError]) -> Iterator[None]:
    """Turns a PullPushError, ``but`` these, into a Dagster Failure that shows one sentence; only waiting is retried."""
    try:
        yield
    except but:
        raise
    except PullPushError as error:
        raise dg.Failure(description=str(error), allow_retries=isinstance(error, RetryError)) from None


class Failures:
    """What failed of several things, none of which stops the others.

    Attributes:
        errors: name -> what went wrong with it.
    """

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log = log
        self.errors: dict[str, PullPushError] = {}

    @contextmanager
    def noted(self, name: str) -> Iterator[None]:
        """Notes a PullPushError of ``name`` and goes on.

        Raises:
            dagster.Failure: the store is busy, which is nobody's own.
        """
        with as_failure():
            try:
                yield
            except StoreBusyError:
                raise
            except PullPushError as error:
                self.errors[name] = error
                self._log.error(f"{name}: {error}")

    def fail(self) -> None:
        """Fails the step, where anything failed; it can be retried if that may help any of them.

        Raises:
            dagster.Failure: with one of the errors; all are in the log.
        """
        with as_failure():
            for error in sorted(self.errors.values(), key=lambda one: not isinstance(one, RetryError))[:1]:
                raise error

    def told(self) -> dict[str, str]:
        """Name -> reason."""
        return {name: str(error) for name, error in self.errors.items()}
