"""Whose order it is: told by e-mail, made once where the ERP has nobody of that e-mail."""

NEW = "Nils.Holm@Buyers.example"
CREATE = "/json/2/res.partner/create"


def _buyers(desk, email=NEW):
    """The ERP's partners of an e-mail."""
    return [p for p in desk.world.erp.state()["partners"] if (p["email"] or "").lower() == email.lower()]


def test_a_customer_whose_email_is_written_otherwise_is_not_made_twice(desk):
    known = _buyers(desk, "luca.bianchi@example.org")
    ref = desk.sell(billing={"email": "LUCA.Bianchi@Example.ORG", "first_name": "Luca"})
    desk.sync()
    assert desk.buyer(ref) == known[0]
    assert _buyers(desk, "luca.bianchi@example.org") == known


def test_an_unknown_customer_is_made_once_for_several_orders(desks):
    refs = [
        desks.sell(billing={"email": NEW, "first_name": "Nils", "last_name": "Holm", "phone": "+46 1"}),
        desks.sell(billing={"email": NEW.lower()}),
        desks.sell(shop="outlet", billing={"email": NEW.upper()}),
    ]
    desks.sync()
    (made,) = _buyers(desks)
    assert [desks.buyer(ref)["id"] for ref in refs] == [made["id"]] * 3


def test_a_new_customer_has_what_the_shop_knows_of_it(desk):
    billing = {"email": NEW, "first_name": "Nils", "last_name": "Holm", "phone": "+46 1", "company": "Holm AB"}
    ref = desk.sell(billing=billing)
    desk.sync()
    buyer = desk.buyer(ref)
    told = {name: buyer[name] for name in ("name", "email", "phone", "company_name")}
    assert told == {"name": "Nils Holm", "email": NEW, "phone": "+46 1", "company_name": "Holm AB"}


def test_a_customer_without_name_is_called_by_the_email(desk):
    ref = desk.sell(billing={"email": NEW})
    desk.sync()
    assert desk.buyer(ref)["name"] == NEW


def test_a_customer_whose_creation_was_not_answered_is_not_made_again(desk):
    # given
    refs = [desk.sell(billing={"email": NEW}) for _ in range(3)]
    desk.world.erp.faults(close_after=1.0, count=1, path=CREATE)
    # when
    desk.sync()
    desk.push()
    # then
    assert desk.world.erp.injected() == {"close_after": 1}
    (made,) = _buyers(desk)
    assert [desk.buyer(ref)["id"] for ref in refs] == [made["id"]] * 3


def test_an_order_without_email_is_the_guests(desk):
    ref = desk.sell(billing={"email": "", "first_name": "Nobody"})
    desk.sync()
    assert desk.buyer(ref)["name"] == "Web guest"


def test_an_order_without_email_waits_for_nobody_to_be_told_where_no_guest_is_named(desk):
    # given
    file = desk.world.project.root / "resources" / "erp.yaml"
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(line for line in lines if "guest_partner" not in line), encoding="utf-8")
    desk.world.project = type(desk.world.project)(desk.world.project.root, desk.world.project.state)
    ref = desk.sell()
    # when
    desk.sync()
    # then
    assert desk.left() == [(ref, "dead", "customer.email is unknown, so its customer cannot be told")]


def test_an_order_keeps_its_customer_when_the_email_changes_later(desk):
    ref = desk.sell(billing={"email": NEW})
    desk.sync()
    first = desk.buyer(ref)
    desk.edit(ref, billing={"email": "other@buyers.example"})
    desk.sync()
    assert desk.buyer(ref) == first
    assert desk.left() == []
