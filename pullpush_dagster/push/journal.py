"""Confirm: outcomes on their way into the store."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from pullpush_dagster.changes import Accepted, Claimed, Ready, Settled, Taken
from pullpush_dagster.push.batch import ReadyBatch
from pullpush_dagster.push.lanes import Sent
from pullpush_dagster.push.outcome import Outcome
from pullpush_dagster.push.payload import Payload
from pullpush_dagster.push.resolve import ids_of
from pullpush_dagster.transport import Client

if TYPE_CHECKING:
    from pullpush_dagster.push.pushing import Pusher

# So many steps a key may take without a pause between them; one that goes round in circles slows down.
_STEPS_AT_ONCE = 3
# The first few attempts take a second, as most faults are gone by then. The last few take minutes, all ten some eleven:
# a platform that is started anew, and answers 502 meanwhile, must not make dead letters.
_FIRST_PAUSE, _GROWTH, _QUICK = 0.1, 2.2, 5
_LATER_GROWTH, _LONGEST_PAUSE = 4.0, 900.0
# What goes again within so many seconds stays in its claim.
_SOON = 1.0
_UNNAMED = "it was made, and its id is looked up once it can be found"
Progress = Callable[[str], None]


class Next(NamedTuple):
    """Rows of a claim that are sent again after ``due_in`` seconds; None: that were taken, and are followed."""

    lane: int
    claim: Taken
    places: Sequence[int]
    due_in: float | None


@dataclass
class Totals:
    """Keys of one run, by their last outcome in it, and the requests' keys ``sent`` in all."""

    outcomes: dict[str, str] = field(default_factory=dict)
    sent: int = 0

    def counted(self) -> dict[str, int]:
        """accepted, rejected, retry, unknown, waiting, skipped -> number of keys."""
        return dict(Counter(self.outcomes.values()))


@dataclass
class Group:
    """Outcomes, one by one, and those of whole requests. Its length is how many keys are settled with them."""

    settled: list[Settled] = field(default_factory=list)
    accepted: list[Accepted] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(not one.held for one in self.settled) + sum(one.ends for one in self.accepted)

    def __bool__(self) -> bool:
        return bool(self.settled or self.accepted)

    def __add__(self, other: "Group") -> "Group":
        return Group(self.settled + other.settled, self.accepted + other.accepted)

    def __iadd__(self, other: "Group") -> "Group":
        self.settled += other.settled
        self.accepted += other.accepted
        return self

    @property
    def moved(self) -> int:
        """How many keys came nearer to what they should be."""
        came = sum(one.outcome == "accepted" or one.again for one in self.settled)
        return came + sum(len(one.places) for one in self.accepted)

    def fates(self) -> dict[str, str]:
        """What became of each key."""
        told = dict.fromkeys((key for one in self.accepted for key in one.keys), "accepted")
        # Where another one of its key was accepted, that was before.
        return told | {one.claimed.key: one.fate for one in self.settled if not one.held}


class Journal:
    """Outcomes that are to be written together.

    Attributes:
        claimed: keys to be settled so far. moved: keys that came nearer to what they should be.
        since: when the oldest of those came that wait, by the loop's clock.
    """

    def __init__(
        self, pusher: "Pusher", client: Client, totals: Totals, progress: Progress, changed: Callable[[], None]
    ) -> None:
        self._pusher, self._client, self._totals, self._progress = pusher, client, totals, progress
        self._changed, self._time = changed, asyncio.get_running_loop().time
        self.claimed = self.moved = 0
        self.since = 0.0
        self._waiting = Group()
        self._taken = self._given = self._written = 0

    @property
    def in_hand(self) -> int:
        """Claimed keys of which nothing is known yet."""
        return self.claimed - self._taken

    @property
    def unwritten(self) -> int:
        """Keys whose outcomes are known, and not in the store nor on their way to it."""
        return self._taken - self._given

    @property
    def waiting(self) -> bool:
        """Whether any outcome is not written yet."""
        return bool(self._waiting)

    def sent(self, sent: Sent) -> list[Next]:
        """Take the outcomes of one request. What the claims they are of have to send now, or soon."""
        self._totals.sent += len(sent.batch) if sent.sent_at else 0
        # Drawn once: records that failed together are due together, and can share a request again.
        wait = cache(_pause)
        if not isinstance(sent.batch, ReadyBatch):
            self.settle([self._settled(*one, sent, wait) for one in zip(sent.batch, sent.outcomes, strict=True)])
            return []
        taken: dict[Taken, list[int]] = {}
        settled, again = [], []
        for at, ((claim, place), outcome) in enumerate(zip(sent.batch.places, sent.outcomes, strict=True)):
            if outcome.name == "accepted":
                taken.setdefault(claim, []).append(place)
                continue
            one = self._settled(sent.batch[at], outcome, sent, wait)
            settled.append(one)
            if one.held:
                claim.again[place] += 1
                if outcome.name == "unknown":
                    claim.doubtful.add(place)
                again.append(Next(sent.lane, claim, [place], one.due_in))
        accepted = [Accepted(claim, places, sent.sent_at) for claim, places in taken.items()]
        self.settle(settled, accepted)
        return again + [Next(sent.lane, one.claim, one.followed, None) for one in accepted if one.followed]

    def settle(self, settled: Sequence[Settled], accepted: Sequence[Accepted] = ()) -> None:
        """Take outcomes."""
        if not self._waiting:
            self.since = self._time()
        came = Group([*settled], [*accepted])
        self._waiting += came
        self._taken += len(came)
        self.moved += came.moved
        self._changed()

    def take(self) -> Group:
        """What is to be written now."""
        group, self._waiting, self._given = self._waiting, Group(), self._taken
        return group

    def put_back(self, group: Group) -> None:
        """``group`` could not be written."""
        self._waiting = group + self._waiting
        self._given -= len(group)

    def written(self, group: Group) -> None:
        """``group`` is in the store."""
        if group:
            self._written += len(group)
            self._totals.outcomes |= group.fates()
            self._progress(f"{self._pusher.push.name}: {self._written} of {self.claimed} keys settled")

    def _settled(self, payload: Payload, outcome: Outcome, sent: Sent, wait: Callable[[int], float]) -> Settled:
        pusher, row = self._pusher, payload.claimed
        accepted = outcome.name == "accepted"
        ids = None if outcome.stale else payload.learned
        if accepted and not row.ids:
            ids = ids or outcome.ids or ids_of(outcome.answer, pusher.binding.paths)
        # Looked up before it can be found, it would be made again.
        unnamed = accepted and not (row.ids or ids) and payload.form is pusher.facts.create and bool(pusher.facts.find)
        due_in = pusher.facts.settle if unnamed else self._due_in(row, outcome, sent.retry_after, wait)
        return Settled(
            row,
            outcome.name,
            _UNNAMED if unnamed else outcome.reason and self._client.redacted(outcome.reason),
            sent=payload.fields if accepted else None,
            payload=payload.body,
            answer=None if accepted or outcome.answer is None else self._client.redacted(str(outcome.answer)),
            sent_at=None if outcome.undone else sent.sent_at,
            due_in=due_in,
            external_id=ids,
            bound_key=pusher.bound_key(row) if ids or outcome.stale else None,
            unbind=outcome.stale,
            # That it did not go at last says nothing of when it had no answer.
            lost=outcome.lost or payload.acts or (isinstance(row, Ready) and row.place in row.taken.doubtful),
            again=unnamed or (accepted and payload.more),
            unconfirmed=outcome.name == "unknown" and not pusher.facts.settles and not row.ids,
            held=_goes_again(row, outcome, sent, due_in),
            requeued=sent.requeued,
        )

    def _due_in(self, row: Claimed, outcome: Outcome, retry_after: float | None, wait: Callable[[int], float]) -> float:
        if outcome.name == "accepted":
            return 0.0 if row.attempts < _STEPS_AT_ONCE else wait(row.attempts - _STEPS_AT_ONCE)
        if outcome.name not in ("retry", "unknown"):
            return 0.0
        if retry_after is not None and outcome.name == "retry":
            return retry_after
        # An update that is over can go again at once; whether a create is there shows only after a while.
        may_come = outcome.name == "unknown" and not (outcome.over and row.ids)
        usual = wait(row.attempts + 1) + (self._pusher.facts.settle if may_come else 0.0)
        return max(usual, retry_after or 0.0)


def _goes_again(row: Claimed, outcome: Outcome, sent: Sent, due_in: float) -> bool:
    """Whether the same request goes again so soon that the store need not be asked in between."""
    plain = outcome.name in ("retry", "unknown") and not (outcome.stale or outcome.lost or sent.halted)
    counts = sent.sent_at is not None and not outcome.undone and row.attempts < _STEPS_AT_ONCE
    return isinstance(row, Ready) and plain and counts and due_in <= _SOON


def _pause(attempts: int) -> float:
    """Seconds to wait after so many attempts: full jitter over a growing cap."""
    cap = _FIRST_PAUSE * _GROWTH ** min(attempts, _QUICK) * _LATER_GROWTH ** max(0, attempts - _QUICK)
    return random.uniform(0, min(_LONGEST_PAUSE, cap))  # noqa: S311
