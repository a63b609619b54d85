"""A whole push against a tiny platform that holds items under their SKU."""

import asyncio
import json
import re
from contextlib import closing, contextmanager

import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.config import Project
from pullpush_dagster.errors import AuthError, ConfigError
from pullpush_dagster.push import Pusher, plan, sending
from pullpush_dagster.store import Store
from pullpush_dagster.transport.files import Files
from pullpush_dagster.transport.ledger import Ledger
from tests.unit.push.pushing.conftest import CREATE, PUSH


def test_an_existing_item_is_found_updated_and_bound(pushing, shop):
    shop.items["7"] = {"sku": "A", "title": "old"}
    push = pushing()
    push.pull({"title": "Cup", "price": 2})
    assert push.send() == {"A": "accepted"}
    assert shop.items == {"7": {"sku": "A", "title": "Cup", "price": "2"}}
    assert push.rows("SELECT id FROM bindings WHERE connection = 'shop'") == [("7",)]


def test_the_next_time_only_what_differs_is_sent_without_a_look_up(pushing, shop, platform):
    shop.items["7"] = {"sku": "A"}
    push = pushing()
    push.pull({"title": "Cup", "price": 2})
    push.send()
    platform.requests.clear()
    push.pull({"title": "Cup", "price": 3})
    push.send()
    assert shop.writes[-1] == {"id": "7", "price": "3"}
    assert [request.method for request in platform.requests] == ["POST"]


def test_a_missing_item_is_created_where_that_is_possible(pushing, shop):
    push = pushing(create=CREATE)
    push.pull({"title": "Cup"})
    assert push.send() == {"A": "accepted"}
    assert shop.items == {"n0": {"sku": "A", "title": "Cup"}}


def test_elsewhere_it_is_waited_for_and_sent_when_it_is_there(pushing, shop):
    push = pushing()
    push.pull({"title": "Cup"})
    assert push.send() == {"A": "waiting"}
    assert push.why() == [("waiting", "shop has no such item")]
    shop.items["7"] = {"sku": "A"}
    assert push.send() == {"A": "accepted"}


def test_what_is_not_wanted_there_is_skipped(pushing, shop):
    push = pushing(create={**CREATE, "unless": {"title": "Cup"}})
    push.pull({"title": "Cup"})
    assert (push.send(), shop.items) == ({"A": "skipped"}, {})


def test_a_key_that_two_items_have_is_rejected(pushing, shop):
    shop.items |= {"7": {"sku": "A"}, "8": {"sku": "A"}}
    push = pushing()
    push.pull({"title": "Cup"})
    assert push.send() == {"A": "rejected"}
    assert push.why() == [("dead", "2 items of shop have this key")]


@pytest.mark.parametrize("bad", [0, 4, 9])
def test_one_bad_record_does_not_sink_those_that_the_store_has_written_with_it(pushing, shop, platform, bad):
    # given: ten items that are bound, so that the store itself writes what is sent of them
    push = pushing()
    skus = [f"S{n}" for n in range(10)]
    shop.items |= {f"i{sku}": {"sku": sku} for sku in skus}
    push.pull(*({"sku": sku, "title": "old"} for sku in skus))
    push.send()
    # when: the platform refuses every request that has one of them in it
    push.pull(*({"sku": sku, "title": "bad" if n == bad else "new"} for n, sku in enumerate(skus)))
    before = len(platform.requests)

    def answer(seen):
        sunk = seen.method == "POST" and any(one.get("title") == "bad" for one in json.loads(seen.body)["update"])
        return JSONResponse({"error": {"message": "no"}}, 400) if sunk else shop(seen)

    platform.route(answer)
    outcomes = push.send()
    # then
    assert outcomes == {sku: "rejected" if n == bad else "accepted" for n, sku in enumerate(skus)}
    assert {item["title"] for id_, item in shop.items.items() if id_ != f"iS{bad}"} == {"new"}
    assert len(platform.requests) - before <= 2 * 4 + 1


def test_an_item_that_is_gone_is_looked_up_again_and_made_anew_with_all_that_is_known(pushing, shop):
    push = pushing(create=CREATE)
    push.pull({"title": "Cup", "price": 2})
    push.send()
    shop.items.clear()
    push.pull({"price": 3})
    push.send()
    push.send()
    assert push.rows("SELECT outcome FROM receipts ORDER BY answeredAt") == [("accepted",), ("retry",), ("accepted",)]
    assert list(shop.items.values()) == [{"sku": "A", "title": "Cup", "price": "3"}]


def test_a_value_the_look_up_refuses_is_rejected_alone(pushing, shop):
    shop.items["7"] = {"sku": "A"}
    push = pushing()
    push.pull({"title": "Cup"}, {"sku": "BAD", "title": "x"})
    shop.down = ("BAD", 400)
    assert push.send() == {"A": "accepted", "BAD": "rejected"}


def test_a_look_up_that_is_refused_gives_nothing_up(pushing, shop):
    push = pushing()
    push.pull({"title": "Cup"})
    shop.down = ("/items", 404)
    for _ in range(2):
        assert push.send() == {"A": "retry"}
    assert push.rows("SELECT state, attempts FROM outbox") == [("due", 0)]
    shop.down, shop.items["7"] = None, {"sku": "A"}
    assert push.send() == {"A": "accepted"}


def test_refused_credentials_stop_the_push_and_leave_everything_due(pushing, shop):
    push = pushing()
    push.pull({"title": "Cup"})
    shop.down = (None, 401)
    with pytest.raises(AuthError):
        push.send()
    assert push.rows("SELECT state, attempts FROM outbox") == [("due", 0)]


def test_a_store_that_is_busy_does_not_hide_why_a_push_broke_off(pushing, store, monkeypatch):
    push = pushing()
    monkeypatch.delenv("TINY_KEY")
    monkeypatch.setattr(store, "_wait", 0.05)
    with Store(store.path).session(), pytest.raises(ConfigError, match="TINY_KEY"):
        asyncio.run(push.pusher.send(lambda _: None))


def test_what_is_due_again_within_the_pushs_patience_is_sent_in_the_same_run(pushing, shop, platform):
    turns = iter([JSONResponse({}, 429)])
    platform.route(lambda seen: (seen.method == "POST" and next(turns, None)) or shop(seen))
    shop.items["7"] = {"sku": "A"}
    push = pushing()
    push.pusher.patience = 5.0
    push.pull({"title": "Cup"})
    assert push.send() == {"A": "accepted"}
    assert [outcome for (outcome,) in push.rows("SELECT outcome FROM receipts ORDER BY answeredAt")] == [
        "retry",
        "accepted",
    ]


@pytest.fixture
def down(pushing, shop, tiny):
    """A push of sixty known products, six requests of them, to a shop that has just stopped answering."""
    skus = [f"S{number}" for number in range(60)]
    shop.items |= {sku: {"sku": sku} for sku in skus}
    push = pushing()
    push.pull(*({"sku": sku, "title": "Cup"} for sku in skus))
    for sku in skus:
        push.rows(
            "INSERT INTO bindings (connection, entity, key, id, externalId, live, seenAt) VALUES "
            f"""('shop', 'product', '{{"sku":"{sku}"}}', '{sku}', '{{"id":"{sku}"}}', true, now())"""
        )
    tiny.root.joinpath("data").mkdir()
    shop.down = ("/batch", 500)
    push.send()
    return push


@contextmanager
def known(tiny):
    """What is known of the shop, to be changed."""
    with closing(Files(tiny.root / "data" / "limits" / "shop")) as files, Ledger(files).held() as state:
        yield state


def test_a_shop_that_does_not_answer_is_left_alone_by_the_next_run_too(down, platform, tiny):
    asked = len(platform.requests)
    with known(tiny) as state:
        assert state.openings == 1
        state.open = 60.0
    assert set(down.send().values()) == {"retry"}
    assert len(platform.requests) == asked
    (reason,) = {reason for _, reason in down.why()}
    why = r"the last: [^;]+; the next one goes out at .{8} UTC \(connection=shop\)"
    assert re.fullmatch(rf"not sent: 5 requests in a row had no answer, {why}", reason)
    states = down.rows("SELECT state, min(attempts) FROM outbox GROUP BY ALL")
    assert states == [("due", 0)], "what was not sent has worn nothing out"


def test_once_it_is_asked_again_and_answers_all_goes_out(down, shop, tiny):
    shop.down = None
    with known(tiny) as state:
        state.open = 0.0
    assert set(down.send().values()) == {"accepted"}


@pytest.mark.parametrize(("find", "most"), [(None, 2), (True, 12)])
def test_where_nobody_can_be_asked_few_keys_are_in_hand_at_once(pushing, shop, find, most):
    # A process that dies leaves those it holds to a person.
    push = pushing(create=CREATE, batch=1, **({} if find else {"find": None}))
    push.pull(*({"sku": f"S{n:02}", "title": "Cup"} for n in range(12)))
    push.pusher.arrive()
    told = []
    asyncio.run(push.pusher.send(told.append))
    in_hand = [int(claimed) - int(settled) for settled, claimed in re.findall(r"(\d+) of (\d+)", " ".join(told))]
    assert max(in_hand) <= most
    assert len(shop.items) == 12


def test_a_plan_sends_nothing_and_keeps_nothing(pushing, shop, platform):
    push = pushing()
    push.pull({"title": "Cup"})
    found = plan(push.pusher, limit=10)
    assert [(one.key, one.action, one.fields) for one in found.records] == [
        ('{"sku":"A"}', "look up", {"title": (None, "Cup")})
    ]
    assert (found.held, platform.requests) == ([], [])
    assert push.rows("SELECT * FROM outbox") == push.rows("SELECT * FROM positions") == []


def test_a_plan_of_some_keys_tells_how_many_are_due(pushing, shop):
    push = pushing()
    push.pull(*({"sku": sku, "title": "Cup"} for sku in "ABC"))
    for limit, looked_at in ((2, 2), (3, 3), (10, 3)):
        found = plan(push.pusher, limit=limit)
        assert (len(found.records), found.looked_at, found.due) == (looked_at, looked_at, 3)


def test_a_location_that_the_shop_does_not_have_is_rejected(store, source, tmp_path, monkeypatch, platform):
    for part, text in {
        "resources/erp.yaml": "connection: erp\nconnector: odoo\nsettings: {base_url: URL}\nsecrets: {api_key: K}",
        "resources/shop.yaml": "connection: shop\nconnector: woocommerce\nsettings: {base_url: URL}\n"
        "secrets: {key: K, secret: K}",
        "assets/defs.yaml": "type: pullpush_dagster.Pull\nattributes: {connection: erp, entity: stocklevel,"
        " partitions: {by: locationId, values: [WH]}}\n---\ntype: pullpush_dagster.Push\n"
        "attributes: {name: stock, from: erp/stocklevel, to: shop, mode: live}",
    }.items():
        (tmp_path / part).parent.mkdir(exist_ok=True)
        (tmp_path / part).write_text(text.replace("URL", platform.url))
    monkeypatch.setenv("K", "key")
    made = Project(tmp_path, tmp_path / "data")
    with store.session() as con:
        stock = source(scope="WH")
        stock.con = con
        stock([("A", "WH", 5)])
    pusher = Pusher(made, made.push("stock"), store, patience=0.0)
    pusher.arrive()
    assert list(asyncio.run(pusher.send(lambda _: None)).outcomes.values()) == ["rejected"]
    with store.session() as con:
        ((reason,),) = con.execute("SELECT reason FROM outbox").fetchall()
    assert reason.startswith("shop has only locationId default, not WH")


def test_what_orders_affect_is_told_to_the_stock_pushes_of_the_shop_they_came_from(store):
    made = Project.find()
    affected = Pusher(made, made.push("orders_to_erp"), store).affected
    assert affected.path == "lineItems.sku"
    assert affected.pushes == {"shop": ["stock_to_shop"], "outlet": ["stock_to_outlet"]}
    assert Pusher(made, made.push("stock_to_shop"), store).affected is None


@pytest.fixture
def answered(pushing, shop):
    """A push that settles after an hour, whose shop answers this status to a new title of item A."""
    shop.items["7"] = {"sku": "A", "title": "old"}
    push = pushing(settle=3600.0)
    push.pull({"title": "Cup"})
    push.send()
    push.pull({"title": "Mug"})

    def answer(status):
        shop.down = ("/batch", status)
        push.send()
        ((wait,),) = push.rows("SELECT epoch(dueAt - current_timestamp) FROM outbox")
        return wait

    return answer


def test_an_update_that_was_answered_500_is_over_and_goes_again_soon(answered):
    assert answered(500) < 60


@pytest.mark.parametrize("status", [502, 504])
def test_what_a_gateway_gave_up_may_still_come_so_it_is_waited_for(answered, status):
    assert answered(status) > 3000


def test_claims_grow_while_they_are_sent_in_no_time(pushing, shop, monkeypatch):
    monkeypatch.setattr(sending, "_SMALLEST_CLAIM", 2)
    monkeypatch.setattr(sending, "_CLAIM_SECONDS", 60.0)
    shop.items |= {str(n): {"sku": f"S{n}"} for n in range(14)}
    push = pushing(batch=1)
    push.pull(*({"sku": f"S{n}", "price": 1} for n in range(14)))
    assert set(push.send().values()) == {"accepted"}
    assert push.rows("SELECT count(*) FROM receipts GROUP BY claim ORDER BY 1") == [(2,), (4,), (8,)]


def test_an_item_is_found_whatever_the_case_of_its_sku_where_the_platform_knows_none(pushing, shop):
    shop.items["7"] = {"sku": "A"}
    push = pushing(find={**PUSH["find"], "query": {"sku": "A"}, "lowered": True})
    push.pull({"title": "Cup"})
    assert push.send() == {"A": "accepted"}


def test_what_was_to_go_again_soon_is_put_back_when_the_shop_refuses_us(pushing, shop, platform):
    shop.items |= {"7": {"sku": "A"}, "8": {"sku": "B"}}
    push = pushing(batch=1)
    for price in (1, 2):
        push.pull({"price": price}, {"sku": "B", "price": price})
        if price == 1:
            push.send()
    platform.route(lambda seen: JSONResponse({}, 500 if b'"7"' in seen.body else 401))
    with pytest.raises(AuthError):
        push.send()
    assert push.rows("SELECT DISTINCT state, claim FROM outbox") == [("due", None)]
