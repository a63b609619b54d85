"""The real thing: ``dagster dev``, its daemon and its web server, asked over GraphQL as the UI asks."""

import datetime as dt
import json
import os
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import pytest

from pullpush_dagster.demo.comparing import differences
from pullpush_dagster.orchestration.schedules import sync_tags
from tests.conftest import ROOT, at_length
from tests.orchestration.dagster_dev import until

# One `dagster dev` for all of them, so they stay in one process of pytest.
pytestmark = [pytest.mark.xdist_group("dagster dev"), pytest.mark.timeout(240)]
ASSETS = "{ assetNodes { assetKey { path } isPartitioned dependencyKeys { path } } }"
DAYS = int(os.environ.get("PULLPUSH_DAYS", "2"))  # the issue's own number is 14
LOCKED = ("Could not set lock", "database is locked", "StoreBusyError", "was held by process", "has the store open")


def _days(count):
    today = dt.datetime.now(dt.UTC).date()
    return [str(today - dt.timedelta(days=back)) for back in range(count, 0, -1)]


def _sync_tags(living, sync):
    return sync_tags(living.project, [living.project.pull(id_) for id_ in living.project.push(sync).from_])


def test_the_first_syncs_run_without_any_hand_and_the_shop_agrees(living):
    # then: the fixture has waited for them; nobody launched one
    first = {run["jobName"] for run in living.dev.runs() if run["status"] == "SUCCESS"}
    assert set(living.project.pushes) <= first
    for shop in ("shop", "outlet"):
        assert differences(living.project, living.before[shop], shop) == []


def test_the_lineage_runs_from_the_erp_to_the_shops_and_back(living):
    nodes = {"/".join(node["assetKey"]["path"]): node for node in living.dev.ask(ASSETS)["assetNodes"]}
    assert nodes["shop/product/products_to_shop"]["dependencyKeys"] == [{"path": ["erp", "product", "changes"]}]
    assert {"path": ["erp", "order", "orders_to_erp"]} in nodes["erp/stocklevel"]["dependencyKeys"]
    assert nodes["erp/stocklevel/changes"]["isPartitioned"]


def test_a_users_own_asset_stands_downstream(living):
    # given: the fixture dropped a file into assets/
    nodes = {"/".join(node["assetKey"]["path"]): node for node in living.dev.ask(ASSETS)["assetNodes"]}
    assert nodes["best_sellers"]["dependencyKeys"] == [{"path": ["shop", "order", "canonical"]}]


def test_runs_at_once_all_succeed_or_wait(living):
    # given: work for all of them; one after the other is given a process, which takes seconds
    living.erp.control("drift", n=20, seed=8)
    syncs = [
        "stock_to_shop",
        "products_to_shop",
        "stock_to_shop",
        "stock_to_shop",
        "products_to_outlet",
        "stock_to_outlet",
    ]
    syncs = syncs if os.environ.get("PULLPUSH_FULL") else syncs[:2]
    # when
    runs = [living.dev.launch(sync, _sync_tags(living, sync)) for sync in syncs]
    runs.append(living.dev.launch("stock_to_shop", {"dagster/partition": "WH"}))
    runs.append(living.dev.launch("stock_to_shop_push"))
    ended = living.dev.ended(*runs, seconds=150)
    # then
    assert Counter(ended.values()) == {"SUCCESS": len(syncs) + 2}
    # The sensor may have launched another meanwhile, which gives its slot back too.
    until(lambda: living.dev.taken_slots() == 0)
    assert [word for word in LOCKED if word in living.dev.log.read_text()] == []


def test_two_runs_of_one_push_never_send_at_the_same_time(living):
    # given: the runs before; every send tells when it began and ended
    query = """query($id: ID!) { runOrError(runId: $id) { ... on Run { stepStats { stepKey startTime endTime } } } }"""
    spans = []
    for run in living.dev.runs():
        stats = living.dev.ask(query, id=run["runId"])["runOrError"]["stepStats"]
        spans += [(s["startTime"], s["endTime"]) for s in stats if s["stepKey"].endswith("stock_to_shop_send")]
    spans = sorted(span for span in spans if all(span))
    assert len(spans) > 1
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@dataclass(frozen=True)
class History:
    """Stretches of days that were asked for again, in every way there is, at one time."""

    days: list[str]
    watermarks: tuple[object, object]
    job_from_ui: str
    assets_from_ui: str
    job_from_cli: str
    range_from_cli: str
    own_from_cli: str


@pytest.fixture(scope="module", params=["orders_to_erp"])
def history(request, living):
    """The daemon looks for backfills of the web UI every 30 s; meanwhile the command line is at work."""
    job, days, cli = request.param, _days(DAYS), living.dev.cli
    before = _watermarks(living)
    keys = [{"path": ["erp", "product", stage]} for stage in ("pulled", "canonical")]
    job_from_ui = living.dev.backfill(job=job, partitionNames=days)
    assets_from_ui = living.dev.backfill(assetSelection=keys, partitionNames=days)
    span, workspace = ("--from", days[0], "--to", days[-1], "--noprompt"), str(ROOT / "workspace.yaml")
    told = cli("dagster", "job", "backfill", "-w", workspace, "-j", job, *span, cwd=living.elsewhere)
    job_from_cli = told.split("Launched backfill job `")[1].split("`")[0]
    select = ("dagster", "asset", "materialize", "-m", "pullpush_dagster.definitions", "--select")
    product = "erp/product/pulled,erp/product/canonical"
    ranged = cli(*select, product, "--partition-range", f"{days[0]}...{days[-1]}", cwd=living.elsewhere)
    own = cli(*select, "best_sellers", cwd=living.elsewhere)
    living.dev.backfilled(job_from_ui)
    living.dev.backfilled(assets_from_ui)
    living.dev.backfill_runs(job_from_cli, DAYS)
    return History(days, (before, _watermarks(living)), job_from_ui, assets_from_ui, job_from_cli, ranged, own)


def _watermarks(living):
    return living.rows("SELECT connection, name, walk, watermark FROM watermarks ORDER BY ALL")


@at_length
def test_a_backfill_of_days_from_the_command_line_is_a_run_for_each(living, history):
    assert living.dev.backfill_runs(history.job_from_cli, DAYS) == ["SUCCESS"] * DAYS


@at_length
def test_a_backfill_of_days_from_the_web_ui_runs_to_the_push(living, history):
    runs = living.dev.backfill_runs(history.job_from_ui, 1)
    assert set(runs) == {"SUCCESS"}


@at_length
def test_a_backfill_of_assets_from_the_web_ui_is_one_run(living, history):
    assert living.dev.backfill_runs(history.assets_from_ui, 1) == ["SUCCESS"]


@at_length
def test_a_range_of_partitions_from_the_command_line_is_one_pull(living, history):
    assert "RUN_SUCCESS" in history.range_from_cli
    last = dt.date.fromisoformat(history.days[-1]) + dt.timedelta(days=1)
    span = "CAST(windowStart AS DATE), CAST(windowEnd AS DATE)"
    windows = living.rows(f"SELECT DISTINCT {span} FROM pulls WHERE kind = 'window' AND name = 'product'")
    assert windows == [(dt.date.fromisoformat(history.days[0]), last)]


@at_length
def test_a_users_own_asset_materialises(history):
    assert "RUN_SUCCESS" in history.own_from_cli


@at_length
def test_backfills_ask_for_exactly_their_days_and_move_no_watermark(living, history):
    windows = living.rows("SELECT DISTINCT CAST(windowStart AS DATE) FROM pulls WHERE kind = 'window'")
    assert {str(day) for (day,) in windows} == set(history.days)
    assert history.watermarks[0] == history.watermarks[1]


@at_length
def test_each_order_is_in_the_erp_once_after_all_that(living, history):
    # given: an order that was placed while backfills ran
    placed = living.shop.control("orders", n=4, seed=44)["orders"]
    run = living.dev.launch("orders_to_erp", _sync_tags(living, "orders_to_erp"))
    assert list(living.dev.ended(run).values()) == ["SUCCESS"]
    # then
    references = Counter(sale["client_order_ref"] for sale in living.erp.state()["orders"])
    assert max(references.values()) == 1
    assert references.keys() >= {f"shop:{order}" for order in placed} - living.rejected()


def test_what_becomes_due_is_sent_though_nobody_launches_it(living):
    # given: a push failed for a while, so that something is due and no run is under way
    living.dev.idle()
    living.rows(
        "INSERT INTO outbox (push, key, source, sequence, desired, state, attempts, dueAt, queuedAt)"
        " SELECT 'stock_to_shop', key, source, 1, fields, 'due', 0, now(), now() FROM accepted"
        " WHERE connection = 'shop' AND entity = 'stocklevel' LIMIT 1 RETURNING key"
    )
    # then
    until(lambda: not living.rows("SELECT * FROM outbox WHERE push = 'stock_to_shop' AND state <> 'dead'"), 120)


def test_the_sensor_has_launched_the_first_syncs(living):
    assert {run["jobName"] for run in living.dev.runs() if _is_due(run)} >= {"products_to_shop", "orders_to_erp"}


def _is_due(run):
    return {"key": "dagster/sensor_name", "value": "due"} in run["tags"]


def test_nothing_was_written_where_it_was_started(living):
    assert list(living.elsewhere.iterdir()) == []
    strays = [path for path in os.scandir(living.project.root) if path.name not in living.files]
    assert [path.name for path in strays] == []


def test_no_log_has_a_lock_error_or_a_secret(living):
    text = living.dev.log.read_text()
    assert [word for word in LOCKED if word in text] == []
    assert [secret for secret in living.secrets if secret in text] == []
    assert [secret for secret in living.secrets if secret in json.dumps(living.dev.runs())] == []
