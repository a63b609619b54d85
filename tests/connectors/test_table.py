"""Which cells the built-in connectors have: platform by entity, which way, and how it is walked."""

import pytest

from pullpush_dagster.connectors import load_connector
from pullpush_dagster.connectors.loading import DESCRIBED
from pullpush_dagster.errors import ConfigError
from tests.connectors.sampled import SAMPLES

# Per entity: how it is pulled (c: cursor, w: window, f: full), and ^ where it is pushed.
_COLUMNS = ("stocklevel", "order", "product", "contact", "call", "invoice")
_TABLE = """
shopify      f^   c^   c^   c^   -    -
woocommerce  c/f^ c^   c^   f^   -    -
magento      f^   c^   c^   c^   -    c^
bigcommerce  f^   c^   c^   c^   -    f^
netsuite     c    c^   c^   c^   -    c^
odoo         f^   c^   c^   c^   -    c^
sap_b1       f    c^   c^   c^   -    c^
sap_s4       f    c^   c^   c^   -    c
quickbooks   f    c^   c^   c^   -    c^
mailchimp    -    f^   f^   c^   -    -
hubspot      -    c^   c^   c^   c^   c^
klaviyo      f^   ^    f^   c^   -    -
salesforce   c    c^   c^   c^   c^   -
shipstation  f^   c^   f    f    -    -
shipbob      f    w^   w^   -    -    w
linnworks    f^   w^   f^   -    -    -
twilio       -    -    -    -    w    -
"""

# What is not so yet: the cell there is, and why. An entry that is no longer true fails.
_NOT_YET = {
    ("magento", "invoice"): ("c", "an invoice is made of an order there, which is known under another system's number"),
    ("shipstation", "contact"): ("-", "customers are in the older API alone, on another host"),
    ("shipbob", "product"): ("c^", "it is read in order of id, so that a cursor does"),
}

_CELLS = [
    (row.split()[0], entity, cell)
    for row in _TABLE.split("\n")
    if row
    for entity, cell in zip(_COLUMNS, row.split()[1:], strict=True)
]


def _there(name: str, entity: str) -> str:
    """The cell as the connector has it."""
    facts = load_connector(name).facts.entities.get(entity)
    if facts is None or (facts.pull is None and facts.push is None):
        return "-"
    return (facts.pull.walk[0] if facts.pull else "") + ("^" if facts.push else "")


@pytest.mark.parametrize(("name", "entity", "cell"), _CELLS, ids=[f"{name}-{entity}" for name, entity, _ in _CELLS])
def test_a_platform_carries_what_it_is_said_to(name: str, entity: str, cell: str) -> None:
    cell, _ = _NOT_YET.get((name, entity), (cell, ""))
    way = "^" if cell.endswith("^") else ""

    assert _there(name, entity) in {f"{walk}{way}" for walk in cell.removesuffix("^").split("/")}


@pytest.mark.parametrize(("name", "entity", "cell"), _CELLS, ids=[f"{name}-{entity}" for name, entity, _ in _CELLS])
def test_what_a_platform_cannot_carry_is_refused_with_a_reason(name: str, entity: str, cell: str) -> None:
    connector = load_connector(name)
    facts = connector.facts.entities.get(entity)
    for way, ask, there in (
        ("pull", connector.pull, facts is not None and facts.pull is not None),
        ("push", connector.push, facts is not None and facts.push is not None),
    ):
        if not there:
            with pytest.raises(ConfigError) as refused:
                ask(entity)
            assert str(refused.value), way


@pytest.mark.parametrize(("name", "entity", "cell"), _CELLS, ids=[f"{name}-{entity}" for name, entity, _ in _CELLS])
def test_every_cell_has_samples(name: str, entity: str, cell: str) -> None:
    facts = load_connector(name).facts.entities.get(entity)
    samples = SAMPLES[name].entities.get(entity)

    assert (samples is not None and samples.pull is not None) is (facts is not None and facts.pull is not None)
    assert (samples is not None and bool(samples.push)) is (facts is not None and facts.push is not None)


def test_a_warehouse_of_ones_own_is_described_by_its_connection() -> None:
    assert load_connector(DESCRIBED).facts.entities == {}
