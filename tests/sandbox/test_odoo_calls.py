"""How a JSON-2 call is addressed, authorised and refused."""

import pytest


def test_a_wrong_key_and_no_key_are_401(erp):  # observed, Odoo 1
    for headers in ({}, {"Authorization": "bearer wrong"}, {"Authorization": "Basic x"}):
        answer = erp.ask("product.product", "search_count", headers=headers, domain=[])
        assert answer.status_code == 401
        assert answer.json()["name"] == "werkzeug.exceptions.Unauthorized"


@pytest.mark.parametrize(
    ("model", "method"), [("no.model", "search"), ("product.product", "no_method"), ("product.product", "insert")]
)
def test_an_unknown_model_or_method_is_404(erp, model, method):  # observed, Odoo 1
    answer = erp.ask(model, method, domain=[])
    assert answer.status_code == 404
    assert answer.json()["name"] == "werkzeug.exceptions.NotFound"


@pytest.mark.parametrize(("method", "argument"), [("search", "domain"), ("create", "vals_list"), ("write", "vals")])
def test_a_missing_argument_is_422(erp, method, argument):  # observed, Odoo 1
    answer = erp.ask("product.product", method)
    assert answer.status_code == 422
    assert answer.json()["message"] == f"missing a required argument: '{argument}'"


def test_an_argument_the_method_does_not_take_is_422(erp):
    answer = erp.ask("product.product", "search_count", domain=[], colour="red")
    assert answer.status_code == 422


def test_ids_on_a_method_of_the_model_are_422(erp):
    answer = erp.ask("product.product", "search", ids=[1], domain=[])
    assert answer.status_code == 422
    assert answer.json()["message"] == "cannot call product.product.search with ids"


@pytest.mark.parametrize(
    ("method", "named"),
    [
        ("search", {"domain": [["colour", "=", 1]]}),
        ("search", {"domain": [["product_tmpl_id.colour", "=", 1]]}),
        ("search", {"domain": [], "order": "colour"}),
        ("search_read", {"domain": [], "fields": ["colour"]}),
        ("create", {"vals_list": [{"name": "x", "colour": "red"}]}),
        ("write", {"ids": [1], "vals": {"colour": "red"}}),
    ],
)
def test_an_unknown_field_is_a_500_that_no_retry_will_cure(erp, method, named):  # observed, Odoo 1
    answer = erp.ask("product.product", method, **named)
    assert answer.status_code == 500
    assert answer.json()["name"] == "builtins.ValueError"
    assert "colour" in answer.json()["message"]


@pytest.mark.parametrize("vals", [{"default_code": "A-1"}, {"name": "", "default_code": "A-1"}, {"name": False}])
def test_a_missing_required_value_is_a_validation_error(erp, vals):  # observed, Odoo 1
    answer = erp.ask("product.product", "create", vals_list=[vals])
    assert answer.status_code == 422
    assert answer.json()["name"] == "odoo.exceptions.ValidationError"


def test_an_error_body_names_itself_and_carries_a_traceback(erp):  # observed, Odoo 1
    body = erp.ask("product.product", "search", domain=[["colour", "=", 1]]).json()
    assert set(body) == {"name", "message", "arguments", "context", "debug"}
    assert body["debug"].startswith("Traceback")
    assert body["arguments"] == [body["message"]]


def test_a_value_that_the_field_cannot_hold_is_a_500(erp):
    answer = erp.ask("product.product", "create", vals_list=[{"name": "x", "list_price": "cheap"}])
    assert (answer.status_code, answer.json()["name"]) == (500, "builtins.ValueError")


def test_create_answers_the_ids(erp):  # observed, Odoo 2
    ids = erp.call("product.product", "create", vals_list=[{"name": "one"}, {"name": "two"}])
    assert [type(number) for number in ids] == [int, int]
    assert ids[1] == ids[0] + 1


def test_one_dict_is_taken_as_a_list_of_one(erp):
    assert len(erp.call("product.product", "create", vals_list={"name": "one"})) == 1


def test_the_database_header_is_optional(erp):  # observed, Odoo 2
    headers = {**erp.headers, "X-Odoo-Database": "sandbox"}
    assert erp.ask("product.product", "search_count", headers=headers, domain=[]).status_code == 200
    assert erp.ask("product.product", "search_count", domain=[]).status_code == 200


def test_the_scheme_may_be_written_in_any_case(erp):
    headers = {"Authorization": f"Bearer {erp.standin.secrets['key']}"}
    assert erp.ask("product.product", "search_count", headers=headers, domain=[]).status_code == 200


def test_fields_get_describes_the_fields(erp):
    facts = erp.call("product.product", "fields_get", attributes=["type", "relation", "readonly"])
    assert facts["default_code"] == {"type": "char", "readonly": False}
    assert facts["product_tmpl_id"]["relation"] == "product.template"
    assert facts["qty_available"]["readonly"]
    assert "colour" not in facts


def test_fields_get_can_be_narrowed_to_names(erp):
    assert list(erp.call("stock.quant", "fields_get", allfields=["quantity", "colour"])) == ["quantity"]
