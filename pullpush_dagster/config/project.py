"""A whole project: its folders, its connections, its pulls and pushes, checked against each other."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from pullpush_dagster.canonical import ENTITIES, Entity
from pullpush_dagster.canonical.types import ListOf
from pullpush_dagster.config.account import account_faults
from pullpush_dagster.config.connection import Connection
from pullpush_dagster.config.destinations import name_fault, rival, strangers
from pullpush_dagster.config.files import (
    TYPES,
    attributes_of,
    connection_files,
    documents,
    ignored,
    sync_files,
    type_of,
)
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
        found = [parse(Connection, d) for d in self._documents(connection_files(self.root))]
        return {connection.connection: connection for connection in found}

    @cached_property
    def pulls(self) -> dict[str, Pull]:
        """Every declared pull by ``connection/name``. Raises ConfigError."""
        return {pull.id: pull for _, pull in self._declared(Pull)}

    @cached_property
    def pushes(self) -> dict[str, Push]:
        """Every declared push by name. Raises ConfigError."""
        return {push.name: push for _, push in self._declared(Push)}

    def connector(self, connection: str) -> Connector:
        """The connector of ``connection``. Raises ConfigError: no such connection, or no such connector."""
        found = self.connection(connection)
        if found.api is None:
            return load_connector(found.connector, self.root / "resources" / "connectors")
        if connection not in self._described:
            if found.connector != DESCRIBED:
                raise ConfigError(
                    f"api is for connector: {DESCRIBED}; {found.connector} says itself what its platform is"
                )
            self._described[connection] = described_connector(DESCRIBED, self._document_of(connection).at("api"))
        return self._described[connection]

    @cached_property
    def _described(self) -> dict[str, Connector]:
        """Those that connections describe themselves, read once."""
        return {}

    def _document_of(self, connection: str) -> Document:
        every = self._documents(connection_files(self.root))
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
        found: list[str] = []
        each = (self._ignored, self._unreadable, self._connection_problems, self._pull_problems, self._push_problems)
        for read in each:
            try:
                found += read()
            except ConfigError as error:
                found += str(error).splitlines()
        return list(dict.fromkeys(found))

    def _ignored(self) -> list[str]:
        return list(ignored(self.root))

    def _unreadable(self) -> list[str]:
        """What is wrong with each document by itself, so that one that cannot be read hides no other."""
        connections, syncs = connection_files(self.root), sync_files(self.root)
        found = [line for path in connections for line in self._faults(path, partial(parse, Connection))]
        return found + [line for path in syncs for line in self._faults(path, _component)]

    def _faults(self, path: Path, read: Callable[[Document], object]) -> Iterator[str]:
        try:
            found = documents(self.root, path)
        except ConfigError as error:
            yield from str(error).splitlines()
            return
        for document in found:
            try:
                read(document)
            except ConfigError as error:
                yield from str(error).splitlines()

    def _connection_problems(self) -> list[str]:
        found: list[str] = []
        seen: dict[str, str] = {}
        for document in self._documents(connection_files(self.root)):
            connection = parse(Connection, document)
            if connection.connection in seen:
                found.append(document.complaint(("connection",), f"is also in {seen[connection.connection]}"))
            seen[connection.connection] = document.file
            try:
                facts = self.connector(connection.connection).facts
            except ConfigError as error:
                told = connection.api is not None
                found += str(error).splitlines() if told else [document.complaint(("connector",), str(error))]
                continue
            found += [document.complaint(key, text) for key, text in account_faults(connection, facts)]
        return found

    def _pull_problems(self) -> list[str]:
        found: list[str] = []
        seen: set[str] = set()
        for document, pull in self._declared(Pull):
            if pull.id in seen:
                found.append(document.complaint(("connection",), f"there are two pulls {pull.id}; give one `as: NAME`"))
            seen.add(pull.id)
            found += [document.complaint(key, text) for key, text in self._pull_faults(pull)]
        return found

    def _pull_faults(self, pull: Pull) -> Iterator[tuple[tuple[str, ...], str]]:
        if pull.entity not in ENTITIES:
            yield ("entity",), f"is not one of {', '.join(ENTITIES)}"
        if pull.entity not in ENTITIES or self._is_told(pull.connection):
            return
        try:
            facts = self.connector(pull.connection).pull(pull.entity)
        except ConfigError as error:
            yield ("entity" if pull.connection in self.connections else "connection",), str(error)
            return
        if pull.bulk and facts.bulk is None:
            platform = self.connector(pull.connection).name
            yield ("bulk",), f"{platform} has no bulk export of its {pull.entity}; leave it out, or say false"
        parts, key = pull.partitions, ENTITIES[pull.entity].key
        if pull.full is not None and (facts.since is None or facts.scope):
            yield ("full",), "is for pulls that follow a modified stamp; this one always asks for everything"
        if parts is not None and parts.is_days and facts.since is None:
            yield ("partitions", "by"), "day needs a filter by modified stamp, which this platform has not; use a scope"
        if parts is not None and not parts.is_days and parts.by not in facts.scope:
            allowed = [*facts.scope, *(["day"] if facts.since else [])]
            yield ("partitions", "by"), f"cannot be asked for one by one; allowed: {', '.join(allowed) or 'nothing'}"
        missing = [name for name in facts.scope if name in key and (parts is None or parts.by != name)]
        if missing and parts is None:
            yield ("partitions",), f"is required: by: {missing[0]}, since this platform is asked per {missing[0]}"

    def _push_problems(self) -> list[str]:
        found: list[str] = []
        seen: dict[str, Push] = {}
        for document, push in self._declared(Push):
            if push.name in seen:
                found.append(document.complaint(("name",), f"there are two syncs {push.name}"))
            elif fault := name_fault(push.name, seen):
                found.append(document.complaint(("name",), fault))
            elif other := rival(push, seen.values()):
                said = f"{other[0].name} sends what {other[1]} has to {push.to} already"
                found.append(document.complaint(("from",), f"{said}; two live pushes need disjoint keys: say only"))
            seen[push.name] = push
            found += [document.complaint(key, text) for key, text in self._push_faults(push)]
        return found

    def _push_faults(self, push: Push) -> Iterator[tuple[tuple[str, ...], str]]:
        missing = [source for source in push.from_ if source not in self.pulls]
        for source in missing:
            yield ("from",), f"{source} is not a pull; there are {', '.join(self.pulls) or 'none'}"
        if push.to not in self.connections:
            yield ("to",), f"{push.to} is no connection; there are {', '.join(self.connections) or 'none'}"
        if missing or push.to not in self.connections:
            return
        entities = {self.pulls[source].entity for source in push.from_}
        if len(entities) > 1:
            yield ("from",), f"mixes {', '.join(sorted(entities))}; a push carries one entity"
        entity = ENTITIES[self.pulls[push.from_[0]].entity]
        cuts = {repr(self.pulls[source].partitions) for source in push.from_}
        if len(cuts) > 1 and len(entities) == 1:
            yield ("from",), f"{', '.join(push.from_)} have different partitions; one run needs the same for all"
        try:
            self.connector(push.to).push(entity.name)
        except ConfigError as error:
            if not self._is_told(push.to):
                yield ("to",), str(error)
        else:
            fixed = self.connector(push.to).fixed(entity.name)
            yield from ((("to",), text) for text in strangers(push, map(self.pulls.__getitem__, push.from_), fixed))
        yield from self._readback_faults(push, entity)
        yield from self._affects_faults(push, entity)
        for part, names, allowed in (("only", push.only, entity.fields), ("translate", push.translate, entity.key)):
            for name in names:
                if name not in allowed:
                    yield (part, name), f"is not one of {', '.join(allowed)}"

    def _is_told(self, connection: str) -> bool:
        """Whether the complaint about the connection itself says already that its connector cannot be read."""
        try:
            self.connector(connection)
        except ConfigError:
            return connection in self.connections
        return False

    def _readback_faults(self, push: Push, entity: Entity) -> Iterator[tuple[tuple[str, ...], str]]:
        if not push.readback or "readback" not in push.model_fields_set or self._is_told(push.to):
            return
        connector = self.connector(push.to)
        if entity.name in connector.facts.entities and not connector.reads_back(entity.name):
            yield (
                ("readback",),
                f"is for what can be asked for; {connector.name} cannot be asked for its {entity.name}",
            )

    def _affects_faults(self, push: Push, entity: Entity) -> Iterator[tuple[tuple[str, ...], str]]:
        if push.affected is None:
            return
        other, path = push.affected
        field, _, part = path.partition(".")
        type_ = entity.fields.get(field)
        if not isinstance(type_, ListOf) or part not in type_.item.fields:
            yield ("affects",), f"{path} is no part of a list of {entity.name}"
        elif other not in ENTITIES or part not in ENTITIES[other].key:
            yield ("affects",), f"{other} is no entity with {part} in its key"

    def _declared(self, model: type[_Model]) -> Iterator[tuple[Document, _Model]]:
        for document in self._documents(sync_files(self.root)):
            if _model(document) is model:
                below = attributes_of(document)
                yield below, parse(model, below)

    def _documents(self, paths: list[Path]) -> Iterator[Document]:
        for path in paths:
            yield from documents(self.root, path)


def _model(document: Document) -> type[BaseModel] | None:
    """What the component is one of; None: none of ours."""
    return TYPES.get(type_of(document) or "")


def _component(document: Document) -> BaseModel | None:
    model = _model(document)
    return None if model is None else parse(model, attributes_of(document))
