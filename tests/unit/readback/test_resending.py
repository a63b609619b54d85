"""What drifted is sent again: just that, as the source last said it, and never more than the guard lets through."""

import json

import pytest

from pullpush_dagster.errors import GuardError
from pullpush_dagster.readback import Resent

OAK = {"sku": "A", "title": "Oak", "price": "10", "status": "active"}


@pytest.fixture(scope="module")
def kept():
    """What a store and a shelf hold after a first push, by its name: to make it anew takes longer than most tests."""
    return {}


@pytest.fixture
def begun(store, shelf, kept):
    """Brings store and shelf to where ``first`` brought them."""

    def begin(name, first):
        if name not in kept:
            first()
            kept[name] = store.path.read_bytes(), {id_: dict(item) for id_, item in shelf.items.items()}
        content, items = kept[name]
        store.path.write_bytes(content)
        shelf.items = {id_: dict(item) for id_, item in items.items()}
        shelf.writes.clear()

    return begin


@pytest.fixture
def oak(products, begun):
    """Products that the shelf has just taken over."""

    def first():
        products.pull(OAK, *({**OAK, "sku": sku} for sku in "BCD"))
        products.send()

    begun("oak", first)
    return products


def again(reader):
    """Read back, make what drifted due, and let the push run; what was due."""
    reader.read()
    done = reader.resend()
    reader.send()
    return done


def test_just_the_fields_that_drifted_are_sent_again(oak, shelf):
    shelf.items["iA"] |= {"title": "Pine", "stock": 3}
    assert again(oak) == Resent(1, 0)
    assert shelf.writes == [{"id": "iA", "title": "Oak"}]
    assert oak.drifted() == {}


def test_nothing_is_sent_again_unless_it_is_asked_for(oak, shelf):
    shelf.items["iA"]["title"] = "Pine"
    oak.read()
    oak.send()
    assert shelf.writes == []


def test_what_the_source_has_emptied_is_emptied_again(oak, shelf):
    oak.pull({**OAK, "title": ""}, kind="sync")
    oak.send()
    shelf.items["iA"]["title"] = "Pine"
    shelf.writes.clear()
    again(oak)
    assert shelf.writes == [{"id": "iA", "title": ""}]


def test_an_item_that_is_gone_is_made_again_with_all_that_is_known(oak, shelf):
    del shelf.items["iA"]
    assert again(oak) == Resent(1, 0)
    oak.send()
    assert shelf.items["iA"] == {"sku": "A", "title": "Oak", "price": "10", "status": "on"}


@pytest.fixture
def told_once(reader, shelf):
    """An order that a platform has taken, which is told of each just once."""
    orders = reader("order", once=True)
    orders.pull({"number": "5", "status": "paid"})
    orders.send()
    return orders


def test_an_item_that_is_told_of_once_and_is_gone_is_made_again(told_once, shelf):
    told_once.rows("UPDATE accepted SET acceptedAt = TIMESTAMPTZ '2020-01-01' RETURNING key")
    shelf.items.clear()
    assert again(told_once) == Resent(1, 0)
    assert shelf.items["ierp:5"]["status"] == "sale"
    assert told_once.drifted() == {}


def test_an_item_that_was_taken_just_now_and_is_not_listed_yet_is_not_made_again(told_once, shelf):
    shelf.items.clear()
    shelf.writes.clear()
    again(told_once)
    assert shelf.writes == []


def test_what_was_made_due_leaves_the_rest_as_accepted(oak, shelf):
    shelf.items["iA"]["title"] = "Pine"
    oak.read()
    oak.resend()
    ((left,),) = oak.rows("SELECT fields FROM accepted WHERE contains(key, 'A')")
    assert json.loads(left) == {"price": "10.0000", "status": "active"}
    assert oak.rows("SELECT desired, state FROM outbox") == [('{"title":"Oak"}', "due")]


def test_a_field_that_the_source_says_nothing_of_by_now_is_not_sent(oak, shelf, missing):
    oak.pull({"sku": "A", "price": "10", "status": "active"}, kind="sync")
    shelf.items["iA"] |= {"title": "Pine", "price": "11"}
    again(oak)
    assert shelf.writes == [{"id": "iA", "price": "10"}]


def test_a_key_of_which_nothing_is_known_to_send_is_left_out(oak, shelf):
    oak.pull({"sku": "A", "price": "10", "status": "active"}, kind="sync")
    shelf.items["iA"]["title"] = "Pine"
    assert again(oak) == Resent(0, 1)
    assert oak.rows("SELECT * FROM outbox") == []


def test_doing_it_again_changes_nothing(oak, shelf):
    shelf.items["iA"]["title"] = "Pine"
    oak.read()
    oak.resend()
    before = oak.rows("SELECT * FROM outbox")
    assert oak.resend() == Resent(0, 1)
    assert oak.rows("SELECT * FROM outbox") == before


def test_a_key_that_changed_at_the_source_is_left_to_the_push_and_sent_as_it_is_now(oak, shelf):
    # given: it is in the log, and the push has not read it yet
    shelf.items["iA"]["title"] = "Pine"
    oak.read()
    oak.pull({**OAK, "title": "Elm"}, kind="sync")
    assert oak.resend() == Resent(0, 1)
    oak.send()
    assert shelf.items["iA"]["title"] == "Elm"


def test_a_key_that_was_accepted_since_is_left_out(oak, shelf):
    shelf.items["iA"]["title"] = "Pine"
    oak.read()
    oak.pull({**OAK, "title": "Elm"}, kind="sync")
    oak.send()
    shelf.writes.clear()
    assert oak.resend() == Resent(0, 1)
    oak.send()
    assert shelf.writes == []


def test_a_key_that_was_accepted_anew_as_it_was_is_left_out(oak, shelf):
    # given: after the read the source went from Oak to Elm and back, and all of it was sent
    shelf.items["iA"]["title"] = "Pine"
    oak.read()
    oak.rows("UPDATE accepted SET acceptedAt = now() RETURNING key")
    assert oak.resend() == Resent(0, 1)


def test_a_key_in_the_outbox_is_left_out(oak, shelf):
    for sku in "ABCD":
        shelf.items[f"i{sku}"]["title"] = "Pine"
    oak.read()
    oak.queue(A="due", B="claimed", C="waiting", D="dead")
    assert oak.resend() == Resent(0, 4)


def test_but_not_one_in_the_outbox_of_another_push(oak, shelf):
    shelf.items["iA"]["title"] = "Pine"
    oak.read()
    oak.queue(A="due")
    oak.rows("UPDATE outbox SET push = 'another' RETURNING key")
    assert oak.resend() == Resent(1, 0)


def test_a_key_of_which_an_order_became_known_since_is_left_out(stock, shelf):
    # given: the shelf has sold one, and is read back before anybody knows of the order
    stock.pull(("A", "default", 5))
    stock.send()
    shelf.items["iA"] |= {"q": 4, "counted": True}
    stock.read()
    sold = "INSERT INTO affected (push, field, value, affectedAt) VALUES ('to_shelf', 'sku', 'A', now()) RETURNING push"
    stock.rows(sold)
    # when
    done = stock.resend()
    stock.send()
    # then
    assert (done, shelf.items["iA"]["q"]) == (Resent(0, 1), 4)


def test_a_key_that_is_gone_at_the_source_is_left_out(oak, shelf):
    shelf.items["iA"]["title"] = "Pine"
    oak.rows("UPDATE baseline_product SET _deleted = true RETURNING sku")
    assert again(oak) == Resent(0, 1)


def test_a_key_that_is_routed_elsewhere_by_now_is_left_out(reader, oak, shelf):
    shelf.items["iA"]["title"] = "Pine"
    oak.read()
    assert reader(translate={"sku": {"A": "B"}}).resend() == Resent(0, 1)
    assert reader(translate={"sku": {"B": "B"}}).resend() == Resent(0, 1)


def test_a_part_that_was_emptied_and_filled_there_is_emptied_again(reader, shelf):
    # given: of the company the source may know nothing
    orders = reader("order")
    orders.pull({"number": "5", "status": "paid", "customer": {"name": "Ann", "phone": "1"}})
    orders.send()
    shelf.items["ierp:5"]["firm"] = "Acme"
    orders.pull({"number": "5", "status": "paid", "customer": {"name": "Ann Lee"}})
    orders.send()
    sent = {"who": "Ann Lee", "phone": "", "firm": "Acme"}
    assert shelf.items["ierp:5"].items() >= sent.items()
    assert orders.drifted() == {}
    # when
    shelf.items["ierp:5"]["phone"] = "2"
    # then
    assert again(orders) == Resent(1, 0)
    assert shelf.items["ierp:5"].items() >= sent.items()


def test_an_order_is_sent_again_under_the_key_that_bears_its_shop(reader, shelf):
    orders = reader("order")
    orders.pull({"number": "5", "status": "paid"})
    orders.send()
    shelf.items["ierp:5"]["status"] = "draft"
    orders.read()
    assert orders.drift() == {("erp:5", "status"): ("paid", "pending")}
    again(orders)
    assert shelf.items["ierp:5"]["status"] == "sale"


# The guard.


@pytest.fixture
def many(reader, shelf, begun):
    """Makes a push of 60 stock levels, half of them ``none``; of them ``drifted`` are another number on the shelf."""

    def make(drifted, none=0, **push):
        made = reader("stocklevel", **push)

        def first():
            made.pull(*((f"S{number:02}", "default", none if number < 30 else 5) for number in range(60)))
            made.send()

        begun(f"many {none}", first)
        for number in range(60):
            shelf.items[f"iS{number:02}"] |= {"counted": True, **({"q": 4} if number in drifted else {})}
        made.read()
        return made

    return make


def test_more_than_the_limit_is_refused_by_its_name_and_nothing_is_due(many, shelf):
    made = many(range(30, 55))
    refused = r"nothing is sent again, as that changes 25 of 60 keys \(limit 30%, at least 20\) \(push=to_shelf\)"
    with pytest.raises(GuardError, match=refused):
        made.resend()
    made.send()
    assert shelf.writes == []


def test_no_limit_is_tighter_than_twenty_keys(many):
    assert many(range(30, 50)).resend() == Resent(20, 0)


def test_a_limit_of_the_push_counts(many):
    assert many(range(30, 55), guard={"changed": "50%"}).resend() == Resent(25, 0)


@pytest.mark.parametrize("none", [0, -2])
def test_setting_many_to_zero_or_less_is_refused_though_many_may_change(many, none):
    with pytest.raises(GuardError, match="sets to zero or less 25 of 60 keys"):
        many(range(25), none, guard={"changed": "off"}).resend()


def test_what_is_due_again_is_still_guarded(many):
    made = many(range(30, 60), guard={"changed": "off"})
    made.resend()
    made.pull(*((f"S{number:02}", "default", 0) for number in range(60)))
    (arrival,) = made.pusher().arrive()
    assert arrival.held == ("sets to zero or less 30 of 60 keys (limit 10%, at least 20)",)


def test_emptying_many_prices_is_refused_though_many_may_change(reader, shelf):
    # given: prices that were emptied, and are there again
    made, skus = reader(guard={"changed": "off"}), [f"S{number}" for number in range(60)]
    made.pull(*({"sku": sku, "price": None} for sku in skus))
    made.accept({sku: {"price": False} for sku in skus})
    for sku in skus:
        shelf.put(sku, price="10")
    made.read()
    with pytest.raises(GuardError, match="moves the price by more than half of 60 of 60 keys"):
        made.resend()


def test_moving_many_prices_is_refused_though_many_may_change(reader, shelf):
    made = reader(guard={"changed": "off"})
    made.pull(*({"sku": f"S{number}", "price": "10"} for number in range(60)))
    made.send()
    for number in range(25):
        shelf.items[f"iS{number}"]["price"] = "1"
    made.read()
    with pytest.raises(GuardError, match="moves the price by more than half of 25 of 60 keys"):
        made.resend()


def test_what_drifted_twice_is_two_changes_to_a_platform_that_remembers_requests(products, shelf):
    products.pull({"sku": "A", "title": "Oak", "price": "10", "status": "active"})
    products.send()
    known = []
    for _ in range(2):
        shelf.items["iA"]["title"] = "Pine"
        products.read()
        products.resend()
        # All that change_id is made of.
        known += products.rows("SELECT key, sequence, source, coalesce(refusals, 0), desired FROM outbox")
        products.send()
    assert known[0] != known[1]
