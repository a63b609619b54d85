"""What the page of a push shows of persons: the web UI has no login."""

import dagster as dg
import pytest
import yaml

from pullpush_dagster.config import Project
from pullpush_dagster.orchestration.pushes import push_definitions
from pullpush_dagster.store import Store

CONTACT = {
    "pull": {"get": "/items", "pages": {"style": "none"}},
    "canonical_map": {"email": "item.email", "name": "item.name"},
    "binding": {"id": "item.id"},
    "push": {
        "find": {"get": "/f", "query": {"e": "{keys:text}"}, "field": "email", "match": "item.email"},
        "update": [{"put": "/i/{binding.id}", "record": {"name": "{name}"}}],
    },
}


@pytest.fixture
def contacts(tiny):
    """A push of contacts of which one waits: its definitions."""
    tiny.connector(entities={"contact": CONTACT})
    for name in ("erp", "shop"):
        file = tiny.root / "resources" / f"{name}.yaml"
        file.write_text(yaml.safe_dump(tiny.connection().model_dump() | {"connection": name}))
    (tiny.root / "assets").mkdir()
    push = {"name": "to_shop", "from": "erp/contact", "to": "shop", "mode": "live"}
    documents = [
        {"type": "pullpush_dagster.Pull", "attributes": {"connection": "erp", "entity": "contact"}},
        {"type": "pullpush_dagster.Push", "attributes": push},
    ]
    (tiny.root / "assets" / "defs.yaml").write_text(yaml.safe_dump_all(documents))
    project = Project(tiny.root, tiny.root / "data")
    with Store.of(project.state).session() as con:
        con.execute(
            "INSERT INTO outbox (push, key, state, reason) VALUES"
            """ ('to_shop', '{"email":"jane@doe.example"}', 'waiting', 'shop has no Jane@doe.example')"""
        )
    return push_definitions(project, project.push("to_shop"))


def test_the_check_of_a_push_names_no_person(contacts):
    (check,) = contacts.asset_checks
    assert check().metadata["why not"].value == {"waiting: shop has no …": '1 keys, such as {"email": "…"}'}


def test_the_result_of_a_push_names_no_person(contacts):
    (asset,) = contacts.assets
    (confirm,) = [node.definition for node in asset.node_def.nodes if node.name == "to_shop_confirm"]
    with dg.build_op_context() as context:
        confirm(context)
        told = context.get_output_metadata("result")
    assert told["why not"] == {"waiting: shop has no …": '1 keys, such as {"email": "…"}'}


def test_what_its_guard_holds_fails_the_run_of_a_push_and_its_check_says_so(world, definitions, instance):
    # given
    world.sync("stock_to_shop")
    world.rows("UPDATE positions SET held = 'far too many (change set 1a2b)' RETURNING push")
    # when
    job = definitions.resolve_job_def("stock_to_shop_push")
    ran = job.execute_in_process(instance=instance, raise_on_error=False)
    # then
    assert not ran.success
    key = dg.AssetCheckKey(dg.AssetKey(["shop", "stocklevel", "stock_to_shop"]), "delivered")
    (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=10)
    check = record.event.dagster_event.asset_check_evaluation_data
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert check.metadata["held"].value == "far too many (change set 1a2b)"
