"""What an accepted order changed at its own shop is sent there again, once the ERP was asked after that."""

import datetime as dt

import pytest

from pullpush_dagster.changes.affected import Affected
from pullpush_dagster.push.native import change_id

START = dt.datetime(2026, 11, 1, 8, tzinfo=dt.UTC)
SOLD = 100.0  # the minute at which an order is accepted


@pytest.fixture
def orders(outbox):
    """A push of two shops' orders to the ERP; each shop is sent stock by a push of its own."""
    made = outbox("order", name="orders", **{"from": ["shop/order", "outlet/order"], "to": "erp"})
    made.affected = Affected("lineItems.sku", {"shop": ["to_shop"], "outlet": ["to_outlet"]})
    return made


@pytest.fixture
def sell(source, orders, con):
    """The ERP's answer, at minute SOLD, to an order of some SKUs."""

    def sale(*skus, connection="shop", outcome="accepted", minute=SOLD, status="paid", **more):
        lines = [{"id": str(number), "sku": sku, "q": 1} for number, sku in enumerate(skus)]
        native = {"number": "5", "status": status, "lines": lines}
        source("order", connection=connection)([native], kind="sync", asked=minute)
        orders.arrive(connection)
        for row in orders.claim().values():
            orders.settle(row, outcome, **more)
        con.execute("UPDATE affected SET affectedAt = ?", [START + dt.timedelta(minutes=minute)])

    return sale


@pytest.fixture
def delivered(stock, shop):
    """A and B delivered to the shop."""
    stock([("A", "WH", 5), ("B", "WH", 5)], asked=1.0)
    shop.deliver()
    return shop


def notes(con):
    return con.execute("SELECT push, field, value FROM affected ORDER BY ALL").fetchall()


def due(shop):
    """What is due at the shop, and of that what is to be sent."""
    return {key: {name: row.desired[name] for name in row.todo} for key, row in shop.claim().items()}


def test_the_same_text_in_another_field_is_another_thing(stock, delivered, con):
    for field, value in (("locationId", "A"), ("sku", "Z")):
        con.execute(
            "INSERT INTO affected (push, field, value, affectedAt) VALUES ('to_shop', ?, ?, ?)", [field, value, START]
        )
    stock([("A", "WH", 5), ("B", "WH", 5)], asked=SOLD)
    delivered.arrive()
    assert due(delivered) == {}


# Noted.


def test_an_accepted_order_notes_its_skus_for_the_pushes_to_its_own_shop(sell, con):
    sell("A", "B", "A", None, connection="outlet")
    assert notes(con) == [("to_outlet", "sku", "A"), ("to_outlet", "sku", "B")]


def test_an_order_of_a_shop_that_is_sent_nothing_notes_nothing(sell, con):
    sell("A", connection="other")
    assert notes(con) == []


@pytest.mark.parametrize("outcome", ["rejected", "retry", "unknown", "waiting", "skipped"])
def test_an_order_that_was_not_accepted_notes_nothing(sell, con, outcome):
    sell("A", outcome=outcome)
    assert notes(con) == []


@pytest.mark.parametrize("outcome", ["accepted", "skipped"])
def test_an_order_that_was_found_to_be_there_is_noted_though_nothing_was_sent(sell, con, outcome):
    # As after an answer that was lost, or a process that died.
    sell("A", outcome=outcome, sent={"status": "paid"}, sent_at=None)
    assert notes(con) == [("to_shop", "sku", "A")]


def test_a_sku_that_left_the_order_is_noted_as_well(sell, con):
    sell("A")
    con.execute("DELETE FROM affected")
    sell("B", minute=SOLD + 1)
    assert notes(con) == [("to_shop", "sku", "A"), ("to_shop", "sku", "B")]


def test_an_order_without_lines_notes_nothing(source, orders, con):
    source("order", connection="shop")([{"number": "5", "status": "paid", "lines": None}])
    orders.arrive("shop")
    orders.settle(orders.claim()["shop:5"], "accepted")
    assert notes(con) == []


def test_a_sku_is_noted_once_at_its_latest_sale(sell, con):
    sell("A")
    sell("A", status="fulfilled", minute=SOLD + 5)
    assert con.execute("SELECT value, affectedAt FROM affected").fetchall() == [
        ("A", START + dt.timedelta(minutes=SOLD + 5))
    ]


# Sent again.


def test_what_was_sold_is_sent_again_once_the_erp_was_asked_after_that_though_the_number_did_not_move(
    stock, delivered, sell
):
    sell("A")
    stock([("A", "WH", 5), ("B", "WH", 5)], asked=SOLD + 1)
    assert delivered.arrive().changes == 1
    assert due(delivered) == {"A": {"quantity": "5.0000"}}


@pytest.mark.parametrize("asked", [2.0, SOLD - 1, SOLD])
def test_it_is_not_sent_before_that(stock, delivered, sell, con, asked):
    sell("A")
    stock([("A", "WH", 5), ("B", "WH", 5)], asked=asked)
    assert delivered.arrive().changes == 0
    assert (due(delivered), notes(con)) == ({}, [("to_shop", "sku", "A")])


def test_a_pull_that_began_before_the_sale_and_gave_its_page_after_it_does_not_count(stock, delivered, sell):
    sell("A")
    stock([("A", "WH", 5), ("B", "WH", 5)], started=SOLD - 1, asked=SOLD + 1)
    delivered.arrive()
    assert due(delivered) == {}


def test_a_number_that_moved_is_sent_as_it_is_now(stock, delivered, sell):
    sell("A")
    stock([("A", "WH", 3), ("B", "WH", 4)], asked=SOLD + 1)
    delivered.arrive()
    assert due(delivered) == {"A": {"quantity": "3.0000"}, "B": {"quantity": "4.0000"}}


def test_afterwards_the_note_is_gone_and_nothing_is_sent_a_second_time(stock, delivered, sell, con):
    sell("A")
    stock([("A", "WH", 5), ("B", "WH", 5)], asked=SOLD + 1)
    delivered.deliver()
    assert (notes(con), delivered.arrive().changes) == ([], 0)
    assert (delivered.heads(), delivered.accepted()["A"]) == ({}, {"quantity": "5.0000"})


def test_a_new_push_starts_with_what_was_sold_once(stock, sell, shop, con):
    sell("A")
    stock([("A", "WH", 5)], asked=SOLD + 1)
    assert shop.arrive().changes == 1
    assert due(shop) == {"A": {"quantity": "5.0000"}}
    assert notes(con) == []


def test_what_only_leaves_out_is_not_sent_again(source, outbox, sell, con):
    shop = outbox(only={"locationId": ["WH"]})
    source(scope="STORE")([("A", "STORE", 7)], asked=1.0)
    source(scope="WH")([("A", "WH", 5)], asked=1.0)
    shop.deliver()
    sell("A")
    source(scope="STORE")([("A", "STORE", 7)], asked=SOLD + 1)
    assert shop.arrive().changes == 0
    assert notes(con) == [("to_shop", "sku", "A")]
    source(scope="WH")([("A", "WH", 5)], asked=SOLD + 1)
    assert shop.arrive().changes == 1
    assert notes(con) == []


def test_a_place_that_is_no_longer_pulled_is_neither_sent_again_nor_waited_for(source, shop, sell, con):
    wh, store = source(scope="WH"), source(scope="STORE")
    for place, stock in (("WH", wh), ("STORE", store)):
        stock([("A", place, 5)], asked=1.0)
        shop.deliver()
    sell("A")
    store([("A", "STORE", 5)], asked=SOLD + 1)
    wh([("A", "WH", 5)], asked=SOLD + 1)
    assert shop.arrive(places=["WH"]).changes == 1
    assert [key for (key,) in con.execute("SELECT key FROM outbox").fetchall()] == ['{"sku":"A","locationId":"WH"}']
    assert notes(con) == []


def test_each_place_of_a_sku_is_sent_again_once_when_it_was_asked_for_after_the_sale(source, outbox, sell, con):
    # given
    shop, places = outbox(), {place: source(scope=place) for place in ("STORE", "WH")}
    for place, stock in places.items():
        stock([("A", place, 5)], asked=1.0)
        shop.deliver()
    sell("A")
    # when
    sent = []
    for place in ("STORE", "STORE", "WH", "WH"):
        places[place]([("A", place, 5)], asked=SOLD + 1)
        sent.append(shop.arrive().changes)
        shop.deliver()
    # then
    assert (sent, notes(con)) == ([1, 0, 1, 0], [])


def test_each_source_of_a_sku_is_sent_again_when_it_was_asked_for_after_the_sale(source, outbox, sell, con):
    shop = outbox(**{"from": ["erp/stocklevel", "depot/stocklevel"]})
    places = {"erp": source(scope="WH"), "depot": source(scope="DEPOT", connection="depot")}
    for connection, stock in places.items():
        stock([("A", "WH" if connection == "erp" else "DEPOT", 5)], asked=1.0)
        shop.arrive(connection)
        shop.deliver()
    sell("A")
    places["depot"]([("A", "DEPOT", 5)], asked=SOLD + 1)
    assert (shop.arrive("depot").changes, notes(con)) == (1, [("to_shop", "sku", "A")])
    places["erp"]([("A", "WH", 5)], asked=SOLD + 1)
    assert (shop.arrive().changes, notes(con)) == (1, [])


def test_what_is_unknown_by_now_is_not_sent_again_until_it_is_known(stock, delivered, sell):
    sell("A")
    stock([("A", "WH", None), ("B", "WH", 5)], asked=SOLD + 1)
    delivered.arrive()
    assert due(delivered) == {}
    stock([("A", "WH", 5), ("B", "WH", 5)], asked=SOLD + 2)
    delivered.arrive()
    assert due(delivered) == {"A": {"quantity": "5.0000"}}


@pytest.mark.parametrize("said", [[("A", "WH", "many")], []], ids=["not readably", "not yet gone"])
def test_what_a_full_pull_did_not_tell_is_not_sent_again_until_one_does(stock, delivered, sell, con, said):
    sell("A")
    stock([*said, ("B", "WH", 5)], asked=SOLD + 1)
    delivered.arrive()
    assert (due(delivered), notes(con)) == ({}, [("to_shop", "sku", "A")])
    stock([("A", "WH", 5), ("B", "WH", 5)], asked=SOLD + 2)
    delivered.arrive()
    assert (due(delivered), notes(con)) == ({"A": {"quantity": "5.0000"}}, [])


def test_what_is_gone_at_the_source_is_not_sent_again(stock, delivered, sell):
    for _ in range(2):
        stock([("B", "WH", 5)])
    delivered.arrive()
    sell("A")
    stock([("B", "WH", 5)], asked=SOLD + 1)
    delivered.arrive()
    assert due(delivered) == {}


def test_the_guard_holds_it_with_the_rest_and_the_note_stays(stock, shop, sell, con):
    many = [f"S{number:02}" for number in range(40)]
    stock([(sku, "WH", 5) for sku in many], asked=1.0)
    shop.deliver()
    sell("S00")
    stock([("S00", "WH", 5), *((sku, "WH", 0) for sku in many[1:])], asked=SOLD + 1)
    assert shop.arrive().held
    assert (shop.heads(), notes(con)) == ({}, [("to_shop", "sku", "S00")])
    assert shop.accepted()["S00"] == {"quantity": "5.0000"}


def test_to_send_it_again_is_no_change_in_the_eyes_of_the_guard(stock, outbox, sell):
    shop = outbox(guard={"changed": "1%", "zeroed": "1%"})
    many = [f"S{number:02}" for number in range(40)]
    stock([(sku, "WH", 0) for sku in many], asked=1.0)
    shop.deliver()
    sell(*many)
    stock([(sku, "WH", 0) for sku in many], asked=SOLD + 1)
    assert (shop.arrive().held, len(shop.heads())) == ((), 40)


def test_what_is_to_be_sent_again_is_still_guarded(stock, shop, sell):
    # given: the shop has sold of each, which is not sent again yet
    many = [f"S{number:02}" for number in range(40)]
    stock([(sku, "WH", 5) for sku in many], asked=1.0)
    shop.deliver()
    sell(*many)
    stock([(sku, "WH", 5) for sku in many], asked=SOLD + 1)
    shop.arrive()
    # when
    stock([(sku, "WH", 0) for sku in many], asked=SOLD + 2)
    # then
    assert shop.arrive().held == ("sets to zero or less 40 of 40 keys (limit 10%, at least 20)",)


@pytest.mark.parametrize("moved", [False, True])
def test_what_is_under_way_at_that_moment_is_sent_again_after_it(stock, delivered, sell, con, moved):
    stock([("A", "WH", 4), ("B", "WH", 5)], asked=2.0)
    delivered.arrive()
    under_way = delivered.claim()["A"]
    sell("A")
    stock([("A", "WH", 4), ("B", "WH", 6 if moved else 5)], asked=SOLD + 1)
    delivered.arrive()
    delivered.settle(under_way, "accepted")
    delivered.arrive()
    assert due(delivered)["A"] == {"quantity": "4.0000"}
    assert notes(con) == []


def test_what_another_push_has_under_way_is_not_waited_for(stock, outbox, delivered, sell, con):
    other = outbox(name="other")
    other.arrive()
    other.claim()
    sell("A")
    stock([("A", "WH", 5), ("B", "WH", 5)], asked=SOLD + 1)
    delivered.arrive()
    assert notes(con) == []


def test_a_key_that_was_given_up_gets_a_new_try(stock, shop, sell):
    stock([("A", "WH", 5)], asked=1.0)
    shop.arrive()
    shop.settle(shop.claim()["A"], "rejected")
    sell("A")
    stock([("A", "WH", 5)], asked=SOLD + 1)
    shop.arrive()
    assert shop.heads("state, attempts") == {"A": ["due", 0]}


@pytest.fixture
def request_after_a_sale(stock, shop, con):
    """Tells of A's change, of which the answer was ``outcome``: the id of its request, and what is claimed of A once
    it was sold and asked for."""

    def told(outcome):
        stock([("A", "WH", 5)], asked=1.0)
        shop.deliver()
        stock([("A", "WH", 6)], asked=2.0)
        shop.arrive()
        row = shop.claim()["A"]
        first = change_id(row, row.desired)
        shop.settle(row, outcome)
        con.execute(
            "INSERT INTO affected (push, field, value, affectedAt) VALUES ('to_shop', 'sku', 'A', ?)",
            [START + dt.timedelta(minutes=SOLD)],
        )
        stock([("A", "WH", 6)], asked=SOLD + 1)
        shop.arrive()
        return first, shop.claim()["A"]

    return told


def test_what_is_sent_again_after_a_sale_is_another_request(request_after_a_sale):
    first, row = request_after_a_sale("accepted")
    assert row.todo == {"quantity"}
    assert change_id(row, row.desired) != first


@pytest.mark.parametrize(("outcome", "found"), [("waiting", None), ("rejected", None), ("retry", {"id": "7"})])
def test_nor_is_it_one_that_was_accepted_after_others_were_refused(stock, shop, con, outcome, found):
    # given: of one change of A, the first request was answered otherwise, and the second accepted
    stock([("A", "WH", 5)], asked=1.0)
    shop.arrive()
    ids = []
    for became in (outcome, "accepted"):
        row = shop.claim()["A"]
        ids.append(change_id(row, row.desired))
        shop.settle(row, became, sent_at=START, external_id=found, bound_key='{"sku":"A"}')
        con.execute("UPDATE outbox SET state = 'due', dueAt = TIMESTAMPTZ '2020-01-01'")
    con.execute("INSERT INTO affected (push, field, value, affectedAt) VALUES ('to_shop', 'sku', 'A', ?)", [START])
    # when: it is sold there, and the number at the source did not move
    stock([("A", "WH", 5)], asked=SOLD)
    shop.arrive()
    # then
    row = shop.claim()["A"]
    assert change_id(row, row.desired) not in ids


def test_what_had_no_answer_before_a_sale_goes_again_as_the_same_request(request_after_a_sale):
    first, row = request_after_a_sale("unknown")
    assert change_id(row, row.desired) == first


def test_a_place_where_a_sku_is_gone_is_not_waited_for(source, outbox, sell, con):
    wh, store, shop = source(scope="WH"), source(scope="STORE"), outbox()
    wh([("A", "WH", 5)], asked=1.0)
    store([("A", "STORE", 5), ("B", "STORE", 5)], asked=1.0)
    for minute in (2.0, 3.0):
        store([("B", "STORE", 5)], asked=minute)
    shop.deliver()
    sell("A")
    wh([("A", "WH", 5)], asked=SOLD + 1)
    shop.arrive()
    assert notes(con) == []


def test_what_is_noted_of_a_sku_leaves_other_notes_as_they_are(sell, con):
    others = [("to_outlet", "sku", "A"), ("to_shop", "locationId", "A"), ("to_shop", "sku", "Z")]
    for note in others:
        con.execute("INSERT INTO affected (push, field, value, affectedAt) VALUES (?, ?, ?, ?)", [*note, START])
    sell("A")
    assert notes(con) == sorted([*others, ("to_shop", "sku", "A")])


@pytest.mark.parametrize(("meant", "at"), [("'erp/stocklevel A'", "2026-11-01"), ("NULL", "1970-01-01")])
def test_nor_does_it_settle_what_waits_for_no_answer_of_the_source(sell, con, meant, at):
    # As of a letter that is routed anew, or of a new item.
    con.execute(
        "INSERT INTO affected (push, field, value, affectedAt, source)"
        f" VALUES ('to_shop', 'sku', 'A', TIMESTAMPTZ '{at} 00:00:00Z', {meant})"
    )
    sell("A")
    assert notes(con) == [("to_shop", "sku", "A")] * 2
