"""Which keys are compared with what was accepted, which are left out, and which are gone."""

import pytest

from pullpush_dagster.errors import NothingYetError
from pullpush_dagster.readback.comparing import Comparing

NOW = "2100-01-01"


def test_two_hundred_of_ten_thousand_are_just_those(stock, shelf):
    for sku in range(10_000):
        shelf.put(f"S{sku}", q=1 if sku % 50 == 7 else 5, counted=True)
    stock.rows(
        "INSERT INTO accepted (connection, entity, key, source, fields, acceptedAt)"
        " SELECT 'shelf', 'stocklevel', key, 'erp/stocklevel ' || key, '{\"quantity\":\"5.0000\"}', '2026-01-01'"
        " FROM (SELECT to_json({sku: 'S' || i, locationId: 'default'}) AS key FROM range(10000) AS t(i)) RETURNING key"
    )
    found = stock.read()
    assert (found.compared, found.drifted, found.gone) == (10_000, 200, 0)
    assert {sku for sku, _ in stock.drift()} == {f"S{sku}" for sku in range(7, 10_000, 50)}


def test_a_key_that_is_not_there_any_more_is_gone_there(products, shelf):
    products.accepted("A", title="Oak", price="1.0000")
    found = products.read()
    assert (found.compared, found.gone) == (1, 1)
    assert products.drift() == {("A", None): ({"title": "Oak", "price": "1.0000"}, None)}


def test_what_was_found_there_and_never_sent_is_gone_as_well(reader, shelf):
    # given: a destination that is told of an item just once, and had it already
    products = reader(once=True)
    shelf.put("A", title="Its own")
    products.pull({"sku": "A", "title": "Oak"})
    products.send()
    assert products.drifted() == {}
    products.rows("UPDATE accepted SET acceptedAt = TIMESTAMPTZ '2020-01-01' RETURNING key")
    # when
    shelf.items.clear()
    # then
    assert products.read().gone == 1
    products.resend()
    products.send()
    assert shelf.items["iA"]["title"] == "Oak"


@pytest.mark.parametrize("state", ["due", "waiting", "dead", "unconfirmed"])
def test_what_is_still_to_be_sent_and_was_never_taken_is_not_gone(products, shelf, state):
    products.accept({"A": {}, "B": {"title": "Oak"}})
    shelf.put("B", title="Oak")
    products.queue(A=state)
    found = products.read()
    assert (found.compared, found.gone) == (1, 0)


def test_what_the_destination_has_beside_is_nobodys_business(products, shelf):
    shelf.put("A", title="Oak")
    shelf.put("OWN", title="Its own")
    products.accepted("A", title="Oak")
    assert products.drifted() == {}


def test_an_item_that_only_a_look_up_finds_is_compared_too(products, shelf):
    shelf.unlisted = {"A", "B"}
    for sku, title in (("A", "Oak"), ("B", "Pine")):
        products.accepted(sku, title="Oak")
        shelf.put(sku, title=title)
    found = products.read()
    assert (found.compared, found.gone) == (2, 0)
    assert products.drift() == {("B", "title"): ("Oak", "Pine")}


def test_one_that_was_not_looked_up_as_it_was_under_way_then_is_not_gone(products, shelf, monkeypatch):
    # given: it need not be sent any more when it is compared
    products.accepted("A", title="Oak")
    shelf.put("A", title="Oak")
    shelf.unlisted = {"A"}
    products.queue(A="due")
    compared = Comparing.compare

    def compare(comparing, con, there):
        con.execute("DELETE FROM outbox")
        return compared(comparing, con, there)

    monkeypatch.setattr(Comparing, "compare", compare)
    # when
    found = products.read()
    # then
    assert (found.compared, found.gone, found.left_out) == (0, 0, 1)


def test_an_item_that_is_listed_under_another_key_is_compared_once(stock, shelf):
    # given: the same SKU was accepted for another place, of which this platform says nothing
    stock.accepted("A", quantity="5.0000")
    shelf.put("A", q=4, counted=True)
    names = ", ".join(f"replace({name}, 'default', 'other') AS {name}" for name in ("key", "source"))
    other = f"SELECT * REPLACE ({names}) FROM accepted"
    stock.rows(f"INSERT INTO accepted {other} RETURNING key")
    found = stock.read()
    assert (found.compared, found.drifted, found.gone, found.unreadable) == (1, 1, 0, 1)


def test_where_nothing_was_accepted_nothing_is_asked_and_nothing_stored(products, platform):
    with pytest.raises(
        NothingYetError, match="shelf has accepted nothing of to_shelf yet, so there is nothing to comp"
    ):
        products.read()
    assert platform.requests == []
    assert products.rows("SELECT * FROM readbacks") == []


def test_keys_under_way_are_left_out(products, shelf):
    for sku in ("A", "B", "GONE"):
        products.accepted(sku, title="Oak")
        shelf.put(sku, title="Pine")
    del shelf.items["iGONE"]
    products.queue(A="due", B="claimed", GONE="due")
    found = products.read()
    assert (found.compared, found.drifted, found.gone, found.left_out) == (0, 0, 0, 3)


def test_a_key_accepted_since_the_read_began_is_left_out(products, shelf):
    products.accepted("A", at=NOW, title="Oak")
    shelf.put("A", title="Pine")
    found = products.read()
    assert (found.drifted, found.left_out) == (0, 1)


@pytest.mark.parametrize(("meant", "left_out"), [("NULL", 1), ("'erp/stocklevel another place'", 0)])
def test_a_key_whose_order_is_known_of_is_left_out(stock, shelf, meant, left_out):
    # given: the shop has sold, and is sent the ERP's number once that was asked; or it is another place's letter
    stock.accepted("A", quantity="5.0000")
    shelf.put("A", q=4, counted=True)
    stock.rows(
        "INSERT INTO affected (push, field, value, affectedAt, source)"
        f" VALUES ('to_shelf', 'sku', 'A', now(), {meant}) RETURNING push"
    )
    found = stock.read()
    assert (found.drifted, found.left_out) == (1 - left_out, left_out)


def test_a_key_of_another_push_to_the_same_entity_is_not_compared(reader, shelf):
    made = reader("product", only={"sku": ["A"]})
    for sku in ("A", "B"):
        made.accepted(sku, title="Oak")
        shelf.put(sku, title="Pine")
    made.rows("INSERT INTO accepted SELECT * REPLACE ('outlet/product x' AS source) FROM accepted RETURNING key")
    assert list(made.drifted()) == [("A", "title")]


def test_a_key_that_only_leaves_out_by_another_field_is_not_compared(reader, shelf):
    made = reader("product", only={"status": ["active"]})
    made.pull({"sku": "A", "status": "active"}, {"sku": "B", "status": "archived"})
    for sku in ("A", "B"):
        made.accepted(sku, title="Oak")
        shelf.put(sku, title="Pine")
    assert list(made.drifted()) == [("A", "title")]


def test_a_key_that_is_another_one_by_now_is_not_compared_under_the_old_one(reader, shelf):
    made = reader("product", translate={"sku": {"A": "A2", "B": "B"}})
    for sku in ("A", "B"):
        made.accepted(sku, title="Oak")
        shelf.put(sku, title="Pine")
    assert list(made.drifted()) == [("B", "title")]


# What cannot be read.


def test_a_quarantined_record_has_not_drifted_and_is_not_gone(products, shelf):
    for sku in ("A", "B"):
        products.accepted(sku, title="Oak")
        shelf.put(sku, title="Pine")
    shelf.items["iA"]["status"] = "what"
    found = products.read()
    assert (found.compared, found.unreadable) == (1, 1)
    assert list(products.drift()) == [("B", "title")]


def test_a_record_without_a_key_stands_for_the_key_its_id_is_bound_to(products, shelf):
    products.accepted("A", title="Oak")
    shelf.put("A", title="Oak")
    shelf.items["iA"]["sku"] = ""
    products.rows(
        "INSERT INTO bindings VALUES ('shelf', 'product', ?, 'iA', '{\"id\":\"iA\"}', true, now()) RETURNING key",
        products.key("A"),
    )
    found = products.read()
    assert (found.gone, found.unreadable, found.doubt) == (0, 1, None)


def test_an_item_without_a_key_that_is_not_ours_stands_against_nothing(products, shelf):
    products.accepted("A", title="Oak")
    shelf.put("", title="Their own, without a SKU")
    found = products.read()
    assert (found.gone, found.doubt) == (1, None)


def test_a_record_with_neither_key_nor_id_leaves_open_what_is_gone(products, shelf):
    products.accepted("A", title="Oak")
    products.accepted("B", title="Oak")
    shelf.items[""] = {"sku": "", "title": "?"}
    shelf.put("B", title="Pine")
    found = products.read()
    assert (found.gone, found.drifted, found.unreadable) == (0, 1, 1)
    assert found.doubt == "1 records have neither a readable key nor an id"


def test_two_items_of_one_key_are_not_compared(products, shelf):
    products.accepted("A", title="Oak")
    shelf.put("A", title="Pine")
    shelf.items["i2"] = {"sku": "A", "title": "Oak"}
    found = products.read()
    assert (found.drifted, found.gone, found.unreadable) == (0, 0, 1)
