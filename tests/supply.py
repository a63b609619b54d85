"""The smallest whole project: a warehouse that gives products and their stock, and a shop that takes both."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from starlette.responses import JSONResponse, Response

from pullpush_dagster.config import Project
from tests.served import Reply, Seen

PAGE = 20
_PUSH = {
    "find": {"get": "/shop/items", "query": {"sku": "{keys:text}"}, "field": "sku", "match": "item.sku", "batch": 100},
    "batch": 100,
    "settle": 0.01,
}


def _entity(path: str, fields: Mapping[str, str], **push: Any) -> dict[str, Any]:
    """Records of one entity, by page, in order of id."""
    record = {name: f"{{{name}}}" for name in push.pop("sent")}
    update = {"post": path, "at": "update", "record": {"id": "{binding.id}", **record}, "answers": "body.update"}
    return {
        "pull": {
            "get": path,
            "query": {"page": "{page}", "size": "{size}", "since": "{since}", "until": "{until}"},
            "pages": {"style": "page", "size": PAGE, "total": "header.x-total"},
            "since": {"format": "%Y-%m-%dT%H:%M:%S", "operator": "from"},
            "walks": {"all": {"stamp": "item.changed"}},
        },
        "canonical_map": {name: f"item.{native}" for name, native in fields.items()},
        "push": {**_PUSH, "update": [update], **push},
    }


_PRODUCT = {"title": "title", "price": "price", "currency": "currency"}
_CONNECTOR = {
    "connector": "supply",
    "title": "Supply",
    "docs": "a platform that only tests know",
    "base_url": "{settings.base_url}",
    "settings": ["base_url"],
    "secrets": ["key"],
    "auth": {"type": "bearer", "token": "{secret.key}"},
    "limits": {"attempts": 1},
    "entities": {
        "product": {
            **_entity(
                "/products",
                {"sku": "sku", **_PRODUCT, "updatedAt": "changed"},
                sent=_PRODUCT,
                cleared=dict.fromkeys(_PRODUCT),
                create={"post": "/products", "at": "create", "answers": "body.create",
                        "record": {"sku": "{sku}", **{name: f"{{{name}}}" for name in _PRODUCT}}},
            ),
            "binding": {"id": "item.id"},
        },
        "stocklevel": {
            **_entity(
                "/stock",
                {"sku": "sku", "locationId": "loc", "quantity": "q", "updatedAt": "changed"},
                sent=["quantity"],
                cleared={"quantity": None},
            ),
            "binding": {"id": "item.id", "shares": "product"},
        },
    },
}  # fmt: skip


def make_supply(root: Path, url: str) -> Project:
    """A project in ``root`` with two syncs, ``product_to_shop`` and ``stocklevel_to_shop``; secret in SUPPLY_KEY."""
    connectors = root / "resources" / "connectors"
    connectors.mkdir(parents=True)
    (connectors / "supply.yaml").write_text(yaml.safe_dump(_CONNECTOR, sort_keys=False), encoding="utf-8")
    for name in ("erp", "shop"):
        given = {"connection": name, "connector": "supply", "settings": {"base_url": url}}
        (root / "resources" / f"{name}.yaml").write_text(yaml.safe_dump({**given, "secrets": {"key": "SUPPLY_KEY"}}))
    documents = []
    for entity in ("product", "stocklevel"):
        pull = {"connection": "erp", "entity": entity}
        push = {"name": f"{entity}_to_shop", "from": f"erp/{entity}", "to": "shop", "mode": "live"}
        documents += [{"type": "pullpush_dagster.Pull", "attributes": pull},
                      {"type": "pullpush_dagster.Push", "attributes": push}]  # fmt: skip
    (root / "assets").mkdir()
    (root / "assets" / "defs.yaml").write_text(yaml.safe_dump_all(documents), encoding="utf-8")
    return Project(root, root / "data")


@dataclass
class Supply:
    """Both platforms behind one server. ``fault`` may turn the answer to each request for records into another one.

    Attributes:
        records: what the warehouse has, by path. items: what the shop has, by id.
        writes: every record that was sent to the shop.
    """

    records: dict[str, list[dict[str, Any]]]
    fault: Callable[[list[dict[str, Any]], int], Reply | list[dict[str, Any]]] | None = None
    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, seen: Seen) -> Reply:
        if seen.path == "/shop/items":
            wanted = seen.query["sku"].split(",")
            return JSONResponse([{"id": id_, **item} for id_, item in self.items.items() if item["sku"] in wanted])
        if seen.method == "POST":
            ((step, records),) = json.loads(seen.body).items()
            return JSONResponse({step: [self._written(dict(record)) for record in records]})
        return self._page(self.records[seen.path], int(seen.query["page"]))

    def _page(self, records: list[dict[str, Any]], number: int) -> Reply:
        page = records[(number - 1) * PAGE : number * PAGE]
        given = self.fault(page, number) if self.fault else page
        if not isinstance(given, list):
            return given
        return Response(json.dumps(given), headers={"x-total": str(len(records))}, media_type="application/json")

    def _written(self, record: dict[str, Any]) -> dict[str, Any]:
        self.writes.append(record)
        id_ = record.pop("id", None) or f"n{len(self.items)}"
        self.items.setdefault(id_, {}).update(record)
        return {"id": id_, **record}
