"""Pages wait in a file outside the store, and the file goes whatever happens."""

import datetime as dt
import os
import random

import pytest

from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.transport import Answer

NOW = dt.datetime(2026, 11, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)


def answer(body="[]"):
    return Answer(200, {}, body.encode(), NOW, None)


def test_pages_come_back_as_they_were_written(tmp_path):
    with Spool(tmp_path) as spool:
        spool.write("all", 1, answer('[{"name": "ä€😀"}]'))
        spool.write("other", 2, answer())
        assert spool.table().to_pylist() == [
            {"walk": "all", "page": 1, "asked_at": NOW, "body": '[{"name": "ä€😀"}]'},
            {"walk": "other", "page": 2, "asked_at": NOW, "body": "[]"},
        ]


def test_a_pull_without_pages_has_an_empty_table(tmp_path):
    with Spool(tmp_path) as spool:
        assert spool.table().num_rows == 0


def test_more_than_memory_should_hold_goes_to_the_file_meanwhile(tmp_path):
    body = f'"{random.Random(1).randbytes(1_500_000).hex()}"'  # 3 MB, and half of it when compressed
    with Spool(tmp_path) as spool:
        for page in range(1, 5):
            spool.write("all", page, answer(body))
        assert spool.path.stat().st_size > 4_000_000
        assert spool.table().num_rows == 4


def test_the_file_goes_at_the_end(tmp_path):
    with Spool(tmp_path / "new" / "staging") as spool:
        assert spool.path.exists()
    assert list(spool.path.parent.iterdir()) == []


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
def test_the_file_goes_when_the_pull_is_interrupted(tmp_path, kind):
    def interrupted():
        with Spool(tmp_path) as spool:
            spool.write("all", 1, answer())
            raise kind

    with pytest.raises(kind):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_two_pulls_at_once_have_files_of_their_own(tmp_path):
    with Spool(tmp_path) as one, Spool(tmp_path) as two:
        one.write("all", 1, answer("[1]"))
        two.write("all", 1, answer("[2]"))
        assert one.table()["body"].to_pylist() == ["[1]"]


@pytest.mark.parametrize("end", ["parquet", "arrow", "0.part"])
def test_what_a_killed_pull_left_is_taken_away_a_day_later(tmp_path, end):
    old, young = tmp_path / f"old.{end}", tmp_path / f"young.{end}"
    for path in (old, young):
        path.write_bytes(b"half a page")
    os.utime(old, (0, 0))
    with Spool(tmp_path):
        assert not old.exists()
        assert young.exists()
