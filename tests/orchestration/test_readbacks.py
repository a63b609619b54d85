"""The read-back of a push, run through Dagster: what its page shows, and what its run may be told."""

import datetime as dt

import dagster as dg
import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.orchestration.readbacks import _result
from pullpush_dagster.orchestration.shown import drifted
from pullpush_dagster.readback import Drift, ReadBack

KEY = dg.AssetKey(["shop", "stocklevel", "stock_to_shop", "readback"])


@pytest.fixture
def readback(definitions, instance):
    """Runs the read-back's own job once; (the run's result, what its asset shows, its check)."""

    def run(**config):
        job = definitions.resolve_job_def("stock_to_shop_readback")
        ops = {"ops": {KEY.to_python_identifier(): {"config": config}}} if config else {}
        ran = job.execute_in_process(instance=instance, raise_on_error=False, run_config=ops)
        (record,) = instance.fetch_materializations(KEY, limit=1).records
        shown = {name: one.value for name, one in record.asset_materialization.metadata.items()}
        return ran, shown, ran.get_asset_check_evaluations()[0]

    return run


@pytest.fixture
def edited(world):
    """A shop of which one stock level was edited by hand; gives what it was."""
    for name in ("products_to_shop", "stock_to_shop"):
        world.sync(name)
    before = world.item("SKU-00002")["stock_quantity"]
    world.shop.control("product", sku="SKU-00002", set={"stock_quantity": 1000})
    return before


def test_drift_is_a_warning_with_a_sample_and_is_made_due_where_the_run_is_told_to(world, edited, readback):
    ran, shown, check = readback(resend=True)
    assert ran.success
    assert (check.check_name, check.passed, check.severity) == ("as_accepted", False, dg.AssetCheckSeverity.WARN)
    assert (shown["drifted"], shown["gone there"], shown["dagster/row_count"]) == (1, 0, 1)
    assert shown["compared"] > 40
    assert f"| SKU-00002 | default | quantity | {edited}.0000 | 1000.0000 |" in shown["sample"]
    assert world.rows("SELECT state FROM outbox WHERE push = 'stock_to_shop'") == [("due",)]


def test_more_than_the_guard_lets_through_fails_the_run_and_still_shows_what_drifted(world, edited, readback):
    for (sku,) in world.rows(
        "SELECT sku FROM baseline_stocklevel WHERE _scope = 'WH' AND quantity IS NOT NULL LIMIT 25"
    ):
        world.shop.control("product", sku=sku, set={"stock_quantity": 1000})
    assert readback()[0].success
    ran, shown, _ = readback(resend=True)
    assert not ran.success
    assert shown["drifted"] > 20
    assert world.rows("SELECT * FROM outbox WHERE push = 'stock_to_shop'") == []


def test_where_nothing_was_accepted_yet_the_run_is_good_and_says_so(world, readback):
    ran, shown, check = readback(resend=True)
    assert (ran.success, check.passed) == (True, True)
    assert shown["nothing compared"] == "shop has accepted nothing of stock_to_shop yet, so there is nothing to compare"
    assert world.shop.stats() == {}


def test_why_what_is_gone_is_not_told_stands_in_the_check_too():
    now = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
    found = ReadBack(now, now, records=4, compared=4, drifted=0, gone=0, left_out=0, unreadable=2, doubt="WH is closed")
    (check,) = _result(ENTITIES["stocklevel"], found, []).check_results
    assert check.metadata["gone is not told"].value == "WH is closed"


def test_what_says_something_of_a_person_is_not_in_the_sample():
    rows = [Drift('{"email":"ann@b"}', "name", "Ann", "Bob"), Drift('{"email":"ann@b"}', None, {"name": "Ann"}, None)]
    told = drifted(ENTITIES["contact"], rows).value
    assert not any(text in told for text in ("ann@b", "Ann", "Bob"))
    assert "| … | name | … | … |" in told
