"""The rows of an order: new, changed, gone or as they were, each told from the others by what it is bound to."""

import pytest

from pullpush_dagster.errors import RejectError
from pullpush_dagster.push.making import MissingError
from pullpush_dagster.push.rows import bound_rows, entries, unbound

NEW = {"product": 1, "quantity": 2, "price": 3.3333}


def there(id_, product=1, quantity=2, price=3.3333, delivered=0):
    """A row as the ERP shows it."""
    return {"id": id_, "order": 10, "product": product, "quantity": quantity, "price": price, "delivered": delivered}


@pytest.fixture
def bind(order_facts, products):
    """Binds canonical rows to rows that are there, some of them bound before."""
    return lambda rows, here, **lines: bound_rows(
        order_facts().lines, {"lineItems": rows}, {"id": "10", "lines": lines}, here, products
    )


@pytest.fixture
def made(order_facts, products, stored):
    """What stands in the request for rows ``wanted``, of which ``before`` were accepted (None: it is not known)."""

    def make(wanted, here, bound, before=None):
        accepted = {} if before is None else {"lineItems": before}
        row = stored.claimed({"lineItems": wanted}, accepted, {"id": "10"})
        return entries(stored.entity, order_facts().lines, row, bound, here, products)

    return make


# Bound.


def test_rows_bound_before_stay_bound_whatever_their_order_and_product(bind, stored):
    rows = [stored.row("2", "B"), stored.row("1", "A")]
    assert bind(rows, [there(20, product=2), there(21, product=7)], **{"1": "20", "2": "21"}) == {"1": "20", "2": "21"}


def test_an_unbound_row_is_told_by_its_product(bind, stored):
    rows = [stored.row("1", "A"), stored.row("2", "B")]
    assert bind(rows, [there(20, product=2), there(21, product=1)]) == {"1": "21", "2": "20"}


def test_two_rows_of_one_product_are_told_by_their_order(bind, stored):
    rows = [stored.row("1", "A"), stored.row("2", "A")]
    assert bind(rows, [there(20), there(21)]) == {"1": "20", "2": "21"}


def test_a_row_of_the_platforms_own_people_stays_theirs(bind, stored):
    assert bind([stored.row("1", "A")], [there(20, product=7), there(21)]) == {"1": "21"}


def test_one_that_is_bound_already_is_not_told_again_as_another(bind, stored):
    rows = [stored.row("1", "A"), stored.row("2", "A")]
    assert bind(rows, [there(20)], **{"2": "20"}) == {"2": "20"}


def test_a_binding_to_a_row_that_is_no_longer_there_is_dropped(bind, stored):
    assert bind([stored.row("1", "A")], [], **{"1": "20"}) == {}


def test_one_that_left_the_list_keeps_its_binding(bind, stored):
    assert bind([], [there(20)], **{"1": "20"}) == {"1": "20"}


def test_a_bound_row_is_not_asked_what_it_names(bind, stored):
    assert bind([stored.row("1", "D")], [there(20)], **{"1": "20"}) == {"1": "20"}
    with pytest.raises(MissingError, match="erp has no product D"):
        bind([stored.row("1", "D")], [there(20)])


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (None, False),
        ({"id": "10"}, True),
        ({"id": "10", "lines": {"1": "20"}}, True),
        ({"id": "10", "lines": {"1": "20", "2": "21"}}, False),
    ],
)
def test_an_item_is_to_be_read_while_one_of_its_rows_is_unbound(order_facts, stored, ids, says):
    row = stored.claimed({"lineItems": [stored.row("1"), stored.row("2")]}, ids=ids)
    assert unbound(order_facts().lines, row) is says


def test_a_record_without_a_list_has_no_unbound_rows(order_facts, stored):
    assert not unbound(order_facts().lines, stored.claimed({"status": "paid"}, ids={"id": "10"}))
    assert not unbound(None, stored.claimed({"lineItems": [stored.row()]}, ids={"id": "10"}))


# Sent.


def test_a_new_row_says_all_that_is_known_of_it(made, stored):
    assert made([stored.row()], [], {}) == [NEW]


def test_a_row_with_an_unknown_number_is_not_left_to_the_platforms_idea_of_it(made, stored):
    with pytest.raises(RejectError, match="unitPrice of line 1 is unknown"):
        made([stored.row(price=None)], [], {})


@pytest.mark.parametrize(("sku", "error"), [("C", RejectError), ("D", MissingError), (None, RejectError)])
def test_a_new_row_of_what_cannot_be_told_is_not_sent(made, stored, sku, error):
    with pytest.raises(error):
        made([stored.row(sku=sku)], [], {})


def test_a_changed_row_is_sent_under_its_id(made, stored):
    before, now = stored.row(), stored.row(quantity="5.0000")
    assert made([now], [there(20)], {"1": "20"}, [before]) == [{"id": 20, "quantity": 5, "price": 3.3333}]


def test_a_changed_row_need_not_be_of_what_is_still_there(made, stored):
    before, now = stored.row(sku="D"), stored.row(sku="D", quantity="5.0000")
    assert made([now], [there(20)], {"1": "20"}, [before]) == [{"id": 20, "quantity": 5, "price": 3.3333}]


def test_a_row_that_did_not_change_is_not_sent(made, stored):
    assert made([stored.row()], [there(20)], {"1": "20"}, [stored.row()]) == []


def test_one_that_differs_only_by_the_platforms_rounding_is_not_sent_again(made, stored):
    assert made([stored.row()], [there(20, price=3.33)], {"1": "20"}, [stored.row()]) == []


def test_where_it_is_not_known_what_was_accepted_it_is_compared_with_what_is_there(made, stored):
    assert made([stored.row()], [there(20, price="3.33330")], {"1": "20"}) == []
    assert made([stored.row()], [there(20, quantity=9)], {"1": "20"}) == [{"id": 20, "quantity": 2, "price": 3.3333}]


def test_what_is_unknown_of_a_row_is_no_difference(made, stored):
    assert made([stored.row(price=None)], [there(20, price=99)], {"1": "20"}) == []


def test_a_row_that_is_gone_is_set_to_nothing(made, stored):
    assert made([], [there(20)], {"1": "20"}, [stored.row()]) == [{"id": 20, "quantity": 0}]


@pytest.mark.parametrize("quantity", [0, 0.0, "0.0000"])
def test_one_that_is_at_nothing_already_is_not_sent_again(made, stored, quantity):
    assert made([], [there(20, quantity=quantity)], {"1": "20"}, [stored.row()]) == []


def test_a_row_of_the_platforms_own_people_is_never_touched(made, stored):
    assert made([stored.row()], [there(20), there(21, product=7)], {"1": "20"}, [stored.row()]) == []
    assert made([], [there(21, product=7)], {}) == []


@pytest.mark.parametrize("wanted", [True, False])
def test_a_row_that_is_delivered_may_neither_change_nor_go(made, stored, wanted):
    rows = [stored.row(quantity="5.0000")] if wanted else []
    with pytest.raises(RejectError, match="line 1 can no longer change: delivered is 1"):
        made(rows, [there(20, delivered=1)], {"1": "20"}, [stored.row()])


def test_one_that_is_delivered_and_as_it_was_is_no_hindrance(made, stored):
    rows = [stored.row(), stored.row("2", "B")]
    assert made(rows, [there(20, delivered=1)], {"1": "20"}, rows[:1]) == [{**NEW, "product": 2}]


def test_a_row_renamed_to_what_is_there_anyway_is_no_other_one(made, stored):
    assert made([stored.row(sku="A")], [there(20)], {"1": "20"}, [stored.row(sku="OLD")]) == []


def test_a_row_of_which_it_is_no_longer_told_what_it_is_of_is_left_alone(made, stored):
    assert made([stored.row(sku=None)], [there(20)], {"1": "20"}, [stored.row(sku="A")]) == []
