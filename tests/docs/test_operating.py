"""What docs/operate.md tells the operator to do has the effect it says."""

import re
import warnings

import pytest

from pullpush_dagster.config import Project


def _edit(world, file, before, after):
    path = world.project.root / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    world.project = Project(world.project.root, world.project.state)


def test_a_held_change_set_goes_through_once_its_limit_is_raised(world):
    # given: a stock-take that found nothing in one of the locations
    _edit(world, "assets/stock/defs.yaml", "[WH, STORE]}", "[STORE]}")
    world.pull("erp/stocklevel")
    known = world.rows("SELECT sku FROM baseline_stocklevel WHERE locationId = 'STORE' AND quantity > 0 LIMIT 25")
    for (sku,) in known:
        world.erp.control("stock", sku=sku, warehouse="STORE", quantity=0, outgoing=0)
    held = world.pull("erp/stocklevel")
    assert (held.state, held.reasons[0][:12]) == ("held", "sets to zero")
    # when
    _edit(world, "assets/stock/defs.yaml", "  every: 5m\n", "  every: 15m\n  guard: {zeroed: off}\n")
    # then
    assert world.pull("erp/stocklevel").state == "accepted"
    zero = world.rows("SELECT sku FROM baseline_stocklevel WHERE locationId = 'STORE' AND quantity = 0")
    assert set(known) <= set(zero)


@pytest.fixture(scope="module")
def shipped():
    """The shipped project as Dagster sees it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pullpush_dagster.orchestration.loading import project_definitions

        return project_definitions(Project.find()).resolve_asset_graph()


def test_the_checks_are_those_dagster_shows(docs, shipped):
    assert {row[0] for row in docs.table("checks", "all")} == {key.name for key in shipped.asset_check_keys}


def test_every_asset_the_pages_select_exists(docs, shipped):
    text = "\n".join(docs.pages.values())
    selected = set(re.findall(r'key:"([\w/]+)"', text)) | set(re.findall(r"--select ([\w/]+)", text))
    assert selected
    assert selected <= {key.to_user_string() for key in shipped.get_all_asset_keys()}
