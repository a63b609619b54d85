"""``pullpush replay`` of letters that could not be routed, as a sync's file lacked what it needed."""

import json

import pytest


@pytest.fixture
def unrouted(world):
    """Letters of a table that lacks the location that is pulled; called, it is mended."""
    file = world.project.root / "assets" / "stock" / "defs.yaml"
    text = file.read_text()
    assert "WH: default" in text
    world.sync("products_to_shop")
    file.write_text(text.replace("WH: default", "ELSEWHERE: default"))
    broken = type(world)(
        type(world.project)(world.project.root, world.project.state), world.store, world.erp, world.shop
    )
    broken.sync("stock_to_shop")
    return lambda: file.write_text(text)


_ANSWERED = """
INSERT INTO receipts (push, key, sequence, claim, attempt, outcome, reason, sent, sentAt, answeredAt)
SELECT push, key, sequence - 1, 'a claim', 1, 'retry', 'busy', '{}', now(), now() FROM outbox WHERE state = 'dead'
RETURNING key
"""


@pytest.mark.parametrize("answered", [False, True], ids=["never sent", "an older version of it answered since"])
def test_a_letter_that_could_not_be_routed_is_routed_anew_once_the_file_is_mended(
    world, unrouted, letters, run, answered
):
    # given
    if answered:
        assert len(world.rows(_ANSWERED)) > 10
    assert {one["cause"] for one in letters()} == {"not routed"}
    # when
    unrouted()
    done = json.loads(run("replay", "ALL", "--json").output)
    world.sync("stock_to_shop")
    # then
    assert (done["due"], done["dropped"]) == (0, 0)
    assert done["routed"] > 10
    assert letters() == []
    assert world.item("SKU-00053")["stock_quantity"] == 59
