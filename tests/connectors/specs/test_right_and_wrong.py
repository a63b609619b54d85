"""Each kind of spec lets right requests pass, and refuses wrong ones."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.connectors.specs.checking import check
from tests.connectors.specs.examples import RIGHT
from tests.connectors.specs.mutations import mutations, untold
from tests.connectors.specs.request import NotCovered, SpecRequest

pytestmark = pytest.mark.usefixtures("specs")


def _refused(spec: str, request: SpecRequest) -> bool:
    try:
        return bool(check(spec, request))
    except NotCovered:
        return True


@pytest.mark.parametrize("spec", RIGHT)
def test_a_right_request_has_no_problem(spec: str) -> None:
    assert [said for request in RIGHT[spec] for said in check(spec, request)] == []


@pytest.mark.parametrize("spec", RIGHT)
def test_every_fault_put_into_a_right_request_is_noticed(spec: str) -> None:
    made = [(name, wrong) for request in RIGHT[spec] for name, wrong in mutations(request)]

    assert [name for name, wrong in made if not _refused(spec, wrong) and not untold(spec, name)] == []


def test_all_kinds_of_faults_are_tried() -> None:
    kinds = Counter(
        name.split()[0].rstrip(":") for each in RIGHT.values() for one in each for name, _ in mutations(one)
    )

    assert set(kinds) == {"path", "parameter", "value", "words", "property", "type", "graphql"}


_WRONG: list[tuple[str, int, dict[str, Any], str]] = [
    ("bigcommerce/inventory.v3.yml", 0, {"base": "/stores/abc/v2"}, "NotCovered"),
    ("bigcommerce/inventory.v3.yml", 0, {"method": "DELETE"}, "DELETE is no method of /inventory/items"),
    ("bigcommerce/inventory.v3.yml", 1, {"json": None}, "body: is required"),
    ("bigcommerce/orders.v2.oas2.yml", 0, {"query": {"sort": "idd:asc"}}, "query.sort: 'idd' is none of"),
    ("klaviyo/stable.json.gz", 0, {"headers": {}}, "header.revision: is required"),
    (
        "klaviyo/stable.json.gz",
        0,
        {"query": {"filter": "greater-or-equal(updated,2026-01-01T00:00:00Z)"}},
        "is not allowed here",
    ),
    ("klaviyo/stable.json.gz", 1, {"headers": {"revision": "1", "content-type": "text/json"}}, "header.content-type"),
    ("linnworks/stock.json", 0, {"json": {"stockLevels": [{"SKU": "A", "LocationId": "7"}]}}, "'7' is not a 'uuid'"),
    ("magento/admin-schema-2.4.9.yaml", 1, {"json": {"product": {"price": "3"}}}, "'3' is not of type number"),
    ("shipstation/v2-openapi.yaml", 2, {"form": {"sku": "A"}, "json": None}, "body: is a form"),
    ("twilio/twilio_api_v2010.json.gz", 1, {"json": {"To": "x"}, "form": None}, "body: is no form"),
    ("twilio/twilio_api_v2010.json.gz", 0, {"path": "/2010-04-01/Accounts/AC1/Calls.json"}, "'AC1' does not match"),
    ("netsuite/customer.metadata-catalog.json", 0, {"json": {"refName": "x"}}, "body.refName: is read-only"),
    ("netsuite/customer.metadata-catalog.json", 0, {"path": "/record/v1/customer/C_12"}, "does not match 'eid:"),
    ("shopify/admin_2026-07.json.gz", 0, {"base": "/admin/api/2025-07"}, "2025-07 is not the version"),
    ("shopify/admin_2026-07.json.gz", 0, {"json": {"query": "{ shop { nme } }"}}, "Cannot query field 'nme'"),
    ("shopify/admin_2026-07.json.gz", 0, {"json": {"query": "{ shop { name }"}}, "Syntax Error"),
    (
        "shopify/admin_2026-07.json.gz",
        0,
        {"json": {"query": "{ shop { name } }", "variables": {"a": 1}}},
        "variables.a: is not declared",
    ),
    ("hubspot/operations.json", 0, {"path": "/crm/v3/objects/contcts/batch/upsert"}, "path.objectType: 'contcts'"),
    (
        "hubspot/operations.json",
        0,
        {"json": {"inputs": [{"id": "a", "properties": {"n": 3}}]}},
        "3 is not of type string",
    ),
    ("mailchimp/operations.json", 1, {"json": None}, "body: is required"),
    (
        "woocommerce/wc-v3-docs-extract.json",
        1,
        {"json": {"update": [{"id": 3, "date_modified": "2026-01-01T00:00:00"}]}},
        "is read-only",
    ),
    ("sap-b1/entities.json", 0, {"query": {"$filter": "UpdateDate gee '2026-01-01'"}}, "query.$filter"),
    ("sap-b1/entities.json", 0, {"query": {"$filter": "ItemCode gt 3"}}, "3 is not how ItemCode is written"),
    ("sap-b1/entities.json", 0, {"path": "/SQLQueries"}, "NotCovered"),
    ("sap-s4/API_SALES_ORDER_SRV.edmx", 0, {"path": "/API_SALES_ORDER_SRV/A_SalesOrders"}, "is A_SalesOrder meant?"),
    (
        "sap-s4/API_SALES_ORDER_SRV.edmx",
        0,
        {"query": {"$filter": "SalesOrder gt 12"}},
        "12 is not how SalesOrder is written",
    ),
    (
        "sap-s4/API_SALES_ORDER_SRV.edmx",
        2,
        {"path": "/API_SALES_ORDER_SRV/A_SalesOrder(12)"},
        "SalesOrder is not written so",
    ),
    ("sap-s4/API_SALES_ORDER_SRV.edmx", 1, {"json": {"TotalNetAmount": "3"}}, "body.TotalNetAmount: is read-only"),
    ("quickbooks/Finance.xsd", 0, {"query": {"query": "SELECT * FROM Itm"}}, "'Itm' is no entity"),
    ("quickbooks/Finance.xsd", 0, {"query": {"query": "SELECT * FROM Item WHERE Id > 12"}}, "12 is not between quotes"),
    (
        "quickbooks/Finance.xsd",
        2,
        {"json": {"BatchItemRequest": [{"bId": "1", "operation": "upsert"}]}},
        "'upsert' is none of",
    ),
    ("salesforce/Contact.describe.json", 2, {"json": {"LastName": "x", "Id": "003"}}, "body.Id: is read-only"),
    ("salesforce/Contact.describe.json", 2, {"json": {"Email": "x"}}, "'LastName' is required"),
    ("salesforce/Contact.describe.json", 0, {"query": {"q": "SELECT Id FROM Order"}}, "NotCovered"),
    (
        "salesforce/Contact.describe.json",
        0,
        {"query": {"q": "SELECT Id FROM Contact WHERE SystemModstamp > '2026'"}},
        "is not how a datetime",
    ),
]


@pytest.mark.parametrize(
    ("spec", "index", "change", "said"), _WRONG, ids=[f"{spec}-{said}" for spec, _, _, said in _WRONG]
)
def test_a_wrong_request_is_refused_and_told_why(spec: str, index: int, change: dict[str, Any], said: str) -> None:
    right = next(requests for known, requests in RIGHT.items() if spec in known)[index]

    try:
        problems = check(spec, replace(right, **change))
    except NotCovered:
        problems = ["NotCovered"]

    assert any(said in one for one in problems), problems


def test_a_folder_is_all_specs_in_it() -> None:
    request = RIGHT["linnworks/stock.json"][0]

    assert check("linnworks", request) == []


def test_a_request_to_one_of_several_files_is_held_to_the_file_that_knows_it() -> None:
    stock = replace(RIGHT["bigcommerce/inventory.v3.yml"][1], json={"reason": "sync", "itms": []})

    assert check("bigcommerce/orders.v2.oas2.yml bigcommerce/inventory.v3.yml", stock)


def test_no_spec_covers_nothing() -> None:
    with pytest.raises(NotCovered, match="there is no spec"):
        check("none", SpecRequest("GET", "/orders"))


def test_a_file_that_is_not_there_is_no_spec_that_finds_nothing() -> None:
    with pytest.raises(FileNotFoundError, match=r"bigcommerce/stock\.yml"):
        check("bigcommerce/stock.yml", SpecRequest("GET", "/orders"))
