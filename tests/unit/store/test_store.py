"""The store: one transaction at a time, whoever dies, however many want it, and nothing but its own file."""

import os
import signal
import subprocess
import sys
import threading

import duckdb
import pytest

from pullpush_dagster.errors import HaltError, StoreBusyError
from pullpush_dagster.store import Store, opening

COUNT = "SELECT count(*) FROM counters"

HOLD = """
import sys
from pathlib import Path
from pullpush_dagster.store import Store
with Store(Path(sys.argv[1])).session() as con:
    con.execute("INSERT INTO counters VALUES ('unfinished', 1)")
    print("held", flush=True)
    sys.stdin.read()
"""

TAKE_TEN = """
import sys
from pathlib import Path
from pullpush_dagster.store import Store
from pullpush_dagster.store.schema import next_number
store = Store(Path(sys.argv[1]))
sys.stdin.readline()
for _ in range(10):
    with store.session() as con:
        con.execute("INSERT INTO pulls (pull) VALUES (?)", [next_number(con, "pull")])
"""


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "pullpush.duckdb", wait=5)


def running(script, path):
    """A process of its own that runs ``script`` on the store at ``path``."""
    return subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def holder(store):
    """A process in the middle of a transaction."""
    with store.session() as con:
        con.execute("INSERT INTO counters VALUES ('finished', 1)")
    with running(HOLD, store.path) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def insert(store, name="a"):
    with store.session() as con:
        con.execute("INSERT INTO counters VALUES (?, 1)", [name])


def names(store):
    with store.session() as con:
        return [name for (name,) in con.execute("SELECT name FROM counters ORDER BY name").fetchall()]


def test_a_session_is_committed_at_its_end(store):
    insert(store)
    assert names(store) == ["a"]


def test_an_error_inside_a_session_undoes_all_of_it(store):
    def fail():
        with store.session() as con:
            con.execute("INSERT INTO counters VALUES ('a', 1)")
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()
    assert names(store) == []


def test_an_error_that_ended_the_transaction_itself_is_still_the_one_reported(store):
    def fail():
        with store.session() as con:
            con.rollback()
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        fail()


def test_failed_sql_leaves_the_store_usable(store):
    with pytest.raises(duckdb.CatalogException), store.session() as con:
        con.execute("SELECT * FROM nowhere")
    assert names(store) == []


def test_after_an_error_that_broke_the_database_itself_the_next_session_works(store):
    insert(store)
    with pytest.raises(duckdb.Error), store.session() as con:
        con.execute("USE memory; DETACH store; SELECT * FROM counters")
    assert names(store) == ["a"]


def test_two_stores_of_one_process_do_not_mix(store, tmp_path):
    other = Store(tmp_path / "other.duckdb", wait=5)
    insert(store, "a")
    with other.session() as con, store.session() as first:
        con.execute("INSERT INTO counters VALUES ('b', 1)")
        assert first.execute(COUNT).fetchall() == [(1,)]
    assert (names(store), names(other)) == (["a"], ["b"])


def test_the_file_is_free_for_other_programs_between_sessions(store):
    insert(store)
    with duckdb.connect(str(store.path)) as con:
        assert con.execute(COUNT).fetchall() == [(1,)]


def test_what_does_not_fit_into_memory_is_spilled_beside_the_store(tmp_path):
    with Store(tmp_path / "small.duckdb", memory_limit="100MB").session() as con:
        con.execute("CREATE TABLE t AS SELECT i, md5(CAST(i AS VARCHAR)) AS h FROM range(2000000) r(i)")
        assert con.execute("SELECT count(*) FROM (SELECT h, row_number() OVER (ORDER BY h) FROM t)").fetchall()
        assert (tmp_path / "small.duckdb.tmp").exists()


def test_a_new_store_has_every_table(store):
    with store.session() as con:
        tables = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    assert {"pulls", "watermarks", "changes", "outbox", "accepted", "receipts", "bindings"} <= tables


def test_a_store_of_an_older_version_gets_what_it_lacks(store):
    insert(store)
    with duckdb.connect(str(store.path)) as con:
        con.execute("INSERT INTO outbox (push, key) VALUES ('p', 'k')")
        con.execute("DROP TABLE receipts; DROP TABLE schema_version; ALTER TABLE outbox DROP COLUMN tried")
    with store.session() as con:
        assert con.execute("SELECT key, tried FROM outbox").fetchall() == [("k", None)]
        assert con.execute("SELECT count(*) FROM receipts").fetchall() == [(0,)]
    assert names(store) == ["a"]


def test_a_file_made_by_a_process_killed_before_its_first_byte_becomes_a_store(store):
    store.path.touch()
    insert(store)
    assert names(store) == ["a"]


def test_a_file_that_is_no_store_is_left_alone_and_reported(store):
    store.path.write_text("a letter to my mother" * 1000)
    with pytest.raises(HaltError, match="not a valid DuckDB"), store.session():
        pass
    assert store.path.read_text().startswith("a letter")


def test_a_folder_that_cannot_be_written_to_is_told_of_in_a_sentence(tmp_path):
    (tmp_path / "data").write_text("a file of another's")
    with (
        pytest.raises(HaltError, match=r"^the store cannot be opened: \w.* \(folder=/.*/data\)$"),
        Store(tmp_path / "data" / "pullpush.duckdb").session(),
    ):
        pass


def test_times_are_utc_wherever_we_are(store):
    with store.session() as con:
        assert con.execute("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]


# SQL is shut in: no text from a platform can make the store read or write anything else.


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM read_json('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM glob('{folder}/*')",
        "COPY (SELECT 1) TO '{folder}/out.csv'",
        "EXPORT DATABASE '{folder}/out'",
        "ATTACH '{folder}/other.duckdb' AS other",
        "INSTALL httpfs",
        "LOAD '{file}'",
        "SELECT * FROM read_csv('http://127.0.0.1:1/x.csv')",
    ],
)
def test_sql_reaches_no_other_file(store, tmp_path, sql):
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(duckdb.Error), store.session() as con:
        con.execute(sql.format(file=other, folder=tmp_path))
    assert [path for path in sorted(tmp_path.iterdir()) if path not in before and "pullpush" not in path.name] == []


@pytest.mark.parametrize(
    "sql",
    [
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET memory_limit = '1TB'",
        "RESET TimeZone",
    ],
)
def test_the_configuration_is_locked(store, sql):
    with pytest.raises(duckdb.InvalidInputException, match="locked"), store.session() as con:
        con.execute(sql)


def test_sql_does_not_see_the_variables_around_it(store):
    frame = duckdb.sql("SELECT 1 AS number").df()
    assert len(frame) == 1
    with pytest.raises(duckdb.CatalogException, match="frame"), store.session() as con:
        con.execute("SELECT * FROM frame")


# Somebody else has it.


def test_a_busy_store_names_the_process_that_holds_it(store, holder):
    with pytest.raises(StoreBusyError, match=rf"held by process {holder.pid} for 0\.2 s"):
        insert(Store(store.path, wait=0.2))


def test_a_waiting_session_goes_on_as_soon_as_the_store_is_free(store, holder):
    threading.Timer(0.2, holder.stdin.close).start()
    insert(store)
    assert names(store) == ["a", "finished", "unfinished"]


def test_a_store_open_in_another_program_is_busy(store):
    insert(store)
    script = "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with running(script, store.path) as process:
        process.stdout.readline()
        with pytest.raises(StoreBusyError, match="another program has the store open"):
            insert(store)
        process.kill()


def test_threads_of_one_process_take_turns(store):
    threads = [threading.Thread(target=insert, args=(store, f"t{n}")) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(store) == ["t0", "t1", "t2", "t3"]


def test_what_ends_a_use_just_after_the_file_was_attached_leaves_the_store_usable(store, monkeypatch):
    # given: Ctrl-C comes in the moment between
    attach = opening._attach

    def interrupted(con, path):
        attach(con, path)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(opening, "_attach", interrupted)
        with pytest.raises(KeyboardInterrupt):
            insert(store)
    # then
    insert(store)
    assert len(names(store)) == 1


# The process dies.


def test_after_kill_9_the_next_open_works_and_the_unfinished_transaction_is_gone(store, holder):
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert names(store) == ["finished"]


# Many at once.


def test_eight_processes_at_once_lose_nothing_and_no_number_is_given_twice(store):
    workers = [running(TAKE_TEN, store.path) for _ in range(8)]
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    for worker in workers:
        with worker:
            assert worker.wait() == 0
    with store.session() as con:
        given = con.execute("SELECT pull FROM pulls ORDER BY pull").fetchall()
    assert [number for (number,) in given] == list(range(1, 81))
