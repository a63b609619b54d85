"""Orders on their way to the ERP: once each, in the state that theirs in the shop means."""

from pullpush_dagster.demo.orders import compare_orders

STATES = {"pending": "draft", "on-hold": "draft", "processing": "sale", "completed": "sale"}
LOCKED = "You cannot cancel a locked order. Please unlock it first."


# The happy whole.


def test_the_orders_of_both_shops_are_in_the_erp_once_each(desks):
    # given: the shops' numbers overlap
    for shop in (desks.world.shop, desks.world.outlet):
        shop.control("orders", n=25, seed=2)
    # when
    desks.sync()
    # then
    found = compare_orders(desks.world.project, ["shop", "outlet"])
    assert found.wrong == []
    assert found.agreed + found.refused == 50
    assert {f"{shop}:105" for shop in ("shop", "outlet")} <= desks.sales().keys()


def test_a_status_of_the_shop_is_a_state_in_the_erp(desk):
    refs = {status: desk.sell(status=status) for status in STATES}
    desk.sync()
    assert {status: desk.state(ref) for status, ref in refs.items()} == STATES


def test_an_order_that_came_to_nothing_is_never_created(desk):
    for status in ("cancelled", "refunded", "failed"):
        desk.sell(status=status)
    desk.sync()
    assert desk.sales() == {}
    assert desk.left() == []


def test_a_second_identical_run_asks_the_erp_for_nothing(desks):
    desks.sell()
    desks.sell(shop="outlet", status="pending")
    desks.sync()
    desks.world.erp.clear_stats()
    desks.sync()
    assert desks.world.erp.stats() == {}


def test_an_order_that_the_erp_has_already_is_adopted_and_led_to_its_state(desk):
    ref = desk.sell()
    product = next(p["id"] for p in desk.world.erp.state()["products"] if p["default_code"] == "SKU-00053")
    line = [0, 0, {"product_id": product, "product_uom_qty": 1}]
    desk.world.erp.control("sale", create={"client_order_ref": ref, "partner_id": 4, "order_line": [line]})
    desk.sync()
    assert desk.state(ref) == "sale"
    assert [(sku, units) for sku, units, _ in desk.lines(ref)] == [("SKU-00053", 1)]


def test_an_order_that_the_erp_has_twice_already_is_rejected(desk):
    ref = desk.sell()
    for _ in range(2):
        desk.world.erp.control("sale", create={"client_order_ref": ref, "partner_id": 4})
    desk.sync()
    assert desk.left() == [(ref, "dead", "2 items of erp have this key")]
    assert len(desk.world.erp.state()["orders"]) == 2


def test_an_order_of_another_currency_is_not_confirmed(desk):
    ref = desk.sell(currency="SEK")
    desk.sync()
    assert desk.state(ref) == "draft"
    assert desk.left() == [(ref, "dead", "currency is SEK, and EUR in erp")]


# The status moves on.


WAYS = {
    "paid": ("pending", "processing", "sale"),
    "held and then sent": ("on-hold", "completed", "sale"),
    "cancelled before it was paid": ("pending", "cancelled", "cancel"),
    "cancelled after it was paid": ("processing", "cancelled", "cancel"),
    "refunded": ("completed", "refunded", "cancel"),
    "refused by the bank": ("pending", "failed", "cancel"),
}


def test_the_erp_follows_an_order_on_each_way_it_goes(desk):
    # given
    refs = {way: desk.sell(status=before) for way, (before, _, _) in WAYS.items()}
    desk.sync()
    # when
    for way, ref in refs.items():
        desk.edit(ref, status=WAYS[way][1])
    desk.sync()
    # then
    assert {way: desk.state(ref) for way, ref in refs.items()} == {way: state for way, (_, _, state) in WAYS.items()}
    assert desk.left() == []


def test_a_cancelled_order_that_is_locked_in_the_erp_is_rejected_with_its_reason(desk):
    ref = desk.sell()
    desk.sync()
    desk.staff(ref, lock=True)
    desk.edit(ref, status="cancelled")
    desk.sync()
    ((_, state, reason),) = desk.left()
    assert (state, desk.state(ref)) == ("dead", "sale")
    assert LOCKED in reason


def test_an_order_that_was_refused_while_locked_is_cancelled_at_its_next_change(desk):
    # given
    ref = desk.sell()
    desk.sync()
    desk.staff(ref, lock=True)
    desk.edit(ref, status="cancelled")
    desk.sync()
    # when
    desk.staff(ref, lock=False)
    desk.edit(ref, status="refunded")
    desk.sync()
    # then
    assert desk.state(ref) == "cancel"
    assert desk.left() == []


def test_an_order_that_is_paid_after_the_erp_cancelled_it_is_rejected_and_names_the_state(desk):
    ref = desk.sell(status="pending")
    desk.sync()
    desk.staff(ref, cancel=True)
    desk.edit(ref, status="processing")
    desk.sync()
    assert desk.left() == [(ref, "dead", "it is cancel in erp, from where paid cannot be reached")]
    assert desk.state(ref) == "cancel"


def test_an_order_that_the_erp_confirmed_by_itself_is_taken_as_paid(desk):
    ref = desk.sell(status="pending")
    desk.sync()
    desk.staff(ref, confirm=True)
    desk.edit(ref, status="processing")
    desk.sync()
    assert desk.state(ref) == "sale"
    assert desk.left() == []


def test_a_cancellation_that_the_erp_answers_with_a_question_is_never_taken_as_done(desk):
    # given: a connector that lacks the context which keeps the ERP from asking back
    desk.adapt("odoo", ", context: {disable_cancel_warning: true}", "")
    ref = desk.sell()
    desk.sync()
    # when
    desk.edit(ref, status="cancelled")
    desk.sync()
    for _ in range(10):
        desk.push(patience=0)
    # then
    assert desk.state(ref) == "sale"
    ((_, state, reason),) = desk.left()
    assert state == "dead"
    assert "10 attempts" in reason
    assert "None" not in reason
    ((accepted,),) = desk.world.rows("SELECT fields FROM accepted WHERE entity = 'order'")
    assert "cancelled" not in accepted
