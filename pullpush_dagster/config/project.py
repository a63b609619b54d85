"""A whole project: its folders, its connections, its pulls and pushes, checked against each other."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from pullpush_dagster.canonical import ENTITIES, Entity
from pullpush_dagster.config.connection import Connection
from pullpush_dagster.config.files import attributes_of, connection_files, documents, model_of, sync_files
from pullpush_dagster.config.problems import problems
from pullpush_dagster.config.sync import Pull, Push
from pullpush_dagster.connectors import Connector, load_connector
from pullpush_dagster.connectors.loading import DESCRIBED, described_connector
from pullpush_dagster.connectors.yaml_source import Document, parse
from pullpush_dagster.errors import ConfigError

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class Project:
    """The folder with assets/ and resources/ in it. Files are read when first asked for.

    The state folder is ``data`` in the project, or what PULLPUSH_DATA names.
    """

    root: Path
    state: Path = field(default=Path())

    @classmethod
    def find(cls) -> "Project":
        """The project this package is in, or the one PULLPUSH_PROJECT names. Raises ConfigError: that is none."""
        named = os.environ.get("PULLPUSH_PROJECT")
        if named and not any(Path(named, part).is_dir() for part in ("assets", "resources")):
            raise ConfigError(f"PULLPUSH_PROJECT is {named}, where neither assets/ nor resources/ is")
        return cls.at(Path(named or Path(__file__).parents[2]))

    @classmethod
    def at(cls, root: Path) -> "Project":
        """The project in folder ``root``."""
        root = root.resolve()
        return cls(root, Path(os.environ.get("PULLPUSH_DATA") or root / "data").resolve())

    @cached_property
    def connections(self) -> dict[str, Connection]:
        """Every connection by name. Raises ConfigError naming file, line and key."""
        found = [parse(Connection, d) for d in self.documents(connection_files(self.root))]
        return {connection.connection: connection for connection in found}

    @cached_property
    def pulls(self) -> dict[str, Pull]:
        """Every declared pull by ``connection/name``. Raises ConfigError."""
        return {pull.id: pull for _, pull in self.declared(Pull)}

    @cached_property
    def pushes(self) -> dict[str, Push]:
        """Every declared push by name. Raises ConfigError."""
        return {push.name: push for _, push in self.declared(Push)}

    def connector(self, connection: str) -> Connector:
        """The connector of ``connection``. Raises ConfigError: no such connection, or no such connector."""
        found = self.connection(connection)
        if found.api is None and found.connector == DESCRIBED:
            said = f"is required of connector: {DESCRIBED}"
            raise ConfigError(self._document_of(connection).complaint(("api",), said))
        if found.api is None:
            return load_connector(found.connector, self.root / "resources" / "connectors")
        if connection not in self._described:
            if found.connector != DESCRIBED:
                said = f"is for connector: {DESCRIBED}; {found.connector} says itself what its platform is"
                raise ConfigError(self._document_of(connection).complaint(("api",), said))
            self._described[connection] = described_connector(DESCRIBED, self._document_of(connection).at("api"))
        return self._described[connection]

    @cached_property
    def _described(self) -> dict[str, Connector]:
        """Those that connections describe themselves, read once."""
        return {}

    def _document_of(self, connection: str) -> Document:
        every = self.documents(connection_files(self.root))
        return next(one for one in every if one.data.get("connection") == connection)

    def connection(self, name: str) -> Connection:
        """The connection called ``name``. Raises ConfigError naming those there are."""
        if name not in self.connections:
            raise ConfigError(f"there is no connection {name!r}; there are {', '.join(self.connections) or 'none'}")
        return self.connections[name]

    def pull(self, id_: str) -> Pull:
        """The pull called ``connection/name``. Raises ConfigError naming those there are."""
        if id_ not in self.pulls:
            raise ConfigError(f"there is no pull {id_!r}; there are {', '.join(self.pulls) or 'none'}")
        return self.pulls[id_]

    def push(self, name: str) -> Push:
        """The push called ``name``. Raises ConfigError naming those there are."""
        if name not in self.pushes:
            raise ConfigError(f"there is no sync {name!r}; there are {', '.join(self.pushes) or 'none'}")
        return self.pushes[name]

    def entity_of(self, push: Push) -> Entity:
        """The canonical entity ``push`` carries, which is that of its pulls."""
        return ENTITIES[self.pull(push.from_[0]).entity]

    def beside(self, push: Push) -> list[Push]:
        """Other live pushes that send the same entity to the same destination as ``push``."""
        others = [one for one in self.pushes.values() if one != push and (one.to, one.mode) == (push.to, "live")]
        return [one for one in others if self.entity_of(one) == self.entity_of(push)]

    def problems(self) -> list[str]:
        """Everything wrong with the files, one ``file:line key: what, allowed`` each. Empty: nothing is."""
        return problems(self)

    def own_every(self, pull: Pull) -> int | None:
        """Seconds between runs of ``pull`` in a job of its own; None: it says none, or a push that reads it runs it."""
        return None if any(pull.id in push.from_ for push in self.pushes.values()) else pull.every

    def is_told(self, connection: str) -> bool:
        """Whether the complaint about the connection itself says already that its connector cannot be read."""
        try:
            self.connector(connection)
        except ConfigError:
            return connection in self.connections
        return False

    def declared(self, model: type[_Model]) -> Iterator[tuple[Document, _Model]]:
        """Every pull, or every push, with the part of a file that says it. Raises ConfigError: one cannot be read."""
        for document in self.documents(sync_files(self.root)):
            if model_of(document) is model:
                below = attributes_of(document)
                yield below, parse(model, below)

    def documents(self, paths: list[Path]) -> Iterator[Document]:
        """Every document of ``paths``, in order. Raises ConfigError: one is not YAML."""
        for path in paths:
            yield from documents(self.root, path)
