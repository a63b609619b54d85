"""Send: what waits in each lane, in groups of records that can share a request."""

import asyncio
import datetime as dt
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.push.batch import ReadyBatch
from pullpush_dagster.push.payload import Payload

# Most faults pass within so many attempts, and would only be made worse by more requests.
_WHOLE_ATTEMPTS = 3


def together(most: int, attempts: int) -> int:
    """How many records that were tried so often go in one request, where ``most`` can.

    A record at which the platform breaks down takes its whole request along, each time, and nothing in the answer says
    which one it is: so they part, four ways with each attempt, and of a thousand each goes alone before its last one.
    """
    return max(1, most >> 2 * max(0, attempts - _WHOLE_ATTEMPTS + 1))


@dataclass(slots=True)
class Group:
    """Records that can share a request, at most ``most`` of them: payloads, or places in claims."""

    name: tuple[object, ...]
    form: Write
    path: str
    most: int
    waiting: deque[Any] = field(default_factory=deque)

    def take(self, *, last: bool) -> Sequence[Payload]:
        pop = self.waiting.pop if last else self.waiting.popleft
        batch = [pop() for _ in range(min(self.most, len(self.waiting)))]
        return batch if isinstance(batch[0], Payload) else ReadyBatch(self.form, self.path, batch)


@dataclass(slots=True)
class Lane:
    """What waits in lane ``number``; ``task`` sends it, None: nothing is sent.

    ``forbidden_at``: when the batch that is under way, whole or in parts, was first sent and answered 403.
    """

    number: int
    groups: dict[tuple[object, ...], Group] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    forbidden_at: dt.datetime | None = None

    def group(self, form: Write, path: str, most: int, more: object) -> Group:
        """Those of one form and path, as many at once, and with the same in the rest of their request."""
        name = path, form.identity, most, more
        if name not in self.groups:
            self.groups[name] = Group(name, form, path, most)
        return self.groups[name]

    def next(self, stopped: Callable[[Write], bool]) -> Group | None:
        """The group whose turn it is, of a form that is not ``stopped``; None: there is none."""
        return next((group for group in self.groups.values() if not stopped(group.form)), None)

    def take(self, group: Group, *, last: bool) -> Sequence[Payload]:
        """The next request's records; the ``last`` ones of their group, or the first."""
        batch = group.take(last=last)
        del self.groups[group.name]
        if group.waiting:
            # Behind the others, which would wait as long as it is filled while it is sent.
            self.groups[group.name] = group
        return batch

    @property
    def waiting(self) -> int:
        """How many records wait in it."""
        return sum(len(group.waiting) for group in self.groups.values())
