"""Runs through Dagster: sync runs, single partitions, ranges, re-materialisation."""

import dagster as dg
import pytest

from pullpush_dagster.orchestration.running import run_sync
from tests.conftest import thinned

RANGE = {"dagster/asset_partition_range_start": "WH", "dagster/asset_partition_range_end": "STORE"}


def _materialise(definitions, instance, *keys, partition=None, tags=None):
    selection = [dg.AssetKey(key.split("/")) for key in keys]
    job = definitions.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=instance, asset_selection=selection, partition_key=partition, tags=tags, raise_on_error=False
    )


def _stages(pull):
    return [f"{pull}/{stage}" for stage in ("pulled", "canonical", "changes")]


def _state(world, entity):
    """Everything a re-run must leave alone: rows without the marks of when they were asked for."""
    columns = "COLUMNS(c -> NOT starts_with(c, '_') OR c = '_cleared')"
    return [
        world.rows(f"SELECT {columns} FROM {table}_{entity} ORDER BY ALL") for table in ("canonical", "baseline")
    ] + [world.rows("SELECT * FROM changes ORDER BY ALL"), world.rows("SELECT * FROM accepted ORDER BY ALL")]


def test_a_sync_run_goes_from_pull_to_push_in_one_run(world, definitions, instance):
    assert run_sync(world.project, definitions, "products_to_shop", instance)
    assert run_sync(world.project, definitions, "stock_to_shop", instance)
    assert world.item("SKU-00002")["stock_quantity"] is not None


@pytest.mark.parametrize(("pull", "partition"), thinned([("erp/stocklevel", "WH"), ("erp/product", None)], 1))
def test_re_materialising_an_unchanged_source_changes_nothing(world, definitions, instance, pull, partition):
    # given
    sync = "stock_to_shop" if partition else "products_to_shop"
    run_sync(world.project, definitions, "products_to_shop", instance)
    run_sync(world.project, definitions, sync, instance)
    before = _state(world, pull.split("/")[1])
    world.shop.clear_stats()
    pulls = world.rows("SELECT count(*) FROM pulls")[0][0]
    # when
    for _ in range(2):
        keys = _stages(pull) if partition else [f"{pull}/pulled", f"{pull}/canonical"]
        day = partition or world.rows("SELECT max(_partition) FROM canonical_product")[0][0]
        assert _materialise(definitions, instance, *keys, partition=day).success
        if not partition:
            assert _materialise(definitions, instance, f"{pull}/changes").success
        assert run_sync(world.project, definitions, sync, instance)
    # then
    assert _state(world, pull.split("/")[1]) == before
    assert [call for call in world.shop.stats() if not call.startswith("GET")] == []
    assert world.rows("SELECT count(*) FROM pulls")[0][0] > pulls
    assert len(list(world.store.raw.iterdir())) == world.rows("SELECT count(*) FROM pulls")[0][0]


def test_one_scope_can_be_materialised_alone(world, definitions, instance):
    assert _materialise(definitions, instance, *_stages("erp/stocklevel"), partition="STORE").success
    assert world.rows("SELECT DISTINCT locationId FROM baseline_stocklevel") == [("STORE",)]


@pytest.mark.parametrize(
    ("asset", "by"),
    [("erp/stocklevel/pulled", "locationId"), ("erp/stocklevel/changes", "locationId"), ("erp/product/pulled", "day")],
)
def test_a_run_without_a_partition_fails_and_says_how_to_name_one(world, definitions, instance, asset, by):
    ran = _materialise(definitions, instance, asset)
    (failure,) = ran.filter_events(lambda event: event.is_step_failure)
    said = failure.step_failure_data.user_failure_data.description
    assert f"is pulled by {by}, and this run names none: give it --partition, such as " in said
    assert ran.get_asset_check_evaluations() == []
    assert world.rows("SELECT count(*) FROM pulls") == [(0,)]


def test_a_range_of_scopes_is_one_run_with_a_result_for_each(world, definitions, instance):
    ran = _materialise(definitions, instance, *_stages("erp/stocklevel"), "shop/stocklevel/stock_to_shop", tags=RANGE)
    assert ran.success
    records = instance.fetch_materializations(dg.AssetKey(["erp", "stocklevel", "changes"]), limit=10).records
    assert {record.partition_key for record in records} == {"WH", "STORE"}
    for record in records:
        assert record.asset_materialization.metadata["inserted"].value > 0


def test_a_failing_check_shows_on_its_own_partition(world, definitions, instance):
    # given: a twin, so that every scope has a quarantined key
    world.erp.control("product", create={"default_code": "TWIN", "name": "A"})
    world.erp.control("product", create={"default_code": "TWIN", "name": "B"})
    # when
    ran = _materialise(definitions, instance, *_stages("erp/stocklevel"), tags=RANGE)
    # then
    found = {
        (evaluation.partition, evaluation.passed)
        for evaluation in ran.get_asset_check_evaluations()
        if evaluation.check_name == "valid" and evaluation.partition
    }
    assert found == {("WH", False), ("STORE", False)}


def test_valid_warns_while_a_record_is_quarantined_though_the_walk_did_not_give_it_again(world, definitions, instance):
    # given: twins, which an hour later are behind the walk's overlap
    for name in ("A", "B"):
        world.erp.control("product", create={"default_code": "TWIN", "name": name})
    run_sync(world.project, definitions, "products_to_shop", instance)
    ((twins,),) = world.rows("SELECT count(*) FROM quarantine WHERE name = 'product'")
    world.rows("UPDATE watermarks SET watermark = watermark + INTERVAL 1 HOUR WHERE name = 'product'")
    # when
    run_sync(world.project, definitions, "products_to_shop", instance)
    # then
    key = dg.AssetCheckKey(dg.AssetKey(["erp", "product", "canonical"]), "valid")
    newest, *_ = instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
    told = newest.event.dagster_event.asset_check_evaluation_data
    assert not told.passed
    assert (told.metadata["quarantined"].value, told.metadata["of this pull"].value) == (twins, 0)


def test_a_held_scope_of_a_range_is_an_error_on_its_own_partition(world, definitions, instance):
    # given
    world.emptied("WH")
    # when
    ran = _materialise(definitions, instance, *_stages("erp/stocklevel"), tags=RANGE)
    # then
    guards = [one for one in ran.get_asset_check_evaluations() if one.check_name == "guard" and one.partition]
    assert {one.partition: one.passed for one in guards} == {"WH": False, "STORE": True}
    assert {one.severity for one in guards} == {dg.AssetCheckSeverity.ERROR}


def test_a_backfill_of_days_repulls_them_and_moves_no_watermark(world, definitions, instance):
    run_sync(world.project, definitions, "products_to_shop", instance)
    before = world.rows("SELECT walk, watermark FROM watermarks ORDER BY ALL")
    days = [row[0] for row in world.rows("SELECT DISTINCT _partition FROM canonical_product ORDER BY 1")][-3:]
    tags = {"dagster/asset_partition_range_start": days[0], "dagster/asset_partition_range_end": days[-1]}
    assert _materialise(definitions, instance, "erp/product/pulled", "erp/product/canonical", tags=tags).success
    assert world.rows("SELECT walk, watermark FROM watermarks ORDER BY ALL") == before
    assert world.rows("SELECT kind FROM pulls ORDER BY pull DESC LIMIT 1") == [("window",)]


def test_a_broken_platform_fails_the_run_with_one_clear_sentence(world, definitions, instance, monkeypatch):
    monkeypatch.setenv("ERP_API_KEY", "wrong")
    ran = _materialise(definitions, instance, "erp/stocklevel/pulled", partition="WH")
    (failure,) = ran.filter_events(lambda event: event.is_step_failure)
    assert not ran.success
    assert failure.step_failure_data.user_failure_data.description.startswith("Odoo answered 401")


def test_a_shadow_sync_runs_and_sends_nothing(world, instance, monkeypatch):
    from pullpush_dagster.config import Project
    from pullpush_dagster.orchestration.loading import project_definitions

    monkeypatch.syspath_prepend(str(world.project.root))
    monkeypatch.setenv("PULLPUSH_DATA", str(world.project.state))
    file = world.project.root / "assets" / "products" / "defs.yaml"
    file.write_text(file.read_text().replace("mode: live", "mode: shadow"))
    project = Project.at(world.project.root)
    world.shop.clear_stats()
    assert run_sync(project, project_definitions(project), "products_to_shop", instance)
    assert world.shop.stats() == {}
    assert world.rows("SELECT count(*) > 0 FROM outbox WHERE state = 'due'") == [(True,)]


def test_a_canonical_asset_shows_a_few_rows_and_bars_of_past_pulls(world, definitions, instance):
    _materialise(definitions, instance, *_stages("erp/stocklevel"), partition="WH")
    (canonical,) = instance.fetch_materializations(dg.AssetKey(["erp", "stocklevel", "canonical"]), limit=1).records
    (pulled,) = instance.fetch_materializations(dg.AssetKey(["erp", "stocklevel", "pulled"]), limit=1).records
    assert "| SKU-00001 | WH |" in canonical.asset_materialization.metadata["sample"].md_str
    assert "█" in pulled.asset_materialization.metadata["records, newest pull last"].md_str
