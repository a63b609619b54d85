"""Right requests, made by hand from the vendors' documentation: spec -> those it must find nothing wrong with."""

from tests.connectors.specs.request import SpecRequest as Request

_UUID = "1b6b6a3e-3f0b-4c64-9a3c-2f6f3a0c1d2e"
_CALLS = "/2010-04-01/Accounts/AC0123456789abcdef0123456789abcdef/Calls.json"
_REVISION = {"revision": "2026-07-15"}
_COMPANY = "/v3/company/123"
_DATA = "/services/data/v62.0"
_PRODUCTS = (
    "query($first: Int!, $after: String, $search: String) "
    "{ products(first: $first, after: $after, query: $search, sortKey: ID) "
    "{ nodes { id title updatedAt variants(first: 100) { nodes { id sku price } } } "
    "pageInfo { hasNextPage endCursor } } }"
)
_QUANTITIES = (
    "mutation($input: InventorySetQuantitiesInput!, $key: String!) "
    "{ inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { field message code } } }"
)

RIGHT: dict[str, list[Request]] = {
    "bigcommerce/inventory.v3.yml": [
        Request("GET", "/inventory/items", {"sku:in": "A-1,A-2", "page": 1, "limit": 250}, base="/stores/abc/v3"),
        Request(
            "PUT",
            "/v3/inventory/adjustments/absolute",
            json={"reason": "sync", "items": [{"location_id": 1, "sku": "A-1", "quantity": 3}]},
        ),
    ],
    "bigcommerce/products_catalog.v3.yml bigcommerce/product-variants_catalog.v3.yml": [
        Request(
            "GET",
            "/catalog/products",
            base="/stores/abc/v3",
            query={
                "include": "variants,images",
                "date_modified:min": "2026-01-01T00:00:00Z",
                "sort": "id",
                "direction": "asc",
                "limit": 250,
            },
        ),
        Request("PUT", "/catalog/products", json=[{"id": 3, "name": "Mug", "price": 3.5, "is_visible": True}]),
        Request("PUT", "/catalog/variants", json=[{"id": 3, "price": 3.5}]),
    ],
    "bigcommerce/orders.v2.oas2.yml": [
        Request(
            "GET",
            "/v2/orders",
            {"min_date_modified": "2026-01-02T03:04:05Z", "min_id": 3, "sort": "id:asc", "limit": 250, "page": 1},
        ),
    ],
    "klaviyo/stable.json.gz": [
        Request(
            "GET",
            "/api/profiles",
            headers=_REVISION,
            query={
                "filter": "greater-than(updated,2026-01-01T00:00:00Z)",
                "sort": "updated",
                "page[size]": 100,
                "fields[profile]": "email",
            },
        ),
        Request(
            "POST",
            "/api/profile-import",
            headers={**_REVISION, "Content-Type": "application/vnd.api+json"},
            json={
                "data": {
                    "type": "profile",
                    "attributes": {"email": "a@example.com", "first_name": "Ann", "properties": {"tier": "gold"}},
                }
            },
        ),
    ],
    "linnworks/stock.json": [
        Request(
            "POST",
            "/api/Stock/SetStockLevel",
            json={"stockLevels": [{"SKU": "A-1", "LocationId": _UUID, "Level": 3}], "changeSource": "sync"},
        ),
    ],
    "linnworks/orders-v2.json": [
        Request("GET", "/orders", {"fromDate": "2026-01-01T00:00:00Z", "entriesPerPage": 100}, base="/v2")
    ],
    "magento/admin-schema-2.4.9.yaml": [
        Request(
            "GET",
            "/rest/all/V1/products",
            {
                "searchCriteria[filterGroups][1][filters][0][field]": "updated_at",
                "searchCriteria[filterGroups][1][filters][0][value]": "2026-01-01 00:00:00",
                "searchCriteria[filterGroups][1][filters][0][conditionType]": "gteq",
                "searchCriteria[pageSize]": 100,
                "searchCriteria[currentPage]": 1,
            },
        ),
        Request(
            "PUT",
            "/V1/products/A%2F1",
            base="/rest/all",
            json={
                "product": {
                    "sku": "A/1",
                    "price": 3.5,
                    "custom_attributes": [{"attribute_code": "description", "value": "x"}],
                }
            },
        ),
        Request(
            "GET",
            "/rest/all/V1/orders",
            {
                "searchCriteria[filter_groups][0][filters][0][field]": "updated_at",
                "fields": "items[entity_id],total_count",
            },
        ),
        Request("PUT", "/rest/all/async/bulk/V1/products/bySku", json=[{"product": {"sku": "A-1", "price": 3.5}}]),
        Request(
            "POST",
            "/V1/inventory/source-items",
            json={"sourceItems": [{"sku": "A-1", "source_code": "default", "quantity": 3, "status": 1}]},
        ),
    ],
    "shipbob/openapi-2026-01.json": [
        Request(
            "GET",
            "/order",
            base="/2026-01",
            query={"Page": 1, "Limit": 250, "LastUpdateStartDate": "2026-01-01T00:00:00Z", "SortOrder": "Oldest"},
        ),
    ],
    "shipstation/v2-openapi.yaml": [
        Request(
            "GET",
            "/v2/shipments",
            {
                "modified_at_start": "2026-01-01T00:00:00Z",
                "sort_by": "modified_at",
                "sort_dir": "asc",
                "page": 1,
                "page_size": 100,
            },
        ),
        Request("GET", "/v2/inventory", {"limit": 250, "group_by": "location"}),
        Request(
            "POST",
            "/v2/inventory",
            json={"transaction_type": "modify", "inventory_location_id": "se-1", "sku": "A-1", "quantity": 3},
        ),
    ],
    "twilio/twilio_api_v2010.json.gz": [
        Request("GET", _CALLS, {"PageSize": 1000, "EndTime>": "2026-01-01"}),
        Request(
            "POST", _CALLS, form={"To": "+15550100", "From": "+15550101", "Url": "https://example.com/x", "Timeout": 30}
        ),
    ],
    "netsuite/customer.metadata-catalog.json": [
        Request(
            "PUT",
            "/record/v1/customer/eid:C_12",
            base="/services/rest",
            json={"companyName": "Ann Ltd", "email": "a@example.com", "isPerson": False},
        ),
        Request("GET", "/customer", {"limit": 100, "offset": 0, "q": 'email IS "a@example.com"'}),
    ],
    "shopify/admin_2026-07.json.gz": [
        Request(
            "POST",
            "/graphql.json",
            base="/admin/api/2026-07",
            json={
                "query": _PRODUCTS,
                "variables": {"first": 10, "search": "updated_at:>='2026-01-01T00:00:00Z' AND id:>3"},
            },
        ),
        Request(
            "POST",
            "/graphql.json",
            json={
                "query": _QUANTITIES,
                "variables": {
                    "key": "k-1",
                    "input": {
                        "name": "available",
                        "reason": "correction",
                        "referenceDocumentUri": "app://sync/1",
                        "quantities": [
                            {
                                "inventoryItemId": "gid://shopify/InventoryItem/1",
                                "locationId": "gid://shopify/Location/1",
                                "quantity": 3,
                                "changeFromQuantity": 2,
                            }
                        ],
                    },
                },
            },
        ),
    ],
    "hubspot/operations.json": [
        Request(
            "POST",
            "/crm/v3/objects/contacts/batch/upsert",
            json={"inputs": [{"id": "a@example.com", "idProperty": "email", "properties": {"firstname": "Ann"}}]},
        ),
        Request(
            "POST",
            "/crm/v3/objects/orders/search",
            json={
                "limit": 100,
                "properties": ["hs_lastmodifieddate"],
                "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
                "filterGroups": [
                    {"filters": [{"propertyName": "hs_lastmodifieddate", "operator": "GTE", "value": "1767225600000"}]}
                ],
            },
        ),
        Request("GET", "/crm/v3/objects/contacts/12", {"properties": "email", "idProperty": "email"}),
    ],
    "mailchimp/operations.json": [
        Request(
            "GET",
            "/lists/ab12cd34ef/members",
            base="/3.0",
            query={
                "count": 1000,
                "offset": 0,
                "since_last_changed": "2026-01-01T00:00:00+00:00",
                "sort_field": "last_changed",
            },
        ),
        Request(
            "PUT",
            "/3.0/lists/ab12cd34ef/members/0cc175b9c0f1b6a831c399e269772661",
            json={"email_address": "a@example.com"},
        ),
    ],
    "woocommerce/wc-v3-docs-extract.json": [
        Request(
            "GET",
            "/products",
            base="/wp-json/wc/v3",
            query={
                "per_page": 100,
                "page": 1,
                "orderby": "id",
                "order": "asc",
                "modified_after": "2026-01-01T00:00:00",
                "dates_are_gmt": True,
            },
        ),
        Request(
            "POST",
            "/wp-json/wc/v3/products/batch",
            json={
                "update": [{"id": 3, "name": "Mug", "regular_price": "3.50", "manage_stock": True, "stock_quantity": 3}]
            },
        ),
    ],
    "sap-b1/entities.json": [
        Request(
            "GET",
            "/Items",
            base="/b1s/v2",
            query={
                "$select": "ItemCode,ItemName,ItemPrices,U_Colour",
                "$filter": "UpdateDate ge '2026-01-01' and ItemCode gt 'A''1'",
                "$orderby": "ItemCode asc",
                "$top": 20,
            },
        ),
        Request(
            "POST",
            "/b1s/v2/Orders",
            json={
                "CardCode": "C1",
                "NumAtCard": "W-1",
                "DocDueDate": "2026-01-02",
                "DocumentLines": [{"ItemCode": "A-1", "Quantity": 3, "WarehouseCode": "01"}],
            },
        ),
        Request("PATCH", "/Items('A-1')", json={"ItemName": "Mug", "Valid": "tYES"}),
    ],
    "sap-s4/API_SALES_ORDER_SRV.edmx": [
        Request(
            "GET",
            "/API_SALES_ORDER_SRV/A_SalesOrder",
            base="/sap/opu/odata/sap",
            query={
                "$filter": "LastChangeDateTime ge datetimeoffset'2026-01-01T00:00:00Z' and SalesOrder gt '12'",
                "$orderby": "SalesOrder asc",
                "$top": 100,
                "$expand": "to_Item",
                "$select": "SalesOrder,to_Item/Material",
                "$format": "json",
            },
        ),
        Request(
            "POST",
            "/API_SALES_ORDER_SRV/A_SalesOrder",
            json={
                "SalesOrderType": "OR",
                "SoldToParty": "1000",
                "PurchaseOrderByCustomer": "W-1",
                "to_Item": {"results": [{"Material": "A-1", "RequestedQuantity": "3"}]},
            },
        ),
        Request("PATCH", "/API_SALES_ORDER_SRV/A_SalesOrder('12')", json={"PurchaseOrderByCustomer": "W-2"}),
    ],
    "quickbooks/Finance.xsd": [
        Request(
            "GET",
            "/query",
            base=_COMPANY,
            query={
                "minorversion": 75,
                "query": (
                    "SELECT * FROM Item WHERE MetaData.LastUpdatedTime >= '2026-01-01T00:00:00-07:00' AND Id > '12' "
                    "ORDERBY Id ASC STARTPOSITION 1 MAXRESULTS 1000"
                ),
            },
        ),
        Request(
            "POST",
            "/invoice",
            base=_COMPANY,
            query={"requestid": "k-1"},
            json={
                "Id": "1",
                "SyncToken": "0",
                "sparse": True,
                "DocNumber": "W-1",
                "TxnDate": "2026-01-02",
                "CustomerRef": {"value": "3"},
                "Line": [
                    {
                        "Amount": 3.5,
                        "DetailType": "SalesItemLineDetail",
                        "SalesItemLineDetail": {"ItemRef": {"value": "5"}, "Qty": 1},
                    }
                ],
            },
        ),
        Request(
            "POST",
            "/batch",
            json={
                "BatchItemRequest": [
                    {
                        "bId": "1",
                        "operation": "create",
                        "Customer": {"DisplayName": "Ann", "PrimaryEmailAddr": {"Address": "a@example.com"}},
                    }
                ]
            },
        ),
    ],
    "salesforce/Account.describe.json salesforce/Contact.describe.json": [
        Request(
            "GET",
            "/query",
            base=_DATA,
            query={
                "q": (
                    "SELECT Id, Email, Account.Name, SystemModstamp, Tier__c FROM Contact "
                    "WHERE SystemModstamp >= 2026-01-01T00:00:00Z AND Id > '003' ORDER BY Id ASC LIMIT 2000"
                )
            },
        ),
        Request(
            "PATCH",
            "/composite/sobjects/Contact/Key__c",
            base=_DATA,
            json={
                "allOrNone": False,
                "records": [
                    {"attributes": {"type": "Contact"}, "LastName": "Lee", "Email": "a@example.com", "Key__c": "k-1"}
                ],
            },
        ),
        Request(
            "POST", "/sobjects/Contact", json={"LastName": "Lee", "Email": "a@example.com", "HasOptedOutOfEmail": True}
        ),
    ],
}
