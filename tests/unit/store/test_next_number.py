"""Numbers: from 1 up, in ranges, each given once."""

import duckdb
import pytest

from pullpush_dagster.store import Store
from pullpush_dagster.store.schema import next_number


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "pullpush.duckdb")


def test_numbers_start_at_one_and_go_on_in_the_next_session(store):
    with store.session() as con:
        assert [next_number(con, "pull"), next_number(con, "pull")] == [1, 2]
    with store.session() as con:
        assert next_number(con, "pull") == 3


def test_a_range_is_taken_at_once(store):
    with store.session() as con:
        assert next_number(con, "change", 10) == 1
        assert next_number(con, "change", 5) == 11
        assert next_number(con, "change") == 16


def test_each_name_counts_for_itself(store):
    with store.session() as con:
        assert next_number(con, "pull", 100) == 1
        assert next_number(con, "audit") == 1


def test_a_number_of_an_undone_session_was_never_given(store):
    with pytest.raises(duckdb.Error), store.session() as con:
        con.execute("SELECT error(?)", [str(next_number(con, "pull"))])
    with store.session() as con:
        assert next_number(con, "pull") == 1


def test_counters_that_go_on_from_each_other_give_no_number_twice(store):
    with store.session() as con:
        numbers = [
            next_number(con, f"log {name}", count, among="log ") for name, count in (("a", 5), ("b", 1), ("a", 2))
        ]
        assert numbers == [1, 6, 7]
        assert next_number(con, "pull") == 1
