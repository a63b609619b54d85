"""Which part of an answer is about which record, however the platform tells them apart, and what it says of each."""

import pytest

from pullpush_dagster.errors import RejectError
from pullpush_dagster.push.outcome import outcomes, refused_whole
from tests.unit.push.conftest import answer_of

UPDATE = {
    "when": {"binding.parent": "0"},
    "post": "/batch",
    "at": "rows",
    "record": {"id": "{binding.id}", "sku": "{sku}", "name": "{title}"},
    "answers": "body.done",
}
ALONE = {"put": "/items/{binding.id}", "record": {"name": "{title}"}}


@pytest.fixture
def judged(facts, made):
    """Outcomes of an answer to updates of A, B and C (items iA, iB, iC), or of one that goes ``alone``."""

    def judge(body, *, alone=False, status=200, headers=None, of=None, **form):
        known = facts(update=[(ALONE if alone else UPDATE) | form], echo=[], **(of or {}))
        rows = [
            made(sku, {"title": sku}, item={"id": f"i{sku}"}, with_facts=known) for sku in ("A" if alone else "ABC")
        ]
        return outcomes(known, known.update[0], rows, answer_of(body, status, **(headers or {})))

    return judge


def names(found):
    return [one.name for one in found]


# Told by what they name.


@pytest.mark.parametrize(
    ("match", "done"),
    [
        ({"sent": "record.id", "answered": "answer.item.id"}, [{"item": {"id": "iC"}}, {"item": {"id": "iA"}}]),
        ({"sent": "record.sku", "answered": "answer.sku"}, [{"sku": "C"}, {"sku": "A"}, {"sku": "Z"}]),
        ({"sent": "record.sku", "answered": "answer.sku", "lowered": True}, [{"sku": "c"}, {"sku": "a"}]),
        (
            {"sent": ["record.id", "record.sku"], "answered": ["answer.id", "answer.sku"]},
            [{"id": "iA", "sku": "A"}, {"id": "iB", "sku": "A"}, {"id": "iC", "sku": "C"}, {"id": "iB"}],
        ),
    ],
)
def test_answers_are_told_by_what_both_sides_name(judged, match, done):
    found = judged({"done": done}, match=match)
    assert names(found) == ["accepted", "unknown", "accepted"]
    assert found[1].reason == "the answer does not name this record"


def test_what_neither_side_names_is_not_the_same(facts, made):
    known = facts(update=[UPDATE | {"match": {"sent": "record.same", "answered": "answer.same"}}], echo=[])
    row = made("A", {"title": "A"}, item={"id": "iA"}, with_facts=known)
    (found,) = outcomes(known, known.update[0], [row], answer_of({"done": [{"id": "iZ"}]}))
    assert found.name == "unknown"


def test_two_answers_of_one_name_leave_it_open_which_is_meant(judged):
    error = {"code": "no", "message": "bad"}
    found = judged({"done": [{"id": "iA", "error": error}, {"id": "iA"}, {"id": "iB"}]}, match="id")
    assert names(found) == ["unknown", "accepted", "unknown"]
    assert found[0].reason == "the answer names this record more than once"


def test_two_records_of_one_name_leave_it_open_whose_the_answer_is(judged):
    found = judged(
        {"done": [{"same": "x"}]}, match={"sent": "record.same", "answered": "answer.same"}, record={"same": "x"}
    )
    assert {one.name for one in found} == {"unknown"}


def test_a_name_in_another_case_is_another_one(judged):
    found = judged({"done": [{"sku": "a"}]}, match={"sent": "record.sku", "answered": "answer.sku"})
    assert names(found) == ["unknown"] * 3


def test_answers_that_say_at_which_place_their_record_was_sent_come_in_any_order(judged):
    error = {"code": "no", "message": "bad"}
    found = judged({"done": [{"place": 2}, {"place": "0", "error": error}]}, match={"index": "answer.place"})
    assert names(found) == ["rejected", "unknown", "accepted"]
    found = judged({"done": [{"place": 1}, {"place": 1}, {"place": 3}, {}]}, match={"index": "answer.place"})
    assert [one.reason for one in found] == ["the answer does not name this record",
                                             "the answer names this record more than once",
                                             "the answer does not name this record"]  # fmt: skip


def test_several_lists_of_answers_belong_together(judged):
    form = {"answers": ["body.created", "body.updated"], "match": "id"}
    assert names(judged({"updated": [{"id": "iA"}], "created": [{"id": "iC"}]}, **form)) == [
        "accepted",
        "unknown",
        "accepted",
    ]
    assert names(judged({"updated": [{"id": "iA"}, {"id": "iB"}, {"id": "iC"}]}, **form)) == ["accepted"] * 3
    assert names(judged({"updated": None}, **form)) == ["unknown"] * 3


@pytest.mark.parametrize("match", ["id", {"sent": "record.id", "answered": "answer.id"}])
def test_an_answer_that_names_nothing_is_about_none(judged, match):
    assert names(judged({"done": [{"id": None}, {}, "iA", None, ["iA"]]}, match=match)) == ["unknown"] * 3


# By status alone.


@pytest.mark.parametrize(("body", "status"), [(None, 204), ({"any": "thing"}, 200), ([], 200), ("ok", 202)])
def test_a_platform_that_answers_by_status_alone_has_done_all_of_it(judged, body, status):
    assert names(judged(body, status=status, answers="status")) == ["accepted"] * 3


def test_an_answer_by_status_that_lists_failures_has_done_the_others(judged):
    form = {"answers": "status", "failures": {"at": "body.errors", "index": "row.i", "error": "row.m"}}
    found = judged({"errors": [{"i": 1, "m": "bad"}]}, **form)
    assert [(one.name, one.reason) for one in found] == [("accepted", None), ("rejected", "bad"), ("accepted", None)]


# Failures apart from the answers.

BY_INDEX = {"at": "body.errors", "index": "row.index", "error": "row.message", "code": "row.code"}
BY_NAME = {"at": "body.errors", "match": {"sent": "record.sku", "answered": "row.sku"}, "error": "row.message"}


def failing(judged, *errors, done=(), **how):
    return judged({"done": list(done), "errors": list(errors)}, **{"match": "id", **how})


@pytest.mark.parametrize(
    ("failures", "error"),
    [
        (BY_INDEX, {"index": 1, "message": "bad"}),
        (BY_INDEX, {"index": "1", "message": "bad"}),
        (BY_NAME, {"sku": "B", "message": "bad"}),
        (BY_NAME, {"sku": ["B", "Z"], "message": "bad"}),
        (
            BY_NAME | {"match": {"sent": "record.sku", "answered": "row.sku", "lowered": True}},
            {"sku": "b", "message": "bad"},
        ),
        (
            BY_NAME | {"match": {"sent": "record.sku", "answered": "row.sku", "lowered": True}},
            {"sku": ["B", "Z"], "message": "bad"},
        ),
        (BY_INDEX | {"match": BY_NAME["match"]}, {"sku": "B", "message": "bad"}),
    ],
)
def test_a_failure_is_of_the_record_it_names(judged, failures, error):
    found = failing(judged, error, done=[{"id": "iA"}, {"id": "iC"}], failures=failures)
    assert names(found) == ["accepted", "rejected", "accepted"]
    assert found[1].reason == "bad"


@pytest.mark.parametrize(
    ("failures", "error"),
    [
        (BY_INDEX, {"message": "all wrong"}),
        (BY_INDEX, {"index": 3, "message": "all wrong"}),
        (BY_INDEX, {"index": -1, "message": "all wrong"}),
        (BY_INDEX, {"index": None, "message": "all wrong"}),
        (BY_NAME, {"sku": "Z", "message": "all wrong"}),
        (BY_NAME, {"sku": None, "message": "all wrong"}),
        (BY_NAME, {"sku": [], "message": "all wrong"}),
        ({"at": "body.errors", "error": "row.message"}, {"message": "all wrong"}),
    ],
)
def test_a_failure_that_names_no_record_is_of_all(judged, failures, error):
    found = failing(judged, error, failures=failures)
    assert [(one.name, one.reason) for one in found] == [("rejected", "all wrong")] * 3


def test_a_failure_that_names_no_record_is_not_of_one_that_is_named_as_taken(judged):
    found = failing(judged, {"sku": None, "message": "bad"}, done=[{"id": "iA"}, {"id": "iC"}], failures=BY_NAME)
    assert [(one.name, one.reason) for one in found] == [("accepted", None), ("rejected", "bad"), ("accepted", None)]


@pytest.mark.parametrize("first", [0, 1])
def test_nor_does_it_hide_one_that_names_its_record(judged, first):
    of = [BY_INDEX, {"at": "body.warnings", "error": "row.text"}]
    body = {"errors": [{"index": 1, "message": "bad"}], "warnings": [{"text": "look out"}]}
    done = {"done": [{"id": "iA"}, {"id": "iB"}, {"id": "iC"}]}
    found = judged(body | done, match="id", failures=of[first:] + of[:first])
    assert names(found) == ["accepted", "rejected", "accepted"]


@pytest.mark.parametrize("form", [{"answers": "status"}, {"alone": True, "answers": "body"}])
def test_what_is_named_by_no_name_is_not_named_as_taken(judged, form):
    body = {"errors": [{"message": "bad"}], "id": "iA"}
    assert {one.name for one in judged(body, failures={"at": "body.errors", "error": "row.message"}, **form)} == {
        "rejected"
    }


def test_a_list_of_failures_with_gaps_may_come_as_an_object(judged):
    body = {"errors": {"1": {"sku": "B", "message": "bad"}}, "done": [{"id": "iA"}, {"id": "iC"}]}
    assert names(judged(body, match="id", failures=BY_NAME)) == ["accepted", "rejected", "accepted"]


@pytest.mark.parametrize(("atomic", "name"), [(False, "unknown"), (True, "retry")])
def test_a_failure_of_a_name_that_two_records_have_leaves_it_open_which_was_refused(judged, atomic, name):
    failures = BY_NAME | {"match": {"sent": "record.same", "answered": "row.same"}, "atomic": atomic}
    found = judged({"errors": [{"same": "x", "message": "bad"}]}, record={"same": "x"}, failures=failures)
    assert {(one.name, one.reason) for one in found} == {(name, "the answer names this record more than once")}
    # It counts as an attempt: with such a name it would never end.
    assert not any(one.undone for one in found)


@pytest.mark.parametrize("errors", [[], None, {}, "x"])
def test_without_failures_every_record_is_judged_by_its_answer(judged, errors):
    body = {"errors": errors, "done": [{"id": "iA"}, {"id": "iB"}, {"id": "iC"}]}
    assert names(judged(body, match="id", failures=BY_INDEX)) == ["accepted"] * 3


def test_answers_by_place_leave_out_those_that_failed(judged):
    body = {"errors": [{"index": 1, "message": "bad"}], "done": [{"n": "A"}, {"n": "C"}]}
    found = judged(body, failures=BY_INDEX)
    assert [one.answer and one.answer.get("n") for one in found] == ["A", None, "C"]


def test_where_one_failure_means_that_nothing_was_taken_the_others_go_again(judged):
    found = failing(judged, {"index": 1, "message": "bad"}, failures=BY_INDEX | {"atomic": True})
    assert names(found) == ["retry", "rejected", "retry"]
    assert found[0].reason == "not done, since another record of its request was refused"
    assert not found[0].stale
    assert [one.undone for one in found] == [True, False, True]


def test_failures_may_be_in_several_lists(judged):
    other = {"at": "body.warnings", "index": "row.n", "error": "row.text"}
    body = {"errors": [{"index": 0, "message": "bad"}], "warnings": [{"n": 2, "text": "worse"}], "done": [{"id": "iB"}]}
    found = judged(body, match="id", failures=[BY_INDEX, other])
    assert [one.reason for one in found] == ["bad", None, "worse"]


def test_a_record_that_two_lists_name_says_nothing_of_the_others(judged):
    of = [BY_INDEX, {"at": "body.warnings", "index": "row.n", "error": "row.text"}]
    body = {"errors": [{"index": 1, "message": "bad"}], "warnings": [{"n": 1, "text": "worse"}]}
    found = judged(body | {"done": [{"id": "iA"}, {"id": "iC"}]}, match="id", failures=of)
    assert names(found) == ["accepted", "rejected", "accepted"]


def test_nothing_was_taken_though_only_one_of_several_lists_means_that(judged):
    of = [{"at": "body.warnings", "index": "row.n", "error": "row.text"}, BY_INDEX | {"atomic": True}]
    assert names(failing(judged, {"index": 1, "message": "bad"}, failures=of)) == ["retry", "rejected", "retry"]
    both = {"errors": [{"index": 1, "message": "bad"}], "warnings": [{"n": 1, "text": "bad"}], "done": []}
    for order in (of, of[::-1]):
        assert names(judged(both, match="id", failures=order)) == ["retry", "rejected", "retry"]
    # but not a failure that stands in the other one
    body = {"warnings": [{"n": 1, "text": "bad"}], "done": [{"id": "iA"}, {"id": "iC"}]}
    assert names(judged(body, match="id", failures=of)) == ["accepted", "rejected", "accepted"]


@pytest.mark.parametrize(
    ("code", "name", "stale"),
    [("gone", "retry", True), ("exists", "retry", True), ("busy", "retry", False), ("later", "waiting", False),
     ("race", "retry", False), ("no", "rejected", False), (None, "rejected", False), (7, "retry", False)],
)  # fmt: skip
def test_a_failure_is_what_its_code_says(judged, code, name, stale):
    of = {"again": ["busy", "7"], "missing": ["later"], "conflict": ["race"]}
    found = failing(judged, {"index": 0, "code": code, "message": "m"}, failures=BY_INDEX, of=of)[0]
    assert (found.name, found.stale) == (name, stale)
    assert found.reason == (f"{code}: m" if code else "m")


# One record.


@pytest.mark.parametrize(
    ("status", "code", "name", "stale"),
    [
        (409, None, "retry", False),
        (412, None, "retry", False),
        (400, "race", "retry", False),
        (400, "busy", "retry", False),
        (422, "later", "waiting", False),
        (409, "no", "retry", False),
        (404, None, "retry", True),
        (400, "no", "rejected", False),
    ],
)
def test_a_refusal_of_all_is_what_its_code_or_its_status_says(facts, status, code, name, stale):
    known = facts(update=[ALONE], conflict=["409", "412", "race"], again=["busy"], missing=["later"])
    found = refused_whole(known, known.update[0], RejectError("no", status=status, code=code))
    assert (found.name, found.stale) == (name, stale)


@pytest.mark.parametrize(
    ("form", "body", "headers", "ids"),
    [
        ({"id": "answer.item.id"}, {"done": {"item": {"id": 7}}}, {}, {"id": "7"}),
        ({"id": "body.id"}, {"id": "x", "done": {}}, {}, {"id": "x"}),
        ({"id": "header.location"}, {"done": {}}, {"location": "https://h/items/a%2Fb?x=1"}, {"id": "a/b"}),
        ({"id": "header.location"}, {"done": {}}, {"location": "/items/7/"}, {"id": "7"}),
        ({"id": "header.location"}, {"done": {}}, {}, None),
        ({"id": "answer.id", "ids": {"rev": "answer.v"}}, {"done": {"id": 7, "v": 1.5}}, {}, {"id": "7", "rev": "1.5"}),
        ({"id": "answer.id", "ids": {"rev": "answer.v"}}, {"done": {"id": 7}}, {}, {"id": "7"}),
        ({"ids": {"rev": "answer.v"}}, {"done": {"v": 1}}, {}, None),
        ({}, {"done": {"id": 7}}, {}, None),
    ],
)
def test_the_ids_of_one_record_are_where_the_form_says(judged, form, body, headers, ids):
    (found,) = judged(body, alone=True, headers=headers, answers="body.done", **form)
    assert (found.name, found.ids) == ("accepted", ids)


def test_a_status_alone_may_tell_an_id_in_a_header(judged):
    (found,) = judged(
        None, alone=True, status=204, answers="status", id="header.location", headers={"location": "/i/7"}
    )
    assert (found.name, found.ids) == ("accepted", {"id": "7"})


def test_of_several_places_one_record_is_in_the_first_that_is_there(judged):
    form = {"answers": ["body.created", "body.updated"]}
    assert judged({"updated": {"id": 1}}, alone=True, **form)[0].name == "accepted"
    assert judged({"other": {"id": 1}}, alone=True, **form)[0].name == "unknown"


def test_a_refused_record_tells_no_ids(judged):
    (found,) = judged({"done": {"id": 7, "error": {"message": "no"}}}, alone=True, answers="body.done", id="answer.id")
    assert (found.name, found.ids) == ("rejected", None)
