"""Two source keys that mean one key at the destination: neither mixes with the other, overtakes it or goes with it."""

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import claim
from pullpush_dagster.changes.claiming import seconds_to_next
from tests.unit.changes.conftest import NAMES


@pytest.fixture
def two(source, outbox):
    """Products of two ERPs in one push, whose logs it has begun to read."""
    shop = outbox("product", **{"from": ["erp/product", "erp2/product"]})
    one, other = source("product"), source("product", connection="erp2")
    one([{"sku": "A", "title": "Cup", "price": 1}])
    shop.deliver()
    shop.arrive("erp2")
    return one, other, shop


def test_a_newer_version_is_not_claimed_beside_one_that_is_under_way(both):
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.arrive()
    first = shop.claim()["A"]
    two([("A", "STORE", 2)])
    shop.arrive()
    one([("A", "WH", 3)])
    shop.arrive()
    second = shop.claim().get("A")
    if second is not None:
        shop.settle(second, "accepted")
        shop.settle(first, "accepted")  # it arrived last, so the shop has 1
    assert second is None, f"the shop may have 1 for ever: {shop.heads()}, {shop.accepted()}"


def test_nor_where_letters_are_passed_over(source, outbox):
    one, two = source(scope="WH"), source(scope="STORE")
    shop = outbox(translate={"locationId": NAMES}, deliver="every", on_dead="skip")
    one([("A", "WH", 1)])
    shop.deliver()
    for quantity in (2, 3):
        one([("A", "WH", quantity)])
        shop.arrive()
    assert shop.claim()
    two([("A", "STORE", 9)])
    shop.arrive()
    assert shop.claim() == {}


def test_what_only_a_person_can_tell_is_not_made_due(two):
    one, other, shop = two
    one([{"sku": "A", "title": "Cup", "price": 1}, {"sku": "B", "title": "Pot"}])
    shop.arrive()
    shop.settle(shop.claim()["B"], "unknown", unconfirmed=True)
    other([{"sku": "B", "title": "Other"}])
    shop.arrive("erp2")
    one([{"sku": "A", "title": "Cup", "price": 1}, {"sku": "B", "title": "Mug"}])
    shop.arrive()
    assert shop.heads()["B"] == "unconfirmed"


def test_a_create_without_an_answer_still_settles(two):
    one, other, shop = two
    one([{"sku": "A", "title": "Cup", "price": 1}, {"sku": "B", "title": "Pot"}])
    shop.arrive()
    shop.settle(shop.claim()["B"], "unknown", due_in=90.0)
    other([{"sku": "B", "title": "Other"}])
    shop.arrive("erp2")
    one([{"sku": "A", "title": "Cup", "price": 1}, {"sku": "B", "title": "Mug"}])
    shop.arrive()
    wait = seconds_to_next(shop.con, shop.push)
    assert wait is None or wait > 60


def test_a_dead_letter_is_not_lost_in_the_refusal_of_another_source(two):
    one, other, shop = two
    one([{"sku": "A", "title": "Mug", "price": 1}])
    shop.arrive()
    shop.settle(shop.claim()["A"], "rejected")
    other([{"sku": "A", "title": "Other", "price": 9}])
    shop.arrive("erp2")
    one([{"sku": "A", "price": 2}])  # the title is unknown by now: Mug is the last that was said
    shop.arrive()
    assert shop.claim()["A"].known == {"title": "Mug", "price": "2.0000"}


def test_who_takes_over_what_another_source_had_to_give_up_has_nothing_of_it(two):
    one, other, shop = two
    one([{"sku": "A", "title": "Cup", "price": 1}, {"sku": "B", "title": "Pot"}])
    shop.arrive()
    shop.settle(shop.claim()["B"], "rejected")
    other([{"sku": "B", "price": 9}])
    shop.arrive("erp2")
    assert (shop.heads()["B"], shop.desired()["B"]) == ("due", {"price": "9.0000"})


def test_a_newer_version_of_what_is_under_way_is_sent_though_a_rival_was_refused_in_between(both):
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.arrive()
    row = shop.claim()["A"]
    for source, rows in ((two, [("A", "STORE", 2)]), (one, [("A", "WH", 3)])):
        source(rows)
        shop.arrive()
    shop.settle(row, "accepted")
    assert (shop.heads(), shop.desired()) == ({"A": "due"}, {"A": {"quantity": "3.0000"}})


def test_what_waits_behind_a_letter_of_another_source_does_not_go_with_it(source, outbox):
    one, two = source(scope="WH"), source(scope="STORE")
    shop = outbox(translate={"locationId": NAMES}, deliver="every")
    one([("A", "WH", 1)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "rejected", sent_at=None)
    for gone, rows in ((two, [("A", "STORE", 2)]), (one, []), (one, [])):
        gone(rows)
        shop.arrive()
    assert (shop.heads(), shop.desired()) == ({"A": "due"}, {"A": {"quantity": "2.0000"}})


def test_what_was_refused_while_its_holder_died_stays_refused(both):
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "retry")
    shop.claim()
    two([("A", "STORE", 2)])
    shop.arrive()
    shop.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
    shop.wake()
    state, reason = shop.heads("state, reason")["A"]
    assert (state, reason.partition(":")[0]) == ("dead", "two source keys mean this key here")


@pytest.fixture
def refused_under_way(both):
    """A is being sent for one source when what another one wants of it is refused."""
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.arrive()
    row = shop.claim()["A"]
    two([("A", "STORE", 2)])
    shop.arrive()
    return one, shop, row


def test_a_newer_version_of_what_was_refused_waits_until_that_has_settled(refused_under_way, outbox):
    # given
    one, shop, row = refused_under_way
    shop.settle(row, "unknown", due_in=90.0)
    # when: the other is left out
    one([("A", "WH", 3)])
    outbox(translate={"locationId": NAMES}, only={"locationId": ["WH"]}).arrive()
    # then
    assert seconds_to_next(shop.con, shop.push) > 60


def test_what_only_a_person_can_tell_is_no_refusal(refused_under_way):
    _, shop, row = refused_under_way
    shop.settle(row, "unknown", unconfirmed=True)
    assert shop.heads() == {"A": "unconfirmed"}


def test_what_comes_and_goes_under_another_source_key_withdraws_nothing(both):
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.arrive()
    for rows in ([("A", "STORE", 3)], [], []):
        two(rows)
    shop.arrive()
    assert shop.heads() == {"A": "due"}


def test_a_key_that_moved_before_it_was_delivered_is_sent(both):
    one, two, shop = both
    two([("A", "STORE", 2)])
    shop.arrive()
    two([])
    one([("A", "WH", 1)])
    two([])  # gone there, later in the log than it came here
    shop.arrive()
    assert shop.desired() == {"A": {"quantity": "1.0000"}}


def test_a_key_that_moved_after_it_was_delivered_is_sent(both):
    one, two, shop = both
    two([("A", "STORE", 2)])
    shop.deliver()
    for _ in range(2):
        two([])
    shop.arrive()
    one([("A", "WH", 1)])
    shop.arrive()
    assert shop.heads() == {"A": "due"}


def test_a_key_that_moves_while_it_is_under_way_is_the_others_afterwards(both):
    one, two, shop = both
    two([("A", "STORE", 2)])
    shop.arrive()
    row = shop.claim()["A"]
    # when
    two([])
    one([("A", "WH", 1)])
    two([])
    shop.arrive()
    shop.settle(row, "accepted")
    assert shop.desired() == {"A": {"quantity": "1.0000"}}
    had = "SELECT source FROM accepted"
    assert shop.con.execute(had).fetchall() == [('erp/stocklevel {"sku":"A","locationId":"WH"}',)]
    shop.settle(shop.claim()["A"], "accepted")
    # then
    one([("A", "WH", 7)])
    shop.arrive()
    assert shop.desired() == {"A": {"quantity": "7.0000"}}


def test_a_key_that_went_from_both_before_it_was_sent_is_not_sent(both):
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.arrive()
    for source, rows in ((two, [("A", "STORE", 2)]), (two, []), (two, []), (one, []), (one, [])):
        source(rows)
    shop.arrive()
    assert shop.heads() == {}


def test_what_goes_under_another_source_key_leaves_the_item_its_own(both):
    # given: an item of one, and what the other wanted of it was refused
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.deliver()
    two([("A", "STORE", 2)])
    shop.arrive()
    # when
    for rows in ([], [], [("A", "STORE", 3)]):
        two(rows)
        shop.arrive()
    # then
    assert shop.claim() == {}


def test_what_moves_between_two_others_takes_no_key_along_that_is_a_thirds(source, outbox):
    third, one, two = (source(scope=scope) for scope in ("OUTLET", "WH", "STORE"))
    shop = outbox(translate={"locationId": {**NAMES, "OUTLET": "default"}})
    third([("A", "OUTLET", 1)])
    shop.arrive()
    for moved, rows in ((one, [("A", "WH", 2)]), (one, []), (two, [("A", "STORE", 3)]), (one, [])):
        moved(rows)
    shop.arrive()
    assert (shop.heads(), shop.desired()) == ({"A": "dead"}, {"A": {"quantity": "1.0000"}})


def test_a_key_that_went_in_a_set_that_is_held_is_not_disowned(source, outbox, con):
    # given
    stock, shop = source(scope="WH"), outbox(guard={"zeroed": "10%"})
    rows = [(f"S{number:02}", "WH", 5) for number in range(40)]
    stock([*rows, ("A", "WH", 1)])
    shop.deliver()
    # when
    for _ in range(2):
        stock([(sku, "WH", 0) for sku, *_ in rows])
    assert shop.arrive().held
    # then
    assert con.execute("SELECT count(*) FROM accepted WHERE source IS NULL").fetchall() == [(0,)]


def test_the_letter_of_two_that_came_together_has_the_newest_of_its_own(both):
    one, two, shop = both
    shop.arrive()
    one([("A", "WH", 1)])
    for quantity in (2, 3):
        two([("A", "STORE", quantity)])
    shop.arrive()
    assert (shop.heads(), shop.desired()) == ({"A": "dead"}, {"A": {"quantity": "3.0000"}})


@pytest.mark.parametrize("together", [True, False])
def test_neither_of_two_that_were_refused_takes_over_a_key_that_nobody_has(both, together):
    # given
    one, two, shop = both
    one([("A", "WH", 1)])
    if not together:
        shop.arrive()
    two([("A", "STORE", 2)])
    shop.arrive()
    # when, then
    for stock, place in ((two, "STORE"), (one, "WH")):
        stock([("A", place, 7)])
        shop.arrive()
        assert shop.heads() == {"A": "dead"}


@pytest.mark.parametrize("way", ["gone", "translated otherwise"])
def test_the_one_that_is_left_has_it_with_its_next_change(both, outbox, way):
    # given
    one, two, shop = both
    one([("A", "WH", 1)])
    two([("A", "STORE", 2)])
    shop.arrive()
    # when
    if way == "gone":
        two([])
        two([])
    else:
        shop = outbox(translate={"locationId": NAMES | {"STORE": "store"}})
    shop.arrive()
    one([("A", "WH", 7)])
    shop.arrive()
    # then
    assert (shop.heads(), shop.desired()) == ({"A": "due"}, {"A": {"quantity": "7.0000"}})


def test_the_one_whose_it_is_goes_on_beside_one_that_was_refused(both):
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.deliver()
    two([("A", "STORE", 2)])
    shop.arrive()
    one([("A", "WH", 7)])
    shop.arrive()
    assert (shop.heads(), shop.desired()) == ({"A": "due"}, {"A": {"quantity": "7.0000"}})


def test_a_key_that_a_person_let_go_again_after_a_rival_came_is_done_once_it_is_taken(two):
    # given: what may be there of B, which another source came to mean meanwhile
    one, other, shop = two
    one([{"sku": "A", "title": "Cup", "price": 1}, {"sku": "B", "title": "Pot"}])
    shop.arrive()
    row = shop.claim()["B"]
    other([{"sku": "B", "title": "Other"}])
    shop.arrive("erp2")
    shop.settle(row, "unknown", unconfirmed=True)
    # when: as a replay does
    shop.con.execute("UPDATE outbox SET state = 'due', attempts = 0 WHERE state = 'unconfirmed'")
    shop.settle(shop.claim()["B"], "accepted")
    # then
    assert shop.heads() == {}


def test_a_key_that_goes_to_another_source_while_it_is_still_to_be_sent_is_the_others(both):
    # given: stock of WH that had no answer, and is no more
    one, other, shop = both
    one([("A", "WH", 1)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "unknown")
    for _ in range(2):
        one([])
    shop.arrive()
    # when
    for quantity in (2, 3):
        other([("A", "STORE", quantity)])
        shop.arrive()
    # then
    assert (shop.heads(), shop.desired()) == ({"A": "due"}, {"A": {"quantity": "3.0000"}})


def test_nor_does_one_of_another_log_stay_its_rival(two):
    one, other, shop = two
    a = {"sku": "A", "title": "Cup", "price": 1}
    one([a, {"sku": "B", "title": "Pot"}])
    shop.arrive()
    shop.settle(shop.claim()["B"], "unknown")
    for _ in range(2):
        one([a])
    for title in ("Jug", "Mug"):
        other([{"sku": "B", "title": title}])
        shop.arrive()
        shop.arrive("erp2")
    assert (shop.heads()["B"], shop.desired()["B"]) == ("due", {"title": "Mug"})


@pytest.fixture(params=[True, False], ids=["translated", "left out"])
def switched(both, outbox, request):
    """The shop had A of WH, and is to have that of STORE by now, where there are 2."""
    one, two, _ = both
    first, now = (
        outbox(translate={"locationId": {place: "default"} if request.param else NAMES}, only={"locationId": [place]})
        for place in ("WH", "STORE")
    )
    one([("A", "WH", 1)])
    first.deliver()
    two([("A", "STORE", 2)])
    first.arrive()
    return two, now


def test_a_key_that_another_source_key_means_by_now_is_its_own(switched):
    two, shop = switched
    two([("A", "STORE", 3)])
    shop.arrive()
    assert (shop.heads(), shop.desired()) == ({"A": "due"}, {"A": {"quantity": "3.0000"}})


def test_but_not_while_another_live_push_brings_it(switched, outbox):
    two, shop = switched
    two([("A", "STORE", 3)])
    shop.arrive(beside=[outbox(name="to_shop_too", translate={"locationId": {"WH": "default"}}).push])
    assert shop.heads() == {"A": "dead"}


def test_what_another_log_brought_is_taken_over_by_a_replay_alone(source, outbox, replay):
    # given: the shop is sent from another ERP by now, of which no guard looks at what is read first
    source("product")([{"sku": "A", "title": "Cup", "price": 1}])
    outbox("product").deliver()
    source("product", connection="erp2")([{"sku": "A", "title": "Mug"}])
    shop = outbox("product", **{"from": "erp2/product"})
    shop.arrive("erp2")
    assert shop.heads() == {"A": "dead"}
    # when
    replay(shop)
    shop.arrive("erp2")
    # then: alone what it says itself
    assert (shop.heads(), shop.desired()) == ({"A": "due"}, {"A": {"title": "Mug"}})


def test_nor_is_one_of_a_log_that_is_not_read_any_more_a_rival(two, outbox, replay):
    one, other, shop = two
    one([{"sku": "A", "title": "Cup", "price": 1}, {"sku": "B", "title": "Pot"}])
    other([{"sku": "B", "title": "Jug"}])
    for connection in ("erp", "erp2"):
        shop.arrive(connection)
    now = outbox("product", **{"from": "erp2/product"})
    replay(now)
    now.arrive("erp2")
    assert (now.heads()["B"], now.desired()["B"]) == ("due", {"title": "Jug"})


@pytest.mark.parametrize("sent", [False, True])
def test_but_one_of_a_log_that_is_read_is(source, outbox, sent):
    # given: one key of three logs, of which the first one's was sent, or none, and the second is not read any more
    names = ("erp", "erp2", "erp3")
    shop = outbox("product", **{"from": [f"{name}/product" for name in names]})
    sources = [source("product", connection=name) for name in names]
    for records in ([], [{"sku": "B", "title": "Pot"}]):
        for name, stock in zip(names, sources, strict=True):
            stock([{"sku": name, "title": "Cup"}, *records])
            shop.arrive(name)
            if sent and name == "erp":
                shop.deliver()
    now = outbox("product", **{"from": ["erp/product", "erp3/product"]})
    # when
    sources[2]([{"sku": "erp3", "title": "Cup"}, {"sku": "B", "title": "Jug"}])
    now.arrive("erp3")
    # then
    assert now.heads()["B"] == "dead"


def test_one_that_was_gone_and_is_back_is_in_the_way(both):
    one, two, shop = both
    for rows in ([("A", "WH", 1)], [], [], [("A", "WH", 2)]):
        one(rows)
        shop.deliver()
    two([("A", "STORE", 3)])
    shop.arrive()
    assert shop.heads() == {"A": "dead"}


def test_what_is_under_way_of_one_that_is_gone_is_not_mixed_with_what_another_brings(two):
    one, other, shop = two
    a = {"sku": "A", "title": "Cup", "price": 1}
    one([a, {"sku": "B", "price": 1}])
    shop.arrive()
    shop.claim()
    for _ in range(2):
        one([a])
    shop.arrive()
    other([{"sku": "B", "title": "Jug"}])
    shop.arrive("erp2")
    assert (shop.heads()["B"], shop.desired()["B"]) == ("claimed", {"price": "1.0000"})


@pytest.mark.parametrize("sent", [False, True])
def test_the_one_that_is_left_has_it_though_it_does_not_change(both, sent):
    # given: what one had sent, or not
    one, two, shop = both
    one([("A", "WH", 1)])
    if sent:
        shop.deliver()
    shop.arrive()
    two([("A", "STORE", 2)])
    shop.arrive()
    # when
    for _ in range(2):
        one([])
    for _ in range(2):
        shop.arrive()
    # then
    assert (shop.heads(), shop.desired()) == ({"A": "due"}, {"A": {"quantity": "2.0000"}})


def test_what_moves_to_the_one_that_was_refused_beside_it_is_sent_once(both):
    # given
    one, two, shop = both
    for stock, rows in ((one, [("A", "WH", 1)]), (two, [("A", "STORE", 2)])):
        stock(rows)
        shop.arrive()
    # when
    for stock, rows in ((one, []), (one, []), (two, [("A", "STORE", 3)])):
        stock(rows)
    shop.deliver()
    shop.arrive()
    # then
    assert shop.heads() == {}


def test_what_was_taken_of_one_that_is_gone_by_then_is_nobodys(both):
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.arrive()
    row = shop.claim()["A"]
    for _ in range(2):
        one([])
    shop.arrive()
    shop.settle(row, "accepted")
    two([("A", "STORE", 2)])
    shop.arrive()
    assert shop.heads() == {"A": "due"}


def test_the_one_that_is_left_has_it_though_another_push_brings_it(source, outbox):
    # given: what was refused of another ERP, which has a push of its own
    one, other, shop = source("product"), source("product", connection="erp2"), outbox("product")
    too = outbox("product", name="to_shop_too", **{"from": "erp2/product"})
    one([{"sku": "A", "title": "Cup"}])
    shop.deliver()
    other([{"sku": "A", "title": "Mug"}])
    too.arrive("erp2", beside=[shop.push])
    # when
    for _ in range(2):
        one([])
    shop.arrive(beside=[too.push])
    too.arrive("erp2", beside=[shop.push])
    # then
    assert (too.heads(), too.desired()) == ({"A": "due"}, {"A": {"title": "Mug"}})


@pytest.mark.parametrize("way", ["gone as well", "not read any more"])
def test_the_one_that_is_left_and_cannot_have_it_is_not_waited_for(both, outbox, con, way):
    # given: it was refused beside one that is gone
    one, two, shop = both
    two([("A", "STORE", 2)])
    one([("A", "WH", 1)])
    shop.arrive()
    for _ in range(2):
        one([])
    shop.arrive()
    # when
    for _ in range(2):
        two([] if way == "gone as well" else [("A", "STORE", 2)])
    now = shop if way == "gone as well" else outbox(**{"from": "erp2/stocklevel"})
    now.arrive("erp" if now is shop else "erp2")
    # then: else no arrival is quiet any more
    assert con.execute("SELECT count(*) FROM affected").fetchall() == [(0,)]


# Of two logs, one much longer than the other.

A = {"sku": "A", "title": "Cup", "price": 8}


@pytest.fixture
def long_log(source, outbox):
    """Makes a push of two logs, and brings it a B of the longer one that had no answer, and is gone since."""

    def make(*titles, **more):
        shop = outbox("product", **{"from": ["erp/product", "erp2/product"], **more})
        one, other = source("product"), source("product", connection="erp2")
        for price in range(1, 9):
            one([{**A, "price": price}])
        shop.deliver()
        shop.arrive("erp2")
        for title in titles:
            one([A, {"sku": "B", "title": title}])
            shop.arrive()
            if title == titles[0]:
                shop.settle(shop.claim()["B"], "unknown")
        for _ in range(2):
            one([A])
        shop.arrive()
        return other, shop

    return make


def test_what_moved_to_a_shorter_log_goes_after_what_may_be_there(long_log):
    # given: a destination that only the same request again settles
    other, shop = long_log("Pot")
    other([{"sku": "B", "title": "Jug"}])
    shop.arrive("erp2")
    shop.con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")
    product = ENTITIES["product"]
    (again,) = claim(shop.con, shop.push, product, product, frozenset(product.compared), 9, repeats=True)
    assert again.desired == {"title": "Pot"}
    # when
    shop.settle(again, "accepted", external_id={"id": "9"}, bound_key=again.key)
    # then
    assert (shop.heads(), shop.desired()) == ({"B": "due"}, {"B": {"title": "Jug"}})


def test_changes_of_two_logs_are_sent_in_the_order_in_which_they_came(long_log):
    other, shop = long_log("Pot", "Pan", deliver="every")
    for title in ("Jug", "Mug"):
        other([{"sku": "B", "title": title}])
        shop.arrive("erp2")
    shop.con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")
    sent = []
    while rows := shop.claim():
        sent.append(rows["B"].desired["title"])
        shop.settle(rows["B"], "accepted")
    assert sent == ["Pot", "Pan", "Jug", "Mug"]
