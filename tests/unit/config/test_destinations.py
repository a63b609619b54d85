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


@pytest.mark.parametrize(
    "more", ["", "  only: {locationId: [default, S]}\n", "  only: {locationId: [default], sku: [A]}\n"]
)
def test_two_live_pushes_of_the_same_keys_to_one_place_are_told(project, more):
    (problem,) = project(PULL, LIVE + "  only: {locationId: [default]}\n", again(LIVE) + more).problems()
    said = "stock_to_shop sends what erp/stocklevel has to shop already; two live pushes need disjoint keys: say only"
    assert problem == f"assets/stock/defs.yaml:18 from: {said}"


@pytest.mark.parametrize(
    "other",
    [
        again(PUSH),
        again(LIVE).replace("to: shop", "to: erp"),
        again(LIVE).replace("erp/stocklevel", "erp/more"),
        again(LIVE) + "  only: {locationId: [S]}\n",
        again(LIVE) + "  only: {sku: [A]}\n",
        again(LIVE) + "  translate: {sku: {A: B}}\n",
    ],
    ids=["shadow", "elsewhere", "another pull", "disjoint", "who knows", "translated"],
)
def test_two_pushes_that_may_have_keys_of_their_own_are_fine(project, other):
    first = LIVE + "  only: {locationId: [default]}\n"
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
    assert project(PLACES, PUSH + more).problems() == []


# Pushes beside each other.


@pytest.mark.parametrize(
    ("other", "beside"),
    [(again(LIVE), ["again"]), (again(PUSH), []), (again(LIVE).replace("to: shop", "to: erp"), [])],
    ids=["live", "shadow", "elsewhere"],
)
def test_live_pushes_of_one_entity_to_one_place_are_beside_each_other(project, other, beside):
    made = project(PULL, LIVE, other)
    assert [one.name for one in made.beside(made.push("stock_to_shop"))] == beside
