"""Where each change is delivered, the next one of a key goes as soon as the one before was taken."""

import json
from collections import defaultdict

import orjson
import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.changes import arrive, claiming, notes
from pullpush_dagster.config import Pull
from pullpush_dagster.push import Pusher, plan
from pullpush_dagster.transport import Client

EXPIRED = "UPDATE outbox SET leaseUntil = TIMESTAMPTZ '2020-01-01' WHERE state = 'claimed'"


class Dead(BaseException):
    """The process is gone: it does nothing more, and writes nothing."""


@pytest.fixture
def push(pushing, shop, once):
    """Two products that are bound, with price 0, of which nothing is to be sent."""
    made = pushing(deliver="every")

    def bind():
        shop.items |= {"7": {"sku": "A"}, "8": {"sku": "B"}}
        made.pull({"sku": "A", "title": "cup", "price": 0}, {"sku": "B", "title": "pot", "price": 0})
        made.send()
        return shop.items

    shop.items = once("bound", bind)
    shop.writes.clear()
    return made


@pytest.fixture
def piled(push, once):
    """Their prices went from 1 to 3 since."""

    def pile():
        for price in (1, 2, 3):
            push.pull({"sku": "A", "price": price}, {"sku": "B", "price": price})

    once("piled", pile)
    return push


@pytest.fixture
def answering(platform, shop):
    """The shop answers to a write what ``sees`` says of its records; None: what it always does."""

    def route(sees):
        def answer(seen):
            if seen.method == "GET":
                return shop(seen)
            ((_, records),) = json.loads(seen.body).items()
            return sees(records) or shop(seen)

        platform.route(answer)

    return route


@pytest.fixture
def dies(piled, monkeypatch):
    """The process dies when a price is sent: once the shop has it, or before."""

    def die(price, *, after):
        whole, dying = Client.send, []

        async def send(client, request, values, body, **more):
            dying.append(f'"{price}"' in orjson.dumps(body).decode())
            if dying[-1] and not after:
                raise Dead
            answer = await whole(client, request, values, body, **more)
            if dying[-1]:
                raise Dead
            return answer

        def turn(pusher, *given):
            if dying and dying[-1]:
                raise Dead
            return to_the_store(pusher, *given)

        with monkeypatch.context() as until_then:
            to_the_store = Pusher.turn
            until_then.setattr(Client, "send", send)
            until_then.setattr(Pusher, "turn", turn)
            with pytest.raises(Dead):
                piled.send()

    return die


def sent(shop):
    """Item -> the prices that it got, in order."""
    found = defaultdict(list)
    for one in shop.writes:
        found[one["id"]].append(one["price"])
    return dict(found)


def noted(push):
    return [file.stem for file in push.pusher.store.notes.glob("*")]


def test_all_changes_of_a_key_go_in_one_claim_one_after_the_other(piled, shop, platform):
    before = len(platform.requests)
    assert piled.send() == {"A": "accepted", "B": "accepted"}
    assert sent(shop) == {"7": ["1", "2", "3"], "8": ["1", "2", "3"]}
    assert len(platform.requests) - before == 3, "a key once per batch"
    assert piled.rows("SELECT count(*), count(DISTINCT claim) FROM receipts WHERE sequence > 2") == [(6, 1)]


def test_when_all_is_delivered_nothing_is_left_of_it_but_receipts(piled):
    piled.send()
    assert (piled.rows("FROM outbox"), piled.rows("FROM behind"), noted(piled)) == ([], [], [])
    accepted = [json.loads(fields) for (fields,) in piled.rows("SELECT fields FROM accepted ORDER BY key")]
    assert accepted == [{"title": "cup", "price": "3.0000"}, {"title": "pot", "price": "3.0000"}]


def test_a_long_history_takes_several_claims(push, shop, monkeypatch):
    monkeypatch.setattr(claiming, "_MOST_BEHIND", 2)
    for price in range(1, 8):
        push.pull({"sku": "A", "price": price})
    push.send()
    assert sent(shop) == {"7": [str(price) for price in range(1, 8)]}
    assert push.rows("SELECT count(DISTINCT claim) FROM receipts WHERE sequence > 2") == [(3,)]


def test_what_came_meanwhile_goes_after_what_was_claimed(piled, shop, answering):
    def see(records):
        if len(shop.writes) < 2:
            piled.pull({"sku": "A", "price": 4})
            piled.pusher.arrive()

    answering(see)
    piled.send()
    assert sent(shop)["7"] == ["1", "2", "3", "4"]


@pytest.mark.parametrize(("refused", "went"), [("1", []), ("2", ["1"]), ("3", ["1", "2"])])
def test_what_follows_a_refused_change_waits_behind_it(piled, shop, answering, refused, went):
    answering(lambda records: JSONResponse({"update": [
        {"id": one["id"], "error": {"code": "bad", "message": "no"}} if (one["id"], one["price"]) == ("7", refused)
        else shop._written(dict(one)) for one in records]}))  # fmt: skip
    assert piled.send() == {"A": "rejected", "B": "accepted"}
    ((key, state, desired),) = piled.rows("SELECT key, state, desired FROM outbox")
    assert (json.loads(key), state, json.loads(desired)) == ({"sku": "A"}, "dead", {"price": f"{refused}.0000"})
    behind = piled.rows("SELECT desired FROM behind ORDER BY sequence")
    assert [json.loads(one)["price"] for (one,) in behind] == [f"{price}.0000" for price in range(int(refused) + 1, 4)]
    ((accepted,),) = piled.rows("SELECT fields FROM accepted WHERE key LIKE '%A%'")
    assert json.loads(accepted) == {"title": "cup", "price": f"{went[-1] if went else 0}.0000"}


@pytest.mark.parametrize("lost", ["1", "2"])
def test_of_a_change_whose_answer_was_lost_nothing_is_taken_for_known(push, shop, answering, lost):
    # given: its three quick attempts are over, and the platform may have it or not
    push.pull({"sku": "A", "title": "mug", "price": 1})
    push.pull({"sku": "A", "price": 2})
    answering(lambda records: JSONResponse({}, 500) if records[0]["price"] == lost else None)
    # when
    assert push.send() == {"A": "unknown"}
    # then
    ((accepted,),) = push.rows("SELECT fields FROM accepted WHERE key LIKE '%A%'")
    assert json.loads(accepted) == ({} if lost == "1" else {"title": "mug"})
    answering(lambda _: None)
    push.send()
    assert sent(shop)["7"] == ["1", "2"]


@pytest.mark.parametrize(("status", "outcome"), [(400, "rejected"), (429, "retry")])
def test_of_a_change_that_went_again_without_an_answer_nothing_is_taken_for_known(push, answering, status, outcome):
    push.pull({"sku": "A", "price": 1})
    # when: the platform may have done it at first, and does not do it again
    replies = iter([JSONResponse({}, 500), JSONResponse({}, status, {"Retry-After": "300"})])
    answering(lambda _: next(replies, None))
    assert push.send() == {"A": outcome}
    # then
    ((accepted,),) = push.rows("SELECT fields FROM accepted WHERE key LIKE '%A%'")
    assert json.loads(accepted) == {"title": "cup"}


def test_a_failed_request_goes_again_without_a_new_claim_and_every_attempt_has_its_receipt(piled, shop, answering):
    fails = iter([True, False, True, True])
    answering(lambda _: JSONResponse({}, 500) if next(fails, False) else None)
    assert piled.send() == {"A": "accepted", "B": "accepted"}
    assert sent(shop)["7"] == ["1", "2", "3"]
    told = piled.rows(
        "SELECT attempt, outcome FROM receipts WHERE key LIKE '%A%' AND sequence > 2 ORDER BY sequence, attempt"
    )
    assert told == [
        (1, "unknown"),
        (2, "accepted"),
        (1, "unknown"),
        (2, "unknown"),
        (3, "accepted"),
        (1, "accepted"),
    ]
    assert piled.rows("SELECT count(DISTINCT claim) FROM receipts WHERE sequence > 2") == [(1,)]


def test_a_record_that_its_answer_does_not_name_goes_again_without_a_new_claim(piled, shop, answering):
    forgets = iter([True])
    answering(lambda _: JSONResponse({"update": []}) if next(forgets, False) else None)
    assert piled.send() == {"A": "accepted", "B": "accepted"}
    assert piled.rows("SELECT count(DISTINCT claim) FROM receipts WHERE sequence > 2") == [(1,)]


def test_after_three_attempts_a_request_waits_its_turn_in_the_outbox_with_those_counted(piled, answering):
    answering(lambda _: JSONResponse({}, 500))
    assert piled.send() == {"A": "unknown", "B": "unknown"}
    assert set(piled.rows("SELECT state, attempts >= 3, claim FROM outbox")) == {("due", True, None)}


def test_a_request_that_the_platform_had_no_time_for_was_no_attempt(piled, answering):
    busy = iter([True])
    answering(lambda _: JSONResponse({}, 429, {"Retry-After": "0.3"}) if next(busy, False) else None)
    for _ in range(2):
        piled.send()
    assert piled.rows("SELECT DISTINCT attempt FROM receipts WHERE outcome = 'accepted' AND sequence > 2") == [(1,)]


@pytest.mark.parametrize(("price", "after"), [("1", True), ("2", True), ("2", False), ("3", True)])
def test_a_process_that_dies_leaves_nothing_that_would_go_back_to_an_older_value(piled, shop, dies, price, after):
    # when
    dies(price, after=after)
    piled.rows(EXPIRED)
    # then: what was taken last may go once more, nothing before it
    piled.send()
    expected = sorted(["1", "2", "3", *([price] if after else [])])
    assert sent(shop) == {"7": expected, "8": expected}
    told = piled.rows("SELECT DISTINCT sequence, outcome FROM receipts WHERE outcome = 'accepted' AND key LIKE '%A%'")
    assert len(told) == 4


def test_what_a_dead_process_had_noted_has_one_receipt_that_says_so(piled, dies):
    dies("3", after=True)
    piled.rows(EXPIRED)
    for _ in range(2):
        piled.pusher.arrive()
    told = "SELECT count(*) FROM receipts WHERE sequence > 2 AND reason LIKE 'noted%' AND key LIKE '%A%'"
    assert piled.rows(told) == [(2,)]
    assert piled.rows("SELECT state, tried, count(*) FROM outbox GROUP BY ALL") == [("due", True, 2)]


def test_notes_are_kept_while_their_claim_holds_a_key_and_swept_afterwards(piled, dies):
    dies("2", after=True)
    piled.pusher.arrive()
    assert len(noted(piled)) == 1, "its lease is not over"
    piled.rows(EXPIRED)
    piled.pusher.arrive()
    piled.pusher.arrive()
    assert noted(piled) == []


def test_to_plan_what_would_be_sent_heeds_notes_and_uses_none_up(piled, shop, dies):
    dies("3", after=False)
    piled.rows(EXPIRED)
    for _ in range(2):
        assert [one.fields["price"][1] for one in plan(piled.pusher, limit=9).records] == ["3.0000"] * 2
    piled.send()
    assert sent(shop)["7"] == ["1", "2", "3"]


@pytest.mark.parametrize("last", [True, False], ids=["as the process died", "by a full disk, and others came after it"])
def test_a_note_that_is_cut_was_never_relied_on(piled, shop, dies, last):
    dies("2", after=False)
    (file,) = piled.pusher.store.notes.iterdir()
    whole, cut = file.read_bytes(), file.read_bytes()[:-5]
    file.write_bytes(whole + cut if last else cut + whole)
    piled.rows(EXPIRED)
    piled.send()
    assert sent(shop)["7"] == ["1", "2", "3"]


def test_where_no_note_can_be_written_what_follows_is_not_sent(piled, shop):
    folder = piled.pusher.store.notes
    folder.write_text("in the way")
    with pytest.raises(FileExistsError):
        piled.send()
    assert sent(shop) == {"7": ["1"], "8": ["1"]}
    assert set(piled.rows("SELECT state, sequence > 4 FROM outbox")) == {("due", True)}
    folder.unlink()
    piled.send()
    assert sent(shop)["7"] == ["1", "2", "3"]


def test_where_only_the_newest_is_delivered_nothing_is_noted(pushing, shop, monkeypatch):
    monkeypatch.setattr(notes, "sync_names", None)
    shop.items["7"] = {"sku": "A"}
    push = pushing()
    for price in range(3):
        push.pull({"price": price})
    assert push.send() == {"A": "accepted"}
    assert sent(shop) == {"7": ["2"]}


def test_a_refusal_before_its_lease_ends_does_not_undo_what_a_dead_process_had_noted(piled, shop, dies, store):
    # given: a second source means the same key
    product, other = ENTITIES["product"], Pull(connection="erp2", entity="product")
    with store.session() as con:
        arrive(con, piled.pusher.push, product, other)
    dies(3, after=True)
    with store.session() as con:
        con.execute(
            "INSERT INTO changes (connection, name, sequence, op, key, fields, after, cleared) VALUES"
            " ('erp2', 'product', 1, 'insert', '{\"sku\":\"A\"}', ['price'], '{\"price\":\"9.0000\"}', [])"
        )
        con.execute("INSERT INTO counters (name, value) VALUES ('sequence erp2/product', 1)")
        arrive(con, piled.pusher.push, product, other)
    # when
    piled.rows(EXPIRED)
    piled.send()
    # then
    prices = sent(shop)["7"]
    assert prices == sorted(prices)


def test_what_follows_a_change_that_was_refused_before_was_not_refused_itself(push, answering):
    # given: the first one went again as another request than the one that was refused
    push.pull({"sku": "A", "price": 1})
    push.pull({"sku": "A", "price": 2})
    push.pusher.arrive()
    push.rows("UPDATE outbox SET refusals = 1")
    # when
    answering(lambda records: JSONResponse({}, 500) if records[0]["price"] == "2" else None)
    push.send()
    # then
    assert push.rows("SELECT refusals FROM outbox") == [(0,)]


def test_what_stands_where_its_claim_failed_is_its_own_sources(piled, answering):
    # given: what waits is of another source key than the letter before it, which goes again
    piled.pusher.arrive()
    piled.rows("UPDATE behind SET source = 'erp2/product B'")
    # when
    answering(lambda records: JSONResponse({}, 400) if records[0]["price"] == "2" else None)
    piled.send()
    # then
    assert piled.rows("SELECT DISTINCT source FROM outbox") == [("erp2/product B",)]


def test_a_note_is_nothing_to_a_key_that_another_claim_holds_by_now(piled, dies):
    dies("2", after=True)
    piled.rows("UPDATE outbox SET claim = 'another' WHERE key LIKE '%A%'")
    piled.rows(f"{EXPIRED} AND claim <> 'another'")
    held = "SELECT claim, sequence, state FROM outbox WHERE key LIKE '%A%'"
    before = piled.rows(held)
    piled.pusher.arrive()
    assert piled.rows(held) == before


def test_of_what_a_dead_process_had_noted_the_newest_says_what_the_shop_has(push, dies):
    for change in ({"title": "mug"}, {"title": "mug", "price": 5}, {"title": "jug", "price": 5}, {"price": 6}):
        push.pull({"sku": "A", **change})
    dies("6", after=False)
    push.rows(EXPIRED)
    push.pusher.arrive()
    ((accepted,),) = push.rows("SELECT fields FROM accepted WHERE key LIKE '%A%'")
    assert json.loads(accepted) == {"title": "jug"}


def test_what_was_noted_of_a_key_ends_no_other(push, dies):
    push.pull({"sku": "A", "price": 1}, {"sku": "B", "price": 1})
    push.pull({"sku": "A", "price": 2}, {"sku": "B", "price": 1})
    dies("2", after=False)
    push.rows(EXPIRED)
    push.pusher.arrive()
    assert push.rows("SELECT key, state FROM outbox ORDER BY key") == [('{"sku":"A"}', "due"), ('{"sku":"B"}', "due")]


OF_Z = "INSERT INTO {0} BY NAME SELECT * REPLACE ('{{\"sku\":\"Z\"}}' AS key{1}) FROM {0} WHERE key LIKE '%A%'"


def test_what_was_noted_of_a_key_passes_over_nothing_of_another(piled, dies):
    # given: another one has two changes behind a letter
    piled.pusher.arrive()
    piled.rows(OF_Z.format("outbox", ", 'dead' AS state"))
    piled.rows(OF_Z.format("behind", ""))
    # when
    dies("3", after=False)
    piled.rows(EXPIRED)
    piled.pusher.arrive()
    # then
    assert piled.rows("SELECT count(*) FROM behind WHERE key LIKE '%Z%'") == [(2,)]


def test_a_change_of_another_key_with_the_same_number_is_no_second_receipt_of_what_was_noted(piled, dies):
    dies("2", after=True)
    piled.rows(EXPIRED)
    piled.rows(OF_Z.format("outbox", ", 'due' AS state, NULL AS claim"))
    piled.pusher.arrive()
    told = "SELECT count(*) FROM receipts WHERE reason LIKE 'noted%' AND key LIKE '%A%'"
    assert piled.rows(told) == [(1,)]
