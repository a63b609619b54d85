"""What is wrong with the pushes of a project: beside each other, and with what they read and where they send it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pullpush_dagster.canonical import ENTITIES, Entity
from pullpush_dagster.canonical.field_map import FieldMap
from pullpush_dagster.canonical.types import ListOf
from pullpush_dagster.config.destinations import rival, strangers
from pullpush_dagster.config.guards import guard_faults
from pullpush_dagster.config.names import name_fault
from pullpush_dagster.config.sync import Pull, Push
from pullpush_dagster.errors import ConfigError

if TYPE_CHECKING:
    from pullpush_dagster.config.project import Project


def push_problems(project: "Project") -> list[str]:
    """A complaint about every push that cannot do what its file says. Raises ConfigError: one cannot be read."""
    found: list[str] = []
    seen: dict[str, Push] = {}
    for document, push in project.declared(Push):
        if push.name in seen:
            found.append(document.complaint(("name",), f"there are two syncs {push.name}"))
        elif fault := name_fault(push.name, seen, project.pulls.values()):
            found.append(document.complaint(("name",), fault))
        elif other := rival(push, seen.values()):
            said = f"{other[0].name} sends what {other[1]} has to {push.to} already"
            found.append(document.complaint(("from",), f"{said}; two live pushes need disjoint keys: say only"))
        seen[push.name] = push
        found += [document.complaint(key, text) for key, text in _push_faults(project, push)]
    return found


def _push_faults(project: "Project", push: Push) -> Iterator[tuple[tuple[str, ...], str]]:
    missing = [source for source in push.from_ if source not in project.pulls]
    for source in missing:
        yield ("from",), f"{source} is not a pull; there are {', '.join(project.pulls) or 'none'}"
    if push.to not in project.connections:
        yield ("to",), f"{push.to} is no connection; there are {', '.join(project.connections) or 'none'}"
    if missing or push.to not in project.connections:
        return
    entities = {project.pulls[source].entity for source in push.from_}
    if len(entities) > 1:
        yield ("from",), f"mixes {', '.join(sorted(entities))}; a push carries one entity"
    entity = ENTITIES[project.pulls[push.from_[0]].entity]
    cuts = {repr(project.pulls[source].partitions) for source in push.from_}
    if len(cuts) > 1 and len(entities) == 1:
        yield ("from",), f"{', '.join(push.from_)} have different partitions; one run needs the same for all"
    try:
        project.connector(push.to).push(entity.name)
    except ConfigError as error:
        if not project.is_told(push.to):
            yield ("to",), str(error)
    else:
        fixed = project.connector(push.to).fixed(entity.name)
        yield from ((("to",), text) for text in strangers(push, map(project.pulls.__getitem__, push.from_), fixed))
    yield from _readback_faults(project, push, entity)
    yield from _affects_faults(push, entity)
    yield from _only_faults(project, push, entity)
    yield from guard_faults(push.guard, entity, of_push=True)
    if push.on_dead == "skip" and not push.sends_each(entity.deliver):
        yield ("on_dead",), "is for deliver: every; of the latest values alone nothing follows"
    for part, names, allowed in (("only", push.only, entity.fields), ("translate", push.translate, entity.key)):
        for name in names:
            if name not in allowed:
                yield (part, name), f"is not one of {', '.join(allowed)}"


def _readback_faults(project: "Project", push: Push, entity: Entity) -> Iterator[tuple[tuple[str, ...], str]]:
    if not push.readback or "readback" not in push.model_fields_set or project.is_told(push.to):
        return
    connector = project.connector(push.to)
    if entity.name in connector.facts.entities and not connector.reads_back(entity.name):
        yield (
            ("readback",),
            f"is for what can be asked for; {connector.name} cannot be asked for its {entity.name}",
        )


def _affects_faults(push: Push, entity: Entity) -> Iterator[tuple[tuple[str, ...], str]]:
    if push.affected is None:
        return
    other, path = push.affected
    field, _, part = path.partition(".")
    type_ = entity.fields.get(field)
    if not isinstance(type_, ListOf) or part not in type_.item.fields:
        yield ("affects",), f"{path} is no part of a list of {entity.name}"
    elif other not in ENTITIES or part not in ENTITIES[other].key:
        yield ("affects",), f"{other} is no entity with {part} in its key"


def _only_faults(project: "Project", push: Push, entity: Entity) -> Iterator[tuple[tuple[str, ...], str]]:
    """What ``only`` can never let through: nothing of it would ever be sent, and all would be green."""
    for name, values in push.only.items():
        if not values:
            yield ("only", name), "names no value, so nothing would ever be sent; leave it out for all"
        there = _known(project, push, entity, name)
        strange = [value for value in values if there and value not in there]
        if strange:
            yield ("only", name), f"{', '.join(strange)} is never there; there are {', '.join(there)}"


def _known(project: "Project", push: Push, entity: Entity, name: str) -> list[str]:
    """Every value that field ``name`` can have in what ``push`` reads; empty: that cannot be told beforehand."""
    each = [_of_pull(project, project.pulls[source], name) for source in push.from_]
    if all(each):
        return list(dict.fromkeys(value for values in each for value in values))
    return [value for check in entity.checks.get(name, ()) for value in check.arguments.get("allowed_values", ())]


def _of_pull(project: "Project", pull: Pull, name: str) -> list[str]:
    """The same for one pull, of what its file says it is asked for one by one, or its platform has just one of."""
    try:
        connector = project.connector(pull.connection)
        fixed, means = connector.fixed(pull.entity), connector.entity(pull.entity).canonical_map.get(name)
    except ConfigError:
        return []
    if pull.partitions and pull.partitions.by == name and means == FieldMap.model_validate(f"scope.{name}"):
        return pull.scopes
    return [fixed[name]] if name in fixed else []
