"""Pulls of what a sample answers, by the engine's own code."""

import asyncio
import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import orjson

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.frame import Frame
from pullpush_dagster.canonical.types import ListOf, Scalar, Struct, Type
from pullpush_dagster.connectors import Connector
from pullpush_dagster.connectors.template import at
from pullpush_dagster.contract.account import Account, put
from pullpush_dagster.contract.acting import Heard, Reply
from pullpush_dagster.contract.samples import PullSample
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.pull.asking import Asked
from pullpush_dagster.pull.pulling import ask_platform, read_pages
from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.pull.window import Window

_LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Read:
    """What one pull gave. ``pages``: the requests for pages, in order; ``others``: those beside them."""

    asked: Asked
    frame: Frame
    pages: list[Heard]
    others: list[Heard]


def pulled(account: Account, entity: str, answers: Sequence[Reply] | None = None) -> Read:
    """What the engine makes of a full pull that is answered by ``answers``, or as the sample says.

    Raises:
        PullPushError: as a pull does.
    """
    with Spool(account.state / "staging") as spool:
        asked, part = _asked(account, entity, answers, "full", spool)
        pull = account.pull_of(entity)
        return Read(asked, read_pages(account, pull, _scope(account, entity), spool.table()), part.pages, part.others)


def asked_for(
    account: Account, entity: str, answers: Sequence[Reply] | None = None, kind: str = "full"
) -> tuple[Asked, "Part"]:
    """What the engine asks for in a pull, and the part the platform played; nothing is read.

    Args:
        kind: ``sync`` goes on from a watermark, ``window`` asks for the first months of 2026.

    Raises:
        PullPushError: as a pull does.
    """
    with Spool(account.state / "staging") as spool:
        return _asked(account, entity, answers, kind, spool)


def _asked(
    account: Account, entity: str, answers: Sequence[Reply] | None, kind: str, spool: Spool
) -> tuple[Asked, "Part"]:
    part = Part(account, entity, answers)
    account.platform.play(part)
    walks = account.tested.pull(entity).walks
    known = dict.fromkeys(walks, _LONG_AGO) if kind == "sync" else {}
    window = window_of(kind, _scope(account, entity))
    asking = ask_platform(account, account.pull_of(entity), window, known, spool, lambda _: None)
    return asyncio.run(asking), part


def _scope(account: Account, entity: str) -> str:
    return sample_of(account, entity).scope


def window_of(kind: str, scope: str = "") -> Window:
    """The window of a ``full``, ``sync`` or ``window`` pull."""
    if kind == "window":
        return Window("window", scope, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), dt.datetime(2026, 4, 1, tzinfo=dt.UTC))
    return Window("sync" if kind == "sync" else "full", scope)


class Part:
    """The part a platform plays in one pull: page after page, and nothing once there are no more.

    Attributes:
        pages: requests for pages so far. others: those for a scope, a count or a proof.
    """

    def __init__(self, account: Account, entity: str, answers: Sequence[Reply] | None = None) -> None:
        sample = sample_of(account, entity)
        self._account, self._facts, self._sample = account, account.tested.pull(entity), sample
        self._answers = replies(sample) if answers is None else list(answers)
        self.pages, self.others = list[Heard](), list[Heard]()

    def __call__(self, heard: Heard) -> Reply:
        proof = self._account.proof(heard)
        if proof is None and len(self.others) >= len(self._facts.scope) and not self._counts():
            return self._page(self._place(heard))
        if proof is None:
            self.others.append(heard)
        return proof or self._beside(heard)

    def _place(self, heard: Heard) -> int:
        """Which page it asks for. One by number that is asked for once more is as it was."""
        if self._facts.pages.begins is not None:
            for place, one in enumerate(self.pages):
                if _unsigned(one) == _unsigned(heard):
                    return place
        self.pages.append(heard)
        return len(self.pages) - 1

    def _page(self, place: int) -> Reply:
        # Of several walks each may be answered the same.
        walks = len(self._facts.walks)
        return self._answers[place % len(self._answers)] if place < len(self._answers) * walks else Reply(status=418)

    def _counts(self) -> bool:
        return self._facts.count is not None and len(self.pages) >= len(self._answers)

    def _beside(self, _: Heard) -> Reply:
        if not self._counts() or self._facts.count is None:
            return Reply(self._sample.scope_answer)
        body: Any = {"body": None}
        put(body, f"root.{self._facts.count.total}", sum(len(records) for records in self._records()))
        return Reply(body["body"])

    def _records(self) -> list[Any]:
        return [at(one.body, self._facts.each) or [] for one in self._answers]


def _unsigned(heard: Heard) -> tuple[str, dict[str, list[str]], bytes]:
    """What is asked, without the proof of who asks, which is another one each time."""
    query = {name: value for name, value in heard.query.items() if not name.startswith("oauth_")}
    return heard.path, query, heard.content


def paged(account: Account, entity: str) -> Account:
    """``account`` with pages as small as the sample's, where pages are counted."""
    facts, sample = account.tested.facts, sample_of(account, entity)
    pull = account.tested.pull(entity)
    most = max(len(at(body, pull.each) or []) for body in sample.answers)
    if pull.pages.begins is None or not most:
        return account
    small = pull.model_copy(update={"pages": pull.pages.model_copy(update={"size": most})})
    changed = facts.entities[entity].model_copy(update={"pull": small})
    return replace(
        account, tested=Connector(facts.model_copy(update={"entities": {**facts.entities, entity: changed}}))
    )


def sample_of(account: Account, entity: str) -> PullSample:
    """The sample of a pull of ``entity``. Raises ConfigError: there is none."""
    sample = account.samples.entities[entity].pull
    if sample is None:
        raise ConfigError(f"there is no sample of a pull of {entity}")
    return sample


def replies(sample: PullSample) -> list[Reply]:
    """The sample's answers."""
    headers = [*sample.headers, *({} for _ in sample.answers)]
    pairs = zip(sample.answers, headers, strict=False)
    # Some platforms answer a page after the last one with nothing at all.
    return [Reply(body, status=204 if body is None else 200, headers=one) for body, one in pairs]


def pull_problems(account: Account, entity: str) -> list[str]:
    """What is not as the sample says of a full pull. Empty: all is."""
    sample, read = sample_of(account, entity), pulled(paged(account, entity), entity)
    found = list(_differences("rows", expected_rows(entity, sample), told_rows(entity, read.frame)))
    cleared = {key: sorted(names) for key, names in sample.cleared.items() if names}
    found += _differences("cleared", cleared, told_cleared(entity, read.frame))
    if len(read.pages) not in (len(sample.answers), len(sample.answers) * len(account.tested.pull(entity).walks)):
        found.append(f"{len(read.pages)} pages were asked for, of {len(sample.answers)}")
    if read.frame.quarantined.num_rows != sample.quarantined:
        reasons = [f"{row['_key']}: {'; '.join(row['reasons'])}" for row in read.frame.quarantined.to_pylist()]
        found.append(f"{len(reasons)} records are set aside, not {sample.quarantined}: {reasons}")
    return found


def _differences(what: str, expected: Any, told: Any) -> list[str]:
    return [] if expected == told else [f"{what}: expected {_left(expected, told)}, got {_left(told, expected)}"]


def _left(one: Any, other: Any) -> Any:
    """What of ``one`` is not in ``other``."""
    if isinstance(one, dict):
        return {name: value for name, value in one.items() if name not in other or other[name] != value}
    return [row for row in one if row not in other]


def expected_rows(entity: str, sample: PullSample) -> list[Any]:
    """The sample's rows in the form of ``told_rows``."""
    fields: dict[str, Type] = dict(ENTITIES[entity].fields)
    return _ordered(entity, [_known({name: _plain(fields[name], row[name]) for name in row}) for row in sample.rows])


def told_rows(entity: str, frame: Frame) -> list[Any]:
    """The known fields of each row, by key: decimals as the shortest texts, times ISO with Z."""
    fields: dict[str, Type] = dict(ENTITIES[entity].fields)
    rows = frame.rows.to_pylist()
    return _ordered(
        entity, [_known({name: _plain(type_, row[name]) for name, type_ in fields.items()}) for row in rows]
    )


def told_cleared(entity: str, frame: Frame) -> dict[str, list[str]]:
    """First key field -> names of cleared fields, of all rows that have any."""
    first = ENTITIES[entity].key[0]
    cleared: dict[str, set[str]] = {}
    for row in frame.rows.to_pylist():
        if row["_cleared"]:
            cleared.setdefault(row[first], set()).update(row["_cleared"])
    return {key: sorted(names) for key, names in cleared.items()}


def _ordered(entity: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: [str(row.get(name)) for name in ENTITIES[entity].key])


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _plain(type_: Type, value: Any) -> Any:
    if value is None:
        return None
    match type_:
        case Struct(fields):
            return _known({name: _plain(fields[name], inner) for name, inner in value.items()}) or None
        case ListOf(item):
            return [_plain(item, one) or {} for one in value]
        case Scalar(kind):
            return _PLAIN.get(kind, str)(value)


def _number(value: Any) -> str:
    plain = format(Decimal(str(value)), "f")
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain) or "0"


def _instant(value: Any) -> str:
    when = value if isinstance(value, dt.datetime) else dt.datetime.fromisoformat(str(value))
    return f"{when.astimezone(dt.UTC).isoformat().removesuffix('+00:00')}Z"


def _json(value: Any) -> Any:
    return orjson.loads(value) if isinstance(value, str) else value


_PLAIN: dict[str, Callable[[Any], Any]] = {
    "decimal": _number,
    "integer": _number,
    "instant": _instant,
    "json": _json,
}
