"""Find and read connector files: the project's own first, then the built-in ones, by file name."""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.compile import RecordShape
from pullpush_dagster.canonical.field_map import map_problems
from pullpush_dagster.connectors.model import Auth, ConnectorFile, EntityFacts, PullFacts
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.push_problems import push_problems
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.connectors.template import holes, template_problems
from pullpush_dagster.connectors.yaml_source import Source, parse
from pullpush_dagster.errors import ConfigError

_BUILT_IN = files("pullpush_dagster.connectors")


@dataclass(frozen=True)
class Ask:
    """All that asking for one entity needs: how, and the path of a record's id."""

    entity: str
    pull: PullFacts
    id: str


@dataclass(frozen=True)
class Connector:
    """A connector file, checked, with what the engine asks of it."""

    facts: ConnectorFile

    @property
    def name(self) -> str:
        return self.facts.connector

    def entity(self, name: str) -> EntityFacts:
        """The facts of entity ``name``.

        Raises:
            ConfigError: the platform does not carry it; the message says what it does carry.
        """
        found = self.facts.entities.get(name)
        if found is None:
            raise ConfigError(f"{self.name} has no {name}; it has {', '.join(self.facts.entities)}")
        return found

    def pull(self, name: str) -> PullFacts:
        """How entity ``name`` is pulled. Raises ConfigError: it cannot be."""
        found = self.entity(name).pull
        if found is None:
            raise ConfigError(f"{self.name} cannot be asked for its {name}")
        return found

    def ask_of(self, name: str) -> Ask:
        """How entity ``name`` is asked for. Raises ConfigError: it cannot be."""
        return Ask(name, self.pull(name), self.entity(name).binding.id)

    def push(self, name: str) -> PushFacts:
        """How entity ``name`` is pushed. Raises ConfigError: it cannot be."""
        found = self.entity(name).push
        if found is None:
            raise ConfigError(f"{self.name} cannot be sent a {name}")
        return found

    def shape(self, name: str) -> RecordShape:
        """Where entity ``name``'s records lie in a page and how they say "nothing"."""
        facts, pull = self.entity(name), self.pull(name)
        ids = {"id": facts.binding.id} | ({"parent": facts.binding.parent} if facts.binding.parent else {})
        return RecordShape(tuple(pull.each.split(".")[1:]), ids, facts.live, self.facts.false_is_empty, facts.skip)

    def reads_back(self, name: str) -> bool:
        """Whether what was pushed to entity ``name`` can be asked for again: all of it, or by parts of its key."""
        pull = self.entity(name).pull
        return pull is not None and set(pull.scope) <= set(ENTITIES[name].key)

    def bound_as(self, name: str) -> str:
        """The entity whose bindings ``name`` uses: itself, or the one it shares them with."""
        return self.entity(name).binding.shares or name


def connector_names(own: Path | None = None) -> list[str]:
    """Names of all connectors there are, the project's own (in folder ``own``) and the built-in ones, sorted."""
    built_in = {Path(f.name).stem for f in _BUILT_IN.iterdir() if f.name.endswith(".yaml")}
    mine = {path.stem for path in own.glob("*.yaml")} if own and own.is_dir() else set()
    return sorted(built_in | mine)


def load_connector(name: str, own: Path | None = None) -> Connector:
    """The connector called ``name``; a file in folder ``own`` wins over a built-in one.

    Raises:
        ConfigError: there is none of that name, or its file says something that cannot be.
    """
    mine = own / f"{name}.yaml" if own else None
    built_in = _BUILT_IN / f"{name}.yaml"
    if mine is not None and mine.is_file():
        source = Source.read(mine, mine.name)
    elif name in connector_names():
        source = Source(f"{name}.yaml", built_in.read_text(encoding="utf-8"))
    else:
        raise ConfigError(f"there is no connector {name!r}; there are {', '.join(connector_names(own))}")
    return _connector(name, source)


# A text says the same each time, and to read the largest takes a tenth of a second.
@lru_cache(maxsize=64)
def _connector(name: str, source: Source) -> Connector:
    documents = source.documents()
    if len(documents) != 1:
        raise ConfigError(f"{source.file}:1 holds {len(documents)} YAML documents; a connector is one")
    (document,) = documents
    facts = parse(ConnectorFile, document)
    problems = _platform_problems(facts)
    problems += [problem for entity, part in facts.entities.items() for problem in _problems(facts, entity, part)]
    if facts.connector != name:
        problems.append((("connector",), f"is {facts.connector!r}, but the file is named {name!r}"))
    if problems:
        raise ConfigError("\n".join(document.complaint(path, text) for path, text in problems))
    return Connector(facts)


_Problem = tuple[tuple[str, ...], str]
_CREDENTIAL = re.compile(r"authorization|secret|token|api-?key|password", re.IGNORECASE)
_POSITION = {"keyset": "after", "page": "page", "next": "cursor"}


def _platform_problems(facts: ConnectorFile) -> list[_Problem]:
    settings = _settings(facts)
    every = settings | {f"secret.{name}" for name in facts.secrets}
    auth = facts.auth.model_dump(exclude={"type"}) if isinstance(facts.auth, Auth) else {
        scheme: one.model_dump(exclude={"type"}) for scheme, one in facts.auth.items()
    }  # fmt: skip
    return [
        *_template_problems(("base_url",), facts.base_url, settings),
        *_template_problems(("auth",), auth, every),
        *_template_problems(("headers",), facts.headers, every),
        *_literal_problems(facts),
    ]


def _literal_problems(facts: ConnectorFile) -> list[_Problem]:
    """Credentials that are written where ``{secret.NAME}`` must stand; they are not repeated."""
    auth = facts.auth
    ways = {("auth",): auth} if isinstance(auth, Auth) else {("auth", scheme): one for scheme, one in auth.items()}
    parts: dict[tuple[str, ...], object] = {here: one.model_dump(exclude={"type"}) for here, one in ways.items()}
    parts |= {("headers", name): text for name, text in facts.headers.items() if _CREDENTIAL.search(name)}
    return [
        (here, "must have its credentials from {secret.NAME}; they are never written here")
        for here, part in parts.items()
        if not any(hole.startswith("secret.") for hole in holes(part))
    ]


def _problems(facts: ConnectorFile, name: str, part: EntityFacts) -> list[_Problem]:
    here = ("entities", name)
    entity = ENTITIES.get(name)
    if entity is None:
        return [(here, f"is no canonical entity; allowed: {', '.join(ENTITIES)}")]
    found: list[_Problem] = []
    if part.pull is not None:
        found = [((*here, "canonical_map", field), text) for field, text in map_problems(entity, part.canonical_map)]
        found += _pull_problems((*here, "pull"), facts, part.pull)
    if part.binding.shares is not None and part.binding.shares not in facts.entities:
        found.append(((*here, "binding", "shares"), f"is not one of {', '.join(facts.entities)}"))
    if part.push is not None:
        told = push_problems(entity, part.push, _settings(facts))
        found += [((*here, "push", *key), text) for key, text in told]
    return found


def _pull_problems(here: tuple[str, ...], facts: ConnectorFile, pull: PullFacts) -> list[_Problem]:
    scope = {f"scope.{key}" for part in pull.scope.values() for key in part.set} | set(pull.scope) | _settings(facts)
    found = _hole_problems(here, pull, scope | {"since", "until", "after", "size", "page", "cursor", "walk.by"})
    for name, part in pull.scope.items():
        found += _hole_problems((*here, "scope", name), part, {name} | _settings(facts))
    if pull.count is not None:
        found += _hole_problems((*here, "count"), pull.count, scope)
    position = _POSITION.get(pull.pages.style)
    if position is not None and position not in _holes_of(pull):
        found.append(((*here, "pages", "style"), f"{pull.pages.style} needs {{{position}}} in the request"))
    return found


def _settings(facts: ConnectorFile) -> set[str]:
    return {f"settings.{name}" for name in (*facts.settings, *facts.optional_settings)}


def _hole_problems(here: tuple[str, ...], request: Request, names: set[str]) -> list[_Problem]:
    return _template_problems(here, request.templates, names)


def _holes_of(request: Request) -> list[str]:
    return list(holes(request.templates))


def _template_problems(here: tuple[str, ...], template: object, names: set[str]) -> list[_Problem]:
    return [(here, text) for text in template_problems(template, names)]
