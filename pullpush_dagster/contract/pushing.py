"""Pushes of a sample's changes, by the engine's own code."""

import asyncio
import datetime as dt
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from pullpush_dagster.canonical import ENTITIES, Entity
from pullpush_dagster.changes import Claimed, Settled
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.contract.account import Account
from pullpush_dagster.contract.acting import Heard, Reply
from pullpush_dagster.contract.samples import Case, Sent
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.push.lanes import Lanes
from pullpush_dagster.push.making import Making
from pullpush_dagster.push.outcome import Outcome
from pullpush_dagster.push.payload import Payload, sendable
from pullpush_dagster.push.resolving import Resolving
from pullpush_dagster.store import Store
from pullpush_dagster.transport import Answer, Client
from pullpush_dagster.transport.diverting import purpose

_PAUSE = 0.001
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
IDEMPOTENCY = "{idempotency}"

Answering = Callable[[Heard], Reply]


@dataclass
class Pushed:
    """What one round gave.

    Attributes:
        outcomes: one per change, in order. reasons: of each. went: whether a request carried it.
        stored: payloads and answers as they would be kept.
        writes: the requests that carry records, in the order they came; others: all the others.
        problems: what was asked and is not in the case.
    """

    outcomes: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    went: list[bool] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)
    writes: list[Heard] = field(default_factory=list)
    others: list[Heard] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def pushed(account: Account, entity: str, case: Case, answer: Answering | None = None) -> Pushed:
    """What the engine makes of one round with the changes of ``case``.

    Args:
        answer: to every write; without it they are answered as the case says.
    """
    part = Part(account, case, answer)
    account.platform.play(part)
    rows = claimed(account, entity, case)
    fates = asyncio.run(_round(account, ENTITIES[entity], rows, part.pushed))
    told = [fates.get(row.key, _Fate("none", "no outcome", went=False)) for row in rows]
    part.pushed.outcomes = [one.outcome for one in told]
    part.pushed.reasons = [one.reason for one in told]
    part.pushed.went = [one.went for one in told]
    return part.pushed


class _Fate(NamedTuple):
    outcome: str
    reason: str
    went: bool


class Part:
    """The part a platform plays in one round: each expected write gets its own answer, in whatever order they come."""

    def __init__(self, account: Account, case: Case, answer: Answering | None) -> None:
        self._account, self._case, self._answer = account, case, answer
        self._left = list(zip(case.requests, [*case.answers, *(None for _ in case.requests)], strict=False))
        self.pushed = Pushed()

    def __call__(self, heard: Heard) -> Reply:
        proof = self._account.proof(heard)
        if proof is not None:
            return proof
        if heard.purpose == "write":
            self.pushed.writes.append(heard)
            return self._answer(heard) if self._answer else self._expected(heard)
        self.pushed.others.append(heard)
        reply = self._case.look_up(heard.purpose)
        if reply is None:
            self.pushed.problems.append(f"{heard.purpose}: {heard.method} {heard.path} is asked, and has no answer")
        return reply or Reply(status=400)

    def _expected(self, heard: Heard) -> Reply:
        differing = [_difference(self._account, sent, heard) for sent, _ in self._left]
        place = next((place for place, found in enumerate(differing) if found is None), None)
        if place is None:
            wanted = "; ".join(str(one) for one in differing) or "no further write is expected"
            self.pushed.problems.append(f"{heard.method} {heard.path} is sent: {wanted}")
            return Reply({}, status=400)
        _, given = self._left.pop(place)
        return Reply(given.body, given.status, given.headers) if given else Reply({})


def push_problems(account: Account, entity: str, case: Case) -> list[str]:
    """What is not as ``case`` says. Empty: all is."""
    found = pushed(account, entity, case)
    problems = list(found.problems)
    if len(found.writes) < len(case.requests):
        problems.append(f"{len(found.writes)} writes were sent, of {len(case.requests)}")
    if found.outcomes != case.outcomes:
        problems.append(f"outcomes: expected {case.outcomes}, got {found.outcomes}: {found.reasons}")
    return problems


def claimed(account: Account, entity: str, case: Case) -> list[Claimed]:
    """The changes of ``case`` as a round's claim."""
    of, can = ENTITIES[entity], sendable(account.tested.push(entity), ENTITIES[entity])
    bound = [*case.bound, *(None for _ in case.changes)]
    pairs = zip(case.changes, bound, strict=False)
    return [_claimed(of, can, change, ids, place) for place, (change, ids) in enumerate(pairs)]


def _claimed(
    entity: Entity, can: frozenset[str], change: Mapping[str, Any], ids: Mapping[str, Any] | None, place: int
) -> Claimed:
    key = {name: change[name] for name in entity.key}
    # As changes are stored: a cleared field is false.
    desired = {name: False if value is None else value for name, value in change.items() if name not in entity.key}
    lease = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10)
    known = [] if ids is None else [dict(ids)]
    return Claimed(
        orjson.dumps(key).decode(), place + 1, "source/" + entity.name, "claim", lease, 0, desired, {},
        can & desired.keys(), known, place,
    )  # fmt: skip


async def _round(account: Account, entity: Entity, rows: Sequence[Claimed], found: Pushed) -> dict[str, _Fate]:
    """Key -> what became of it."""
    facts, binding = account.tested.push(entity.name), account.tested.entity(entity.name).binding
    settled, sent = list[Settled](), list[tuple[Payload, Outcome]]()

    # A store of its own, so that what one round makes is made anew in the next.
    store = Store(account.state / uuid.uuid4().hex / "store.duckdb")
    async with _Telling(account.connection(), account.tested, facts) as client:
        try:
            making = Making(client, store, facts.settle)
            resolving = Resolving(client, entity, facts, binding, "account", lambda row: row.key, making, settled)
            payloads = await resolving.payloads(rows)
            for _, error in resolving.forbidden:
                raise error
            lanes = Lanes(client, facts, 1, lambda one: sent.extend(zip(one.batch, one.outcomes, strict=True)))
            lanes.add(payloads)
            await lanes.ended()
        except PullPushError as error:
            found.problems.append(f"{type(error).__name__}: {error}")
        found.stored += [client.redacted(str(outcome.answer)) for _, outcome in sent]
        found.stored += [str(one.native) for one, _ in sent]
        # As they are told and kept.
        reasons = {one.claimed.key: client.redacted(outcome.reason or "") for one, outcome in sent}
    fates = {one.claimed.key: _Fate(one.outcome, one.reason or "", went=False) for one in settled}
    went = {one.claimed.key: outcome for one, outcome in sent}
    return fates | {key: _Fate(one.name, reasons[key], went=True) for key, one in went.items()}


class _Telling(Client):
    """A client that says what each request is for."""

    def __init__(self, connection: Any, connector: Any, facts: PushFacts) -> None:
        super().__init__(connection, connector, destination=True, pause=_PAUSE)
        self._purposes = list(_purposes(facts))

    async def send(self, request: Request, *given: Any, **more: Any) -> Answer:
        """As ``Client.send``."""
        with purpose(next((name for name, one in self._purposes if one is request), "write")):
            return await super().send(request, *given, **more)


def _purposes(facts: PushFacts) -> Iterator[tuple[str, Request]]:
    looks = {"find": facts.find, "read": facts.read, "lines": facts.lines}
    yield from ((name, look) for name, look in looks.items() if look is not None)
    yield from ((f"reference.{name}", one) for name, one in facts.references.items())
    yield from (("job", form.job) for form in facts.forms if form.job is not None)


def _difference(account: Account, sent: Sent, heard: Heard) -> str | None:
    """What tells ``heard`` from what is expected; None: nothing does."""
    parts: list[tuple[str, Any, Any]] = [
        ("method", sent.method, heard.method),
        ("path", sent.path, account.path_of(heard)),
        ("query", {name: _texts(value) for name, value in sent.query.items()}, _unsigned(heard.query)),
        ("headers", sent.headers, {name: heard.headers.get(name) for name in sent.headers}),
        ("form", {name: str(value) for name, value in sent.form.items()} if sent.form else None, heard.form),
        ("json", sent.body, heard.json),
    ]
    return next((f"{name}: {place}" for name, one, two in parts if (place := differing(one, two)) is not None), None)


def _texts(value: Any) -> list[str]:
    return [str(one) for one in (value if isinstance(value, list) else [value])]


def _unsigned(query: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """``query`` without what a signature puts into it."""
    return {name: values for name, values in query.items() if not name.startswith("oauth_")}


def differing(expected: Any, got: Any, at: str = "") -> str | None:
    """The first place in which two JSON values differ; None: there is none. ``{idempotency}`` is any UUID."""
    if isinstance(expected, dict) and isinstance(got, dict):
        if expected.keys() != got.keys():
            missing, more = sorted(expected.keys() - got.keys()), sorted(got.keys() - expected.keys())
            return f"{at or 'it'}: lacks {missing}, has {more} more"
        places = (differing(value, got[name], f"{at}.{name}") for name, value in expected.items())
        return next((place for place in places if place), None)
    if isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        places = (differing(one, other, f"{at}.{n}") for n, (one, other) in enumerate(zip(expected, got, strict=True)))
        return next((place for place in places if place), None)
    if expected == IDEMPOTENCY and isinstance(got, str) and _UUID.fullmatch(got):
        return None
    same = expected == got and isinstance(expected, bool) == isinstance(got, bool)
    return None if same else f"{at or 'it'}: expected {expected!r}, got {got!r}"
