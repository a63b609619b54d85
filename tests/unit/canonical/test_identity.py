"""Whose key a record's is, where ids are shared, keys became unreadable, or records are out of use."""

import datetime as dt

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.frame import frame_of
from pullpush_dagster.canonical.keeping import FrameOf, keep_frame
from pullpush_dagster.canonical.shape import RecordShape
from pullpush_dagster.store.schema import next_number
from tests.unit.conftest import MAPS, START, mapped, pages

REVISED = RecordShape((), {"id": "item.id", "rev": "item.rev"})
OF_WAREHOUSE = RecordShape((), {"id": "item.loc", "item": "item.sku"})
SUMMED = RecordShape((), {"id": "item.id"}, sum=("quantity",))


@pytest.fixture
def kept(con):
    """Keeps a pull of records in a shape, a minute after the one before."""
    minutes = iter(range(1, 100))

    def keep(entity, shape, natives, kind="full", minute=None):
        at = START + dt.timedelta(minutes=next(minutes) if minute is None else minute)
        frame = frame_of(ENTITIES[entity], mapped(MAPS[entity]), shape, pages(natives, asked=[at]), {})
        number = next_number(con, "pull")
        sql = "INSERT INTO pulls (pull, connection, name, scope, kind, startedAt) VALUES (?, 'erp', ?, '', ?, ?)"
        con.execute(sql, [number, entity, kind, at])
        return keep_frame(
            con, ENTITIES[entity], FrameOf("erp", entity, number, "", kind == "full", ENTITIES[entity], at), frame
        )

    return keep


def test_a_record_out_of_use_takes_no_key_from_one_in_use(products):
    products.pull([{"id": 2, "sku": "A", "title": "live"}], kind="sync")
    products.pull([{"id": 1, "sku": "A", "title": "dead", "live": False}], kind="sync")
    assert products.canonical("sku, title") == [("A", "live")]
    assert products.quarantined() == {}


@pytest.mark.parametrize("more", [[], [{"id": 3, "sku": "B", "live": False}], [{"id": "", "sku": "Z", "live": False}]])
def test_a_record_that_is_out_of_use_now_keeps_its_own_key(products, more):
    products.pull([{"id": 1, "sku": "A", "title": "live"}], kind="sync")
    products.pull([{"id": 1, "sku": "A", "title": "dead", "live": False}, *more], kind="sync")
    assert ("A", "dead") in products.canonical("sku, title")


def test_an_unreadable_record_stands_for_the_key_of_its_own_location(source):
    one, two = source(scope="WH"), source(scope="STORE")
    one.pull([{"id": 1, "sku": "A", "loc": "WH", "q": 1}])
    two.pull([{"id": 1, "sku": "A", "loc": "STORE", "q": 2}])
    one.pull([{"id": 1, "sku": None, "loc": "WH", "q": 1}])
    assert one.canonical("locationId, quantity") == [("STORE", 2)]
    assert list(one.quarantined()) == ['{"sku":"A","locationId":"WH"}']


def test_a_sum_that_may_lack_a_part_is_not_kept(kept, con):
    rows = [{"id": 1, "sku": "A", "loc": "WH", "q": 5}, {"id": 2, "sku": "A", "loc": "WH", "q": 3}]
    kept("stocklevel", SUMMED, rows)
    kept("stocklevel", SUMMED, [{**rows[0], "sku": None}, rows[1]])
    assert con.execute("SELECT count(*) FROM canonical_stocklevel").fetchall() == [(0,)]


def test_a_known_record_of_which_nobody_can_tell_the_key_switches_deletes_off(source):
    stock = source(bound_as="product")
    stock.pull([{"id": 1, "sku": "A", "loc": "WH", "q": 1}])
    assert stock.pull([{"id": 1, "sku": "A", "loc": None, "q": 1}]).deletes_off is not None


def test_an_unreadable_part_of_a_sum_switches_deletes_off(kept):
    rows = [{"id": 1, "sku": "A", "loc": "WH", "q": 5}, {"id": 2, "sku": "B", "loc": "WH", "q": 3}]
    kept("stocklevel", SUMMED, rows)
    assert kept("stocklevel", SUMMED, [{**rows[0], "sku": None}, rows[1]]).deletes_off is not None


def test_a_record_is_quarantined_once_whoever_shares_its_id(kept, con):
    rows = [{"sku": f"S{n}", "loc": "WH", "q": 1} for n in range(5)]
    kept("stocklevel", OF_WAREHOUSE, rows)
    assert kept("stocklevel", OF_WAREHOUSE, [*rows[1:], {**rows[0], "q": "many"}]).quarantined == 1
    assert len(con.execute("FROM bindings").fetchall()) == 5


def test_an_unreadable_record_whose_id_is_shared_stands_for_nobody_and_switches_deletes_off(kept):
    rows = [{"sku": f"S{n}", "loc": "WH", "q": 1} for n in range(5)]
    kept("stocklevel", OF_WAREHOUSE, rows)
    found = kept("stocklevel", OF_WAREHOUSE, [*rows[1:], {**rows[0], "sku": None}])
    assert (found.rows, found.quarantined) == (4, 1)
    assert found.deletes_off is not None


def test_an_older_reading_of_one_of_those_who_share_an_id_counts_whatever_was_read_of_another_since(kept, con):
    rows = [{"sku": f"S{n}", "loc": "WH", "q": 1} for n in range(5)]
    kept("stocklevel", OF_WAREHOUSE, rows[:1], "sync", minute=10)
    kept("stocklevel", OF_WAREHOUSE, rows, minute=5)
    assert len(con.execute("FROM bindings").fetchall()) == 5


def test_a_record_without_an_id_hides_no_rivals(products):
    products.pull([{"id": 1, "sku": "A"}], kind="sync")
    products.pull([{"id": 2, "sku": "A"}, {"id": "", "sku": "Z"}], kind="sync")
    assert products.canonical("sku") == [("Z",)]


def test_what_became_readable_leaves_the_quarantine_whatever_else_its_id_says(kept, con):
    kept("product", REVISED, [{"id": 1, "rev": 1, "sku": "A", "price": "x"}], "sync")
    kept("product", REVISED, [{"id": 1, "rev": 2, "sku": "A", "price": "1"}], "sync")
    assert con.execute("FROM quarantine").fetchall() == []


def test_another_of_an_items_ids_takes_the_place_of_the_one_before(kept, con):
    for rev in (1, 2):
        kept("product", REVISED, [{"id": 1, "rev": rev, "sku": "A"}], "sync")
    assert con.execute("SELECT externalId ->> '$.rev' FROM bindings").fetchall() == [("2",)]
