"""Whether a field drifted: by value, by instant, by content, and only where both sides know it. One read for all."""

import pytest

from pullpush_dagster.store import Store
from tests.conftest import Tiny
from tests.served import served
from tests.unit.readback.conftest import Shelf, make_reader

FIELDS = {
    "product": {
        "currency": {"value": "EUR"},
        "media": {"from": "item.media", "each": {"url": "each.url", "alt": "each.alt"}},
        "variants": {"from": "item.variants", "each": {"sku": "each.sku", "options": "each.options"}},
    },
    "order": {
        "totalAmount": {"from": "item.total", "round": 2},
        "customer": {
            "fields": {
                "name": "item.customer.name",
                "email": "item.customer.email",
                "phone": "item.customer.phone",
                "company": {"from": "item.customer.company", "null": "unknown"},
            }
        },
        "lineItems": {"from": "item.lines", "each": {"lineId": "each.id", "sku": "each.sku", "quantity": "each.q"}},
        "createdAt": "item.at",
    },
}
LINES = [{"lineId": "1", "sku": "A", "quantity": "2.0000"}, {"lineId": "2", "sku": "B", "quantity": "1.0000"}]
ANN = {"name": "Ann", "email": "a@b"}

# (what is so, what was accepted, what is there, the fields that drifted)
CASES = {
    "stocklevel": [
        ("zero is a value", {"quantity": "5.0000"}, {"q": 0, "counted": True}, ["quantity"]),
        ("zero is zero", {"quantity": "0.0000"}, {"q": 0, "counted": True}, []),
        ("below zero", {"quantity": "-2.0000"}, {"q": 2, "counted": True}, ["quantity"]),
        ("unknown there", {"quantity": "5.0000"}, {"q": 0, "counted": False}, []),
        ("null there", {"quantity": "5.0000"}, {"q": None, "counted": True}, []),
    ],
    "product": [
        ("the same", {"title": "Oak", "price": "10.0000", "status": "active"},
         {"title": "Oak", "price": "10.0", "status": "on"}, []),
        ("all of it", {"title": "Oak", "price": "10.0000", "status": "active"},
         {"title": "Pine", "price": "10.01", "status": "off"}, ["price", "status", "title"]),
        ("never accepted", {"price": "10.0000"}, {"title": "Pine", "price": "10", "status": "off"}, []),
        ("missing there", {"title": "Oak"}, {}, []),
        ("emptied there", {"title": "Oak"}, {"title": ""}, ["title"]),
        ("cleared, and filled there", {"title": False}, {"title": "Pine"}, ["title"]),
        ("cleared, and empty there", {"title": False}, {"title": None}, []),
        ("cleared, and missing there", {"title": False}, {}, []),
        ("the price cleared there", {"price": "10.0000"}, {"price": ""}, ["price"]),
        ("the price cleared, and zero there", {"price": False}, {"price": "0"}, ["price"]),
        *((f"the text {text}", {"title": text}, {"title": there}, drifted)
          for text in ("false", "null", '"', "{}", "10.0", "Łóżko ’'; DROP")
          for there, drifted in ((text, []), (f"{text}!", ["title"]))),
        ("a constant", {"currency": "USD"}, {}, []),
        ("an empty list, null there", {"media": []}, {"media": None}, []),
        ("a cleared list, empty there", {"media": False}, {"media": []}, []),
        ("a cleared list, filled there", {"media": False}, {"media": [{"url": "u", "alt": "a"}]}, ["media"]),
        ("a list, emptied there", {"media": [{"url": "u", "alt": "a"}]}, {"media": None}, ["media"]),
        ("options in another order", {"variants": [{"sku": "A", "options": '{"size":"L","colour":"red"}'}]},
         {"variants": [{"sku": "A", "options": {"colour": "red", "size": "L"}}]}, []),
        ("other options", {"variants": [{"sku": "A", "options": '{"size":"L"}'}]},
         {"variants": [{"sku": "A", "options": {"size": "M"}}]}, ["variants"]),
    ],
    "order": [
        ("sent as the same, read as another", {"status": "fulfilled"}, {"status": "sale"}, []),
        ("sent as another", {"status": "pending"}, {"status": "sale"}, ["status"]),
        ("shown rounded", {"totalAmount": "10.0050"}, {"total": "10.01"}, []),
        ("rounded to another", {"totalAmount": "10.0050"}, {"total": "10.02"}, ["totalAmount"]),
        ("one instant, in another zone, to the second", {"createdAt": "2026-11-01 08:00:00.25+00"},
         {"at": "2026-11-01T09:00:00+01:00"}, []),
        ("another instant", {"createdAt": "2026-11-01 08:00:00+00"}, {"at": "2026-11-01T08:00:01Z"}, ["createdAt"]),
        ("a part never accepted", {"customer": {"name": "Ann"}}, {"customer": {**ANN, "email": "x@y"}}, []),
        ("a part unknown there", {"customer": ANN}, {"customer": {**ANN, "email": None}}, []),
        ("a part filled there that was empty", {"customer": ANN}, {"customer": {**ANN, "phone": "1"}}, ["customer"]),
        ("a part its source may not know", {"customer": ANN}, {"customer": {**ANN, "company": "Acme"}}, []),
        ("another part", {"customer": ANN}, {"customer": {**ANN, "name": "Bob"}}, ["customer"]),
        ("rows in another order", {"lineItems": LINES},
         {"lines": [{"id": 2, "sku": "B", "q": 1}, {"id": 1, "sku": "A", "q": 2.0}]}, []),
        ("a row of another number", {"lineItems": LINES},
         {"lines": [{"id": 2, "sku": "B", "q": 1}, {"id": 1, "sku": "A", "q": 3}]}, ["lineItems"]),
        ("a row less", {"lineItems": LINES}, {"lines": [{"id": 1, "sku": "A", "q": 2}]}, ["lineItems"]),
        ("a part that a row does not know", {"lineItems": [{**LINES[0], "sku": None}]},
         {"lines": [{"id": 1, "sku": "A", "q": 2}]}, []),
        ("a part that a row there does not know", {"lineItems": LINES[:1]},
         {"lines": [{"id": 1, "q": 3}]}, ["lineItems"]),
    ],
}  # fmt: skip
NAMED = [(entity, place, case) for entity, cases in CASES.items() for place, case in enumerate(cases)]


@pytest.fixture(scope="module")
def drifted(tmp_path_factory):
    """(entity, place of the case) -> field -> (accepted, there), from one read-back of each entity."""
    found, shelf = {}, Shelf()
    with served() as server, pytest.MonkeyPatch.context() as patch:
        server.route(shelf)
        patch.setenv("TINY_KEY", "tiny-secret-value")
        for entity, cases in CASES.items():
            folder = tmp_path_factory.mktemp(entity)
            tiny, store = Tiny(folder, server.url), Store(folder / "store.duckdb")
            made = make_reader(tiny, store, None, entity, fields=FIELDS.get(entity))
            bears = "erp:" if entity == "order" else ""
            shelf.items.clear()
            for place, (_, _, there, _) in enumerate(cases):
                shelf.put(f"{bears}{place}", **there)
            made.accept({f"{bears}{place}": accepted for place, (_, accepted, _, _) in enumerate(cases)})
            for (key, field), values in made.drifted().items():
                found.setdefault((entity, int(key.removeprefix(bears))), {})[field] = values
    return found


@pytest.mark.parametrize(("entity", "place", "case"), NAMED, ids=[f"{one[0]}: {one[2][0]}" for one in NAMED])
def test_a_field_drifted_only_if_both_sides_know_it_and_say_something_else(drifted, entity, place, case):
    assert sorted(drifted.get((entity, place), {})) == case[3]


def test_both_values_are_told_in_canonical_form(drifted):
    places = {case[0]: place for place, case in enumerate(CASES["product"])}
    assert drifted["product", places["all of it"]] == {
        "title": ("Oak", "Pine"),
        "price": ("10.0000", "10.0100"),
        "status": ("active", "archived"),
    }


def test_what_was_emptied_is_told_as_cleared(drifted):
    places = {case[0]: place for place, case in enumerate(CASES["product"])}
    assert drifted["product", places["emptied there"]] == {"title": ("Oak", False)}
    assert drifted["product", places["cleared, and filled there"]] == {"title": (False, "Pine")}
