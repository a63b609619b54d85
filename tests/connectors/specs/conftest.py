"""What tests of the spec checks need: the specs."""

from pathlib import Path

import pytest

from tests.connectors.specs.documents import specs_folder


@pytest.fixture(scope="session")
def specs() -> Path:
    """The folder of the vendors' specs; without it the test is skipped."""
    folder = specs_folder()
    if folder is None:
        pytest.skip("PULLPUSH_SPECS does not say where the vendors' specs are")
    return folder
