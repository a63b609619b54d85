"""The connector of a ledger, for any entity: what the engine is told of the platforms it is simulated with."""

from typing import Any

from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.types import DECIMAL, TEXT
from pullpush_dagster.simulation.ledger import STAMP

SETTLE = 90.0
OVERLAP = 300.0
_MOST_FIELDS = 3


def fields_of(entity: Entity) -> list[str]:
    """The fields that are simulated: texts and decimals that may have any value."""
    plain = [name for name in entity.compared if entity.fields[name] in (TEXT, DECIMAL) and name not in entity.checks]
    return sorted(plain, key=lambda name: (entity.fields[name] == TEXT, plain.index(name)))[:_MOST_FIELDS]


def connector(entity: Entity) -> dict[str, Any]:
    """A connector file's facts."""
    key, fields = entity.key, fields_of(entity)
    writes = {name: _said(entity, name) for name in fields}
    listing = {name: f"{{{name}}}" for name in ("since", "until", "after", "size")}
    push = {
        "find": {"get": "/find", "query": {"keys": "{keys:text}", "by": key[0]}, "field": key[0],
                 "match": f"item.{key[0]}", "batch": 5},
        "create": {"post": "/records", "at": "create", "record": {**{f"key_{n}": f"{{{n}}}" for n in key}, **writes},
                   "answers": "body.create"},
        "update": [{"post": "/records", "at": "update", "record": {"id": "{binding.id}", **writes},
                    "answers": "body.update", "match": "id"}],
        "batch": 4, "cleared": dict.fromkeys(fields, ""), "echo": fields,
        "error": "answer.error", "code": "answer.code", "gone": ["gone"], "exists": ["exists"], "settle": SETTLE,
    }  # fmt: skip
    pull = {
        "get": "/records", "query": listing, "walks": {"all": {"stamp": "item.modified"}},
        "since": {"format": STAMP, "operator": "from", "overlap": OVERLAP},
        "pages": {"style": "keyset", "after": "item.id", "size": 5},
        "count": {"get": "/count", "total": "body.count"},
    }  # fmt: skip
    mapped = {name: f"item.{name}" for name in (*key, *fields)} | {"updatedAt": "item.modified"}
    facts = {"pull": pull, "canonical_map": mapped, "binding": {"id": "item.id"}, "push": push}
    return {
        "connector": "ledger", "title": "Ledger", "docs": "a platform that is a dictionary",
        "base_url": "{settings.base_url}", "settings": ["base_url"], "secrets": ["key"],
        "auth": {"type": "header", "header": "X-Key", "token": "{secret.key}"},
        "limits": {"concurrency": 8, "timeout": 30}, "entities": {entity.name: facts},
    }  # fmt: skip


def _said(entity: Entity, name: str) -> str:
    return f"{{{name}}}" if entity.fields[name] == TEXT else f"{{{name}:text}}"
