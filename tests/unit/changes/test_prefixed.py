"""Orders of several shops in one push: their numbers bear the shop's name."""

import pytest

SHOPS = ("shop", "outlet")


@pytest.fixture
def orders(outbox):
    return outbox("order", name="orders", **{"from": [f"{name}/order" for name in SHOPS], "to": "erp"})


@pytest.fixture
def shops(source, orders):
    """Each of the two has an order 5."""
    found = {name: source("order", connection=name) for name in SHOPS}
    for name, shop in found.items():
        shop([{"number": "5", "status": "paid"}])
        orders.arrive(name)
    return found


def test_orders_of_two_shops_under_one_number_are_two_keys(shops, orders):
    assert orders.heads() == {"shop:5": "due", "outlet:5": "due"}


def test_what_one_shop_says_of_an_order_changes_nothing_of_the_others(shops, orders):
    shops["shop"]([{"number": "5", "status": "cancelled"}])
    orders.arrive("shop")
    assert orders.behind() == {"shop:5": [{"status": "cancelled"}]}
    assert orders.desired() == {"shop:5": {"status": "paid"}, "outlet:5": {"status": "paid"}}
