"""Every push of every connector: what it sends, and what it makes of the answers."""

from pullpush_dagster.contract.account import Account
from pullpush_dagster.contract.push_checks import (
    consent_problems,
    failed_problems,
    nothing_problems,
    sent_again_problems,
    throttled_problems,
    unknown_problems,
)
from pullpush_dagster.contract.pushing import push_problems
from tests.connectors.sampled import ANY, CASES, CONTACTS, case_of


@CASES
def test_the_requests_are_those_of_the_sample_and_each_record_gets_its_outcome(
    account: Account, name: str, entity: str, said: str
) -> None:
    assert push_problems(account, entity, case_of(name, entity, said)) == []


@ANY
def test_the_same_change_sent_twice_is_the_same_request(account: Account, name: str, entity: str, said: str) -> None:
    assert sent_again_problems(account, entity, case_of(name, entity, said)) == []


@ANY
def test_a_request_too_many_is_sent_again_and_loses_nothing(
    account: Account, name: str, entity: str, said: str
) -> None:
    assert throttled_problems(account, entity, case_of(name, entity, said)) == []


@ANY
def test_without_a_good_answer_a_record_is_taken_neither_for_done_nor_for_refused(
    account: Account, name: str, entity: str, said: str
) -> None:
    assert failed_problems(account, entity, case_of(name, entity, said)) == []


@ANY
def test_what_is_not_known_is_not_sent(account: Account, name: str, entity: str, said: str) -> None:
    assert unknown_problems(account, entity, case_of(name, entity, said)) == []


@ANY
def test_changes_that_say_nothing_send_nothing(account: Account, name: str, entity: str, said: str) -> None:
    assert nothing_problems(account, entity, case_of(name, entity, said)) == []


@CONTACTS
def test_unknown_consent_does_not_go_out_as_given(account: Account, name: str, said: str) -> None:
    assert consent_problems(account, case_of(name, "contact", said)) == []
