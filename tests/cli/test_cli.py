"""The command line, as an operator and a data engineer use it."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from pullpush_dagster.config import Project
from pullpush_dagster.errors import ForbiddenError, PullPushError
from pullpush_dagster.status import sync_status

STATUS = {"sync", "mode", "last pull", "lag", "pending", "waiting", "quarantined", "held", "dead", "trouble"}


def _edit(world, file, before, after):
    path = world.project.root / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def test_whoever_only_looks_does_not_wait_for_pandas():
    # They take most of a second to import; only a pull has frames to validate.
    heavy = "{'pandas', 'pandera'} & {*sys.modules}"
    code = f"import sys, pullpush_dagster.cli, pullpush_dagster.orchestration; print({heavy})"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


def test_check_is_content_with_the_shipped_files(run):
    result = run("check")
    assert (result.exit_code, result.output) == (0, "all is well: 2 connections, 3 pulls, 3 syncs\n")


@pytest.mark.parametrize(
    ("file", "before", "after", "complaint"),
    [
        (
            "assets/stock/defs.yaml",
            "every: 5m",
            "evry: 5m",
            "assets/stock/defs.yaml:5 evry: is not known here; allowed:",
        ),
        (
            "assets/stock/defs.yaml",
            "to: shop",
            "to: shoop",
            "assets/stock/defs.yaml:12 to: shoop is no connection; there are erp, shop",
        ),
        (
            "resources/shop.yaml",
            "woocommerce",
            "woocomerce",
            "resources/shop.yaml:2 connector: there is no connector 'woocomerce'",
        ),
        (
            "resources/shop.yaml",
            "SHOP_KEY",
            "ck_1234",
            "resources/shop.yaml:4 secrets.key: must be the NAME of an environment variable",
        ),
    ],
)
def test_check_names_file_line_key_and_what_is_allowed(world, run, file, before, after, complaint):
    _edit(world, file, before, after)
    result = run("check")
    assert result.exit_code == 1
    assert complaint in result.output
    assert "ck_1234" not in result.output


@pytest.mark.parametrize("command", [("status",), ("plan", "products_to_shop"), ("explain", "products_to_shop", "A")])
def test_whatever_reads_a_file_with_an_entity_that_there_is_not_says_so(world, run, command):
    _edit(world, "assets/products/defs.yaml", "entity: product", "entity: products")
    _edit(world, "assets/products/defs.yaml", "erp/product", "erp/products")
    result = run(*command)
    assert result.exit_code == 1
    assert "assets/products/defs.yaml:4 entity: is not one of stocklevel, order, product" in result.stderr


def test_try_shows_canonical_rows_and_stores_nothing(world, run):
    result = run("try", "erp", "stocklevel", "--rows", "2", "--json")
    told = json.loads(result.stdout)
    assert [row["sku"] for row in told["rows"]] == ["SKU-00001", "SKU-00002"]
    assert told["read"] > 50
    assert not world.store.path.exists()


def test_try_has_keys_and_ids_as_objects(world, run):
    for name in ("A", "B"):
        world.erp.control("product", create={"default_code": "TWIN", "name": name})
    told = json.loads(run("try", "erp", "product", "--rows", "1", "--json").stdout)
    assert set(told["rows"][0]["_externalId"]) == {"id"}
    bad = [one for one in told["quarantined"] if one["_key"] == {"sku": "TWIN"}]
    assert [set(one["_externalId"]) for one in bad] == [{"id"}, {"id"}]
    assert re.search(r"^  TWIN  id \d+: sku: 2 records of the", run("try", "erp", "product").stdout, re.MULTILINE)


@pytest.mark.parametrize("rows", ["0", "-1"])
def test_try_shows_one_row_or_more(run, rows):
    result = run("try", "erp", "stocklevel", "--rows", rows)
    assert result.exit_code == 2
    assert f"{rows} is not in the range x>=1" in result.stderr


def test_try_reads_an_entity_no_file_declares(run):
    result = run("try", "shop", "product", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["rows"][0]["currency"] is None


def test_a_missing_secret_is_named_and_nothing_is_shown(run, monkeypatch):
    monkeypatch.delenv("ERP_API_KEY")
    result = run("try", "erp", "product")
    assert result.exit_code == 1
    assert result.stderr.strip() == "set the environment variable ERP_API_KEY (connection=erp)"


def test_an_unreachable_platform_is_one_clear_sentence(world, run):
    _edit(world, "resources/erp.yaml", world.erp.url, "http://127.0.0.1:9")
    result = run("try", "erp", "product")
    assert result.exit_code == 1
    assert "127.0.0.1:9 cannot be reached: connection refused (connection=erp)" in result.stderr
    assert "Traceback" not in result.output


def test_plan_shows_each_record_and_field_and_sends_nothing(world, run):
    world.pull("erp/product")
    result = run("plan", "products_to_shop", "--json")
    record = next(row for row in json.loads(result.stdout)["records"] if row["key"]["sku"] == "SKU-00002")
    assert record["fields"]["title"][0] is None
    assert record["fields"]["title"][1]
    assert world.shop.stats() == {}
    assert world.rows("SELECT * FROM outbox") == []


def test_plan_looks_at_as_many_keys_as_asked_for_and_tells_of_the_others(world, run):
    world.pull("erp/product")
    told = json.loads(run("plan", "products_to_shop", "--keys", "2", "--json").stdout)
    assert (len(told["records"]), told["looked_at"]) == (2, 2)
    result = run("plan", "products_to_shop", "--keys", "2")
    assert result.stdout.endswith(f"2 of {told['due']} keys that are due; --keys {told['due']} looks at all of them\n")
    assert "looks at all" not in run("plan", "products_to_shop", "--keys", str(told["due"])).stdout


def test_plan_of_a_sync_that_was_never_pulled_says_so(run):
    assert json.loads(run("plan", "stock_to_shop", "--json").stdout)["never_pulled"] == ["erp/stocklevel"]
    told = "erp/stocklevel was never pulled: run the sync once\nstock_to_shop would send nothing\n"
    assert run("plan", "stock_to_shop").stdout == told


def test_plan_tells_what_the_guard_of_a_pull_holds(world, run):
    world.sync("stock_to_shop")
    hash_ = world.emptied("WH")
    (reason,) = json.loads(run("plan", "stock_to_shop", "--json").stdout)["held"]
    said = rf"\d+ changes by the guard of erp/stocklevel WH; pullpush approve {hash_} lets them through"
    assert re.fullmatch(said, reason)
    assert f"held: {reason}\n" in run("plan", "stock_to_shop").stdout


def test_plan_tells_which_guard_will_hold_it_and_what_is_to_be_done_then(world, run):
    # given: a stock-take that a person let through, which the guard of the sync has yet to look at
    world.sync("products_to_shop")
    world.sync("stock_to_shop")
    run("approve", world.emptied("WH"))
    # then
    (reason,) = json.loads(run("plan", "stock_to_shop", "--json").stdout)["held"]
    assert re.fullmatch(
        r"sets to zero or less \d+ of \d+ keys \(limit 10%, at least 20\), by the guard of stock_to_shop: its next run "
        r"holds it, and `pullpush held` then has the hash to approve",
        reason,
    )
    # when
    assert world.sync("stock_to_shop").sent == 0
    # then
    (held,) = json.loads(run("held", "--json").stdout)
    (reason,) = json.loads(run("plan", "stock_to_shop", "--json").stdout)["held"]
    assert reason.endswith(f", by the guard of stock_to_shop; pullpush approve {held['hash']} lets them through")


def test_plan_of_an_unknown_sync_names_those_there_are(run):
    result = run("plan", "orders")
    assert result.exit_code == 1
    assert "there is no sync 'orders'; there are orders_to_erp, products_to_shop, stock_to_shop" in result.stderr


def test_status_tells_last_pull_lag_and_what_is_not_delivered(world, run):
    world.sync("stock_to_shop")
    rows = {row["sync"]: row for row in json.loads(run("status", "--json").stdout)}
    assert set(rows["stock_to_shop"]) == STATUS
    assert rows["stock_to_shop"]["waiting"] > 0
    assert rows["stock_to_shop"]["lag"] < 60
    assert rows["products_to_shop"]["last pull"] is None


def test_status_tells_the_lag_of_the_source_that_was_not_asked_for_the_longest(trade):
    # given
    trade.sync("orders_to_erp")
    trade.rows("UPDATE pulls SET startedAt = startedAt - INTERVAL 3 DAY")
    # when: of its two shops only the first is asked again, as where each run dies at the other one
    trade.pull("shop/order")
    # then
    assert sync_status(trade.project, trade.project.push("orders_to_erp"))["lag"] > 2 * 86_400


def test_status_tells_which_pull_fails_and_why_until_one_is_complete(world, run):
    # given
    world.erp.control("faults", error_before=1, status=403)
    with pytest.raises(ForbiddenError):
        world.pull("erp/product")
    # then
    said = run("status").output
    assert re.search(r"^erp/product failed at 20[-0-9: ]+: Odoo answered 403: ", said, re.MULTILINE)
    # when
    world.erp.control("faults")
    world.pull("erp/product")
    assert "failed at" not in run("status").output


@pytest.mark.parametrize(
    ("key", "reason"), [(None, "set the environment variable SHOP_KEY"), ("wrong", "WooCommerce answered 401")]
)  # fmt: skip
def test_status_tells_why_a_push_cannot_begin_until_a_run_gets_through(world, run, monkeypatch, key, reason):
    # given
    with monkeypatch.context() as there:
        there.delenv("SHOP_KEY") if key is None else there.setenv("SHOP_KEY", key)
        with pytest.raises(PullPushError):
            world.sync("products_to_shop")
    # then
    assert re.search(rf"^products_to_shop failed at 20[-0-9: ]+: {reason}", run("status").output, re.MULTILINE)
    # when
    world.push("products_to_shop")
    assert "failed at" not in run("status").output


def test_status_tells_what_is_not_sent_as_the_destination_is_down_until_it_is(world, run):
    # given
    there = world.shop.url
    world.pull("erp/product")
    _edit(world, "resources/shop.yaml", there, "http://127.0.0.1:9")
    world.project = Project(world.project.root, world.project.state)
    world.push("products_to_shop")
    # then
    found = {row["sync"]: row for row in json.loads(run("status", "--json").stdout)}
    (said,) = found["products_to_shop"]["trouble"]
    assert said.startswith(f"products_to_shop: {found['products_to_shop']['pending']} keys not sent")
    assert "127.0.0.1:9 cannot be reached: connection refused" in said
    assert f"{said}\n" in run("status").output
    # when: it is back, and the pause after so many failures is over
    _edit(world, "resources/shop.yaml", "http://127.0.0.1:9", there)
    world.project = Project(world.project.root, world.project.state)
    shutil.rmtree(world.project.state / "limits")
    world.rows("UPDATE outbox SET dueAt = now()")
    world.push("products_to_shop")
    assert "not sent" not in run("status").output


def test_status_has_room_for_all_of_its_columns_in_eighty(world, run, monkeypatch):
    world.sync("stock_to_shop")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    said = re.sub("\x1b\\[[0-9;]*m", "", run("status").output)
    heads = said.splitlines()[0].split()
    assert heads == ["sync", "mode", "last", "pull", "lag", "pending", "waiting", "quarantined", "held", "dead"]
    assert re.search(r"^stock_to_shop +live +\d\d-\d\d \d\d:\d\d ", said, re.MULTILINE)


def test_what_other_programs_read_is_not_broken_into_lines(world, run, monkeypatch):
    world.pull("erp/product")
    monkeypatch.setenv("COLUMNS", "40")
    said = run("plan", "products_to_shop").output
    assert re.search(r"SKU-00002 +look up +\w+ +unknown +\S", said)


def test_what_is_quarantined_is_listed_with_its_reasons(world, run):
    for name in ("A", "B"):
        world.erp.control("product", create={"default_code": "TWIN", "name": name})
    world.pull("erp/product")
    rows = json.loads(run("quarantined", "products_to_shop", "--json").stdout)
    assert [row["key"] for row in rows if row["key"] == {"sku": "TWIN"}] == 2 * [{"sku": "TWIN"}]
    said = run("quarantined", "products_to_shop").output
    assert re.search(r"^TWIN  erp/product, id \d+\n  sku: 2 records of the source claim this key$", said, re.MULTILINE)
    assert f"{len(rows)} records;" in said


def test_nothing_quarantined_is_said_so(world, run):
    assert run("quarantined", "products_to_shop").output == "nothing is quarantined\n"


@pytest.mark.parametrize("command", [("status",), ("plan", "stock_to_shop"), ("explain", "stock_to_shop", "SKU-00002")])
def test_tables_for_people_fit_every_command(world, run, command):
    world.pull("erp/stocklevel")
    result = run(*command)
    assert result.exit_code == 0, result.output
    assert result.output.strip()
