"""What tests of connectors need: the specs, and one server that plays every platform."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pullpush_dagster.connectors import load_connector
from pullpush_dagster.contract.account import Account
from pullpush_dagster.contract.account import account as account_on
from pullpush_dagster.contract.acting import Platform, playing
from tests.connectors.sampled import SAMPLES
from tests.connectors.specs.documents import specs_folder


@pytest.fixture(scope="session")
def specs() -> Path:
    """The folder of the vendors' specs; without it the test is skipped."""
    folder = specs_folder()
    if folder is None:
        pytest.skip("PULLPUSH_SPECS does not say where the vendors' specs are")
    return folder


@pytest.fixture(scope="session")
def acting() -> Iterator[Platform]:
    """The server that plays the platforms."""
    with playing() as platform:
        yield platform


@pytest.fixture
def account(name: str, acting: Platform, request: pytest.FixtureRequest) -> Iterator[Account]:
    """An account on the platform of connector ``name``, the one with the test's ``entity`` where that is its own."""
    entity = request.node.callspec.params.get("entity")
    with account_on(load_connector(name), SAMPLES[name], acting) as found:
        yield found.for_entity(entity) if entity else found
