"""Customers: res.partner, and those the ERP is seeded with."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from pullpush_dagster.sandbox.customers import KNOWN, SHARED, Customer
from pullpush_dagster.sandbox.odoo.fields import Field
from pullpush_dagster.sandbox.odoo.orm import Context, Getter, Model, Record

if TYPE_CHECKING:
    from pullpush_dagster.sandbox.odoo.database import Database

ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")


class Partner(Model):
    """res.partner; neither name nor e-mail is unique."""

    name = "res.partner"
    order = "name, id"
    own: ClassVar[Mapping[str, Field]] = {
        "name": Field("char", "Name", required=True),
        "email": Field("char", "Email"),
        "email_normalized": Field("char", "Normalized Email", readonly=True, stored=False),
        "phone": Field("char", "Phone"),
        "company_name": Field("char", "Company Name"),
        "is_company": Field("boolean", "Is a Company"),
        "parent_id": Field("many2one", "Related Company", relation="res.partner"),
        "active": Field("boolean", "Active", default=True),
        "ref": Field("char", "Reference"),
        "street": Field("char", "Street"),
        "street2": Field("char", "Street2"),
        "city": Field("char", "City"),
        "zip": Field("char", "Zip"),
        "comment": Field("text", "Notes"),
    }

    def getter(self, name: str, context: Context) -> Getter:
        if name == "email_normalized":
            return lambda row: normalized(row["email"])
        return super().getter(name, context)


def normalized(email: str | None) -> str | None:
    """The one address in the text, in lower case; None where there is none or more than one.

    That is what ``email_normalize`` in Odoo's tools does, so a search by ``email`` is exact and one by
    ``email_normalized`` is not.
    """
    found = ADDRESS.findall(email or "")
    return found[0].lower() if len(found) == 1 else None


def seed_partners(database: "Database") -> None:
    """The partners of a fresh database: Odoo's own three, the guest, and customers.

    Eight of them shop under the same e-mail, one as typed in mixed case; the e-mail of ``SHARED`` stands on two.
    """
    insert = database.partners.insert
    insert({"name": "My Company", "email": "info@mycompany.example", "is_company": True})
    insert({"name": "OdooBot", "email": "odoobot@example.com", "active": False})
    insert({"name": "Administrator", "email": "admin@mycompany.example", "parent_id": 1})
    insert({"name": "Web guest"})
    for customer in KNOWN:
        insert(_values(customer))
    company = insert({"name": "Double BV", "email": SHARED.email, "is_company": True})
    insert({**_values(SHARED), "email": f"Office <{SHARED.email.title()}>", "parent_id": company["id"]})
    insert({"name": "Wholesale East", "email": "orders@wholesale.example", "is_company": True})
    insert({"name": "Walk-in customer", "phone": "+49 30 5550199"})


def _values(customer: Customer) -> Record:
    email = customer.email.title() if customer is KNOWN[2] else customer.email
    values = {"name": customer.name, "email": email, "phone": customer.phone, "company_name": customer.company}
    return {name: value or None for name, value in {**values, "city": customer.city}.items()}
