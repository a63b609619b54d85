"""JSON-RPC, how Odoo up to 18 is called: the same models, other manners, as in 18's source."""

import pytest


def product(erp, method, *args, **named):
    """The message's answer to a call of one method of product.product."""
    return execute(erp, "product.product", method, list(args), named)


def execute(erp, *call, database="sandbox", user=2, key=None):
    args = [database, user, key or erp.standin.secrets["key"], *call]
    return message(erp, service="object", method="execute_kw", args=args)


def login(erp, *args):
    return message(erp, service="common", method="login", args=list(args))


def message(erp, **params):
    answer = erp.http.post("/jsonrpc", json={"jsonrpc": "2.0", "id": 5, "method": "call", "params": params})
    assert answer.status_code == 200
    assert (answer.json()["jsonrpc"], answer.json()["id"]) == ("2.0", 5)
    return answer.json()


def test_a_login_gives_the_users_id(erp):
    assert login(erp, "sandbox", "admin", erp.standin.secrets["key"])["result"] == 2


@pytest.mark.parametrize(
    "given", [("sandbox", "admin", "wrong"), ("sandbox", "nobody", None), ("other", "admin", None)]
)
def test_a_bad_login_is_answered_with_false(erp, given):  # observed, Odoo 1
    name, user, key = given
    assert login(erp, name, user, key or erp.standin.secrets["key"])["result"] is False


@pytest.mark.parametrize("given", [{"user": 3}, {"key": "wrong"}, {"database": "other"}])
def test_a_call_of_somebody_else_is_an_error_under_200(erp, given):  # observed, Odoo 1
    answer = execute(erp, "product.product", "search_count", [[]], **given)
    assert answer["error"]["data"]["name"] == "odoo.exceptions.AccessDenied"
    assert (answer["error"]["code"], answer["error"]["message"]) == (200, "Odoo Server Error")
    assert "result" not in answer


def test_a_call_answers_what_json_2_answers(erp):
    asked = {"domain": [["default_code", "=", "SKU-00053"]], "fields": ["default_code", "qty_available"]}
    context = {"warehouse_id": erp.warehouse("WH")[0]}
    rows = erp.call("product.product", "search_read", **asked, context=context)
    assert product(erp, "search_read", **asked, context=context)["result"] == rows != []


def test_ids_go_first_and_by_place(erp):
    number, _ = erp.new()
    assert product(erp, "write", [number], vals={"name": "Chair"})["result"] is True
    assert erp.read(number, "name")["name"] == "Chair"
    assert product(erp, "write", ids=[number], vals={"name": "x"})["error"]["data"]["name"] == "builtins.IndexError"


def test_what_is_created_goes_first_and_by_place(erp):
    before = erp.call("product.product", "search_count", domain=[])
    assert product(erp, "create", vals_list=[{"name": "x"}])["error"]["data"]["name"] == "builtins.IndexError"
    assert erp.call("product.product", "search_count", domain=[]) == before
    assert [type(one) for one in product(erp, "create", [{"name": "a"}, {"name": "b"}])["result"]] == [int, int]


def test_one_dict_is_created_as_one_id(erp):
    assert type(product(erp, "create", {"name": "a"})["result"]) is int


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (("product.product", "create", [[{"default_code": "A-1"}]]), "odoo.exceptions.ValidationError"),
        (("product.product", "write", [[10**6], {"name": "x"}]), "odoo.exceptions.MissingError"),
        (("product.product", "search", [[["colour", "=", 1]]]), "builtins.ValueError"),
    ],
)
def test_an_error_names_itself_and_carries_a_traceback(erp, call, name):  # observed, Odoo 1
    data = execute(erp, *call)["error"]["data"]
    assert data["name"] == name
    assert set(data) == {"name", "message", "arguments", "context", "debug"}
    assert data["debug"].startswith("Traceback")
