"""What the declarations of an order sync may say: full audits, several sources, and what it affects."""

import pytest
from pydantic import ValidationError

from pullpush_dagster.config import Project, Pull, Push

SHOP = """\
connection: {name}
connector: woocommerce
settings: {{base_url: "https://{name}.example"}}
secrets: {{key: SHOP_KEY, secret: SHOP_SECRET}}
"""
ERP = """\
connection: erp
connector: odoo
settings: {base_url: "http://erp.example"}
secrets: {api_key: ERP_API_KEY}
"""
PULL = """\
type: pullpush_dagster.Pull
attributes:
  connection: {name}
  entity: order
  partitions: {{by: day, start: {start}}}
"""
PUSH = """\
type: pullpush_dagster.Push
attributes:
  name: orders
  from: [shop/order, outlet/order]
  to: erp
"""


@pytest.fixture
def problems(tmp_path):
    """What is wrong with the orders of two shops on their way to an ERP, some part of which is replaced."""

    def found(push=PUSH, shop=PULL, outlet=PULL, start="2026-01-01"):
        (tmp_path / "assets").mkdir()
        (tmp_path / "resources").mkdir()
        pulls = [shop.format(name="shop", start="2026-01-01"), outlet.format(name="outlet", start=start)]
        (tmp_path / "assets" / "defs.yaml").write_text("---\n".join([*pulls, push]))
        for name, text in {"shop": SHOP, "outlet": SHOP, "erp": ERP}.items():
            (tmp_path / "resources" / f"{name}.yaml").write_text(text.format(name=name) if text is SHOP else text)
        return Project.at(tmp_path).problems()

    return found


def pull(**parts):
    return Pull(**{"connection": "shop", "entity": "product", **parts})


def affects(text):
    return Push(**{"name": "orders", "from": "shop/order", "to": "erp", "affects": text})


def test_orders_of_two_shops_to_one_erp_are_fine(problems):
    assert problems() == []


# Full audits.


@pytest.mark.parametrize(("entity", "seconds"), [("product", 86_400), ("contact", 86_400)])
def test_what_may_vanish_is_asked_for_whole_each_day(entity, seconds):
    assert pull(entity=entity).full_every == seconds


@pytest.mark.parametrize("entity", ["order", "invoice", "call"])
def test_what_only_grows_is_not_unless_it_is_told_to(entity):
    assert pull(entity=entity).full_every is None
    assert pull(entity=entity, full="7d").full_every == 7 * 86_400


@pytest.mark.parametrize("off", ["off", False])
def test_a_full_audit_can_be_switched_off(off):
    assert pull(full=off).full_every is None


@pytest.mark.parametrize("full", [0, "0d", "daily", True, "1w", ""])
def test_how_often_it_is_must_be_a_duration(full):
    with pytest.raises(ValidationError, match="is not a duration such as 15m, 1h or 1d"):
        pull(full=full)


def test_a_full_audit_of_what_is_always_asked_for_whole_is_refused(problems):
    stock = PULL.replace("connection: {name}", "connection: erp").replace("order", "stocklevel")
    stock = stock.replace("by: day, start: {start}", "by: locationId, values: [WH]") + "  full: 1d\n"
    (problem, *_) = problems(shop=stock)
    assert problem == (
        "assets/defs.yaml:6 full: is for pulls that follow a modified stamp; this one always asks for everything"
    )


# Several sources.


@pytest.mark.parametrize("outlet", [PULL, PULL.replace("  partitions: {{by: day, start: {start}}}\n", "")])
def test_sources_that_are_cut_up_differently_are_refused(problems, outlet):
    (problem,) = problems(outlet=outlet, start="2026-02-01")
    said = "from: shop/order, outlet/order have different partitions; one run needs the same for all"
    assert problem.endswith(said)
    assert problem.startswith("assets/defs.yaml:1")


# What it affects.


@pytest.mark.parametrize("text", [None, "stocklevel by lineItems.sku"])
def test_what_a_push_affects_is_an_entity_and_where_its_key_is(text):
    assert affects(text).affected == (None if text is None else ("stocklevel", "lineItems.sku"))


@pytest.mark.parametrize(
    "text",
    ["", "stocklevel", "stocklevel by sku", "stocklevel lineItems.sku", "stocklevel by lineItems.sku x", "by a.b"],
)
def test_what_says_less_is_refused_with_an_example(text):
    with pytest.raises(ValidationError, match=r"is not ENTITY by FIELD.PART, such as stocklevel by lineItems.sku"):
        affects(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("stock by lineItems.sku", "stock is no entity with sku in its key"),
        ("order by lineItems.sku", "order is no entity with sku in its key"),
        ("stocklevel by lineItems.quantity", "stocklevel is no entity with quantity in its key"),
        ("contact by customer.email", "customer.email is no part of a list of order"),
        ("stocklevel by items.sku", "items.sku is no part of a list of order"),
        ("stocklevel by lineItems.locationId", "lineItems.locationId is no part of a list of order"),
    ],
)
def test_what_it_affects_must_be_there(problems, text, complaint):
    assert problems(f"{PUSH}  affects: {text}\n") == [f"assets/defs.yaml:18 affects: {complaint}"]


def test_a_line_that_affects_what_can_be_affected_is_fine(problems):
    assert problems(f"{PUSH}  affects: stocklevel by lineItems.sku\n") == []


# Reading a destination back.


def test_a_destination_that_cannot_be_asked_is_not_read_back_by_a_file_that_says_so(problems):
    assert problems(push=PUSH + "  readback: 1d\n") == [
        "assets/defs.yaml:18 readback: is for what can be asked for; odoo cannot be asked for its order"
    ]


@pytest.mark.parametrize("more", ["", "  readback: off\n"])
def test_such_a_file_may_say_nothing_or_off(problems, more):
    assert problems(push=PUSH + more) == []
