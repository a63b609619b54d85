"""What may be simulated: an entity, how many sources it has, the push's options, and its platforms' traits."""

from dataclasses import dataclass
from typing import Any

from pullpush_dagster.config import Project, Push
from pullpush_dagster.connectors.model import ConnectorFile
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.simulation.traits import PLAIN, Asked, Traits, Way, Written, traits_of


@dataclass(frozen=True)
class Kind:
    """What is simulated: a push of ``entity`` from so many sources, on ledgers with these traits.

    ``options``: the push's own.
    """

    entity: str
    sources: int = 1
    options: tuple[tuple[str, Any], ...] = ()
    traits: Traits = PLAIN

    @classmethod
    def of(cls, project: Project, push: Push) -> "Kind":
        """A declared sync's kind. Its ``only``, ``translate`` and ``affects`` are not simulated."""
        given = {name: getattr(push, name) for name in ("deliver", "on_dead", "lanes") if name in push.model_fields_set}
        return cls(project.entity_of(push).name, len(push.from_), tuple(sorted(given.items())))


_ALONE = Way(batch=0)
KINDS = (
    Kind("product", options=(("lanes", 1),)),
    Kind("stocklevel", traits=Traits(
        Asked(pages="page", counted="pages"), Written(find=0, create=None, update=None, upsert=Way(told="key")))),
    Kind("order"),
    Kind("contact", traits=Traits(
        Asked(operator="after", pages="offset", counted="pages"),
        Written(find=1, create=_ALONE, update=Way(told="key"), unique=False))),
    Kind("call", options=(("on_dead", "skip"),), traits=Traits(
        Asked("window", pages="next", counted=""), Written(update=Way(told="status", failures="atomic")))),
    Kind("stocklevel", traits=Traits(Asked("full", stamped=False), Written(create=None))),
    Kind("product", options=(("deliver", "every"),)),
    Kind("contact", traits=Traits(written=Written(find=0, unique=False))),
    Kind("call", sources=2, traits=Traits(
        Asked(grain=86_400.0, overlap=86_400.0, counted=""), Written(unique=False, create_only=True, update=None))),
    Kind("product", traits=Traits(written=Written(create=Way(keyed="record"), unique=False), concurrency=2)),
    Kind("product", traits=Traits(written=Written(find=0, create=Way(keyed="record"), unique=False))),
    Kind("contact", traits=Traits(written=Written(find=0, create=Way(keyed="request"), unique=False))),
)  # fmt: skip


def kinds_of(facts: ConnectorFile) -> tuple[Kind, ...]:
    """One for each entity that a connector can be sent; if there is none, for each that it can be asked for.

    Raises:
        ConfigError: it can neither.
    """
    pushed = [name for name, one in facts.entities.items() if one.push]
    names = pushed or [name for name, one in facts.entities.items() if one.pull]
    if not names:
        raise ConfigError(f"{facts.connector} has no entity of its own; simulate a sync that uses it")
    return tuple(Kind(name, traits=traits_of(facts.entities[name], facts.limits)) for name in names)
