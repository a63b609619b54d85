"""Every request of every connector against what its vendor publishes."""

import pytest

from pullpush_dagster.contract.account import Account
from tests.connectors.requested import requests_of
from tests.connectors.sampled import ENTITIES, EXCUSED, MUTATED
from tests.connectors.specs.checking import check
from tests.connectors.specs.mutations import mutations, untold
from tests.connectors.specs.request import NotCovered, SpecRequest

pytestmark = pytest.mark.usefixtures("specs")


def _spec(account: Account, entity: str) -> str:
    """The spec that ``entity`` names; without one the test is skipped."""
    spec = account.tested.entity(entity).spec
    if spec in (None, "none"):
        pytest.skip("nothing public describes it")
    return str(spec)


def _verdict(spec: str, request: SpecRequest) -> list[str]:
    """What is wrong with ``request``; that nothing describes it is wrong, too."""
    try:
        return check(spec, request)
    except NotCovered as error:
        return [f"not described: {error}"]


def _excused(account: Account, entity: str, request: SpecRequest) -> bool:
    """Whether the samples say why no spec describes ``request``."""
    said = f"{request.method} {request.path}"
    return any(said.startswith(one) for one in account.samples.entities[entity].uncovered)


@ENTITIES
def test_every_request_is_as_the_vendor_describes_it(account: Account, entity: str) -> None:
    spec = _spec(account, entity)

    requests = [one for one in requests_of(account, entity) if not _excused(account, entity, one)]
    wrong = {f"{one.method} {one.path}": said for one in requests if (said := _verdict(spec, one))}

    assert wrong == {}
    assert requests


@EXCUSED
def test_no_excuse_is_made_for_what_the_vendor_describes(account: Account, entity: str) -> None:
    excuses = account.samples.entities[entity].uncovered
    spec = _spec(account, entity)

    for excuse in excuses:
        excused = [one for one in requests_of(account, entity) if f"{one.method} {one.path}".startswith(excuse)]
        assert excused, f"no request is {excuse}"
        assert all(_is_missing(spec, one) for one in excused), f"{excuse} is described"


def _is_missing(spec: str, request: SpecRequest) -> bool:
    try:
        check(spec, request)
    except NotCovered:
        return True
    return False


@MUTATED
def test_every_fault_put_into_a_request_is_noticed(account: Account, entity: str) -> None:
    spec = _spec(account, entity)
    requests = [one for one in requests_of(account, entity) if not _excused(account, entity, one)]

    made = [(one, name, wrong) for one in requests for name, wrong in mutations(one)]
    missed = [
        f"{one.method} {one.path}: {name}" for one, name, wrong in made
        if not untold(spec, name) and not _verdict(spec, wrong)
    ]  # fmt: skip

    assert missed == []
    assert made
