"""Secrets of every connector: where they go, and where they are never seen."""

import asyncio
import copy
import logging
import traceback
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from pullpush_dagster.connectors import load_connector
from pullpush_dagster.connectors.template import fill_text, holes
from pullpush_dagster.contract.account import TOKEN, Account, account, put
from pullpush_dagster.contract.acting import Heard, Platform, Reply, origin_of
from pullpush_dagster.contract.pulling import Part, asked_for, pulled
from pullpush_dagster.contract.pushing import pushed
from pullpush_dagster.contract.samples import Samples
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.transport import Client
from tests.connectors.sampled import LINKED, NAMES, SAMPLES

_ELSEWHERE = "https://elsewhere.example"
_WAYS = [(name, way) for name in SAMPLES for way in range(len(load_connector(name).facts.ways))]
WAYS = pytest.mark.parametrize(("name", "way"), _WAYS, ids=[f"{name}-{way}" for name, way in _WAYS])


@pytest.fixture
def known(name: str, way: int, acting: Platform) -> Iterator[Account]:
    """An account that proves who it is in that one of the connector's ways."""
    samples = SAMPLES[name]
    auth = load_connector(name).facts.ways[way]
    secrets = {hole.removeprefix("secret.") for hole in holes(auth.model_dump()) if hole.startswith("secret.")}
    settings = {**samples.settings}
    if isinstance(load_connector(name).facts.auth, dict):
        scheme = list(load_connector(name).facts.auth)[way]  # type: ignore[arg-type]
        settings["base_url"] = f"{scheme}://shop.example"
    chosen = Samples.model_validate(
        {**samples.model_dump(by_alias=True), "secrets": sorted(secrets), "settings": settings}
    )
    with account(load_connector(name), chosen, acting) as found:
        yield found


def _canaries(of: Account, way: int) -> set[str]:
    """Every secret, and what the platform gives for it, as it may look anywhere."""
    given = {TOKEN} if of.tested.facts.ways[way].type in ("oauth2", "login") else set()
    plain = {*of.secrets.values(), *given}
    return plain | {quote(one, safe="") for one in plain}


def _first(of: Account) -> str:
    """An entity that can be pulled."""
    return next(entity for entity, samples in of.samples.entities.items() if samples.pull is not None)


def _carries(heard: Heard, canaries: set[str]) -> bool:
    said = f"{heard.path} {heard.query} {dict(heard.headers)} {heard.content.decode()}"
    return any(one in said for one in canaries) or heard.headers.get("authorization", "") != ""


@WAYS
def test_credentials_go_to_the_declared_origin_only(known: Account, name: str, way: int) -> None:
    entity = _first(known)

    pulled(known.for_entity(entity), entity)

    auth = known.tested.facts.ways
    declared = {origin_of(known.for_entity(entity).base_url)}
    declared |= {origin_of(fill_text(one.url, known.values, what="url")) for one in auth if one.url}
    declared |= {
        origin_of(fill_text(one.login.at, known.values, what="at")) for one in auth if one.login and one.login.at
    }
    declared |= {f"https://session.{one.login.hosts[0]}" for one in auth if one.login and one.login.hosts}
    heard = known.platform.heard
    assert {one.origin for one in heard} <= declared
    assert any(_carries(one, _canaries(known, way)) for one in heard), "it proves who it is"


@NAMES
def test_a_redirect_is_not_followed(account: Account, name: str) -> None:
    entity = _first(account)
    away = Reply({}, 302, {"location": f"{_ELSEWHERE}/steal"})

    with pytest.raises(PullPushError):
        asked_for(account.for_entity(entity), entity, [away, Reply(status=418)])

    assert _ELSEWHERE not in {one.origin for one in account.platform.heard}


@LINKED
def test_a_next_page_elsewhere_is_not_asked_for(account: Account, entity: str) -> None:
    first = account.samples.entities[entity].pull
    assert first is not None
    kind, _, name = (account.tested.pull(entity).pages.next or "").partition(".")
    body, headers = {"root": copy.deepcopy(first.answers[0])}, {}
    if kind == "header":
        headers = {name: f'<{_ELSEWHERE}/next>; rel="next"'}
    else:
        put(body, f"root.root.{name}", f"{_ELSEWHERE}/next")

    with pytest.raises(PullPushError, match="own origin"):
        asked_for(account, entity, [Reply(body["root"], headers=headers), Reply(status=418)])

    assert _ELSEWHERE not in {one.origin for one in account.platform.heard}


@WAYS
def test_secrets_are_in_no_log_error_repr_or_stored_answer(
    known: Account, name: str, way: int, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    caplog.set_level(logging.DEBUG)
    echo = f"these are wrong: {' '.join(sorted(_canaries(known, way)))}"

    for status in (400, 401, 403, 429, 500, 200):
        for entity, samples in known.samples.entities.items():
            of = known.for_entity(entity)
            reply = _echoing(of, status, echo)
            if samples.pull is not None and status not in (429, 500):
                told += _pull_told(of, entity, reply)
            for case in samples.push[:1]:
                made = pushed(of, entity, case, lambda _, reply=reply: reply)
                told += [*made.reasons, *made.stored, *made.problems]
    told += [record.getMessage() + str(record.exc_text) for record in caplog.records]
    told += [repr(known), repr(known.connection()), asyncio.run(_shown(known))]

    assert [one for one in told if any(canary in one for canary in _canaries(known, way))] == []
    assert caplog.records


def _echoing(of: Account, status: int, echo: str) -> Reply:
    """An answer that shows what it was sent."""
    errors = of.tested.facts.errors
    body: dict[str, object] = {}
    for path in [*errors.message, *errors.code][:2]:
        inner = path.partition(".")[2]
        if inner and not inner[0].isdigit():
            put(body, f"root.{inner}", echo)
    return Reply(body or {"message": echo}, status, {"x-echo": echo})


def _pull_told(of: Account, entity: str, reply: Reply) -> list[str]:
    of.platform.play(Part(of, entity, [reply]))
    try:
        pulled(of, entity, [reply])
    except PullPushError as error:
        return [*traceback.format_exception(error), repr((error, error.args, vars(error)))]
    return []


async def _shown(of: Account) -> str:
    async with Client(of.connection(), of.tested) as client:
        return f"{client!r} {client}"
