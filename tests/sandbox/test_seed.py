"""The seeded world: every trap is there, and the same seed gives the same rows."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from pullpush_dagster.sandbox import odoo, woocommerce
from pullpush_dagster.sandbox.seed import Counts, items, shop_only
from pullpush_dagster.sandbox.server import Settings

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def world():
    return items(2000, 1, NOW)


def having(world, trap):
    return [item for item in world if item.trap == trap]


def test_the_same_seed_gives_the_same_rows(world):
    assert items(2000, 1, NOW) == world
    assert items(2000, 2, NOW) != world


def test_there_are_as_many_rows_as_asked_for(world):
    assert len(world) == 2000
    assert len({item.group for item in world}) == 2000 - 60


@pytest.mark.parametrize(
    ("trap", "rows"),
    [
        ("service", 40),
        ("untracked", 60),
        ("never_stocked", 100),
        ("zero", 100),
        ("negative", 40),
        ("archived", 20),
        ("duplicate", 20),
        ("variant", 90),
        ("outgoing", 200),
    ],
)
def test_each_trap_has_its_rows(world, trap, rows):
    assert len(having(world, trap)) == rows


@pytest.mark.parametrize("skus", [20, 50, 200])
def test_a_small_world_has_every_trap_too(skus):
    traps = {item.trap for item in items(skus, 3, NOW)}
    expected = {
        "service",
        "untracked",
        "never_stocked",
        "zero",
        "negative",
        "archived",
        "duplicate",
        "variant",
        "outgoing",
    }
    assert expected <= traps


def test_untracked_rows_have_no_stock(world):
    for item in [*having(world, "service"), *having(world, "untracked"), *having(world, "never_stocked")]:
        assert item.stock == {}
    assert {item.storable for item in having(world, "never_stocked")} == {True}
    assert {item.storable for item in having(world, "service")} == {False}


def test_real_zeros_are_zeros(world):
    assert {units for item in having(world, "zero") for units in item.stock.values()} == {0.0}


def test_each_doubled_sku_stands_on_two_rows(world):
    doubled = [sku for sku, times in Counter(item.sku for item in world).items() if times > 1]
    assert sorted(doubled) == sorted({item.sku for item in having(world, "duplicate")})
    assert len(doubled) == 10


def test_a_thousand_rows_share_one_second(world):
    assert Counter(item.stamp for item in world).most_common(1)[0] == (NOW - timedelta(days=3), 1000)
    assert Counts.of(200).one_stamp == 100


def test_stamps_lie_in_the_thirty_days_before(world):
    assert all(NOW - timedelta(days=30) <= item.stamp < NOW for item in world)


def test_variants_share_what_their_template_holds(world):
    groups = {}
    for item in having(world, "variant"):
        groups.setdefault(item.group, []).append(item)
    assert {len(group) for group in groups.values()} == {3}
    for group in groups.values():
        assert len({(item.title, item.price, item.description) for item in group}) == 1


def test_texts_reach_beyond_ascii_and_need_no_escaping(world):
    assert sum(not item.title.isascii() for item in world) > 100
    assert sum(not item.sku.isascii() for item in world) > 5
    assert not [item for item in world if set("<&") & set(f"{item.title}{item.sku}{item.description}")]


def test_some_prices_have_four_decimals_and_some_descriptions_are_missing(world):
    assert sum(item.price.as_tuple().exponent == -4 for item in world) > 50
    assert sum(item.description is None for item in world) > 200


def test_barcodes_are_never_shared(world):
    barcodes = [item.barcode for item in world if item.barcode]
    assert len(barcodes) == len(set(barcodes)) > 500


def test_the_shop_holds_a_tenth_half_of_it_unmanaged(world):
    shelves = [item.shop for item in world if item.shop]
    assert len(shelves) == 200
    assert sum(shelf.quantity is None for shelf in shelves) == 100


def test_the_shop_has_skus_of_its_own(world):
    own = shop_only(2000, 1, NOW)
    assert len(own) == 20
    assert not {item.sku for item in own} & {item.sku for item in world}


def test_the_erp_holds_what_was_seeded():
    rows = odoo.build(Settings(60, 7, NOW, {"key": "k"})).state()["products"]
    for row, item in zip(rows, items(60, 7, NOW), strict=True):
        assert (row["default_code"], row["name"], row["active"]) == (item.sku, item.title, item.active)
        assert (row["list_price"], row["is_storable"]) == (float(item.price), item.storable)
        assert {code: level["quantity"] for code, level in row["stock"].items()} == item.stock
        assert {code: level["outgoing"] for code, level in row["stock"].items() if level["outgoing"]} == item.outgoing


def test_an_outgoing_order_is_not_in_the_quantity_on_hand():
    rows = odoo.build(Settings(60, 7, NOW, {"key": "k"})).state()["products"]
    levels = [level for row in rows for level in row["stock"].values() if level["outgoing"]]
    assert len(levels) == Counts.of(60).outgoing
    assert all(level["quantity"] - level["outgoing"] != level["quantity"] for level in levels)


def test_the_shop_holds_what_was_seeded():
    platform = woocommerce.build(Settings(200, 7, NOW, {"key": "k", "secret": "s"}))
    rows = {row["sku"]: row for row in platform.state()["products"]}
    seeded = [item for item in items(200, 7, NOW) if item.shop]
    assert len(seeded) == 20
    for item in seeded:
        assert rows[item.sku]["stock_quantity"] == item.shop.quantity
        assert rows[item.sku]["manage_stock"] is (item.shop.quantity is not None)
    assert {"SHOP-00001", "SHOP-V", "SHOP-V-1"} <= rows.keys()
