"""Other ways to push: one request for create and update, records that are only ever created, ids told bit by bit."""

import json

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.push.journal import Group

UPSERT = {
    "find": None,
    "update": [],
    "upsert": {"put": "/items/{sku}", "record": {"title": "{title}", "price": "{price:text}"}, "id": "answer.id"},
}
ONCE = {
    "find": None,
    "update": [],
    "create": {"post": "/events", "record": {"sku": "{sku}", "title": "{title}"}, "id": "answer.id"},
    "create_only": True,
}


class Drawer:
    """Takes any write; answers with an id, or with what ``instead`` holds for its path."""

    def __init__(self, platform):
        self.platform, self.instead = platform, {}
        platform.route(self)

    def __call__(self, seen):
        answers = self.instead.get(seen.path)
        if answers:
            return answers.pop(0) if len(answers) > 1 else answers[0]
        return JSONResponse({"id": f"id{len(self.writes())}"})

    def writes(self):
        return [(seen.method, seen.path, json.loads(seen.body)) for seen in self.platform.requests if seen.body]


@pytest.fixture
def drawer(platform):
    return Drawer(platform)


# A create that only the same request again can settle.

KEYED = {
    "find": None,
    "update": [{"put": "/events/{binding.id}", "record": {"title": "{title}"}}],
    "create": {
        "post": "/events",
        "record": {"sku": "{sku}", "title": "{title}", "ref": "{idempotency}"},
        "id": "answer.id",
    },
}


def test_what_may_have_been_made_goes_again_as_it_was_before_anything_newer_does(pushing, drawer):
    # given: no answer to a create, and a newer version
    push = pushing(**KEYED)
    push.pull({"title": "a"})
    drawer.instead["/events"] = [JSONResponse({}, 500), JSONResponse({"id": "7"})]
    assert push.send() == {"A": "unknown"}
    push.pull({"title": "b"})
    push.pull({"title": "c"})
    # when
    push.send()
    push.send()
    # then
    first, again, newest = drawer.writes()
    assert again == first
    assert newest == ("PUT", "/events/7", {"title": "c"})


def test_so_it_does_where_its_process_died_and_the_newer_version_came_meanwhile(pushing, drawer):
    # given
    push = pushing(**KEYED)
    push.pull({"title": "a"})
    push.pusher.arrive()
    push.pusher.turn(Group(), 1)
    push.pull({"title": "b"})
    push.pusher.arrive()
    push.rows("UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01'")
    # when
    push.send()
    push.send()
    # then
    assert [record["title"] for _, _, record in drawer.writes()] == ["a", "b"]


def test_once_it_is_refused_the_newest_goes(pushing, drawer):
    # given
    push = pushing(**KEYED)
    push.pull({"title": "a"})
    drawer.instead["/events"] = [
        JSONResponse({}, 500), JSONResponse({"message": "no"}, 400), JSONResponse({"id": "7"})
    ]  # fmt: skip
    push.send()
    push.pull({"title": "b"})
    # when
    push.send()
    push.send()
    # then
    assert [record["title"] for _, _, record in drawer.writes()] == ["a", "a", "b"]


def test_records_go_alone_where_their_whole_request_has_the_key(pushing, drawer):
    whole = {
        "post": "/events",
        "headers": {"Key": "{idempotency}"},
        "at": "events",
        "record": {"sku": "{sku}"},
        "answers": "body.events",
    }
    push = pushing(**{**KEYED, "create": whole}, batch=10)
    push.pull({"sku": "A", "title": "a"}, {"sku": "B", "title": "b"})
    push.send()
    assert [body for _, _, body in drawer.writes()] == [{"events": [{"sku": "A"}]}, {"events": [{"sku": "B"}]}]


# One request for both.


def test_where_one_request_is_both_nothing_is_looked_up(pushing, drawer, platform):
    push = pushing(**UPSERT)
    push.pull({"title": "Cup", "price": 2})
    assert push.send() == {"A": "accepted"}
    assert [(seen.method, seen.path) for seen in platform.requests] == [("PUT", "/items/A")]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [("", "accepted"), ("done", "accepted"), ("<html>we will be back</html>", "unknown"), ("\n<!doctype", "unknown")],
)
def test_a_web_page_is_no_answer_even_where_the_status_says_it_all(pushing, drawer, answer, outcome):
    push = pushing(**{**UPSERT, "upsert": {"put": "/items/{sku}", "record": {"title": "{title}"}, "answers": "status"}})
    drawer.instead["/items/A"] = [Response(answer)]
    push.pull({"title": "Cup"})
    assert push.send() == {"A": outcome}


def test_every_time_all_that_is_known_goes(pushing, drawer):
    push = pushing(**UPSERT)
    push.pull({"title": "Cup", "price": 2})
    push.send()
    push.pull({"title": "Cup", "price": 3})
    push.send()
    assert [body for _, _, body in drawer.writes()] == [{"title": "Cup", "price": "2"}, {"title": "Cup", "price": "3"}]


def test_what_had_no_answer_is_sent_again(pushing, drawer):
    push = pushing(**UPSERT)
    drawer.instead["/items/A"] = [Response("", 504), JSONResponse({"id": "7"})]
    push.pull({"title": "Cup"})
    first, second = push.send(), push.send()
    assert (first["A"] in ("unknown", "retry"), second) == (True, {"A": "accepted"})
    assert len(drawer.writes()) == 2


def test_what_is_the_same_already_is_not_sent(pushing, drawer):
    push = pushing(**UPSERT)
    push.pull({"title": "Cup"})
    push.send()
    push.pull({"title": "Cup"})
    assert push.send() == {}
    assert len(drawer.writes()) == 1


# Only ever created.


def test_what_is_only_ever_created_is_not_sent_when_it_changes(pushing, drawer):
    push = pushing(**ONCE)
    push.pull({"title": "Cup"})
    assert push.send() == {"A": "accepted"}
    push.pull({"title": "Mug"})
    assert push.send() == {"A": "skipped"}
    assert drawer.writes() == [("POST", "/events", {"sku": "A", "title": "Cup"})]


def test_an_upsert_may_be_for_creation_only(pushing, drawer):
    push = pushing(**{**UPSERT, "create_only": True})
    push.pull({"title": "Cup"})
    push.send()
    push.pull({"title": "Mug"})
    assert push.send() == {"A": "skipped"}
    assert len(drawer.writes()) == 1


# Refusals that may pass.


@pytest.mark.parametrize(
    ("facts", "answer", "outcome"),
    [
        ({"missing": ["no_parent"]}, JSONResponse({"code": "no_parent", "message": "m"}, 422), "waiting"),
        ({"conflict": ["409"]}, JSONResponse({"message": "m"}, 409), "retry"),
        ({"again": ["locked"]}, JSONResponse({"code": "locked"}, 400), "retry"),
        ({}, JSONResponse({"code": "locked"}, 400), "rejected"),
    ],
)
def test_a_refusal_that_may_pass_is_waited_out(pushing, drawer, facts, answer, outcome):
    push = pushing(**UPSERT, **facts)
    drawer.instead["/items/A"] = [answer, JSONResponse({"id": "7"})]
    push.pull({"title": "Cup"})
    assert push.send() == {"A": outcome}
    if outcome != "rejected":
        assert push.send() == {"A": "accepted"}


def test_what_waits_is_told_with_the_platforms_own_words(pushing, drawer):
    push = pushing(**UPSERT, missing=["no_parent"])
    drawer.instead["/items/A"] = [JSONResponse({"code": "no_parent", "message": "make the parent first"}, 422)]
    push.pull({"title": "Cup"})
    push.send()
    ((state, reason),) = push.why()
    assert (state, "make the parent first" in reason) == ("waiting", True)


# Ids that are told bit by bit.

BITS = {
    "also": {"stock": "item.stock.id"},
    "find": {"get": "/items", "query": {"sku": "{keys:text}"}, "field": "sku", "match": "item.sku"},
    "create": {"post": "/new", "record": {"sku": "{sku}", "title": "{title}"}, "id": "answer.id"},
    "update": [{"put": "/stock/{binding.stock}", "record": {"title": "{title}"}, "answers": "status"}],
}  # fmt: skip


def test_an_item_whose_bound_ids_are_not_all_that_is_needed_is_looked_up(pushing, drawer, platform):
    push = pushing(**BITS)
    drawer.instead["/items"] = [JSONResponse([]), JSONResponse([{"id": "id1", "sku": "A", "stock": {"id": "s9"}}])]
    push.pull({"title": "Cup"})
    assert push.send() == {"A": "accepted"}
    push.pull({"title": "Mug"})
    assert push.send() == {"A": "accepted"}
    assert [(seen.method, seen.path) for seen in platform.requests] == [
        ("GET", "/items"), ("POST", "/new"), ("GET", "/items"), ("PUT", "/stock/s9"),
    ]  # fmt: skip


def test_so_is_one_of_which_it_is_not_known_which_update_is_its_own(pushing, drawer, platform):
    # given: an answer to a create that does not tell the kind
    update = [{"when": {"binding.kind": "plain"}, "put": "/plain/{binding.id}", "record": {"title": "{title}"}}]
    push = pushing(**{**BITS, "also": {"kind": "item.kind"}, "update": update})
    drawer.instead["/items"] = [JSONResponse([]), JSONResponse([{"id": "id1", "sku": "A", "kind": "plain"}])]
    push.pull({"title": "Cup"})
    push.send()
    push.pull({"title": "Mug"})
    # when
    outcome = push.send()
    # then
    assert outcome == {"A": "accepted"}
    assert drawer.writes()[1:] == [("PUT", "/plain/id1", {"title": "Mug"})]


def test_one_that_a_look_up_does_not_find_yet_is_not_made_again(pushing, drawer):
    # given: an index that lags
    push = pushing(**BITS)
    item = {"id": "id1", "sku": "A", "stock": {"id": "s9"}}
    drawer.instead["/items"] = [JSONResponse([]), JSONResponse([]), JSONResponse([item])]
    push.pull({"title": "Cup"})
    push.send()
    push.pull({"title": "Mug"})
    # when
    outcomes = [push.send(), push.send()]
    # then
    assert outcomes == [{"A": "retry"}, {"A": "accepted"}]
    assert [path for _, path, _ in drawer.writes()] == ["/new", "/stock/s9"]


def test_nor_is_it_looked_up_before_that_can_find_it(pushing, drawer):
    push = pushing(**BITS, settle=90)
    drawer.instead["/items"] = [JSONResponse([])]
    for title in ("Cup", "Mug"):
        push.pull({"title": title})
        push.send()
    assert push.rows("SELECT dueAt > now() + INTERVAL 1 MINUTE FROM outbox") == [(True,)]


def test_what_was_looked_up_for_its_ids_is_not_looked_up_again(pushing, drawer, platform):
    push = pushing(**BITS)
    drawer.instead["/items"] = [JSONResponse([{"id": "id1", "sku": "A", "stock": {"id": "s9"}}])]
    for title in ("Cup", "Mug", "Jug"):
        push.pull({"title": title})
        assert push.send() == {"A": "accepted"}
    assert [seen.path for seen in platform.requests].count("/items") == 1


def test_nor_is_one_of_which_just_the_parent_is_not_known(pushing, drawer, platform):
    # given: where there is none, none is told
    record = {"title": "{title}", "parent": "{binding.parent}"}
    push = pushing(**{**BITS, "also": {}, "update": [{"put": "/items/{binding.id}", "record": record}]})
    drawer.instead["/items"] = [JSONResponse([])]
    for title in ("Cup", "Mug"):
        push.pull({"title": title})
        assert push.send() == {"A": "accepted"}
    assert [seen.path for seen in platform.requests] == ["/items", "/new", "/items/id1"]


def test_an_item_that_never_tells_the_id_is_rejected_and_not_sent(pushing, drawer, platform):
    push = pushing(**BITS)
    drawer.instead["/items"] = [JSONResponse([{"id": "id1", "sku": "A"}])]
    push.pull({"title": "Cup"})
    assert push.send() == {"A": "rejected"}
    assert [seen.method for seen in platform.requests] == ["GET"]
    assert "binding.stock" in push.why()[0][1]


def test_items_with_an_address_of_their_own_get_each_change_in_one_claim(pushing, drawer):
    # given: the id of the second one has a slash
    push = pushing(**KEYED, deliver="every")
    drawer.instead["/events"] = [JSONResponse({"id": "7"}), JSONResponse({"id": "a/b"})]
    push.pull({"sku": "A", "title": "a"}, {"sku": "B", "title": "a"})
    push.send()
    for title in "bcd":
        push.pull({"sku": "A", "title": title}, {"sku": "B", "title": title})
    # when
    push.send()
    # then
    puts = [(seen.target, json.loads(seen.body)["title"]) for seen in drawer.platform.requests if seen.method == "PUT"]
    assert [title for target, title in puts if target == "/events/7"] == ["b", "c", "d"]
    assert [title for target, title in puts if target == "/events/a%2Fb"] == ["b", "c", "d"]
    claims = push.rows("SELECT key, count(DISTINCT claim) FROM receipts WHERE sequence > 2 GROUP BY key ORDER BY key")
    assert claims == [('{"sku":"A"}', 1), ('{"sku":"B"}', 3)], "the store writes no percent signs"
