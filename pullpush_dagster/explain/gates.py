"""Gates: what stands between a value at the source and the same value at the destination, in a sentence each."""

import datetime as dt
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from pullpush_dagster.config import Push
from pullpush_dagster.telling import shown

Row = dict[str, Any]
Story = dict[str, list[Row]]


class Way(NamedTuple):
    """A key of a pull (``source``, JSON), what it is at the destination (``key``, JSON), and how far its log was read.

    ``concerns``: whether the push is about it at all; None: that cannot be told. ``position`` None: never read.
    """

    pull: str
    source: str
    key: str
    concerns: bool | None
    position: int | None


def in_short(push: Push, story: Story, ways: list[Way]) -> list[Row]:
    """One row per key and gate: ``key`` as the destination has it, and what ``is`` the matter with it."""
    rows = []
    for way in ways:
        if way.concerns is False:
            rows.append({"key": orjson.loads(way.source), "is": f"left out by only: {shown(push.only)}"})
            continue
        key = orjson.loads(way.key)
        found = [*_at_the_source(push, story, way), *_at_the_destination(push, story, key)]
        rows += [{"key": key, "is": told} for told in found or [_settled(story, key)]]
    known = [row["key"] for row in rows]
    for row in story["to be sent"]:
        if row["key"] not in known:
            rows += [{"key": row["key"], "is": told} for told in _at_the_destination(push, story, row["key"])]
    # Each of several records that claim one key is set aside for the same reason.
    return [row for place, row in enumerate(rows) if row not in rows[:place]]


FAILED, BROKE_OFF = "newest pull failed", "newest push failed"


def not_known(story: Story, ways: list[Way]) -> Iterator[Row]:
    """What cannot be told of the source, as its newest pull failed. Of a key in one place others do not matter."""
    places = {value for way in ways for value in orjson.loads(way.source).values()}
    for row in story[FAILED]:
        scope = row.get("scope")
        if not (ways and scope) or scope in places:
            of = f"{row['pull']} {scope}" if scope else row["pull"]
            yield {
                "is": f"{of} failed at {shown(row['failedAt'])}, so what it has by now is not known: {row['reason']}"
            }


def not_sent(push: Push, story: Story) -> Iterator[Row]:
    """Why what is to be sent is not, as the newest run of ``push`` broke off. In shadow mode none would send."""
    for row in story[BROKE_OFF] if push.mode == "live" else ():
        yield {"is": f"the newest run of {push.name} failed at {shown(row['failedAt'])}: {row['reason']}"}


def _at_the_source(push: Push, story: Story, way: Way) -> Iterator[str]:
    source = orjson.loads(way.source)
    of = {stage: [row for row in story[stage] if _is(row, source, way.pull)] for stage in _SOURCE}
    for row in of["quarantined"]:
        yield f"not used, as what {way.pull} has of it cannot be read: {'; '.join(row['reasons'])}"
    for row in of["held by a guard"]:
        who = way.pull if row["guard"] == "pull" else push.name
        reasons = "; ".join(row["reasons"])
        yield f"held by the guard of {who}: its set {reasons}. pullpush approve {row['hash']} lets it through"
    states = of[_STATE]
    for row in states:
        yield from _as_known(row, way.pull)
    stopped = of["quarantined"] or of["held by a guard"]
    if not stopped and any(not states or row.get("notCompared") for row in of["pulled"]):
        yield "pulled, and not compared yet: the next run does"
    if of["changes"] and not stopped and of["changes"][0]["sequence"] > (way.position or 0):
        yield f"changed, which {push.name} has not read yet: its next run does"
    for row in of["to be sent again"] if all(one["op"] != "again" for one in of["held by a guard"]) else ():
        yield _again(push, way, row)


_STATE = "last accepted state of the source"
_SOURCE = ("pulled", "quarantined", "held by a guard", _STATE, "changes", "to be sent again")


def _again(push: Push, way: Way, row: Row) -> str:
    if "since" not in row:
        why = f"its item at {push.to} is new, it is replayed, or what it was refused beside is gone"
        return f"sent once more by the next run of {push.name}: {why}"
    when = f"moved by {push.to} itself, as a shop does when it sells, noted at {shown(row['since'])}"
    return f"{when}: sent again once {way.pull} was asked after that"


def _is(row: Row, source: Row, pull: str) -> bool:
    """Whether a row of a stage is about this key of this pull."""
    said = row["key"] if "key" in row else {name: row.get(name) for name in source}
    return bool(said == source) and row.get("from", pull) == pull


def _as_known(row: Row, pull: str) -> Iterator[str]:
    if row["deleted"]:
        yield "gone at the source"
    elif row["absentPulls"]:
        yield "absent from the newest full pull; one more without it makes it gone"
    if row.get("notPulledNow") and not row["deleted"]:
        place = f"{pull} {row['scope']}".rstrip()
        yield f"{place} is not pulled any more, so what it has by now is not known; the destination keeps what it has"
    unknown = [f"{one['field']} since {shown(one['since'])}" for one in row.get("unknownNow") or []]
    if unknown and not row["deleted"]:
        yield f"unknown at the source: {', '.join(unknown)}; the destination keeps what it has"


def _at_the_destination(push: Push, story: Story, key: Row) -> Iterator[str]:
    for row in story["to be sent"]:
        if row["key"] == key:
            yield _queued(push, row)
    later = [row for row in story["after it"] if row["key"] == key]
    if later:
        yield f"{later[0]['inAll']} later changes of it wait until that is done"
    taken = next((row["notedAt"] for row in story["the destination has"] if row["key"] == key), None)
    for row in story["drifted there"]:
        if row["key"] == key:
            there = "is gone there" if "there" not in row else f"{row['field']} was {shown(row['there'])} there"
            since = f"it took something since, noted at {shown(taken)}; the next read-back tells what it has now"
            then = since if taken and taken > row["readAt"] else f"pullpush drift {push.name}"
            yield f"{there} when it was read back at {shown(row['readAt'])}: {then}"


def _queued(push: Push, row: Row) -> str:
    reason = row.get("reason")
    why, now = f": {reason}" if reason else "", dt.datetime.now(dt.UTC)
    match row["state"]:
        case "dead":
            return f"given up{why}; pullpush replay gives it another chance"
        case "unconfirmed":
            return f"only a person can tell whether it is there{why}; a replay sends it"
        case "waiting":
            return f"waits{why}"
        case "claimed" if row.get("claimedUntil", now) < now:
            return f"was in the hands of a run that is gone; the next run of {push.name} settles it{why}"
        case "claimed":
            return f"on its way{why}"
    if push.mode == "shadow":
        return "would be sent, but this sync is in shadow mode: mode: live sends it"
    tried = f", after {row['attempts']} attempts" if row["attempts"] else ""
    if row["dueAt"] > now:
        return f"due again at {shown(row['dueAt'])}{tried}{why}"
    return f"due, the next run of {push.name} sends it{tried}{why}"


def _settled(story: Story, key: Row) -> str:
    """Nothing is in the way of it."""
    has = next((row for row in story["the destination has"] if row["key"] == key), None)
    last = next((row for row in story["sent"] if row["key"] == key), None)
    if last and last["outcome"] == "skipped":
        return f"skipped: {last.get('reason')}"
    if has and has["fields"]:
        return f"in step: the destination took {shown(has['fields'])}, noted at {shown(has['notedAt'])}"
    return "nothing of it was ever to be sent"
