"""Value, zero, unknown and absent at the source, before and after; what the shop then holds, cell by cell.

The shop's item exists, is managed, and stands at 7 when the second state is pulled. An absence is pulled twice.
"""

import pytest

STATES = ("value", "zero", "unknown", "absent")
BEFORE, AFTER, SHOP = 5, 9, 7

# What the shop's item holds in the end. SHOP: it was left alone.
STOCK = {
    ("value", "value"): AFTER,
    ("value", "zero"): 0,
    ("value", "unknown"): SHOP,
    ("value", "absent"): SHOP,
    ("zero", "value"): AFTER,
    ("zero", "zero"): SHOP,  # no change, so nothing is sent
    ("zero", "unknown"): SHOP,
    ("zero", "absent"): SHOP,
    ("unknown", "value"): AFTER,
    ("unknown", "zero"): 0,
    ("unknown", "unknown"): SHOP,
    ("unknown", "absent"): SHOP,
    ("absent", "value"): AFTER,
    ("absent", "zero"): 0,
    ("absent", "unknown"): SHOP,
    ("absent", "absent"): SHOP,
}

# The same for a text: "emptied" is a value of its own, and Odoo never says "unknown" of a text.
TEXT = {
    ("value", "value"): "after",
    ("value", "emptied"): "",
    ("value", "absent"): "shop's",
    ("emptied", "value"): "after",
    ("emptied", "emptied"): "shop's",
    ("emptied", "absent"): "shop's",
    ("absent", "value"): "after",
    ("absent", "emptied"): "",
    ("absent", "absent"): "shop's",
}


def _set_stock(world, sku, state, value):
    if state == "absent":
        world.erp.control("product", sku=sku, set={"active": False})
        return
    world.erp.control("product", sku=sku, set={"active": True, "is_storable": state != "unknown"})
    if state != "unknown":
        world.erp.control("stock", sku=sku, warehouse="WH", quantity=value if state == "value" else 0, outgoing=0)


def _create_everywhere(world, sku, **values):
    world.erp.control("product", create={"default_code": sku, "name": sku, "is_storable": True, **values})
    world.shop.control("product", create={"sku": sku, "name": sku, "manage_stock": True, "stock_quantity": SHOP})


@pytest.fixture
def stock_table(world):
    """The shop's quantity of each cell, by (before, after), and every payload the shop was sent."""
    cells = {(before, after): f"CELL-{before}-{after}" for before in STATES for after in STATES}
    for (before, _), sku in cells.items():
        _create_everywhere(world, sku)
        _set_stock(world, sku, before, BEFORE)
    world.sync("stock_to_shop")
    for (_, after), sku in cells.items():
        world.shop.control("product", sku=sku, set={"manage_stock": True, "stock_quantity": SHOP})
        _set_stock(world, sku, after, AFTER)
    for _ in range(2):
        world.sync("stock_to_shop")
    return {cell: world.item(sku) for cell, sku in cells.items()}, world


def test_each_of_the_sixteen_stock_cells_ends_as_written_down(stock_table):
    items, _ = stock_table
    assert {cell: item["stock_quantity"] for cell, item in items.items()} == STOCK


def test_no_cell_switches_tracking_off_and_none_sends_an_unknown(stock_table):
    items, world = stock_table
    assert all(item["manage_stock"] is True for item in items.values())
    sent = [row[0] for row in world.rows("SELECT sent FROM receipts WHERE sent IS NOT NULL")]
    assert sent
    assert not [payload for payload in sent if "null" in payload]


def test_each_cell_of_a_text_field_ends_as_written_down(world):
    # given: products whose description is in its first state, and items of the same SKU in the shop
    cells = {cell: f"TEXT-{cell[0]}-{cell[1]}" for cell in TEXT}
    texts = {"value": "before", "emptied": False}
    for (before, _), sku in cells.items():
        _create_everywhere(world, sku)
        if before == "absent":
            world.erp.control("product", sku=sku, unlink=True)
        else:
            world.erp.control("product", sku=sku, set={"description_sale": texts[before]})
    world.sync("products_to_shop")

    # when: somebody edits the shop, and the source goes to its second state
    texts["value"] = "after"
    for (before, after), sku in cells.items():
        world.shop.control("product", sku=sku, set={"description": "shop's"})
        if after == "absent":
            if before != "absent":
                world.erp.control("product", sku=sku, unlink=True)
        elif before == "absent":
            values = {"default_code": sku, "name": sku, "description_sale": texts[after]}
            world.erp.control("product", create=values)
        else:
            world.erp.control("product", sku=sku, set={"description_sale": texts[after]})
    for _ in range(2):
        world.sync("products_to_shop")

    # then
    assert {cell: world.item(sku)["description"] for cell, sku in cells.items()} == TEXT


def test_a_known_quantity_switches_tracking_on_at_the_shop(world):
    world.erp.control("product", create={"default_code": "NEW", "name": "New", "is_storable": True})
    world.erp.control("stock", sku="NEW", warehouse="WH", quantity=3)
    world.shop.control("product", create={"sku": "NEW", "name": "New", "manage_stock": False})
    world.sync("stock_to_shop")
    assert (world.item("NEW")["manage_stock"], world.item("NEW")["stock_quantity"]) == (True, 3)


def test_what_confirmed_orders_will_take_is_not_for_sale(world):
    world.erp.control("product", create={"default_code": "SOLD", "name": "Sold", "is_storable": True})
    world.erp.control("stock", sku="SOLD", warehouse="WH", quantity=10, outgoing=4)
    world.shop.control("product", create={"sku": "SOLD", "name": "Sold"})
    world.sync("stock_to_shop")
    assert world.item("SOLD")["stock_quantity"] == 6
