"""One simulated project: its ledgers, its store in memory, and the engine's own runs on them."""

import contextlib
import datetime as dt
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from pullpush_dagster.audit import audit
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.config import Project, Pull
from pullpush_dagster.dead import dead_letters, replay
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.held import approve, held
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.push import Pusher
from pullpush_dagster.readback import read_back, resend
from pullpush_dagster.simulation.connector import connector
from pullpush_dagster.simulation.kinds import Kind
from pullpush_dagster.simulation.ledger import Ledger
from pullpush_dagster.simulation.memory import MemoryStore
from pullpush_dagster.simulation.network import Network
from pullpush_dagster.simulation.oracle import Oracle, key_of
from pullpush_dagster.simulation.records import Record
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
        self.project, self.clock, self.loop, self.rng, self.points = _own(project), clock, loop, rng, points
        self.traits = kind.traits
        self.story: list[str] = []
        self.drifted = self.alive = 0
        self.strange: set[tuple[str, str]] = set()
        self.oracle = Oracle()
        self.store = MemoryStore(project.state, points)
        self.push = project.push(PUSH)
        self.entity = project.entity_of(self.push)
        self.pulls = [project.pull(id_) for id_ in self.push.from_]
        skews = {name: dt.timedelta(seconds=rng.randint(-300, 300)) for name in project.connections}
        self.ledgers = {name: Ledger(name, clock.now, kind.traits, skew) for name, skew in skews.items()}
        self.sources = [self.ledgers[pull.connection] for pull in self.pulls]
        self.sides = list(zip(self.pulls, self.sources, strict=True))
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
        self.alive += 1
        ended = await Process(self.points, death).run(work)
        self.alive -= 1
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
        """A person lets through whatever the guards hold."""
        for one in held(self.project):
            self.tell(f"{one.hash} is approved: {'; '.join(approve(self.project, one.hash))}")

    async def read_back(self, *, again: bool) -> None:
        """Compare the destination with what it accepted, and have what drifted sent ``again``."""
        found = await read_back(self.project, self.push, self.store, _silent)
        self.drifted = found.drifted + found.gone
        self.tell(f"read back: {found.numbers()} {found.doubt or ''}".rstrip())
        if again:
            self.tell(f"{resend(self.project, self.push, self.store)}")

    def is_readable(self) -> bool:
        """Whether the destination can be asked for what it was sent."""
        return self.project.connector(self.push.to).reads_back(self.entity.name)

    def rule(self, keys: Sequence[Mapping[str, str]], **rules: Any) -> None:
        """The push has other ``rules`` from now on, which are about some of ``keys`` of its sources."""
        each = [(pull, key) for pull in self.pulls for key in keys]
        # A run under way goes by the old rules.
        left = [] if self.alive else self.left()
        queued = {key_of(json.loads(key)) for key, state, _ in left if state in ("due", "waiting")}
        before = [(told := self.told_key(*one), self.lets_in(one[1]), told in queued) for one in each]
        self.push = self.push.model_copy(update=rules)
        vars(self.project)["pushes"] = {PUSH: self.push}
        moved = []
        for (pull, key), (told, was_in, was_queued) in zip(each, before, strict=True):
            now = self.told_key(pull, key)
            if now != told:
                moved.append((told, now))
            # What is queued goes where the key is by now.
            if self.lets_in(key) and not (was_in and (now == told or was_queued)):
                self.strange.add((pull.id, key_of(key)))
        self.oracle.moved(moved)

    def lets_in(self, key: Mapping[str, str]) -> bool:
        """Whether a source's key is the push's business."""
        rules = (*self.push.only.items(), *self.push.translate.items())
        return all(key[name] in values for name, values in rules)

    def everything(self) -> list[tuple[Pull, Ledger, Record]]:
        """Every record of every source."""
        return [(pull, source, record) for pull, source in self.sides for record in source.records.values()]

    def is_strange(self, pull: Pull, record: Record) -> bool:
        """Whether the push brings just what changes from now on, as its rules were others before."""
        return (pull.id, key_of(record.key)) in self.strange

    def blamed(self) -> list[str]:
        """Keys that were given up since our credentials were refused, in words."""
        return [
            f"promise 1: {key} is given up: {reason}"
            for key, state, reason in self.left()
            if state == "dead" and any(f"refused with {status}" in reason for status in (401, 402))
        ]

    def is_held(self) -> bool:
        """Whether a guard holds something."""
        return bool(held(self.project))

    def waiting(self) -> list[dict[str, str]]:
        """Keys of which the destination has no item."""
        return [json.loads(key) for key, state, _ in self.left() if state == "waiting"]

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
        """A person gives dead letters another chance; what is unconfirmed only after having ``looked`` for it there.

        What is another key by now, and may be there under the one of before, is taken away there first.
        """
        letters = dead_letters(self.project)
        for one in letters:
            if one.cause == "no answer" and one.reason == "it is another key by now":
                self.destination.forget(json.loads(one.key))
        groups = {one.group for one in letters if one.cause != "unconfirmed"}
        if looked:
            groups |= {one.names[0] for one in letters if one.cause == "unconfirmed" and not self.has(one.key)}
        for what in sorted(groups):
            self.tell(f"{what} is replayed: {replay(self.project, what)}")

    def has(self, key: str) -> bool:
        """Whether the destination has a record of ``key``, JSON."""
        return self.destination.has(json.loads(key))

    def known(self, pull: Pull, field: str) -> int:
        """How many keys of a source have a known ``field`` by now."""
        with self.store.session() as con:
            ensure_tables(con, self.entity)
            sql = f'SELECT count("{field}") FROM "baseline_{self.entity.name}" WHERE _connection = ? AND NOT _deleted'
            ((found,),) = con.execute(sql, [pull.connection]).fetchall()
        return int(found)

    def wanted(self) -> dict[str, Any]:
        """Key of the destination -> the record that its source has now."""
        each = ((pull, record) for pull, _, record in self.everything() if self.lets_in(record.key))
        return {self.told_key(pull, record.key): record for pull, record in each}

    def destination_key(self, pull: Pull, key: Mapping[str, str]) -> dict[str, str]:
        """What a source's key is at the destination."""
        before = f"{pull.connection}:" if self.entity.prefixed else ""
        tables = self.push.translate
        return {name: before + tables.get(name, {}).get(value, value) for name, value in key.items()}

    def told_key(self, pull: Pull, key: Mapping[str, str]) -> str:
        """The same, as one text."""
        return key_of(self.destination_key(pull, key))


def _own(project: Project) -> Project:
    """The same, which may change without it."""
    copy = replace(project)
    vars(copy).update(vars(project))
    return copy


def _silent(_: str) -> None:
    return
