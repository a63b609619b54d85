"""Limits of a guard that nothing can ever break."""

from collections.abc import Iterator

from pullpush_dagster.canonical import Entity
from pullpush_dagster.config.sync import Guard

# A push's guard looks at what would change in what its destination has: nothing is deleted there.
_OF_PULLS = ("deleted", "rows")


def guard_faults(guard: Guard, entity: Entity, *, of_push: bool) -> Iterator[tuple[tuple[str, ...], str]]:
    """Key and text for each limit that ``guard`` sets and that can hold nothing, so that nobody relies on it."""
    counted = {"zeroed": entity.amount, "price": entity.price}
    for name, share in guard.own().items():
        if share is None:
            continue
        if name in counted and counted[name] is None:
            yield ("guard", name), f"holds nothing: {entity.name} has no such field"
        elif of_push and name in _OF_PULLS:
            yield ("guard", name), "holds nothing here: it is for the guard of a pull"
