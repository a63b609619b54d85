"""Claimed keys, and a connector's push facts, small enough to be read at a glance."""

import asyncio
import datetime as dt
import json
from typing import Any, NamedTuple

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import Claimed
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.push.lanes import Lanes, Sent
from pullpush_dagster.push.native import Item
from pullpush_dagster.push.payload import payload
from pullpush_dagster.push.references import References
from pullpush_dagster.push.steps import form_for
from pullpush_dagster.transport import Answer


class Fate(NamedTuple):
    """What became of one record."""

    payload: Any
    outcome: Any
    sent_at: dt.datetime | None
    retry_after: float | None


def each(sent: Sent) -> list[Fate]:
    """The fates of one request's records, in order."""
    pairs = zip(sent.batch, sent.outcomes, strict=True)
    return [Fate(payload, outcome, sent.sent_at, sent.retry_after) for payload, outcome in pairs]


def answer_of(body: Any, status: int = 200, **headers: str) -> Answer:
    """What a platform answered."""
    return Answer(status, headers, b"" if status == 204 else json.dumps(body).encode(), dt.datetime.now(dt.UTC), None)


FACTS: dict[str, Any] = {
    "find": {"get": "/items", "query": {"sku": "{keys:text}"}, "field": "sku", "match": "item.sku", "batch": 3},
    "create": {
        "post": "/batch",
        "at": "create",
        "record": {"sku": "{sku}", "name": "{title}", "price": "{price:text}", "status": "{status}"},
        "answers": "body.create",
    },
    "update": [
        {
            "when": {"binding.parent": "0"},
            "post": "/batch",
            "at": "update",
            "record": {"id": "{binding.id}", "name": "{title}", "price": "{price:text}", "status": "{status}"},
            "answers": "body.update",
            "match": "id",
        },
        {"put": "/items/{binding.parent}/{binding.id}", "record": {"price": "{price:text}"}},
    ],
    "batch": 4,
    "values": {"status": {"active": "on", "archived": "off"}},
    "cleared": {"title": ""},
    "echo": ["price"],
    "error": "answer.error.message",
    "code": "answer.error.code",
    "gone": ["gone"],
    "exists": ["exists"],
}

NO_REFERENCES = References({}, {}, {}, "shop")


def claimed(sku: str = "A", desired: Any = None, accepted: Any = None, ids: Any = None, **more: Any) -> Claimed:
    """A claimed product whose new title is its SKU, unless ``desired`` says something else."""
    wanted, had = {"title": sku} if desired is None else desired, accepted or {}
    usual = {
        "key": json.dumps({"sku": sku}),
        "sequence": 1,
        "source": "erp/product",
        "claim": "c",
        "lease_until": dt.datetime.now(dt.UTC) + dt.timedelta(minutes=10),
        "attempts": 0,
        "todo": frozenset(name for name in wanted if had.get(name) != wanted[name]),
    }
    return Claimed(**{**usual, **more}, desired=wanted, accepted=had, ids=[ids] if ids else [])


@pytest.fixture
def facts() -> Any:
    """Makes push facts: the usual ones, with some parts replaced."""
    return lambda **parts: PushFacts.model_validate({**FACTS, **parts})


@pytest.fixture
def no_references() -> References:
    return NO_REFERENCES


@pytest.fixture
def claim() -> Any:
    return claimed


@pytest.fixture
def made(facts: Any) -> Any:
    """Makes the payload of a claimed product, ``item`` being the ids of its item at the destination."""

    def make(*row: Any, item: Any = None, with_facts: Any = None, **more: Any) -> Any:
        known = with_facts or facts()
        ids = {"parent": "0", **item} if item else None
        row = claimed(*row, **more, ids=ids)
        there = Item(ids) if ids else None
        return payload(ENTITIES["product"], known, row, form_for(known, ids), there, NO_REFERENCES)

    return make


@pytest.fixture
def sending(tiny: Any, made: Any, facts: Any) -> Any:
    """Sends products to the tiny server; gives (outcomes by SKU, the error that stopped it)."""

    def send(skus: Any, lanes: int = 1, *, item: bool = True, batch: int = 4, **more: Any) -> Any:
        seen: dict[str, Any] = {}

        def report(sent: Any) -> None:
            for one in each(sent):
                sku = json.loads(one.payload.claimed.key)["sku"]
                assert sku not in seen, "an outcome is reported once"
                seen[sku] = one

        async def run() -> Exception | None:
            async with tiny.client(destination=True) as client:
                rows = [made(sku, item={"id": f"i{sku}"} if item else None, **more) for sku in skus]
                made_of = Lanes(client, facts(batch=batch), lanes, report)
                made_of.add(rows)
                try:
                    await made_of.ended()
                except PullPushError as error:
                    return error
            return None

        error = asyncio.run(run())
        return seen, error

    return send


def _records(seen: Any) -> tuple[str, list[dict[str, Any]]]:
    ((step, records),) = json.loads(seen.body).items()
    return step, records


def echoing(seen: Any) -> Response:
    """The answer of a platform that takes everything."""
    step, records = _records(seen)
    return JSONResponse({step: [{"id": f"new-{number}", **record} for number, record in enumerate(records)]})


@pytest.fixture
def echo() -> Any:
    return echoing


@pytest.fixture
def names() -> Any:
    """The names in a request's records."""
    return lambda seen: [record["name"] for record in _records(seen)[1]]
