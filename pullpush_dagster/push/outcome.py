"""Confirm: what one record's own answer says, never what the status of the whole request suggests."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pullpush_dagster.connectors.push_model import PushFacts, Write
from pullpush_dagster.connectors.template import at
from pullpush_dagster.errors import RejectError
from pullpush_dagster.push.payload import Payload

_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")


@dataclass(slots=True)
class Outcome:
    """``name`` is accepted, rejected, retry or unknown.

    ``stale``: the ids we sent it under are no longer good. ``lost``: the platform has taken something else. ``over``:
    of an unknown one, that nothing more will come of it: the platform did it or did not.
    """

    name: str
    reason: str | None = None
    answer: Any = None
    stale: bool = False
    lost: bool = False
    over: bool = False


def outcomes(facts: PushFacts, form: Write, sent: Sequence[Payload], body: Any) -> list[Outcome]:
    """One outcome per sent record, in order. A record the answer does not name is unknown."""
    if sent[0].acts:
        # Its answer says nothing of the record: some platforms answer 200 with a question. The record is read next.
        return [Outcome("accepted", answer=body)] * len(sent)
    if form.at is None:
        return [_judge(facts, sent[0], at(body, form.answers))]
    answers = at(body, form.answers)
    if not isinstance(answers, list):
        return [Outcome("unknown", "the answer names no records")] * len(sent)
    if form.match == "id":
        by_id = {str(answer.get("id")): answer for answer in answers if isinstance(answer, Mapping)}
        return [_judge(facts, one, by_id.get(str(one.native.get("id")))) for one in sent]
    if len(answers) != len(sent):
        return [Outcome("unknown", f"{len(sent)} records sent, {len(answers)} answered")] * len(sent)
    return [_judge(facts, one, answer) for one, answer in zip(sent, answers, strict=True)]


def _judge(facts: PushFacts, sent: Payload, answer: Any) -> Outcome:
    if answer is None:
        return Outcome("unknown", "the answer does not name this record")
    failed = _failed(facts, answer)
    if failed is not None:
        return failed
    message = at(answer, facts.error) if facts.error else None
    code = at(answer, facts.code) if facts.code else None
    if message is not None or code is not None:
        return _refused(facts, str(code or ""), str(message or ""), answer)
    record = sent.native if facts.echo else {}
    for native in facts.echo:
        compared = native in record and isinstance(answer, Mapping) and native in answer
        if compared and not _same(record[native], answer[native]):
            said = f"{native}: sent {record[native]!r}, the answer has {answer[native]!r}"
            return Outcome("retry", said, answer, lost=True)
    return Outcome("accepted", answer=answer)


def _failed(facts: PushFacts, answer: Any) -> Outcome | None:
    """What a record's own status says, where it has one; None: that it is well."""
    status = at(answer, facts.status) if facts.status else None
    if status is None or str(status).startswith("2"):
        return None
    said = f"its own status is {status}"
    if str(status) == "429":
        return Outcome("retry", said, answer)
    return (
        Outcome("unknown", said, answer, over=True)
        if str(status).startswith("5")
        else _refused(facts, "", said, answer)
    )


def refused_whole(facts: PushFacts, form: Write, error: RejectError) -> Outcome:
    """What the refusal of a whole request says of the records in it."""
    gone = error.status == 404 and "{binding." in form.path
    if gone or error.code in (*facts.gone, *facts.exists):
        return Outcome("retry", str(error), stale=True)
    return Outcome("rejected", str(error))


def _refused(facts: PushFacts, code: str, message: str, answer: Any) -> Outcome:
    said = f"{code}: {message}" if code else message
    if code in (*facts.gone, *facts.exists):
        # It exists: created by somebody meanwhile, or by our own create whose answer was lost. Looked up, then updated.
        return Outcome("retry", said, answer, stale=True)
    return Outcome("rejected", said, answer)


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
