"""Confirm: what one record's own answer says, never what the status of the whole request suggests."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from pullpush_dagster.changes.taken import Fields
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.template import at
from pullpush_dagster.connectors.write_model import Write
from pullpush_dagster.errors import RejectError
from pullpush_dagster.push.answers import AMBIGUOUS, DONE, Failed, Untold, answered, failures_in, of_answer
from pullpush_dagster.push.batch import acts
from pullpush_dagster.push.payload import Payload
from pullpush_dagster.transport import Answer

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")


@dataclass(slots=True)
class Outcome:
    """``name`` is accepted, rejected, retry or unknown.

    ``stale``: the ids we sent it under are no longer good. ``lost``: the platform has taken something else. ``over``:
    of an unknown one, that nothing more will come of it: the platform did it or did not. ``undone``: nothing was done,
    for no fault of its own, so that it was no attempt. ``ids``: the item's, where the answer tells them.
    """

    name: str
    reason: str | None = None
    answer: Any = None
    stale: bool = False
    lost: bool = False
    over: bool = False
    undone: bool = False
    ids: Fields | None = None


def outcomes(facts: PushFacts, form: Write, sent: Sequence[Payload], answer: Answer) -> list[Outcome]:
    """One outcome per sent record, in order. A record the answer does not name is unknown."""
    if acts(sent):
        # Its answer says nothing of the record: some platforms answer 200 with a question. The record is read next.
        return [Outcome("accepted")] * len(sent)
    if form.bodiless:
        return [Outcome("accepted", ids=_ids(form, None, answer) if len(sent) == 1 else None) for _ in sent]
    body = answer.body
    failed = failures_in(form, sent, body)
    refused = {place: _of_failure(facts, one) for place, one in failed.items()}
    if any(one.atomic for one in failed.values()):
        again = Outcome("retry", "not done, since another record of its request was refused", undone=True)
        return [refused.get(place, again) for place in range(len(sent))]
    named = answered(form, sent, body, without=refused.keys())
    # Nearly every record was taken, and where its status alone says so, nothing more is to be asked.
    plain = facts.status if not (facts.error or facts.code or facts.echo) else None
    found = [
        Outcome("accepted", answer=answer)
        if plain is not None and isinstance(answer, dict) and str(at(answer, plain)).startswith("2")
        else _judge(facts, sent, place, answer)
        for place, answer in enumerate(named)
    ]
    for place, no in refused.items():
        # What is of all is not of one that the answer names, and as taken.
        if failed[place].named or form.at is None or named[place] is DONE or found[place].name != "accepted":
            found[place] = no
    if len(sent) == 1 and found[0].name == "accepted":
        found[0].ids = _ids(form, found[0].answer, answer)
    return found


def _ids(form: Write, answered: Any, answer: Answer) -> Fields | None:
    """The item's ids, where the form says where they are."""
    paths = {**({"id": form.id} if form.id else {}), **form.ids}
    ids = {name: told for name, path in paths.items() if (told := of_answer(answer, answered, path)) is not None}
    return ids if "id" in ids else None


def _judge(facts: PushFacts, sent: Sequence[Payload], place: int, answer: Any) -> Outcome:
    if isinstance(answer, Untold):
        return Outcome("unknown", str(answer))
    if answer is DONE:
        return Outcome("accepted")
    failed = _failed(facts, answer)
    if failed is not None:
        return failed
    record = sent[place].native if facts.echo else {}
    for native in facts.echo:
        compared = native in record and isinstance(answer, Mapping) and native in answer
        if compared and not _same(record[native], answer[native]):
            said = f"{native}: sent {record[native]!r}, the answer has {answer[native]!r}"
            return Outcome("retry", said, answer, lost=True)
    return Outcome("accepted", answer=answer)


def _failed(facts: PushFacts, answer: Any) -> Outcome | None:
    """What a record's own code says, and else its status; None: that it is well."""
    own = at(answer, facts.status) if facts.status else None
    status = "" if own is None or str(own).startswith("2") else str(own)
    message = at(answer, facts.error) if facts.error else None
    code = at(answer, facts.code) if facts.code else None
    if message is None and code is None and not status:
        return None
    said = str(message or "") or (f"its own status is {status}" if status else "")
    refused = _refused(facts, str(code or ""), said, answer, status)
    if refused.name == "rejected" and (status == "429" or status.startswith("5")):
        return replace(refused, name="retry" if status == "429" else "unknown", over=status != "429")
    return refused


def refused_whole(facts: PushFacts, form: Write, error: RejectError) -> Outcome:
    """What the refusal of a whole request says of the records in it."""
    gone = error.status == 404 and "{binding." in form.path
    if gone or error.code in (*facts.gone, *facts.exists):
        return Outcome("retry", str(error), stale=True)
    return _passing(facts, {error.code or "", str(error.status)}, str(error)) or Outcome("rejected", str(error))


def _of_failure(facts: PushFacts, one: Failed) -> Outcome:
    """What a failure in a list of its own says of a record."""
    if one.shared:
        # Which of them was refused is open, and an atomic refusal is of all.
        return Outcome("retry" if one.atomic else "unknown", str(AMBIGUOUS), one.answer)
    return _refused(facts, one.code, one.message, one.answer)


def _refused(facts: PushFacts, code: str, message: str, answer: Any, status: str = "") -> Outcome:
    said = f"{code}: {message}" if code else message
    if code in (*facts.gone, *facts.exists):
        # It exists: created by somebody meanwhile, or by our own create whose answer was lost. Looked up, then updated.
        return Outcome("retry", said, answer, stale=True)
    return _passing(facts, {code, status}, said, answer) or Outcome("rejected", said, answer)


def _passing(facts: PushFacts, codes: set[str], said: str, answer: Any = None) -> Outcome | None:
    """What a refusal that may pass means; None: it will not."""
    if codes & set(facts.missing):
        return Outcome("waiting", said, answer)
    return Outcome("retry", said, answer) if codes & {*facts.conflict, *facts.again} else None


def _same(sent: Any, echoed: Any) -> bool:
    """Equal as the platform may write it: "19.9900" echoes 19.99, null echoes ""; but "123" is not "00123"."""
    if isinstance(sent, bool) or isinstance(echoed, bool):
        return sent is echoed
    if echoed is None or sent == echoed:
        return bool(sent == echoed or sent == "")
    texts = str(sent), str(echoed)
    return texts[0] == texts[1] or (
        all(_NUMBER.fullmatch(text) for text in texts) and Decimal(texts[0]) == Decimal(texts[1])
    )
