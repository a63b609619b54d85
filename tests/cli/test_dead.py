"""``pullpush dead-letters`` and ``pullpush replay``: what was given up, and another chance for it."""

import json
import shutil

import pytest

from tests.conftest import fresh_world

SKUS = ["SKU-00053", "SKU-00002"]


@pytest.fixture(scope="module")
def given_up(tmp_path_factory, standins):
    """A world in which the shop could not take the quantities of SKUS: it wants whole numbers."""
    world = fresh_world(tmp_path_factory.mktemp("given_up"), {name: standins[name] for name in ("erp", "shop")})
    world.sync("products_to_shop")
    world.sync("stock_to_shop")
    for sku in SKUS:
        world.erp.control("stock", sku=sku, warehouse="WH", quantity=2.5)
    world.sync("stock_to_shop")
    return world


@pytest.fixture
def world(given_up, tmp_path):
    """The same project with an empty store: the syncs behind the letters take longer than all these tests."""
    return given_up.over(tmp_path / "data")


@pytest.fixture
def refused(given_up, world):
    """SKUs that have letters."""
    shutil.copytree(given_up.project.state, world.project.state)
    return SKUS


def test_the_source_of_a_letter_is_a_pull_and_a_key(refused, letters):
    told = {(one["source"]["pull"], one["source"]["key"]["sku"]) for one in letters()}
    assert told == {("erp/stocklevel", sku) for sku in refused}


def test_no_letters_is_said_so(run, letters):
    assert run("dead-letters").output.endswith("no key was given up\n")
    assert letters() == letters("--group") == []


def test_a_letter_tells_why_and_how_often(refused, letters, run):
    found = [one for one in letters() if one["key"]["sku"] in refused]
    assert {(one["sync"], one["cause"]) for one in found} == {("stock_to_shop", "not sent")}
    assert all("is not a whole number, which this platform needs" in one["reason"] for one in found)
    assert "SKU-00053" in run("dead-letters").output


@pytest.mark.parametrize("outcome", ["skipped", "rejected"], ids=["its key went", "it was not routed once"])
def test_a_letter_keeps_its_own_cause_whatever_else_befell_its_key(world, refused, letters, outcome):
    world.rows(
        "INSERT INTO receipts (push, key, outcome, reason, answeredAt) SELECT push, key, ?, 'another', now()"
        " FROM outbox WHERE state = 'dead' RETURNING key",
        outcome,
    )
    assert {one["cause"] for one in letters()} == {"not sent"}


def test_to_replay_all_where_there_is_none_is_nothing(run):
    done = run("replay", "ALL")
    assert (done.exit_code, done.output[:18]) == (0, "0 are due again, 0")


def test_a_letter_is_told_in_whole_however_narrow_the_terminal(refused, letters, run, monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    said = run("dead-letters").output
    one = next(one for one in letters() if one["key"]["sku"] == "SKU-00053")
    assert f"{one['group']}  SKU-00053 default  stock_to_shop: not sent, 0 attempts" in said
    assert f"\n  {one['reason']}\n" in said


def test_letters_of_one_kind_are_one_group(refused, letters):
    (group,) = [one for one in letters("--group") if "whole number" in one["reason"]]
    assert group["count"] == 2
    assert group["reason"] == "quantity # is not a whole number, which this platform needs" or "#.#" in group["reason"]


@pytest.mark.parametrize("what", ["SKU-00053", "SKU-00053 default", "group", "ALL"])
def test_replayed_once_the_cause_is_mended_it_is_sent(world, refused, letters, run, what):
    # given: the ERP has counted again
    (group,) = [one for one in letters("--group") if "whole number" in one["reason"]]
    world.rows("UPDATE outbox SET desired = replace(desired, '2.5000', '4.0000') WHERE state = 'dead' RETURNING key")
    # when
    done = json.loads(run("replay", group["group"] if what == "group" else what, "--json").output)
    world.push("stock_to_shop")
    # then
    assert sum(done.values()) >= 1
    assert "SKU-00053" not in [one["key"]["sku"] for one in letters()]


def test_a_letter_that_newer_accepted_values_cover_is_dropped(world, refused, letters, run):
    # given: what the shop has is what the letter says
    world.rows(
        "UPDATE accepted SET fields = (SELECT desired FROM outbox AS o WHERE o.key = accepted.key AND o.state = 'dead')"
        " WHERE entity = 'stocklevel' AND contains(key, 'SKU-00053') RETURNING key"
    )
    # when
    done = json.loads(run("replay", "SKU-00053", "--json").output)
    # then
    assert done == {"due": 0, "routed": 0, "dropped": 1, "closed": 0, "left_out": 0}
    last = world.rows(
        "SELECT outcome, reason FROM receipts WHERE contains(key, 'SKU-00053') ORDER BY answeredAt DESC LIMIT 1"
    )
    assert last == [("skipped", "replayed: what the destination has accepted since covers it")]


def test_a_key_that_is_not_dead_is_refused(refused, run):
    again = run("replay", "SKU-00099")
    assert again.exit_code == 1
    assert "no dead letter has the key or group SKU-00099" in again.output


@pytest.fixture
def left_behind(world, refused):
    """Letters of a sync whose file was taken away, or that bears another name by now; how many."""
    return len(
        world.rows(
            "INSERT INTO outbox (push, key, source, sequence, desired, state, attempts, reason)"
            " SELECT 'old_name', key, source, sequence, desired, state, attempts, reason FROM outbox"
            " WHERE state = 'dead' RETURNING key"
        )
    )


def test_letters_of_a_sync_that_is_no_more_are_left_out_and_counted(left_behind, run):
    done = json.loads(run("replay", "ALL", "--json").output)
    assert (done["due"] >= 1, done["left_out"]) == (True, left_behind)


def test_that_letters_were_left_out_is_said(left_behind, run):
    said = run("replay", "ALL").output
    assert f"{left_behind} were left out: their sync is no more, or has another name by now" in said
