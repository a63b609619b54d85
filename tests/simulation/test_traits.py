"""The traits of a ledger are those of the connector."""

import pytest

from pullpush_dagster.connectors import load_connector
from pullpush_dagster.connectors.loading import connector_names
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.simulation import Kind, history
from pullpush_dagster.simulation.kinds import kinds_of
from pullpush_dagster.simulation.traits import Traits, Written, traits_of, unmirrored
from tests.conftest import thinned


def traits(connector: str, entity: str) -> Traits:
    """Those of one entity of a built-in connector."""
    facts = load_connector(connector).facts
    return traits_of(facts.entities[entity], facts.limits)


def test_an_order_that_cannot_be_looked_up_or_told_twice_is_left_to_a_person():
    assert not traits("woocommerce", "order").written.settles


def test_an_upsert_needs_no_look_up():
    written = traits("hubspot", "product").written
    assert (written.find, written.create, written.upsert.told) == (0, None, "key")


def test_a_filter_that_leaves_the_stamp_out_is_one_of_the_ledger():
    assert traits("woocommerce", "product").asked.operator == "after"


def test_what_cannot_be_filtered_is_walked_in_full():
    assert traits("woocommerce", "contact").asked.walk == "full"


def test_stamps_that_are_days_are_days_in_the_ledger():
    assert traits("sap_b1", "product").asked.grain == 86_400


def test_a_request_that_is_done_whole_or_not_at_all_is_so_in_the_ledger():
    assert traits("shopify", "stocklevel").written.update.failures == "atomic"


def test_what_a_ledger_has_not_is_told():
    assert "references" in unmirrored(load_connector("woocommerce").facts.entities["order"])


@pytest.mark.parametrize("connector", thinned([name for name in connector_names() if name != "rest"], 6))
def test_every_connector_can_be_simulated(connector):
    kinds = kinds_of(load_connector(connector).facts)
    ended, _ = history(3, kinds[0], ())
    assert ended.broken == ()


def test_a_connector_without_entities_says_so():
    with pytest.raises(ConfigError, match="no entity of its own"):
        kinds_of(load_connector("rest").facts)


def test_a_create_of_unknown_outcome_is_not_sent_again_where_nobody_can_be_asked():
    # given: no look-up, no upsert, no idempotency, and a platform that takes a key twice
    kind = Kind("contact", traits=Traits(written=Written(find=0, unique=False)))
    stories = [history(seed, kind)[0] for seed in (1, 3, 5)]
    # then
    assert [ended.broken for ended in stories] == [()] * 3
    assert any("'unknown'" in line for ended in stories for line in ended.story)
