"""What an audit appends to the change log and accepts as the state, pull after pull."""

import pytest

OFF = dict.fromkeys(("deleted", "zeroed", "changed", "price", "rows"))


def said(stock, missing, state):
    """One pull in which key K is in ``state``; another key keeps the pull from being empty."""
    other = ("OTHER", "WH", 1)
    return stock([other] if state == "absent" else [other, ("K", "WH", missing if state == "unknown" else state)])


def changes_of_k(found):
    return [change for change in found.changes if change[1] == "K"]


def accepted(stock):
    return dict(stock.baseline()).get("K", "absent")


TABLE = [
    (5, 5, [], 5), (5, 0, [("update", "K", 5, 0)], 0), (5, "unknown", [], 5), (5, "absent", [], 5),
    (0, 5, [("update", "K", 0, 5)], 5), (0, 0, [], 0), (0, "unknown", [], 0), (0, "absent", [], 0),
    ("unknown", 5, [("update", "K", None, 5)], 5), ("unknown", 0, [("update", "K", None, 0)], 0),
    ("unknown", "unknown", [], None), ("unknown", "absent", [], None),
    ("absent", 5, [("insert", "K", None, 5)], 5), ("absent", 0, [("insert", "K", None, 0)], 0),
    ("absent", "unknown", [("insert", "K", None, None)], None), ("absent", "absent", [], "absent"),
]  # fmt: skip


@pytest.fixture(scope="module")
def two_pulls(lasting_stock, missing):
    """Two pulls, in which each key goes from one state into another; what the second one found."""
    for which in (0, 1):
        states = {f"{row[0]}>{row[1]}": row[which] for row in TABLE}
        found = lasting_stock(
            [
                (sku, "WH", missing if state == "unknown" else state)
                for sku, state in states.items()
                if state != "absent"
            ]
        )
    return found, lasting_stock


@pytest.mark.parametrize(("first", "then", "changes", "state"), TABLE)
def test_a_value_zero_unknown_and_absence_stay_four_different_things(two_pulls, first, then, changes, state):
    found, stock = two_pulls
    key = f"{first}>{then}"
    assert [(op, "K", before, after) for op, sku, before, after in found.changes if sku == key] == changes
    assert dict(stock.baseline()).get(key, "absent") == state


@pytest.mark.parametrize("first", [5, 0, "unknown"])
def test_absent_once_is_nothing_and_twice_is_a_delete(stock, missing, first):
    said(stock, missing, first)
    once, twice, thrice = (said(stock, missing, "absent") for _ in range(3))
    before = None if first == "unknown" else first
    assert [changes_of_k(found) for found in (once, twice, thrice)] == [[], [("delete", "K", before, None)], []]
    assert accepted(stock) == "absent"


def test_a_key_of_which_nothing_is_known_is_there_and_can_go(stock, missing):
    stock([("OTHER", "WH", 1)])
    assert stock([("OTHER", "WH", 1), ("K", "WH", missing)]).changes == [("insert", "K", None, None)]
    assert stock([("OTHER", "WH", 1)]).changes == []
    assert stock([("OTHER", "WH", 1)]).changes == [("delete", "K", None, None)]


def test_absences_that_are_not_in_a_row_delete_nothing(stock, missing):
    for state in (5, "absent", 5, "absent"):
        found = said(stock, missing, state)
        assert changes_of_k(found) == ([] if found.changes == [] or state == "absent" else [("insert", "K", None, 5)])
    assert accepted(stock) == 5


def test_a_record_that_was_there_but_unreadable_was_not_absent(stock, missing):
    said(stock, missing, 5)
    said(stock, missing, "absent")
    said(stock, missing, "broken")
    assert said(stock, missing, "absent").changes == []
    assert accepted(stock) == 5


@pytest.mark.parametrize("then", [7, 5])
def test_what_comes_back_after_a_delete_is_new_even_as_it_was(stock, missing, then):
    for state in (5, "absent", "absent"):
        said(stock, missing, state)
    assert changes_of_k(said(stock, missing, then)) == [("insert", "K", None, then)]


# Unknown and cleared


def test_unknown_keeps_the_last_value_and_notes_since_when(stock, missing):
    stock([("A", "WH", 5)])
    stock([("A", "WH", missing)])
    ((_, since),) = stock.baseline("quantity, _unknown[1].since")
    stock([("A", "WH", None)])
    assert stock.baseline("quantity, _unknown") == [(5, [{"field": "quantity", "since": since}])]


def test_a_value_that_becomes_known_again_unchanged_is_no_change(stock):
    for quantity in (5, None):
        stock([("A", "WH", quantity)])
    assert stock([("A", "WH", 5)]).changes == []
    assert stock.baseline("quantity, _unknown") == [(5, None)]


def test_cleared_is_a_change_and_the_next_time_it_is_not(products):
    products([{"sku": "A", "title": "Cup", "description": "big"}])
    cleared = products([{"sku": "A", "title": "Cup", "description": None}])
    again = products([{"sku": "A", "title": "Cup", "description": ""}])
    assert cleared.changes == [
        ("update", {"sku": "A"}, {"title": "Cup", "description": "big"}, {"title": "Cup", "description": False})
    ]
    assert again.changes == []


def test_a_field_that_is_unknown_is_never_in_a_change(products):
    products([{"sku": "A", "title": "Cup", "price": 3}])
    found = products([{"sku": "A", "title": "Mug"}])
    assert found.changes == [("update", {"sku": "A"}, {"title": "Cup", "price": "3.0000"}, {"title": "Mug"})]


def test_a_stamp_that_moves_by_itself_is_no_change(products):
    products([{"sku": "A", "title": "Cup", "at": "2026-11-01T08:00:00Z"}])
    assert products([{"sku": "A", "title": "Cup", "at": "2026-11-01T09:00:00Z"}]).changes == []


def test_rows_of_a_list_in_another_order_are_no_change(source):
    lines = [{"id": "1", "sku": "A", "q": 1}, {"id": "2", "sku": "B", "q": 2}]
    orders = source("order")
    orders([{"number": "7", "lines": lines}])
    assert orders([{"number": "7", "lines": lines[::-1]}]).changes == []


# Pulls and audits


def test_an_audit_without_a_new_pull_is_nothing(stock):
    stock([("A", "WH", 5)])
    found = stock.audit()
    assert (found.audit.state, found.changes) == ("nothing", [])


def test_reading_the_same_pull_again_finds_nothing_new(stock, missing):
    said(stock, missing, 5)
    said(stock, missing, "absent")
    for _ in range(3):
        stock.pull([("OTHER", "WH", 1)], again=2, asked=2)
        found = stock.audit(**OFF)
        assert (found.audit.state, found.changes) == ("accepted", [])
    assert accepted(stock) == 5


@pytest.mark.parametrize("kind", ["full", "sync"])
def test_pulls_that_were_never_audited_lose_nothing(products, kind):
    """As after a crash between a pull and its audit."""
    products([{"sku": sku, "title": "old"} for sku in "ABC"], kind=kind)
    products.pull([{"sku": sku, "title": "new" if sku == "A" else "old"} for sku in "ABC"], kind=kind)
    products.pull([{"sku": sku, "title": "new" if sku in "AB" else "old"} for sku in "ABC"], kind=kind)
    found = products.audit()
    assert [(op, key["sku"], after["title"]) for op, key, _, after in found.changes] == [
        ("update", "A", "new"), ("update", "B", "new"),
    ]  # fmt: skip


def test_windows_that_were_never_audited_lose_nothing(products):
    products([{"sku": sku, "title": "old"} for sku in "ABC"], kind="sync")
    for sku in "AB":
        products.pull([{"sku": sku, "title": "new"}], kind="sync")
    found = products.audit()
    assert [(op, key["sku"]) for op, key, _, _ in found.changes] == [("update", "A"), ("update", "B")]


def test_a_pull_that_is_not_full_tells_nothing_of_absences(products):
    products([{"sku": sku} for sku in "ABC"], kind="sync")
    for _ in range(3):
        assert products([{"sku": "A"}], kind="sync").changes == []
    assert len(products.baseline("sku")) == 3


def test_a_full_pull_of_days_counts_all_their_rows(source):
    daily = source("product", days="2026-11-01")
    daily([{"sku": f"S{n}", "at": "2026-11-02T08:00:00Z"} for n in range(50)], kind="sync")
    daily.pull([{"sku": f"S{n}", "at": "2026-11-02T08:00:00Z"} for n in range(50)])
    found = daily.audit()
    assert (found.audit.state, found.audit.counts.missing) == ("accepted", 0)


def test_a_lagging_record_of_a_day_was_not_absent(source):
    # given: a record whose newest version only one of two replicas has
    daily = source("product", days="2026-11-01")
    old, new = (
        {"sku": "A", "title": title, "at": f"2026-11-02T0{hour}:00:00Z"} for title, hour in (("a", 7), ("b", 8))
    )
    daily([new, {"sku": "B"}])
    # when: the other one answers, twice
    for _ in range(2):
        assert daily([old, {"sku": "B"}]).changes == []
    # then
    assert daily.baseline("sku, title, _absent") == [("A", "b", 0), ("B", None, 0)]


def test_scopes_are_audited_on_their_own(source):
    one, two = source(scope="WH"), source(scope="STORE")
    one([("A", "WH", 1)])
    two([("A", "STORE", 2)])
    for _ in range(3):
        found = one([("A", "WH", 1)])
        assert (found.changes, found.audit.counts.baseline) == ([], 1)
    assert dict(one.baseline("locationId, quantity")) == {"WH": 1, "STORE": 2}


@pytest.mark.parametrize(
    ("entity", "record"),
    [("product", {"sku": "A", "title": "a"}), ("stocklevel", {"sku": "A", "loc": "WH", "q": 1})],
    ids=["with lists", "of single values"],
)
def test_a_key_that_moves_to_another_scope_as_it_is_belongs_there(source, entity, record):
    one, two = source(entity, scope="one"), source(entity, scope="two")
    one([record], asked=1)
    assert [op for op, *_ in two([record], asked=2).changes] == ["insert"]
    assert one.baseline("_scope, sku") == [("two", "A")]
    for minute in (3, 4):
        assert one([], asked=minute).changes == []


def test_a_key_that_moves_to_another_scope_keeps_what_that_does_not_tell(source):
    one, two = source("product", scope="one"), source("product", scope="two")
    one([{"sku": "A", "title": "a", "price": 1}], asked=1)
    found = two([{"sku": "A", "price": 2}], asked=2)
    assert [(op, before["price"]) for op, _, before, _ in found.changes] == [("update", "1.0000")]
    assert one.baseline("_scope, title, price") == [("two", "a", 2)]


def test_a_key_that_is_gone_in_one_scope_is_new_in_another(source):
    one, two = source("product", scope="one"), source("product", scope="two")
    one([{"sku": "A", "title": "a"}])
    for minute in (2, 3):
        one([], asked=minute)
    found = two([{"sku": "A", "price": 2}], asked=4)
    assert [(op, before) for op, _, before, _ in found.changes] == [("insert", {})]
    assert two.baseline("_scope, title") == [("two", None)]


def test_what_was_known_by_scope_can_go_where_the_pull_has_none_any_more(source):
    source(scope="WH")([("A", "WH", 1), ("B", "WH", 2)])
    whole = source(minute=5)
    once, twice = (whole([("A", "WH", 1)]) for _ in range(2))
    assert (once.audit.counts.baseline, twice.changes) == (2, [("delete", "B", 2, None)])
    assert whole.baseline("_scope, sku") == [("", "A")]


def test_what_was_known_as_a_whole_is_gone_in_no_scope(source):
    source()([("A", "WH", 1), ("B", "STORE", 2)])
    part = source(scope="WH", minute=5)
    assert [part([("A", "WH", 1)]).changes for _ in range(3)] == [[("insert", "A", 1, 1)], [], []]
    assert part.baseline("_scope, sku") == [("", "B"), ("WH", "A")]


def test_an_incomplete_pull_deletes_nothing_however_often(stock):
    stock([("A", "WH", 1), ("B", "WH", 2)])
    for _ in range(3):
        assert stock([("A", "WH", 1)], short=1).changes == []
    assert stock([("A", "WH", 1)]).changes == []


def test_a_quarantined_key_leaves_both_sides(stock):
    stock([("A", "WH", 1), ("B", "WH", 2)])
    for _ in range(3):
        assert stock([("A", "WH", 1), ("B", "WH", "many")]).changes == []
    assert stock([("A", "WH", 1), ("B", "WH", 3)]).changes == [("update", "B", 2, 3)]


def test_what_is_set_aside_says_nothing_of_other_keys(stock):
    stock([(sku, "WH", 1) for sku in "ABCD"])
    assert stock([("A", "WH", 2), ("B", "WH", "many"), ("D", "WH", 1)]).changes == [("update", "A", 1, 2)]
    found = stock([("A", "WH", 3), ("B", "WH", "many"), ("D", "WH", 1)])
    assert found.changes == [("update", "A", 2, 3), ("delete", "C", 1, None)]
    assert found.audit.counts.baseline == 3


@pytest.mark.parametrize("of", [("other", "stocklevel"), ("erp", "spare")])
def test_what_another_pull_has_set_aside_can_go_here(stock, of):
    stock([("A", "WH", 1), ("B", "WH", 1)])
    key = '{"sku":"B","locationId":"WH"}'
    stock.rows("INSERT INTO quarantine (connection, name, scope, key) VALUES (?, ?, 'WH', ?)", *of, key)
    stock([("A", "WH", 1)])
    found = stock([("A", "WH", 1)])
    assert (found.changes, found.audit.counts.baseline) == ([("delete", "B", 1, None)], 2)


def test_a_quarantined_key_is_not_among_those_that_are_known(stock, source):
    source(connection="other", scope="WH")([(sku, "WH", 1) for sku in "ABCDE"])
    stock([(sku, "WH", 1) for sku in "ABC"])
    stock.pull([("A", "WH", 1), ("B", "WH", "many"), ("C", "WH", 1)])
    assert stock.audit().audit.counts.baseline == 2
    # What is set aside in another scope says nothing of this one.
    stock.rows("UPDATE quarantine SET scope = 'STORE'")
    stock.pull([(sku, "WH", 1) for sku in "ABC"])
    assert stock.audit().audit.counts.baseline == 3


def test_a_key_of_which_two_records_are_set_aside_is_one_key(stock):
    stock([(sku, "WH", 1) for sku in "ABC"])
    twice = [{"id": id_, "sku": "B", "loc": "WH", "q": "many"} for id_ in ("7", "8")]
    stock.pull([("A", "WH", 1), *twice, ("C", "WH", 1)])
    assert stock.rows("SELECT count(*) FROM quarantine") == [(2,)]
    assert stock.audit().audit.counts.baseline == 2


def test_what_another_pull_of_the_connection_knows_counts_for_nothing(stock):
    stock([(sku, "WH", 1) for sku in "ABC"])
    stock.rows("INSERT INTO baseline_stocklevel BY NAME SELECT * REPLACE ('spare' AS _name) FROM baseline_stocklevel")
    for _ in range(2):
        found = stock([("A", "WH", 1), ("B", "WH", 2)])
    assert ([op for op, *_ in found.changes], found.audit.counts.baseline) == (["delete"], 3)
    assert stock.rows("SELECT count(*) FROM baseline_stocklevel WHERE _name = 'spare' AND NOT _deleted") == [(3,)]


def test_what_another_source_gives_was_absent_from_this_one_all_the_same(source):
    here, other = source("product"), source("product", connection="other")
    here([{"sku": "A"}, {"sku": "B"}])
    here([{"sku": "A"}])
    other([{"sku": "A"}, {"sku": "B"}])
    assert [op for op, *_ in here([{"sku": "A"}]).changes] == ["delete"]


def test_a_record_whose_key_became_an_object_stands_for_the_key_it_had(stock):
    stock([("A", "WH", 1), ("B", "WH", 2)])
    for _ in range(3):
        assert stock([{"id": "A@WH", "sku": {"code": "A"}, "loc": "WH", "q": 9}, ("B", "WH", 2)]).changes == []
    assert len(stock.baseline()) == 2


# Time


def test_a_row_asked_for_before_the_accepted_one_is_stale(products):
    products([{"sku": "A", "title": "now"}], kind="sync", asked=10)
    products.rows("DELETE FROM canonical_product")  # as when another pull replaced the row
    assert products([{"sku": "A", "title": "then"}], kind="sync", asked=5).changes == []
    assert products.baseline("title") == [("now",)]


def test_a_row_asked_for_before_the_last_accepted_full_pull_is_stale(products):
    products([{"sku": "A", "title": "now"}], asked=1)
    products([{"sku": "A", "title": "now"}], asked=10)
    products.rows("DELETE FROM canonical_product")
    assert products([{"sku": "A", "title": "then"}], kind="sync", asked=5).changes == []


def test_a_row_asked_for_before_its_delete_is_stale(products):
    for asked, records in ((1, [{"sku": "A", "title": "a"}]), (2, []), (10, [])):
        products(records, asked=asked)
    assert products([{"sku": "A", "title": "a"}], kind="sync", asked=5).changes == []
    assert [op for op, *_ in products([{"sku": "A", "title": "a"}], kind="sync", asked=11).changes] == ["insert"]


def test_a_key_read_after_a_full_pull_began_was_not_absent_from_it(products):
    products([{"sku": "A", "title": "a"}], kind="sync", asked=1)
    products([], started=2)
    products([{"sku": "A", "title": "a"}], kind="sync", asked=10)
    assert products([], started=5).changes == []
    assert products([], started=11).changes == []
    assert [op for op, *_ in products([], started=12).changes] == ["delete"]


def test_a_full_pull_that_began_before_the_last_accepted_one_tells_nothing_of_absences(products):
    products([{"sku": "A"}], asked=1)
    products([{"sku": "A"}], started=10)
    assert products([], started=5).changes == []
    assert products.baseline("sku, _absent") == [("A", 0)]


# The log


def test_sequence_numbers_have_no_gaps_and_only_grow(source):
    one, two = source(scope="WH"), source(scope="STORE")
    for step in range(4):
        one([(sku, "WH", step) for sku in "ABC"])
        two([(sku, "STORE", step) for sku in "AB"])
        one([(sku, "WH", step) for sku in "ABC"])
    numbers = [number for (number,) in one.rows("SELECT sequence FROM changes ORDER BY audit, sequence")]
    assert numbers == list(range(1, 21))


def test_sources_are_numbered_in_one_order_as_a_key_may_move_from_one_to_the_other(source):
    one, other = source(), source(connection="other")
    for step in (1, 2):
        one([("A", "WH", step)])
        other([("A", "WH", step), ("B", "WH", step)])
    found = one.rows("SELECT connection, sequence FROM changes ORDER BY sequence")
    assert found == [("erp", 1), ("other", 2), ("other", 3), ("erp", 4), ("other", 5), ("other", 6)]


# A row with an older stamp


@pytest.fixture
def stamped(products):
    """A product read at its newest stamp, and what one with an older stamp comes to so many minutes later."""
    products([{"sku": "A", "title": "new", "at": "2026-11-01T07:00:00Z"}])

    def later(minutes, **how):
        old = [{"sku": "A", "title": "old", "at": "2026-11-01T06:00:00Z"}]
        return products(old, asked=1 + minutes, **how)

    return later


@pytest.mark.parametrize("kind", ["full", "sync"])
def test_soon_after_it_is_stale_as_a_replica_that_lags_gives(stamped, kind):
    assert stamped(9, kind=kind).changes == []


def test_a_stale_record_was_not_absent(stamped, products):
    for minutes in (2, 4, 6):
        assert stamped(minutes).changes == []


def test_later_on_it_is_a_restored_backup(stamped):
    assert [op for op, *_ in stamped(11).changes] == ["update"]


def test_the_stamp_of_a_row_that_a_walk_gave_again_is_kept(products):
    products([{"sku": "A", "title": "a", "at": "2026-11-01T06:00:00Z"}], kind="sync")
    products([{"sku": "A", "title": "a", "at": "2026-11-01T07:00:00Z"}], kind="sync")
    found = products([{"sku": "A", "title": "old", "at": "2026-11-01T06:30:00Z"}], kind="sync")
    assert found.changes == []


# A key of which nothing else is known


def test_a_key_is_new_though_nothing_else_is_known_of_it(stock, missing):
    stock([("OTHER", "WH", 1)])
    assert stock([("OTHER", "WH", 1), ("A", "WH", missing)]).changes == [("insert", "A", None, None)]


def test_a_key_goes_though_nothing_else_was_known_of_it(stock, missing):
    stock([("OTHER", "WH", 1), ("A", "WH", missing)])
    stock([("OTHER", "WH", 1)])
    assert [op for op, *_ in stock([("OTHER", "WH", 1)]).changes] == ["delete"]


def test_a_field_that_was_never_known_can_be_cleared(source):
    calls = source("call", map={"callId": "item.number", "status": "item.status"})
    calls([{"number": "1"}])
    found = calls([{"number": "1", "status": None}])
    assert [(op, after) for op, _, _, after in found.changes] == [("update", {"status": False})]
