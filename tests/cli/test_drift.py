"""``pullpush drift``: what the shop's own people changed, and sending it again."""

import json

import pytest


@pytest.fixture
def drift(run):
    return lambda *options: json.loads(run("drift", "stock_to_shop", "--json", *options).output)


def test_a_sync_that_was_never_read_back_says_so(run, drift):
    assert run("drift", "stock_to_shop").output == "stock_to_shop was never read back; --now does it\n"
    assert drift() == {"sync": "stock_to_shop", "readAt": None, "drift": [], "resent": None}


@pytest.mark.parametrize("how", [[], ["--json"]])
def test_nothing_is_sent_again_of_a_sync_that_was_never_read_back(run, how):
    done = run("drift", "stock_to_shop", "--resend", *how)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        "stock_to_shop was never read back, so nothing is known to have drifted: "
        "`pullpush drift stock_to_shop --now --resend` asks first\n"
    )


def test_before_anything_was_accepted_there_is_nothing_to_compare(world, run):
    done = run("drift", "stock_to_shop", "--now")
    assert done.exit_code == 1
    assert done.stderr == "shop has accepted nothing of stock_to_shop yet, so there is nothing to compare\n"
    assert world.rows("SELECT * FROM readbacks") == []


@pytest.mark.parametrize("now", [[], ["--now"]])
def test_a_sync_without_a_read_back_says_so(run, now):
    done = run("drift", "orders_to_erp", *now)
    assert done.exit_code == 1
    assert done.stderr == "orders_to_erp has no read-back: erp cannot be asked for the order records it was sent\n"


def test_what_drifted_is_shown_explained_and_made_due_again(world, run, drift):
    # given
    world.sync("products_to_shop")
    world.sync("stock_to_shop")
    before = world.item("SKU-00002")["stock_quantity"]
    world.shop.control("product", sku="SKU-00002", set={"stock_quantity": 1000})
    # when
    found = drift("--now")
    # then
    assert found["drift"] == [
        {"key": {"sku": "SKU-00002", "locationId": "default"}, "field": "quantity", "accepted": f"{before}.0000",
         "there": "1000.0000"}
    ]  # fmt: skip
    shown = run("drift", "stock_to_shop").output
    assert all(text in shown for text in ("SKU-00002 default", "1000.0000", "1 drifted, 0 gone there"))
    story = json.loads(run("explain", "stock_to_shop", "SKU-00002", "--json").output)
    assert story["drifted there"][0]["there"] == "1000.0000"
    assert "1 keys are due again, 0 were left out" in run("drift", "stock_to_shop", "--resend").output
    world.push("stock_to_shop")
    assert world.item("SKU-00002")["stock_quantity"] == before
