"""Requests of the connectors, as the vendors' specs are asked about them."""

import json
import re
from collections.abc import Iterator, Sequence

from pullpush_dagster.contract.account import Account
from pullpush_dagster.contract.acting import Heard, origin_of
from pullpush_dagster.contract.pulling import asked_for, paged
from pullpush_dagster.contract.pushing import pushed
from tests.connectors.specs.request import SpecRequest


def requests_of(account: Account, entity: str) -> list[SpecRequest]:
    """Every request that the samples of ``entity`` lead to, but those that its platform refuses; each form once."""
    made: dict[str, SpecRequest] = {}
    for heard in _heard(account, entity):
        request = _asked(account, heard)
        made.setdefault(_form(request), request)
    return list(made.values())


def _heard(account: Account, entity: str) -> Iterator[Heard]:
    samples = account.samples.entities[entity]
    if samples.pull is not None:
        # An address that the platform gave is its own, whatever it says of it.
        is_linked = account.tested.pull(entity).pages.style == "link"
        kinds = ["full", "sync", "window"] if account.tested.pull(entity).since else ["full"]
        for kind in kinds:
            # Once with all the small pages of the sample, and once with a page of the size that is asked for in truth.
            for of in (paged(account, entity), account):
                _, part = asked_for(of, entity, kind=kind)
                yield from (*part.others, *part.pages[: 1 if is_linked else None])
    for case in samples.push:
        found = pushed(account, entity, case)
        yield from found.others
        yield from () if "rejected" in case.outcomes else found.writes


def _asked(account: Account, heard: Heard) -> SpecRequest:
    query = {name: values[0] if len(values) == 1 else values for name, values in heard.query.items()}
    unsigned = {name: value for name, value in query.items() if not name.startswith("oauth_")}
    base = account.base_url[len(origin_of(account.base_url)) :]
    path = account.path_of(heard)
    return SpecRequest(heard.method, path, unsigned, dict(heard.headers), heard.json, heard.form, base)


def _form(request: SpecRequest) -> str:
    """The same for requests that differ in nothing but values."""
    path = re.sub(r"'[^']*'|[^/]*\d[^/]*", "*", request.path)
    return json.dumps([request.method, path, sorted(request.query), _shape(request.json), _texts(request)])


def _texts(request: SpecRequest) -> list[str]:
    """Filters and query texts, without the values in them."""
    body = request.json if isinstance(request.json, dict) else {}
    said = [*request.query.values(), body.get("q"), body.get("query")]
    return [re.sub(r"'[^']*'|\d+", "*", one) for one in said if isinstance(one, str) and " " in one]


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in sorted(value.items())}
    return [_shape(one) for one in value[:1]] if isinstance(value, Sequence) and not isinstance(value, str) else None
