"""A connection with another address: nothing goes there until a person has said that it is the same account."""

import asyncio
import json
import re

import pytest

from pullpush_dagster.config import Project
from pullpush_dagster.errors import HaltError
from pullpush_dagster.pull import Window
from pullpush_dagster.pull.keeping import keep
from pullpush_dagster.pull.pulling import ask_platform
from pullpush_dagster.pull.spool import Spool
from tests.conftest import World

ELSEWHERE = "https://shop.example/de/"


@pytest.fixture
def synced(world):
    """The shop has its products, and the ids of these are bound."""
    world.sync("products_to_shop")
    return world


def at(world: World, connection: str, address: str) -> None:
    """The file of ``connection`` says another address from now on."""
    file = world.project.root / "resources" / f"{connection}.yaml"
    text = file.read_text(encoding="utf-8")
    file.write_text(re.sub(r'base_url: "[^"]*"', f'base_url: "{address}"', text), encoding="utf-8")
    world.project = Project(world.project.root, world.project.state)


def test_a_push_does_not_send_to_another_address_what_has_the_ids_of_the_former(synced, run):
    # given
    sku = synced.items()[0]["sku"]
    synced.erp.control("stock", sku=sku, warehouse="WH", quantity=3)
    at(synced, "shop", ELSEWHERE)
    # when
    with pytest.raises(HaltError) as refused:
        synced.sync("stock_to_shop")
    # then
    assert str(refused.value) == (
        "it was at this machine (woocommerce), and is at shop.example/de (woocommerce) by now: "
        "if that is the same account, `pullpush moved shop`; another one needs a connection of its own, since its ids "
        "are not those of this one (connection=shop)"
    )
    assert "pullpush moved shop" in run("status").output


def test_a_pull_does_not_compare_another_account_with_what_is_known_of_the_former(synced, run):
    at(synced, "erp", "https://erp.example")
    with pytest.raises(HaltError, match=r"it was at this machine \(odoo\), and is at erp\.example \(odoo\) by now"):
        synced.pull("erp/product")
    assert "pullpush moved erp" in run("status").output


def test_a_read_back_does_not_take_another_account_for_the_former_with_all_of_it_gone(synced, run):
    at(synced, "shop", ELSEWHERE)
    done = run("drift", "products_to_shop", "--now")
    assert done.exit_code == 1
    assert "is at shop.example/de (woocommerce) by now" in done.output


SAID = (
    "shop is asked nothing and sent nothing, unless its address is put back: it was at this machine (woocommerce), and "
    "is at shop.example/de (woocommerce) by now: if that is the same account, `pullpush moved shop`; another one needs "
    "a connection of its own, since its ids are not those of this one"
)


def test_plan_says_first_that_nothing_is_sent_to_another_address(synced, run):
    assert json.loads(run("plan", "products_to_shop", "--json").output)["moved"] is None
    at(synced, "shop", ELSEWHERE)
    assert run("plan", "products_to_shop").output.splitlines()[0] == SAID
    assert json.loads(run("plan", "products_to_shop", "--json").output)["moved"] == SAID


def test_status_tells_of_another_address_before_a_run_has_failed(synced, run):
    at(synced, "shop", ELSEWHERE)
    assert run("status").output.count(SAID) == 1
    trouble = {row["sync"]: row["trouble"] for row in json.loads(run("status", "--json").output)}
    assert trouble["products_to_shop"] == [SAID]
    # a source is asked just as little
    at(synced, "erp", "https://erp.example")
    assert "\nerp is asked nothing and sent nothing" in run("status").output


def test_who_only_looks_at_another_address_notes_nothing(synced, run):
    here = synced.rows("FROM accounts")
    at(synced, "shop", ELSEWHERE)
    run("status")
    run("plan", "products_to_shop")
    assert synced.rows("FROM accounts") == here


@pytest.mark.parametrize("back", [True, False])
def test_what_failed_for_another_address_is_told_no_more_once_it_is_settled(synced, run, back):
    # given
    here = {name: platform.url for name, platform in (("shop", synced.shop), ("erp", synced.erp))}
    for name in here:
        at(synced, name, ELSEWHERE)
    with pytest.raises(HaltError):
        synced.pull("erp/product")
    with pytest.raises(HaltError):
        synced.push("products_to_shop")
    assert "pullpush moved erp" in run("explain", "products_to_shop", "SKU-00002").output
    # when
    for name, address in here.items():
        at(synced, name, address) if back else run("moved", name)
    # then
    assert "pullpush moved" not in run("status").output
    assert "pullpush moved" not in run("explain", "products_to_shop", "SKU-00002").output


@pytest.mark.parametrize("connector", ["nothing", "woocommerce"])
def test_status_is_told_where_a_connection_has_no_connector_or_address(synced, run, connector):
    path = synced.project.root / "resources" / "shop.yaml"
    path.write_text(f"connection: shop\nconnector: {connector}\n", encoding="utf-8")
    assert "products_to_shop" in run("status").output


def test_an_account_that_moved_goes_on_where_it_was(synced, run):
    # given
    here = synced.shop.url
    at(synced, "shop", ELSEWHERE)
    assert (
        run("moved", "shop").output
        == "shop is at shop.example/de (woocommerce) now; it was at this machine (woocommerce)\n"
    )
    at(synced, "shop", here)
    with pytest.raises(HaltError):
        synced.sync("products_to_shop")
    # when
    told = json.loads(run("moved", "shop", "--json").output)
    # then
    assert told == {"connection": "shop", "was": "shop.example/de (woocommerce)", "is": "this machine (woocommerce)"}
    assert synced.sync("products_to_shop").sent == 0


def test_an_address_with_which_nothing_ever_came_may_be_mended(world):
    # given
    here = world.erp.url
    at(world, "erp", "http://127.0.0.1:9/slip")
    with pytest.raises(Exception, match="cannot be reached"):
        world.pull("erp/product")
    # when
    at(world, "erp", here)
    # then
    assert world.pull("erp/product").changes > 0


def test_a_store_of_a_version_that_kept_no_address_goes_on(synced):
    synced.rows("DELETE FROM accounts")
    assert synced.sync("products_to_shop").sent == 0
    assert len(synced.rows("FROM accounts")) == 2


def test_what_was_never_used_is_where_its_file_says(world, run):
    assert run("moved", "shop").output == "shop is at this machine (woocommerce) now; it was never used\n"


def test_an_address_that_is_known_is_as_it_was(synced, run):
    assert run("moved", "shop").output == "shop is at this machine (woocommerce) now; as it was\n"


def test_a_platform_with_one_address_of_its_own_has_no_other_name(world, run):
    # given: it has a sandbox at another one
    file = world.project.root / "resources" / "depot.yaml"
    depot = "connection: depot\nconnector: shipbob\nsecrets: {token: DEPOT}\nsettings: {channel_id: '1'SANDBOX}\n"
    file.write_text(depot.replace("SANDBOX", ", base_url: 'https://sandbox.example'"), encoding="utf-8")
    assert run("moved", "depot").output == "depot is at sandbox.example (shipbob) now; it was never used\n"
    # when
    file.write_text(depot.replace("SANDBOX", ""), encoding="utf-8")
    # then
    own, before = "api.shipbob.com (shipbob)", "sandbox.example (shipbob)"
    assert run("moved", "depot").output == f"depot is at {own} now; it was at {before}\n"


def test_another_platform_under_the_same_address_is_another_account(synced):
    file = synced.project.root / "resources" / "shop.yaml"
    magento = file.read_text(encoding="utf-8").replace("connector: woocommerce", "connector: magento")
    file.write_text(magento.partition("secrets:")[0] + "secrets: {token: SHOP_TOKEN}\n", encoding="utf-8")
    synced.project = Project(synced.project.root, synced.project.state)
    with pytest.raises(HaltError, match=r"and is at this machine \(magento\) by now"):
        synced.pull("shop/order", Window("full"))


def test_what_was_asked_while_another_process_noted_another_address_is_not_kept(world, run):
    # given: a first pull is under way
    pull = world.project.pull("erp/product")
    with Spool(world.store.staging) as spool:
        asked = asyncio.run(ask_platform(world.project, pull, Window("full"), {}, spool, lambda *_: None))
        before = world.project
        at(world, "erp", "https://erp.example")
        run("moved", "erp")
        # when
        with pytest.raises(HaltError, match=r"it was at this machine \(odoo\), and is at erp\.example \(odoo\) by now"):
            keep(before, world.store, pull, Window("full"), asked, spool)
    # then
    assert world.rows("SELECT count(*) FROM pulls") == [(0,)]
