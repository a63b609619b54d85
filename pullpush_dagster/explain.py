"""The whole story of one key: pulled, read, compared, queued, sent, answered; or which gate stopped it."""

from typing import Any

import orjson

from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.config import Project, Pull, Push
from pullpush_dagster.store import Store, named_sql
from pullpush_dagster.store.sql import quoted, used

_SQL = named_sql(__package__, "explain.sql")
_BY_PULL = {
    "pulled": "pulled",
    "quarantined": "quarantined",
    "last accepted state of the source": "accepted_state",
    "held by the guard": "held",
    "changes": "changed",
}
_BY_PUSH = {
    "to be sent": "to_be_sent",
    "after it": "behind",
    "sent": "sent",
    "the destination has": "destination_has",
    "drifted there": "drifted",
}


def explain(project: Project, push: Push, key: str) -> dict[str, list[dict[str, Any]]]:
    """Stage -> rows that name ``key`` (the text of a key field, such as a SKU), newest first, at most 5 of a log.

    Where destination keys bear their source (``shop:101``), both that and the source's own key (``101``, of every
    source) are understood. A canonical field that is null is unknown; any other column that has nothing to say is
    left out.

    An empty list: that stage knows nothing of it.
    """
    story: dict[str, list[dict[str, Any]]] = {}
    entity = project.entity_of(push)
    own, theirs = _keys(project, push, key)
    with Store.of(project.state).session() as con:
        ensure_tables(con, entity)

        def ask(step: str, text: str, pull: Pull | None) -> list[dict[str, Any]]:
            sql = _SQL[step].format_map(_names(project, push))
            values = {
                "push": push.name, "to": push.to, "entity": entity.name, "own": text,
                "key": orjson.dumps(text).decode(), "connection": pull and pull.connection, "name": pull and pull.name,
            }  # fmt: skip
            rows = con.execute(sql, used(sql, values)).to_arrow_table().to_pylist()
            return [{name: v for name, v in row.items() if v is not None or name in entity.fields} for row in rows]

        for stage, step in _BY_PULL.items():
            story[stage] = [row for id_, text in own.items() for row in ask(step, text, project.pull(id_))]
        for stage, step in _BY_PUSH.items():
            story[stage] = [row for text in theirs for row in ask(step, text, None)]
    return story


def _keys(project: Project, push: Push, key: str) -> tuple[dict[str, str], list[str]]:
    """What ``key`` is called in each pull of ``push``, and at its destination."""
    if not project.entity_of(push).prefixed:
        return dict.fromkeys(push.from_, key), [key]
    connections = {id_: project.pull(id_).connection for id_ in push.from_}
    source, _, rest = key.partition(":")
    if rest and source in connections.values():
        return {id_: rest for id_, connection in connections.items() if connection == source}, [key]
    return dict.fromkeys(push.from_, key), [f"{connection}:{key}" for connection in connections.values()]


def _names(project: Project, push: Push) -> dict[str, str]:
    entity = project.entity_of(push)
    return {
        "canonical": quoted(f"canonical_{entity.name}"),
        "baseline": quoted(f"baseline_{entity.name}"),
        "fields": ", ".join(quoted(name) for name in entity.fields),
        "key_is": f"$own IN ({', '.join(quoted(name) for name in entity.key)})",
    }
