"""What ``status``, ``held`` and ``explain`` say is so, over a real store."""

import pytest
import yaml

from pullpush_dagster.config import Project
from pullpush_dagster.explain import explain
from pullpush_dagster.held import held
from pullpush_dagster.status import sync_status
from pullpush_dagster.store import Store
from tests.unit.changes.conftest import Outbox

MANY = [f"S{n:02}" for n in range(40)]


@pytest.fixture
def con():
    """Not held here."""
    return None


@pytest.fixture
def told(tiny, source):
    """Makes a project of one push of ``entity`` from erp to shop, and what works on its store."""

    class Told:
        def __init__(self, entity="stocklevel", **push):
            tiny.connector(entities={entity: {
                "pull": {"get": "/items", "pages": {"style": "none"}},
                "canonical_map": {"sku": "item.sku", "locationId": "item.loc", "quantity": "item.q"},
                "binding": {"id": "item.id"},
                "push": {"find": {"get": "/f", "query": {"sku": "{keys:text}"}, "field": "sku", "match": "item.sku"},
                         "update": [{"put": "/i/{binding.id}", "record": {"q": "{quantity:integer}"}}]},
            }})  # fmt: skip
            for name in ("erp", "shop"):
                file = tiny.root / "resources" / f"{name}.yaml"
                file.write_text(yaml.safe_dump(tiny.connection().model_dump() | {"connection": name}))
            (tiny.root / "assets").mkdir()
            sync = {"name": "to_shop", "from": f"erp/{entity}", "to": "shop", "mode": "live", **push}
            self.write({"connection": "erp", "entity": entity}, sync)
            self.project = Project(tiny.root, tiny.root / "data")
            self.push = self.project.push("to_shop")
            self.entity, self.minute = entity, 0

        def write(self, pull, push):
            documents = [{"type": "pullpush_dagster.Pull", "attributes": pull}]
            documents += [{"type": "pullpush_dagster.Push", "attributes": push}] if push else []
            (tiny.root / "assets" / "defs.yaml").write_text(yaml.safe_dump_all(documents))

        def session(self):
            return Store.of(self.project.state).session()

        def pull(self, records, *, limits=False):
            with self.session() as con:
                made = source(self.entity, scope="WH" if self.entity == "stocklevel" else "")
                made.con, made.minute = con, self.minute
                made.pull(records)
                made.audit(**({} if limits else dict.fromkeys(("deleted", "zeroed", "changed", "price", "rows"))))
                self.minute = made.minute

        def box(self, con):
            return Outbox(con, self.push, self.entity, self.entity)

        def deliver(self):
            with self.session() as con:
                self.box(con).deliver()

        def arrive(self):
            with self.session() as con:
                return self.box(con).arrive()

        def status(self):
            return sync_status(self.project, self.push)

        def explain(self, key):
            return explain(self.project, self.push, key)

    return Told


def level(quantity, skus=MANY, place="WH"):
    return [(sku, place, quantity) for sku in skus]


@pytest.fixture
def push_held(told):
    """Forty delivered levels, then all of them zero; the pull's guard is off, the push's holds them."""
    made = told()
    made.pull(level(5))
    made.deliver()
    made.pull(level(0))
    assert made.arrive().held
    return made


def test_status_counts_the_changes_that_the_pushs_guard_holds(push_held):
    (one,) = held(push_held.project)
    assert one.changes == 40
    assert push_held.status()["held"] == 40


def test_status_counts_what_the_push_has_not_read_yet(told):
    made = told()
    made.pull(level(5))
    made.deliver()
    made.pull(level(6))
    # accepted, but not come to the push yet: its run broke off, or a person approved it
    assert made.status()["pending"] == 40


def test_explain_finds_a_key_under_the_name_it_has_at_the_destination(told):
    made = told(translate={"sku": {"A": "B"}})
    made.pull([("A", "WH", 5)])
    made.deliver()
    story = made.explain("A")
    assert [row["outcome"] for row in story["sent"]] == ["accepted"]
    assert len(story["the destination has"]) == 1


def test_examples_of_what_a_push_holds_are_of_what_it_holds(told):
    many = [f"S{n:02}" for n in range(60)]
    made = told(only={"sku": many[30:]})
    made.pull(level(5, many))
    made.deliver()
    made.pull(level(0, many))
    assert made.arrive().held
    (one,) = held(made.project)
    assert one.changes == 30
    assert all(row["key"]["sku"] >= "S30" for row in one.examples)
