"""Control routes: who may use them, what they count, and what the commands do."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from pullpush_dagster.sandbox.server import Served, Settings
from pullpush_dagster.sandbox.woocommerce import build


def held(erp, number):
    return next(item for item in erp.standin.state()["products"] if item["id"] == number)


def test_other_machines_are_refused():
    async def ask(address):
        settings = Settings(20, 1, datetime.now(UTC), {"key": "k", "secret": "s"})
        transport = httpx.ASGITransport(Served(build, settings), client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://shop") as http:
            answers = [await http.get("/_control/state"), await http.get("/_control/stats")]
            answers += [await http.delete("/_control/stats"), await http.post("/_control/faults", json={})]
            return {answer.status_code for answer in answers}

    assert asyncio.run(ask("10.0.0.9")) == {403}
    assert asyncio.run(ask("127.0.0.1")) == {200}


def test_requests_are_counted_by_method_and_pattern(shop):
    item = shop.new()
    shop.standin.clear_stats()
    shop.get(item["id"])
    shop.get(item["id"])
    shop.put(item["id"], name="x")
    shop.ask("GET", f"/products/{item['id']}/variations/9")
    assert shop.standin.stats() == {
        "GET /wp-json/wc/v3/products/{id}": 2,
        "PUT /wp-json/wc/v3/products/{id}": 1,
        "GET /wp-json/wc/v3/products/{id}/variations/{id}": 1,
    }


def test_a_refused_request_counts_and_a_control_call_does_not(erp):
    erp.standin.clear_stats()
    erp.ask("product.product", "search", headers={}, domain=[])
    erp.standin.state()
    assert erp.standin.stats() == {"POST /json/2/product.product/search": 1}


def test_an_unknown_command_is_refused(erp):
    with pytest.raises(ValueError, match="no command 'dance'"):
        erp.standin.control("dance")


@pytest.mark.parametrize(
    ("command", "order"),
    [
        ("stock", {"sku": "NOPE", "warehouse": "WH", "quantity": 1}),
        ("stock", {"sku": "SKU-00001", "warehouse": "MOON", "quantity": 1}),
        ("product", {"sku": "SKU-00001"}),
        ("product", {"sku": "SKU-00001", "set": {"colour": "red"}}),
        ("stock", {}),
    ],
)
def test_a_command_that_does_not_fit_is_refused_with_the_reason(erp, command, order):
    with pytest.raises(ValueError, match="Error"):
        erp.standin.control(command, **order)


def test_stock_is_set_at_one_warehouse(erp):
    number, sku = erp.new()
    answer = erp.standin.control("stock", sku=sku, warehouse="STORE", quantity=4, outgoing=1)
    assert answer == {"id": number, "quantity": 4.0, "outgoing": 1.0}
    assert held(erp, number)["stock"] == {"STORE": {"quantity": 4.0, "outgoing": 1.0}}


def test_open_orders_are_replaced_and_not_added(erp):
    _, sku = erp.new()
    erp.standin.control("stock", sku=sku, warehouse="WH", quantity=9, outgoing=4)
    assert erp.standin.control("stock", sku=sku, warehouse="WH", outgoing=1)["outgoing"] == 1.0


def test_a_null_quantity_makes_a_product_never_stocked(erp):
    number, sku = erp.new()
    erp.count(number, 4)
    erp.standin.control("stock", sku=sku, warehouse="WH", quantity=None)
    domain = [["product_id", "=", number]]
    assert held(erp, number)["stock"] == {}
    assert erp.call("stock.move", "search_count", domain=domain) == 0
    assert erp.call("stock.quant", "search_count", domain=domain) == 0


def test_tracking_is_switched_off_and_on(erp):
    number, sku = erp.new()
    erp.count(number, 4)
    erp.standin.control("product", sku=sku, set={"is_storable": False})
    assert erp.read(number, "is_storable", "qty_available") == {
        "id": number,
        "is_storable": False,
        "qty_available": 0.0,
    }
    erp.standin.control("product", sku=sku, set={"is_storable": True})
    assert erp.read(number, "qty_available")["qty_available"] == 4.0


def test_a_product_is_created_renamed_archived_and_removed(erp):
    number = erp.standin.control("product", create={"name": "One", "default_code": "CTRL-1"})["id"]
    erp.standin.control("product", sku="CTRL-1", set={"name": "Two", "active": False})
    assert held(erp, number)["name"] == "Two"
    assert not held(erp, number)["active"]
    erp.standin.control("stock", id=number, warehouse="WH", quantity=1)
    erp.standin.control("product", id=number, unlink=True)
    assert erp.call("product.product", "read", ids=[number], fields=["name"]) == []


def test_zero_quants_are_cleaned_away(erp):
    number, _ = erp.new()
    erp.count(number, 0)
    assert erp.standin.control("inventory")["deleted"] >= 1
    assert erp.call("stock.quant", "search_count", domain=[["product_id", "=", number]]) == 0


def test_a_shop_item_is_changed_behind_the_api(shop):
    item = shop.new()
    shop.standin.control("clock", advance=3)
    shop.standin.control("product", sku=item["sku"], set={"manage_stock": True, "stock_quantity": 6})
    seen = shop.get(item["id"])
    assert (seen["manage_stock"], seen["stock_quantity"]) == (True, 6)
    assert seen["date_modified_gmt"] > item["date_modified_gmt"]


def test_a_shop_item_is_changed_without_moving_its_date(shop):
    item = shop.new()
    shop.standin.control("clock", advance=3)
    shop.standin.control("product", sku=item["sku"], set={"name": "Past the code"}, touch=False)
    seen = shop.get(item["id"])
    assert (seen["name"], seen["date_modified_gmt"]) == ("Past the code", item["date_modified_gmt"])


def test_a_shop_item_is_created_trashed_and_deleted(shop):
    number = shop.standin.control("product", create={"name": "Staff made", "sku": "CTRL-S"})["id"]
    shop.standin.control("product", sku="CTRL-S", trash=True)
    assert shop.get(number)["status"] == "trash"
    shop.standin.control("product", id=number, delete=True)
    assert shop.ask("GET", f"/products/{number}").status_code == 404


def test_a_shop_variation_is_created_under_its_parent(shop):
    parent = shop.new(type="variable")
    number = shop.standin.control("product", create={"sku": "CTRL-V"}, parent=parent["id"])["id"]
    assert shop.get(parent["id"])["variations"] == [number]


def test_the_state_holds_what_no_list_shows(shop):
    item = shop.new()
    shop.call("DELETE", f"/products/{item['id']}")
    kept = next(row for row in shop.standin.state()["products"] if row["id"] == item["id"])
    assert (kept["status"], kept["sku"]) == ("trash", item["sku"])


def test_the_clock_stands_still_and_moves_on(erp):
    frozen = erp.standin.control("clock", freeze=True)["now"]
    assert erp.standin.control("clock")["now"] == frozen
    later = erp.standin.control("clock", advance=90)["now"]
    assert (datetime.fromisoformat(later) - datetime.fromisoformat(frozen)).total_seconds() == 90
