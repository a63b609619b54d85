"""``pullpush sandbox``: size, seed, drift, orders and faults of stand-ins that another process started."""

import json

import pytest
from click.testing import CliRunner

from pullpush_dagster.cli import main
from tests.dev.conftest import copy_project

pytestmark = pytest.mark.xdist_group("sandbox commands")


@pytest.fixture(scope="module")
def sandbox(start):
    """A running sandbox, started by its own command."""
    found = start("pullpush_dagster.cli", "sandbox", "run", "--skus", "60", "--seed", "4")
    found.wait_for("export OUTLET_SECRET")
    found.wait_for("export SHOP_SECRET")
    return found


@pytest.fixture
def run(sandbox, monkeypatch):
    """What a command prints, and its exit code."""
    monkeypatch.setenv("PULLPUSH_PROJECT", str(sandbox.project))

    def run(*arguments):
        done = CliRunner().invoke(main, ["sandbox", *arguments])
        return done.output, done.exit_code

    return run


@pytest.fixture
def shown(run):
    """What the stand-ins say of themselves."""
    return lambda: json.loads(run("show", "--json")[0])


def test_run_prints_the_secrets_to_export(sandbox):
    lines = sandbox.said().splitlines()
    variables = {line.partition("=")[0] for line in lines if line.startswith("export ")}
    assert {"export ERP_API_KEY", "export SHOP_KEY", "export SHOP_SECRET"} <= variables


def test_show_tells_size_seed_and_counts(run, shown):
    assert {(one["skus"], one["seed"]) for one in shown().values()} == {(60, 4)}
    text, code = run("show")
    assert code == 0
    for word in ("erp", "odoo", "outlet", "woocommerce", "stopped"):
        assert word in text


def test_drift_sets_the_speed_of_every_stand_in_and_0_stops_it(run, shown):
    run("drift", "--every", "1h", "--edits", "2")
    assert {(one["ticking"]["every"], one["ticking"]["n"]) for one in shown().values()} == {(3600.0, 2)}
    run("drift", "--every", "0")
    assert {one["ticking"]["every"] for one in shown().values()} == {0.0}


def test_drift_now_edits_the_erp_once(run):
    text, code = run("drift", "--now", "10", "--seed", "3")
    assert (text.startswith("erp: edited stock"), code) == (True, 0)


def test_orders_are_placed_in_the_shops(run, shown):
    before = {name: one["counts"]["orders"] for name, one in shown().items()}
    run("orders", "3", "--days", "2", "--shop", "outlet")
    after = {name: one["counts"]["orders"] for name, one in shown().items()}
    assert after == {**before, "outlet": before["outlet"] + 3}


def test_reset_begins_every_stand_in_again_with_another_size(run, shown):
    run("reset", "--skus", "80", "--seed", "9")
    assert {(one["skus"], one["seed"]) for one in shown().values()} == {(80, 9)}
    run("reset", "--skus", "60", "--seed", "4")


def test_faults_are_set_and_switched_off(run, shown):
    run("faults", "shop", "error_before=0.25", "path=/wp-json")
    assert shown()["shop"]["faults"] == {"error_before": 0.25, "path": "/wp-json"}
    run("faults", "shop", "off")
    assert shown()["shop"]["faults"] == {}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("faults", "shop", "error_befor=1"), "there is no fault 'error_befor'; there are error_before, error_after,"),
        (("faults", "shop", "error_before=much"), "error_before: Input should be a valid number"),
        (("faults", "shop", "error_before=1", "truncate=1"), "the rates exclude each other, so their sum is at most 1"),
        (("faults", "shop", "nonsense"), "is not KEY=VALUE"),
        (("faults", "nobody", "off"), "there is no connection 'nobody'; there are erp, outlet, shop"),
        (("drift", "--every", "often"), "is not a duration such as 5s"),
        (("orders", "1", "--shop", "erp"), "there is no shop 'erp'"),
    ],
)
def test_what_makes_no_sense_is_one_sentence(run, arguments, words):
    text, code = run(*arguments)
    assert code == 1
    assert words in " ".join(text.split())


@pytest.fixture
def depot(sandbox):
    """A connection that was added while the sandbox runs."""
    file = sandbox.project / "resources" / "depot.yaml"
    file.write_text("connection: depot\nconnector: odoo\nsettings: {base_url: 'http://127.0.0.1:9'}\n")
    yield
    file.unlink()


def test_a_connection_that_was_added_since_is_told_and_left_out(run, depot):
    text, code = run("show")
    assert code == 0
    assert "left out: no stand-in answers at http://127.0.0.1:9;" in text
    assert "woocommerce" in text
    assert run("drift", "--now", "1", "--seed", "1")[0].count("erp: edited") == 1


def test_and_cannot_be_made_to_fail(run, depot):
    text, code = run("faults", "depot", "off")
    assert code == 1
    assert "no stand-in answers at http://127.0.0.1:9;" in " ".join(text.split())


def test_a_sandbox_that_does_not_run_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLPUSH_PROJECT", str(copy_project(tmp_path)))
    done = CliRunner().invoke(main, ["sandbox", "show"])
    assert done.exit_code == 1
    assert "no stand-in answers at http://127.0.0.1:" in done.output


def test_a_connection_to_a_real_platform_has_no_sandbox(tmp_path, monkeypatch):
    project = copy_project(tmp_path)
    file = project / "resources" / "erp.yaml"
    file.write_text(file.read_text().replace("http://127.0.0.1", "https://erp.example"))
    monkeypatch.setenv("PULLPUSH_PROJECT", str(project))
    done = CliRunner().invoke(main, ["sandbox", "show"])
    assert done.exit_code == 1
    assert "base_url is not on this machine, so there is no sandbox behind it (connection=erp)" in done.output
