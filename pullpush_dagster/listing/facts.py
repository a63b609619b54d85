"""What a connector's file says that somebody who chooses or uses it wants to know."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.config import Project
from pullpush_dagster.connectors import Connector, load_connector
from pullpush_dagster.connectors.loading import connector_names
from pullpush_dagster.connectors.model import ConnectorFile, EntityFacts, PullFacts
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.listing.words import auth_in_words, limits_in_words

Way = Literal["pull", "push"]


@dataclass(frozen=True)
class Cell:
    """One entity on one platform.

    Attributes:
        pull: how it is walked (cursor, window, full); None: it cannot be pulled.
        walks: name -> path of the stamp it follows, None where that is the platform's clock.
        pages: how its pages are walked, and how large one is; None where it cannot be pulled.
        scope: the key fields it is asked for one by one.
        push: the requests it is sent by, such as create and update; none: it cannot be pushed.
        lookups: what is looked up to send it, in words.
        batch: most records in one request; None where it cannot be pushed.
        refused: why it cannot be pulled, or pushed.
        spec: what its requests are checked against; None: nothing. verified: how far it was seen; None: it was not.
    """

    entity: str
    pull: Literal["cursor", "window", "full"] | None
    walks: dict[str, str | None]
    pages: str | None
    scope: list[str]
    push: list[str]
    lookups: list[str]
    batch: int | None
    refused: dict[Way, str]
    spec: str | None
    verified: str | None
    caveats: list[str]

    @property
    def proof(self) -> Literal["seen", "paper", "no"]:
        """Whether its facts were seen on a real account, only read about, or neither."""
        if self.verified is None:
            return "no"
        return "seen" if "seen on" in self.verified else "paper"

    @property
    def carried(self) -> bool:
        """Whether it can be pulled or pushed at all."""
        return bool(self.pull or self.push)


@dataclass(frozen=True)
class Listing:
    """One connector.

    Attributes:
        name: the connector's; of one that a connection describes, the connection's.
        home: ``built in``, ``own`` for a file of the project, or ``connection``.
        limits: what it keeps to, one phrase each.
        settings, optional_settings: what a connection says; name -> what holds unless it does (None: nothing).
        auth: the ways to prove who one is, in words.
        cells: its entities, in the order of the canonical ones.
    """

    name: str
    title: str
    version: str | None
    home: Literal["built in", "own", "connection"]
    docs: str
    limits: list[str]
    auth: list[str]
    settings: list[str]
    optional_settings: dict[str, str | None]
    secrets: list[str]
    optional_secrets: list[str]
    credentials: str | None
    caveats: list[str]
    cells: list[Cell]

    @property
    def unverified(self) -> list[str]:
        """The entities that nobody has seen at work, nor held against what the vendor publishes."""
        return [cell.entity for cell in self.cells if cell.carried and cell.verified is None]

    @property
    def uncovered(self) -> list[str]:
        """The entities whose requests no published spec covers."""
        return [cell.entity for cell in self.cells if cell.carried and cell.spec is None]


def built_in() -> list[Listing]:
    """Every connector that comes with this package, by name. Raises ConfigError: its file is wrong."""
    return [listed(load_connector(name), "built in") for name in connector_names()]


def every(project: Project) -> list[Listing]:
    """Every connector ``project`` can use, by name: built-in ones, its own, and those its connections describe.

    Raises:
        ConfigError: a file is wrong; it is named.
    """
    return sorted(_every(project), key=lambda one: one.name)


def _every(project: Project) -> Iterator[Listing]:
    own = project.root / "resources" / "connectors"
    for name in connector_names(own):
        yield listed(load_connector(name, own), "own" if (own / f"{name}.yaml").is_file() else "built in")
    for name, connection in project.connections.items():
        if connection.api is not None:
            yield listed(project.connector(name), "connection", name)


def listed(connector: Connector, home: Literal["built in", "own", "connection"], name: str | None = None) -> Listing:
    """What ``connector``'s file says."""
    facts = connector.facts
    return Listing(
        name=name or connector.name,
        title=facts.title,
        version=facts.version,
        home=home,
        docs=facts.docs,
        limits=limits_in_words(facts.limits),
        auth=auth_in_words(facts),
        settings=facts.settings,
        optional_settings={name: facts.defaults.get(name) for name in facts.optional_settings},
        secrets=facts.secrets,
        optional_secrets=facts.optional_secrets,
        credentials=facts.credentials,
        caveats=facts.caveats,
        cells=list(_cells(facts)),
    )


def _cells(facts: ConnectorFile) -> Iterator[Cell]:
    for name in ENTITIES:
        if name in facts.entities:
            yield _cell(name, facts.entities[name])


def _cell(entity: str, facts: EntityFacts) -> Cell:
    pull, push = facts.pull, facts.push
    return Cell(
        entity=entity,
        pull=pull.walk if pull else None,
        walks={name: walk.stamp for name, walk in pull.walks.items()} if pull and pull.since else {},
        pages=_pages(pull) if pull else None,
        scope=list(pull.scope) if pull else [],
        push=_requests(push) if push else [],
        lookups=_lookups(push) if push else [],
        batch=max(form.batch or push.batch for form in push.forms) if push else None,
        refused={way: text for way in ("pull", "push") if (text := getattr(facts.refused, way)) is not None},
        spec=None if facts.spec == "none" else facts.spec,
        verified=None if facts.verified == "no" else facts.verified,
        caveats=facts.caveats,
    )


def _pages(pull: PullFacts) -> str:
    return "one answer" if pull.pages.style == "none" else f"{pull.pages.style}, {pull.pages.size} each"


def _requests(push: PushFacts) -> list[str]:
    """The kinds of requests a record is sent by; an action is named by the field it reaches."""
    kinds = (("upsert", push.upsert), ("create", push.create), ("update", push.update))
    return [name for name, there in kinds if there] + ([push.actions.field] if push.actions else [])


def _lookups(push: PushFacts) -> list[str]:
    found = [] if push.find is None else [f"itself by {push.find.field}, {push.find.batch} at once"]
    for name, reference in push.references.items():
        made = ", made where there is none" if reference.create else ""
        found.append(f"{name} by {reference.of}, {reference.batch} at once{made}")
    return found
