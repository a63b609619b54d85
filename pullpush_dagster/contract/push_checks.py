"""What must be so of every push, whatever the platform."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.contract.account import Account, put
from pullpush_dagster.contract.acting import Heard, Reply
from pullpush_dagster.contract.pushing import Pushed, pushed
from pullpush_dagster.contract.samples import Case
from pullpush_dagster.push.payload import sendable

_EMPTY = (None, "", 0, "0", "0.0", "0.00", False)
_UNFILLED = re.compile(r"\{[a-z][\w.]*(:\w+)?\}|\bNone\b")
_CONSENT = "marketingConsent"
_FINE = Reply({})

Leaf = tuple[str, str]


def sent_again_problems(account: Account, entity: str, case: Case) -> list[str]:
    """Where the requests of one change differ the second time: who gets both must see that they are one."""
    first, second = (pushed(account, entity, case).writes for _ in range(2))
    return [] if _bare(first) == _bare(second) else ["the same change is another request the second time"]


def _bare(writes: Sequence[Heard]) -> list[tuple[Any, ...]]:
    queries = [{name: value for name, value in one.query.items() if not name.startswith("oauth_")} for one in writes]
    return [(one.method, one.path, query, one.content) for one, query in zip(writes, queries, strict=True)]


def throttled_problems(account: Account, entity: str, case: Case) -> list[str]:
    """What becomes of changes whose requests are answered "slower", in every way the platform says so."""
    found = []
    for reply in _slower(account):
        made = pushed(account, entity, case, lambda _, reply=reply: reply)  # type: ignore[misc]
        found += _others_than(made, {"retry"}, f"answered {reply.status} for too many requests")
    return found


def _slower(account: Account) -> Iterator[Reply]:
    limits, errors = account.tested.facts.limits, account.tested.facts.errors
    yield from (Reply({}, status, {limits.wait: "1"}) for status in limits.throttled[:1])
    yield from (Reply(status=status, text="<html></html>") for status in limits.throttled_bare[:1])
    for code in limits.throttled_codes[:1]:
        body: Any = {"root": [] if errors.code[0].partition(".")[2].startswith("0") else {}}
        put(body, f"root.root.{errors.code[0].partition('.')[2]}", code)
        yield Reply(body["root"], 200 if errors.inside else 400)


def failed_problems(account: Account, entity: str, case: Case) -> list[str]:
    """What becomes of changes whose requests fail, or get no whole answer: it is not known whether they were done."""
    found = []
    for reply, said in ((Reply({}, 500), "answered 500"), (Reply(dropped=True), "not answered")):
        made = pushed(account, entity, case, lambda _, reply=reply: reply)  # type: ignore[misc]
        found += _others_than(made, {"unknown", "retry"}, said)
        if made.writes and "unknown" not in made.outcomes and any(made.went):
            found.append(f"{said}: nothing is unknown, although requests went out")
    return found


def _others_than(made: Pushed, allowed: set[str], said: str) -> list[str]:
    places = zip(made.outcomes, made.went, made.reasons, strict=True)
    return [f"{said}: {outcome} ({why})" for outcome, went, why in places if went and outcome not in allowed]


def unknown_problems(account: Account, entity: str, case: Case) -> list[str]:
    """What is said of fields that are not known: nothing, no zero and no emptiness."""
    whole = pushed(account, entity, case, lambda _: _FINE).writes
    known, found = set(leaves(account, whole)), []
    for name in sorted({name for change in case.changes for name in change} - set(ENTITIES[entity].key)):
        changes = [{one: value for one, value in change.items() if one != name} for change in case.changes]
        less = pushed(account, entity, case.model_copy(update={"changes": changes}), lambda _: _FINE).writes
        more = [leaf for leaf in leaves(account, less) if leaf not in known and leaf[1] in map(repr, _EMPTY)]
        # A case that sends nothing says nothing of what is constant in a request.
        found += [f"{name} is not known, and {place} is sent as {value}" for place, value in more if whole]
        found += [f"{name} is not known, and a request says {said}" for said in _unfilled(less)]
    return found


def _unfilled(writes: Sequence[Heard]) -> list[str]:
    return [said[0] for one in writes for said in _UNFILLED.finditer(f"{one.path} {one.query} {one.content.decode()}")]


def consent_problems(account: Account, case: Case) -> list[str]:
    """Whether somebody whose consent is not known goes out as one who gave it."""
    facts = account.tested.push("contact")
    if _CONSENT not in sendable(facts, ENTITIES["contact"]):
        return []
    told = {state: set(leaves(account, _with_consent(account, case, state))) for state in _STATES}
    # What only a subscribed one's requests say is how this platform says it.
    says = told["subscribed"] - (told["unsubscribed"] or told["none"])
    return [f"consent {one}: {place} is sent as {value}" for one in _UNTOLD for place, value in told[one] & says]


_UNTOLD = ("unknown", "none")
_STATES = ("subscribed", "unsubscribed", *_UNTOLD)


def _with_consent(account: Account, case: Case, state: str) -> list[Heard]:
    changes = [{name: value for name, value in change.items() if name != _CONSENT} for change in case.changes]
    changes = changes if state == "none" else [{**change, _CONSENT: state} for change in changes]
    return pushed(account, "contact", case.model_copy(update={"changes": changes}), lambda _: _FINE).writes


def nothing_problems(account: Account, entity: str, case: Case) -> list[str]:
    """What is sent though nothing changed, or nothing but keys is known."""
    key = ENTITIES[entity].key
    bare = [{name: change[name] for name in key} for change in case.changes]
    found = []
    for changes in ([], bare):
        made = pushed(account, entity, case.model_copy(update={"changes": changes}), lambda _: _FINE)
        found += [f"{one.method} {one.path} is sent of {len(changes)} changes that say nothing" for one in made.writes]
    return found


def leaves(account: Account, writes: Sequence[Heard]) -> Iterator[Leaf]:
    """Every value in the requests, with its place; places in lists are not told apart."""
    for one in writes:
        start = f"{one.method} {account.path_of(one)}"
        yield from _leaves(one.form if one.form is not None else one.json, start)
        yield from ((f"{start} ?{name}", repr(value)) for name, values in one.query.items() for value in values)


def _leaves(value: Any, place: str) -> Iterator[Leaf]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(inner, f"{place}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, f"{place}.*")
    else:
        yield place, repr(value)
