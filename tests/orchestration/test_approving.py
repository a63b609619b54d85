"""The job ``approve``, as the launchpad of the web UI runs it."""

import pytest


@pytest.fixture
def held(world):
    """The hash of a change set that sets everything in one location to zero."""
    return world.emptied("WH")


def run(definitions, instance, hash_):
    config = {"ops": {"approve_change_set": {"config": {"hash": hash_}}}}
    job = definitions.resolve_job_def("approve")
    return job.execute_in_process(instance=instance, run_config=config, raise_on_error=False)


def test_it_lets_the_change_set_through(world, definitions, instance, held):
    assert run(definitions, instance, held).success
    assert world.rows("SELECT count(*) FROM audits WHERE state = 'approved'") == [(1,)]


def test_a_hash_that_is_not_held_fails_with_one_sentence(definitions, instance, held):
    ran = run(definitions, instance, "nothing")
    (failure,) = ran.filter_events(lambda event: event.is_step_failure)
    assert "nothing that is held is called nothing" in failure.step_failure_data.user_failure_data.description
