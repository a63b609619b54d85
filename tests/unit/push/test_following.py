"""What follows a change is given to be sent once a note of that change is on the disk."""

import asyncio
import datetime as dt
import json
import time

import pyarrow as pa
import pytest

from pullpush_dagster.changes import notes
from pullpush_dagster.changes.notes import note
from pullpush_dagster.changes.taken import Taken
from pullpush_dagster.push.following import Following
from pullpush_dagster.push.journal import Next


def claim(name):
    """A claim of one key, with one change behind its head."""
    columns = {"key": ["A", "A"], "sequence": [1, 2], "left": [None, None], "fields": ["{}", "{}"]}
    return Taken(name, None, frozenset(), pa.table(columns), 1)


@pytest.fixture
def following(tmp_path):
    """What is given to be sent of the claims that ``takes`` names, one after the other, when that is said to be all."""

    def given(*takes):
        added = []

        async def run():
            add = lambda _, of, places: added.append((of.claim, [*places]))  # noqa: E731
            made = Following(tmp_path / "notes", add, added.append)
            for name in takes:
                made.take([Next(0, claim(name), [0], None)])
                await asyncio.sleep(0)
            await made.idle()
            assert not made.busy
            return [*added]

        return asyncio.run(run())

    return given


def test_it_is_idle_when_what_follows_was_given(following, tmp_path):
    assert following("one") == [("one", [1])]
    assert [file.name for file in (tmp_path / "notes").iterdir()] == ["one.jsonl"]


def test_what_comes_while_others_are_noted_is_given_too(following, monkeypatch):
    def slowly(*given):
        time.sleep(0.05)
        note(*given)

    monkeypatch.setattr("pullpush_dagster.push.following.note", slowly)
    assert sorted(following("one", "other")) == [("one", [1]), ("other", [1])]


def test_each_claim_has_just_its_own_in_its_note(tmp_path):
    one, other = claim("one"), claim("other")

    async def run():
        made = Following(tmp_path, lambda *_: None, print)
        made.take([Next(0, one, [0], None), Next(0, other, [0], None)])
        await made.idle()

    asyncio.run(run())
    for name in ("one", "other"):
        ((_, taken),) = [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines() if line]
        assert len(taken) == 1


def test_what_goes_again_later_does_not_go_at_once(tmp_path):
    added = []

    async def run():
        made = Following(tmp_path, lambda *_: added.append(True), added.append)
        made.take([Next(0, claim("one"), [0], 60.0)])
        for _ in range(10):
            await asyncio.sleep(0)
        assert (made.busy, added) == (True, [])
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    asyncio.run(run())
    assert added == []


def test_the_name_of_a_new_file_is_put_on_the_disk_once(tmp_path, monkeypatch):
    named = []
    monkeypatch.setattr(notes, "sync_names", named.append)
    told = []
    for _ in range(2):
        note(tmp_path, claim("one"), [0], dt.datetime.now(dt.UTC))
        told.append([*named])
    assert told == [[tmp_path]] * 2
