"""The next step of one key: created, written, led to its state, or nothing more."""

from collections.abc import Set
from dataclasses import dataclass

from pullpush_dagster.canonical import Entity
from pullpush_dagster.changes.taken import Claimed, Fields
from pullpush_dagster.connectors.forms import text
from pullpush_dagster.connectors.push_model import Action, PushFacts
from pullpush_dagster.connectors.template import at
from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.push.native import Item
from pullpush_dagster.push.payload import carried, expressible, meets


@dataclass(frozen=True)
class Step:
    """A request to make.

    ``more``: another step follows. ``acts``: what it did must be read to be known. ``fields``: those it carries.
    """

    form: Write
    more: bool = False
    acts: bool = False
    fields: Set[str] | None = None


@dataclass(frozen=True)
class Ended:
    """No request is to be made. ``has``: canonical values the destination was seen to have."""

    outcome: str
    reason: str
    has: Fields | None = None


def next_step(facts: PushFacts, entity: Entity, row: Claimed, item: Item | None, to: str) -> Step | Ended:
    """What comes next for a key whose item is ``item`` (None: the platform has none).

    Each step is a claim of its own, and what it did is acknowledged before the next: a key whose process dies
    in between goes on where it was. First what is written, then what is reached.
    """
    if item is None:
        return _creation(facts, row, to)
    stranger = _disagreement(facts, row, item, to)
    if stranger is not None:
        return stranger
    acted = facts.actions is not None and facts.actions.field in row.todo and bool(row.known.get(facts.actions.field))
    form = form_for(facts, item.ids)
    differing = carried(facts, entity, form) & row.todo if form is not None else frozenset()
    known = row.known
    written = {name for name in differing if expressible(facts, name, known[name])}
    if form is not None and written:
        new_rows = facts.lines is not None and facts.lines.field in written
        # Where create and update are one request, all that is known goes: what is left out may be taken for empty.
        return Step(form, acted or new_rows, fields=None if form is facts.upsert else written)
    if acted:
        return _action(facts, row, item, to)
    return Ended("skipped", f"nothing that {to} can be sent differs")


def _disagreement(facts: PushFacts, row: Claimed, item: Item, to: str) -> Ended | None:
    for field, path in facts.agree.items():
        theirs = at(item.native, path)
        if theirs is not None and row.known.get(field) not in (None, False, str(theirs)):
            return Ended("rejected", f"{field} is {row.known[field]}, and {theirs} in {to}")
    return None


def form_for(facts: PushFacts, ids: Fields | None) -> Write | None:
    """The request form for an item with ``ids`` (None: it is not there); None: we have no way to send it."""
    if ids is None:
        return facts.create or facts.upsert
    if facts.upsert is not None:
        return None if facts.create_only else facts.upsert
    if facts.update and not facts.update[0].when:
        return facts.update[0]
    told = {f"binding.{name}": value for name, value in ids.items() if value is not None}
    return next((form for form in facts.update if meets(form.when, told)), None)


def _creation(facts: PushFacts, row: Claimed, to: str) -> Step | Ended:
    create = form_for(facts, None)
    if create is None:
        return Ended("waiting", f"{to} has no such item")
    # What was cleared is none, too.
    told = {name: row.known.get(name) or None for one in create.unless for name in one}
    unwanted = next((one for one in create.unless if meets(one, told)), None)
    if unwanted is not None:
        said = " and ".join(f"{name} is {told[name] or 'not known'}" for name in unwanted)
        return Ended("skipped", f"not put into {to} while its {said}")
    return Step(create, more=facts.read is not None and facts.upsert is None)


def _action(facts: PushFacts, row: Claimed, item: Item, to: str) -> Step | Ended:
    assert facts.actions is not None  # noqa: S101
    wanted = str(row.known[facts.actions.field])
    state = text(at(item.native, facts.actions.state))
    action = facts.actions.to.get(wanted)
    if action is None:
        return Ended("skipped", f"{to} has nothing that means {wanted}")
    if state in action.is_:
        return Ended("accepted", f"it is {state} there", {facts.actions.field: wanted})
    return _request(action, wanted, state, to)


def _request(action: Action, wanted: str, state: str, to: str) -> Step | Ended:
    if action.request is None or state not in action.from_:
        return Ended("rejected", f"it is {state} in {to}, from where {wanted} cannot be reached")
    return Step(action.request, more=True, acts=True)
