"""Named SQL, and text that becomes part of a statement."""

import duckdb
import pytest

from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import literal, quoted, used

NASTY = ["plain", "with blank", 'a "quoted" one', "it's", "a;b--c", "ünï", "select", "$x", "a\nb"]


def test_a_statement_is_found_by_the_name_above_it():
    assert named_sql("pullpush_dagster.store", "schema.sql")["next_number"].startswith("UPDATE counters")


def test_a_file_that_is_not_there_is_an_error():
    with pytest.raises(FileNotFoundError):
        named_sql("pullpush_dagster.store", "nowhere.sql")


@pytest.mark.parametrize("name", NASTY)
def test_any_name_can_be_an_identifier(name):
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE t ({quoted(name)} INTEGER)")
        assert con.execute("DESCRIBE t").fetchone()[0] == name


@pytest.mark.parametrize("text", NASTY)
def test_any_text_can_be_a_literal(text):
    with duckdb.connect() as con:
        assert con.execute(f"SELECT {literal(text)}").fetchone() == (text,)


def test_only_the_values_a_statement_names_are_bound():
    assert used("SELECT $a, $b_2", {"a": 1, "b_2": 2, "b": 3}) == {"a": 1, "b_2": 2}
