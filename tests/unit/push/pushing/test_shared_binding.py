"""A product and its stock, two records of one item with one binding: it is made anew there, and one push notices."""

import asyncio

import pytest
import yaml

from pullpush_dagster.config import Project
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.push import Pusher
from tests.unit.push.pushing.conftest import PUSH


@pytest.fixture
def project(tiny):
    """``erp`` brings titles and stock to ``shop``, which is pulled, too."""
    tiny.connector()
    folder = tiny.root / "resources"
    facts = yaml.safe_load((folder / "connectors" / "tiny.yaml").read_text())
    product = facts["entities"]["product"]
    product |= {"push": PUSH, "binding": {"id": "item.id"}}
    level = {"id": "{binding.id}", "stock": "{quantity:integer}"}
    facts["entities"]["stocklevel"] = {
        "pull": product["pull"],
        "canonical_map": {"sku": "item.sku", "locationId": {"value": "default"}, "quantity": "item.stock"},
        "binding": {"shares": "product", "id": "item.id"},
        "push": {**PUSH, "cleared": {}, "update": [{**PUSH["update"][0], "record": level}]},
    }
    (folder / "connectors" / "tiny.yaml").write_text(yaml.safe_dump(facts))
    for name in ("erp", "shop"):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(tiny.connection().model_dump() | {"connection": name}))
    pulls = [("erp", "product"), ("erp", "stocklevel"), ("shop", "product")]
    given = [("Pull", {"connection": connection, "entity": entity}) for connection, entity in pulls]
    for name, entity in (("titles", "product"), ("stock", "stocklevel")):
        given.append(("Push", {"name": name, "from": f"erp/{entity}", "to": "shop", "mode": "live", "lanes": 1}))
    (tiny.root / "assets").mkdir()
    documents = [{"type": f"pullpush_dagster.{kind}", "attributes": said} for kind, said in given]
    (tiny.root / "assets" / "defs.yaml").write_text(yaml.safe_dump_all(documents))
    return Project(tiny.root, tiny.root / "data")


class Shared:
    """Both syncs."""

    def __init__(self, project, store, source):
        self.project, self.store, self.source = project, store, source

    def knows(self, entity, record):
        """The ERP has this."""
        with self.store.session() as con:
            ((pulls,),) = con.execute("SELECT count(*) FROM pulls").fetchall()
            erp = self.source(entity)
            erp.con, erp.minute = con, pulls
            erp([record])

    def push(self, name):
        pusher = Pusher(self.project, self.project.push(name), self.store, patience=0.0)
        pusher.arrive()
        with self.store.session() as con:
            con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")
        asyncio.run(pusher.send(lambda _: None))

    def pull_shop(self):
        pull = self.project.pull("shop/product")
        asyncio.run(pull_records(self.project, self.store, pull, Window("full"), lambda _: None))
        read_pulls(self.project, self.store, pull, "")


@pytest.fixture
def shared(project, store, source, shop):
    """The shop has an item with a title and a stock of 5; somebody has deleted it there, and made it anew, bare."""
    both = Shared(project, store, source)
    shop.items["7"] = {"sku": "A"}
    both.knows("product", {"sku": "A", "title": "cup", "price": 1})
    both.knows("stocklevel", ("A", "default", 5))
    for name in ("titles", "stock"):
        both.push(name)
    both.pull_shop()
    assert shop.items == {"7": {"sku": "A", "title": "cup", "price": "1", "stock": 5}}
    shop.items = {"9": {"sku": "A"}}
    return both


def test_the_new_item_is_told_all_where_the_push_of_stock_notices(shared, shop):
    shared.knows("stocklevel", ("A", "default", 4))
    for name in ("stock", "stock", "titles"):
        shared.push(name)
    assert shop.items == {"9": {"sku": "A", "title": "cup", "price": "1", "stock": 4}}


def test_the_new_item_is_told_all_where_the_push_of_titles_notices(shared, shop):
    shared.knows("product", {"sku": "A", "title": "jug", "price": 1})
    for name in ("titles", "titles", "stock"):
        shared.push(name)
    assert shop.items == {"9": {"sku": "A", "title": "jug", "price": "1", "stock": 5}}


def test_the_new_item_is_told_all_where_the_pull_notices(shared, shop):
    shared.pull_shop()
    for name in ("titles", "stock"):
        shared.push(name)
    assert shop.items == {"9": {"sku": "A", "title": "cup", "price": "1", "stock": 5}}
