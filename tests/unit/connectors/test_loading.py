"""A connector file is found by its name and refused, with file, line and key, before it can do harm."""

import pytest

from pullpush_dagster.connectors import load_connector
from pullpush_dagster.connectors.loading import connector_names
from pullpush_dagster.errors import ConfigError

GOOD = """\
connector: acme
title: Acme
docs: Acme API 2
base_url: "{settings.base_url}/api"
settings: [base_url]
secrets: [key]
auth: {type: bearer, token: "{secret.key}"}
headers: {X-Tenant: "{settings.base_url}"}
entities:
  stocklevel:
    pull:
      scope:
        locationId: {get: /places, query: {code: "{locationId}"}, set: {place: each.id}}
      get: /items
      query: {place: "{scope.place}", after: "{after}"}
      pages: {style: keyset, after: item.id}
      count: {get: /items/count, query: {place: "{scope.place}"}}
    canonical_map:
      sku: item.sku
      locationId: scope.locationId
      quantity: item.qty
    binding: {id: item.id}
    push:
      find: {get: /items, query: {sku: "{keys:text}"}, match: item.sku, field: sku}
      update:
      - put: /items/{binding.id}
        record: {qty: "{quantity:integer}"}
      echo: [qty]
"""


@pytest.fixture
def load(tmp_path):
    def write_and_load(text, name="acme"):
        (tmp_path / f"{name}.yaml").write_text(text)
        return load_connector(name, tmp_path)

    return write_and_load


@pytest.fixture
def refused(load):
    def message(old, new, text=GOOD):
        assert old in text
        with pytest.raises(ConfigError) as refusal:
            load(text.replace(old, new, 1))
        return str(refusal.value)

    return message


def test_a_good_file_is_a_connector(load):
    connector = load(GOOD)
    assert connector.name == "acme"
    assert connector.ask_of("stocklevel").ids == ("item.id",)


@pytest.mark.parametrize("name", ["odoo", "woocommerce"])
def test_a_built_in_connector_is_found_by_its_name(name):
    assert load_connector(name).name == name


def test_a_connector_that_is_not_there_is_refused_with_those_there_are(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no connector 'acme'; there are .*odoo"):
        load_connector("acme", tmp_path)


def test_the_projects_own_are_among_those_there_are(tmp_path):
    (tmp_path / "acme.yaml").write_text(GOOD)
    assert "acme" not in connector_names()
    assert connector_names(tmp_path) == sorted(["acme", *connector_names()])
    assert connector_names(tmp_path / "nowhere") == connector_names()


def test_the_projects_own_wins_over_a_built_in_one(load):
    assert load(GOOD.replace("connector: acme", "connector: odoo"), "odoo").facts.title == "Acme"


def test_a_file_under_another_name_is_refused(refused):
    assert refused("connector: acme", "connector: akme") == (
        "acme.yaml:1 connector: is 'akme', but the file is named 'acme'"
    )


@pytest.mark.parametrize("text", ["", GOOD + "---\n" + GOOD])
def test_a_file_with_other_than_one_document_is_refused(load, text):
    with pytest.raises(ConfigError, match=r"acme\.yaml:1 holds \d YAML documents; a connector is one"):
        load(text)


# Typing errors.


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("docs:", "doc:", "acme.yaml:3 doc: is not known here; allowed: connector, title, docs"),
        ("title: Acme", "title: [Acme]", "acme.yaml:2 title: Input should be a valid string"),
        ("style: keyset", "style: keys", "acme.yaml:16 entities.stocklevel.pull.pages.style: Input should be 'keyset'"),
        (
            "sku: item.sku",
            "sku: items.sku",
            "acme.yaml:19 entities.stocklevel.canonical_map.sku.from: 'items.sku' is not",
        ),
        (
            "quantity: item.qty",
            "quantitty: item.qty",
            "acme.yaml:21 entities.stocklevel.canonical_map.quantitty: is not a",
        ),
        (
            "  stocklevel:",
            "  stock:",
            "acme.yaml:10 entities.stock: is no canonical entity; allowed: stocklevel, order",
        ),
        ("      sku: item.sku\n", "", "acme.yaml:18 entities.stocklevel.canonical_map.sku: is required: it is part of"),
    ],
)
def test_a_typing_error_is_told_with_file_line_and_key(refused, old, new, complaint):
    assert complaint in refused(old, new)


@pytest.mark.parametrize(
    ("old", "new", "line", "named"),
    [
        ('"{settings.base_url}/api"', '"{settings.base}/api"', 4, "{settings.base} is not known here"),
        ("{secret.key}", "{secret.kye}", 7, "{secret.kye} is not known here"),
        ('X-Tenant: "{settings.base_url}"', 'X-Tenant: "{settings.tenant}"', 8, "{settings.tenant} is not known here"),
        ("{locationId}", "{location}", 13, "{location} is not known here"),
        ('place: "{scope.place}", after', 'place: "{scope.plaec}", after', 11, "{scope.plaec} is not known here"),
        ('count, query: {place: "{scope.place}"', 'count, query: {place: "{scope.x}"', 17, "{scope.x} is not known"),
        ("{keys:text}", "{key}", 24, "{key} is not known here"),
        ("{binding.id}", "{binding.ids}", 23, "{binding.ids} is not known here"),
        ("{quantity:integer}", "{quantitty:integer}", 23, "{quantitty} is not known here"),
        ("{quantity:integer}", "{quantity:int}", 23, "{quantity:int} is no placeholder"),
    ],
)
def test_a_typing_error_in_a_placeholder_is_told_wherever_it_is(refused, old, new, line, named):
    message = refused(old, new)
    assert message.startswith(f"acme.yaml:{line} ")
    assert named in message


# What would do harm quietly.


def test_a_request_has_one_method(refused):
    assert "give exactly one of: get, post, put" in refused("get: /items\n", "get: /items\n      post: /items\n")
    assert "give exactly one of: get, post, put" in refused("      get: /items\n", "")


def test_a_keyset_walk_needs_the_value_to_go_on_from(refused):
    assert "style: keyset needs after" in refused(", after: item.id}", "}")


@pytest.mark.parametrize(("style", "hole"), [("page", "page"), ("next", "cursor")])
def test_a_walk_whose_request_never_moves_is_refused(refused, style, hole):
    assert f"{style} needs {{{hole}}} in the request" in refused("style: keyset", f"style: {style}")


@pytest.mark.parametrize(
    ("auth", "needed"),
    [("{type: bearer}", "token"), ("{type: basic, user: a}", "password"), ("{type: oauth1, key: a}", "secret")],
)
def test_credentials_are_complete(refused, auth, needed):
    assert f"needs {needed}" in refused('{type: bearer, token: "{secret.key}"}', auth)


def test_an_echo_that_no_record_holds_is_refused(refused):
    assert "echo: quantity is in no record" in refused("echo: [qty]", "echo: [quantity]")


def test_records_are_looked_up_by_a_part_of_the_key(refused):
    assert "find.field: is not one of sku, locationId" in refused("field: sku", "field: quantity")


def test_a_binding_is_shared_with_an_entity_of_the_same_platform(refused):
    assert "binding.shares: is not one of stocklevel" in refused("{id: item.id}", "{id: item.id, shares: products}")


def test_one_exchange_ends_before_the_lease_it_is_sent_under(refused):
    assert "limits.timeout: Input should be less than or equal to 110" in refused(
        "entities:", "limits: {timeout: 300}\nentities:"
    )


# What the engine asks.


def test_what_a_platform_has_not_is_refused_with_what_it_has(load):
    connector = load(GOOD)
    with pytest.raises(ConfigError, match="acme has no order; it has stocklevel"):
        connector.entity("order")


def test_what_cannot_be_pulled_or_pushed_says_so(load):
    connector = load(GOOD[: GOOD.index("    push:")].replace("acme", "half"), "half")
    with pytest.raises(ConfigError, match="half cannot be sent a stocklevel"):
        connector.push("stocklevel")


def test_stock_kept_on_a_product_is_bound_as_a_product():
    assert load_connector("woocommerce").bound_as("stocklevel") == "product"
    assert load_connector("woocommerce").bound_as("product") == "product"
