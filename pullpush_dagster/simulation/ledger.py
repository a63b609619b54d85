"""A platform that is a dictionary: it lists, counts, looks up, creates and updates records, and stamps its edits."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pullpush_dagster.simulation.records import Record, stamp_form
from pullpush_dagster.simulation.traits import PLAIN, Traits, Way

# The header by which a request says which change it is.
TOKEN = "Idempotency-Key"  # noqa: S105 - a header's name
_PAST = dt.timedelta(minutes=10)


class Refused(Exception):
    """A request is refused as a whole, under ``status``, with this answer."""

    def __init__(self, status: int, answer: Mapping[str, Any]) -> None:
        super().__init__(status)
        self.status, self.answer = status, answer


@dataclass
class Ledger:
    """One platform and what it was like in the last ten minutes.

    Attributes:
        ahead: how far its clock is ahead of ours. taken: called with each write that it takes: (key, values).
        bent: what its lists show in place of a record while something is wrong with them.
        bans: kind of request -> the status that refuses our credentials for it. unwanted: (field, value) that it
            will not have.
    """

    name: str
    clock: Callable[[], dt.datetime]
    traits: Traits = PLAIN
    ahead: dt.timedelta = dt.timedelta()
    taken: Callable[[Mapping[str, str], Mapping[str, Any]], None] = lambda _key, _values: None
    bent: Callable[[Record], Record | None] | None = None
    records: dict[str, Record] = field(default_factory=dict)
    bans: Mapping[str, int] = field(default_factory=dict)
    unwanted: set[tuple[str, str]] = field(default_factory=set)
    _before: list[tuple[dt.datetime, dict[str, Record]]] = field(default_factory=list)
    _made: int = 0
    _known: dict[str, Any] = field(default_factory=dict)

    def now(self) -> dt.datetime:
        """By its own clock, whole seconds."""
        return (self.clock() + self.ahead).replace(microsecond=0)

    def edit(self, record: Record) -> None:
        """Put ``record`` there."""
        self._remember()
        self.records = {**self.records, record.id: record}

    def has(self, key: Mapping[str, str]) -> bool:
        """Whether there is a record of ``key``."""
        return any(one.key == key for one in self.records.values())

    def forget(self, key: Mapping[str, str]) -> None:
        """Take every record of ``key`` away."""
        for id_ in [one.id for one in self.records.values() if one.key == key]:
            self.remove(id_)

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

    def asked(self, path: str, query: Mapping[str, str], stale: float = 0.0) -> Any:
        """The JSON that answers a question; ``stale``: as of so many seconds ago."""
        records = self.as_of(stale) if stale else self.records
        form = stamp_form(self.traits.asked.grain)
        if path == "/count":
            return {"count": len(records)}
        if path == "/find":
            wanted = query["keys"].split(",")
            return [one.native(form) for one in records.values() if one.key[query["by"]] in wanted]
        shown = [self.bent(one) if self.bent else one for one in records.values()]
        return self._page([one for one in shown if one is not None], query, form)

    def _page(self, records: list[Record], query: Mapping[str, str], form: str) -> dict[str, Any]:
        """One page, ordered by id, and what its style says of the next."""
        asked, size = self.traits.asked, int(query["size"])
        since, until = query.get("since", ""), query.get("until")
        found = [one for one in records if self._since(f"{one.stamp:{form}}", since)]
        found = sorted((one for one in found if not until or f"{one.stamp:{form}}" < until), key=lambda one: one.id)
        after = query.get("after") or query.get("cursor") or ""
        first = {"page": (int(query.get("page", 1)) - 1) * size, "offset": int(query.get("offset", 0))}
        rest = [one for one in found if one.id > after][first.get(asked.pages, 0) :]
        page = {"records": [one.native(form) for one in rest[:size]], "total": len(found)}
        if len(rest) > size and asked.pages in ("next", "link"):
            page["next"] = rest[size - 1].id
        if "next" in page and asked.pages == "link":
            given = "".join(f"&{name}={value}" for name, value in query.items() if name != "cursor")
            page["next"] = f"https://{self.name}/records?cursor={page['next']}{given}"
        return page

    def _since(self, stamp: str, since: str) -> bool:
        return stamp > since if self.traits.asked.operator == "after" else stamp >= since

    def write(self, kind: str, body: Any, token: str = "", unlucky: int | None = None) -> Any:
        """The JSON that answers a request to write; ``unlucky``: the place of a record that is refused for now.

        Raises:
            Refused: it is refused as a whole, and nothing is done.
        """
        if token and token in self._known:
            return self._known[token]
        way, items = self.traits.written.ways[kind], items_of(body)
        refused = {place: no for place, item in enumerate(items) if (no := self._refusal(kind, item)) is not None}
        if unlucky is not None and items[unlucky].get("token") not in self._known:
            refused.setdefault(unlucky, {"error": "try again later", "code": "busy"})
        if refused and not way.tells:
            no = next(iter(refused.values()))
            raise Refused(_STATUSES[no["code"]], no)
        if refused and way.failures == "atomic":
            return {"records": [], "failures": [{"place": place, **no} for place, no in refused.items()]}
        told = [self._told(item, refused.get(place)) or self._done(item) for place, item in enumerate(items)]
        answer = _answer(way, told, refused)
        if token:
            self._known[token] = answer
        return answer

    def _refusal(self, kind: str, item: Mapping[str, Any]) -> dict[str, Any] | None:
        if kind == "update" and item["id"] not in self.records:
            return {"error": "there is none", "code": "gone"}
        known = item.get("token") in self._known
        if kind == "create" and self.traits.written.unique and not known and self._of_key(item) is not None:
            return {"error": "there is one already", "code": "exists"}
        if self.minds(item):
            return {"error": "no such value here", "code": "unwanted"}
        return None

    def minds(self, item: Mapping[str, Any]) -> bool:
        """Whether it will not have a value of a record that is sent."""
        return any((name, str(value)) in self.unwanted for name, value in item.items())

    def _of_key(self, item: Mapping[str, Any]) -> Record | None:
        key = _key(item)
        return next((one for one in self.records.values() if one.key == key), None)

    @staticmethod
    def _told(item: Mapping[str, Any], refusal: dict[str, Any] | None) -> dict[str, Any] | None:
        """A refusal as the answer has it: it names its record."""
        named = {name: value for name, value in item.items() if name == "id" or name.startswith("key_")}
        return None if refusal is None else {**named, **refusal}

    def _done(self, item: Mapping[str, Any]) -> dict[str, Any]:
        token = item.get("token")
        if token in self._known:
            return dict(self._known[token])
        known = self.records.get(item["id"]) if "id" in item else None
        if known is None and self.traits.written.upsert:
            known = self._of_key(item)
        if known is None:
            self._made += 1
            known = Record(f"{self.name}{self._made:05d}", _key(item), {}, self.now())
        given = {name: value for name, value in item.items() if not name.startswith("key_") and name not in _OWN}
        values = {name: None if value == "" else value for name, value in given.items()}
        self.taken(known.key, given)
        self.edit(replace(known, values={**known.values, **values}, stamp=self.now()))
        answer = {**{name: value for name, value in item.items() if name != "token"}, "id": known.id}
        if token is not None:
            self._known[token] = answer
        return answer


_OWN = ("id", "token")
_STATUSES = {"gone": 404, "exists": 409, "busy": 409, "unwanted": 422}


def items_of(body: Any) -> list[dict[str, Any]]:
    """The records that a request carries."""
    return list(body["records"]) if "records" in body else [body]


def _key(item: Mapping[str, Any]) -> dict[str, str]:
    return {name[4:]: str(value) for name, value in item.items() if name.startswith("key_")}


def _answer(way: Way, told: list[dict[str, Any]], refused: Mapping[int, dict[str, Any]]) -> Any:
    """What ``told`` of each record is in an answer of this way."""
    if not way.batch:
        return {} if way.told == "status" else told[0]
    listed = [one for place, one in enumerate(told) if not (way.failures and place in refused)]
    failures = [{"place": place, **no} for place, no in refused.items()] if way.failures else []
    return {"records": [] if way.told == "status" else listed, "failures": failures}
