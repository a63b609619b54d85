"""One request: its records put into its body, and the verdict on one that was only queued."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from pullpush_dagster.canonical.native import steps_of
from pullpush_dagster.connectors.forms import text
from pullpush_dagster.connectors.template import at, fill
from pullpush_dagster.connectors.write_model import Job, Write
from pullpush_dagster.errors import PullPushError, UnavailableError
from pullpush_dagster.push.answers import of_answer
from pullpush_dagster.push.batch import bodies, shared
from pullpush_dagster.push.native import change_id
from pullpush_dagster.push.payload import Payload
from pullpush_dagster.transport import Answer, Client


def request_of(
    form: Write, path: str, batch: Sequence[Payload], settings: Mapping[str, Any]
) -> tuple[Write, dict[str, Any], Any]:
    """The request that carries ``batch``, what else fills it, and its body.

    It has the same ``{idempotency}`` whenever the same records are sent.
    """
    request = form if form.path_is_fixed else form.to(path)
    records = bodies(batch)
    values = {**shared(batch), **({"idempotency": _id(batch)} if form.keyed else {})}
    if form.body is None:
        # As nearly every request: nothing but its records.
        return request, values, _alone(form, records)
    rest = fill(form.body, {**settings, **values})
    return request, values, _put(rest, form.at or form.into, records if form.at else records[0])


def _alone(form: Write, records: list[Any]) -> Any:
    if form.at is None and form.into is None:
        return records[0]
    return _put({}, form.at or form.into, records if form.at else records[0])


def _put(body: Any, path: str | None, content: Any) -> Any:
    """``body`` with ``content`` at ``path``; None: its entries beside the others."""
    if path == "body":
        return content
    if path is None:
        return {**body, **orjson.loads(orjson.dumps(content))}
    *way, last = steps_of(f"body.{path}")
    inner = body
    for step in way:
        inner = inner.setdefault(step, {})
    inner[last] = content
    return body


def _id(batch: Sequence[Payload]) -> str:
    """What the one record, or all of them, are known by."""
    told = [(one.claimed, one.fields or [one.path, str(one.record)], one.item) for one in batch]
    if len(told) == 1:
        return change_id(*told[0])
    return change_id(told[0][0], [[row.key, row.sequence, row.refusals, *rest] for row, *rest in told])


async def verdict(client: Client, job: Job, queued: Answer) -> Answer:
    """The answer that says what became of a queued request; its records are judged by that.

    Raises:
        UnavailableError: there was no verdict in time, or it came to nothing, perhaps in part.
    """
    name = of_answer(queued, queued.body, job.id)
    if name is None:
        raise UnavailableError("the request was queued, and the answer does not say as what")
    try:
        async with asyncio.timeout(job.most):
            return await _ended(client, job, name)
    except TimeoutError:
        raise UnavailableError(f"the request was queued, and there was no verdict in {job.most:g} s") from None


async def _ended(client: Client, job: Job, name: str) -> Answer:
    """The first answer by which the job is over, however it ended."""
    while True:
        await asyncio.sleep(job.every)
        try:
            answer = await client.ask(job, {"job": name})
        except PullPushError as error:
            # Whatever keeps us from asking: the request itself was sent.
            raise UnavailableError(f"what became of the request cannot be asked: {error}") from None
        states = _states(answer.body, job.state)
        said = {text(state) for state in states if state is not None}
        if said & set(job.failed):
            raise UnavailableError(f"the platform gave the request up: {', '.join(sorted(said))}", over=True)
        # What does not say how far it is, is not over.
        if states and None not in states and not said & set(job.running):
            return answer


def _states(body: Any, path: str) -> list[Any]:
    """How far it is; of a list of records, each of them. ``body.items.*.status`` is the status of every item."""
    before, star, after = path.partition(".*")
    if not star:
        return [at(body, path)]
    listed = at(body, before)
    return [at(one, f"row{after}") for one in listed] if isinstance(listed, list) else []
