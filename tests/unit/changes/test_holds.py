"""What a push's guard holds is named by its part of the log, and let through as just that."""

from collections import Counter
from itertools import cycle

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import arrive
from pullpush_dagster.changes.arriving import Approved
from pullpush_dagster.config import Pull
from pullpush_dagster.errors import HaltError

MANY = [f"S{n:02}" for n in range(40)]


def level(quantity, skus=MANY):
    return [(sku, "WH", quantity) for sku in skus]


@pytest.fixture
def held(stock, shop):
    """Forty delivered levels, then all of them zero at the source; gives the hash and the end of what is held."""
    stock(level(5))
    shop.deliver()
    stock(level(0))
    shop.arrive()
    return newest(shop)


def newest(shop):
    ((hash_, through),) = shop.con.execute("SELECT hash, through FROM holds WHERE state = 'held'").fetchall()
    return Approved(hash_, through)


def let_through(shop, approved):
    return arrive(shop.con, shop.push, ENTITIES["stocklevel"], Pull(connection="erp", entity="stocklevel"), approved)


def states(shop):
    return [state for (state,) in shop.con.execute("SELECT state FROM holds ORDER BY heldAt").fetchall()]


def quantities(shop):
    return {key: fields["quantity"] for key, fields in shop.desired().items()}


def test_less_than_nothing_is_as_implausible_at_the_destination_as_nothing(stock, shop):
    stock(level(5))
    shop.deliver()
    stock(level(-5))
    assert shop.arrive().held == ("sets to zero or less 40 of 40 keys (limit 10%, at least 20)",)


@pytest.mark.parametrize("of", ["'other' AS connection", "'product' AS entity"])
def test_what_another_destination_has_or_another_entity_counts_for_nothing(stock, shop, of):
    stock(level(5))
    shop.deliver()
    rows = f"SELECT * EXCLUDE (range) REPLACE ({of}) FROM accepted, range(20)"
    shop.con.execute(f"INSERT INTO accepted BY NAME {rows}")
    stock(level(0))
    assert shop.arrive().held == ("sets to zero or less 40 of 40 keys (limit 10%, at least 20)",)


def test_what_is_held_of_one_push_is_left_alone_by_another(stock, shop, outbox):
    # given: two pushes of one log, of which each holds what it is to send
    other = outbox(name="to_shop_too")
    stock(level(5))
    shop.deliver()
    other.deliver()
    stock(level(0))
    shop.arrive()
    other.arrive()
    # when: one of them finds more
    stock([*level(0, MANY[1:]), *level(-1, MANY[:1])])
    shop.arrive()
    # then
    sql = "SELECT push, state FROM holds ORDER BY ALL"
    assert shop.con.execute(sql).fetchall() == [
        ("to_shop", "held"), ("to_shop", "replaced"), ("to_shop_too", "held"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "now", "held"), [(5, 0, True), (-5, 0, True), (0, -5, False), (-5, -6, False), (5, 1, False)]
)
def test_only_what_could_be_sold_there_and_can_no_longer_be_is_counted(stock, shop, before, now, held):
    stock(level(before))
    shop.deliver()
    stock(level(now))
    assert bool(shop.arrive().held) == held


def test_levels_that_were_emptied_are_counted(stock, shop):
    stock.map = {"sku": "item.sku", "locationId": "item.loc", "quantity": {"from": "item.q", "null": "cleared"}}
    stock(level(5))
    shop.deliver()
    stock(level(None))
    assert shop.arrive().held == ("sets to zero or less 40 of 40 keys (limit 10%, at least 20)",)


@pytest.mark.parametrize(
    ("before", "now", "held"),
    [(10, 15, False), (10, "15.01", True), (10, 5, False), (10, "4.99", True), (-10, -4, True), (-10, -6, False),
     (10, None, True), (0, None, False), (None, 10, False)],
)  # fmt: skip
def test_a_price_may_move_by_half_of_what_the_destination_has(products, outbox, before, now, held):
    catalogue = outbox("product", guard={"changed": "off"})
    products([{"sku": sku, "price": before} for sku in MANY])
    catalogue.deliver()
    products([{"sku": sku, "price": now} for sku in MANY])
    assert bool(catalogue.arrive().held) == held


def test_what_is_under_way_or_had_no_answer_is_held_against_as_well(stock, shop):
    # given: five of each there, and four on their way
    stock(level(5))
    shop.deliver()
    stock(level(4))
    shop.arrive()
    for row, outcome in zip(shop.claim().values(), cycle([None, "retry", "unknown", "rejected"]), strict=False):
        if outcome:
            shop.settle(row, outcome)
    assert sorted(Counter(shop.heads().values()).items()) == [("claimed", 10), ("dead", 10), ("due", 20)]
    # when
    stock(level(0))
    # then
    assert shop.arrive().held == ("sets to zero or less 40 of 40 keys (limit 10%, at least 20)",)


def test_what_is_under_way_is_what_it_may_have_whatever_is_newer(products, outbox):
    catalogue = outbox("product", guard={"changed": "off"})
    products([{"sku": sku, "price": 10} for sku in MANY])
    catalogue.deliver()
    held = []
    for price in (14, 9, 5):
        products([{"sku": sku, "price": price} for sku in MANY])
        held.append(bool(catalogue.arrive().held))
        catalogue.claim()
    assert held == [False, False, True]


def test_what_others_have_queued_of_the_same_keys_counts_for_nothing(stock, shop):
    stock(level(5))
    shop.deliver()
    stock(level(4))
    shop.arrive()
    shop.con.execute("INSERT INTO outbox BY NAME SELECT * REPLACE ('another' AS push) FROM outbox")
    stock([*level(0, MANY[:15]), *level(4, MANY[15:])])
    assert shop.arrive().held == ()


def test_what_was_refused_there_is_not_what_it_has(products, outbox):
    # given
    catalogue = outbox("product", guard={"changed": "off"})
    products([{"sku": sku, "price": 10} for sku in MANY])
    catalogue.deliver()
    products([{"sku": sku, "price": 14} for sku in MANY])
    catalogue.arrive()
    for row in catalogue.claim().values():
        catalogue.settle(row, "rejected")
    # when
    products([{"sku": sku, "price": 6} for sku in MANY])
    # then
    assert catalogue.arrive().held == ()


def test_a_price_may_move_further_than_its_own_type_goes(products, outbox):
    catalogue = outbox("product")
    for price in ("99999999999999", "-99999999999999"):
        products([{"sku": "A", "price": price}])
        catalogue.deliver()
    assert catalogue.accepted()["A"] == {"price": "-99999999999999.0000"}


def test_its_changes_are_queued_and_the_position_moves(shop, held):
    assert let_through(shop, held).changes == 40
    assert set(quantities(shop).values()) == {"0.0000"}
    assert (shop.position(), states(shop)) == ((80, None), ["approved"])


def test_what_came_since_is_looked_at_by_itself(stock, shop, held):
    stock(level(0, MANY[1:]) + level(7, MANY[:1]))
    let_through(shop, held)
    assert (quantities(shop)["S00"], shop.position()) == ("0.0000", (80, None))
    shop.arrive()
    assert (quantities(shop)["S00"], shop.position()) == ("7.0000", (81, None))


def test_a_set_that_grew_has_another_name_and_the_old_one_still_stands_for_its_part(stock, shop, held):
    stock(level(0, MANY[1:]) + level(7, MANY[:1]))
    shop.arrive()
    assert newest(shop) != held
    assert states(shop) == ["replaced", "held"]
    let_through(shop, held)
    assert (states(shop), shop.position()) == (["approved", "withdrawn"], (80, None))


def test_the_same_set_found_again_is_noted_once(shop, held):
    shop.arrive()
    assert (newest(shop), states(shop)) == (held, ["held"])


def test_what_goes_through_by_itself_later_is_withdrawn(stock, shop, held):
    stock(level(6))
    assert shop.arrive().held == ()
    assert states(shop) == ["withdrawn"]


def test_another_routing_is_another_set(outbox, shop, held):
    other = outbox(only={"sku": MANY[:30]})
    with pytest.raises(HaltError, match="is no longer what it was; see `pullpush held`"):
        let_through(other, held)


def test_the_reason_at_the_position_names_the_set(shop, held):
    assert shop.position()[1].endswith(f"(change set {held.hash})")


def test_a_push_that_never_read_the_log_is_not_held(stock, outbox):
    # given: what the destination has came by another push
    stock(level(5))
    outbox().deliver()
    stock(level(0))
    # then
    assert outbox(name="new").arrive().held == ()


def test_only_what_was_approved_goes(stock, outbox, con):
    # given: a set that is held, a newer one that is held as well, and a key that the shop changed by itself
    shop = outbox(guard={"zeroed": "10%"})
    rows = [(f"S{number:02}", "WH", 5) for number in range(60)]
    stock(rows, asked=1.0)
    shop.deliver()
    con.execute(
        "INSERT INTO affected (push, field, value, affectedAt)"
        " VALUES ('to_shop', 'sku', 'S50', TIMESTAMPTZ '2026-11-01 08:02:00Z')"
    )
    stock([*((sku, "WH", 0) for sku, *_ in rows[:25]), *rows[25:]], asked=1.5)
    assert shop.arrive().held
    approved = con.execute("SELECT hash, through FROM holds WHERE state = 'held'").fetchall()[0]
    stock([(sku, "WH", 0) for sku, *_ in rows], asked=5.0)
    assert shop.arrive().held
    # when
    arrive(con, shop.push, ENTITIES["stocklevel"], Pull(connection="erp", entity="stocklevel"), Approved(*approved))
    # then
    assert len(shop.heads()) == 25


@pytest.fixture
def again(stock, shop):
    """Forty levels of 5 there, whose zeros were given up; all of them were sold, and the source was asked since."""
    stock(level(5), asked=1.0)
    shop.deliver()
    stock(level(0), asked=2.0)
    shop.arrive()
    let_through(shop, newest(shop))
    for row in shop.claim().values():
        shop.settle(row, "rejected")
    shop.con.execute(
        "INSERT INTO affected (push, field, value, affectedAt)"
        " SELECT 'to_shop', 'sku', json_extract_string(key, '$.sku'), TIMESTAMPTZ '2026-11-01 08:02:30Z' FROM accepted"
    )
    stock(level(0), asked=5.0)
    assert shop.arrive().held


def test_what_is_held_because_it_is_sent_again_can_be_let_through(shop, again):
    let_through(shop, newest(shop))
    assert set(shop.heads().values()) == {"due"}
    assert (shop.arrive().held, shop.con.execute("SELECT value FROM affected").fetchall()) == ((), [])


def test_what_has_moved_on_since_is_not_let_through_with_what_is_sent_again(stock, shop, again):
    stock([*level(0, MANY[1:]), *level(-3, MANY[:1])], asked=6.0)
    let_through(shop, newest(shop))
    assert shop.heads()["S00"] == "dead"


def test_what_is_sent_again_is_part_of_the_name_of_a_set(stock, shop, again):
    held = newest(shop)
    shop.con.execute("DELETE FROM affected WHERE value = 'S00'")
    shop.arrive()
    assert newest(shop) != held


def test_what_was_approved_stays_so_when_more_comes(stock, shop, held):
    let_through(shop, held)
    stock(level(1))
    shop.arrive()
    assert states(shop) == ["approved"]
