"""What the source's rows are after a pull, whatever order pulls are kept in and however often."""

import json

import pytest

CLAIMED = "sku: record {} of the source claims this key too"


def test_a_full_pull_replaces_what_its_scope_had(stock):
    stock.pull([("A", "WH", 1), ("B", "WH", 2)])
    stock.pull([("B", "WH", 3), ("C", "WH", 4)])
    assert stock.canonical() == [("B", 3), ("C", 4)]


def test_a_full_pull_leaves_other_scopes_alone(source):
    warehouse, shop = source(scope="WH"), source(scope="STORE")
    warehouse.pull([("A", "WH", 1)])
    shop.pull([("A", "STORE", 2)])
    warehouse.pull([])
    assert shop.canonical("locationId, quantity") == [("STORE", 2)]


def test_a_store_of_a_version_that_knew_fewer_fields_takes_them(source):
    # given: what 0.2.0 knew of calls, of which one was accepted
    calls = source("call", days=None)
    calls.map = {"callId": "item.id", "duration": "item.d", "updatedAt": "item.at"}
    calls([{"id": "1", "d": 4}], kind="sync")
    for table in ("canonical_call", "baseline_call"):
        calls.con.execute(f'ALTER TABLE {table} DROP COLUMN "updatedAt"')
    # when
    calls([{"id": "1", "d": 5, "at": "2026-11-01T08:00:00Z"}], kind="sync")
    # then
    assert calls.baseline('duration, hour("updatedAt")') == calls.canonical('duration, hour("updatedAt")') == [(5, 8)]


def test_another_source_of_the_same_entity_is_left_alone(source):
    one, two = source(connection="erp"), source(connection="other")
    one.pull([("A", "WH", 1)])
    two.pull([("A", "WH", 2)])
    one.pull([])
    assert (one.canonical(), two.canonical()) == ([], [("A", 2)])


@pytest.mark.parametrize("kind", ["full", "sync"])
def test_reading_the_same_pull_again_leaves_the_same_rows(products, kind):
    records = [{"sku": "A", "title": "a"}, {"sku": "B", "title": "b"}, {"id": 9}]
    first = products.pull(records, kind=kind)
    rows, quarantined, bindings = products.canonical("* EXCLUDE _frame"), products.quarantined(), products.bindings()
    again = products.pull(records, kind=kind, again=1, asked=1)
    assert products.canonical("* EXCLUDE _frame") == rows
    assert (products.quarantined(), products.bindings()) == (quarantined, bindings)
    assert (again.rows, again.quarantined) == (first.rows, first.quarantined) == (2, 1)


def test_reading_a_pull_again_by_another_map_leaves_nothing_of_the_first_reading(products):
    products.pull([{"sku": "A", "title": "X-1"}], asked=5, started=1)
    products.map = {"sku": "item.title"}
    products.pull([{"sku": "A", "title": "X-1"}], asked=5, started=1, again=1)
    assert products.canonical("sku") == [("X-1",)]


@pytest.mark.parametrize("kind", ["full", "sync"])
def test_an_older_row_never_replaces_a_newer_one(products, kind):
    products.pull([{"sku": "A", "title": "new"}], kind="sync", asked=10)
    products.pull([{"sku": "A", "title": "old"}, {"sku": "B", "title": "b"}], kind=kind, asked=5)
    assert products.canonical("sku, title") == [("A", "new"), ("B", "b")]


def test_a_row_read_while_a_full_pull_was_under_way_stays(products):
    products.pull([{"sku": "NEW", "title": "new"}], kind="sync", asked=10)
    products.pull([{"sku": "A", "title": "a"}], started=5, asked=6)
    assert products.canonical("sku") == [("A",), ("NEW",)]


def test_a_pull_that_is_not_full_leaves_what_it_did_not_give(products):
    products.pull([{"sku": "A", "title": "a"}, {"sku": "B", "title": "b"}], kind="sync")
    products.pull([{"sku": "B", "title": "b2"}], kind="sync")
    assert products.canonical("sku, title") == [("A", "a"), ("B", "b2")]


@pytest.fixture
def daily(source):
    """Products that lie in day partitions from 1 November on."""
    made = source("product", days="2026-11-01")
    days = {"EARLY": "2026-10-01", "A": "2026-11-02", "B": "2026-11-03", "C": "2026-11-04"}
    made([{"sku": sku, "at": f"{day}T12:00:00Z"} for sku, day in days.items()], kind="sync")
    return made


def test_a_row_lies_in_the_day_of_its_stamp_and_an_earlier_one_in_the_first(daily):
    days = {"A": "2026-11-02", "B": "2026-11-03", "C": "2026-11-04", "EARLY": "2026-11-01"}
    assert dict(daily.canonical("sku, _partition")) == days


def test_a_window_replaces_exactly_its_days(daily):
    daily.pull([{"sku": "NEW", "at": "2026-11-03T08:00:00Z"}], kind="window", window=("2026-11-03", "2026-11-04"))
    assert daily.canonical("sku") == [("A",), ("C",), ("EARLY",), ("NEW",)]


def test_a_record_modified_again_moves_to_its_new_day(daily):
    daily.pull([{"sku": "A", "at": "2026-11-05T08:00:00Z"}], kind="sync")
    assert daily.canonical("sku, _partition")[0] == ("A", "2026-11-05")
    assert len(daily.canonical("sku")) == 4


def test_a_window_leaves_rows_that_were_asked_for_since(daily):
    daily.pull([{"sku": "B", "title": "now", "at": "2026-11-03T13:00:00Z"}], kind="sync", asked=30)
    daily.pull([{"sku": "B", "title": "then", "at": "2026-11-03T12:00:00Z"}], kind="window", asked=20,
               window=("2026-11-03", "2026-11-04"))  # fmt: skip
    assert daily.canonical("sku, title")[1] == ("B", "now")


def test_a_full_pull_of_days_replaces_all_of_them(daily):
    daily.pull([{"sku": "A", "at": "2026-11-02T12:00:00Z"}, {"sku": "D", "at": "2026-11-05T12:00:00Z"}])
    assert daily.canonical("sku, _partition") == [("A", "2026-11-02"), ("D", "2026-11-05")]


# Quarantine


def test_a_key_that_two_records_claim_leaves_the_rows(stock):
    stock.pull([("A", "WH", 1), ("B", "WH", 2)])
    kept = stock.pull([("A", "WH", 1), {"id": 1, "sku": "B", "loc": "WH"}, {"id": 2, "sku": "B", "loc": "WH"}])
    assert stock.canonical("sku") == [("A",)]
    assert (kept.rows, kept.quarantined) == (1, 2)


def test_a_row_that_is_no_longer_readable_leaves_the_rows(products):
    products.pull([{"sku": "A", "price": "1"}, {"sku": "B", "price": "2"}], kind="sync")
    products.pull([{"sku": "A", "price": "x"}], kind="sync")
    assert products.canonical("sku") == [("B",)]


def test_a_rival_known_only_from_earlier_pulls_is_quarantined_with_the_newcomer(products):
    products.pull([{"id": 1, "sku": "A"}, {"id": 3, "sku": "B"}], kind="sync")
    kept = products.pull([{"id": 2, "sku": "A"}], kind="sync")
    assert products.canonical("sku") == [("B",)]
    assert products.quarantined() == {'{"sku":"A"}': [CLAIMED.format(1)]}
    assert kept.quarantined == 1


def test_a_rival_out_of_use_claims_nothing(products):
    products.pull([{"id": 1, "sku": "A", "live": False}], kind="sync")
    products.pull([{"id": 2, "sku": "A"}], kind="sync")
    assert products.canonical("sku") == [("A",)]


def test_an_unreadable_rival_out_of_use_claims_nothing_either(products):
    products.pull([{"id": 1, "sku": "A", "live": False, "price": "x"}], kind="sync")
    products.pull([{"id": 2, "sku": "A"}], kind="sync")
    assert products.canonical("sku") == [("A",)]


def test_a_rival_that_got_another_key_in_the_same_pull_is_none(products):
    products.pull([{"id": 1, "sku": "A"}], kind="sync")
    products.pull([{"id": 1, "sku": "B"}, {"id": 2, "sku": "A"}], kind="sync")
    assert products.canonical("sku") == [("A",), ("B",)]
    assert products.quarantined() == {}


def test_a_rival_that_a_full_pull_no_longer_has_is_none(products):
    products.pull([{"id": 1, "sku": "A"}])
    products.pull([{"id": 2, "sku": "A"}])
    assert products.bindings() == [('{"sku":"A"}', "2", True)]
    products.pull([{"id": 2, "sku": "A", "title": "new"}], kind="sync")
    assert products.canonical("sku") == [("A",)]


def test_a_full_pull_that_fell_short_forgets_no_binding(products):
    products.pull([{"id": 1, "sku": "A"}, {"id": 2, "sku": "B"}])
    products.pull([{"id": 2, "sku": "B"}], short=1)
    assert [id_ for _, id_, _ in products.bindings()] == ["1", "2"]


def test_a_scope_forgets_no_binding_of_another(source):
    source("product", scope="one").pull([{"id": 1, "sku": "A"}])
    other = source("product", scope="two")
    other.pull([{"id": 2, "sku": "B"}], asked=5)
    assert len(other.bindings()) == 2


def test_a_full_pull_forgets_no_binding_that_was_seen_after_it_began(products):
    products.pull([{"id": 1, "sku": "A"}], kind="sync", asked=10)
    products.pull([{"id": 2, "sku": "B"}], asked=5)
    assert [id_ for _, id_, _ in products.bindings()] == ["1", "2"]


def test_a_record_whose_key_became_unreadable_takes_the_key_its_id_was_bound_to(products):
    products.pull([{"id": 1, "sku": "A"}, {"id": 2, "sku": "B"}])
    kept = products.pull([{"id": 1, "sku": None}, {"id": 2, "sku": "B"}])
    assert products.canonical("sku") == [("B",)]
    assert products.quarantined() == {'{"sku":"A"}': ["sku: is empty"]}
    assert kept.deletes_off is None


def test_what_became_readable_again_leaves_the_quarantine(products):
    products.pull([{"id": 1, "sku": "A", "price": "x"}, {"id": 2, "sku": "B", "price": "x"}], kind="sync")
    products.pull([{"id": 1, "sku": "A", "price": "1"}], kind="sync")
    assert list(products.quarantined()) == ['{"sku":"B"}']


def test_a_full_pull_speaks_for_the_whole_quarantine_of_its_scope(source):
    one, two = source(scope="WH"), source(scope="STORE")
    one.pull([("A", "WH", "x"), ("B", "WH", "x")])
    two.pull([("A", "STORE", "x")])
    one.pull([("A", "WH", "x")])
    assert [json.loads(key)["locationId"] + json.loads(key)["sku"] for key in one.quarantined()] == ["STOREA", "WHA"]


# Bindings


def test_ids_are_bound_to_keys_and_follow_them(products):
    products.pull([{"id": 1, "sku": "A"}, {"id": 2, "sku": "B", "live": False}], kind="sync")
    products.pull([{"id": 1, "sku": "A2"}], kind="sync")
    assert products.bindings() == [('{"sku":"A2"}', "1", True), ('{"sku":"B"}', "2", False)]


def test_bindings_are_rewritten_only_when_they_changed(products):
    seen = "SELECT id, seenAt FROM bindings ORDER BY id"
    products.pull([{"id": 1, "sku": "A"}, {"id": 2, "sku": "B"}])
    before = dict(products.rows(seen))
    products.pull([{"id": 1, "sku": "A", "title": "other"}, {"id": 2, "sku": "C"}])
    after = dict(products.rows(seen))
    assert (after["1"] == before["1"], after["2"] > before["2"]) == (True, True)


def test_stock_is_bound_under_the_product_it_lies_on(source):
    stock = source(scope="WH", bound_as="product")
    stock.pull([("A", "WH", 1)])
    assert stock.bindings() == [('{"sku":"A"}', "A@WH", True)]


def test_a_key_of_any_text_is_bound_as_it_is(products):
    skus = ["O'Hare", 'a"b', "é😀", "\\", "'; DROP TABLE bindings; --"]
    products.pull([{"id": number, "sku": sku} for number, sku in enumerate(skus)])
    assert {json.loads(key)["sku"] for key, _, _ in products.bindings()} == set(skus)


# Deletes


def test_a_pull_that_fell_short_of_what_the_platform_has_switches_deletes_off(stock):
    kept = stock.pull([("A", "WH", 1)], short=2)
    assert kept.deletes_off == "the platform has 3 records, the pull gave 1"


def test_a_record_that_nobody_can_name_switches_deletes_off(products):
    kept = products.pull([{"id": 1, "sku": "A"}, {"id": "", "sku": None}])
    assert kept.deletes_off == "1 records have neither a readable key nor an id"


def test_a_readable_key_without_an_id_leaves_deletes_on(products):
    assert products.pull([{"id": "", "sku": "A", "price": "x"}]).deletes_off is None
