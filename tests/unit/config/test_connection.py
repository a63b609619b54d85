"""A connection names its secrets and never holds one."""

import pytest
from pydantic import ValidationError

from pullpush_dagster.config import Connection
from pullpush_dagster.config.address import place_of
from pullpush_dagster.connectors import load_connector
from pullpush_dagster.errors import ConfigError
from tests.unit.config.conftest import ERP

CANARY = "canary-0815-secret"


def connection(**parts):
    return Connection(**{"connection": "shop", "connector": "woocommerce", **parts})


def test_a_secret_is_the_value_of_the_variable_it_names(monkeypatch):
    monkeypatch.setenv("SHOP_KEY", CANARY)
    assert connection(secrets={"key": "SHOP_KEY"}).secret_values() == {"key": CANARY}


def test_every_variable_that_is_not_set_is_named(monkeypatch):
    monkeypatch.delenv("SHOP_KEY", raising=False)
    monkeypatch.setenv("SHOP_SECRET", "")
    with pytest.raises(ConfigError, match=r"variables SHOP_KEY, SHOP_SECRET \(connection=shop"):
        connection(secrets={"key": "SHOP_KEY", "secret": "SHOP_SECRET"}).secret_values()


@pytest.mark.parametrize("value", [f"{CANARY}\n", f" {CANARY}", f"{CANARY}\r\n", f"{CANARY}\tx"])
def test_a_secret_with_blanks_around_it_is_refused_without_showing_it(monkeypatch, value):
    monkeypatch.setenv("SHOP_KEY", value)
    with pytest.raises(ConfigError, match="SHOP_KEY has blanks or a line break") as refusal:
        connection(secrets={"key": "SHOP_KEY"}).secret_values()
    assert CANARY not in str(refusal.value)


def test_a_literal_secret_is_refused():
    with pytest.raises(ValidationError, match="NAME of an environment variable, such as SHOP_KEY, never a value"):
        connection(secrets={"key": CANARY})


@pytest.mark.parametrize(
    "name",
    ["secret", "client_secret", "password", "passwd", "access_token", "api_key", "apikey", "consumer_key", "API_KEY"],
)
def test_a_setting_that_looks_like_a_secret_is_refused(name):
    with pytest.raises(ValidationError, match="looks like a secret"):
        connection(settings={name: "x"})


def test_an_address_with_a_user_in_it_is_refused():
    with pytest.raises(ValidationError, match="has a user or password in it"):
        connection(settings={"base_url": "https://me:word@shop.example"})


def test_an_ordinary_setting_is_kept():
    assert connection(settings={"base_url": "https://shop.example/a@b"}).settings["base_url"].endswith("a@b")


@pytest.mark.parametrize("connector", ["../shop", "a/b", "/etc/passwd", ""])
def test_a_connector_is_a_name_and_no_path(connector):
    with pytest.raises(ValidationError, match="connector"):
        connection(connector=connector)


# Where it is.


@pytest.mark.parametrize(
    "address",
    ["erp.example", "htps://erp.example", "//erp.example", "http://", "http://erp example", ""],
)
def test_an_address_that_is_none_is_told(project, address):
    problems = project(erp=ERP.replace("http://erp.example", address)).problems()
    (problem,) = [one for one in problems if "must be" in one]
    assert problem.startswith("resources/erp.yaml:3 settings.base_url: must be http(s)://host, with no user in it")


@pytest.mark.parametrize("port", ["99999", "0", "x"])
def test_a_port_that_is_none_is_told(project, port):
    (problem,) = project(erp=ERP.replace("erp.example", f"erp.example:{port}")).problems()
    assert problem == "resources/erp.yaml:3 settings.base_url: has a port that is none; there are 1 to 65535"


def test_an_address_that_a_connector_makes_of_other_settings_is_told(project):
    shop = "connection: shop\nconnector: magento\nsettings: {base_url: shop.example}\nsecrets: {token: SHOP_TOKEN}\n"
    assert (
        "resources/shop.yaml:3 settings.base_url: must be http(s)://host, with no user in it"
        in project(shop=shop).problems()
    )


def test_an_address_that_takes_the_place_of_the_connectors_own_is_told(project):
    shop = "connection: shop\nconnector: klaviyo\nsettings: {base_url: klaviyo}\n"
    assert any("settings.base_url: must be http" in problem for problem in project(shop=shop).problems())


def test_a_connection_that_says_nothing_of_its_platform_is_told(project):
    shop = "connection: shop\nconnector: rest\n"
    assert project(shop=shop).problems()[0] == "resources/shop.yaml:1 api: is required of connector: rest"


@pytest.mark.parametrize("secrets", ["{}", "{client_id: SHOP_ID}"], ids=["none", "half of a way"])
@pytest.mark.parametrize("settings", ["{shop: yard}", "{}"])
def test_secrets_with_which_nobody_can_sign_in_are_told(project, settings, secrets):
    shop = f"connection: shop\nconnector: shopify\nsettings: {settings}\nsecrets: {secrets}\n"
    said = "resources/shop.yaml:4 secrets: secrets must have token or client_id, client_secret"
    assert project(shop=shop).problems().count(said) == 1


def test_a_way_of_signing_in_that_is_whole_is_enough(project):
    shop = "connection: shop\nconnector: shopify\nsettings: {shop: yard}\nsecrets: {token: SHOP_TOKEN}\n"
    assert not [said for said in project(shop=shop).problems() if "secrets" in said]


def test_settings_that_make_no_address_are_told(project):
    shop = "connection: shop\nconnector: mailchimp\nsettings: {dc: us 1, store: x, list: y}\nsecrets: {key: SHOP_KEY}\n"
    said = "the address that mailchimp makes of them must be http(s)://host, with no user in it"
    assert f"resources/shop.yaml:3 settings: {said}" in project(shop=shop).problems()


@pytest.mark.parametrize(
    ("connector", "settings", "place"),
    [
        ("magento", {"base_url": "http://Shop.Example:80/m2/"}, "shop.example/m2 (magento)"),
        ("magento", {"base_url": "https://shop.example/m2", "store": "de"}, "shop.example/m2 (magento)"),
        ("woocommerce", {"base_url": "https://shop.example:8443"}, "shop.example:8443 (woocommerce)"),
        ("odoo", {"base_url": "http://localhost:8069"}, "this machine (odoo)"),
        ("odoo", {"base_url": "http://127.0.0.1:18069", "database": "prod"}, "this machine, database prod (odoo)"),
        ("sap_s4", {"base_url": "https://s4.example", "client": "100"}, "s4.example, client 100 (sap_s4)"),
        ("sap_b1", {"base_url": "https://b1.example", "company": "DEMO"}, "b1.example, company DEMO (sap_b1)"),
        ("bigcommerce", {"store_hash": "abc1"}, "api.bigcommerce.com, store_hash abc1 (bigcommerce)"),
        ("twilio", {"base_url": "https://p.example", "account_sid": "AC1"}, "p.example, account_sid AC1 (twilio)"),
        ("salesforce", {"domain": "acme", "version": "v65.0"}, "domain acme (salesforce)"),
        ("salesforce", {}, "salesforce"),
        ("hubspot", {}, "api.hubapi.com (hubspot)"),
        ("odoo", {"base_url": "http://erp.example:x"}, "http://erp.example:x (odoo)"),
    ],
)
def test_where_an_account_is_leaves_out_what_does_not_tell_it_from_another(connector, settings, place):
    facts = load_connector(connector).facts
    assert place_of(facts, Connection(connection="one", connector=connector, settings=settings)) == place


@pytest.mark.parametrize("host", ["yard.example", "test.yard.example"])
def test_a_platform_that_a_connection_describes_is_where_that_says(project, host):
    text = f"connection: shop\nconnector: rest\napi: {{base_url: https://{host}/api/v2, entities: {{}}}}\n"
    found = project(shop=text)
    assert place_of(found.connector("shop").facts, found.connection("shop")) == f"{host}/api/v2 (rest)"


def test_a_platform_whose_address_is_made_of_settings_is_where_these_say(project):
    api = "{settings: [yard], base_url: 'https://{settings.yard}.example/api', entities: {}}"
    found = project(shop=f"connection: shop\nconnector: rest\nsettings: {{yard: north}}\napi: {api}\n")
    assert place_of(found.connector("shop").facts, found.connection("shop")) == "yard north (rest)"
