"""One scope that cannot be asked, or read, does not stop the others."""

import dagster as dg
import pytest

from pullpush_dagster.config import Project
from pullpush_dagster.errors import RejectError
from pullpush_dagster.orchestration import pulls
from pullpush_dagster.orchestration.loading import project_definitions
from pullpush_dagster.orchestration.running import run_sync


@pytest.fixture
def stock(world, instance, monkeypatch):
    """Runs the sync of stock with other locations than the project has; whether it went through."""
    monkeypatch.syspath_prepend(str(world.project.root))
    monkeypatch.setenv("PULLPUSH_DATA", str(world.project.state))
    file = world.project.root / "assets" / "stock" / "defs.yaml"

    def run(locations, sent="[WH]"):
        text = file.read_text()
        assert "[WH, STORE]" in text
        file.write_text(
            text.replace("[WH, STORE]", locations).replace("only: {locationId: [WH]", f"only: {{locationId: {sent}")
        )
        project = Project.at(world.project.root)
        return run_sync(project, project_definitions(project), "stock_to_shop", instance)

    return run


def _evaluations(instance, stage, check):
    """Whether the check passed and what it says, of the newest run: of each partition (None: of the run)."""
    key = dg.AssetCheckKey(dg.AssetKey(["erp", "stocklevel", stage]), check)
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    return [record.event.dagster_event.asset_check_evaluation_data for record in records]


@pytest.mark.parametrize("locations", ["[WH, GONE]", "[GONE, WH]"])
def test_a_scope_that_cannot_be_asked_does_not_stop_the_others(world, stock, locations):
    assert stock(locations)
    assert world.rows("SELECT DISTINCT scope FROM pulls WHERE name = 'stocklevel'") == [("WH",)]
    assert world.rows("SELECT count(*) > 0 FROM outbox WHERE push = 'stock_to_shop'") == [(True,)]


def test_a_scope_that_cannot_be_asked_fails_the_check_which_names_it_and_says_why(stock, instance):
    stock("[WH, GONE]")
    told = _evaluations(instance, "pulled", "complete")
    (whole,) = [one for one in told if "failed" in one.metadata]
    assert (whole.passed, whole.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert list(whole.metadata["failed"].value) == ["erp/stocklevel GONE"]
    assert {one.partition: one.passed for one in told if one is not whole} == {"WH": True, "GONE": False}


def test_a_run_of_which_no_scope_could_be_asked_fails(stock):
    assert not stock("[GONE, LOST]", sent="[GONE]")


def test_a_scope_that_cannot_be_read_does_not_stop_the_others(world, stock, instance, monkeypatch):
    # given
    read = pulls.read_pulls

    def broken(project, store, pull, scope):
        if scope == "WH":
            raise RejectError("its pages are not what they were")
        return read(project, store, pull, scope)

    monkeypatch.setattr(pulls, "read_pulls", broken)
    # when
    assert stock("[WH, STORE]")
    # then
    assert world.rows("SELECT DISTINCT locationId FROM baseline_stocklevel") == [("STORE",)]
    (told,) = [one for one in _evaluations(instance, "canonical", "valid") if "failed" in one.metadata]
    assert told.metadata["failed"].value == {"erp/stocklevel WH": "its pages are not what they were"}
    assert told.severity == dg.AssetCheckSeverity.ERROR
