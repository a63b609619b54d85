"""Letters that are given another chance: they go where they belong by now, alone, and lose or repeat nothing."""

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import claim
from pullpush_dagster.changes.claiming import expire, seconds_to_next
from pullpush_dagster.dead import _letters, give_another_chance
from tests.unit.changes.conftest import NAMES

EACH = pytest.mark.parametrize("deliver", ["latest", "every"])
WRONG, RIGHT = {"locationId": {"WH": "defualt"}}, {"locationId": {"WH": "default"}}


def due(box):
    """What is to be sent, by the whole key."""
    sql = "SELECT key, desired FROM outbox WHERE push = ? AND state = 'due' ORDER BY key"
    return box.con.execute(sql, [box.push.name]).fetchall()


def refuse(box, **more):
    """Let the destination refuse what is claimed of A."""
    box.arrive()
    box.settle(box.claim()["A"], "rejected", **{"payload": {"a": 1}, **more})


def drained(box):
    """Let the destination take all of A that there is to send, one after the other: (key, quantity)."""
    sent = []
    while row := box.claim().get("A"):
        sent.append((row.key, row.desired["quantity"]))
        box.settle(row, "accepted")
    return sent


def sold(con):
    """An order of A is known of, and the source was not asked since."""
    con.execute(
        "INSERT INTO affected (push, field, value, affectedAt)"
        " VALUES ('to_shop', 'sku', 'A', TIMESTAMPTZ '2026-11-01 20:00:00Z')"
    )


@pytest.fixture
def lost(source, outbox, con):
    """A's create had no answer, and meanwhile a second source key came to mean A. A destination that only the same
    request again settles; gives the sources, what was claimed of the push, and how to claim."""

    def claimed(one):
        entity, bound_as = ENTITIES["stocklevel"], ENTITIES["product"]
        con.execute("UPDATE outbox SET dueAt = TIMESTAMPTZ '2020-01-01'")
        return [*claim(con, one.push, entity, bound_as, frozenset({"quantity"}), 10, repeats=True)]

    here, other, shop = source(scope="WH"), source(scope="STORE"), outbox(translate={"locationId": NAMES})
    here([("A", "WH", 5)])
    shop.arrive()
    (tried,) = claimed(shop)
    other([("A", "STORE", 7)])
    shop.arrive()
    shop.settle(tried, "unknown")
    return here, tried, claimed


@pytest.mark.parametrize("way", ["replayed", "changed once more"])
def test_what_is_given_up_without_an_answer_is_settled_by_the_request_that_was_tried(lost, outbox, replay, way):
    # given: the rule is mended
    here, tried, claimed = lost
    mended = outbox(translate={"locationId": NAMES}, only={"locationId": ["WH"]})
    # when
    here([("A", "WH", 6)])
    if way == "replayed":
        assert replay(mended) == ["not routed"]
    mended.arrive()
    # then
    (again,) = claimed(mended)
    assert (again.sequence, again.desired) == (tried.sequence, tried.desired)


# Routed anew.


@EACH
def test_a_letter_that_is_routed_anew_keeps_what_is_unknown_by_now(products, outbox, replay, deliver):
    # given: a letter, of which the source does not say the price any more
    shop = outbox("product", translate={"sku": {"Z": "Z"}}, deliver=deliver)
    shop.arrive()
    for record in ({"sku": "A", "title": "Cup", "price": 3}, {"sku": "A", "title": "Cup"}):
        products([record])
        shop.arrive()
    # when: the table is mended, and then the price is said again, as it was
    mended = outbox("product", translate={"sku": {"Z": "Z", "A": "A"}}, deliver=deliver)
    assert replay(mended) == ["not routed"]
    mended.deliver()
    products([{"sku": "A", "title": "Cup", "price": 3}])
    mended.deliver()
    # then
    assert mended.accepted() == {"A": {"title": "Cup", "price": "3.0000"}}
    assert mended.heads() == {}


def test_a_letter_that_is_replayed_twice_before_the_next_run_is_routed_anew_once(products, outbox, replay):
    # given
    shop = outbox("product", translate={"sku": {"Z": "Z"}})
    shop.arrive()
    products([{"sku": "A", "title": "Cup"}])
    shop.arrive()
    mended = outbox("product", translate={"sku": {"A": "A"}})
    # when
    told = [replay(mended), replay(mended)]
    # then
    assert told == [["not routed"], ["not routed"]]
    assert mended.con.execute("SELECT value FROM affected").fetchall() == [("A",)]


def test_what_came_under_the_new_key_since_is_newer_than_the_letter(products, outbox, replay):
    # given: mended and not replayed, so that a newer price was accepted, which is unknown by now
    shop = outbox("product", translate={"sku": {"Z": "Z"}})
    shop.arrive()
    products([{"sku": "A", "title": "Cup", "price": 3}])
    shop.arrive()
    mended = outbox("product", translate={"sku": {"A": "A"}})
    for record in ({"sku": "A", "title": "Cup", "price": 4}, {"sku": "A", "title": "Cup"}):
        products([record])
        mended.deliver()
    # when
    replay(mended)
    mended.arrive()
    # then
    assert mended.claim()["A"].todo == set()
    assert mended.desired() == {"A": {"title": "Cup", "price": "4.0000"}}


@EACH
@pytest.mark.parametrize(("left", "there"), [("WH", "5.0000"), ("STORE", "7.0000")])
def test_a_letter_of_two_rivals_is_routed_anew_once_the_rule_is_mended(both, outbox, replay, deliver, left, there):
    # given: two places that mean one, neither of which is there
    one, other, _ = both
    shop = outbox(translate={"locationId": NAMES}, deliver=deliver)
    for stock, row in ((one, ("A", "WH", 5)), (other, ("A", "STORE", 7))):
        stock([row])
        shop.arrive()
    assert shop.heads() == {"A": "dead"}
    # when: one of them is left out by now
    mended = outbox(translate={"locationId": NAMES}, only={"locationId": [left]}, deliver=deliver)
    assert replay(mended) == ["not routed"]
    mended.deliver()
    # then
    assert (mended.accepted(), mended.heads(), mended.behind()) == ({"A": {"quantity": there}}, {}, {})


@EACH
def test_the_letter_of_one_that_is_gone_ends_though_its_rival_is_another_key_by_now(products, outbox, replay, deliver):
    # given: B was called A
    cup, pot = {"sku": "A", "title": "Cup"}, {"sku": "B", "title": "Pot"}
    shop = outbox("product", translate={"sku": {"A": "A", "B": "A"}}, deliver=deliver)
    for there in ([cup], [cup, pot]):
        products(there)
        shop.arrive()
    assert shop.heads() == {"A": "dead"}
    # when
    mended = outbox("product", deliver=deliver)
    for _ in range(2):
        products([pot])
    replay(mended)
    mended.deliver()
    # then: else each replay routes B anew, and `delivered` fails for ever
    assert (mended.heads(), mended.accepted()) == ({}, {"B": {"title": "Pot"}})
    assert ("A", "skipped", "replayed: its source does not have it any more") in mended.receipts()


@EACH
@pytest.mark.parametrize("title", ["Cup", "Mug"], ids=["replayed", "changed"])
def test_of_two_that_were_refused_together_neither_has_what_the_other_says(products, outbox, replay, deliver, title):
    # given: a push that finds both when it begins
    shop = outbox("product", translate={"sku": {"A": "X", "Z": "X"}}, deliver=deliver)
    other = {"sku": "Z", "title": "Pot", "price": 3}
    products([{"sku": "A", "title": "Cup"}, other])
    shop.arrive()
    # when
    mended = outbox("product", translate={"sku": {"A": "X"}}, only={"sku": ["A"]}, deliver=deliver)
    if title == "Cup":
        replay(mended)
    products([{"sku": "A", "title": title}, other])
    mended.arrive()
    # then
    assert mended.desired() == {"X": {"title": title}}


def test_a_letter_that_is_covered_for_one_of_two_rivals_is_not_for_the_other(both, outbox, replay):
    # given: what STORE wanted was refused while that of WH was under way, and taken
    one, other, shop = both
    one([("A", "WH", 5)])
    shop.arrive()
    row = shop.claim()["A"]
    other([("A", "STORE", 7)])
    shop.arrive()
    shop.settle(row, "accepted")
    # when: it is to have that of STORE by now
    mended = outbox(translate={"locationId": NAMES}, only={"locationId": ["STORE"]})
    replay(mended)
    mended.arrive()
    # then
    assert (mended.heads(), mended.desired()) == ({"A": "due"}, {"A": {"quantity": "7.0000"}})


def test_a_key_that_has_a_way_by_now_goes_with_its_next_change_though_each_is_sent(both, outbox):
    # given
    one, other, _ = both
    shop = outbox(translate={"locationId": NAMES}, deliver="every")
    for stock, row in ((one, ("A", "WH", 5)), (other, ("A", "STORE", 7))):
        stock([row])
        shop.arrive()
    # when
    mended = outbox(translate={"locationId": NAMES}, only={"locationId": ["WH"]}, deliver="every")
    one([("A", "WH", 6)])
    mended.arrive()
    # then
    assert (mended.heads(), mended.desired(), mended.behind()) == ({"A": "due"}, {"A": {"quantity": "6.0000"}}, {})


def test_a_refused_key_still_blocks_those_behind_it_where_each_is_sent(stock, outbox):
    shop = outbox(deliver="every")
    stock([("A", "WH", 5)])
    refuse(shop)
    stock([("A", "WH", 6)])
    shop.arrive()
    assert (shop.heads(), shop.behind()) == ({"A": "dead"}, {"A": [{"quantity": "6.0000"}]})


# Nothing else goes with it.


@pytest.fixture
def one_place(source, outbox):
    """A of WH is delivered, that of STORE has no entry: how to mend that."""
    here, there = source(scope="WH"), source(scope="STORE")
    shop = outbox(translate=RIGHT)
    here([("A", "WH", 5)], asked=1.0)
    shop.deliver()
    there([("A", "STORE", 7)], asked=2.0)
    shop.arrive()
    return lambda: outbox(translate={"locationId": {"WH": "default", "STORE": "second"}})


@pytest.mark.parametrize("known", [False, True], ids=["nothing was sold", "an order is known of"])
def test_a_replay_sends_nothing_but_the_letter(one_place, con, replay, known):
    if known:
        sold(con)
    mended = one_place()
    assert replay(mended) == ["not routed"]
    mended.arrive()
    # then: not the older number of WH over what the shop has by now
    assert due(mended) == [('{"sku":"A","locationId":"second"}', '{"quantity":"7.0000"}')]


def test_a_replay_leaves_the_note_of_an_order_that_is_waited_for(one_place, con, replay):
    sold(con)
    mended = one_place()
    replay(mended)
    mended.arrive()
    assert con.execute("SELECT value, source FROM affected").fetchall() == [("A", None)]


def test_a_replay_of_what_was_delivered_elsewhere_meanwhile_does_not_send_that_again(source, outbox, replay):
    # given: mended and not replayed; the letter's own key was delivered with its next change
    stock, shop = source(scope="WH"), outbox(translate={"locationId": {"STORE": "default"}})
    stock([("A", "WH", 5)])
    shop.arrive()
    mended = outbox(translate=RIGHT)
    stock([("A", "WH", 6)])
    mended.deliver()
    # when
    replay(mended)
    mended.arrive()
    # then: the shop may have sold since
    assert mended.claim()["A"].todo == set()


def test_a_replay_of_one_shops_order_leaves_the_others_of_the_same_number_alone(source, outbox, replay):
    # given: the outlet has its order 5 there; the shop's has no entry
    both, orders = {"from": ["shop/order", "outlet/order"]}, [{"number": "5", "status": "paid"}]
    erp, strict = outbox("order", **both), outbox("order", translate={"orderId": {"9": "9"}}, **both)
    source("order", connection="outlet")(orders)
    erp.arrive("outlet")
    erp.settle(erp.claim()["outlet:5"], "accepted")
    source("order", connection="shop")(orders)
    strict.arrive("shop")
    # when
    assert replay(erp) == ["not routed"]
    for connection in ("shop", "outlet"):
        erp.arrive(connection)
    # then
    assert erp.heads() == {"shop:5": "due"}


# By the rules as they are by now.


@pytest.mark.parametrize("sent_at", [False, True], ids=["not sent", "refused"])
@EACH
def test_what_is_another_key_by_now_goes_there_and_leaves_no_letter(stock, outbox, replay, deliver, sent_at):
    shop = outbox(translate=WRONG, deliver=deliver)
    stock([("A", "WH", 5)])
    refuse(shop, **({} if sent_at else {"payload": None, "sent_at": None}))
    mended = outbox(translate=RIGHT, deliver=deliver)
    # when
    replay(mended)
    mended.arrive()
    # then
    rows = mended.con.execute("SELECT key, state, desired FROM outbox").fetchall()
    assert rows == [('{"sku":"A","locationId":"default"}', "due", '{"quantity":"5.0000"}')]


@pytest.fixture
def orphan(stock, outbox):
    """Leaves a letter of what a process that died may have made, and that is another key by now; gives the push."""

    def left(deliver):
        shop = outbox(translate=WRONG, deliver=deliver)
        stock([("A", "WH", 5)])
        shop.arrive()
        shop.claim()
        shop.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
        mended = outbox(translate=RIGHT, deliver=deliver)
        expire(mended.con, mended.push, ENTITIES["stocklevel"])
        mended.arrive()
        return mended

    return left


@EACH
def test_what_a_dead_process_may_have_made_under_another_key_leaves_no_letter_either(orphan, replay, deliver):
    mended = orphan(deliver)
    # when
    assert replay(mended) == ["no answer"]
    mended.arrive()
    # then
    rows = mended.con.execute("SELECT key, state, desired FROM outbox").fetchall()
    assert rows == [('{"sku":"A","locationId":"default"}', "due", '{"quantity":"5.0000"}')]


@EACH
def test_what_a_dead_process_may_have_made_goes_on_where_it_is_that_key_again(orphan, outbox, stock, replay, deliver):
    orphan(deliver)
    again = outbox(translate=WRONG, deliver=deliver)
    stock([("A", "WH", 6)])
    again.arrive()
    # when
    replay(again)
    again.arrive()
    # then
    assert drained(again)[-1] == ('{"sku":"A","locationId":"defualt"}', "6.0000")
    assert again.heads() == {}


@pytest.mark.parametrize("first", [False, True], ids=["replayed at once", "after a run"])
def test_what_waits_behind_it_goes_there_in_its_order(stock, outbox, replay, first):
    # given
    shop = outbox(translate=WRONG, deliver="every")
    stock([("A", "WH", 5)])
    refuse(shop)
    for quantity in (6, 7):
        stock([("A", "WH", quantity)])
        shop.arrive()
    mended = outbox(translate=RIGHT, deliver="every")
    # when
    if first:
        mended.arrive()
    replay(mended)
    mended.arrive()
    # then
    assert drained(mended) == [('{"sku":"A","locationId":"default"}', f"{quantity}.0000") for quantity in (5, 6, 7)]


@pytest.mark.parametrize("taken", [True, False], ids=["accepted", "queued"])
def test_what_was_overtaken_under_another_key_does_not_go_after_what_is_newer(stock, outbox, replay, taken):
    # given: a letter and one behind it, and a newer change under the key of by now
    shop = outbox(translate=WRONG, deliver="every")
    stock([("A", "WH", 5)])
    refuse(shop)
    stock([("A", "WH", 6)])
    shop.arrive()
    mended = outbox(translate=RIGHT, deliver="every")
    stock([("A", "WH", 7)])
    mended.arrive()
    if taken:
        mended.settle(mended.claim()["A"], "accepted")
    # when
    replay(mended)
    mended.arrive()
    # then
    assert {quantity for _, quantity in drained(mended)} <= {"7.0000"}
    assert (mended.heads(), mended.behind(), mended.accepted()) == ({}, {}, {"A": {"quantity": "7.0000"}})


def test_what_another_destination_has_under_that_key_overtakes_nothing(stock, outbox, replay):
    # given: it has accepted one change of two
    shop = outbox(translate=WRONG, deliver="every")
    elsewhere = outbox(name="elsewhere", to="elsewhere", translate=RIGHT, deliver="every")
    stock([("A", "WH", 5)])
    refuse(shop)
    elsewhere.arrive()
    elsewhere.settle(elsewhere.claim()["A"], "accepted")
    stock([("A", "WH", 6)])
    shop.arrive()
    elsewhere.arrive()
    mended = outbox(translate=RIGHT, deliver="every")
    # when
    replay(mended)
    mended.arrive()
    # then
    assert [quantity for _, quantity in drained(mended)] == ["5.0000", "6.0000"]


def test_letters_of_two_pushes_that_are_replayed_at_once_go_each_its_own_way(stock, outbox, con):
    # given: of one of them something newer went where the letter is to go
    names = {"to_shop": "shop", "elsewhere": "elsewhere"}
    stock([("A", "WH", 5)])
    for name, to in names.items():
        refuse(outbox(name=name, to=to, translate=WRONG, deliver="every"))
    mended = {name: outbox(name=name, to=to, translate=RIGHT, deliver="every") for name, to in names.items()}
    stock([("A", "WH", 7)])
    mended["to_shop"].arrive()
    mended["to_shop"].settle(mended["to_shop"].claim()["A"], "accepted")
    # when
    give_another_chance(con, _letters(con), {n: (box.push, ENTITIES["stocklevel"]) for n, box in mended.items()})
    # then
    assert [len(box.behind().get("A", [])) for box in mended.values()] == [0, 1]


def test_what_only_the_overtaken_one_has_is_not_lost(products, outbox, replay):
    # given: its title is known no more
    shop = outbox("product", translate={"sku": {"A": "B"}}, deliver="every")
    products([{"sku": "A", "title": "Lamp"}])
    shop.arrive()
    shop.settle(shop.claim()["B"], "rejected")
    products([{"sku": "A", "description": "tall"}])
    shop.arrive()
    mended = outbox("product", translate={"sku": {"A": "C"}}, deliver="every")
    products([{"sku": "A", "price": 3}])
    mended.arrive()
    mended.settle(mended.claim()["C"], "accepted")
    # when
    replay(mended)
    mended.arrive()
    # then
    assert mended.claim()["C"].desired == {"title": "Lamp", "description": "tall", "price": "3.0000"}


@EACH
def test_what_is_another_key_by_now_and_gone_at_the_source_is_closed(stock, outbox, replay, deliver):
    shop = outbox(translate=WRONG, deliver=deliver)
    stock([("A", "WH", 5)])
    refuse(shop)
    if deliver == "every":  # one waits behind it
        stock([("A", "WH", 6)])
        shop.arrive()
    for _ in range(2):
        stock([])
    replay(outbox(translate=RIGHT, deliver=deliver))
    assert (shop.heads(), shop.behind(), shop.receipts()[-1][1:]) == (
        {},
        {},
        ("skipped", "replayed: its source does not have it any more"),
    )


def test_but_what_is_to_be_sent_under_the_key_it_had_is_so_though_it_is_gone_there(stock, shop, replay):
    stock([("A", "WH", 5)])
    refuse(shop)
    for _ in range(2):
        stock([])
    replay(shop)
    assert shop.heads() == {"A": "due"}


def test_what_had_no_answer_goes_no_sooner_for_its_replay(stock, shop, replay):
    stock([("A", "WH", 5)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "unknown", due_in=90.0)
    shop.con.execute("UPDATE outbox SET state = 'dead'")
    assert replay(shop) == ["no answer"]
    assert seconds_to_next(shop.con, shop.push) > 60


@pytest.mark.parametrize("titles", [["Cup"], ["Cup", "Jug"]], ids=["alone", "with what waits behind it"])
def test_a_replay_does_not_send_what_the_sync_leaves_out_by_now(products, outbox, replay, titles):
    # given: what the destination refused, and the file leaves out since
    shop = outbox("product", deliver="every")
    for title in titles:
        products([{"sku": "A", "title": title, "status": "archived"}])
        (refuse if title == "Cup" else type(shop).arrive)(shop)
    # when
    mended = outbox("product", only={"status": ["active"]}, deliver="every")
    assert replay(mended) == ["refused"]
    mended.arrive()
    # then
    assert (mended.heads(), mended.behind()) == ({}, {})
    assert mended.receipts()[-len(titles) :] == [("A", "skipped", "replayed: the sync leaves it out by now")] * len(
        titles
    )


def test_what_was_to_be_sent_is_so_though_its_source_has_moved_on_to_what_is_left_out(source, outbox, replay):
    # given: of an order, only what is paid goes there
    orders, erp = source("order"), outbox("order", only={"status": ["paid"]})
    orders([{"number": "1", "status": "paid"}])
    erp.arrive()
    erp.settle(erp.claim()["erp:1"], "rejected")
    orders([{"number": "1", "status": "fulfilled"}])
    erp.arrive()
    # when
    replay(erp)
    # then
    assert erp.claim()["erp:1"].desired["status"] == "paid"


@pytest.mark.parametrize(
    "rule", [{"only": {"locationId": ["WH"]}}, {"from": "depot/stocklevel"}], ids=["left out", "not read any more"]
)
def test_a_letter_of_what_is_left_out_by_now_goes_with_its_replay(stock, outbox, replay, rule):
    # given: a place without an entry
    shop = outbox(translate={"locationId": {"WH": "default"}})
    stock([("A", "STORE", 5)])
    shop.arrive()
    # when
    mended = outbox(translate={"locationId": {"WH": "default"}}, **rule)
    assert replay(mended) == ["not routed"]
    # then: else `delivered` fails for ever
    assert mended.heads() == {}


@EACH
@pytest.mark.parametrize(("place", "left"), [("default", {}), ("defualt", {"A": "due"})])
def test_what_the_destination_has_under_its_new_key_alone_covers_a_letter(
    stock, outbox, con, replay, deliver, place, left
):
    # given: A was refused, and what it should be was taken under a key that it had, or has by now
    shop = outbox(translate=WRONG, deliver=deliver)
    stock([("A", "WH", 5)])
    refuse(shop)
    con.execute(
        "INSERT INTO accepted (connection, entity, key, fields) VALUES ('shop', 'stocklevel', ?, ?)",
        [f'{{"sku":"A","locationId":"{place}"}}', '{"quantity":"5.0000"}'],
    )
    # when
    mended = outbox(translate=RIGHT, deliver=deliver)
    replay(mended)
    mended.arrive()
    # then
    assert mended.heads() == left
