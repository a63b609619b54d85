"""What Dagster sees of a project: keys, lineage, partitions, checks, jobs, schedules."""

import datetime as dt

import dagster as dg
import pytest

from pullpush_dagster.errors import ConfigError
from pullpush_dagster.orchestration.loading import project_definitions
from pullpush_dagster.orchestration.schedules import cron


@pytest.fixture
def definitions(shipped):
    """The shipped project as Dagster sees it; no platform is needed for that."""
    return shipped


def _keys(definitions):
    return {"/".join(key.path) for key in definitions.resolve_asset_graph().get_all_asset_keys()}


def test_every_pull_and_push_has_its_assets(definitions):
    assert _keys(definitions) == {
        "erp/product",
        "erp/product/pulled",
        "erp/product/canonical",
        "erp/product/changes",
        "erp/stocklevel",
        "erp/stocklevel/pulled",
        "erp/stocklevel/canonical",
        "erp/stocklevel/changes",
        "shop/product/products_to_shop",
        "shop/stocklevel/stock_to_shop",
    }


def test_the_lineage_runs_from_the_platform_to_the_push(definitions):
    graph = definitions.resolve_asset_graph()
    chain, key = [], dg.AssetKey(["shop", "stocklevel", "stock_to_shop"])
    while graph.get(key).parent_keys:
        (key,) = graph.get(key).parent_keys
        chain.append("/".join(key.path))
    assert chain == ["erp/stocklevel/changes", "erp/stocklevel/canonical", "erp/stocklevel/pulled", "erp/stocklevel"]
    assert graph.get(key).is_external


def test_full_pulls_are_partitioned_by_scope_and_filtered_ones_by_day(definitions):
    graph = definitions.resolve_asset_graph()
    by_scope = graph.get(dg.AssetKey(["erp", "stocklevel", "changes"])).partitions_def
    by_day = graph.get(dg.AssetKey(["erp", "product", "pulled"])).partitions_def
    assert by_scope.get_partition_keys() == ["WH", "STORE"]
    assert isinstance(by_day, dg.DailyPartitionsDefinition)
    assert by_day.get_last_partition_key() == str(dt.datetime.now(dt.UTC).date())


def test_changes_of_days_and_pushes_are_not_partitioned(definitions):
    graph = definitions.resolve_asset_graph()
    assert graph.get(dg.AssetKey(["erp", "product", "changes"])).partitions_def is None
    assert graph.get(dg.AssetKey(["shop", "product", "products_to_shop"])).partitions_def is None


def test_every_asset_has_group_owner_kind_stage_and_a_single_run_policy(definitions):
    graph = definitions.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        assert node.group_name in ("stocklevel", "product")
        assert node.owners == ["team:integrations"]
        assert node.kinds
        assert "pullpush/stage" in node.tags
        assert node.backfill_policy == dg.BackfillPolicy.single_run()


def test_canonical_assets_show_the_columns_of_their_entity(definitions):
    node = definitions.resolve_asset_graph().get(dg.AssetKey(["erp", "stocklevel", "canonical"]))
    columns = [column.name for column in node.metadata["dagster/column_schema"].columns]
    assert columns == ["sku", "locationId", "quantity", "updatedAt"]


def test_each_stage_has_its_check(definitions):
    checks = definitions.resolve_asset_graph().asset_check_keys
    assert {("/".join(key.asset_key.path), key.name) for key in checks} >= {
        ("erp/stocklevel/pulled", "complete"),
        ("erp/stocklevel/canonical", "valid"),
        ("erp/stocklevel/changes", "guard"),
        ("shop/stocklevel/stock_to_shop", "delivered"),
    }


def test_a_push_is_three_ops(definitions):
    job = definitions.resolve_job_def("stock_to_shop")
    (graph,) = [node.definition for node in job.graph.nodes if isinstance(node.definition, dg.GraphDefinition)]
    assert [node.name for node in graph.nodes_in_topological_order] == [
        "stock_to_shop_claim",
        "stock_to_shop_send",
        "stock_to_shop_confirm",
    ]


def test_every_becomes_a_schedule(definitions):
    schedules = definitions.get_repository_def().schedule_defs
    lines = {schedule.name: schedule.cron_schedule for schedule in schedules}
    assert lines == {"products_to_shop_schedule": "0 */1 * * *", "stock_to_shop_schedule": "*/15 * * * *"}


@pytest.mark.parametrize(
    ("seconds", "line"),
    [(60, "*/1 * * * *"), (900, "*/15 * * * *"), (3600, "0 */1 * * *"), (86400, "0 0 */1 * *")],
)
def test_a_duration_as_a_cron_line(seconds, line):
    assert cron(seconds) == line


def test_a_push_whose_source_does_not_exist_is_refused_at_load(world, monkeypatch):
    monkeypatch.syspath_prepend(str(world.project.root))
    file = world.project.root / "assets" / "stock" / "defs.yaml"
    file.write_text(file.read_text().replace("from: erp/stocklevel", "from: erp/invoice"))
    with pytest.raises(ConfigError, match=r"assets/stock/defs.yaml:11 from: erp/invoice is not a pull"):
        project_definitions(type(world.project)(world.project.root, world.project.state))


def test_a_plain_asset_dropped_into_assets_joins_the_lineage(world, monkeypatch):
    # given: a user's own asset that reads canonical rows
    folder = world.project.root / "assets" / "reports"
    folder.mkdir()
    (folder / "low_stock.py").write_text(
        "import dagster as dg\n\n\n"
        '@dg.asset(deps=[dg.AssetKey(["erp", "stocklevel", "canonical"])])\n'
        "def low_stock() -> None: ...\n"
    )
    monkeypatch.syspath_prepend(str(world.project.root))
    # when
    graph = project_definitions(world.project).resolve_asset_graph()
    # then
    assert graph.get(dg.AssetKey("low_stock")).parent_keys == {dg.AssetKey(["erp", "stocklevel", "canonical"])}
