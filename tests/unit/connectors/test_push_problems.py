"""What a connector says of orders is checked when its file is read: every hole, every field, every reference."""

import pytest

from pullpush_dagster.connectors import load_connector
from pullpush_dagster.errors import ConfigError

GOOD = """\
connector: acme
title: Acme
docs: Acme API 2
base_url: "{settings.base_url}"
settings: [base_url, guest]
secrets: [key]
auth: {type: bearer, token: "{secret.key}"}
entities:
  order:
    binding: {id: item.id}
    push:
      find: {post: /orders/find, json: ["{keys}"], field: orderId, match: item.ref}
      read: {post: /orders/read, json: ["{ids:integer}"], match: item.id}
      agree: {currency: item.currency}
      references:
        product:
          {of: lineItems.sku, post: /products, json: ["{keys}"], match: item.sku}
        customer:
          of: customer.email
          post: /people
          json: ["{keys}"]
          match: item.email
          otherwise: "{settings.guest}"
          create: {post: /people/new, record: {name: "{customer.name}"}}
      create: {post: /orders, unless: {status: failed}, record:
        {ref: "{orderId}", who: "{reference.customer}", rows: "{lines}"}}
      update:
      - {put: "/orders/{binding.id}", record: {rows: "{lines}"}}
      lines:
        field: lineItems
        key: lineId
        post: /rows
        json: ["{ids}"]
        match: item.order
        same: {product: item.product}
        values: {quantity: item.quantity}
        new: {product: "{reference.product}", quantity: "{line.quantity}"}
        changed: {id: "{row.id}", quantity: "{line.quantity}"}
        gone: {id: "{row.id}"}
      actions:
        field: status
        state: item.state
        to:
          paid: {is: sale, from: draft, request: {post: /confirm, record: {id: "{binding.id}"}}}
      echo: [ref]
"""
HERE = "entities.order.push"


@pytest.fixture
def load(tmp_path):
    def write_and_load(text):
        (tmp_path / "acme.yaml").write_text(text)
        return load_connector("acme", tmp_path)

    return write_and_load


@pytest.fixture
def refused(load):
    """The complaints about GOOD with one part replaced."""

    def message(old, new):
        assert old in GOOD
        with pytest.raises(ConfigError) as refusal:
            load(GOOD.replace(old, new, 1))
        return str(refusal.value).splitlines()

    return message


def test_a_good_file_has_no_problems(load):
    assert load(GOOD).push("order").lines.field == "lineItems"


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "said"),
    [
        ('["{keys}"], field', '["{ids}"], field', 12, ".find", "{ids} is not known here; known: keys,"),
        ("field: orderId", "field: status", 12, ".find.field", "is not one of orderId"),
        ("{ids:integer}", "{keys:integer}", 13, ".read", "{keys} is not known here; known: ids,"),
        ("{ids:integer}", "{ids:int}", 13, ".read", "{ids:int} is no placeholder"),
        ("agree: {currency", "agree: {curency", 11, "", "curency is not a field of order"),
        ('"{orderId}"', '"{number}"', 11, "", "{number} is not known here"),
        ('"{reference.customer}"', '"{reference.client}"', 11, "", "{reference.client} is not known here"),
        ('{binding.id}", record: {rows', '{binding.ids}", record: {rows', 11, "", "{binding.ids} is not known here"),
        ("unless: {status", "unless: {staus", 11, "", "staus is not a field of order"),
        ("field: status", "field: state", 11, "", "state is not a field of order"),
        ("{id: \"{binding.id}\"}}}", "{id: \"{id}\"}}}", 11, "", "{id} is not known here"),
        ("echo: [ref]", "echo: [number]", 45, ".echo", "number is in no record"),
        ("echo: [ref]", 'cleared: {customer.phone: ""}', 45, ".cleared", "customer.phone is in no record"),
    ],
)  # fmt: skip
def test_a_typing_error_in_a_request_is_told_with_file_line_and_key(refused, old, new, line, key, said):
    assert any(one.startswith(f"acme.yaml:{line} {HERE}{key}: {said}") for one in refused(old, new)), refused(old, new)


@pytest.mark.parametrize("of", ["lineItems.barcode", "lineItems", "items.sku", "note.sku", "note"])
def test_a_reference_is_by_a_part_of_a_list_or_object(refused, of):
    (problem, *_) = refused("of: lineItems.sku", f"of: {of}")
    assert problem == (
        f"acme.yaml:17 {HERE}.references.product.of: is no part of a list or object,"
        " such as lineItems.sku, and not of the key"
    )


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "said"),
    [
        ('/products, json: ["{keys}"]', '/products, json: ["{key}"]', 16, ".product", "{key} is not known here"),
        ("{settings.guest}", "{settings.gast}", 18, ".customer", "{settings.gast} is not known here"),
        ("{settings.guest}", "{customer.id}", 18, ".customer", "{customer.id} is not known here"),
    ],
)
def test_a_typing_error_in_a_reference_is_told_with_file_line_and_key(refused, old, new, line, key, said):
    (problem,) = refused(old, new)
    assert problem.startswith(f"acme.yaml:{line} {HERE}.references{key}: {said}")


@pytest.mark.parametrize("hole", ["customer.age", "orderId", "line.sku"])
def test_what_a_reference_is_made_of_is_what_it_is_found_by(refused, hole):
    (problem,) = refused("{customer.name}", f"{{{hole}}}")
    assert f"{{{hole}}} is not known here; known: customer.company, customer.email" in problem


@pytest.mark.parametrize("field", ["customer", "note", "items"])
def test_rows_are_those_of_a_list(refused, field):
    (problem, *_) = refused("field: lineItems", f"field: {field}")
    assert problem == f"acme.yaml:30 {HERE}.lines.field: is no list of order"


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "said"),
    [
        ('["{ids}"]', '["{keys}"]', 29, "", "{keys} is not known here; known: ids,"),
        ("key: lineId", "key: number", 29, "", "number is not a field of lineItems"),
        ("values: {quantity", "values: {qty", 29, "", "qty is not a field of lineItems"),
        ("same: {product", "same: {item", 35, ".same", "item is not one of reference.customer, reference.product"),
        ("new: {product: \"{reference.product}\"", "new: {product: \"{reference.goods}\"", 37, ".new",
         "{reference.goods} is not known here"),
        ("new: {product: \"{reference.product}\"", "new: {product: \"{row.id}\"", 37, ".new", "{row.id} is not known"),
        ("{row.id}\", quantity: \"{line.quantity}", "{row.id}\", quantity: \"{line.qty}", 38, ".changed",
         "{line.qty} is not known here"),
        ("gone: {id: \"{row.id}\"", "gone: {id: \"{row.ids}\"", 39, ".gone", "{row.ids} is not known here"),
        # Of a row that is gone nothing else is known.
        ("gone: {id: \"{row.id}\"", "gone: {id: \"{line.lineId}\"", 39, ".gone", "{line.lineId} is not known here"),
        # Only what rows are told by is looked up for them.
        ("new: {product: \"{reference.product}\"", "new: {product: \"{reference.customer}\"", 37, ".new",
         "{reference.customer} is not known here"),
    ],
)  # fmt: skip
def test_a_typing_error_in_the_rows_is_told_with_file_line_and_key(refused, old, new, line, key, said):
    assert any(one.startswith(f"acme.yaml:{line} {HERE}.lines{key}: {said}") for one in refused(old, new)), refused(
        old, new
    )


def test_rows_states_and_agreements_need_what_is_there_to_be_read(refused):
    old = '      read: {post: /orders/read, json: ["{ids:integer}"], match: item.id}\n'
    (problem,) = refused(old, "")
    assert problem == f"acme.yaml:11 {HERE}: lines, actions and agree need read: they compare with what is there"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{is: sale, from", "{from", "actions.to.paid.is: is required"),
        ("key: lineId\n", "kee: lineId\n", "lines.kee: is not known here"),
        ("of: customer.email", "ov: customer.email", "references.customer.ov: is not known here"),
        ("gone: {id", "went: {id", "lines.gone: is required"),
    ],
)
def test_a_fact_that_is_none_is_refused(refused, old, new, said):
    assert any(f"{HERE}.{said}" in problem for problem in refused(old, new))


@pytest.mark.parametrize(
    ("given", "listed"), [("sale", ["sale"]), ("[sale, done]", ["sale", "done"]), ("true", ["true"])]
)
def test_one_state_or_several_or_a_yes_mean_a_value(load, given, listed):
    assert load(GOOD.replace("is: sale", f"is: {given}")).push("order").actions.to["paid"].is_ == listed
