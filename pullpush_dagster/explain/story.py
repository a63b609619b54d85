"""The whole story of one key: pulled, read, compared, queued, sent, answered; or which gate stopped it."""

from typing import Any

import duckdb
import orjson

from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.changes.affected import AT_ONCE
from pullpush_dagster.changes.arriving import overlay, routing, state_of
from pullpush_dagster.config import Project, Pull, Push
from pullpush_dagster.explain.gates import BROKE_OFF, FAILED, Story, Way, in_short, not_known, not_sent
from pullpush_dagster.store import Store, named_sql
from pullpush_dagster.store.sql import quoted, used
from pullpush_dagster.telling import parsed
from pullpush_dagster.transport.moving import elsewhere, is_moved

_SQL = named_sql(__package__, "explain.sql")
_BY_PULL = {
    FAILED: "failed",
    "pulled": "pulled",
    "quarantined": "quarantined",
    "last accepted state of the source": "accepted_state",
    "held by a guard": "held",
    "changes": "changed",
}
_BY_PUSH = {
    BROKE_OFF: "push_failed",
    "to be sent again": "again",
    "to be sent": "to_be_sent",
    "after it": "behind",
    "sent": "sent",
    "the destination has": "destination_has",
    "drifted there": "drifted",
}
# Kept as JSON text.
_JSON = ("key", "id", "before", "after", "desired", "fields", "sent", "answer", "accepted", "there")


def explain(project: Project, push: Push, key: str) -> Story:
    """Stage -> rows that name ``key`` (the text of a key field, such as a SKU), a log's newest first and at most 5.

    The first stage, "in short", says of each key what it all comes to. Where destination keys bear their source
    (``shop:101``), both that and the source's own key (``101``, of every source) are understood; rows of a source say
    which it is, where there are several. A canonical field that is null is unknown; any other column that has nothing
    to say is left out.

    An empty list: that stage knows nothing of it.
    """
    with Store.of(project.state).session() as con:
        return _Asking(con, project, push, key).story()


class _Asking:
    def __init__(self, con: duckdb.DuckDBPyConnection, project: Project, push: Push, key: str) -> None:
        self.con, self.project, self.push = con, project, push
        self.entity = project.entity_of(push)
        self.own, self.theirs = _keys(project, push, key)
        self.keys: list[str] = []  # at the destination, which may call it otherwise
        self.sources: list[str] = []
        self._names = _names(self.entity, push)
        ensure_tables(con, self.entity)
        overlay(con)

    def story(self) -> Story:
        told: Story = {"in short": []}
        for stage, step in _BY_PULL.items():
            told[stage] = [row for id_, text in self.own.items() for row in self._of_pull(step, id_, text)]
        ways = [way for id_, text in self.own.items() for way in self._ways(id_, text)]
        ours = [way for way in ways if way.concerns is not False]
        self.keys, self.sources = [way.key for way in ours], [f"{way.pull} {way.source}" for way in ours]
        for stage, step in _BY_PUSH.items():
            told[stage] = [self._told(row) for row in self._ask(step, "", None) if self._holds(row, self.push.to)]
        short = in_short(self.push, told, ways) or [{"is": self._nothing()}]
        told["in short"] = [*short, *not_known(told, ways), *not_sent(self.push, told)]
        return told

    def _of_pull(self, step: str, id_: str, text: str) -> list[dict[str, Any]]:
        several = {"from": id_} if len(self.push.from_) > 1 else {}
        pull = self.project.pull(id_)
        return [several | self._told(row) for row in self._ask(step, text, pull) if self._holds(row, pull.connection)]

    def _holds(self, row: dict[str, Any], connection: str) -> bool:
        """Whether ``row`` is so still: that a run was stopped for an address is over once somebody has seen to that."""
        if not is_moved(row.get("reason") or ""):
            return True
        return bool(elsewhere(self.con, self.project.connection(connection), self.project.connector(connection)))

    def _ways(self, id_: str, text: str) -> list[Way]:
        pull = self.project.pull(id_)
        ((_, position),) = self._rows("reading", text, pull)
        return [Way(id_, source, key, concerns, position) for source, key, concerns in self._rows("ways", text, pull)]

    def _nothing(self) -> str:
        """Why nothing is known of it."""
        for id_, text in self.own.items():
            pull = self.project.pull(id_)
            ((pulled, _),) = self._rows("reading", text, pull)
            if pulled is None:
                return f"{id_} was never pulled"
            alike = [other for (other,) in self._rows("alike", text, pull)]
            if alike:
                return f"{id_} has no {text}, but {', '.join(alike)}"
        first, *rest = next(iter(self.own.values())).split()[:2] or [""]
        hint = f"; ask for one part of a key, such as {first}" if rest and len(self.entity.key) > 1 else ""
        return "; ".join(f"{id_} never had {text}" for id_, text in self.own.items()) + hint

    def _rows(self, step: str, text: str, pull: Pull) -> list[tuple[Any, ...]]:
        return self._asked(step, text, pull).fetchall()

    def _ask(self, step: str, text: str, pull: Pull | None) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._asked(step, text, pull).to_arrow_table().to_pylist()
        return rows

    def _asked(self, step: str, text: str, pull: Pull | None) -> duckdb.DuckDBPyConnection:
        values = {
            "push": self.push.name, "to": self.push.to, "entity": self.entity.name, "own": text,
            "key": orjson.dumps(text).decode(), "connection": pull and pull.connection, "name": pull and pull.name,
            "theirs": [orjson.dumps(one).decode() for one in self.theirs], "keys": self.keys,
            "sources": self.sources, "at_once": AT_ONCE, "scopes": pull.places if pull else [""],
        }  # fmt: skip
        sql = _SQL[step].format_map(self._names)
        return self.con.execute(sql, used(sql, values))

    def _told(self, row: dict[str, Any]) -> dict[str, Any]:
        return {name: v for name, v in parsed(row, *_JSON).items() if v is not None or name in self.entity.fields}


def _names(entity: Entity, push: Push) -> dict[str, str]:
    key, names = [quoted(name) for name in entity.key], routing(entity, push)
    key_is = f"$own IN ({', '.join(key)})"
    rows = f"(SELECT * REPLACE (false AS _deleted) FROM {names['baseline']} WHERE {key_is})"
    return {
        **names,
        "canonical": quoted(f"canonical_{entity.name}"),
        "fields": ", ".join(quoted(name) for name in entity.fields),
        "key_is": key_is,
        "of_key": "(list_contains($keys, key) OR list_bool_or([contains(key, one) for one in $theirs]))",
        "key_texts": ", ".join(key),
        "same_key": " AND ".join(f"b.{name} = s.{name}" for name in key),
        "moved": " OR ".join(
            f"(s.{name} IS NOT NULL AND s.{name} IS DISTINCT FROM b.{name})" for name in map(quoted, entity.compared)
        ),
        "state": state_of(names, rows),
    }


def _keys(project: Project, push: Push, key: str) -> tuple[dict[str, str], list[str]]:
    """What ``key`` is called in each pull of ``push``, and at its destination."""
    if not project.entity_of(push).prefixed:
        return dict.fromkeys(push.from_, key), [key]
    connections = {id_: project.pull(id_).connection for id_ in push.from_}
    source, _, rest = key.partition(":")
    if rest and source in connections.values():
        return {id_: rest for id_, connection in connections.items() if connection == source}, [key]
    # It may bear the name of a source that the push no longer reads, and its destination has it still.
    return dict.fromkeys(push.from_, key), [key, *(f"{connection}:{key}" for connection in connections.values())]
