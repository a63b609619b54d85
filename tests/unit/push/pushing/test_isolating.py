"""One record that fails its whole request every time, and the others of its batch."""

import pytest
from starlette.responses import JSONResponse

from tests.unit.push.pushing.conftest import CREATE

SKUS = [f"S{n}" for n in range(10)]


@pytest.fixture
def sunk(shop, platform):
    """Lets every write that has this in it be answered so, and none of it be done."""

    def route(bad, status, body):
        sunk = JSONResponse(body, status)
        platform.route(lambda seen: sunk if seen.method == "POST" and bad in seen.body else shop(seen))

    return route


def new(shop):
    return sorted(item["sku"] for item in shop.items.values() if item.get("title") == "new")


@pytest.mark.parametrize("create", [False, True], ids=["updates", "creates"])
def test_a_record_at_which_the_platform_breaks_down_does_not_take_its_batch_along(pushing, shop, sunk, create):
    # given
    push = pushing(create=CREATE)
    if not create:
        shop.items |= {f"i{sku}": {"sku": sku} for sku in SKUS}
        push.pull(*({"sku": sku, "title": "old"} for sku in SKUS))
        push.send()
    push.pull(*({"sku": sku, "title": "bad" if sku == "S4" else "new"} for sku in SKUS))
    # when
    sunk(b'"bad"', 500, {})
    for _ in range(12):
        push.send()
    # then
    assert new(shop) == [sku for sku in SKUS if sku != "S4"]
    assert [state for state, _ in push.why()] == ["dead"]


def test_a_record_that_is_there_and_is_not_found_does_not_take_its_batch_along(pushing, shop, sunk, platform):
    """As a contact that HubSpot knows by another address, or an SKU that lies in the trash of a shop."""
    push = pushing(create=CREATE, exists=["exists"])
    push.pull(*({"sku": sku, "title": "new"} for sku in SKUS))
    sunk(b'"S4"', 409, {"code": "exists"})
    for _ in range(2):
        push.send()
    assert new(shop) == [sku for sku in SKUS if sku != "S4"]
    assert len([seen for seen in platform.requests if seen.method == "POST"]) <= 1 + 2 * 4 + 1
