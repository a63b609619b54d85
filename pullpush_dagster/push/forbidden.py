"""Records that were answered 403: for their own sake, as where a firewall dislikes a text, or for the credentials'."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.errors import ForbiddenError
from pullpush_dagster.push.outcome import Outcome

if TYPE_CHECKING:
    from pullpush_dagster.push.lanes import Sent

# After so many of a form, and none taken meanwhile, no other one is sent: it is hardly each one's own fault.
_MOST = 3


@dataclass(slots=True)
class _Record:
    """``sent``: what is reported if it was for its own sake. ``since``: when a request with it was first forbidden."""

    form: Write
    since: dt.datetime
    sent: "Sent"
    error: ForbiddenError


class Forbidden:
    """Holds such records until it is known whose fault it is, and reports them then."""

    def __init__(self, report: Callable[["Sent"], None], halt: Callable[[BaseException], None]) -> None:
        self._report, self._halt = report, halt
        self._records: list[_Record] = []
        # By form, since who may change items may not always make them: when the last request went that was taken.
        self._taken_at: dict[object, dt.datetime] = {}

    def add(self, form: Write, since: dt.datetime, sent: "Sent", error: ForbiddenError) -> None:
        """One record went alone, as ``sent``, and was forbidden."""
        refused = replace(sent, outcomes=[Outcome("rejected", f"{error}; others were taken since")])
        self._records.append(_Record(form, since, refused, error))
        self._refuse()

    def count(self, form: Write) -> int:
        """How many of ``form`` are held."""
        return sum(one.form.identity == form.identity for one in self._records) if self._records else 0

    def stops(self, form: Write) -> bool:
        """Whether those are so many that no other one is worth a request."""
        return self.count(form) >= _MOST

    def __len__(self) -> int:
        return len(self._records)

    def taken(self, form: Write, sent_at: dt.datetime) -> bool:
        """Records of ``form`` were taken: the credentials were good then. Whether any was held that is refused now."""
        self._taken_at[form.identity] = max(sent_at, self._taken_at.get(form.identity, sent_at))
        return self._refuse()

    def _refuse(self) -> bool:
        refused = [one for one in self._records if self._taken_at.get(one.form.identity, one.since) > one.since]
        for one in refused:
            self._records.remove(one)
            self._report(one.sent)
        return bool(refused)

    def give_up(self) -> None:
        """Nothing more will be known: it is the credentials. They halt the push, and the records go again.

        They go behind all others, which would never have their turn else.
        """
        records, self._records = self._records, []
        for one in records:
            self._halt(one.error)
            again = [Outcome("retry", str(one.error))]
            self._report(replace(one.sent, outcomes=again, sent_at=None, halted=True, requeued=True))
