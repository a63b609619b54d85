"""A block that a process died in the middle of writing costs nothing that was committed."""

import duckdb
import pytest

from pullpush_dagster.errors import HaltError
from pullpush_dagster.store import Store

HEADERS, BLOCK, PAGE = 12_288, 262_144, 4096


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "pullpush.duckdb", wait=5)


def commit(store, name):
    with store.session() as con:
        con.execute("INSERT INTO counters VALUES (?, 1)", [name])


def names(store):
    with store.session() as con:
        return [name for (name,) in con.execute("SELECT name FROM counters ORDER BY name").fetchall()]


def died(store):
    store.path.with_suffix(".holder").write_text("4711")


def blocks(file):
    return {at: file[at : at + BLOCK] for at in range(HEADERS, len(file), BLOCK)}


def tear(store, write):
    """Leave the file as who is killed in each write of a block does: its first pages are written, the header is not."""
    before = store.path.read_bytes()
    write()
    after, torn, half = blocks(store.path.read_bytes()), bytearray(before), []
    for at, old in blocks(before).items():
        new = after.get(at, old)
        pages = [page for page in range(0, len(old), PAGE) if old[page : page + PAGE] != new[page : page + PAGE]]
        # A block that was free is written in turn with others like it; one that is in use has its checksum in front.
        if len(pages) > 1 and pages[0] == 0:
            torn[at : at + pages[-1]] = new[: pages[-1]]
            half.append(at)
    store.path.write_bytes(torn)
    return half


@pytest.fixture
def torn(store):
    """A store of which one commit is whole, and the next one was killed in the middle."""
    for name in ("a", "b"):
        commit(store, name)
    assert HEADERS in tear(store, lambda: commit(store, "c"))
    return store


def test_what_was_committed_before_is_there(torn, caplog):
    died(torn)
    assert names(torn) == ["a", "b"]
    assert "is mended" in caplog.text
    # and it goes on
    commit(torn, "d")
    assert names(torn) == ["a", "b", "d"]
    assert len(caplog.records) == 1


def test_duckdb_alone_would_never_open_it_again(torn):
    with pytest.raises(duckdb.IOException, match="does not match stored checksum"):
        duckdb.connect(torn.path)


def test_where_nobody_died_it_is_no_half_written_block(torn):
    """A disk that forgets is no reason to take what it says for true."""
    with pytest.raises(HaltError, match="does not match stored checksum"):
        names(torn)


def test_that_it_could_not_be_opened_meanwhile_does_not_matter(torn):
    died(torn)
    good = torn.path.read_bytes()
    torn.path.write_bytes(b"no store at all" * 1000)
    with pytest.raises(HaltError):
        names(torn)
    torn.path.write_bytes(good)
    assert names(torn) == ["a", "b"]


def test_several_blocks_are_mended_where_the_machine_died_with_it(store, caplog):
    """What of several writes has come to a disk is for the disk to say; some of it DuckDB reads with its table only."""

    def write(*tables):
        with store.session() as con:
            for table in tables:
                con.execute(f"UPDATE t{table} SET c0 = c0 + 1")

    with store.session() as con:
        for table in range(4):
            columns = ", ".join(f"i AS c{column}" for column in range(1500))
            con.execute(f"CREATE TABLE t{table} AS SELECT {columns} FROM range(2) AS r(i)")
    # So that free parts are in several blocks.
    for tables in ((0, 1), (2,), (0, 1), (2,)):
        write(*tables)
    assert len(tear(store, lambda: write(0, 1, 2, 3))) > 2
    died(store)
    with store.session() as con:
        sums = [con.execute(f"SELECT sum(c0), sum(COLUMNS(c -> c <> 'c0')) FROM t{n}").fetchone() for n in range(4)]
    assert sums == [(changed, *(1,) * 1499) for changed in (5, 5, 5, 1)]
    assert len(caplog.records) == 1


def test_a_block_that_is_none_is_left_alone(torn):
    died(torn)
    file = bytearray(torn.path.read_bytes())
    torn.path.write_bytes(file[: HEADERS + BLOCK // 2])
    with pytest.raises(HaltError):
        names(torn)


def test_a_session_that_fails_is_no_death(store):
    with pytest.raises(ZeroDivisionError), store.session():
        raise ZeroDivisionError
    assert store.path.with_suffix(".holder").read_text() == ""
