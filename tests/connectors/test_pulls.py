"""Every pull of every connector: what its platform answers is read as its samples say."""

from pullpush_dagster.contract.account import Account
from pullpush_dagster.contract.pull_checks import tie_problems, unfiltered_problems, unstored_problems
from pullpush_dagster.contract.pulling import pull_problems
from tests.connectors.sampled import FILTERED, PULLS, TIED


@PULLS
def test_all_pages_are_asked_for_and_mean_the_rows_of_the_sample(account: Account, entity: str) -> None:
    assert pull_problems(account, entity) == []


@PULLS
def test_nothing_is_kept_and_no_watermark_moves_unless_every_page_came(account: Account, entity: str) -> None:
    assert unstored_problems(account, entity) == []


@FILTERED
def test_a_pull_that_goes_on_asks_for_less_than_a_full_one(account: Account, entity: str) -> None:
    assert unfiltered_problems(account, entity) == []


@TIED
def test_more_records_of_one_stamp_than_fit_on_three_pages_are_all_read(account: Account, entity: str) -> None:
    assert tie_problems(account, entity) == []
