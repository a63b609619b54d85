"""What is beside the store is there after a power cut, and so is the folder that it is in."""

import datetime as dt
import os

import pyarrow as arrow
import pytest

from pullpush_dagster.changes.notes import note
from pullpush_dagster.changes.taken import Taken
from pullpush_dagster.pull import raw
from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.store import Store


def put_note(store):
    columns = {"key": ["A", "A"], "sequence": [1, 2], "left": [None, None], "fields": ["{}", "{}"]}
    note(store.notes, Taken("one", None, frozenset(), arrow.table(columns), 1), [0], dt.datetime.now(dt.UTC))


def put_pages(store):
    with Spool(store.staging) as spool:
        spool.finish()
        raw.put(store, 1, spool)


@pytest.mark.parametrize("put", [put_note, put_pages])
def test_the_name_of_a_folder_is_put_on_the_disk_when_it_is_made(put, tmp_path, monkeypatch):
    synced, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (synced.append(os.fstat(file).st_ino), fsync(file)))
    for _ in range(2):
        put(Store(tmp_path / "pullpush.duckdb"))
        assert synced.count(tmp_path.stat().st_ino) == 1
