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

# Of so many, and none taken meanwhile, it is not each one's own fault.
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
        if len(self._records) >= _MOST:
            self.give_up()

    def taken(self, form: Write, sent_at: dt.datetime) -> None:
        """Records of ``form`` were taken: the credentials were good then."""
        self._taken_at[form.identity] = max(sent_at, self._taken_at.get(form.identity, sent_at))
        self._refuse()

    def _refuse(self) -> None:
        for one in [*self._records]:
            if self._taken_at.get(one.form.identity, one.since) > one.since:
                self._records.remove(one)
                self._report(one.sent)

    def give_up(self) -> None:
        """Nothing more will be known: it is the credentials. They halt the push, and the records go again."""
        records, self._records = self._records, []
        for one in records:
            self._halt(one.error)
            self._report(replace(one.sent, outcomes=[Outcome("retry", str(one.error))], sent_at=None, halted=True))
