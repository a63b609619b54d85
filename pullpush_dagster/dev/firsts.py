"""How far the first run of every live sync is, from the store."""

from dataclasses import dataclass

from pullpush_dagster.config import Project
from pullpush_dagster.store import Store
from pullpush_dagster.store.overview import OutboxCounts, begun, outbox_counts


@dataclass(frozen=True)
class First:
    """One sync. ``done``: it has read every log, and nothing of it is still to be sent."""

    push: str
    done: bool
    counts: OutboxCounts

    def told(self) -> str:
        """What its first run came to, in a few words."""
        numbers = [f"{count:,} {word}" for word, count in self.counts.numbers().items() if count]
        return f"{self.push}: {', '.join(numbers) or 'nothing to send'}"


def first_syncs(project: Project) -> list[First]:
    """Every live sync, in the order of the files."""
    live = [push for push in project.pushes.values() if push.mode == "live"]
    with Store.of(project.state).session() as con:
        read = begun(con)
        counts = {push.name: outbox_counts(con, push.name, push.from_) for push in live}
    return [
        First(
            push.name,
            all((push.name, id_) in read for id_ in push.from_) and not counts[push.name].due,
            counts[push.name],
        )
        for push in live
    ]
