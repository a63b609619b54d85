"""What is told of a key of which two answers came to the store in one transaction."""

from starlette.responses import JSONResponse

from pullpush_dagster.dead import _letters, replay
from pullpush_dagster.explain import explain
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


def test_a_letter_of_a_pull_that_its_sync_does_not_read_any_more_is_closed(pushing, store, monkeypatch):
    made = pushing()
    made.rows(
        """INSERT INTO outbox (push, key, source, sequence, desired, state)
        VALUES ('to_shop', '{"sku":"A"}', 'depot/product {"sku":"A"}', 1, '{"title":"cup"}', 'dead') RETURNING key"""
    )
    monkeypatch.setattr(Store, "of", classmethod(lambda *_: store))
    done = replay(made.pusher.project, "ALL")
    assert (done.due, done.routed, done.dropped, done.closed) == (0, 0, 0, 1)
    assert made.rows("FROM outbox") == []
