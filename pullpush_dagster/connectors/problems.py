"""What a connector file says that cannot be."""

import re
from collections.abc import Iterator

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.field_map import map_problems
from pullpush_dagster.canonical.native import chosen, steps_of
from pullpush_dagster.connectors.bulk_model import Bulk
from pullpush_dagster.connectors.envelope_problems import envelope_problems
from pullpush_dagster.connectors.model import ConnectorFile, EntityFacts, PullFacts
from pullpush_dagster.connectors.push_problems import push_problems
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.connectors.template import holes, request_problems, template_problems

Problem = tuple[tuple[str, ...], str]
_CREDENTIAL = re.compile(r"authorization|secret|token|api-?key|password", re.IGNORECASE)
_POSITION = {"keyset": "after", "page": "page", "offset": "offset", "next": "cursor"}


def problems_of(facts: ConnectorFile) -> list[Problem]:
    """(key, what is wrong and what is allowed) for each fault in a connector file. Empty: all is well."""
    found = list(_platform_problems(facts))
    for name, part in facts.entities.items():
        found += _entity_problems(facts, name, part)
    return found


def _platform_problems(facts: ConnectorFile) -> Iterator[Problem]:
    settings = _settings(facts)
    every = settings | {f"secret.{name}" for name in (*facts.secrets, *facts.optional_secrets)}
    for way in facts.ways:
        plain = way.model_dump(exclude={"type", "login", "csrf"})
        yield from ((("auth",), text) for text in template_problems(plain, every))
        if way.login is not None:
            yield from ((("auth", "login"), text) for text in request_problems(way.login, every))
    yield from ((("base_url",), text) for text in template_problems(facts.base_url, settings))
    yield from ((("headers",), text) for text in template_problems(facts.headers, every))
    for part, names in (("defaults", facts.defaults), ("account", facts.account)):
        extra = [name for name in names if name not in facts.optional_settings]
        yield from (((part, name), "is not one of optional_settings") for name in extra)
    yield from envelope_problems(facts, every)
    yield from _literal_problems(facts)


def _literal_problems(facts: ConnectorFile) -> Iterator[Problem]:
    """Credentials that are written where ``{secret.NAME}`` must stand; they are not repeated."""
    parts: list[tuple[tuple[str, ...], object]] = [
        (("auth",), one.model_dump(exclude={"type"})) for one in facts.ways if one.type != "none"
    ]
    parts += [(("headers", name), text) for name, text in facts.headers.items() if _CREDENTIAL.search(name)]
    for here, part in parts:
        if not any(hole.startswith("secret.") for hole in holes(part)):
            yield here, "must have its credentials from {secret.NAME}; they are never written here"


def _entity_problems(facts: ConnectorFile, name: str, part: EntityFacts) -> Iterator[Problem]:
    here = ("entities", name)
    entity = ENTITIES.get(name)
    if entity is None:
        yield here, f"is no canonical entity; allowed: {', '.join(ENTITIES)}"
        return
    if part.pull is not None:
        for field, text in map_problems(entity, part.canonical_map):
            yield (*here, "canonical_map", field), text
        yield from _pull_problems((*here, "pull"), facts, part.pull)
        if part.pull.rows and not part.pull.record and part.binding.id.startswith("row."):
            yield (*here, "pull", "record"), "is required with rows: what tells one record of an answer from another"
    if part.binding.shares is not None and part.binding.shares not in facts.entities:
        yield (*here, "binding", "shares"), f"is not one of {', '.join(facts.entities)}"
    for field in part.sum:
        if field not in entity.compared:
            yield (*here, "sum"), f"{field} is not one of {', '.join(entity.compared)}"
    if part.sum and part.pull is not None and part.pull.since is not None:
        yield (*here, "pull", "since"), "goes without sum: a pull of what changed lacks the other parts of a sum"
    if part.push is not None:
        bound = {f"binding.{one}" for one in part.binding.paths} | {"binding.parent"}
        told = push_problems(entity, part.push, _settings(facts), bound)
        yield from (((*here, "push", *key), text) for key, text in told)


def _pull_problems(here: tuple[str, ...], facts: ConnectorFile, pull: PullFacts) -> Iterator[Problem]:
    scope = {f"scope.{key}" for part in pull.scope.values() for key in part.set} | set(pull.scope) | _settings(facts)
    names = scope | {"since", "until", "after", "size", "page", "offset", "cursor", "walk.by"}
    yield from _request_problems(here, pull, names)
    for name, part in pull.scope.items():
        yield from _request_problems((*here, "scope", name), part, {name} | _settings(facts))
    if pull.count is not None:
        yield from _request_problems((*here, "count"), pull.count, scope)
    if pull.bulk is not None:
        yield from _bulk_problems((*here, "bulk"), pull, pull.bulk, scope)
    position = _POSITION.get(pull.pages.style)
    inside = {*holes(pull.templates), *holes([text.of for text in pull.texts.values()])}
    if position is not None and position not in inside:
        yield (*here, "pages", "style"), f"{pull.pages.style} needs {{{position}}} in the request"


def _bulk_problems(here: tuple[str, ...], pull: PullFacts, bulk: Bulk, names: set[str]) -> Iterator[Problem]:
    yield from _request_problems((*here, "start"), bulk.start, names)
    yield from _request_problems((*here, "poll"), bulk.poll, names | {"job"})
    if bulk.results is not None:
        yield from _request_problems((*here, "results"), bulk.results, names | {"job", "cursor"})
    for key, path in (("each", pull.each), *((f"bulk.children.{kind}", path) for kind, path in bulk.children.items())):
        if any(step.isdigit() or step == "*" or chosen(step) for step in steps_of(path)):
            yield (*here[:-1], *key.split(".")), "must be names only, as bulk puts records there"


def _settings(facts: ConnectorFile) -> set[str]:
    return {f"settings.{name}" for name in (*facts.settings, *facts.optional_settings)}


def _request_problems(here: tuple[str, ...], request: Request, names: set[str]) -> Iterator[Problem]:
    yield from ((here, text) for text in request_problems(request, names))
