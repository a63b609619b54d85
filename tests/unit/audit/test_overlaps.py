"""Pulls that overlap, or fall short, between two audits: what was not looked at yet stays, and nothing old wins."""

import pytest

from tests.unit.audit.conftest import SKUS

CALLS = {"callId": "item.number", "startedAt": "item.at"}
FIRST = ("2026-11-01", "2026-11-02")


@pytest.fixture
def daily(source):
    """Products that lie in day partitions from 1 November on."""
    return source("product", days="2026-11-01")


@pytest.fixture
def calls(source):
    """Calls, which have no stamp of their own: each lies in the day in which it was asked for."""
    return source("call", days="2026-10-01", map=CALLS)


def call(number, at):
    return {"number": number, "at": at}


def keys(found, field="sku"):
    return [key[field] for _, key, *_ in found.changes]


def test_a_backfill_of_the_first_day_leaves_older_rows_that_were_not_audited(daily):
    daily.pull(
        [{"sku": "EARLY", "at": "2026-10-01T12:00:00Z"}, {"sku": "B", "at": "2026-11-03T12:00:00Z"}], kind="sync"
    )
    daily.pull([{"sku": "C", "at": "2026-11-01T12:00:00Z"}], kind="window", window=FIRST)
    assert keys(daily.audit()) == ["B", "C", "EARLY"]


def test_two_stretches_of_one_backfill_of_calls_are_both_in_the_log(calls):
    calls.pull([call("1", "2026-10-20T12:00:00Z")], kind="window", window=("2026-10-20", "2026-10-21"))
    calls.pull([call("2", "2026-11-01T08:00:00Z")], kind="window", window=FIRST)
    assert keys(calls.audit(), "callId") == ["1", "2"]


def test_a_call_of_a_sync_outlives_a_backfill_of_today(calls):
    calls.pull([call("1", "2026-10-20T12:00:00Z")], kind="sync", asked=1)
    calls.pull([call("2", "2026-11-01T08:00:00Z")], kind="window", window=FIRST, asked=2)
    assert keys(calls.audit(), "callId") == ["1", "2"]


def test_a_backfill_from_a_lagging_replica_loses_nothing(source):
    daily = source("product", days="2026-10-01")
    daily([{"sku": "A", "title": "old", "at": "2026-10-20T12:00:00Z"}], kind="sync")
    daily.pull([{"sku": "A", "title": "new", "at": "2026-11-01T08:00:00Z"}], kind="sync")
    daily.pull([], kind="window", window=FIRST)
    assert [op for op, *_ in daily.audit().changes] == ["update"]


def test_a_backfill_withdraws_no_held_set(daily):
    old = [{"sku": sku, "price": 10, "at": "2026-10-01T12:00:00Z"} for sku in SKUS]
    daily(old, kind="sync")
    daily.pull([{**one, "price": 100, "at": "2026-10-02T12:00:00Z"} for one in old[:50]], kind="sync")
    assert daily.audit().audit.state == "held"
    daily.pull([], kind="window", window=FIRST)
    assert daily.audit().audit.state == "held"


def test_a_full_pull_that_fell_short_loses_nothing_that_was_not_audited(products):
    products([{"sku": sku, "title": "old"} for sku in "AB"], kind="sync")
    products.pull([{"sku": "A", "title": "new"}], kind="sync")
    products.pull([{"sku": "B", "title": "old"}], short=1)
    assert [(op, key["sku"], after["title"]) for op, key, _, after in products.audit().changes] == [
        ("update", "A", "new")
    ]


def test_an_older_unreadable_reading_does_not_undo_a_newer_one(products):
    products([{"sku": "A", "title": "old"}], kind="sync", asked=1)
    products.pull([{"sku": "A", "title": "new"}], kind="sync", asked=10)
    products.pull([{"sku": "A", "price": "x"}], kind="window", asked=5)
    assert products.quarantined() == {}
    assert [(op, after["title"]) for op, _, _, after in products.audit().changes] == [("update", "new")]


def test_a_key_read_while_a_full_pull_was_under_way_is_not_absent(products):
    rows = [{"sku": "A", "title": "a"}]
    products(rows, asked=1)
    products.pull(rows, asked=5)
    products.pull(rows, kind="sync", asked=12)
    products.audit()
    # when: a full pull has it, asked for before that
    products.pull(rows, started=10, asked=11)
    products.audit()
    # then
    assert products.baseline("sku, _absent") == [("A", 0)]
    assert products([], asked=20).changes == []


def test_a_stale_record_between_two_absences_keeps_them_from_being_in_a_row(products):
    a, b = {"sku": "A", "title": "a", "at": "2026-11-01T07:00:00Z"}, {"sku": "B"}
    products([a, b])
    products([b])
    products([{**a, "at": "2026-11-01T06:00:00Z"}, b])  # a replica that lags: it is there
    assert products([b]).changes == []


def test_stock_whose_sku_became_unreadable_stands_for_the_key_its_product_had(source):
    stock = source(scope="WH", bound_as="product")
    stock([("A", "WH", 1), ("B", "WH", 2)])
    for _ in range(3):
        unreadable = {"id": "A@WH", "sku": {"code": "A"}, "loc": "WH", "q": 9}
        assert stock([unreadable, ("B", "WH", 2)]).changes == []


def test_a_key_that_goes_at_one_source_goes_though_another_has_it(source):
    one, other = source("product"), source("product", connection="other")
    one([{"sku": "A"}, {"sku": "B"}])
    for _ in range(2):
        other([{"sku": "A"}, {"sku": "B"}], asked=60)
        found = one([{"sku": "B"}])
    other([{"sku": "A"}, {"sku": "B"}], asked=60)
    assert [(op, key["sku"]) for op, key, *_ in found.changes] == [("delete", "A")]


def test_what_is_set_aside_of_another_scope_keeps_no_key(stock):
    stock([("A", "WH", 1), ("B", "WH", 1)])
    aside = """'erp', 'stocklevel', 'STORE', '{"sku":"A","locationId":"WH"}'"""
    stock.con.execute(f"INSERT INTO quarantine (connection, name, scope, key) VALUES ({aside})")
    found = [stock([("B", "WH", 1)]) for _ in range(2)]
    assert [op for op, *_ in found[1].changes] == ["delete"]


def test_what_was_asked_for_before_a_full_pull_that_fell_short_is_not_stale(products):
    products([{"sku": "A", "title": "a"}, {"sku": "B"}], asked=1)
    products([{"sku": "B"}], asked=10, short=1)
    assert keys(products([{"sku": "A", "title": "b"}], kind="sync", asked=5)) == ["A"]


def test_a_new_key_asked_for_before_a_full_pull_that_lacked_it_is_new(products):
    products([{"sku": "A"}], asked=10)
    assert keys(products([{"sku": "NEW"}], kind="sync", asked=5)) == ["NEW"]


def test_of_several_full_pulls_the_newest_says_whether_keys_are_absent(products):
    products([{"sku": "A"}, {"sku": "B"}])
    products.pull([{"sku": "B"}], short=1)
    products.pull([{"sku": "B"}])
    assert products.audit().audit.deletes_off is None
    assert [op for op, *_ in products([{"sku": "B"}]).changes] == ["delete"]


def test_what_an_older_full_pull_lacks_that_is_audited_late_is_not_absent(products):
    # given: a newer one had it as it was, and the newest fell short
    for minute in (1, 10):
        products([{"sku": "A"}, {"sku": "B"}], asked=minute)
    products([{"sku": "B"}], asked=20, short=1)
    products([{"sku": "B"}], asked=5)
    assert products([{"sku": "B"}], asked=30).changes == []


def test_a_change_under_the_same_stamp_is_a_change(products):
    for title in "ab":
        found = products([{"sku": "A", "title": title, "at": "2026-11-01T07:00:00Z"}])
    assert [op for op, *_ in found.changes] == ["update"]


def test_what_was_asked_for_at_the_same_instant_as_what_is_known_is_not_stale(products):
    # As where stored pages are read anew, by another map.
    products([{"sku": "A", "title": "a"}], asked=1)
    assert keys(products([{"sku": "A", "title": "b"}], kind="sync", asked=1)) == ["A"]


def test_nor_are_they_in_a_row_where_a_scope_lies_between_them(stock):
    a, b = {"sku": "A", "loc": "WH", "q": 1, "at": "2026-11-01T07:00:00Z"}, ("B", "WH", 1)
    stock([a, b])
    stock([b])
    stock([{**a, "at": "2026-11-01T06:00:00Z"}, b])
    assert stock([b]).changes == []


# A later reading says nothing of what was read, and no audit looked in between.


@pytest.mark.parametrize("kind", ["sync", "full"])
@pytest.mark.parametrize("title", ["new", None], ids=["a value", "emptied"])
def test_what_was_read_last_of_a_field_is_what_counts(products, kind, title):
    products([{"sku": "A", "title": "old", "price": 1}])
    products.pull([{"sku": "A", "title": title, "price": 1}], kind=kind)
    products.pull([{"sku": "A", "price": 2}], kind=kind)
    products.audit()
    assert products.baseline("title, price") == [(title, 2)]
    assert products.rows("SELECT op, fields FROM changes ORDER BY sequence OFFSET 1") == [
        ("update", ["title"]), ("update", ["price"]),
    ]  # fmt: skip


def test_what_was_emptied_since_is_not_brought_back(products):
    products.pull([{"sku": "A", "title": "old"}], kind="sync")
    products.pull([{"sku": "A", "title": None}], kind="sync")
    assert products.canonical("title, _cleared") == [(None, ["title"])]


def test_it_counts_however_often_a_reading_says_nothing_of_it(products):
    products.pull([{"sku": "A", "title": "new"}], kind="sync")
    for price in (2, 3):
        products.pull([{"sku": "A", "price": price}], kind="sync")
    products.audit()
    assert products.baseline("title, price") == [("new", 3)]


def test_what_an_audit_has_looked_at_is_no_part_of_a_later_reading(products):
    products([{"sku": "A", "title": "a"}])
    products.pull([{"sku": "A", "price": 2}])
    assert products.canonical("title, price") == [(None, 2)]
    products.audit()
    assert products.baseline("title, price") == [("a", 2)]


def test_nor_are_rows_of_a_list_lost(products):
    products.pull([{"sku": "A", "media": [{"url": "u"}]}])
    products.pull([{"sku": "A", "title": "a"}])
    products.audit()
    assert products.baseline("media[1].url, title") == [("u", "a")]


def test_what_nothing_is_left_unsaid_of_waits_for_the_audit_of_all(products):
    products.pull([{"sku": "A", "title": "a"}], kind="sync")
    products.pull([{"sku": "A", "title": "b"}, {"sku": "B"}], kind="sync")
    assert products.rows("SELECT count(*) FROM audits") == [(0,)]


def test_a_pull_that_is_read_anew_by_another_map_is_not_audited_as_it_was_read_before(products):
    number = products.pull([{"sku": "A", "price": 100}]).frame
    (pull,) = products.rows("SELECT pull FROM pulls WHERE frame = ?", number)[0]
    products.pull([{"sku": "A", "title": "a"}], again=pull)
    assert products.rows("SELECT count(*) FROM audits") == [(0,)]
    assert products.audit().changes[0][3].get("price") is None


def test_nor_is_it_where_another_record_stands_before_it(products):
    products([{"sku": "A", "price": 1}, {"sku": "B", "title": "b", "price": 1}])
    products.pull([{"sku": "B", "title": "new", "price": 1}], kind="sync")
    number = products.pull([{"sku": "A", "price": 100}], kind="sync").frame
    (pull,) = products.rows("SELECT pull FROM pulls WHERE frame = ?", number)[0]
    # when: by the mended map it gives another key as well, of which it tells no title
    products.pull([{"sku": "A", "price": 1}, {"sku": "B", "price": 2}], kind="sync", again=pull)
    products.audit()
    assert products.rows("SELECT count(*) FROM changes WHERE contains(after, '100')") == [(0,)]
    assert products.baseline("sku, title") == [("A", None), ("B", "new")]


def test_a_record_that_cannot_be_read_says_nothing_either(products):
    products([{"sku": "A", "title": "old", "price": 1}])
    products.pull([{"sku": "A", "title": "new", "price": 1}], kind="sync")
    products.pull([{"sku": "A", "price": "x"}], kind="sync")
    products([{"sku": "A", "price": 2}], kind="sync")
    assert products.baseline("title, price") == [("new", 2)]


def test_but_another_that_cannot_be_read_does_not_matter(products):
    products.pull([{"sku": "A", "title": "a"}], kind="sync")
    products.pull([{"sku": "B", "price": "x"}], kind="sync")
    assert products.rows("SELECT count(*) FROM audits") == [(0,)]


def test_nothing_is_taken_from_another_key_or_another_source(products, source):
    source("product", connection="other").pull([{"sku": "B", "title": "b"}])
    products.pull([{"sku": "A", "title": "a"}], kind="sync")
    products.pull([{"sku": "B", "price": 1}], kind="sync")
    assert products.canonical("sku, title") == [("A", "a"), ("B", None)]


def test_an_old_stamp_does_not_count_either(products):
    """What is older than what is known, as a replica that lags behind gives."""
    products([{"sku": "A", "title": "newer", "at": "2026-11-01T08:00:00Z"}])
    products.pull([{"sku": "A", "title": "older", "at": "2026-11-01T07:00:00Z"}])
    products([{"sku": "A", "price": 1}])
    assert products.baseline("title, price") == [("newer", 1)]


def test_nor_is_what_was_asked_for_before_what_is_known(products):
    products([{"sku": "A", "title": "newer"}], asked=10)
    products([{"sku": "B"}], asked=11)
    products.pull([{"sku": "A", "title": "older"}], kind="sync", asked=5)
    products([{"sku": "A", "price": 1}], kind="sync", asked=12)
    assert products.baseline("sku, title, price") == [("A", "newer", 1), ("B", None, None)]
