"""A customer who is not there is made once, whichever claim, push or process needs it, and whatever is answered."""

import asyncio
import datetime as dt

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.changes.made import Made, begin, note
from pullpush_dagster.push import sending
from pullpush_dagster.push.making import Making, UnsettledError

ZOE = {"zoe@x.example": {"name": "Zoë", "email": "Zoe@x.example"}}
SETTLE = 60.0


def ago(seconds):
    return dt.datetime.now(dt.UTC) - dt.timedelta(seconds=seconds)


@pytest.fixture
def make(tiny, erp, order_facts, store):
    """Makes Zoë, whom a look-up of so many seconds ago did not find; gives what is now there of her."""
    customer = order_facts().references["customer"]

    def ask(asked=0.0):
        async def run():
            async with tiny.client() as client:
                return await Making(client, store, SETTLE).made("customer", customer, ZOE, ago(asked))

        return asyncio.run(run())["zoe@x.example"]

    return ask


@pytest.fixture
def noted(store):
    """Lets the store have a note of Zoë; without one, gives what it has: her id, and seconds until that settles."""

    def noted(*made):
        with store.session() as con:
            if made:
                note(con, "tiny", "customer", {"zoe@x.example": Made(*made)})
            rows = con.execute("SELECT id, settlesAt FROM made").fetchall()
        return [(id_, round(-(ago(0) - at).total_seconds(), -1)) for id_, at in rows]

    return noted


# In one run.


def slow(erp, platform, path):
    """The same ERP, which takes half a second to begin what is asked of it there."""

    def route(seen):
        async def slowly(scope, receive, send):
            await asyncio.sleep(0.5)
            await erp(seen)(scope, receive, send)

        return slowly if seen.path == path else erp(seen)

    platform.route(route)


def test_orders_of_two_claims_make_their_one_new_customer_once(orders, erp, native, platform, monkeypatch):
    monkeypatch.setattr(sending, "_SMALLEST_CLAIM", 10)
    slow(erp, platform, "/people/create")
    push = orders()
    push.pull(*(native.order(f"{n:03}") for n in range(20)))
    assert set(push.send(1.0).values()) == {"accepted"}
    assert [one["email"] for one in erp.people.values()] == ["Zoe@x.example"]


def test_the_next_order_waits_as_well_for_a_customer_whose_making_was_not_answered(orders, erp, native):
    """What stands before the ERP gives up; the ERP is at it still."""
    push = orders(settle=600.0)
    erp.instead["/people/create"] = Response(status_code=504)
    for number in ("1", "2"):
        push.pull(native.order(number))
        assert push.send(due=False) == {f"shop:{number}": "retry"}
    assert erp.asked.count("/people/create") == 1
    assert push.rows("SELECT count(*) FROM outbox WHERE dueAt > now() + INTERVAL 500 SECOND") == [(2,)]


# By what others have noted.


def test_one_that_was_just_made_need_not_be_found_to_be_used(make, erp):
    assert [make(), make()] == [["30"], ["30"]]
    assert erp.asked == ["/people/create"]


def test_what_an_older_look_up_did_not_find_may_have_settled_since(make, noted, erp):
    noted("30", ago(5.0))
    assert make(asked=10.0) == ["30"]
    assert erp.asked == []


def test_one_that_has_settled_and_is_not_found_is_made(make, noted, erp):
    noted(None, ago(5.0))
    assert make() == ["30"]
    assert noted() == [("30", SETTLE)]


@pytest.mark.parametrize(("left", "due_in"), [(20.0, 20.0), (500.0, SETTLE)])
def test_one_that_somebody_else_is_making_is_asked_for_again_when_that_may_show(make, noted, erp, left, due_in):
    noted(None, ago(-left))
    waits = make()
    assert isinstance(waits, UnsettledError)
    assert waits.due_in == pytest.approx(due_in, abs=5.0)
    assert erp.asked == []


def test_of_two_that_begin_only_one_makes_it(store):
    found = []
    for _ in range(2):
        with store.session() as con:
            found.append(list(begin(con, "tiny", "customer", ["zoe"], ago(0.0), ago(-600.0))))
    assert found == [[], ["zoe"]]


def test_what_settled_days_ago_is_not_kept(make, noted, store, erp):
    with store.session() as con:
        note(con, "tiny", "customer", {"al@x.example": Made("7", ago(200_000.0))})
    make()
    assert noted() == [("30", SETTLE)]


# What is noted.


def test_it_is_noted_before_it_is_asked_for(make, noted, erp, platform):
    seen = []
    platform.route(lambda asked: (seen.append(noted()), erp(asked))[1])
    make()
    assert seen == [[(None, 600.0)]]


@pytest.mark.parametrize("answer", [Response(status_code=504), Response(""), JSONResponse([])])
def test_without_an_answer_that_names_it_it_is_not_made_again(make, noted, erp, answer):
    erp.after["/people/create"] = answer
    make()
    assert noted() == [(None, SETTLE)]
    assert isinstance(make(), UnsettledError)
    assert erp.asked.count("/people/create") == 1


@pytest.mark.parametrize("status", [422, 429])
def test_one_that_was_refused_may_be_made_at_once(make, noted, erp, status):
    erp.instead["/people/create"] = Response(status_code=status)
    make()
    assert noted() == []
    erp.instead.clear()
    assert make() == ["30"]


def test_what_never_reached_it_may_be_made_at_once(tiny, make, noted):
    tiny.url = "http://127.0.0.1:9"
    make()
    assert noted() == []


def test_none_is_sent_when_it_is_about_to_be_anothers_to_make(make, noted, erp, monkeypatch):
    monkeypatch.setattr("pullpush_dagster.push.making._LEASE", dt.timedelta(minutes=1))
    assert str(make()).startswith("not made")
    assert (erp.asked, noted()) == ([], [])
