"""The next step of an order: created, written, led to its state, or none, and why."""

import pytest

from pullpush_dagster.connectors.loading import load_connector
from pullpush_dagster.push.native import Item
from pullpush_dagster.push.steps import Ended, Step, next_step

IDS = {"id": "10"}


@pytest.fixture
def step(order_facts, stored):
    """The next step of an order of which ``desired`` is to be sent and whose item is in ``state`` (None: no item)."""

    def next_(desired, state="draft", accepted=None, item=None, **parts):
        there = None if state is None else Item(IDS, {"id": 10, "state": state, "currency": "EUR", **(item or {})})
        row = stored.claimed(desired, accepted, IDS if there else None)
        return next_step(order_facts(**parts), stored.entity, row, there, "erp")

    return next_


def path(found):
    return found.form.path, found.more, found.acts


# Not there.


def test_what_is_not_there_is_created_and_then_read(step):
    assert path(step({"status": "paid"}, None)) == ("/orders/create", True, False)


def test_where_nothing_is_read_a_creation_is_all(step):
    found = step({"status": "paid"}, None, read=None, lines=None, actions=None, agree={})
    assert path(found) == ("/orders/create", False, False)


def test_what_cannot_be_created_is_waited_for(step):
    assert step({"status": "paid"}, None, create=None) == Ended("waiting", "erp has no such item")


@pytest.mark.parametrize("status", ["cancelled", "failed"])
def test_what_is_not_wanted_there_is_not_created(step, status):
    assert step({"status": status}, None) == Ended("skipped", f"not put into erp while its status is {status}")


@pytest.mark.parametrize(("status", "skipped"), [("paid", False), ("failed", True), (None, True)])
def test_nothing_known_may_be_a_reason_not_to_create(step, status, skipped):
    create = {"post": "/new", "record": {"n": "{note}"}, "unless": {"status": ["failed", ""]}}
    assert isinstance(step({"status": status, "note": "x"}, None, create=create), Ended) is skipped


@pytest.mark.parametrize(
    ("known", "said"),
    [
        ({"status": "failed", "note": "x"}, "status is failed"),
        ({"status": "paid"}, "status is paid and note is not known"),
        ({"status": "paid", "note": False}, "status is paid and note is not known"),
        ({"status": "paid", "note": "x"}, None),
        ({"status": "pending"}, None),
    ],
)
def test_any_of_several_reasons_is_one_not_to_create(step, known, said):
    create = {
        "post": "/new",
        "record": {"n": "{note}"},
        "unless": [{"status": "failed"}, {"status": "paid", "note": ""}],
    }
    found = step(known, None, create=create)
    assert (found.reason if isinstance(found, Ended) else None) == (said and f"not put into erp while its {said}")


@pytest.mark.parametrize("name", ["woocommerce", "magento", "salesforce", "sap_s4", "linnworks", "shipstation"])
def test_an_order_whose_lines_are_unknown_is_not_put_where_they_cannot_follow(stored, name):
    facts = load_connector(name).push("order")
    known = {"status": "paid", "totalAmount": "7.0000"}
    found = next_step(facts, stored.entity, stored.claimed(known), None, "shop")
    assert found == Ended("skipped", "not put into shop while its lineItems is not known")
    lines = {"lineItems": [stored.row()]}
    assert isinstance(next_step(facts, stored.entity, stored.claimed(known | lines), None, "shop"), Step)


def test_one_request_for_both_is_a_whole_creation(step):
    upsert = {"put": "/orders", "record": {"n": "{note}"}}
    alone = {"create": None, "update": [], "lines": None, "actions": None}
    assert path(step({"note": "x"}, None, upsert=upsert, **alone)) == ("/orders", False, False)
    found = step({"note": "x"}, "draft", upsert=upsert, **alone)
    assert (path(found), found.fields) == (("/orders", False, False), None)


def test_what_is_only_ever_created_is_no_step_once_it_is_there(step):
    parts = {"update": [], "create_only": True, "lines": None, "actions": None, "references": {},
             "create": {"post": "/new", "record": {"n": "{note}"}}}  # fmt: skip
    assert path(step({"note": "x"}, None, **parts)) == ("/new", True, False)
    assert step({"note": "x"}, "draft", **parts) == Ended("skipped", "nothing that erp can be sent differs")


# There.


def test_what_differs_is_written_before_the_state_is_reached(step):
    assert path(step({"status": "paid", "lineItems": []})) == ("/orders/write", True, False)


def test_new_rows_are_read_after_they_are_written(step):
    assert path(step({"lineItems": []})) == ("/orders/write", True, False)


def test_a_state_is_reached_by_its_action_and_read_after_it(step):
    assert path(step({"status": "paid"})) == ("/orders/confirm", True, True)


@pytest.mark.parametrize(("status", "state"), [("pending", "draft"), ("paid", "sale"), ("cancelled", "cancel")])
def test_a_state_that_is_reached_is_accepted_without_a_request(step, status, state):
    assert step({"status": status}, state) == Ended("accepted", f"it is {state} there", {"status": status})


@pytest.mark.parametrize(
    ("status", "state"), [("pending", "sale"), ("paid", "cancel"), ("paid", "done"), ("cancelled", "done")]
)
def test_a_state_that_cannot_be_reached_from_there_is_rejected_with_both_named(step, status, state):
    said = f"it is {state} in erp, from where {status} cannot be reached"
    assert step({"status": status}, state) == Ended("rejected", said)


def test_a_state_the_platform_has_no_word_for_is_skipped(step):
    assert step({"status": "refunded"}) == Ended("skipped", "erp has nothing that means refunded")


def test_a_state_that_was_accepted_before_is_not_reached_again(step):
    found = step({"status": "paid"}, "draft", {"status": "paid"})
    assert found == Ended("skipped", "nothing that erp can be sent differs")


@pytest.mark.parametrize("desired", [{"status": False}, {"customer": {"email": "a@b"}}, {"note": "x"}])
def test_what_the_platform_cannot_be_sent_is_no_step(step, desired):
    assert step(desired) == Ended("skipped", "nothing that erp can be sent differs")


def test_a_list_that_cannot_be_emptied_there_does_not_keep_the_state_back(step):
    assert path(step({"status": "paid", "lineItems": False})) == ("/orders/confirm", True, True)


def test_a_state_that_is_a_yes_or_no_is_told_as_json_tells_it(step):
    actions = {"field": "status", "state": "item.active", "to": {"paid": {"is": True}}}
    assert step({"status": "paid"}, item={"active": True}, actions=actions).outcome == "accepted"
    assert step({"status": "paid"}, item={"active": False}, actions=actions).outcome == "rejected"


# What must be the same.


def test_an_item_that_does_not_agree_is_rejected_with_both_values(step):
    found = step({"currency": "USD", "status": "paid"})
    assert found == Ended("rejected", "currency is USD, and EUR in erp")


@pytest.mark.parametrize("currency", ["EUR", None, False])
def test_what_agrees_or_is_unknown_is_no_hindrance(step, currency):
    assert path(step({"currency": currency, "status": "paid"})) == ("/orders/confirm", True, True)


def test_what_the_platform_does_not_say_is_no_disagreement(step):
    assert path(step({"currency": "USD", "status": "paid"}, item={"currency": None})) == ("/orders/confirm", True, True)


def test_a_state_follows_on_whatever_was_written_before_it(step):
    noting = {"post": "/orders/note", "record": {"id": "{binding.id}", "n": "{note}"}}
    found = step({"status": "paid", "note": "x"}, update=[noting], lines=None)
    assert path(found) == ("/orders/note", True, False)


def test_rows_that_no_request_carries_are_no_step(step):
    noting = {"post": "/orders/note", "record": {"id": "{binding.id}", "n": "{note}"}}
    assert step({"lineItems": []}, update=[noting]) == Ended("skipped", "nothing that erp can be sent differs")
