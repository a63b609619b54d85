"""Read-backs against the stand-ins: what the shop's own people changed is found, and sent again as the ERP has it."""

import asyncio
import json

import pytest

from pullpush_dagster.readback import Resent, newest, read_back, resend

SYNCS = ("products_to_shop", "stock_to_shop")
STOCK = "stock_to_shop"


@pytest.fixture
def told(world):
    """Reads a sync's destination back: (SKU, field) -> (accepted, there) of all that drifted."""

    def read(name=STOCK):
        push = world.project.push(name)
        asyncio.run(read_back(world.project, push, world.store, lambda _: None))
        with world.store.session() as con:
            _, rows = newest(con, push)
        return {(row.values["sku"], row.field): (row.accepted, row.there) for row in rows}

    return read


@pytest.fixture
def synced(world):
    """The shop as the ERP has it, one of its variations among that."""
    world.erp.control("product", create={"default_code": "SHOP-V-1", "name": "One of two", "is_storable": True})
    world.erp.control("stock", sku="SHOP-V-1", warehouse="WH", quantity=7)
    for name in SYNCS:
        world.sync(name)
    return world


def _send_again(world, name=STOCK):
    """What was due, and what the next run of the push then sent, SKU -> native record."""
    done = resend(world.project, world.project.push(name), world.store)
    since = world.rows("SELECT now()")[0][0]
    world.push(name)
    rows = world.rows("SELECT key, sent FROM receipts WHERE push = ? AND sentAt >= ?", name, since)
    return done, {json.loads(key)["sku"]: json.loads(sent) for key, sent in rows}


def test_stock_that_was_changed_in_the_shop_is_found_and_sent_again(synced, told):
    # given: a variation, which the shop's list does not name, among what was changed
    changed = ("SKU-00002", "SKU-00053", "SHOP-V-1")
    before = {sku: synced.item(sku)["stock_quantity"] for sku in changed}
    for sku in changed:
        synced.shop.control("product", sku=sku, set={"stock_quantity": 1000}, touch=False)
    # when
    drifted = told()
    # then: those, and nothing else of what nobody touched
    assert drifted == {(sku, "quantity"): (f"{quantity}.0000", "1000.0000") for sku, quantity in before.items()}
    done, sent = _send_again(synced)
    assert (done, set(sent)) == (Resent(3, 0), set(changed))
    assert {sku: synced.item(sku)["stock_quantity"] for sku in changed} == before
    assert told() == {}


def test_just_the_fields_that_were_edited_are_sent_again_and_what_was_deleted_is_made_again(synced, told):
    # given
    before = synced.item("SKU-00053")
    edit = {"name": "Edited", "regular_price": "", "short_description": "x"}
    synced.shop.control("product", sku="SKU-00002", set=edit)
    synced.shop.control("product", sku="SKU-00053", delete=True)
    # when
    drifted = told("products_to_shop")
    # then
    assert set(drifted) == {("SKU-00002", "title"), ("SKU-00002", "price"), ("SKU-00053", None)}
    assert drifted["SKU-00002", "price"][1] is False
    _, sent = _send_again(synced, "products_to_shop")
    assert set(sent["SKU-00002"]) == {"id", "name", "regular_price"}
    synced.push("products_to_shop", patience=5)
    names = ("name", "regular_price", "description", "status")
    assert [synced.item("SKU-00053")[name] for name in names] == [before[name] for name in names]
    assert told("products_to_shop") == {}
