"""Which part of an answer is about which of the records that were sent."""

from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from pullpush_dagster.connectors.forms import text
from pullpush_dagster.connectors.template import at
from pullpush_dagster.connectors.write_model import Failures, Match, Write
from pullpush_dagster.push.payload import Payload
from pullpush_dagster.transport import Answer

# What stands for a record's part of an answer that has none.
DONE = object()


class Untold(str):
    """Why an answer says nothing of a record."""

    __slots__ = ()


_UNNAMED = Untold("the answer does not name this record")
_AMBIGUOUS = Untold("the answer names this record more than once")


class Failed(NamedTuple):
    """One record's refusal, in the platform's words; ``atomic``: none of its request was taken."""

    code: str
    message: str
    answer: Any
    atomic: bool


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
    if form.told_apart is not None:
        return _matched(form.told_apart, sent, answers)
    left = [place for place in range(len(sent)) if place not in without]
    if len(answers) != len(left):
        return [Untold(f"{len(left)} records sent, {len(answers)} answered")] * len(sent)
    by_place = dict(zip(left, answers, strict=True))
    return [_UNNAMED if (one := by_place.get(place)) is None else one for place in range(len(sent))]


def _matched(match: Match, sent: Sequence[Payload], answers: Iterable[Any]) -> list[Any]:
    """By what they name, never by place; two answers, or two records, of one name leave it open whose is whose."""
    by_name: dict[str, list[Any]] = {}
    for answer in answers:
        name = _name(match, answer, match.answered)
        if isinstance(answer, Mapping) and name is not None:
            by_name.setdefault(name, []).append(answer)
    names = [_name(match, one.native, match.sent) or "" for one in sent]
    once = {name for name, count in Counter(names).items() if count == 1}
    found = [(name in once, by_name.get(name, [])) for name in names]
    return [_UNNAMED if not some else some[0] if alone and len(some) == 1 else _AMBIGUOUS for alone, some in found]


def _name(match: Match, record: Any, paths: list[str]) -> str | None:
    """What a record is told by; None: it does not say."""
    return _told(match, [at(record, path) for path in paths])


def _told(match: Match, parts: Sequence[Any]) -> str | None:
    if None in parts:
        return None
    name = "\n".join(str(part) for part in parts)
    return name.lower() if match.lowered else name


def failures_in(form: Write, sent: Sequence[Payload], body: Any) -> dict[int, Failed]:
    """Place of a record among ``sent`` -> what went wrong with it. One that names no record is about all of them."""
    failed: dict[int, Failed] = {}
    for facts in form.failures:
        listed = at(body, facts.at)
        for one in listed if isinstance(listed, list) else []:
            code = at(one, facts.code) if facts.code else None
            said = Failed("" if code is None else str(code), str(at(one, facts.error) or ""), one, facts.atomic)
            for place in _places(facts, sent, one):
                whole = place in failed and failed[place].atomic
                failed[place] = said._replace(atomic=whole or said.atomic)
    return failed


def _places(facts: Failures, sent: Sequence[Payload], failure: Any) -> list[int]:
    if facts.index is not None:
        place = str(at(failure, facts.index))
        if place.isdigit() and int(place) < len(sent):
            return [int(place)]
    if facts.match is not None:
        match, named = facts.match, at(failure, facts.match.answered[0])
        several = named if isinstance(named, list) else None
        names = {_name(match, failure, match.answered)} if several is None else {_told(match, [one]) for one in several}
        here = [place for place, one in enumerate(sent) if _name(match, one.native, match.sent) in names - {None}]
        return here or list(range(len(sent)))
    return list(range(len(sent)))


def of_answer(answer: Answer, answered: Any, path: str) -> str | None:
    """The text at ``path``: in one record's part of the answer, or the last part of an address in a header."""
    kind, _, name = path.partition(".")
    if kind == "header":
        parts = [part for part in urlsplit(answer.headers.get(name, "")).path.split("/") if part]
        return unquote(parts[-1]) if parts else None
    value = at(answer.body if kind == "body" else answered, path)
    return None if value is None else text(value)
