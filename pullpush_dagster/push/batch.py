"""The records of one request."""

import datetime as dt
from collections.abc import Sequence
from functools import cached_property
from typing import Any, overload

import orjson

from pullpush_dagster.changes.taken import Fields, Taken
from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.push.payload import Payload

# A claim, and a row in it.
Place = tuple[Taken, int]
_NO_FIELDS: dict[str, Any] = {}


class ReadyBatch(Sequence[Payload]):
    """Records that the store has written, for one form and path.

    A payload is made only of one that is asked for: most are sent and taken, and nobody looks at them.
    """

    def __init__(self, form: Write, path: str, places: Sequence[Place]) -> None:
        self.form, self.path, self.places = form, path, places

    @cached_property
    def claims(self) -> set[Taken]:
        """Those that hold them; in nearly every request, one."""
        return {claim for claim, _ in self.places}

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, at: int) -> Payload: ...
    @overload
    def __getitem__(self, at: slice) -> "ReadyBatch": ...
    def __getitem__(self, at: int | slice) -> "Payload | ReadyBatch":
        if isinstance(at, slice):
            return ReadyBatch(self.form, self.path, self.places[at])
        claim, place = self.places[at]
        return Payload(claim[place], self.form, self.path, claim.records[place] or "", _NO_FIELDS)


def acts(batch: Sequence[Payload]) -> bool:
    """Whether what it did must be read to be known. The store writes no such records."""
    return not isinstance(batch, ReadyBatch) and batch[0].acts


def shared(batch: Sequence[Payload]) -> Fields:
    """What its records have in common, for the rest of the request. What the store writes has nothing of the kind."""
    return (not isinstance(batch, ReadyBatch) and batch[0].shared) or {}


def bodies(batch: Sequence[Payload]) -> list[Any]:
    """Each record as a part of a request's body, in order."""
    if isinstance(batch, ReadyBatch):
        records = {claim: claim.records for claim in batch.claims}
        return [orjson.Fragment(records[claim][place] or "") for claim, place in batch.places]
    return [one.body for one in batch]


def leased_until(batch: Sequence[Payload]) -> dt.datetime:
    """When the first claim on any of them runs out."""
    if isinstance(batch, ReadyBatch):
        return min(claim.lease_until for claim in batch.claims)
    return min({one.claimed.lease_until for one in batch})
