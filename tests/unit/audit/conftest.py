"""A source of a hundred keys, and a pull of it that is held."""

from collections.abc import Sequence
from typing import Any

import pytest

SKUS = [f"S{n:03}" for n in range(100)]


def level(quantity: int, skus: Sequence[str] = SKUS) -> list[tuple[str, str, int]]:
    """The same stock in WH for each of ``skus``."""
    return [(sku, "WH", quantity) for sku in skus]


@pytest.fixture
def held(stock: Any) -> Any:
    """What the audit found in ``stock``: a hundred levels of 5, then a pull in which all are zero."""
    stock(level(5))
    stock.pull(level(0))
    return stock.audit()
