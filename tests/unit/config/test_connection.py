"""A connection names its secrets and never holds one."""

import pytest
from pydantic import ValidationError

from pullpush_dagster.config import Connection
from pullpush_dagster.errors import ConfigError

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
