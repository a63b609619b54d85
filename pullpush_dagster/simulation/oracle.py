"""What must hold of a destination, from what its sources ever said: the promises, as a dictionary knows them."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pullpush_dagster.simulation.ledger import Ledger
from pullpush_dagster.simulation.records import Record

Key = str


@dataclass
class Oracle:
    """Every value that a source ever had, per key of the destination and field, oldest first.

    Attributes:
        broken: what was found to be wrong, in words; empty: nothing.
    """

    said: dict[tuple[Key, str], list[Any]] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    _reached: dict[tuple[Key, str], int] = field(default_factory=dict)

    def edited(self, key: Key, values: Mapping[str, Any]) -> None:
        """A source has ``values`` under ``key`` from now on, be they new or those of a backup; None: emptied."""
        for name, value in values.items():
            self.said.setdefault((key, name), []).append("" if value is None else value)

    def moved(self, ways: Sequence[tuple[Key, Key]]) -> None:
        """What was said under a key, and is still queued, goes to others from now on: (old key, new one)."""
        before = dict(self.said)
        for old, new in ways:
            for name in {name for key, name in before if key == old}:
                self.said[new, name] = [*self.said.get((new, name), []), *before[old, name]]

    def taken(self, key: Key, values: Mapping[str, Any]) -> None:
        """The destination takes ``values``: each must be one that was said, and none older than what it has."""
        for name, value in values.items():
            said = self.said.get((key, name), [])
            reached = self._reached.get((key, name), 0)
            place = next((at for at in range(reached, len(said)) if _same(said[at], value)), None)
            if place is not None:
                self._reached[key, name] = place
            elif any(_same(one, value) for one in said):
                self.broken.append(f"promise 2: {key} {name} goes back to {value!r} from {said[reached]!r}")
            else:
                self.broken.append(f"promise 3 or 5: {key} {name} is sent as {value!r}, which no source ever said")

    def settled(self, sources: Mapping[str, Record], destination: Ledger, unconfirmed: Container[Key] = ()) -> None:
        """Now that all is quiet: every key is there once, with every value that its source has.

        Args:
            sources: key of the destination -> the record that its source has.
            unconfirmed: keys that are left to a person, who may not be there yet: no more than once is promised.
        """
        once = destination.traits.written.create_only
        there: dict[Key, list[Record]] = {}
        for record in destination.records.values():
            there.setdefault(key_of(record.key), []).append(record)
        for key, record in sources.items():
            found = there.get(key, [])
            if len(found) > 1:
                self.broken.append(f"promise 4: {key} is there {len(found)} times")
            if not found and record.values and key not in unconfirmed:
                self.broken.append(f"promise 1: {key} is not there")
            for name, value in record.values.items() if found and not once and key not in unconfirmed else ():
                has = found[0].values.get(name, "nothing")
                if not _same("" if value is None else value, "" if has is None else has):
                    self.broken.append(f"promise 1: {key} {name} is {has!r}, and {value!r} at its source")


def key_of(key: Mapping[str, str]) -> Key:
    """A key as one text."""
    return "/".join(key[name] for name in sorted(key, reverse=True))


def _same(one: Any, other: Any) -> bool:
    try:
        return bool(float(one) == float(other))
    except (TypeError, ValueError):
        return bool(one == other)
