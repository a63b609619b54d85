"""One request: its records in its body, the id by which a platform knows a repeat, and verdicts that come later."""

import asyncio
import json

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.connectors.write_model import Job
from pullpush_dagster.errors import UnavailableError
from pullpush_dagster.push.lanes import Lanes
from pullpush_dagster.push.requests import request_of, verdict
from tests.unit.push.conftest import answer_of, each

RECORD = {"id": "{binding.id}", "name": "{title}"}
ONE, TWO = {"id": "iA", "name": "A"}, {"id": "iB", "name": "B"}


@pytest.fixture
def asked(facts, made):
    """(values, body) of the request that carries ``skus`` in a form of these parts."""

    def make(*skus, settings=None, of=None, **form):
        known = facts(update=[{"post": "/batch", "record": RECORD, **form}], **(of or {}))
        rows = [made(sku, item={"id": f"i{sku}"}, with_facts=known) for sku in skus]
        _, values, body = request_of(known.update[0], rows[0].path, rows, settings or {})
        return values, json.loads(json.dumps(body))

    return make


# The body.


@pytest.mark.parametrize(
    ("form", "body"),
    [
        ({}, ONE),
        ({"at": "rows"}, {"rows": [ONE, TWO]}),
        ({"at": "input.items.rows"}, {"input": {"items": {"rows": [ONE, TWO]}}}),
        ({"at": "body"}, [ONE, TWO]),
        ({"into": "order"}, {"order": ONE}),
        ({"into": "data.order"}, {"data": {"order": ONE}}),
        ({"json": {"kind": "x"}}, {"kind": "x", **ONE}),
        ({"json": {"kind": "x", "input": {"now": True}}, "at": "input.rows"},
         {"kind": "x", "input": {"now": True, "rows": [ONE, TWO]}}),
        ({"json": {"kind": "x"}, "into": "order"}, {"kind": "x", "order": ONE}),
        ({"json": {"who": "{settings.who}", "none": "{settings.none}"}, "at": "rows"},
         {"who": "me", "rows": [ONE, TWO]}),
    ],
)  # fmt: skip
def test_records_go_where_the_form_says(asked, form, body):
    skus = "AB" if "at" in form else "A"
    assert asked(*skus, settings={"settings.who": "me"}, **form)[1] == body


def test_what_the_record_says_wins_over_the_rest_of_the_body(asked):
    assert asked("A", json={"name": "usual", "x": 1})[1] == {"name": "A", "x": 1, "id": "iA"}


def test_two_requests_of_one_form_share_no_body(asked):
    first = asked("A", json={"input": {"fixed": 1}}, at="input.rows")[1]
    assert asked("B", json={"input": {"fixed": 1}}, at="input.rows")[1] == {"input": {"fixed": 1, "rows": [TWO]}}
    assert first == {"input": {"fixed": 1, "rows": [ONE]}}


def test_the_rest_of_a_request_is_filled_with_what_its_records_share(facts, made):
    form = {"post": "/batch", "at": "rows", "record": RECORD, "headers": {"X-Parent": "{binding.parent}"},
            "json": {"parent": "{binding.parent}"}}  # fmt: skip
    known = facts(update=[form])
    row = made("A", item={"id": "iA", "parent": "9"}, with_facts=known)
    _, values, body = request_of(known.update[0], row.path, [row], {})
    assert (values["binding.parent"], body["parent"]) == ("9", "9")


def test_only_records_that_share_the_rest_of_a_request_share_the_request(tiny, facts, made, platform, echo):
    known = facts(update=[{"post": "/batch", "at": "rows", "record": RECORD, "query": {"shop": "{binding.parent}"},
                           "answers": "status"}])  # fmt: skip
    rows = [
        made(sku, item={"id": f"i{sku}", "parent": parent}, with_facts=known)
        for sku, parent in zip("ABC", "121", strict=True)
    ]
    seen = []

    async def go():
        async with tiny.client(destination=True) as client:
            lanes = Lanes(client, known, 1, lambda sent: seen.extend(each(sent)))
            lanes.add(rows)
            await lanes.ended()

    asyncio.run(go())
    told = sorted(
        (one.query["shop"], [row["name"] for row in json.loads(one.body)["rows"]]) for one in platform.requests
    )
    assert told == [("1", ["A", "C"]), ("2", ["B"])]
    assert [one.outcome.name for one in seen] == ["accepted"] * 3


# The id by which a repeat is known.

KEYED = {"headers": {"Idempotency-Key": "{idempotency}"}}


def keys(facts, made, *rows, form=None, batch=False, item=None):
    """What {idempotency} is for each of ``rows``, or for all of them in one request."""
    known = facts(update=[{"post": "/batch", "record": RECORD, **KEYED, **(form or {})}])
    given = [
        made(*row[:1], *row[1:2], item={"id": "7", **(item or {})}, with_facts=known, **dict(row[2:])) for row in rows
    ]
    batches = [given] if batch else [[one] for one in given]
    return [request_of(known.update[0], "/batch", some, {})[1]["idempotency"] for some in batches]


SAME = ("A", {"title": "Cup"})


def test_the_same_change_has_the_same_id_every_time(facts, made):
    one, two = keys(facts, made, SAME, SAME)
    assert one == two


@pytest.mark.parametrize(
    "other",
    [
        ("B", {"title": "Cup"}),
        ("A", {"title": "Mug"}),
        ("A", {"title": "Cup"}, ("sequence", 2)),
        ("A", {"title": "Cup"}, ("refusals", 1)),
    ],
    ids=["key", "value", "sequence", "refused"],
)
def test_another_change_has_another_id(facts, made, other):
    one, two = keys(facts, made, SAME, other)
    assert one != two


@pytest.mark.parametrize("more", [{"attempts": 3}, {"claim": "d"}, {"source": "other/product"}])
def test_a_change_that_is_tried_again_has_the_same_id(facts, made, more):
    one, two = keys(facts, made, SAME, (*SAME, *more.items()))
    assert one == two


@pytest.mark.parametrize("batch", [False, True])
def test_what_goes_to_another_item_has_another_id(facts, made, batch):
    rows = [SAME, ("B", {"title": "B"})]
    first, again, other = (
        keys(facts, made, *rows, form={"at": "rows"}, batch=batch, item=item)
        for item in ({}, {"level": "learned since"}, {"id": "8"})
    )
    assert first == again
    assert not {*first} & {*other}


def test_what_names_no_item_has_the_same_id_whichever_it_is(facts, made):
    form = {"record": {"sku": "{sku}", "name": "{title}"}}
    assert keys(facts, made, SAME, form=form) == keys(facts, made, SAME, form=form, item={"id": "8"})


def test_several_records_have_one_id_together(facts, made):
    form = {"at": "rows"}
    together, again, others = (
        keys(facts, made, *rows, form=form, batch=True)[0]
        for rows in ([SAME, ("B", {"title": "B"})], [SAME, ("B", {"title": "B"})], [SAME, ("B", {"title": "C"})])
    )
    assert together == again
    assert together != others
    assert together not in keys(facts, made, SAME, ("B", {"title": "B"}), form=form)


def test_several_records_one_of_which_was_refused_before_are_another_request(facts, made):
    form, more = {"at": "rows"}, ("B", {"title": "B"})
    first = keys(facts, made, SAME, more, form=form, batch=True)
    assert first != keys(facts, made, SAME, (*more, ("refusals", 1)), form=form, batch=True)


def test_a_record_has_the_id_of_its_change_as_the_request_does(facts, made):
    known = facts(update=[{"put": "/items", "record": {**RECORD, "ref": "{idempotency}"}, **KEYED}])
    row = made("A", item={"id": "7"}, with_facts=known)
    assert row.record["ref"] == request_of(known.update[0], "/items", [row], {})[1]["idempotency"]


# Verdicts that come later.

JOB = {"get": "/jobs/{job}", "id": "body.job", "state": "body.state", "running": ["new", "busy"], "failed": "broken",
       "every": 0.01, "most": 60}  # fmt: skip


@pytest.fixture
def ruled(tiny, platform):
    """The verdict on a queued request; ``answers``: what the questions for it are answered, one after the other."""

    def ask(*answers, queued=None, headers=None, **job):
        platform.answer(*answers)

        async def go():
            async with tiny.client(tiny.connector(limits={"attempts": 2}), destination=True) as client:
                facts = Job.model_validate({**JOB, **job})
                return await verdict(
                    client, facts, answer_of({"job": 7} if queued is None else queued, 202, **(headers or {}))
                )

        return asyncio.run(go()).body

    return ask


def state(said, **more):
    return JSONResponse({"state": said, **more})


def test_a_verdict_is_waited_for(ruled, platform):
    assert ruled(state("new"), state("busy"), state("done", rows=[1])) == {"state": "done", "rows": [1]}
    assert [seen.path for seen in platform.requests] == ["/jobs/7"] * 3


def test_a_job_may_be_named_by_an_address(ruled, platform):
    ruled(state("done"), id="header.location", headers={"location": "https://h/v1/jobs/a%20b"})
    assert platform.requests[0].target == "/jobs/a%20b"


def test_one_of_several_that_is_still_running_is_waited_for(ruled, platform):
    rows = [JSONResponse({"rows": [{"s": one}, {"s": True}]}) for one in ("busy", False)]
    assert ruled(*rows, state="body.rows.*.s", running=["busy"])["rows"][0] == {"s": False}
    assert len(platform.requests) == 2


def test_one_of_several_that_does_not_say_how_far_it_is_is_waited_for(ruled, platform):
    rows = [JSONResponse({"rows": [{"s": "done"}, one]}) for one in ({}, {"s": None}, {"s": "done"})]
    assert ruled(*rows, state="body.rows.*.s", running=["busy"])["rows"][1] == {"s": "done"}
    assert len(platform.requests) == 3


@pytest.mark.parametrize("said", [True, "true"])
def test_a_state_may_be_a_yes(ruled, platform, said):
    ruled(state(said), state(False), running=True)
    assert len(platform.requests) == 2


def unknown(ruled, match, *answers, **how):
    with pytest.raises(UnavailableError, match=match) as error:
        ruled(*answers, **how)
    assert error.value.sent
    return error.value


def test_a_job_that_came_to_nothing_is_unknown_and_over(ruled):
    assert unknown(ruled, "the platform gave the request up: broken", state("broken")).over


@pytest.mark.parametrize("answer", [state("busy"), state(None), JSONResponse({}), JSONResponse([])])
def test_without_a_verdict_in_time_the_outcome_is_unknown(ruled, answer):
    assert not unknown(ruled, r"there was no verdict in 0\.2 s", answer, most=0.2).over


@pytest.mark.parametrize("rows", [[], None])
def test_a_list_of_states_with_nothing_in_it_is_no_verdict(ruled, rows):
    unknown(ruled, "there was no verdict", JSONResponse({"rows": rows}), state="body.rows.*.s", most=0.2)


@pytest.mark.parametrize("queued", [{"other": 1}, {"job": None}, []])
def test_a_request_that_is_queued_as_nothing_is_unknown(ruled, platform, queued):
    unknown(ruled, "the answer does not say as what", state("done"), queued=queued)
    assert platform.requests == []


@pytest.mark.parametrize(
    "answer",
    [
        Response("", 404),
        Response("", 401),
        Response("", 500),
        Response("", 429, {"retry-after": "0"}),
        Response("<html>"),
    ],
    ids=lambda one: f"{one.status_code}{bytes(one.body)}",
)
def test_a_question_that_is_not_answered_leaves_it_unknown(ruled, answer):
    unknown(ruled, "what became of the request cannot be asked", answer)


@pytest.mark.parametrize(("job", "name"), [("done", "accepted"), ("broken", "unknown"), ("busy", "unknown")])
def test_records_that_were_queued_are_judged_by_the_verdict(tiny, facts, made, platform, job, name):
    known = facts(
        update=[{"put": "/items/{binding.id}", "record": RECORD, "answers": "body.rows", "job": {**JOB, "most": 1}}],
        echo=[],
    )
    platform.route(lambda seen: state(job, rows={"id": 1}) if seen.method == "GET" else JSONResponse({"job": 7}, 202))
    seen = []

    async def go():
        async with tiny.client(destination=True) as client:
            lanes = Lanes(client, known, 1, lambda sent: seen.extend(each(sent)))
            lanes.add([made("A", item={"id": "7"}, with_facts=known)])
            await lanes.ended()

    asyncio.run(go())
    assert [one.outcome.name for one in seen] == [name]
    assert seen[0].sent_at is not None
