"""Each record's outcome is what its own answer says, never what the status of the request suggests."""

from dataclasses import replace

import pytest

from pullpush_dagster.errors import RejectError
from pullpush_dagster.push.outcome import outcomes, refused_whole
from tests.unit.push.conftest import answer_of


@pytest.fixture
def judged(facts, made):
    """Judges an answer to an update of A and B, sent as items iA and iB at price 19.99."""

    def judge(body):
        known = facts()
        rows = [made(sku, {"price": "19.9900"}, item={"id": f"i{sku}"}) for sku in "AB"]
        return outcomes(known, known.update[0], rows, answer_of(body))

    return judge


@pytest.fixture
def created(facts, made):
    def judge(body):
        known = facts()
        return outcomes(known, known.create, [made(sku, {"price": "1.0000"}) for sku in "AB"], answer_of(body))

    return judge


def names(found):
    return [one.name for one in found]


def test_answers_are_matched_by_id_whatever_their_order(judged):
    found = judged({"update": [{"id": "iB"}, {"id": "iA", "error": {"code": "no", "message": "never"}}]})
    assert names(found) == ["rejected", "accepted"]
    assert found[0].reason == "no: never"


def test_a_record_that_the_answer_does_not_name_is_unknown(judged):
    found = judged({"update": [{"id": "iA"}]})
    assert (names(found), found[1].reason) == (["accepted", "unknown"], "the answer does not name this record")


@pytest.mark.parametrize("body", [{}, [], None, {"update": None}, {"update": {"iA": "ok"}}, "ok", {"create": []}])
def test_an_answer_without_records_leaves_all_unknown(judged, body):
    assert names(judged(body)) == ["unknown", "unknown"]


def test_answers_by_position_must_be_as_many_as_the_records(created):
    found = created({"create": [{"id": 1}]})
    assert (names(found), found[0].reason) == (["unknown", "unknown"], "2 records sent, 1 answered")


def test_answers_by_position_are_taken_in_order(created):
    assert names(created({"create": [{"id": 1}, {"error": {"code": "no", "message": "bad"}}]})) == [
        "accepted",
        "rejected",
    ]


@pytest.mark.parametrize("answer", [None, {}])
def test_an_empty_answer_by_position_is_no_refusal(created, answer):
    assert names(created({"create": [answer, {"id": 2}]}))[1] == "accepted"
    assert names(created({"create": [answer, {"id": 2}]}))[0] == ("unknown" if answer is None else "accepted")


@pytest.mark.parametrize("price", ["19.99", 19.99, "19.9900"])
def test_a_number_written_another_way_is_the_same(judged, price):
    assert names(judged({"update": [{"id": "iA", "price": price}, {"id": "iB"}]})) == ["accepted", "accepted"]


@pytest.mark.parametrize("price", ["19.98", 20, None, "", True, "019.99", [19.99], "abc"])
def test_what_the_platform_says_it_has_instead_is_tried_again_and_nothing_is_known_of_it(judged, price):
    found = judged({"update": [{"id": "iA", "price": price}, {"id": "iB"}]})[0]
    assert (found.name, found.lost) == ("retry", True)
    assert found.reason == f"price: sent '19.99', the answer has {price!r}"


@pytest.mark.parametrize(
    ("sent", "echoed", "same"),
    [
        (0, False, False), (1, True, False), (True, "parent", False), (True, True, True), (5, "5", True),
        (5, 5.0, True), ("", None, True), ("", "", True), ("00123", "123", False), ("1e2", "100", False),
        ("None", None, False), ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
    ],
)  # fmt: skip
def test_only_the_same_thing_is_an_echo(facts, made, sent, echoed, same):
    known = facts(echo=["x"])
    row = made("A", item={"id": "iA"})
    row.record["x"] = sent
    (found,) = outcomes(known, known.update[0], [row], answer_of({"update": [{"id": "iA", "x": echoed}]}))
    assert found.name == ("accepted" if same else "retry")


@pytest.mark.parametrize("code", ["gone", "exists"])
def test_ids_that_turn_out_wrong_are_dropped_and_looked_up_again(judged, code):
    found = judged({"update": [{"id": "iA", "error": {"code": code, "message": "m"}}, {"id": "iB"}]})[0]
    assert (found.name, found.stale) == ("retry", True)


@pytest.mark.parametrize("error", [{"message": "no code"}, {"code": "no_message"}, {"code": "", "message": ""}])
def test_an_error_of_any_form_is_no_acceptance(judged, error):
    assert names(judged({"update": [{"id": "iA", "error": error}, {"id": "iB"}]}))[0] == "rejected"


@pytest.mark.parametrize(("body", "name"), [({"price": "19.99"}, "accepted"), ({"error": {"code": "x"}}, "rejected")])
def test_a_request_of_one_record_is_judged_by_its_whole_body(facts, made, body, name):
    known = facts()
    row = made("A", {"price": "19.9900"}, item={"id": "7", "parent": "3"})
    assert names(outcomes(known, known.update[1], [row], answer_of(body))) == [name]


@pytest.mark.parametrize(
    ("error", "form", "name", "stale"),
    [
        (RejectError("no", status=400, code="bad"), 0, "rejected", False),
        (RejectError("no", status=400, code="gone"), 0, "retry", True),
        (RejectError("no", status=409, code="exists"), 0, "retry", True),
        (RejectError("no", status=404), 1, "retry", True),
        (RejectError("no", status=404), 0, "rejected", False),
    ],
)
def test_a_refused_request_says_whether_its_ids_are_good(facts, error, form, name, stale):
    known = facts()
    found = refused_whole(known, known.update[form], error)
    assert (found.name, found.stale) == (name, stale)


@pytest.fixture
def by_status(facts, made):
    """What is said of a record whose own status in the answer is this, beside what ``more`` it says."""

    def judge(status, **more):
        known = facts(status="answer.status", echo=[], conflict=["412"])
        rows = [made("A", {"price": "1.0000"}, item={"id": "iA"})]
        answer = answer_of({"update": [{"id": "iA", "status": status, **more}]})
        return outcomes(known, known.update[0], rows, answer)[0]

    return judge


@pytest.mark.parametrize(
    ("status", "name", "over"),
    [(200, "accepted", False), ("201", "accepted", False), (None, "accepted", False), (429, "retry", False),
     (500, "unknown", True), (503, "unknown", True), (422, "rejected", False), (412, "retry", False)],
)  # fmt: skip
def test_a_record_is_judged_by_its_own_status_where_it_has_one(by_status, status, name, over):
    found = by_status(status)
    assert (found.name, found.over) == (name, over)


@pytest.mark.parametrize(
    ("status", "code", "name", "stale"),
    [(404, "gone", "retry", True), (500, "exists", "retry", True), (404, "no", "rejected", False),
     (500, "no", "unknown", False), (429, "no", "retry", False)],
)  # fmt: skip
def test_a_code_that_is_known_says_more_than_the_records_own_status(by_status, status, code, name, stale):
    found = by_status(status, error={"code": code, "message": "so it is"})
    assert (found.name, found.stale, found.reason) == (name, stale, f"{code}: so it is")


def test_a_status_that_is_well_does_not_hide_what_the_platform_took_instead(facts, made):
    known = facts(status="answer.status", error=None, code=None)
    rows = [made("A", {"price": "19.9900"}, item={"id": "iA"})]
    answer = answer_of({"update": [{"id": "iA", "status": 200, "price": "1"}]})
    (found,) = outcomes(known, known.update[0], rows, answer)
    assert (found.name, found.lost) == ("retry", True)


@pytest.mark.parametrize("content", [b"", b"OK", b'{"question": true}'])
@pytest.mark.parametrize("answers", ["status", "body"])
def test_what_is_answered_to_an_action_says_nothing_of_its_record(facts, made, content, answers):
    form = {"post": "/items/{binding.id}/publish", "record": {}, "answers": answers}
    known = facts(update=[form])
    row = made("A", item={"id": "iA"}, with_facts=known)
    row.acts = True
    (found,) = outcomes(known, known.update[0], [row], replace(answer_of(None), content=content))
    assert found.name == "accepted"


def test_what_was_not_sent_is_no_echo(facts, made):
    known = facts()
    rows = [made("A", {"title": "Cup"}, item={"id": "iA"})]
    answer = answer_of({"update": [{"id": "iA", "price": "19.99"}]})
    assert names(outcomes(known, known.update[0], rows, answer)) == ["accepted"]
