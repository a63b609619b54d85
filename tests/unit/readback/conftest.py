"""A tiny platform that holds items, what it is said to have accepted, and read-backs of it."""

import asyncio
import json

import pytest
import yaml
from starlette.responses import JSONResponse

from pullpush_dagster.config import Project
from pullpush_dagster.push import Pusher
from pullpush_dagster.readback import newest, read_back, resend

MAPS = {
    "stocklevel": {
        "sku": "item.sku",
        "locationId": {"value": "default"},
        "quantity": {"from": "item.q", "unknown_unless": {"item.counted": True}},
    },
    "product": {
        "sku": "item.sku",
        "title": "item.title",
        "price": "item.price",
        "status": {"from": "item.status", "map": {"on": "active", "off": "archived"}},
    },
    "order": {
        "orderId": "item.sku",
        "status": {"from": "item.status", "map": {"sale": "paid", "draft": "pending"}},
        "customer": {
            "fields": {"name": "item.who", "phone": "item.phone", "company": {"from": "item.firm", "null": "unknown"}}
        },
    },
}
FORMS = {
    "stocklevel": {"q": "{quantity:integer}"},
    "product": {"title": "{title}", "price": "{price:text}", "status": "{status}"},
    "order": {
        "status": "{status}",
        "who": "{customer.name}",
        "phone": "{customer.phone}",
        "firm": "{customer.company}",
    },
}
VALUES = {
    "product": {"status": {"active": "on", "archived": "off"}},
    "order": {"status": {"paid": "sale", "fulfilled": "sale", "pending": "draft"}},
}
CLEARED = {"product": {"title": ""}, "order": {"customer.phone": "", "customer.company": ""}}


def _facts(entity, pull, fields):
    """How the tiny platform carries ``entity``; ``pull`` and ``fields`` are added to its facts and its map."""
    key = "orderId" if entity == "order" else "sku"
    form = FORMS[entity]
    push = {
        "find": {"get": "/found", "query": {"sku": "{keys:text}"}, "field": key, "match": "item.sku", "batch": 50},
        "create": {"post": "/batch", "at": "create", "record": {"sku": f"{{{key}}}", **form}, "answers": "body.create"},
        "update": [
            {"post": "/batch", "at": "update", "record": {"id": "{binding.id}", **form}, "answers": "body.update",
             "match": "id"}
        ],
        "values": VALUES.get(entity, {}), "batch": 10, "settle": 0.1,
        "cleared": CLEARED.get(entity, {}),
        "error": "answer.error.message", "code": "answer.error.code", "gone": ["gone"],
    }  # fmt: skip
    listed = {"get": "/items", "each": "body.data.items", "pages": {"style": "none", "total": "body.data.total"}}
    return {
        "pull": {**listed, **pull},
        "canonical_map": {**MAPS[entity], **fields},
        "binding": {"id": "item.id"},
        "push": push,
    }


class Shelf:
    """Items by id. ``unlisted``: SKUs that only a look-up finds; ``total``: how many it says there are."""

    def __init__(self):
        self.items, self.writes, self.unlisted, self.total, self.meanwhile = {}, [], set(), None, None

    def put(self, sku, **values):
        self.items[f"i{sku}"] = {"sku": sku, **values}

    def __call__(self, seen):
        if seen.method != "GET":
            ((step, records),) = json.loads(seen.body).items()
            self.writes += records
            return JSONResponse({step: [self._written(dict(record)) for record in records]})
        items = [{"id": id_, **item} for id_, item in self.items.items()]
        if seen.path == "/found":
            return JSONResponse([item for item in items if item["sku"] in seen.query["sku"].split(",")])
        if self.meanwhile is not None:
            self.meanwhile()
        listed = [item for item in items if item["sku"] not in self.unlisted]
        return JSONResponse({"data": {"items": listed, "total": self.total or len(listed)}})

    def _written(self, record):
        id_ = record.pop("id", None) or f"i{record['sku']}"
        if "sku" not in record and id_ not in self.items:
            return {"id": id_, "error": {"code": "gone", "message": "no such item"}}
        self.items.setdefault(id_, {}).update(record)
        return {"id": id_, **record}


@pytest.fixture
def shelf(platform):
    made = Shelf()
    platform.route(made)
    return made


@pytest.fixture
def con():
    """Not held here: a read-back opens the store itself."""
    return None


class Reader:
    """One push of ``entity`` from ``erp`` to ``shelf``; keys are told by their SKU."""

    def __init__(self, project, store, source, entity):
        self.project, self.store, self.source, self.entity = project, store, source, entity
        self.push = project.push("to_shelf")

    def rows(self, sql, *values):
        with self.store.session() as con:
            return con.execute(sql, list(values)).fetchall()

    def key(self, sku):
        name = {"order": {"orderId": sku}, "stocklevel": {"sku": sku, "locationId": "default"}}
        return json.dumps(name.get(self.entity, {"sku": sku}), separators=(",", ":"))

    def accepted(self, sku, at="2026-01-01", **fields):
        """Let the destination have accepted this, whatever it has."""
        self.accept({sku: fields}, at)

    def accept(self, rows, at="2026-01-01"):
        """The same for each SKU -> fields."""
        columns = "connection, entity, key, source, fields, acceptedAt"
        keys = {sku: self.key(sku) for sku in rows}
        values = [
            [self.entity, keys[sku], f"erp/{self.entity} {keys[sku].replace('erp:', '')}", json.dumps(fields), at]
            for sku, fields in rows.items()
        ]
        with self.store.session() as con:
            con.executemany(f"INSERT INTO accepted ({columns}) VALUES ('shelf', ?, ?, ?, ?, ?)", values)

    def queue(self, **states):
        """Let the outbox have these, SKU -> state."""
        sql = "INSERT INTO outbox (push, key, state) VALUES ('to_shelf', ?, ?)"
        with self.store.session() as con:
            con.executemany(sql, [[self.key(sku), state] for sku, state in states.items()])

    def read(self):
        """What one read-back came to."""
        return asyncio.run(read_back(self.project, self.push, self.store, lambda _: None))

    def drift(self):
        """(SKU, field) -> (accepted, there), of the newest read-back."""
        with self.store.session() as con:
            found = newest(con, self.push)
        return {(next(iter(row.values.values())), row.field): (row.accepted, row.there) for row in found[1]}

    def drifted(self):
        """The same of one that is made now."""
        self.read()
        return self.drift()

    def pull(self, *records, **how):
        """Let the source have these."""
        with self.store.session() as con:
            made = self.source(self.entity)
            made.con, made.minute = con, con.execute("SELECT count(*) FROM pulls").fetchall()[0][0]
            made(records, **how)

    def send(self):
        """One run of the push."""
        pusher = self.pusher()
        pusher.arrive()
        self.rows("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01' RETURNING key")
        asyncio.run(pusher.send(lambda _: None))

    def pusher(self):
        return Pusher(self.project, self.push, self.store, patience=0.0)

    def resend(self):
        return resend(self.project, self.push, self.store)


def make_reader(tiny, store, source, entity, *, pull=None, fields=None, once=False, **push):
    """A Reader in the folder of ``tiny``; ``once``: the shelf is told of an item just once. The rest is of the push."""
    facts = _facts(entity, pull or {}, fields or {})
    if once:
        del facts["push"]["update"]
        facts["push"] |= {"create_only": True, "settle": 60.0}
    tiny.connector(entities={entity: facts})
    folder = tiny.root / "resources"
    for name in ("erp", "shelf"):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(tiny.connection().model_dump() | {"connection": name}))
    asked = {"type": "pullpush_dagster.Pull", "attributes": {"connection": "erp", "entity": entity}}
    sync = {"name": "to_shelf", "from": f"erp/{entity}", "to": "shelf", "mode": "live", **push}
    (tiny.root / "assets").mkdir(exist_ok=True)
    documents = [asked, {"type": "pullpush_dagster.Push", "attributes": sync}]
    (tiny.root / "assets" / "defs.yaml").write_text(yaml.safe_dump_all(documents))
    return Reader(Project(tiny.root, tiny.root / "data"), store, source, entity)


@pytest.fixture
def reader(tiny, store, source, shelf):
    """Makes a Reader: ``reader("stocklevel")``."""
    return lambda entity="product", **how: make_reader(tiny, store, source, entity, **how)


@pytest.fixture
def products(reader):
    return reader()


@pytest.fixture
def stock(reader):
    return reader("stocklevel")
