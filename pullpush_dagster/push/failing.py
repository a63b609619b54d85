"""Why the newest run of a push broke off, for whoever asks why nothing is sent: no record of its tells that."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pullpush_dagster.config import Push
from pullpush_dagster.errors import PullPushError, StoreBusyError
from pullpush_dagster.store import Store, named_sql

_SQL = named_sql(__package__, "failing.sql")


@contextmanager
def failure_noted(store: Store, push: Push) -> Iterator[None]:
    """Notes a PullPushError that ends this run of ``push``, until one gets through. A busy store is nobody's own."""
    try:
        yield
    except StoreBusyError:
        raise
    except PullPushError as error:
        _note(store, push, str(error))
        raise
    _note(store, push, None)


def _note(store: Store, push: Push, reason: str | None) -> None:
    """``reason`` None: it got through. A store that cannot be had is left alone: what happened is not to be hidden."""
    with suppress(PullPushError), store.session() as con:
        con.execute(_SQL["forget"], {"push": push.name})
        if reason is not None:
            con.execute(_SQL["note"], {"push": push.name, "reason": reason, "now": dt.datetime.now(dt.UTC)})
