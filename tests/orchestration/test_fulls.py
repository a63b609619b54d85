"""The full audit, run through Dagster: deletes, and drift that moved no stamp."""

import dagster as dg
import pytest


@pytest.fixture
def full(definitions, instance):
    """Runs the full audit's own job once; the run's result."""

    def run():
        job = definitions.resolve_job_def("erp_product_full")
        return job.execute_in_process(instance=instance, raise_on_error=False)

    return run


def _operations(world, sku):
    found = world.rows("SELECT op FROM changes WHERE name = 'product' AND contains(key, ?) ORDER BY sequence", sku)
    return [op for (op,) in found]


def test_a_product_absent_from_two_full_audits_in_a_row_is_a_delete(world, full):
    # given
    world.sync("products_to_shop")
    world.erp.control("product", sku="SKU-00002", unlink=True)
    # when: a walk follows stamps, and what is gone has none
    world.sync("products_to_shop")
    assert _operations(world, "SKU-00002") == ["insert"]
    assert full().success
    once = _operations(world, "SKU-00002")
    assert full().success
    # then
    assert once == ["insert"]
    assert _operations(world, "SKU-00002") == ["insert", "delete"]


def test_an_edit_that_moved_no_stamp_reaches_the_shop(world, full):
    # given: what was written yesterday is committed only now
    world.sync("products_to_shop")
    world.erp.control("clock", advance=-86400)
    world.erp.control("product", sku="SKU-00002", set={"name": "Unnoticed"})
    world.erp.control("clock", advance=86400)
    # when
    world.sync("products_to_shop")
    before = world.item("SKU-00002")["name"]
    assert full().success
    # then: the run went on to the push
    assert before != "Unnoticed"
    assert world.item("SKU-00002")["name"] == "Unnoticed"


def test_a_full_audit_moves_no_watermark(world, full):
    world.sync("products_to_shop")
    before = world.rows("SELECT walk, watermark FROM watermarks ORDER BY ALL")
    assert full().success
    assert world.rows("SELECT walk, watermark FROM watermarks ORDER BY ALL") == before


def test_a_full_audit_says_how_much_it_read_and_checks_it(world, full, instance):
    # given: a twin, so that a record is quarantined
    for name in ("A", "B"):
        world.erp.control("product", create={"default_code": "TWIN", "name": name})
    # when
    ran = full()
    # then
    checks = {one.check_name: one.passed for one in ran.get_asset_check_evaluations() if "full" in one.asset_key.path}
    assert checks == {"complete": True, "valid": False}
    (record,) = instance.fetch_materializations(dg.AssetKey(["erp", "product", "full"]), limit=1).records
    metadata = record.asset_materialization.metadata
    assert metadata["quarantined"].value >= 2
    assert metadata["dagster/row_count"].value > 50
