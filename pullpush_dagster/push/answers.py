"""Which part of an answer is about which of the records that were sent."""

from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from pullpush_dagster.connectors.forms import text
from pullpush_dagster.connectors.template import at
from pullpush_dagster.connectors.write_model import Failures, Match, Place, Write
from pullpush_dagster.push.payload import Payload
from pullpush_dagster.transport import Answer

# What stands for a record's part of an answer that has none.
DONE = object()


class Untold(str):
    """Why an answer says nothing of a record."""

    __slots__ = ()


_UNNAMED = Untold("the answer does not name this record")
AMBIGUOUS = Untold("the answer names this record more than once")


class Failed(NamedTuple):
    """One record's refusal, in the platform's words.

    ``atomic``: none of its request was taken. ``shared``: another record has the same name, and may be meant instead.
    ``named``: it is meant, and not only as one of all.
    """

    code: str
    message: str
    answer: Any
    atomic: bool
    shared: bool
    named: bool


def answered(form: Write, sent: Sequence[Payload], body: Any, *, without: Container[int]) -> list[Any]:
    """For each of ``sent``, in order, its part of the answer: ``DONE``, or ``Untold``.

    Args:
        without: places of those that are known to have failed; answers by place leave them out.
    """
    if form.answers == "status":
        return [DONE] * len(sent)
    paths = [form.answers] if isinstance(form.answers, str) else form.answers
    if form.at is None:
        found = next((one for path in paths if (one := at(body, path)) is not None), None)
        return [_UNNAMED if found is None else found]
    lists = [one for path in paths if isinstance(one := at(body, path), list)]
    if not lists:
        return [Untold("the answer names no records")] * len(sent)
    answers = [one for list_ in lists for one in list_]
    if isinstance(form.match, Place):
        index = form.match.index
        return _matched([str(place) for place in range(len(sent))], answers, lambda one: str(at(one, index)))
    match = form.told_apart
    if match is not None:
        return _matched(_names(match, sent), answers, lambda one: _name(match, one, match.answered))
    left = [place for place in range(len(sent)) if place not in without]
    if len(answers) != len(left):
        return [Untold(f"{len(left)} records sent, {len(answers)} answered")] * len(sent)
    by_place = dict(zip(left, answers, strict=True))
    return [_UNNAMED if (one := by_place.get(place)) is None else one for place in range(len(sent))]


def _matched(names: Sequence[str | None], answers: Iterable[Any], named: Callable[[Any], str | None]) -> list[Any]:
    """By what they name, never by where they stand; two answers, or two ``names``, that are the same leave it open."""
    by_name: dict[str, list[Any]] = {}
    for answer in answers:
        name = named(answer)
        if isinstance(answer, Mapping) and name is not None:
            by_name.setdefault(name, []).append(answer)
    once = {name for name, count in Counter(names).items() if count == 1}
    found = [(name in once, [] if name is None else by_name.get(name, [])) for name in names]
    return [_UNNAMED if not some else some[0] if alone and len(some) == 1 else AMBIGUOUS for alone, some in found]


def _names(match: Match | None, sent: Sequence[Payload]) -> list[str | None]:
    """What each of ``sent`` is told by."""
    return [_name(match, one.native, match.sent) for one in sent] if match else [None] * len(sent)


def _name(match: Match, record: Any, paths: list[str]) -> str | None:
    """What a record is told by; None: it does not say."""
    return _told(match, [at(record, path) for path in paths])


def _told(match: Match, parts: Sequence[Any]) -> str | None:
    if None in parts:
        return None
    name = "\n".join(str(part) for part in parts)
    return name.lower() if match.lowered else name


def failures_in(form: Write, sent: Sequence[Payload], body: Any) -> dict[int, Failed]:
    """Place of a record among ``sent`` -> what went wrong with it. One that names no record is about all."""
    failed: dict[int, Failed] = {}
    for facts in form.failures:
        listed = at(body, facts.at)
        # PHP writes a list of which some places are empty as an object.
        failures = [*listed.values()] if isinstance(listed, Mapping) else listed if isinstance(listed, list) else []
        names = _names(facts.match, sent) if failures else []
        for one in failures:
            code = at(one, facts.code) if facts.code else None
            told = "" if code is None else str(code), str(at(one, facts.error) or ""), one
            here = _places(facts, names, one)
            for place, shared in (here or dict.fromkeys(range(len(names)), False)).items():
                before = failed.get(place)
                whole = facts.atomic or (before is not None and before.atomic)
                failed[place] = Failed(*told, whole, shared, bool(here) or (before is not None and before.named))
    return failed


def _places(facts: Failures, names: Sequence[str | None], failure: Any) -> dict[int, bool]:
    """Places of those it names -> whether others have the same of ``names``."""
    if facts.index is not None:
        place = str(at(failure, facts.index))
        if place.isdigit() and int(place) < len(names):
            return {int(place): False}
    if facts.match is None:
        return {}
    match, named = facts.match, at(failure, facts.match.answered[0])
    several = named if isinstance(named, list) else None
    meant = {_name(match, failure, match.answered)} if several is None else {_told(match, [one]) for one in several}
    return {place: names.count(name) > 1 for place, name in enumerate(names) if name in meant - {None}}


def of_answer(answer: Answer, answered: Any, path: str) -> str | None:
    """The text at ``path``: in one record's part of the answer, or the last part of an address in a header."""
    kind, _, name = path.partition(".")
    if kind == "header":
        parts = [part for part in urlsplit(answer.headers.get(name, "")).path.split("/") if part]
        return unquote(parts[-1]) if parts else None
    value = at(answer.body if kind == "body" else answered, path)
    return None if value is None else text(value)
