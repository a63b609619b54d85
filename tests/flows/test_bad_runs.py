"""Faults met by a run of Dagster's: it fails with one sentence, stores nothing, and the next one succeeds."""

import dagster as dg
import pytest

from pullpush_dagster.orchestration.loading import project_definitions
from pullpush_dagster.orchestration.running import run_sync
from tests.conftest import thinned


@pytest.fixture
def instance():
    with dg.instance_for_test() as found:
        yield found


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning", "ignore::dagster.PreviewWarning")
@pytest.mark.filterwarnings("ignore::dagster.SupersessionWarning")
@pytest.mark.parametrize(
    ("secret", "faults", "told"),
    thinned(
        [
            ("wrong", {}, "Odoo answered 401: "),
            (None, {}, "set the environment variable ERP_API_KEY (connection=erp)"),
            ("right", {"error_before": 1.0, "status": 404, "path": "/json/2/product"}, "Odoo answered 404"),
        ],
        1,
    ),
)
def test_a_run_fails_with_one_sentence_and_the_next_succeeds(
    world, instance, contents, monkeypatch, secret, faults, told
):
    # given
    monkeypatch.syspath_prepend(str(world.project.root))
    monkeypatch.setenv("PULLPUSH_DATA", str(world.project.state))
    definitions = project_definitions(world.project)
    run_sync(world.project, definitions, "products_to_shop", instance)
    before = contents(world.store)
    # when
    world.erp.faults(**faults)
    with monkeypatch.context() as broken:
        if secret is None:
            broken.delenv("ERP_API_KEY")
        elif secret != "right":
            broken.setenv("ERP_API_KEY", secret)
        assert not run_sync(world.project, definitions, "stock_to_shop", instance)
    # then
    assert contents(world.store) == before
    (sentence,) = _failures(instance)
    assert sentence.startswith(told)
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    world.erp.faults()
    assert run_sync(world.project, definitions, "stock_to_shop", instance)


def _failures(instance):
    """How every failed step of the newest failed run describes itself."""
    run = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]), limit=1)[0]
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    return [record.event_log_entry.dagster_event.step_failure_data.user_failure_data.description for record in records]
