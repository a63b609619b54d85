"""A project's files are checked against each other; every complaint names file, line and key, and what is allowed."""

import pytest

from tests.unit.config.conftest import ERP, PULL, PUSH, SHOP


def test_an_unknown_connector_is_told_with_those_there_are(project):
    (problem, *_) = project(erp=ERP.replace("odoo", "oddo")).problems()
    assert problem.startswith("resources/erp.yaml:2 connector: there is no connector 'oddo'; there are ")


def test_a_setting_the_connector_needs_is_told(project):
    (problem,) = project(erp=ERP.replace("settings:", "settings: {} #")).problems()
    assert problem == "resources/erp.yaml:3 settings.base_url: is required"


def test_a_setting_the_connector_does_not_know_is_told(project):
    (problem,) = project(erp=ERP.replace("base_url:", "base: x, base_url:")).problems()
    known = "base_url, database, guest_partner, protocol, user"
    assert problem == f"resources/erp.yaml:3 settings.base: is not known; allowed: {known}"


def test_a_secret_the_connector_needs_is_told(project):
    (problem,) = project(shop=SHOP.replace("key: SHOP_KEY, ", "")).problems()
    assert problem == "resources/shop.yaml:4 secrets.key: is required"


def test_two_connections_of_one_name_are_told(project):
    assert project(shop=ERP).problems()[0] == "resources/shop.yaml:1 connection: is also in resources/erp.yaml"


def test_a_pull_of_an_unknown_connection_is_told(project):
    (problem,) = project(PULL.replace("erp", "epr")).problems()
    assert problem == "assets/stock/defs.yaml:3 connection: there is no connection 'epr'; there are erp, shop"


def test_a_pull_of_an_unknown_entity_is_told(project):
    (problem,) = project(PULL.replace("stocklevel", "stock")).problems()
    assert problem.startswith("assets/stock/defs.yaml:4 entity: is not one of stocklevel, order, product")


def test_an_entity_misspelt_alike_in_a_pull_and_in_from_is_told_where_it_is_declared(project):
    # given: what whoever copies it from one line to the other writes
    made = project(PULL.replace("stocklevel", "stock"), PUSH.replace("erp/stocklevel", "erp/stock"))
    # then
    (problem,) = made.problems()
    assert problem.startswith("assets/stock/defs.yaml:4 entity: is not one of stocklevel, order, product")


def test_a_pull_of_what_the_platform_does_not_carry_is_told(project):
    (problem,) = project(PULL.replace("stocklevel", "call")).problems()
    assert (
        problem
        == "assets/stock/defs.yaml:4 entity: odoo has no call; it has product, stocklevel, order, contact, invoice"
    )


def test_days_on_a_source_without_a_filter_are_refused(project):
    (problem, *_) = project(
        PULL.replace("{by: locationId, values: [default]}", "{by: day, start: 2026-01-01}")
    ).problems()
    assert problem.startswith("assets/stock/defs.yaml:5 partitions.by: day needs a filter by modified stamp")


def test_a_scope_the_platform_cannot_be_asked_for_is_refused(project):
    pull = PULL.replace("stocklevel", "product")
    (problem,) = project(pull).problems()
    assert problem == "assets/stock/defs.yaml:5 partitions.by: cannot be asked for one by one; allowed: day"


def test_a_platform_asked_per_scope_needs_the_scopes(project):
    (problem,) = project(PULL.replace("  partitions: {by: locationId, values: [default]}\n", "")).problems()
    assert "partitions: is required: by: locationId" in problem


def test_two_pulls_of_one_name_are_told(project):
    (problem,) = project(PULL, PULL, PUSH).problems()
    assert problem == "assets/stock/defs.yaml:9 connection: there are two pulls erp/stocklevel; give one `as: NAME`"


def test_a_second_pull_under_another_name_is_fine(project):
    assert project(PULL, PULL + "  as: again\n", PUSH).problems() == []


def test_two_pushes_of_one_name_are_told(project):
    (problem,) = project(PULL, PUSH, PUSH).problems()
    assert problem == "assets/stock/defs.yaml:15 name: there are two syncs stock_to_shop"


def test_a_push_from_a_pull_that_does_not_exist_is_told(project):
    (problem,) = project(PULL, PUSH.replace("erp/stocklevel", "erp/stock")).problems()
    assert problem == "assets/stock/defs.yaml:10 from: erp/stock is not a pull; there are erp/stocklevel"


def test_a_push_to_a_connection_that_does_not_exist_is_told(project):
    (problem,) = project(PULL, PUSH.replace("to: shop", "to: shpo")).problems()
    assert problem == "assets/stock/defs.yaml:11 to: shpo is no connection; there are erp, shop"


def test_a_push_to_a_platform_that_cannot_be_sent_it_is_told(project):
    mute = "connector: mute\ntitle: Mute\ndocs: none\nbase_url: https://mute.example\nauth: {type: none}\n"
    mute += "entities: {stocklevel: {}}\n"
    (problem,) = project(shop="connection: shop\nconnector: mute\n", mute=mute).problems()
    assert problem == "assets/stock/defs.yaml:11 to: mute cannot be sent a stocklevel"


def test_a_push_that_mixes_entities_is_told(project):
    product = "type: pullpush_dagster.Pull\nattributes: {connection: erp, entity: product}\n"
    (problem,) = project(PULL, product, PUSH.replace("erp/stocklevel", "[erp/stocklevel, erp/product]")).problems()
    assert "from: mixes product, stocklevel; a push carries one entity" in problem


def test_a_limit_of_a_pull_that_can_hold_nothing_is_told(project):
    (problem,) = project(PULL + "  guard: {price: 5%, deleted: 1%, zeroed: 1%}\n", PUSH).problems()
    assert problem == "assets/stock/defs.yaml:6 guard.price: holds nothing: stocklevel has no such field"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("guard: {zeroed: 1%, deleted: 1%}", "guard.deleted: holds nothing here: it is for the guard of a pull"),
        ("on_dead: skip", "on_dead: is for deliver: every; of the latest values alone nothing follows"),
    ],
)
def test_what_a_push_says_without_an_effect_is_told(project, line, complaint):
    (problem,) = project(PULL, f"{PUSH}  {line}\n").problems()
    assert problem == f"assets/stock/defs.yaml:12 {complaint}"


@pytest.mark.parametrize("line", ["guard: {price: off, rows: off}", "deliver: every\n  on_dead: skip"])
def test_no_limit_and_what_has_an_effect_are_fine(project, line):
    assert project(PULL, f"{PUSH}  {line}\n").problems() == []


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("only: {location: [WH]}", "only.location: is not one of sku, locationId, quantity, updatedAt"),
        ("translate: {quantity: {a: b}}", "translate.quantity: is not one of sku, locationId"),
    ],
)
def test_a_push_by_a_field_that_is_none_is_told(project, line, complaint):
    (problem,) = project(PULL, f"{PUSH}  {line}\n").problems()
    assert problem == f"assets/stock/defs.yaml:12 {complaint}"
