"""What Dagster sees of a project: keys, lineage, partitions, checks, jobs, schedules."""

import datetime as dt

import dagster as dg
import pytest

from pullpush_dagster.config import Project, Push
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.orchestration.fulls import full_cron
from pullpush_dagster.orchestration.loading import project_definitions
from pullpush_dagster.orchestration.readbacks import readback_definitions
from pullpush_dagster.orchestration.schedules import cron


@pytest.fixture
def definitions(shipped):
    """The shipped project as Dagster sees it; no platform is needed for that."""
    return shipped


@pytest.fixture
def project():
    """The shipped project's files."""
    return Project.find()


def _keys(definitions):
    return {"/".join(key.path) for key in definitions.resolve_asset_graph().get_all_asset_keys()}


def _names(definitions):
    return definitions.get_repository_def().job_names


def test_every_pull_and_push_has_its_assets(definitions):
    pulls = ("erp/product", "erp/stocklevel", "shop/order", "outlet/order")
    stages = {f"{pull}/{stage}" for pull in pulls for stage in ("pulled", "canonical", "changes")}
    pushes = {
        "shop/product/products_to_shop",
        "outlet/product/products_to_outlet",
        "shop/stocklevel/stock_to_shop",
        "outlet/stocklevel/stock_to_outlet",
        "erp/order/orders_to_erp",
    }
    readbacks = {f"{push}/readback" for push in pushes - {"erp/order/orders_to_erp"}}
    assert _keys(definitions) == {*pulls, *stages, *pushes, *readbacks, "erp/product/full"}


def _chain(graph, *key):
    """The one way upstream from ``key``, as far as there is just one."""
    chain, node = [], graph.get(dg.AssetKey(key))
    while len(node.parent_keys) == 1:
        (parent,) = node.parent_keys
        chain.append("/".join(parent.path))
        node = graph.get(parent)
    return chain


def test_the_lineage_runs_from_the_platform_to_the_push(definitions):
    graph = definitions.resolve_asset_graph()
    chain = _chain(graph, "shop", "stocklevel", "stock_to_shop")
    stages = [f"erp/stocklevel/{stage}" for stage in ("changes", "canonical", "pulled")]
    assert chain[:4] == [*stages, "erp/stocklevel"]
    assert graph.get(dg.AssetKey(["erp", "stocklevel"])).is_external


def test_the_lineage_runs_back_from_the_shops_orders_to_the_stock_of_both_shops(definitions):
    # given: the order push says that it affects stock
    graph = definitions.resolve_asset_graph()
    # then
    assert graph.get(dg.AssetKey(["erp", "order", "orders_to_erp"])).parent_keys == {
        dg.AssetKey(["shop", "order", "changes"]),
        dg.AssetKey(["outlet", "order", "changes"]),
    }
    assert graph.get(dg.AssetKey(["erp", "stocklevel"])).parent_keys == {dg.AssetKey(["erp", "order", "orders_to_erp"])}


def test_the_full_audit_stands_beside_the_walk_upstream_of_the_changes(definitions):
    graph = definitions.resolve_asset_graph()
    full = graph.get(dg.AssetKey(["erp", "product", "full"]))
    assert full.parent_keys == {dg.AssetKey(["erp", "product"])}
    assert full.child_keys == {dg.AssetKey(["erp", "product", "changes"])}
    assert full.partitions_def is None


def test_only_pulls_that_follow_a_stamp_and_are_not_switched_off_have_a_full_audit(definitions):
    assert [name for name in _names(definitions) if name.endswith("_full")] == ["erp_product_full"]


def test_a_read_back_stands_downstream_of_its_push_with_a_job_and_a_daily_schedule_of_its_own(definitions):
    key = dg.AssetKey(["shop", "stocklevel", "stock_to_shop", "readback"])
    assert definitions.resolve_asset_graph().get(key).parent_keys == {
        dg.AssetKey(["shop", "stocklevel", "stock_to_shop"])
    }
    job = definitions.resolve_job_def("stock_to_shop_readback")
    assert job.asset_layer.executable_asset_keys == {key}
    schedule = definitions.get_repository_def().get_schedule_def("stock_to_shop_readback_schedule")
    assert (schedule.job_name, schedule.cron_schedule) == ("stock_to_shop_readback", "17 4 */1 * *")


def test_a_destination_that_cannot_be_asked_has_no_read_back(definitions):
    assert {name for name in _names(definitions) if name.endswith("_readback")} == {
        f"{kind}_to_{shop}_readback" for kind in ("products", "stock") for shop in ("outlet", "shop")
    }


@pytest.mark.parametrize(
    ("attributes", "jobs", "lines"),
    [
        ({"mode": "live", "readback": "12h"}, ["to_shop_readback"], ["17 */12 * * *"]),
        ({"mode": "live", "readback": "off"}, ["to_shop_readback"], []),
        ({"mode": "shadow"}, [], []),
    ],
)
def test_the_file_says_how_often_a_live_push_is_read_back(project, attributes, jobs, lines):
    given = {"name": "to_shop", "from": "erp/stocklevel", "to": "shop", **attributes}
    made = readback_definitions(project, Push.model_validate(given))
    assert [job.name for job in made.jobs or ()] == jobs
    assert [schedule.cron_schedule for schedule in made.schedules or ()] == lines


def test_the_full_audits_job_runs_every_push_that_reads_the_pull(definitions):
    job = definitions.resolve_job_def("erp_product_full")
    assert {"/".join(key.path) for key in job.asset_layer.executable_asset_keys} == {
        "erp/product/full",
        "erp/product/changes",
        "shop/product/products_to_shop",
        "outlet/product/products_to_outlet",
    }


def test_every_sync_has_a_job_of_its_own_for_the_push_alone(definitions):
    assert {"stock_to_shop", "stock_to_shop_push", "orders_to_erp", "orders_to_erp_push"} <= set(_names(definitions))
    job = definitions.resolve_job_def("stock_to_shop_push")
    assert job.asset_layer.executable_asset_keys == {dg.AssetKey(["shop", "stocklevel", "stock_to_shop"])}


def test_the_sensor_runs_from_the_start_and_can_launch_every_live_sync(definitions):
    (sensor,) = definitions.get_repository_def().sensor_defs
    assert (sensor.name, sensor.minimum_interval_seconds) == ("due", 4)
    assert sensor.default_status == dg.DefaultSensorStatus.RUNNING
    assert {"stock_to_outlet", "stock_to_outlet_push", "orders_to_erp_push"} <= {job.name for job in sensor.jobs}


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
        assert node.group_name in ("stocklevel", "product", "order")
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


def test_every_becomes_a_schedule_that_runs_from_the_start(definitions):
    schedules = definitions.get_repository_def().schedule_defs
    lines = {schedule.name: schedule.cron_schedule for schedule in schedules}
    assert lines["products_to_shop_schedule"] == "0 */1 * * *"
    assert lines["orders_to_erp_schedule"] == "*/5 * * * *"
    assert lines["sweep_schedule"] == "*/10 * * * *"
    assert {schedule.default_status for schedule in schedules} == {dg.DefaultScheduleStatus.RUNNING}


def test_a_pull_that_no_push_reads_runs_as_often_as_it_says(world, monkeypatch, instance):
    # given: a report of the project's own reads it
    file = world.project.root / "assets" / "stock" / "defs.yaml"
    file.write_text(file.read_text().split("---\n")[0])
    monkeypatch.syspath_prepend(str(world.project.root))
    definitions = project_definitions(Project.at(world.project.root))
    # then
    schedule = definitions.get_repository_def().get_schedule_def("erp_stocklevel_pull_schedule")
    assert (schedule.job_name, schedule.cron_schedule) == ("erp_stocklevel_pull", "*/5 * * * *")
    context = dg.build_schedule_context(instance, repository_def=definitions.get_repository_def())
    (request,) = schedule.evaluate_tick(context).run_requests
    job = definitions.resolve_job_def("erp_stocklevel_pull")
    assert job.execute_in_process(instance=instance, tags=request.tags).success
    assert world.rows("SELECT count(*) > 0 FROM baseline_stocklevel") == [(True,)]


@pytest.mark.parametrize(
    ("seconds", "line"),
    [(86400, "17 3 */1 * *"), (172800, "17 3 */2 * *"), (21600, "17 */6 * * *"), (600, "*/10 * * * *")],
)
def test_a_full_audit_keeps_clear_of_minute_0(seconds, line):
    assert full_cron(seconds) == line


@pytest.mark.parametrize(
    ("seconds", "line"),
    [(60, "*/1 * * * *"), (900, "*/15 * * * *"), (3600, "0 */1 * * *"), (86400, "0 0 */1 * *")],
)
def test_a_duration_as_a_cron_line(seconds, line):
    assert cron(seconds) == line


def test_a_duration_that_one_cron_line_cannot_say_has_several():
    assert cron(5400) == ["0 0,3,6,9,12,15,18,21 * * *", "30 1,4,7,10,13,16,19,22 * * *"]


@pytest.mark.parametrize("minutes", [61, 75, 90, 100, 719, 1439])
def test_it_runs_that_often_from_midnight_on(minutes):
    ran = {60 * int(hour) + int(line.split()[0]) for line in cron(60 * minutes) for hour in line.split()[1].split(",")}
    assert sorted(ran) == list(range(0, 24 * 60, minutes))


def test_a_push_whose_source_does_not_exist_is_refused_at_load(world, monkeypatch):
    monkeypatch.syspath_prepend(str(world.project.root))
    file = world.project.root / "assets" / "stock" / "defs.yaml"
    file.write_text(file.read_text().replace("from: erp/stocklevel", "from: erp/invoice"))
    with pytest.raises(ConfigError, match=r"assets/stock/defs.yaml:\d+ from: erp/invoice is not a pull"):
        project_definitions(type(world.project)(world.project.root, world.project.state))


@pytest.mark.parametrize("folder", ["resources", "assets", "assets/.hidden", "assets/notes"])
def test_a_project_without_a_sync_loads_with_nothing_in_it(tmp_path, monkeypatch, folder):
    # given: what a new project is before its first file
    (tmp_path / folder).mkdir(parents=True)
    (tmp_path / folder / "README.md").write_text("Here will be syncs.")
    (tmp_path / "pyproject.toml").write_text((Project.find().root / "pyproject.toml").read_text())
    monkeypatch.syspath_prepend(str(tmp_path))
    # when
    found = project_definitions(Project.at(tmp_path))
    # then
    assert _keys(found) == set()


def test_a_push_follows_each_of_its_pulls_also_where_their_names_run_together(world, monkeypatch):
    # given: shop/eu_order and shop_eu/order
    root = world.project.root
    shop = (root / "resources" / "shop.yaml").read_text()
    (root / "resources" / "shop_eu.yaml").write_text(shop.replace("connection: shop", "connection: shop_eu"))
    pull = "type: pullpush_dagster.Pull\nattributes: {connection: %s, entity: order%s}\n"
    push = "type: pullpush_dagster.Push\nattributes: {name: eu, from: [shop/eu_order, shop_eu/order], to: erp}\n"
    (root / "assets" / "eu").mkdir()
    texts = [pull % ("shop", ", as: eu_order"), pull % ("shop_eu", ""), push]
    (root / "assets" / "eu" / "defs.yaml").write_text("---\n".join(texts))
    monkeypatch.syspath_prepend(str(root))
    # when
    graph = project_definitions(Project.at(root)).resolve_asset_graph()
    # then
    assert graph.get(dg.AssetKey(["erp", "order", "eu"])).parent_keys == {
        dg.AssetKey(["shop", "eu_order", "changes"]),
        dg.AssetKey(["shop_eu", "order", "changes"]),
    }


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
