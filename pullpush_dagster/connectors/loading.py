"""Find and read connector files: the project's own first, then the built-in ones, by file name."""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.compile import RecordShape
from pullpush_dagster.canonical.field_map import map_problems
from pullpush_dagster.connectors.model import ConnectorFile, EntityFacts, PullFacts, PushFacts, Request
from pullpush_dagster.connectors.template import holes
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
        return RecordShape(tuple(pull.each.split(".")[1:]), ids, facts.live, self.facts.false_is_empty)

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
        source = Source(mine.name, mine.read_text(encoding="utf-8"))
    elif name in connector_names():
        source = Source(f"{name}.yaml", built_in.read_text(encoding="utf-8"))
    else:
        raise ConfigError(f"there is no connector {name!r}; there are {', '.join(connector_names(own))}")
    (document,) = source.documents()
    facts = parse(ConnectorFile, document)
    problems = [problem for entity, part in facts.entities.items() for problem in _problems(facts, entity, part)]
    if facts.connector != name:
        problems.append((("connector",), f"is {facts.connector!r}, but the file is named {name!r}"))
    if problems:
        raise ConfigError("\n".join(document.complaint(path, text) for path, text in problems))
    return Connector(facts)


_Problem = tuple[tuple[str, ...], str]


def _problems(facts: ConnectorFile, name: str, part: EntityFacts) -> list[_Problem]:
    here = ("entities", name)
    entity = ENTITIES.get(name)
    if entity is None:
        return [(here, f"is no canonical entity; allowed: {', '.join(ENTITIES)}")]
    found: list[_Problem] = []
    if part.pull is not None:
        found = [((*here, "canonical_map", field), text) for field, text in map_problems(entity, part.canonical_map)]
        found += _hole_problems((*here, "pull"), part.pull, _pull_names(facts, part.pull))
    if part.push is not None:
        names = _push_names(facts, set(entity.fields))
        forms = [*part.push.update, *([part.push.create] if part.push.create else [])]
        for form in forms:
            found += _hole_problems((*here, "push"), form, names, form.record)
        fields = {*part.push.values, *part.push.cleared} - set(entity.fields)
        found += [((*here, "push"), f"{field} is not a field of {name}") for field in sorted(fields)]
    return found


def _pull_names(facts: ConnectorFile, pull: PullFacts) -> set[str]:
    walk = {f"walk.{key}" for key in ("by",)}
    scope = {f"scope.{key}" for part in pull.scope.values() for key in part.set} | set(pull.scope)
    return {"since", "until", "after", "size", "page", "cursor"} | walk | scope | _settings(facts)


def _push_names(facts: ConnectorFile, fields: set[str]) -> set[str]:
    return fields | {"binding.id", "binding.parent", "keys"} | _settings(facts)


def _settings(facts: ConnectorFile) -> set[str]:
    return {f"settings.{name}" for name in (*facts.settings, *facts.optional_settings)}


def _hole_problems(here: tuple[str, ...], request: Request, names: set[str], record: object = None) -> list[_Problem]:
    used = [*holes(request.path), *holes(request.query), *holes(request.body), *holes(record)]
    return [
        (here, f"{{{hole}}} is not known here; known: {', '.join(sorted(names))}") for hole in used if hole not in names
    ]
