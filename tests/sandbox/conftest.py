"""Two running stand-ins for the whole session, and the smallest clients that speak to them."""

import itertools
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from oauthlib.oauth1 import Client as Signer

from pullpush_dagster.sandbox import running

SKUS = 200
NOW = "2026-11-01T12:00:00+00:00"
ROOT = "/wp-json/wc/v3"
NUMBERS = itertools.count(1)


class Erp:
    """Odoo over JSON-2."""

    def __init__(self, standin):
        self.standin = standin
        self.headers = {"Authorization": f"bearer {standin.secrets['key']}"}
        self.http = httpx.Client(base_url=standin.url, timeout=20)

    def ask(self, model, method, headers=None, **named):
        return self.http.post(
            f"/json/2/{model}/{method}", json=named, headers=self.headers if headers is None else headers
        )

    def call(self, model, method, **named):
        response = self.ask(model, method, **named)
        assert response.status_code == 200, response.text
        return response.json()

    def new(self, **vals):
        """A storable product of a SKU no other test uses; returns (id, sku)."""
        sku = vals.pop("default_code", f"T-{next(NUMBERS):04d}")
        vals = {"name": f"Test {sku}", "default_code": sku, "is_storable": True, **vals}
        return self.call("product.product", "create", vals_list=[vals])[0], sku

    def read(self, number, *fields, **context):
        """One product's fields, as a dict."""
        return self.call("product.product", "read", ids=[number], fields=list(fields), context=context)[0]

    def write(self, number, **vals):
        return self.call("product.product", "write", ids=[number], vals=vals)

    def skus(self, domain, **options):
        rows = self.call("product.product", "search_read", domain=domain, fields=["default_code"], **options)
        return [row["default_code"] for row in rows]

    def warehouse(self, code):
        """Ids of a warehouse and its stock location."""
        row = self.call("stock.warehouse", "search_read", domain=[["code", "=", code]])[0]
        return row["id"], row["lot_stock_id"][0]

    def order(self, *lines, **vals):
        """A sales order of (product, quantity, price) lines for the guest; returns its id."""
        commands = [
            [0, 0, {"product_id": product, "product_uom_qty": units, "price_unit": price}]
            for product, units, price in lines
        ]
        return self.call("sale.order", "create", vals_list=[{"partner_id": 4, "order_line": commands, **vals}])[0]

    def sold(self, number):
        """A sales order with all its fields."""
        return self.call("sale.order", "read", ids=[number])[0]

    def lines(self, number):
        """The lines of a sales order, in its order."""
        return self.call("sale.order.line", "search_read", domain=[["order_id", "=", number]])

    def refused(self, model, method, **named):
        """Status and message of a refusal."""
        answer = self.ask(model, method, **named)
        return answer.status_code, answer.json()["message"]

    def count(self, number, units, code="WH"):
        """Sets stock the way a connector does; returns the quant's id."""
        vals = {"product_id": number, "location_id": self.warehouse(code)[1], "inventory_quantity_auto_apply": units}
        return self.call("stock.quant", "create", vals_list=[vals])[0]


class Shop:
    """WooCommerce with OAuth 1.0a, signed by oauthlib and so by none of the stand-in's own code."""

    def __init__(self, standin):
        self.standin = standin
        self.http = httpx.Client(base_url=standin.url, timeout=20)

    def signed(self, method, path, key=None, secret=None, kind="QUERY"):
        secrets = self.standin.secrets
        signer = Signer(
            key or secrets["key"],
            client_secret=secret or secrets["secret"],
            signature_method="HMAC-SHA256",
            signature_type=kind,
        )
        url, headers, _ = signer.sign(f"{self.standin.url}{ROOT}{path}", http_method=method)
        return url, headers

    def ask(self, method, path, body=None, **params):
        query = f"?{httpx.QueryParams(params)}" if params else ""
        url, _ = self.signed(method, path + query)
        return self.http.request(method, url, json=body)

    def call(self, method, path, body=None, **params):
        response = self.ask(method, path, body, **params)
        assert response.status_code in (200, 201), response.text
        return response.json()

    def refused(self, method, path, body=None, **params):
        """Status and code of a refusal."""
        response = self.ask(method, path, body, **params)
        return response.status_code, response.json()["code"]

    def new(self, **values):
        """A product of a SKU no other test uses."""
        values = {"sku": f"T-{next(NUMBERS):04d}", "name": "Test", "regular_price": "5.00", **values}
        return self.call("POST", "/products", values)

    def get(self, number):
        return self.call("GET", f"/products/{number}")

    def put(self, number, **values):
        return self.call("PUT", f"/products/{number}", values)

    def order(self, *lines, **values):
        """An order of (product id, quantity) lines."""
        items = [{"product_id": product, "quantity": units} for product, units in lines]
        return self.call("POST", "/orders", {"line_items": items, **values})

    def units(self, number):
        """What a product has in stock."""
        return self.get(number)["stock_quantity"]

    def batch(self, path="/products/batch", **steps):
        return self.call("POST", path, steps)


@pytest.fixture(scope="session")
def sandbox():
    with running({"erp": "odoo", "shop": "woocommerce"}, skus=SKUS, seed=7, now=NOW) as started:
        yield started


@pytest.fixture(scope="session")
def erp_client(sandbox):
    client = Erp(sandbox["erp"])
    yield client
    client.http.close()


@pytest.fixture(scope="session")
def shop_client(sandbox):
    client = Shop(sandbox["shop"])
    yield client
    client.http.close()


@pytest.fixture
def erp(erp_client):
    yield erp_client
    calm(erp_client.standin)


@pytest.fixture
def shop(shop_client):
    yield shop_client
    calm(shop_client.standin)


def calm(standin):
    """No faults and a running clock, whatever the test did."""
    standin.faults()
    standin.control("clock", freeze=False)


@pytest.fixture
def together():
    """Runs one function on many arguments at the same moment; returns what each gave, in order of finishing."""

    def run(function, arguments):
        gate, finished = threading.Barrier(len(arguments)), []

        def one(argument):
            gate.wait()
            result = function(argument)
            finished.append((argument, result))

        with ThreadPoolExecutor(len(arguments)) as pool:
            list(pool.map(one, arguments))
        return finished

    return run
