"""How changes of a source become heads of an outbox, under the destination's keys."""

import pytest

TWO = "two source keys mean this key here: "


def quantities(outbox):
    return {key: fields.get("quantity") for key, fields in outbox.desired().items()}


def test_a_new_push_starts_from_the_accepted_state(stock, shop):
    stock([("A", "WH", 5), ("B", "WH", 0)])
    stock([("A", "WH", 6), ("B", "WH", 0)])
    assert shop.arrive().changes == 2
    assert quantities(shop) == {"A": "6.0000", "B": "0.0000"}
    assert shop.position() == (3, None)


def test_what_is_unknown_by_now_is_no_part_of_that_start(products, catalogue):
    products([{"sku": "A", "title": "Cup", "price": 3, "description": "x", "status": None}])
    products([{"sku": "A", "price": 4, "description": None}])
    catalogue.arrive()
    assert catalogue.desired() == {"A": {"price": "4.0000", "description": False}}


def test_what_is_gone_is_no_part_of_that_start(stock, shop):
    stock([("A", "WH", 5), ("B", "WH", 5)])
    for _ in range(2):
        stock([("A", "WH", 5)])
    shop.arrive()
    assert list(shop.heads()) == ["A"]


@pytest.mark.parametrize(("places", "sent"), [(["WH"], ["A"]), (["WH", "STORE"], ["A", "B"]), ([], ["A", "B"])])
def test_what_is_no_longer_pulled_is_no_part_of_that_start(source, shop, places, sent):
    source(scope="WH")([("A", "WH", 5)])
    source(scope="STORE")([("B", "STORE", 9)])
    shop.arrive(places=places)
    assert sorted(shop.heads()) == sent


def test_what_a_pull_that_is_cut_up_now_takes_over_comes_from_its_log(source, shop):
    source()([("A", "WH", 5)])
    assert shop.arrive(places=["WH"]).changes == 0
    source(scope="WH", minute=5)([("A", "WH", 5)])
    shop.arrive(places=["WH"])
    assert quantities(shop) == {"A": "5.0000"}


def test_afterwards_it_reads_on_from_its_position(stock, shop):
    stock([("A", "WH", 5), ("B", "WH", 5)])
    shop.deliver()
    stock([("A", "WH", 5), ("B", "WH", 7)])
    assert shop.arrive().changes == 1
    assert quantities(shop) == {"B": "7.0000"}
    assert shop.position() == (3, None)


def test_arriving_again_without_changes_changes_nothing(stock, shop):
    stock([("A", "WH", 5)])
    shop.arrive()
    before = shop.heads("state, sequence, desired, attempts")
    assert shop.arrive().changes == 0
    assert shop.heads("state, sequence, desired, attempts") == before


def test_each_push_has_a_position_of_its_own(stock, outbox):
    one, two = outbox(name="one"), outbox(name="two")
    stock([("A", "WH", 5)])
    one.arrive()
    stock([("A", "WH", 6)])
    assert [one.arrive().changes, two.arrive().changes] == [1, 1]
    assert (one.position(), two.position()) == ((2, None), (2, None))


def test_only_the_values_asked_for_are_this_pushs_business(source, outbox):
    shop = outbox(only={"locationId": ["WH"]})
    source(scope="WH")([("A", "WH", 1)])
    source(scope="STORE")([("B", "STORE", 2)])
    assert shop.arrive().changes == 1
    assert list(shop.heads()) == ["A"]


def test_keys_are_translated(source, outbox):
    shop = outbox(translate={"locationId": {"WH": "O'Hare"}})
    source(scope="WH")([("A", "WH", 1)])
    shop.arrive()
    (row,) = shop.claim().values()
    assert row.key == '{"sku":"A","locationId":"O\'Hare"}'
    assert row.source == 'erp/stocklevel {"sku":"A","locationId":"WH"}'


def test_a_value_the_table_lacks_is_refused_with_the_reason(stock, outbox):
    shop = outbox(translate={"locationId": {"STORE": "default"}})
    stock([("A", "WH", 1)])
    shop.arrive()
    assert shop.heads("state, reason") == {"A": ["dead", "translate: locationId has no entry for WH"]}
    assert shop.receipts() == [("A", "rejected", "translate: locationId has no entry for WH")]
    assert shop.claim() == {}


def test_a_value_the_table_lacks_does_not_stop_one_that_is_translated_to_that_very_name(source, outbox):
    # given
    shop = outbox(translate={"locationId": {"WH": "STORE"}})
    for place, quantity in (("WH", 1), ("STORE", 2)):
        source(scope=place)([("A", place, quantity)])
    # when
    shop.arrive()
    # then
    found = shop.con.execute("SELECT key, state FROM outbox ORDER BY state").fetchall()
    assert found == [
        ('{"sku":"A","locationId":"STORE (no entry)"}', "dead"), ('{"sku":"A","locationId":"STORE"}', "due"),
    ]  # fmt: skip


# Two source keys on one destination key


def test_two_source_keys_that_arrive_together_are_both_refused(both):
    one, two, shop = both
    one([("A", "WH", 1)])
    two([("A", "STORE", 2)])
    shop.arrive()
    assert shop.heads() == {"A": "dead"}
    assert shop.heads("reason")["A"].startswith(TWO)


def test_a_second_source_key_is_refused_while_the_first_waits_to_be_sent(both):
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.arrive()
    two([("A", "STORE", 2)])
    shop.arrive()
    assert shop.heads() == {"A": "dead"}
    assert quantities(shop) == {"A": "1.0000"}


def test_a_second_source_key_is_refused_after_the_first_was_accepted(both):
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.deliver()
    two([("A", "STORE", 2)])
    shop.arrive()
    assert shop.heads() == {"A": "dead"}
    one([("A", "WH", 3)])
    shop.arrive()
    assert (shop.heads(), quantities(shop)) == ({"A": "due"}, {"A": "3.0000"})


def test_what_is_refused_while_it_is_under_way_stays_refused(both):
    one, two, shop = both
    one([("A", "WH", 1)])
    shop.arrive()
    (row,) = shop.claim().values()
    two([("A", "STORE", 2)])
    shop.arrive()
    shop.settle(row, "accepted")
    assert shop.heads() == {"A": "dead"}


# Folding


def test_several_changes_of_a_key_become_one_with_its_newest_values(stock, shop):
    stock([("A", "WH", 1)])
    shop.deliver()
    for quantity in (2, 3, 4):
        stock([("A", "WH", quantity)])
    assert shop.arrive().changes == 1
    assert quantities(shop) == {"A": "4.0000"}


HISTORIES = {
    "set, then cleared": ([{"title": "a"}, {"title": None}, {}], {"title": False}),
    "cleared, then set": ([{"title": None}, {"title": "b"}, {}], {"title": "b"}),
    "set, then unknown": ([{"title": "a"}, {"price": 2}, {}], {"title": "a", "price": "2.0000"}),
    "cleared, then unknown": ([{"title": None}, {"price": 2}, {}], {"title": False, "price": "2.0000"}),
    "all": (
        [{"title": "a", "price": 1}, {"price": 2}, {"title": None, "price": 2}],
        {"title": False, "price": "2.0000"},
    ),
}


@pytest.mark.parametrize("between", [True, False], ids=["one by one", "at once"])
def test_what_is_unknown_now_keeps_the_last_value_that_was_said(products, catalogue, between):
    products([{"sku": name, "title": "z"} for name in HISTORIES])
    catalogue.deliver()
    for step in range(3):
        products([{"sku": name, **changes[step]} for name, (changes, _) in HISTORIES.items()])
        if between:
            catalogue.arrive()
    catalogue.arrive()
    assert catalogue.desired() == {name: desired for name, (_, desired) in HISTORIES.items()}


@pytest.mark.parametrize("between", [True, False], ids=["one by one", "at once"])
def test_a_nested_object_is_one_value_of_which_nothing_old_is_left(source, outbox, between):
    orders, erp = source("order"), outbox("order", deliver="latest")
    orders([{"number": "1", "customer": {"name": "z"}}])
    erp.deliver()
    orders([{"number": "1", "customer": {"name": "Zoë", "email": "old@x"}}])
    if between:
        erp.arrive()
    orders([{"number": "1", "customer": {"name": "Zoë"}}])
    erp.arrive()
    assert erp.desired() == {"erp:1": {"customer": {"name": "Zoë"}}}


def test_a_newer_version_joins_the_one_that_still_waits(stock, shop):
    stock([("A", "WH", 1)])
    shop.arrive()
    queued = shop.heads("queuedAt")
    stock([("A", "WH", 2)])
    shop.arrive()
    assert shop.heads("sequence, desired") == {"A": [2, '{"quantity":"2.0000"}']}
    assert shop.heads("queuedAt") == queued


def test_a_newer_version_brings_a_dead_key_back(stock, shop):
    stock([("A", "WH", 1)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "rejected")
    stock([("A", "WH", 2)])
    shop.arrive()
    assert shop.heads("state, attempts, reason") == {"A": ["due", 0, None]}


# Deletes


def test_a_delete_changes_nothing_at_the_destination_and_leaves_a_receipt(stock, shop):
    stock([("A", "WH", 1), ("B", "WH", 1)])
    shop.deliver()
    for _ in range(2):
        stock([("B", "WH", 1)])
    shop.arrive()
    assert shop.heads() == {}
    assert shop.receipts()[-1] == ("A", "skipped", "gone at the source, which changes nothing here")


def never_sent(shop):
    """A is to be sent, and no request was made for it."""
    shop.arrive()


def given_up_unsent(shop):
    """A was given up for a value that cannot be said there."""
    shop.arrive()
    shop.settle(shop.claim()["A"], "rejected", sent_at=None)


def without_an_answer(shop):
    """A was sent, and the answer was lost."""
    shop.arrive()
    shop.settle(shop.claim()["A"], "unknown")


def under_way(shop):
    """A is being sent."""
    shop.arrive()
    shop.claim()


def of_a_dead_process(shop):
    """A was claimed by a process that died."""
    shop.arrive()
    shop.claim()
    shop.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
    shop.wake()


def accepted(shop):
    """The destination has A."""
    shop.deliver()


@pytest.mark.parametrize("tried", [never_sent, given_up_unsent])
def test_a_key_that_came_and_went_before_it_was_ever_sent_is_not_sent(stock, shop, tried):
    stock([("A", "WH", 1), ("B", "WH", 1)])
    tried(shop)
    stock([("A", "WH", 2), ("B", "WH", 1)])
    for _ in range(2):
        stock([("B", "WH", 1)])
    shop.arrive()
    assert "A" not in quantities(shop)


def test_what_is_there_of_another_kind_under_the_same_key_does_not_keep_it(stock, shop):
    stock([("A", "WH", 1), ("B", "WH", 1)])
    shop.arrive()
    shop.con.execute("INSERT INTO accepted BY NAME SELECT 'shop' AS connection, 'price' AS entity, key FROM outbox")
    for _ in range(2):
        stock([("B", "WH", 1)])
    shop.arrive()
    assert list(shop.heads()) == ["B"]


@pytest.mark.parametrize("tried", [without_an_answer, under_way, of_a_dead_process, accepted])
def test_what_changed_before_the_key_went_is_still_sent_where_the_key_may_be_there(stock, shop, tried):
    stock([("A", "WH", 1), ("B", "WH", 1)])
    tried(shop)
    stock([("A", "WH", 2), ("B", "WH", 1)])
    for _ in range(2):
        stock([("B", "WH", 1)])
    shop.arrive()
    assert quantities(shop)["A"] == "2.0000"


@pytest.mark.parametrize("tried", [without_an_answer, under_way])
def test_what_was_sent_without_an_answer_stays_when_its_key_goes(stock, shop, tried):
    stock([("A", "WH", 1), ("B", "WH", 1)])
    tried(shop)
    for _ in range(2):
        stock([("B", "WH", 1)])
    shop.arrive()
    assert quantities(shop)["A"] == "1.0000"


@pytest.mark.parametrize("deliver", ["latest", "every"])
def test_what_came_and_went_unseen_is_not_sent(stock, outbox, deliver):
    shop = outbox(deliver=deliver)
    stock([("B", "WH", 1)])
    shop.deliver()
    stock([("A", "WH", 2), ("B", "WH", 1)])
    for _ in range(2):
        stock([("B", "WH", 1)])
    shop.arrive()
    assert shop.heads() == {}


# The push's own guard

MANY = [f"S{n:02}" for n in range(40)]


def fall(stock, shop):
    """Forty delivered levels, then all of them zero at the source."""
    stock([(sku, "WH", 5) for sku in MANY])
    shop.deliver()
    stock([(sku, "WH", 0) for sku in MANY])


def test_what_is_implausible_at_the_destination_is_held_and_the_position_stays(stock, shop):
    fall(stock, shop)
    arrived = shop.arrive()
    assert arrived.held == ("sets to zero or less 40 of 40 keys (limit 10%, at least 20)",)
    assert (shop.heads(), shop.position()[0], arrived.held[0] in shop.position()[1]) == ({}, 40, True)


def test_it_is_judged_again_with_what_came_since(stock, shop):
    fall(stock, shop)
    shop.arrive()
    stock([(sku, "WH", 6) for sku in MANY])
    assert shop.arrive().held == ()
    assert set(quantities(shop).values()) == {"6.0000"}
    assert shop.position() == (120, None)


def test_a_limit_that_is_off_lets_it_pass(stock, outbox):
    shop = outbox(guard={"zeroed": "off"})
    fall(stock, shop)
    assert (shop.arrive().held, len(shop.heads())) == ((), 40)


def test_what_the_destination_has_already_is_no_change_to_it(products, catalogue):
    records = [{"sku": sku, "title": "t", "description": "d", "price": 1} for sku in MANY]
    products(records)
    catalogue.deliver()
    products([{**record, "media": [{"url": "u"}]} for record in records])
    catalogue.con.execute('UPDATE accepted SET fields = \'{"price":"1.0000","title":"t"}\'')
    assert catalogue.arrive().held == ()


def test_an_amount_that_was_cleared_is_queued_as_that(source, outbox):
    stock, shop = source(scope="WH"), outbox()
    stock.map = {"sku": "item.sku", "locationId": "item.loc", "quantity": {"from": "item.q", "null": "cleared"}}
    stock([(sku, "WH", 5) for sku in MANY[:20]])
    shop.deliver()
    stock([(sku, "WH", None) for sku in MANY[:20]])
    assert shop.arrive().held == ()
    assert set(quantities(shop).values()) == {False}


# What is queued when the rules change.


@pytest.fixture
def queued(source, outbox):
    """A of WH and B of STORE, B of which waits for its item."""
    shop = outbox(**{"from": ["erp/stocklevel", "depot/stocklevel"]})
    source(scope="WH")([("A", "WH", 1)])
    source(connection="depot", scope="STORE")([("B", "STORE", 2)])
    for connection in ("erp", "depot"):
        shop.arrive(connection)
    shop.settle(shop.claim()["B"], "waiting")
    shop.con.execute("UPDATE outbox SET state = 'due' WHERE state = 'claimed'")
    return shop


BOTH = {"from": ["erp/stocklevel", "depot/stocklevel"]}


@pytest.mark.parametrize(
    ("rules", "left"),
    [
        ({**BOTH, "only": {"locationId": ["WH"]}}, {"A": "due"}),
        ({**BOTH, "only": {"locationId": ["STORE"]}}, {"B": "waiting"}),
        ({"from": "erp/stocklevel"}, {"A": "due"}),
        (BOTH, {"A": "due", "B": "waiting"}),
    ],
    ids=["one place", "the other", "one log", "the same"],
)
def test_what_is_queued_and_left_out_by_now_is_not_sent(queued, outbox, rules, left):
    outbox(**rules).arrive()
    assert queued.heads() == left
    closed = [(key, "skipped", "the sync leaves it out by now") for key in {"A", "B"} - left.keys()]
    assert [receipt for receipt in queued.receipts() if receipt[1] == "skipped"] == closed
    assert queued.con.execute("SELECT count(*) FROM affected").fetchone() == (0,)


@pytest.mark.parametrize("deliver", ["latest", "every"])
@pytest.mark.parametrize("outcome", ["waiting", "retry"])
def test_what_is_queued_and_another_key_by_now_goes_there(stock, outbox, deliver, outcome):
    # given: what is to be sent still to a place that the shop does not have
    shop = outbox(translate={"locationId": {"WH": "defualt"}}, deliver=deliver)
    stock([("A", "WH", 5)])
    shop.arrive()
    shop.settle(shop.claim()["A"], outcome)
    stock([("A", "WH", 6)])
    shop.arrive()
    # when
    outbox(translate={"locationId": {"WH": "default"}}, deliver=deliver).arrive()
    # then
    rows = shop.con.execute("SELECT key, state, desired FROM outbox").fetchall()
    assert rows == [('{"sku":"A","locationId":"default"}', "due", '{"quantity":"6.0000"}')]
    assert "skipped" not in [told for _, told, _ in shop.receipts()]


def test_what_may_be_there_under_the_key_of_before_is_not_forgotten(stock, outbox):
    # given: its making had no answer
    shop = outbox()
    stock([("A", "WH", 5)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "unknown")
    # when
    outbox(translate={"locationId": {"WH": "default"}}).arrive()
    # then: a replay by the old rules settles it
    rows = shop.con.execute("SELECT state, tried, triedSequence FROM outbox WHERE key LIKE '%WH%'").fetchall()
    assert rows == [("dead", True, 1)]


def test_what_is_left_out_goes_with_what_waits_behind_it(stock, outbox):
    # given: a queue that another push has as well
    shop, other = outbox(deliver="every"), outbox(name="other", deliver="every")
    for quantity in (5, 6):
        stock([("A", "WH", quantity)])
        shop.arrive()
        other.arrive()
    # when
    outbox(deliver="every", only={"locationId": ["STORE"]}).arrive()
    # then
    assert (shop.heads(), shop.behind(), len(shop.receipts())) == ({}, {}, 2)
    assert len(other.behind()["A"]) == 1


@pytest.mark.parametrize("statuses", [["pending", "paid", "cancelled"], ["paid", "cancelled"]])
def test_each_change_that_is_queued_goes_by_the_rules_itself(source, outbox, statuses):
    orders, erp = source("order"), outbox("order")
    for status in statuses:
        orders([{"number": "1", "status": status}])
        erp.arrive()
    outbox("order", only={"status": ["paid"]}).arrive()
    assert (erp.desired()["erp:1"]["status"], erp.behind()) == ("paid", {})


def test_so_does_one_behind_a_letter(source, outbox):
    orders, erp = source("order"), outbox("order")
    for status in ("paid", "cancelled"):
        orders([{"number": "1", "status": status}])
        erp.arrive()
    erp.settle(erp.claim()["erp:1"], "rejected")
    outbox("order", only={"status": ["paid"]}).arrive()
    assert (erp.heads(), erp.behind()) == ({"erp:1": "dead"}, {})


@pytest.mark.parametrize("rule", [{"only": {"locationId": ["STORE"]}}, {"translate": {"locationId": {"WH": "main"}}}])
def test_what_a_process_that_died_had_claimed_goes_by_the_new_rules_once_its_claim_ran_out(stock, outbox, rule):
    # given: the rules are new while the claim still holds
    shop, now = outbox(), outbox(**rule)
    stock([("A", "WH", 5)])
    shop.arrive()
    shop.claim()
    now.arrive()
    # when
    shop.con.execute("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
    now.wake()
    now.arrive()
    # then
    assert '{"sku":"A","locationId":"WH"}' not in [row.key for row in now.claim().values()]


def test_what_an_older_version_queued_without_a_note_of_its_rules_goes_by_those_there_are(stock, outbox):
    shop = outbox()
    stock([("A", "WH", 5)])
    shop.arrive()
    shop.con.execute("UPDATE positions SET rules = NULL")
    outbox(only={"locationId": ["STORE"]}).arrive()
    assert shop.heads() == {}


def test_a_change_that_says_nothing_of_what_the_sync_goes_by_goes_as_before(source, outbox):
    # given: only what is active is sent
    erp, box = source("product"), outbox("product", only={"status": ["active"]})
    erp([{"sku": "A", "title": "cup", "status": "active"}, {"sku": "B", "title": "cup", "status": "archived"}])
    box.deliver()
    # when
    erp([{"sku": "A", "title": "jug"}, {"sku": "B", "title": "jug"}])
    box.arrive()
    # then
    assert box.desired() == {"A": {"title": "jug"}}
