"""Pushes that get in each other's way at a destination, and keys that a destination cannot have: told beforehand."""

import pytest

from tests.unit.config.conftest import PULL, PUSH

DEFAULT = "  translate: {locationId: {WH: default, STORE: default}}\n"
LIVE = PUSH + "  mode: live\n"
PLACE = PULL.replace("[default]", "[WH]")
PLACES = PULL.replace("[default]", "[WH, STORE]")


def again(push):
    """The same push, under another name."""
    return push.replace("stock_to_shop", "again")


# Two pushes of one thing.


@pytest.mark.parametrize("more", ["", "  only: {sku: [A, B]}\n", "  only: {locationId: [default], sku: [A]}\n"])
def test_two_live_pushes_of_the_same_keys_to_one_place_are_told(project, more):
    (problem,) = project(PULL, LIVE + "  only: {sku: [A]}\n", again(LIVE) + more).problems()
    said = "stock_to_shop sends what erp/stocklevel has to shop already; two live pushes need disjoint keys: say only"
    assert problem == f"assets/stock/defs.yaml:18 from: {said}"


@pytest.mark.parametrize(
    "other",
    [
        again(PUSH),
        again(LIVE).replace("to: shop", "to: erp"),
        again(LIVE).replace("erp/stocklevel", "erp/more"),
        again(LIVE) + "  only: {sku: [B]}\n",
        again(LIVE) + "  only: {locationId: [default]}\n",
        again(LIVE) + "  translate: {sku: {A: B}}\n",
    ],
    ids=["shadow", "elsewhere", "another pull", "disjoint", "who knows", "translated"],
)
def test_two_pushes_that_may_have_keys_of_their_own_are_fine(project, other):
    first = LIVE + "  only: {sku: [A]}\n"
    assert project(PULL, PULL + "  as: more\n", first, other).problems() == []


# Keys that a destination cannot have.


@pytest.mark.parametrize(
    ("pull", "more", "strange"),
    [
        (PLACE, "", "WH"),
        (PLACES, "", "WH, STORE"),
        (PLACES, "  only: {locationId: [STORE]}\n", "STORE"),
        (PLACES, "  translate: {sku: {A: B}}\n", "WH, STORE"),
    ],
)
def test_stock_of_places_that_a_destination_cannot_have_is_told(project, pull, more, strange):
    (problem,) = project(pull, PUSH + more).problems()
    said = f"shop has only locationId default, not {strange}: say translate, or leave it out by only"
    assert problem == f"assets/stock/defs.yaml:11 to: {said}"


@pytest.mark.parametrize(
    "more",
    [DEFAULT, "  translate: {locationId: {WH: default}}\n", "  only: {locationId: [default]}\n"],
    ids=["translated", "one is told apart when it comes", "left out"],
)
def test_stock_whose_places_the_destination_has_is_fine(project, more):
    assert project(PLACES.replace("STORE", "STORE, default"), PUSH + more).problems() == []


# Pushes beside each other.


@pytest.mark.parametrize(
    ("other", "beside"),
    [(again(LIVE), ["again"]), (again(PUSH), []), (again(LIVE).replace("to: shop", "to: erp"), [])],
    ids=["live", "shadow", "elsewhere"],
)
def test_live_pushes_of_one_entity_to_one_place_are_beside_each_other(project, other, beside):
    made = project(PULL, LIVE, other)
    assert [one.name for one in made.beside(made.push("stock_to_shop"))] == beside


# Values that no source can have.


@pytest.mark.parametrize(
    ("pull", "push", "field", "strange"),
    [
        (PLACES, PUSH + "  only: {locationId: [WH, WHX]}\n", "locationId", "WHX is never there; there are WH, STORE"),
        (PLACES, PUSH + "  only: {locationId: [wh]}\n", "locationId", "wh is never there; there are WH, STORE"),
        (
            "type: pullpush_dagster.Pull\nattributes: {connection: erp, entity: product}\n\n\n\n",
            PUSH.replace("erp/stocklevel", "erp/product") + "  only: {status: [live]}\n",
            "status",
            "live is never there; there are draft, active, archived",
        ),
        (
            "type: pullpush_dagster.Pull\nattributes: {connection: shop, entity: stocklevel}\n\n\n\n",
            PUSH.replace("erp/stocklevel", "shop/stocklevel").replace("to: shop", "to: erp")
            + "  only: {locationId: [WH]}\n  translate: {locationId: {WH: A}}\n",
            "locationId",
            "WH is never there; there are default",
        ),
        (
            PULL,
            PUSH + "  only: {sku: []}\n",
            "sku",
            "names no value, so nothing would ever be sent; leave it out for all",
        ),
    ],
    ids=["no such place", "other letters", "no such status", "a platform's one place", "none"],
)
def test_only_that_can_let_nothing_through_is_told(project, pull, push, field, strange):
    assert f"assets/stock/defs.yaml:12 only.{field}: {strange}" in project(pull, push).problems()


def test_only_by_what_the_files_do_not_tell_is_fine(project):
    assert project(PULL, PUSH + "  only: {sku: [A], locationId: [default]}\n").problems() == []
