"""``pullpush held`` and ``pullpush approve``, as an operator uses them."""

import json

import pytest


@pytest.fixture
def emptied(world):
    """After a good sync the ERP has counted everything to zero by mistake; gives the hash of what is held."""
    world.sync("products_to_shop")
    world.sync("stock_to_shop")
    return world.emptied("WH")


def test_nothing_held_is_said_so(run):
    assert run("held").output == "nothing is held\n"
    assert json.loads(run("held", "--json").output) == []


def test_held_names_the_set_the_limit_and_some_of_its_changes(run, emptied):
    said = run("held").output
    assert emptied in said
    assert "erp/stocklevel WH: " in said
    assert "sets to zero" in said
    found = json.loads(run("held", "--json").output)
    assert {"hash", "guard", "where", "changes", "reasons", "since", "examples"} == found[0].keys()
    assert len(found[0]["examples"]) == 5


def test_approve_lets_it_through_and_the_next_push_sends_it(world, run, emptied):
    # given: until then the shop keeps what it had
    world.push("stock_to_shop")
    sku = json.loads(run("held", "--json").output)[0]["examples"][0]["key"]["sku"]
    assert world.item(sku)["stock_quantity"] > 0
    # when
    done = run("approve", emptied)
    # then
    assert "are accepted; each sync's own guard looks at them at its next run" in done.output
    assert emptied not in run("held").output
    world.push("stock_to_shop")
    for held in json.loads(run("held", "--json").output):
        run("approve", held["hash"])
    world.push("stock_to_shop")
    assert world.item(sku)["stock_quantity"] == 0


def test_a_hash_that_is_not_held_is_refused(run, emptied):
    run("approve", emptied)
    again = run("approve", emptied)
    assert again.exit_code == 1
    assert f"nothing that is held is called {emptied}; `pullpush held` lists what is" in again.output
