"""Platforms that fail in every way they were seen to; after the faults, source and destination agree."""

import re
from importlib.resources import files

import pytest

from pullpush_dagster.demo.comparing import differences, items_of_shop
from pullpush_dagster.errors import AuthError, UnavailableError
from tests.conftest import thinned

SYNCS = ("products_to_shop", "stock_to_shop")

SHOP_FAULTS = {
    "an error before anything was done": {"error_before": 0.3},
    "an error after all was done": {"error_after": 0.3},
    "a connection closed after all was done": {"close_after": 0.3},
    "a body shorter than it says": {"truncate": 0.3},
    "a body that stops in the middle of its JSON": {"cut_json": 0.3},
    "a burst of 429": {"throttle_requests": 3, "retry_after": 0},
}


@pytest.fixture
def quick(world):
    """A world that waits little: unknown outcomes settle at once, and reads are tried twice."""
    _adapt(world, "woocommerce", (r"batch: 100\b", "settle: 0.01\n      batch: 20"))
    _adapt(world, "odoo", ("limits: {", "limits: {attempts: 2, "))
    return world


def _adapt(world, connector, edit):
    """Give the project its own copy of a built-in connector, with one edit."""
    text = (files("pullpush_dagster.connectors") / f"{connector}.yaml").read_text(encoding="utf-8")
    own = world.project.root / "resources" / "connectors" / f"{connector}.yaml"
    own.write_text(re.sub(*edit, text), encoding="utf-8")


@pytest.mark.parametrize("fault", thinned(SHOP_FAULTS, 2))
def test_the_shop_is_right_once_the_faults_are_over(quick, fault):
    # given
    before = items_of_shop(quick.project, "shop")
    quick.shop.faults(**SHOP_FAULTS[fault], seed=3)
    # when
    for sync in SYNCS:
        quick.sync(sync, patience=3)
    assert sum(quick.shop.injected().values()) > 0
    quick.shop.faults()
    for _ in range(3):
        for sync in SYNCS:
            quick.rows("UPDATE outbox SET dueAt = now() WHERE state = 'due' RETURNING key")
            quick.push(sync, patience=3)
    # then
    assert differences(quick.project, before) == []
    assert quick.rows("SELECT * FROM outbox") == []


def test_no_product_is_created_twice_when_the_reply_is_lost(quick):
    quick.shop.faults(close_after=0.5, seed=3)
    quick.sync("products_to_shop", patience=3)
    quick.shop.faults()
    quick.rows("UPDATE outbox SET dueAt = now() RETURNING key")
    quick.sync("products_to_shop", patience=3)
    skus = [item["sku"] for item in quick.items() if item["sku"]]
    assert len(skus) == len(set(skus))


@pytest.mark.parametrize("fault", [{"truncate": 1.0}, {"cut_json": 1.0}, {"error_before": 1.0}])
def test_a_pull_that_breaks_off_leaves_the_store_as_it_was(quick, fault):
    # given
    world = quick
    world.pull("erp/stocklevel")
    world.erp.control("stock", sku="SKU-00002", warehouse="WH", quantity=77)
    before = world.rows("SELECT * FROM canonical_stocklevel ORDER BY ALL")
    # when: the second of two pages never comes whole
    world.erp.faults(**fault, path="/json/2/product.product/search_read")
    with pytest.raises(UnavailableError, match="erp/stocklevel"):
        world.pull("erp/stocklevel")
    # then
    assert world.rows("SELECT * FROM canonical_stocklevel ORDER BY ALL") == before
    assert world.rows("SELECT count(*) FROM pulls")[0][0] == 2
    assert list(world.store.staging.iterdir()) == []


def test_a_pull_survives_a_few_faults_by_asking_again(world):
    world.erp.faults(error_before=1.0, count=2, path="/json/2/product.product/search_read")
    world.pull("erp/product")
    assert world.rows("SELECT count(*) > 50 FROM canonical_product")[0][0]


def test_refused_credentials_stop_the_push_and_lose_nothing(world, monkeypatch):
    world.pull("erp/product")
    monkeypatch.setenv("SHOP_SECRET", "wrong")
    with pytest.raises(AuthError, match="shop"):
        world.push("products_to_shop")
    due = world.rows("SELECT count(*) FROM outbox WHERE state = 'due'")[0][0]
    assert due == world.rows("SELECT count(*) FROM baseline_product")[0][0]


def test_an_attempt_of_a_refused_credential_is_not_counted_against_the_record(world, monkeypatch):
    world.pull("erp/product")
    with monkeypatch.context() as wrong:
        wrong.setenv("SHOP_SECRET", "wrong")
        for _ in range(11):
            with pytest.raises(AuthError):
                world.push("products_to_shop")
    world.rows("UPDATE outbox SET dueAt = now() RETURNING key")
    world.push("products_to_shop")
    assert world.rows("SELECT * FROM outbox WHERE state = 'dead'") == []
