"""What a connector file says of an envelope that cannot be."""

from collections.abc import Iterator

from pydantic import BaseModel

from pullpush_dagster.connectors.envelope_model import Envelope
from pullpush_dagster.connectors.model import ConnectorFile
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.connectors.template import holes, request_problems, template_problems

_CARRIED = {"path", "positional", "named", "login"}


def envelope_problems(facts: ConnectorFile, names: set[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """(key, what is wrong) for each fault of the envelope of ``facts``, whose settings and secrets are ``names``."""
    envelope, here = facts.envelope, ("envelope",)
    if envelope is None:
        return
    for name in envelope.when:
        if name not in facts.defaults:
            yield (*here, "when"), f"{name} is not one of defaults, which say when requests go as they are"
    yield from ((here, text) for text in template_problems([envelope.at, envelope.login], names))
    parts = {hole for hole in holes(envelope.body) if hole.partition(".")[0] in _CARRIED}
    yield from ((here, text) for text in request_problems(envelope, names | parts))
    for key, request in _requests(facts.entities, ("entities",)):
        if request.query or request.form or request.headers or request.origin or request.method != "POST":
            yield key, "is carried in the envelope, which has room for a path and a JSON body, sent by post"


def _requests(part: object, key: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Request]]:
    """Every request in ``part``, which is at ``key``."""
    if isinstance(part, Request) and not isinstance(part, Envelope):
        yield key, part
    if isinstance(part, BaseModel):
        inside = [(name, getattr(part, name)) for name in type(part).model_fields]
    elif isinstance(part, dict):
        inside = [(str(name), one) for name, one in part.items()]
    else:
        inside = [(str(place), one) for place, one in enumerate(part)] if isinstance(part, list) else []
    for name, one in inside:
        yield from _requests(one, (*key, name))
