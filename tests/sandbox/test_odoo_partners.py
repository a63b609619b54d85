"""Partners: the seeded ones, and how an e-mail finds them."""

import pytest

from pullpush_dagster.sandbox.customers import CUSTOMERS, KNOWN, SHARED


def emails(erp, domain, **options):
    rows = erp.call("res.partner", "search_read", domain=domain, fields=["email_normalized"], **options)
    return [row["email_normalized"] for row in rows]


def test_the_first_four_are_odoos_own_and_the_guest(erp):
    rows = erp.call("res.partner", "read", ids=[1, 2, 3, 4], fields=["name", "email"])
    assert [row["name"] for row in rows] == ["My Company", "OdooBot", "Administrator", "Web guest"]
    assert rows[3]["email"] is False


def test_the_bot_is_archived(erp):
    assert erp.call("res.partner", "search", domain=[["name", "=", "OdooBot"]]) == []


def test_some_of_the_pool_are_known(erp):
    pool = [customer.email for customer in CUSTOMERS]
    found = emails(erp, [["email_normalized", "in", pool]])
    assert sorted(found) == sorted(customer.email for customer in KNOWN)


def test_one_email_stands_on_two_partners(erp):
    assert emails(erp, [["email_normalized", "=", SHARED.email]]) == [SHARED.email] * 2


def test_a_search_by_email_misses_another_case(erp):
    typed = KNOWN[2].email
    assert emails(erp, [["email", "=", typed]]) == []
    assert emails(erp, [["email_normalized", "=", typed]]) == [typed]


@pytest.mark.parametrize(
    ("email", "normalized"),
    [
        ("Ada@Example.COM", "ada@example.com"),
        ("Ada <Ada@example.com>", "ada@example.com"),
        ("a@b.example, c@d.example", False),
        ("nobody", False),
        (False, False),
    ],
)
def test_an_email_is_normalized_or_false(erp, email, normalized):
    number = erp.call("res.partner", "create", vals_list=[{"name": "Ada", "email": email}])[0]
    row = erp.call("res.partner", "read", ids=[number], fields=["email_normalized"])[0]
    assert row["email_normalized"] == normalized


def test_a_normalized_email_is_not_written(erp):
    vals = {"name": "Ada", "email": "ada@example.com", "email_normalized": "eve@example.com"}
    number = erp.call("res.partner", "create", vals_list=[vals])[0]
    assert erp.call("res.partner", "read", ids=[number])[0]["email_normalized"] == "ada@example.com"


def test_a_partner_needs_a_name(erp):
    status, message = erp.refused("res.partner", "create", vals_list=[{"email": "a@example.com"}])
    assert (status, message) == (422, "Missing required value for the field 'Name' (name).")


def test_a_contact_names_its_company(erp):
    contact = erp.call("res.partner", "search_read", domain=[["name", "=", SHARED.name]], fields=["parent_id"])[0]
    assert contact["parent_id"][1] == "Double BV"


def test_the_state_holds_the_archived_too(erp):
    names = [row["name"] for row in erp.standin.state()["partners"]]
    assert names[1] == "OdooBot"
