"""Ticking, what a stand-in tells of itself, and steering one from another process."""

import time

import pytest

from pullpush_dagster.sandbox import Standin, running


@pytest.fixture(scope="module")
def trio():
    with running({"erp": "odoo", "shop": "woocommerce", "outlet": "woocommerce"}, skus=200, seed=3) as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def still(trio):
    """No stand-in ticks on after a test."""
    yield
    for standin in trio.values():
        standin.control("ticking", every=0)


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def ticks(standin):
    return standin.about()["ticking"]["ticks"]


def tick_on(standin, n=4):
    """Ticks twice or more and stops."""
    before = ticks(standin)
    standin.control("ticking", every=0.02, n=n)
    assert until(lambda: ticks(standin) >= before + 2)
    return standin.control("ticking", every=0)


def test_it_says_what_it_is(trio):
    about = trio["outlet"].about()
    expected = {"platform": "woocommerce", "name": "outlet", "skus": 200, "seed": 3, "faults": {}}
    assert expected.items() <= about.items()
    assert about["ticking"]["every"] == 0
    assert set(about["counts"]) == {"products", "orders"}
    assert trio["erp"].about()["counts"]["products"] >= 200


def test_it_tells_the_faults_in_force(trio):
    trio["erp"].faults(error_before=0.25, status=503)
    assert trio["erp"].about()["faults"] == {"error_before": 0.25, "status": 503}
    trio["erp"].faults()
    assert trio["erp"].about()["faults"] == {}


def test_a_shop_that_ticks_takes_orders(trio):
    before = trio["shop"].about()["counts"]["orders"]
    assert tick_on(trio["shop"])["error"] == ""
    assert trio["shop"].about()["counts"]["orders"] >= before + 4


def test_an_erp_that_ticks_drifts(trio):
    def stamps():
        return [(row["write_date"], row["stock"], row["name"]) for row in trio["erp"].state()["products"]]

    before = stamps()
    assert tick_on(trio["erp"])["error"] == ""
    assert stamps() != before


def test_it_says_how_it_ticks(trio):
    told = trio["shop"].control("ticking", every=30, n=6)
    assert (told["every"], told["n"]) == (30.0, 6)
    assert trio["shop"].about()["ticking"] == told


def test_told_to_stop_it_stops(trio):
    tick_on(trio["shop"])
    done = ticks(trio["shop"])
    time.sleep(0.1)
    assert ticks(trio["shop"]) == done


def test_a_tick_that_fails_says_why_and_the_next_one_comes(trio):
    with running({"shop": "woocommerce"}, skus=20) as sandbox:
        shop = sandbox["shop"]
        for item in shop.state()["products"]:
            shop.control("product", id=item["id"], set={"manage_stock": False})
        told = tick_on(shop)
    assert told["ticks"] >= 2
    assert "no managed stock" in told["error"]


@pytest.mark.parametrize("order", [{"every": -1}, {"every": 1, "n": 0}, {}, {"every": "soon"}])
def test_a_rhythm_that_makes_no_sense_is_refused(trio, order):
    with pytest.raises(ValueError, match="Error"):
        trio["shop"].control("ticking", **order)


def test_two_shops_are_seeded_differently(trio):
    held = {name: {item["sku"] for item in trio[name].state()["products"]} for name in ("shop", "outlet")}
    assert "SHOP-00001" in held["shop"] - held["outlet"]
    assert "OUTLET-00001" in held["outlet"] - held["shop"]


def test_orders_are_made_out_of_what_the_outlet_holds(trio):
    told = trio["outlet"].control("orders", n=5, seed=1)
    held = {item["sku"] for item in trio["outlet"].state()["products"]}
    assert len(told["orders"]) == 5
    assert set(told["skus"]) <= held


def test_another_process_steers_it_by_its_address(trio):
    found = Standin.at("woocommerce", f"{trio['shop'].url}/")
    assert found.about() == trio["shop"].about() | {"now": found.about()["now"]}
    assert (found.pid, dict(found.secrets)) == (0, {})
    assert len(found.control("orders", n=1, seed=9)["orders"]) == 1
