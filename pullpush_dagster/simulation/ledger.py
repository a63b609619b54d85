"""A platform that is a dictionary: it lists, counts, looks up, creates and updates records, and stamps its edits."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

STAMP = "%Y-%m-%dT%H:%M:%S"
_PAST = dt.timedelta(minutes=10)


@dataclass(frozen=True)
class Record:
    """One record. ``values``: field -> value, None for emptied; a field that is not in it is not told."""

    id: str
    key: Mapping[str, str]
    values: Mapping[str, Any]
    stamp: dt.datetime

    @property
    def native(self) -> dict[str, Any]:
        """As the platform shows it."""
        return {"id": self.id, **self.key, **self.values, "modified": f"{self.stamp:{STAMP}}"}


@dataclass
class Ledger:
    """One platform and what it was like in the last ten minutes.

    Attributes:
        ahead: how far its clock is ahead of ours. taken: called with each write that it takes: (key, values).
        bent: what its lists show in place of a record while something is wrong with them.
    """

    name: str
    clock: Callable[[], dt.datetime]
    ahead: dt.timedelta = dt.timedelta()
    taken: Callable[[Mapping[str, str], Mapping[str, Any]], None] = lambda _key, _values: None
    bent: Callable[[Record], Record | None] | None = None
    records: dict[str, Record] = field(default_factory=dict)
    _before: list[tuple[dt.datetime, dict[str, Record]]] = field(default_factory=list)
    _made: int = 0

    def now(self) -> dt.datetime:
        """By its own clock, whole seconds."""
        return (self.clock() + self.ahead).replace(microsecond=0)

    def edit(self, record: Record) -> None:
        """Put ``record`` there."""
        self._remember()
        self.records = {**self.records, record.id: record}

    def remove(self, id_: str) -> None:
        """Take a record away."""
        self._remember()
        self.records = {name: one for name, one in self.records.items() if name != id_}

    def restore(self, records: Mapping[str, Record]) -> None:
        """Be as it was, stamps and all."""
        self._remember()
        self.records = dict(records)

    def as_of(self, seconds: float) -> dict[str, Record]:
        """What it held so many seconds ago, ten minutes at most."""
        at = self.clock() - dt.timedelta(seconds=seconds)
        return next((records for when, records in self._before if when > at), self.records)

    def _remember(self) -> None:
        now = self.clock()
        self._before = [*(one for one in self._before if now - one[0] < _PAST), (now, self.records)]

    # The requests

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Any, stale: float = 0.0) -> Any:
        """The JSON that answers one request; ``stale``: as of so many seconds ago, for what changes nothing."""
        records = self.as_of(stale) if stale else self.records
        if path == "/count":
            return {"count": len(records)}
        if path == "/find":
            wanted = query["keys"].split(",")
            return [one.native for one in records.values() if one.key[query["by"]] in wanted]
        if method == "GET":
            return self._listed(records, query)
        return {step: [self._written(step, item) for item in items] for step, items in body.items()}

    def _listed(self, records: Mapping[str, Record], query: Mapping[str, str]) -> list[Any]:
        since, until, after = (query.get(name, "") for name in ("since", "until", "after"))
        shown = (self.bent(one) if self.bent else one for one in records.values())
        found = [
            one
            for one in shown
            if one is not None
            and f"{one.stamp:{STAMP}}" >= since
            and (not until or f"{one.stamp:{STAMP}}" < until)
            and one.id > after
        ]
        return [one.native for one in sorted(found, key=lambda one: one.id)[: int(query["size"])]]

    def _written(self, step: str, item: dict[str, Any]) -> dict[str, Any]:
        given = dict(item)
        id_ = given.pop("id", None)
        known = self.records.get(id_ or "")
        if step == "create":
            key = {name[4:]: str(given.pop(name)) for name in list(given) if name.startswith("key_")}
            if any(one.key == key for one in self.records.values()):
                return {"error": "there is one already", "code": "exists"}
            self._made += 1
            known = Record(f"{self.name}{self._made:05d}", key, {}, self.now())
        elif known is None:
            return {"id": id_, "error": "there is none", "code": "gone"}
        values = {name: None if value == "" else value for name, value in given.items()}
        self.taken(known.key, given)
        self.edit(replace(known, values={**known.values, **values}, stamp=self.now()))
        return {"id": known.id, **given}
