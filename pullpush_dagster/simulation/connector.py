"""The connector of a ledger, for any entity: what the engine is told of the platforms it is simulated with."""

from typing import Any

from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.types import DECIMAL, TEXT
from pullpush_dagster.simulation.ledger import TOKEN
from pullpush_dagster.simulation.records import stamp_form
from pullpush_dagster.simulation.traits import Asked, Traits, Way, Written

_MOST_FIELDS = 3
_POSITIONS = {"keyset": "after", "page": "page", "offset": "offset", "next": "cursor"}


def fields_of(entity: Entity) -> list[str]:
    """The fields that are simulated: texts and decimals that may have any value."""
    plain = [name for name in entity.compared if entity.fields[name] in (TEXT, DECIMAL) and name not in entity.checks]
    return sorted(plain, key=lambda name: (entity.fields[name] == TEXT, plain.index(name)))[:_MOST_FIELDS]


def connector(entity: Entity, traits: Traits) -> dict[str, Any]:
    """A connector file's facts."""
    fields = fields_of(entity)
    mapped = {name: f"item.{name}" for name in (*entity.key, *fields)}
    if "updatedAt" in entity.fields:
        mapped["updatedAt"] = "item.modified"
    facts = {
        "pull": _pull(traits.asked), "canonical_map": mapped, "binding": {"id": "item.id"},
        "push": _push(entity, fields, traits.written),
    }  # fmt: skip
    return {
        "connector": "ledger", "title": "Ledger", "docs": "a platform that is a dictionary",
        "base_url": "{settings.base_url}", "settings": ["base_url"], "secrets": ["key"],
        "auth": {"type": "header", "header": "X-Key", "token": "{secret.key}"},
        "errors": {"code": "body.code", "message": "body.error"},
        "limits": {"concurrency": traits.concurrency, "timeout": 30, "attempts": traits.attempts},
        "entities": {entity.name: facts},
    }  # fmt: skip


def _pull(asked: Asked) -> dict[str, Any]:
    position = _POSITIONS.get(asked.pages)
    names = ["since", "until", "size", *([position] if position else [])]
    pages: dict[str, Any] = {"style": asked.pages, "size": asked.size}
    pages |= {"after": "item.id"} if asked.pages == "keyset" else {}
    pages |= {"next": "body.next"} if asked.pages in ("next", "link") else {}
    pages |= {"total": "body.total"} if asked.counted == "pages" else {}
    facts: dict[str, Any] = {
        "get": "/records", "each": "body.records", "query": {name: f"{{{name}}}" for name in names}, "pages": pages,
        "walks": {"all": {"stamp": "item.modified"} if asked.stamped else {}},
    }  # fmt: skip
    if asked.walk != "full":
        facts["since"] = {
            "format": stamp_form(asked.grain), "operator": asked.operator, "grain": asked.grain,
            "overlap": asked.overlap, "sorted": asked.walk == "cursor",
        }  # fmt: skip
    if asked.counted == "request":
        facts["count"] = {"get": "/count", "total": "body.count"}
    return facts


def _push(entity: Entity, fields: list[str], written: Written) -> dict[str, Any]:
    by = entity.key[0]
    writes = {name: f"{{{name}}}" if entity.fields[name] == TEXT else f"{{{name}:text}}" for name in fields}
    keys = {f"key_{name}": f"{{{name}}}" for name in entity.key}
    records = {"create": keys | writes, "update": {"id": "{binding.id}", **writes}, "upsert": keys | writes}
    facts: dict[str, Any] = {
        name: _write(name, way, records[name], keys) for name, way in written.ways.items()
    }  # fmt: skip
    if "update" in facts:
        facts["update"] = [facts["update"]]
    if written.find:
        facts["find"] = {"get": "/find", "query": {"keys": "{keys:text}", "by": by}, "field": by,
                         "match": f"item.{by}", "batch": written.find}  # fmt: skip
    return facts | {
        "create_only": written.create_only, "cleared": dict.fromkeys(fields, ""), "echo": fields,
        "error": "answer.error", "code": "answer.code", "gone": ["gone"], "settle": written.settle,
        "exists": ["exists"] if written.unique else [],
    }  # fmt: skip


def _write(name: str, way: Way, record: dict[str, str], keys: dict[str, str]) -> dict[str, Any]:
    told = keys if way.told == "key" else {}
    facts: dict[str, Any] = {
        "post": f"/{name}",
        "record": record | told,
        "answers": "body.records" if way.batch else "body",
    }
    if way.batch:
        facts |= {"at": "records", "batch": way.batch}
    if way.told == "status":
        facts["answers"] = "status"
    elif way.batch and way.told != "place":
        both = {"sent": [f"record.{one}" for one in keys], "answered": [f"answer.{one}" for one in keys]}
        facts["match"] = "id" if way.told == "id" else both
    if way.failures:
        facts["failures"] = {"at": "body.failures", "index": "answer.place", "error": "answer.error",
                             "code": "answer.code", "atomic": way.failures == "atomic"}  # fmt: skip
    if way.keyed == "request":
        facts["headers"] = {TOKEN: "{idempotency}"}
    if way.keyed == "record":
        facts["record"] |= {"token": "{idempotency}"}
    return facts
