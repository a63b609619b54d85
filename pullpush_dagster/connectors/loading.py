"""Find and read connector files: the project's own first, then the built-in ones, by file name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.field_map import Times
from pullpush_dagster.canonical.native import steps_of
from pullpush_dagster.canonical.shape import RecordShape
from pullpush_dagster.connectors.model import ConnectorFile, EntityFacts, PullFacts
from pullpush_dagster.connectors.problems import problems_of
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.yaml_source import Document, Source, parse
from pullpush_dagster.errors import ConfigError

# The connector that has no platform of its own: a connection says under ``api`` what it speaks to.
DESCRIBED = "rest"
_BUILT_IN = files("pullpush_dagster.connectors")


@dataclass(frozen=True)
class Ask:
    """All that asking for one entity needs.

    Attributes:
        ids: paths that together tell one record from another.
        times: how times are written.
        summed: whether records are parts of sums, which are wrong without all of them.
    """

    entity: str
    pull: PullFacts
    ids: tuple[str, ...]
    times: Times = field(default_factory=Times)
    summed: bool = False


@dataclass(frozen=True)
class Connector:
    """A connector file, checked, with what the engine asks of it."""

    facts: ConnectorFile

    @property
    def name(self) -> str:
        return self.facts.connector

    def settings(self, given: Mapping[str, str]) -> dict[str, str]:
        """What a connection with the settings ``given`` says, with what holds unless it does."""
        return {**self.facts.defaults, **given}

    def entity(self, name: str) -> EntityFacts:
        """The facts of entity ``name``.

        Raises:
            ConfigError: the platform does not carry it; the message says what it does carry.
        """
        found = self.facts.entities.get(name)
        if found is None:
            raise ConfigError(f"{self.name} has no {name}; it has {', '.join(self.facts.entities) or 'none'}")
        return found

    def pull(self, name: str) -> PullFacts:
        """How entity ``name`` is pulled. Raises ConfigError: it cannot be, and why, where that is known."""
        facts = self.entity(name)
        if facts.pull is None:
            raise ConfigError(facts.refused.pull or f"{self.name} cannot be asked for its {name}")
        return facts.pull

    def ask_of(self, name: str) -> Ask:
        """How entity ``name`` is asked for. Raises ConfigError: it cannot be."""
        pull, facts = self.pull(name), self.entity(name)
        # What only a row says, no record does.
        ids = [pull.record or facts.binding.id] if pull.record or pull.rows else facts.binding.paths.values()
        return Ask(name, pull, tuple(ids), facts.times or self.facts.times, bool(facts.sum))

    def push(self, name: str) -> PushFacts:
        """How entity ``name`` is pushed. Raises ConfigError: it cannot be, and why, where that is known."""
        facts = self.entity(name)
        if facts.push is None:
            raise ConfigError(facts.refused.push or f"{self.name} cannot be sent a {name}")
        return facts.push

    def shape(self, name: str) -> RecordShape:
        """Where entity ``name``'s records lie in a page and how they say "nothing"."""
        facts, pull = self.entity(name), self.pull(name)
        return RecordShape(
            steps_of(pull.each),
            facts.binding.paths,
            facts.live,
            self.facts.false_is_empty,
            facts.skip,
            rows=pull.rows,
            whole=pull.whole,
            may_lack=pull.may_lack,
            sum=tuple(facts.sum),
            times=facts.times or self.facts.times,
        )

    def reads_back(self, name: str) -> bool:
        """Whether what was pushed to entity ``name`` can be asked for again: all of it, or by parts of its key.

        What two connections number each for themselves is pulled under the number that we find it by, or not at all.
        """
        facts, entity = self.entity(name), ENTITIES[name]
        if facts.pull is None or not set(facts.pull.scope) <= set(entity.key):
            return False
        find = facts.push.find if facts.push else None
        return not entity.prefixed or (find is not None and facts.canonical_map[find.field].from_ == find.match)

    def fixed(self, name: str) -> dict[str, str]:
        """Those key fields of entity ``name`` that are always the same here, such as the one place of all stock."""
        known = self.entity(name).canonical_map
        key = (field for field in ENTITIES[name].key if field in known)
        return {field: str(known[field].value) for field in key if known[field].value is not None}

    def bound_as(self, name: str) -> str:
        """The entity whose bindings ``name`` uses: itself, or the one it shares them with."""
        return self.entity(name).binding.shares or name


def connector_names(own: Path | None = None) -> list[str]:
    """Names of all connectors there are, the project's own (in folder ``own``) and the built-in ones, sorted."""
    built_in = {Path(f.name).stem for f in _BUILT_IN.iterdir() if f.name.endswith(".yaml")}
    mine = {path.stem for path in own.glob("[!.]*.yaml")} if own and own.is_dir() else set()
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
        source = Source(f"{name}.yaml", built_in.read_text(encoding="utf-8"), ours=True)
    else:
        raise ConfigError(f"there is no connector {name!r}; there are {', '.join(connector_names(own))}")
    return _connector(name, source)


def described_connector(name: str, api: Document) -> Connector:
    """The connector called ``name`` with what a connection itself says of its platform, under ``api``.

    Raises:
        ConfigError: that says something that cannot be; with the connection's own file and line.
    """
    (neutral,) = Source(f"{name}.yaml", (_BUILT_IN / f"{name}.yaml").read_text(encoding="utf-8"), ours=True).documents()
    return _checked(name, Document(api.file, {**neutral.data, **(api.data or {})}, api.lines))


# A text says the same each time, and to read the largest takes a tenth of a second.
@lru_cache(maxsize=64)
def _connector(name: str, source: Source) -> Connector:
    documents = source.documents()
    if len(documents) != 1:
        raise ConfigError(f"{source.file}:1 holds {len(documents)} YAML documents; a connector is one")
    return _checked(name, documents[0])


def _checked(name: str, document: Document) -> Connector:
    facts = parse(ConnectorFile, document)
    problems = problems_of(facts)
    if facts.connector != name:
        problems.append((("connector",), f"is {facts.connector!r}, but the file is named {name!r}"))
    if problems:
        raise ConfigError("\n".join(document.complaint(path, text) for path, text in problems))
    return Connector(facts)
