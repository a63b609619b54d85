"""What is known of a connection, kept in a file that anything may happen to, by a clock that people set."""

import pytest

from pullpush_dagster.connectors.limits_model import Rate
from pullpush_dagster.transport.clock import Instant, instant, seconds_between, told_by
from pullpush_dagster.transport.files import Files
from pullpush_dagster.transport.ledger import Ledger, State

BOOT, OTHER, UNKNOWN = b"a" * 16, b"b" * 16, bytes(16)


@pytest.fixture
def ledger(tmp_path):
    """Opens it anew, as each process does."""
    opened = []

    def make():
        opened.append(Files(tmp_path))
        return Ledger(opened[-1])

    yield make
    for files in opened:
        files.close()


def test_what_one_wrote_the_other_reads(ledger):
    with ledger().held() as state:
        state.failures, state.shut = 3, 100.0
    with ledger().held() as state:
        assert state.failures == 3
        assert 99 < state.shut < 100


def test_the_last_failure_is_kept_as_far_as_there_is_room_for_it(ledger):
    with ledger().held() as state:
        state.failed("ü" * 1000, probe=False)
    with ledger().held() as state:
        assert len(state.last) > 100
        assert set(state.last) == {"ü"}
        state.answered()
    assert ledger().seen() == State()


def test_what_fails_while_the_breaker_is_open_is_not_the_last(ledger):
    with ledger().held() as state:
        state.openings, state.last = 1, "first"
        state.failed("under way before that", probe=False)
        assert state.last == "first"


def test_nothing_is_written_of_what_went_wrong(ledger):
    def half_done():
        with ledger().held() as state:
            state.failures = 3
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        half_done()
    with ledger().held() as state:
        assert state == State()


@pytest.mark.parametrize("cut", [0, 1, 4, 30, 45])
@pytest.mark.parametrize("rest", [b"", b"\0" * 40, b"\xff" * 400])
def test_a_torn_file_counts_as_nothing_known(ledger, tmp_path, cut, rest):
    with ledger().held() as state:
        state.failures, state.shut = 3, 100.0
    whole = (tmp_path / "ledger").read_bytes()
    (tmp_path / "ledger").write_bytes(whole[:cut] + rest)
    with ledger().held() as state:
        assert state == State()
        state.failures = 1
    with ledger().held() as state:
        assert state.failures == 1


@pytest.mark.parametrize("at", [0, 4, 30, 60])
def test_what_is_half_written_counts_as_nothing_known_to_who_had_it_open(ledger, tmp_path, at):
    reader = ledger()
    with ledger().held() as state:
        state.failures, state.shut = 3, 100.0
    assert reader.seen().failures == 3
    with (tmp_path / "ledger").open("r+b") as file:
        file.seek(at)
        file.write(b"\xff\xff\xff")
    assert reader.seen() == State()


@pytest.mark.parametrize(
    ("then", "now", "seconds"),
    [
        (Instant(BOOT, 5.0, 1000.0), Instant(BOOT, 7.0, 1002.0), 2.0),
        (Instant(BOOT, 5.0, 1000.0), Instant(BOOT, 7.0, 0.0), 2.0),
        (Instant(BOOT, 5.0, 1000.0), Instant(BOOT, 7.0, 9e9), 2.0),
        (Instant(BOOT, 5.0, 1000.0), Instant(OTHER, 1.0, 1060.0), 60.0),
        (Instant(BOOT, 5.0, 1000.0), Instant(OTHER, 9.0, 900.0), 0.0),
        (Instant(UNKNOWN, 0.0, 1000.0), Instant(UNKNOWN, 0.0, 1003.0), 3.0),
    ],
    ids=["as it goes", "set back", "set forward", "started anew", "started anew and set back", "no ticks"],
)
def test_time_passes_whatever_people_set_the_clock_to(then, now, seconds):
    assert seconds_between(then, now) == seconds


@pytest.mark.parametrize("look", ["seen", "held"])
def test_what_is_shut_opens_though_the_clock_had_been_ahead_before_the_machine_started_anew(ledger, look):
    # given: a clock that is a day ahead
    with told_by(lambda: Instant(BOOT, 100.0, 87_400.0)), ledger().held() as state:
        state.shut = 60.0

    # when
    def shut(seconds):
        with told_by(lambda: Instant(OTHER, 10.0 + seconds, 1000.0 + seconds)):
            if look == "seen":
                return ledger().seen().shut
            with ledger().held() as state:
                return state.shut

    # then
    assert [shut(0), shut(50), shut(60)] == [60.0, 10.0, 0.0]


def test_the_clock_of_this_machine_goes_on():
    then = instant()
    assert 0 <= seconds_between(then, instant()) < 5


def test_a_bucket_gives_its_burst_and_then_one_token_after_the_other():
    rate, state = Rate(requests=10, seconds=1.0, burst=3), State()
    waits = []
    for _ in range(5):
        waits.append(round(state.until_token(rate), 6))
        state.debt += rate.interval
    assert waits == [0.0, 0.0, 0.0, 0.1, 0.2]


def test_five_failures_in_a_row_open_the_breaker_and_an_answer_starts_anew():
    state = State()
    for _ in range(4):
        state.failed(probe=False)
    state.answered()
    for _ in range(4):
        state.failed(probe=False)
    assert (state.open, state.openings) == (0.0, 0)
    state.failed(probe=False)
    assert 1 <= state.open <= 5
    assert (state.failures, state.openings) == (5, 1)


def test_a_request_that_was_under_way_when_the_breaker_opened_says_nothing_new():
    state = State(open=0.5, failures=5, openings=1)
    state.failed(probe=False)
    assert state == State(open=0.5, failures=5, openings=1)


def test_each_probe_without_an_answer_opens_it_for_longer_up_to_five_minutes():
    times = {openings: [] for openings in (1, 3, 5000)}
    for openings, found in times.items():
        for _ in range(200):
            state = State(failures=5, openings=openings)
            state.failed(probe=True)
            found.append(state.open)
    longest = [max(found) for found in times.values()]
    assert [most <= cap for most, cap in zip(longest, (10, 40, 300), strict=True)] == [True] * 3
    assert [most > cap / 2 for most, cap in zip(longest, (10, 40, 300), strict=True)] == [True] * 3
    assert min(min(found) for found in times.values()) >= 1
