"""Names with which Dagster would load nothing at all, told beforehand."""

import re

import pytest
from dagster._core.definitions.partitions.utils.base import INVALID_PARTITION_SUBSTRINGS
from dagster._core.definitions.utils import DISALLOWED_NAMES, is_valid_owner
from pydantic import ValidationError

from pullpush_dagster.config import Push
from pullpush_dagster.config.names import RESERVED, scope_fault
from tests.unit.config.conftest import ERP, PULL, PUSH

PRODUCTS = "type: pullpush_dagster.Pull\nattributes:\n  connection: erp\n  entity: product\n"
EU = f"{ERP}---\nconnection: erp_eu\nconnector: odoo\n{ERP.split('odoo')[1].strip()}"


@pytest.mark.parametrize(
    ("names", "line", "of"),
    [(["stock", "stock_push"], 15, "the sync stock"), (["stock_readback", "stock"], 15, "the sync stock"),
     (["stock_claim", "stock"], 15, "the sync stock"), (["sweep", "other"], 9, "every project")],
)  # fmt: skip
def test_a_push_that_is_called_like_a_job_of_another_is_told(project, names, line, of):
    # given: Dagster could not load them
    one, two = (PUSH.replace("stock_to_shop", name) for name in names)
    (problem,) = project(PULL, one, two).problems()
    assert re.fullmatch(rf"assets/stock/defs.yaml:{line} name: \w+ is a job of {of}; choose another name", problem)


def test_the_words_that_no_sync_may_be_called_are_dagsters():
    assert RESERVED == DISALLOWED_NAMES


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("import", "is a word of Dagster or Python"),
        ("config", "is a word of Dagster or Python"),
        ("changes", "is a stage of every pull"),
        ("erp_product_full", "is the full audit of erp/product"),
        ("erp_product_pull", "is the job of erp/product where no sync reads it"),
    ],
)
def test_a_push_that_is_called_like_something_else_in_dagster_is_told(project, name, why):
    (problem,) = project(PULL, PUSH.replace("stock_to_shop", name), PRODUCTS + "  every: 1h\n").problems()
    assert problem == f"assets/stock/defs.yaml:9 name: {name} {why}; choose another name"


def test_a_push_may_be_called_like_a_full_audit_that_there_is_not(project):
    assert project(PULL, PUSH.replace("stock_to_shop", "erp_product_full"), PRODUCTS + "  full: off\n").problems() == []


def test_two_pulls_whose_full_audits_have_one_name_are_told(project):
    made = project(PRODUCTS + "  as: eu_product\n", PRODUCTS.replace("erp", "erp_eu"), erp=EU)
    (problem,) = made.problems()
    said = "its full audit, erp_eu_product_full, would have the name of that of erp/eu_product; give one `as: NAME`"
    assert problem == f"assets/stock/defs.yaml:9 connection: {said}"


def test_two_pulls_that_no_push_reads_whose_jobs_have_one_name_are_told(project):
    pull = PRODUCTS + "  every: 1h\n  full: off\n"
    (problem,) = project(pull + "  as: eu_product\n", pull.replace("erp", "erp_eu"), erp=EU).problems()
    said = "its job, erp_eu_product_pull, would have the name of that of erp/eu_product; give one `as: NAME`"
    assert problem == f"assets/stock/defs.yaml:11 connection: {said}"


# Owners, and values of a scope.


def owned_by(owner):
    return Push.model_validate({"name": "stock", "from": "erp/stocklevel", "to": "shop", "owners": [owner]})


@pytest.mark.parametrize(
    "owner", ["team:stock", "team: x", "ann.o'hara@shop.example", "a+b@shop.example", "alice", "team:", ""]
)
def test_an_owner_is_what_dagster_takes_for_one(owner):
    if is_valid_owner(owner):
        assert owned_by(owner).owners == [owner]
        return
    with pytest.raises(ValidationError, match="is no owner: an e-mail address, or team:NAME"):
        owned_by(owner)


@pytest.mark.parametrize("odd", INVALID_PARTITION_SUBSTRINGS)
def test_what_dagster_has_as_no_partition_is_no_value_of_a_scope(odd):
    assert scope_fault(["A", f"A{odd}B"])


def test_a_value_of_a_scope_that_cannot_be_asked_for_is_told(project):
    (problem,) = project(
        PULL.replace("[default]", "[default, A...B]"), PUSH + "  only: {locationId: [default]}\n"
    ).problems()
    said = "'A...B' cannot be asked for: a value is a text in one line, without `...`"
    assert problem == f"assets/stock/defs.yaml:5 partitions.values: {said}"
