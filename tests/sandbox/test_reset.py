"""Beginning again: another world under the same address and secrets, with nothing left of the old one."""

import pytest

from pullpush_dagster.sandbox import running


@pytest.fixture(scope="module")
def pair():
    with running({"erp": "odoo", "outlet": "woocommerce"}, skus=40, seed=3) as sandbox:
        yield sandbox


@pytest.mark.parametrize("name", ["erp", "outlet"])
def test_it_begins_again_as_if_newly_started(pair, name):
    # given: a world that has moved on, fails, and ticks
    first = pair[name].reset(skus=40, seed=3)
    before = {what: [row["id"] for row in rows] for what, rows in pair[name].state().items() if isinstance(rows, list)}
    pair["erp"].control("drift", n=10, seed=1)
    pair["outlet"].control("orders", n=5, seed=1)
    pair[name].faults(error_before=0.5)
    pair[name].control("ticking", every=600)
    # when
    pair[name].reset()
    # then
    about, rows = pair[name].about(), pair[name].state()
    assert {what: [row["id"] for row in rows[what]] for what in before} == before
    assert (about["faults"], about["ticking"]["every"], about["ticking"]["ticks"]) == ({}, 0, 0)
    assert (about["skus"], about["seed"]) == (40, 3) == (first["skus"], first["seed"])


def test_it_can_have_another_size_and_seed(pair):
    assert pair["erp"].reset(skus=60, seed=9).items() >= {"skus": 60, "seed": 9}.items()
    assert (pair["erp"].about()["skus"], len(pair["erp"].state()["products"]) >= 60) == (60, True)


def test_the_secrets_and_the_address_stay(pair):
    # given
    outlet = pair["outlet"]
    outlet.reset(seed=8)
    # then: what knew it before still steers it
    assert outlet.about()["seed"] == 8


def test_a_world_too_small_is_refused_and_the_old_one_stays(pair):
    pair["outlet"].reset(skus=40)
    with pytest.raises(ValueError, match="a world has 20 or more products"):
        pair["outlet"].reset(skus=3)
    assert pair["outlet"].about()["skus"] == 40
