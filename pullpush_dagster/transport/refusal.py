"""Credentials that were refused, which nobody tries again."""

from collections.abc import Iterator
from contextlib import contextmanager

from pullpush_dagster.errors import AuthError


class Refusal:
    """Whether a login was refused: each request that waits would try it again, and many in a row lock an account."""

    def __init__(self) -> None:
        self._error: AuthError | None = None

    @contextmanager
    def once(self) -> Iterator[None]:
        """Around what may log in. Raises AuthError without that, if it was refused before."""
        if self._error is not None:
            raise self._error
        try:
            yield
        except AuthError as error:
            self._error = error
            raise
