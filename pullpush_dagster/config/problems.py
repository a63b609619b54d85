"""Everything that is wrong with a project's files: each by itself, its connections, its pulls, its pushes."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.config.account import account_faults
from pullpush_dagster.config.connection import Connection
from pullpush_dagster.config.files import attributes_of, connection_files, documents, ignored, model_of, sync_files
from pullpush_dagster.config.guards import guard_faults
from pullpush_dagster.config.names import full_name, namesake, pull_name, scope_fault
from pullpush_dagster.config.push_faults import push_problems
from pullpush_dagster.config.sync import Pull
from pullpush_dagster.connectors.loading import DESCRIBED
from pullpush_dagster.connectors.yaml_source import Document, parse
from pullpush_dagster.errors import ConfigError

if TYPE_CHECKING:
    from pullpush_dagster.config.project import Project


def problems(project: "Project") -> list[str]:
    """Everything wrong with the files, one ``file:line key: what, allowed`` each. Empty: nothing is."""
    found: list[str] = []
    for read in (_ignored, _unreadable, _connection_problems, _pull_problems, push_problems, _unread_problems):
        try:
            found += read(project)
        except ConfigError as error:
            found += str(error).splitlines()
    return list(dict.fromkeys(found))


def _ignored(project: "Project") -> list[str]:
    return list(ignored(project.root))


def _unreadable(project: "Project") -> list[str]:
    """What is wrong with each document by itself, so that one that cannot be read hides no other."""
    connections, syncs = connection_files(project.root), sync_files(project.root)
    found = [line for path in connections for line in _faults(project, path, partial(parse, Connection))]
    return found + [line for path in syncs for line in _faults(project, path, _component)]


def _faults(project: "Project", path: Path, read: Callable[[Document], object]) -> Iterator[str]:
    try:
        found = documents(project.root, path)
    except ConfigError as error:
        yield from str(error).splitlines()
        return
    for document in found:
        try:
            read(document)
        except ConfigError as error:
            yield from str(error).splitlines()


def _connection_problems(project: "Project") -> list[str]:
    found: list[str] = []
    seen: dict[str, str] = {}
    for document in project.documents(connection_files(project.root)):
        connection = parse(Connection, document)
        if connection.connection in seen:
            found.append(document.complaint(("connection",), f"is also in {seen[connection.connection]}"))
        seen[connection.connection] = document.file
        try:
            facts = project.connector(connection.connection).facts
        except ConfigError as error:
            told = connection.api is not None or connection.connector == DESCRIBED
            found += str(error).splitlines() if told else [document.complaint(("connector",), str(error))]
            continue
        found += [document.complaint(key, text) for key, text in account_faults(connection, facts)]
    return found


def _pull_problems(project: "Project") -> list[str]:
    found: list[str] = []
    seen: dict[str, Pull] = {}
    for document, pull in project.declared(Pull):
        if pull.id in seen:
            found.append(document.complaint(("connection",), f"there are two pulls {pull.id}; give one `as: NAME`"))
        elif other := namesake(pull, seen.values()):
            said = f"its full audit, {full_name(pull)}, would have the name of that of {other.id}; give one `as: NAME`"
            found.append(document.complaint(("connection",), said))
        seen[pull.id] = pull
        found += [document.complaint(key, text) for key, text in _pull_faults(project, pull)]
    return found


def _pull_faults(project: "Project", pull: Pull) -> Iterator[tuple[tuple[str, ...], str]]:
    if project.is_told(pull.connection):
        return
    try:
        facts = project.connector(pull.connection).pull(pull.entity)
    except ConfigError as error:
        yield ("entity" if pull.connection in project.connections else "connection",), str(error)
        return
    if pull.bulk and facts.bulk is None:
        platform = project.connector(pull.connection).name
        yield ("bulk",), f"{platform} has no bulk export of its {pull.entity}; leave it out, or say false"
    yield from guard_faults(pull.guard, ENTITIES[pull.entity], of_push=False)
    parts, key = pull.partitions, ENTITIES[pull.entity].key
    if pull.full is not None and (facts.since is None or facts.scope):
        yield ("full",), "is for pulls that follow a modified stamp; this one always asks for everything"
    if parts is not None and parts.is_days and facts.since is None:
        yield ("partitions", "by"), "day needs a filter by modified stamp, which this platform has not; use a scope"
    if parts is not None and not parts.is_days and parts.by not in facts.scope:
        allowed = [*facts.scope, *(["day"] if facts.since else [])]
        yield ("partitions", "by"), f"cannot be asked for one by one; allowed: {', '.join(allowed) or 'nothing'}"
    if parts is not None and (fault := scope_fault(parts.values)):
        yield ("partitions", "values"), fault
    missing = [name for name in facts.scope if name in key and (parts is None or parts.by != name)]
    if missing and parts is None:
        yield ("partitions",), f"is required: by: {missing[0]}, since this platform is asked per {missing[0]}"


def _unread_problems(project: "Project") -> list[str]:
    """Pulls that no push reads have jobs of their own, which cannot have one name."""
    found: list[str] = []
    seen: dict[str, str] = {}
    for document, pull in project.declared(Pull):
        name = pull_name(pull)
        if not project.own_every(pull):
            continue
        if seen.setdefault(name, pull.id) != pull.id:
            said = f"its job, {name}, would have the name of that of {seen[name]}; give one `as: NAME`"
            found.append(document.complaint(("connection",), said))
    return found


def _component(document: Document) -> BaseModel | None:
    model = model_of(document)
    return None if model is None else parse(model, attributes_of(document))
