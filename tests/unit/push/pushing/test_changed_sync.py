"""A sync whose file says something else by the next run."""

import pytest
import yaml

from pullpush_dagster.config import Project
from pullpush_dagster.push import Pusher


def changed(made, **said):
    """From now on the sync says this."""
    root = made.pusher.project.root
    file = root / "assets" / "defs.yaml"
    documents = list(yaml.safe_load_all(file.read_text()))
    documents[-1]["attributes"] |= said
    file.write_text(yaml.safe_dump_all(documents))
    project = Project(root, root / "data")
    made.pusher = Pusher(project, project.push("to_shop"), made.pusher.store, patience=0.0)


@pytest.fixture
def lined_up(pushing, shop):
    """The shop has "one" of A; "two" is to be sent, and "three" by itself after that."""
    shop.items["7"] = {"sku": "A"}
    made = pushing(deliver="every")
    made.pull({"title": "one", "price": 1})
    made.send()
    for title in ("two", "three"):
        made.pull({"title": title, "price": 1})
        made.pusher.arrive()
    assert made.rows("SELECT count(*) FROM behind") == [(1,)]
    return made


def test_what_waits_behind_a_head_joins_it_where_only_the_newest_is_delivered_by_now(lined_up, shop):
    changed(lined_up, deliver="latest")
    lined_up.send()
    assert [one["title"] for one in shop.writes] == ["one", "three"]
    assert lined_up.rows("SELECT count(*) FROM behind") == [(0,)]


def test_what_waits_behind_one_that_is_under_way_joins_nothing_yet(lined_up, shop):
    lined_up.rows("UPDATE outbox SET state = 'claimed', claim = 'other', leaseUntil = TIMESTAMPTZ '2099-01-01'")
    changed(lined_up, deliver="latest")
    lined_up.pusher.arrive()
    assert lined_up.rows("SELECT count(*) FROM behind") == [(1,)]


def test_what_waited_does_not_go_over_what_is_newer_once_each_is_delivered_again(lined_up, shop):
    # given
    changed(lined_up, deliver="latest")
    lined_up.pull({"title": "four", "price": 1})
    lined_up.send()
    # when
    changed(lined_up, deliver="every")
    lined_up.send()
    # then
    assert shop.items["7"]["title"] == "four"


@pytest.fixture
def moved(pushing, shop):
    """A sync to a trial shop, which has taken A and was to be sent B, goes to the real one by now."""
    shop.items["7"] = {"sku": "A"}
    made = pushing()
    made.pull({"sku": "A", "title": "cup", "price": 1})
    made.send()
    made.pull({"sku": "A", "title": "cup", "price": 1}, {"sku": "B", "title": "jug", "price": 1})
    made.pusher.arrive()
    resources = made.pusher.project.root / "resources"
    told = yaml.safe_load((resources / "shop.yaml").read_text()) | {"connection": "real"}
    (resources / "real.yaml").write_text(yaml.safe_dump(told))
    shop.items = {"1": {"sku": "A"}, "2": {"sku": "B"}}
    changed(made, to="real")
    return made


def test_another_destination_is_told_all_that_is_known(moved, shop):
    moved.send()
    assert {item["sku"]: item["title"] for item in shop.items.values()} == {"A": "cup", "B": "jug"}


def test_what_was_queued_for_the_former_destination_is_closed(moved):
    moved.pusher.arrive()
    closed = "SELECT key, reason FROM receipts WHERE outcome = 'skipped'"
    assert moved.rows(closed) == [('{"sku":"B"}', "the sync sends to real by now")]


def test_where_it_goes_is_told_once(moved):
    for _ in range(2):
        moved.send()
    assert moved.rows("SELECT count(*) FROM receipts WHERE outcome = 'skipped'") == [(1,)]
