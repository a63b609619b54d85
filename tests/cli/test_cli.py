"""The command line, as an operator and a data engineer use it."""

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from pullpush_dagster.cli import main

STATUS = {"sync", "mode", "last pull", "lag", "pending", "waiting", "quarantined", "held", "dead"}


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


def test_try_shows_canonical_rows_and_stores_nothing(world, run):
    result = run("try", "erp", "stocklevel", "--rows", "2", "--json")
    told = json.loads(result.stdout)
    assert [row["sku"] for row in told["rows"]] == ["SKU-00001", "SKU-00002"]
    assert told["read"] > 50
    assert not world.store.path.exists()


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
    own = world.project.root / "resources" / "connectors" / "odoo.yaml"
    from importlib.resources import files

    text = (files("pullpush_dagster.connectors") / "odoo.yaml").read_text()
    own.write_text(text.replace("limits: {", "limits: {attempts: 1, "))
    result = run("try", "erp", "product")
    assert result.exit_code == 1
    assert "127.0.0.1:9 cannot be reached: connection refused (connection=erp)" in result.stderr
    assert "Traceback" not in result.output


def test_plan_shows_each_record_and_field_and_sends_nothing(world, run):
    world.pull("erp/product")
    result = run("plan", "products_to_shop", "--json")
    record = next(row for row in json.loads(result.stdout)["records"] if "SKU-00002" in row["key"])
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


def test_explain_tells_why_the_shop_shows_what_it_shows(world, run):
    world.sync("products_to_shop")
    world.sync("stock_to_shop")
    story = json.loads(run("explain", "stock_to_shop", "SKU-00002", "--json").stdout)
    quantity = world.item("SKU-00002")["stock_quantity"]
    assert float(story["pulled"][0]["quantity"]) == quantity
    assert story["sent"][0]["outcome"] == "accepted"
    assert float(json.loads(story["the destination has"][0]["fields"])["quantity"]) == quantity


def test_explain_tells_which_gate_stopped_a_key(world, run):
    world.erp.control("product", create={"default_code": "TWIN", "name": "A"})
    world.erp.control("product", create={"default_code": "TWIN", "name": "B"})
    world.sync("products_to_shop")
    story = json.loads(run("explain", "products_to_shop", "TWIN", "--json").stdout)
    assert story["quarantined"][0]["reasons"] == ["sku: 2 records of the source claim this key"]
    assert story["sent"] == []


@pytest.fixture
def sold(trade, monkeypatch):
    """The number of an order of ``shop`` that has reached the ERP."""
    monkeypatch.setenv("PULLPUSH_PROJECT", str(trade.project.root))
    monkeypatch.setenv("PULLPUSH_DATA", str(trade.project.state))
    number = trade.shop.control("order", create={"line_items": [{"sku": "SKU-00053", "quantity": 1}]})["id"]
    trade.sync("orders_to_erp")
    return str(number)


@pytest.mark.parametrize("prefix", ["", "shop:"])
def test_explain_knows_an_order_by_the_shops_number_and_by_the_erps_reference(sold, prefix):
    ran = CliRunner().invoke(main, ["explain", "orders_to_erp", prefix + sold, "--json"])
    story = json.loads(ran.stdout)
    assert [row["orderId"] for row in story["pulled"]] == [sold]
    assert {row["outcome"] for row in story["sent"]} == {"accepted"}
    assert json.loads(story["the destination has"][0]["key"]) == {"orderId": f"shop:{sold}"}


def test_explain_does_not_take_one_shops_order_for_anothers(sold):
    story = json.loads(CliRunner().invoke(main, ["explain", "orders_to_erp", f"outlet:{sold}", "--json"]).stdout)
    assert [stage for stage, rows in story.items() if rows] == []


@pytest.mark.parametrize("command", [("status",), ("plan", "stock_to_shop"), ("explain", "stock_to_shop", "SKU-00002")])
def test_tables_for_people_fit_every_command(world, run, command):
    world.pull("erp/stocklevel")
    result = run(*command)
    assert result.exit_code == 0, result.output
    assert result.output.strip()
