"""What one push does touches nothing of another one, nor of another destination or entity with the same keys."""

import pytest

ONE, BOTH = {"WH": "default"}, {"WH": "default", "STORE": "default"}
OTHERS = [
    *((table, "push") for table in ("outbox", "behind", "rivals", "affected", "holds", "positions", "receipts")),
    *((table, column) for table in ("accepted", "bindings") for column in ("connection", "entity")),
]


def theirs(con):
    """All that others have."""
    return {pair: con.execute(f"FROM {pair[0]} WHERE {pair[1]} = 'another' ORDER BY ALL").fetchall() for pair in OTHERS}


def pile(stock, place, shop):
    """Two changes of A, the second of which comes while the first is to be sent."""
    for quantity in (1, 2):
        stock([("A", place, quantity)])
        shop.arrive()


def pile_up_behind_a_letter(stock, shop):
    for quantity in (1, 2):
        stock([("A", "WH", quantity)])
        shop.arrive()
        if quantity == 1:
            shop.settle(shop.claim()["A"], "rejected")


# Each has something there, lets others have the same, and goes on.


def gone_before_it_was_sent(here, there, push, replay):
    shop = push(BOTH)
    pile(here, "WH", shop)
    yield
    for _ in range(2):
        here([])
    shop.arrive()


def gone_beside_one_that_was_refused(here, there, push, replay):
    shop = push(BOTH)
    here([("A", "WH", 1)])
    shop.deliver()
    there([("A", "STORE", 2)])
    shop.arrive()
    yield
    for _ in range(2):
        here([])
    for _ in range(2):
        shop.arrive()


def moved(here, there, push, replay):
    shop = push(BOTH)
    pile(there, "STORE", shop)
    yield
    for stock, rows in ((there, []), (here, [("A", "WH", 1)]), (there, [])):
        stock(rows)
    shop.arrive()


def refused_beside_one_that_is_due(here, there, push, replay):
    shop = push(BOTH)
    here([("A", "WH", 1)])
    shop.arrive()
    yield
    there([("A", "STORE", 2)])
    shop.arrive()


def refused_again_by_new_rules(here, there, push, replay):
    here([("A", "WH", 1)])
    there([("A", "STORE", 2)])
    push(BOTH).arrive()
    yield
    here([("A", "WH", 3)])
    there([("A", "STORE", 4)])
    shop = push(BOTH, only={"locationId": ["WH", "STORE"]})
    shop.arrive()
    for _ in range(2):
        here([])
    shop.arrive()


def gone_without_an_answer(here, there, push, replay):
    shop = push(BOTH)
    here([("A", "WH", 1)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "unknown")
    for _ in range(2):
        here([])
    shop.arrive()
    yield
    there([("A", "STORE", 2)])
    shop.arrive()


def another_keys_by_now(here, there, push, replay):
    here([("A", "WH", 1)])
    push(ONE).deliver()
    there([("A", "STORE", 2)])
    push(BOTH).arrive()
    yield
    there([("A", "STORE", 3)])
    push({"STORE": "default"}).arrive()


def left_out_by_now(here, there, push, replay):
    pile(here, "WH", push(ONE))
    yield
    push(ONE, only={"locationId": ["STORE"]}).arrive()


def another_key_by_now(here, there, push, replay):
    pile(here, "WH", push({"WH": "defualt"}))
    yield
    push(ONE).arrive()


def replayed_as_another_key(here, there, push, replay):
    shop = push({"WH": "defualt"})
    pile_up_behind_a_letter(here, shop)
    shop.con.execute("UPDATE outbox SET state = 'dead'")
    yield
    mended = push(ONE)
    replay(mended)
    mended.arrive()


def replayed_and_overtaken(here, there, push, replay):
    shop = push({"WH": "defualt"})
    pile_up_behind_a_letter(here, shop)
    mended = push(ONE)
    here([("A", "WH", 3)])
    mended.arrive()
    yield
    replay(mended)
    mended.arrive()


def replayed_with_a_way(here, there, push, replay):
    here([("A", "WH", 1)])
    push({"STORE": "default"}).arrive()
    yield
    mended = push(ONE)
    replay(mended)
    mended.arrive()


def replayed_as_it_was(here, there, push, replay):
    shop = push(ONE)
    here([("A", "WH", 1)])
    shop.arrive()
    shop.settle(shop.claim()["A"], "rejected")
    yield
    replay(shop)


def replayed_and_left_out(here, there, push, replay):
    shop = push(ONE)
    pile(here, "WH", shop)
    shop.con.execute("UPDATE outbox SET state = 'dead'")
    yield
    replay(push(ONE, only={"locationId": ["STORE"]}))


def sold(here, there, push, replay):
    shop = push(ONE)
    here([("A", "WH", 1)])
    shop.deliver()
    here([("A", "WH", 2)])
    shop.arrive()
    for source in (None, "erp/stocklevel of what is no more"):
        shop.con.execute(
            "INSERT INTO affected (push, field, value, affectedAt, source)"
            " VALUES ('to_shop', 'sku', 'A', TIMESTAMPTZ '2026-11-01 08:30:00Z', ?)",
            [source],
        )
    yield
    here([("A", "WH", 2)], asked=60.0)
    shop.arrive()


@pytest.mark.parametrize("deliver", ["latest", "every"])
@pytest.mark.parametrize(
    "way",
    [
        gone_before_it_was_sent,
        gone_beside_one_that_was_refused,
        moved,
        refused_beside_one_that_is_due,
        refused_again_by_new_rules,
        gone_without_an_answer,
        another_keys_by_now,
        left_out_by_now,
        another_key_by_now,
        replayed_as_another_key,
        replayed_and_overtaken,
        replayed_with_a_way,
        replayed_as_it_was,
        replayed_and_left_out,
        sold,
    ],
    ids=lambda way: way.__name__.replace("_", " "),
)
def test_nothing_of_others_is_touched(source, outbox, con, replay, way, deliver):
    def push(names, **more):
        return outbox(translate={"locationId": names}, deliver=deliver, **more)

    steps = way(source(scope="WH"), source(scope="STORE"), push, replay)
    next(steps)
    for table, column in OTHERS:
        rows = f"SELECT * REPLACE ('another' AS {column}) FROM {table}"
        con.execute(f"INSERT INTO {table} BY NAME {rows}")
    before = theirs(con)
    assert before["positions", "push"]
    for _ in steps:
        pass
    assert theirs(con) == before
