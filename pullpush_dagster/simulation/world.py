"""One simulated project: its ledgers, its store in memory, and the engine's own runs on them."""

import contextlib
import datetime as dt
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from pullpush_dagster.audit import approve, audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.config import Project, Pull
from pullpush_dagster.dead import dead_letters, replay
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.push import Pusher
from pullpush_dagster.simulation.connector import connector
from pullpush_dagster.simulation.kinds import Kind
from pullpush_dagster.simulation.ledger import Ledger
from pullpush_dagster.simulation.memory import MemoryStore
from pullpush_dagster.simulation.network import Network
from pullpush_dagster.simulation.oracle import Oracle, key_of
from pullpush_dagster.simulation.running import Clock, Death, Loop, Points, Process
from pullpush_dagster.transport.clock import Instant, told_by
from pullpush_dagster.transport.sockets import carried_by

PUSH = "simulated"
_SECRET = "SIMULATED_KEY"  # noqa: S105 - a variable's name


def written(kind: Kind, folder: Path) -> Project:
    """The files of a project of this kind, in ``folder``, which is made anew."""
    shutil.rmtree(folder, ignore_errors=True)
    sources = [f"source{number}" for number in range(1, kind.sources + 1)]
    (folder / "resources" / "connectors").mkdir(parents=True)
    (folder / "assets").mkdir()
    facts = connector(ENTITIES[kind.entity], kind.traits)
    (folder / "resources" / "connectors" / "ledger.yaml").write_text(yaml.safe_dump(facts), encoding="utf-8")
    for name in (*sources, "destination"):
        said = {"connection": name, "connector": "ledger", "settings": {"base_url": f"https://{name}"},
                "secrets": {"key": _SECRET}}  # fmt: skip
        (folder / "resources" / f"{name}.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    days = {} if kind.traits.asked.walk == "full" else {"partitions": {"by": "day", "start": "2025-12-01"}}
    declared = [
        {"type": "pullpush_dagster.Pull", "attributes": {"connection": n, "entity": kind.entity, **days}}
        for n in sources
    ]
    push = {"name": PUSH, "from": [f"{n}/{kind.entity}" for n in sources], "to": "destination", "mode": "live"}
    declared.append({"type": "pullpush_dagster.Push", "attributes": {**push, **dict(kind.options)}})
    (folder / "assets" / "defs.yaml").write_text(yaml.safe_dump_all(declared), encoding="utf-8")
    os.environ.setdefault(_SECRET, "simulated")
    return Project(folder, folder / "data")


class World:
    """What one history happens in. Its runs are those that Dagster's ops make, step by step."""

    def __init__(
        self, project: Project, kind: Kind, clock: Clock, loop: Loop, rng: random.Random, points: Points
    ) -> None:
        self.project, self.clock, self.loop, self.rng, self.points = project, clock, loop, rng, points
        self.traits = kind.traits
        self.story: list[str] = []
        self.oracle = Oracle()
        self.store = MemoryStore(project.state, points)
        self.push = project.push(PUSH)
        self.entity = project.entity_of(self.push)
        self.pulls = [project.pull(id_) for id_ in self.push.from_]
        skews = {name: dt.timedelta(seconds=rng.randint(-300, 300)) for name in project.connections}
        self.ledgers = {name: Ledger(name, clock.now, kind.traits, skew) for name, skew in skews.items()}
        self.sources = [self.ledgers[pull.connection] for pull in self.pulls]
        self.destination = self.ledgers["destination"]
        self.destination.taken = lambda key, values: self.oracle.taken(key_of(key), values)
        self.network = Network(dict(self.ledgers), points, self.tell, loop)

    def tell(self, line: str) -> None:
        """Add a line to the story."""
        self.story.append(f"{self.clock.seconds:10.2f}  {line}")

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """While it is open, the engine speaks to these ledgers."""
        try:
            with carried_by(self.network.transport), told_by(self._instant):
                yield
        finally:
            self.store.close()

    def _instant(self) -> Instant:
        return Instant(b"a simulated boot", self.clock.seconds, self.clock.now().timestamp())

    async def process(self, name: str, work: Callable[[], Any], death: Death | None = None) -> bool:
        """Whether ``work`` went well in a process of its own, which may have its ``death`` on the way."""
        self.tell(f"[{name}] begins")
        ended = await Process(self.points, death).run(work)
        if isinstance(ended, ConfigError):
            raise ended  # of a file that nobody but the simulator wrote
        how = "" if ended is None else f": {type(ended).__name__}: {ended}"
        self.tell(f"[{name}] ends{how}")
        return ended is None

    async def pull(self, pull: Pull, window: Window) -> None:
        """Ask, read and compare."""
        await pull_records(self.project, self.store, pull, window, _silent)
        read_pulls(self.project, self.store, pull, "")
        self.compare(pull)

    def compare(self, pull: Pull) -> None:
        """Audit what was read."""
        with self.store.session() as con:
            found = audit(con, self.entity, pull.connection, pull.name, "", pull.guard.own())
        self.tell(f"{pull.id}: {found.state}, {found.changes} changes {'; '.join(found.reasons)}".rstrip())

    async def send(self, patience: float) -> None:
        """Read the change log and send what is due."""
        pusher = Pusher(self.project, self.push, self.store, patience=patience)
        for arrival in pusher.arrive():
            self.tell(f"{arrival.changes} changes arrive {'; '.join(arrival.held)}".rstrip())
        totals = await pusher.send(_silent)
        self.tell(f"sent: {sorted(totals.counted().items())}")

    def approve(self) -> None:
        """A person lets through whatever the pulls' guards hold."""
        with self.store.session() as con:
            held = con.execute("SELECT audit, connection FROM audits WHERE state = 'held' ORDER BY audit").fetchall()
            for number, connection in held:
                pull = next(one for one in self.pulls if one.connection == connection)
                approve(con, self.entity, connection, pull.name, "", pull.guard.own(), number)
                self.tell(f"{pull.id}: change set of audit {number} is approved")

    def left(self) -> list[tuple[Any, ...]]:
        """What the outbox still holds; what a person found to be there, though nobody was told so, is none of it."""
        with self.store.session() as con:
            rows = con.execute("SELECT key, state, reason FROM outbox ORDER BY key").fetchall()
        return [row for row in rows if not (row[1] == "unconfirmed" and self.has(row[0]))]

    def unconfirmed(self) -> set[str]:
        """Keys of the destination that are left to a person."""
        with self.store.session() as con:
            rows = con.execute("SELECT key FROM outbox WHERE state = 'unconfirmed'").fetchall()
        return {key_of(json.loads(key)) for (key,) in rows}

    def replay(self, *, looked: bool) -> None:
        """A person gives dead letters another chance; what is unconfirmed only after having ``looked`` for it there."""
        groups = {one.group for one in dead_letters(self.project) if one.cause != "unconfirmed"}
        if looked:
            groups |= {
                one.names[0]
                for one in dead_letters(self.project)
                if one.cause == "unconfirmed" and not self.has(one.key)
            }
        for what in sorted(groups):
            self.tell(f"{what} is replayed: {replay(self.project, what)}")

    def has(self, key: str) -> bool:
        """Whether the destination has a record of ``key``, JSON."""
        return any(dict(one.key) == json.loads(key) for one in self.destination.records.values())

    def known(self, pull: Pull, field: str) -> int:
        """How many keys of a source have a known ``field`` by now."""
        with self.store.session() as con:
            ensure_tables(con, self.entity)
            sql = f'SELECT count("{field}") FROM "baseline_{self.entity.name}" WHERE _connection = ? AND NOT _deleted'
            ((found,),) = con.execute(sql, [pull.connection]).fetchall()
        return int(found)

    def wanted(self) -> dict[str, Any]:
        """Key of the destination -> the record that its source has now."""
        found = {}
        for pull, source in zip(self.pulls, self.sources, strict=True):
            for record in source.records.values():
                found[self.told_key(pull, record.key)] = record
        return found

    def destination_key(self, pull: Pull, key: Mapping[str, str]) -> dict[str, str]:
        """What a source's key is at the destination."""
        before = f"{pull.connection}:" if self.entity.prefixed else ""
        return {name: before + value for name, value in key.items()}

    def told_key(self, pull: Pull, key: Mapping[str, str]) -> str:
        """The same, as one text."""
        return key_of(self.destination_key(pull, key))


def _silent(_: str) -> None:
    return
