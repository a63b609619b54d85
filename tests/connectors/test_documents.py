"""What platforms' documents say of limits, filters and look-ups, which no single answer shows."""

import datetime as dt

import pytest

from pullpush_dagster.connectors import load_connector
from pullpush_dagster.contract.account import Account
from pullpush_dagster.contract.pushing import pushed
from pullpush_dagster.contract.samples import Case
from pullpush_dagster.errors import AuthError, ForbiddenError, RejectError, UnavailableError
from pullpush_dagster.pull.stamps import bounds_of
from pullpush_dagster.pull.window import Window
from pullpush_dagster.transport.answer import Answer
from pullpush_dagster.transport.classify import fault_of

UTC = dt.UTC


@pytest.mark.parametrize(
    ("name", "most", "seconds"),
    [
        ("hubspot", 5, 1),
        ("klaviyo", 750, 60),
        ("linnworks", 150, 60),
        ("quickbooks", 500, 60),
        ("shipbob", 150, 60),
        ("shipstation", 200, 60),
    ],
)
def test_in_no_stretch_do_more_requests_start_than_the_platform_bears(name: str, most: int, seconds: int) -> None:
    rate = load_connector(name).facts.limits.rate

    assert rate is not None
    assert rate.requests * seconds / rate.seconds + rate.burst - 1 <= most


@pytest.mark.parametrize("hours", [-11, -8, 2, 14])
def test_a_filter_by_whole_days_of_the_shops_own_clock_leaves_no_customer_out(hours: int) -> None:
    """Shopify's ``updated_at`` of customers matches a whole day; of whose clock, it does not say."""
    since, watermark = load_connector("shopify").pull("contact").since, dt.datetime(2026, 11, 23, 3, tzinfo=UTC)

    asked = bounds_of(since, Window("sync"), watermark, watermark)["since"]

    changed = watermark + dt.timedelta(minutes=1, hours=hours)
    assert asked[:10] <= f"{changed:%Y-%m-%d}"


SHIPBOB = [{"id": n, "variants": [{"id": n, "sku": f"A{n}"}]} for n in range(250)]
INVOICES = [{"id": n, "invoiceNumber": f"shop:1{n}"} for n in range(100)]


@pytest.mark.parametrize(
    ("name", "entity", "change", "asked", "body"),
    [
        ("shipbob", "product", {"sku": "A", "title": "Mug"}, ("PageSize", "250"), {"items": SHIPBOB}),
        ("bigcommerce", "invoice", {"invoiceId": "shop:1", "balance": "9"}, ("limit", "100"), {"data": INVOICES}),
    ],
)
def test_what_may_be_behind_a_page_of_others_that_are_like_it_is_not_made_again(
    account: Account, name: str, entity: str, change: dict[str, str], asked: tuple[str, str], body: object
) -> None:
    case = Case.model_validate({"name": "", "changes": [change], "find": body, "requests": [], "outcomes": []})

    found = pushed(account, entity, case)

    parameter, size = asked
    assert [one.query[parameter] for one in found.others] == [[size]]
    assert (found.outcomes, found.writes) == (["rejected"], [])


@pytest.mark.parametrize(("name", "entity"), [("odoo", "stocklevel")])
def test_an_archived_twin_of_a_product_has_no_say_in_where_its_stock_goes(
    account: Account, name: str, entity: str
) -> None:
    """Odoo's SKUs are not unique, and what is archived is hidden unless ``active_test`` says otherwise."""
    change = {"sku": "A", "locationId": "WH", "quantity": "5"}
    case = Case.model_validate({"name": "", "changes": [change], "find": [], "requests": [], "outcomes": []})

    (asked,) = pushed(account, entity, case).others

    assert "active_test" not in asked.json.get("context", {})


@pytest.mark.parametrize(("name", "entity"), [("magento", "product")])
def test_an_sku_with_a_comma_is_not_asked_for_in_a_list(account: Account, name: str, entity: str) -> None:
    """Magento takes the value of ``in`` apart at its commas; what is not found it would make over."""
    changes = [{"sku": sku, "price": "5"} for sku in ("m6x20,5", "a1", "a2")]
    case = Case.model_validate({"name": "", "changes": changes, "find": {"items": []}, "requests": [], "outcomes": []})

    found = pushed(account, entity, case)

    condition = "searchCriteria[filterGroups][0][filters][0]"
    asked = {(one.query[f"{condition}[conditionType]"][0], one.query[f"{condition}[value]"][0]) for one in found.others}
    assert asked == {("eq", "m6x20,5"), ("in", "a1,a2")}


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("odoo.exceptions.AccessDenied", AuthError),
        ("odoo.exceptions.AccessError", ForbiddenError),
        ("odoo.exceptions.LockError", UnavailableError),
        ("odoo.exceptions.ValidationError", RejectError),
    ],
)
@pytest.mark.parametrize(
    ("status", "form"), [(409, "{{{}}}"), (500, '{{"data": {{{}}}}}')], ids=["JSON-2", "JSON-RPC, opened"]
)
def test_what_odoo_refuses_of_a_record_is_not_refused_to_the_credentials(
    error: str, kind: type, status: int, form: str
) -> None:
    """Of Odoo's exceptions.py: an AccessError may be a record rule's, as of another company's; a LockError passes."""
    body = form.format(f'"name": "{error}"').encode()
    answer = Answer(status, {}, body, dt.datetime.now(UTC), None, "odoo")

    assert type(fault_of(load_connector("odoo").facts, answer, "odoo")) is kind
