"""A tiny platform that holds items under their SKU, and whole pushes to it."""

import asyncio
import json

import pytest
import yaml
from starlette.responses import JSONResponse

from pullpush_dagster.config import Project
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.push import Pusher

PUSH = {
    "find": {"get": "/items", "query": {"sku": "{keys:text}"}, "field": "sku", "match": "item.sku", "batch": 50},
    "update": [
        {
            "post": "/batch",
            "at": "update",
            "record": {"id": "{binding.id}", "title": "{title}", "price": "{price:text}"},
            "answers": "body.update",
            "match": "id",
        },
    ],
    "batch": 10,
    "cleared": {"title": ""},
    "error": "answer.error.message",
    "code": "answer.error.code",
    "gone": ["gone"],
    "settle": 0.1,
}  # fmt: skip
CREATE = {"post": "/batch", "at": "create", "record": {"sku": "{sku}", "title": "{title}", "price": "{price:text}"},
          "answers": "body.create"}  # fmt: skip


class Shop:
    """Items by id; finds, creates and updates them."""

    def __init__(self):
        self.items, self.writes, self.down = {}, [], None

    def __call__(self, seen):
        if self.down is not None and (self.down[0] is None or self.down[0] in seen.target):
            return JSONResponse({"message": "no"}, self.down[1])
        if seen.method == "GET" and "sku" not in seen.query:
            return JSONResponse(self._page(seen.query.get("after", "")))
        if seen.method == "GET":
            wanted = seen.query["sku"].split(",")
            return JSONResponse([{"id": id_, **item} for id_, item in self.items.items() if item["sku"] in wanted])
        ((step, records),) = json.loads(seen.body).items()
        self.writes += records
        return JSONResponse({step: [self._written(dict(record)) for record in records]})

    def _page(self, after):
        found = [{"id": id_, "changed": "2026-11-01T10:00:00", **item} for id_, item in sorted(self.items.items())]
        return [item for item in found if item["id"] > after][:2]

    def _written(self, record):
        id_ = record.pop("id", None) or f"n{len(self.items)}"
        if "sku" not in record and id_ not in self.items:
            return {"id": id_, "error": {"code": "gone", "message": "no such item"}}
        self.items.setdefault(id_, {}).update(record)
        return {"id": id_, **record}


@pytest.fixture
def shop(platform):
    made = Shop()
    platform.route(made)
    return made


@pytest.fixture
def project(tiny):
    """Makes a project that pushes the products of ``erp`` to ``shop``, both of the tiny kind."""

    def make(also=None, deliver="latest", **push):
        tiny.connector()
        folder = tiny.root / "resources"
        facts = yaml.safe_load((folder / "connectors" / "tiny.yaml").read_text())
        facts["entities"]["product"] |= {"push": {**PUSH, **push}, "binding": {"id": "item.id", "also": also or {}}}
        (folder / "connectors" / "tiny.yaml").write_text(yaml.safe_dump(facts))
        for name in ("erp", "shop"):
            (folder / f"{name}.yaml").write_text(yaml.safe_dump(tiny.connection().model_dump() | {"connection": name}))
        pulls = [
            {"type": "pullpush_dagster.Pull", "attributes": {"connection": name, "entity": "product"}}
            for name in ("erp", "shop")
        ]
        sync = {"name": "to_shop", "from": "erp/product", "to": "shop", "mode": "live", "lanes": 1}
        sync["deliver"] = deliver
        (tiny.root / "assets").mkdir()
        documents = [*pulls, {"type": "pullpush_dagster.Push", "attributes": sync}]
        (tiny.root / "assets" / "defs.yaml").write_text(yaml.safe_dump_all(documents))
        return Project(tiny.root, tiny.root / "data")

    return make


@pytest.fixture
def pushing(store, project, source):
    """Pulls products and pushes them; gives each key's last outcome. ``also``: paths of an item's other ids."""

    class Pushing:
        def __init__(self, **push):
            made = project(**push)
            self.pusher = Pusher(made, made.push("to_shop"), store, patience=0.0)

        def pull(self, *records):
            with store.session() as con:
                made = source("product")
                made.con, made.minute = con, con.execute("SELECT count(*) FROM pulls").fetchall()[0][0]
                made([{"sku": "A", **record} for record in records])

        def send(self):
            self.pusher.arrive()
            self.rows("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")
            outcomes = asyncio.run(self.pusher.send(lambda _: None)).outcomes
            return {json.loads(key)["sku"]: outcome for key, outcome in outcomes.items()}

        def pull_shop(self, kind="full"):
            project = self.pusher.project
            pull = project.pull("shop/product")
            asyncio.run(pull_records(project, store, pull, Window(kind), lambda _: None))
            read_pulls(project, store, pull, "")

        def rows(self, sql):
            with store.session() as con:
                return con.execute(sql).fetchall()

        def why(self):
            return self.rows("SELECT state, reason FROM outbox ORDER BY key")

    return Pushing


@pytest.fixture
def con():
    """Not held here: a push opens the store itself."""
    return None
