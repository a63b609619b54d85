"""What is told of a key of which two answers came to the store in one transaction, and what a letter of it has."""

import datetime as dt
import json

import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.changes.notes import note
from pullpush_dagster.config import Project
from pullpush_dagster.dead import _letters, replay
from pullpush_dagster.explain import explain
from pullpush_dagster.push.journal import Group
from pullpush_dagster.store import Store


def test_a_letter_tells_of_its_last_answer_though_the_one_before_came_at_once(pushing, shop, platform, store):
    # given: busy at first, refused for good a moment later
    shop.items["7"] = {"sku": "A"}
    made = pushing(again=["busy"])
    made.pull({"title": "first"})
    made.send()
    errors = [{"code": "busy", "message": "one moment"}, {"code": "bad", "message": "too red"}]

    def answer(seen):
        if seen.method == "GET":
            return shop(seen)
        error = errors.pop(0) if len(errors) > 1 else errors[0]
        return JSONResponse({"update": [{"id": "7", "error": error}]})

    platform.route(answer)
    # when
    made.pull({"title": "red"})
    made.send()
    # then
    with store.session() as con:
        (letter,) = _letters(con)
    assert (letter.reason, letter.cause) == ("bad: too red", "refused")
    assert "too red" in letter.answer


def test_explain_tells_the_newest_answers_first(pushing, shop, store, monkeypatch):
    # given
    shop.items["7"] = {"sku": "A"}
    made = pushing(deliver="every")
    made.pull({"title": "first"})
    made.send()
    titles = [f"title {n}" for n in range(1, 8)]
    for title in titles:
        made.pull({"title": title})
    # when
    made.send()
    # then
    monkeypatch.setattr(Store, "of", classmethod(lambda *_: store))
    story = explain(made.pusher.project, made.pusher.push, "A")
    assert [row["sent"]["title"] for row in story["sent"]] == titles[:1:-1]


def test_what_waits_behind_a_letter_that_needs_no_sending_any_more_is_due_at_once(pushing, shop, store, monkeypatch):
    # given: refused, but taken over from elsewhere since; another change waits behind it
    shop.items["7"] = {"sku": "A"}
    made = pushing(deliver="every")
    made.pull({"title": "cup"})
    made.send()
    made.rows("UPDATE accepted SET fields = '{}'")
    made.pull({"title": "jug"})
    made.pusher.arrive()
    made.rows("""UPDATE outbox SET state = 'dead'; UPDATE accepted SET fields = '{"title":"jug"}'""")
    made.pull({"title": "mug"})
    made.pusher.arrive()
    # when
    monkeypatch.setattr(Store, "of", classmethod(lambda *_: store))
    assert replay(made.pusher.project, "ALL").dropped == 1
    # then
    assert made.rows("SELECT state, desired ->> '$.title' FROM outbox") == [("due", "mug")]


@pytest.mark.parametrize("source", ['depot/product {"sku":"A"}', 'erp/product {"sku":"Z"}'], ids=["not read", "gone"])
def test_a_letter_of_what_its_sync_does_not_read_or_have_any_more_is_closed(pushing, store, monkeypatch, source):
    made = pushing()
    made.rows(
        f"""INSERT INTO outbox (push, key, source, sequence, desired, state)
        VALUES ('to_shop', '{{"sku":"A"}}', '{source}', 1, '{{"title":"cup"}}', 'dead') RETURNING key"""
    )
    monkeypatch.setattr(Store, "of", classmethod(lambda *_: store))
    done = replay(made.pusher.project, "ALL")
    assert (done.due, done.routed, done.dropped, done.closed) == (0, 0, 0, 1)
    assert made.rows("FROM outbox") == []


@pytest.fixture
def rivalled(pushing, shop, platform):
    """Two changes of A were taken, of which the first was under way when what Z wanted of it was refused."""
    made = pushing(deliver="every")
    pusher = made.pusher
    pusher.push = pusher.push.model_copy(update={"translate": {"sku": {"A": "A", "Z": "A"}}})
    shop.items["7"] = {"sku": "A"}
    made.pull({"title": "cup", "price": 1})
    made.send()
    for title, price in (("jug", 2), ("mug", 3)):
        made.pull({"title": title, "price": price})

    def answer(seen):
        if seen.method != "GET" and len(shop.writes) == 1:
            made.pull({"title": "mug", "price": 3}, {"sku": "Z", "title": "zed"})
            pusher.arrive()
        return shop(seen)

    platform.route(answer)
    made.send()
    return made


def test_a_letter_is_not_older_than_what_was_taken_meanwhile(rivalled, store):
    with store.session() as con:
        (letter,) = _letters(con)
    assert (letter.cause, json.loads(letter.desired)) == ("not routed", {"title": "mug", "price": "3.0000"})


@pytest.mark.parametrize("way", ["replayed", "changed"])
def test_nor_does_what_is_unknown_by_now_go_back_with_it(rivalled, shop, store, monkeypatch, way):
    # given: Z is left out by now, and the price is not told any more
    mended = {"translate": {"sku": {"A": "A"}}, "only": {"sku": ["A"]}}
    push = rivalled.pusher.push = rivalled.pusher.push.model_copy(update=mended)
    rivalled.pull({"title": "mug"})
    # when
    if way == "replayed":
        monkeypatch.setattr(Store, "of", classmethod(lambda *_: store))
        monkeypatch.setattr(Project, "push", lambda *_: push)
        replay(rivalled.pusher.project, "ALL")
    else:
        rivalled.pull({"title": "pot"})
    rivalled.send()
    # then
    assert [one["price"] for one in shop.writes if "price" in one] == ["1", "2", "3"]


def test_what_was_refused_stays_so_though_its_holder_noted_a_change_and_died(pushing, shop):
    # given: two changes of A in one claim, of which the first was taken and noted
    made = pushing(deliver="every")
    pusher = made.pusher
    pusher.push = pusher.push.model_copy(update={"translate": {"sku": {"A": "A", "Z": "A"}}})
    shop.items["7"] = {"sku": "A"}
    made.pull({"title": "cup"})
    made.send()
    for title in ("jug", "mug"):
        made.pull({"title": title})
    pusher.arrive()
    claim, _ = pusher.turn(Group(), 1)
    note(pusher.store.notes, claim, [0], dt.datetime.now(dt.UTC))
    # when
    made.pull({"title": "mug"}, {"sku": "Z", "title": "zed"})
    pusher.arrive()
    made.rows("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
    pusher.arrive()
    # then
    assert made.rows("""SELECT state, desired ->> '$.title', contains(reason, '"Z"') FROM outbox""") == [
        ("dead", "mug", True)
    ]
