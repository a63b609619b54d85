"""A process keeps its places from one request to the next, as long as that is nobody's loss."""

import asyncio
import struct
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from pullpush_dagster.connectors.limits_model import Limits
from pullpush_dagster.transport.files import Files, locked
from pullpush_dagster.transport.ledger import Ledger
from pullpush_dagster.transport.places import Want
from pullpush_dagster.transport.turns import Turns
from tests.unit.transport.processes import Process

KEEPER = Path(__file__).with_name("keeper.py")


class Keeper(Process):
    """One process, which takes turns."""

    def __init__(self, folder, concurrency):
        super().__init__(KEEPER, folder, str(concurrency))

    def begin(self, number, at_once, seconds, **more):
        self.tell(number=number, at_once=at_once, seconds=seconds, **more)

    def end(self):
        """When each of its turns began and ended."""
        return super().end(30)


@pytest.fixture
def keepers(tmp_path):
    """Starts so many, for so many places."""
    started = []

    def start(number, concurrency):
        started.extend(Keeper(tmp_path, concurrency) for _ in range(number))
        for one in started:
            one.ready()
        return started

    yield start
    for one in started:
        one.kill()


@pytest.fixture
def files(tmp_path):
    """The connection's files, as another process has them open."""
    with closing(Files(tmp_path)) as files:
        yield files


def free(files, name):
    """Whether nobody has the lock."""
    file = files.open(name)
    with closing(file):
        return locked(file)


def most_at_once(times):
    """How many of these turns there were at most at the same moment."""
    steps = sorted([(began, 1) for began, _ in times] + [(ended, -1) for _, ended in times])
    now = most = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


def test_a_process_alone_does_not_come_to_the_line_again(keepers, files):
    # given: a process that is under way, and a line that does not move on
    (one,) = keepers(1, 2)
    one.begin(200, 2, 0.002)
    time.sleep(0.1)
    assert locked(files.open("front"))
    # then
    assert len(one.end()) == 200


def test_a_process_that_waits_has_its_turns_while_the_other_goes_on(keepers):
    # given
    busy, late = keepers(2, 2)
    busy.begin(600, 2, 0.004)
    time.sleep(0.2)
    # when
    late.begin(10, 1, 0.004)
    came, went = late.end(), busy.end()
    # then
    during = [one for one in went if came[0][0] < one[0] < came[-1][1]]
    assert 0 < len(during) < 120
    assert came[-1][1] < went[-1][0] - 0.3
    assert most_at_once(came + went) == 2


def test_a_process_that_has_nothing_to_do_keeps_nothing(keepers, files):
    (one,) = keepers(1, 3)
    one.begin(30, 3, 0.001)
    one.end()
    time.sleep(0.1)
    assert [free(files, name) for name in ("place-0", "place-1", "place-2", "front", "next")] == [True] * 5


def test_what_a_killed_process_kept_is_free_at_once(keepers, files):
    # given: one that keeps its place and does nothing any more
    one, other = keepers(2, 1)
    one.begin(3, 1, 0.001, blocked=60)
    one.end()
    assert not free(files, "place-0")
    other.begin(1, 1, 0.001)
    time.sleep(0.1)
    # when
    killed_at = time.monotonic()
    one.kill()
    # then
    ((began, _),) = other.end()
    assert killed_at < began < killed_at + 1


def test_all_processes_together_never_have_more_than_there_are(keepers):
    # given: they come and go, so that places are kept, wanted, left and taken in every order
    three = keepers(3, 3)
    for one, pause in zip(three, (0.0, 0.01, 0.06), strict=True):
        one.begin(150, 4, 0.002, pause=pause)
    # then
    times = [time for one in three for time in one.end()]
    assert len(times) == 450
    assert most_at_once(times) == 3


@pytest.mark.parametrize("folder", [True, False], ids=["shared", "alone"])
def test_who_asks_again_comes_after_those_of_its_process_that_wait(tmp_path, folder):
    order = []

    async def go():
        with closing(Turns("tiny", Limits(concurrency=1), tmp_path if folder else None, pause=1, breaks=True)) as turns:

            async def twice(name):
                for _ in range(2):
                    async with turns.turn():
                        order.append(name)
                        await asyncio.sleep(0.005)

            await asyncio.gather(*(twice(name) for name in "abc"))

    asyncio.run(go())
    assert order == [*"abcabc"]


def test_one_that_no_longer_waits_takes_no_place_along():
    async def go():
        with closing(Turns("tiny", Limits(concurrency=1), None, pause=1, breaks=True)) as turns:

            async def once():
                async with turns.turn():
                    pass

            async with turns.turn():
                first, second, third = (asyncio.create_task(once()) for _ in range(3))
                await asyncio.sleep(0.01)
                first.cancel()
                second.cancel()
                await asyncio.sleep(0.01)
            await asyncio.wait_for(third, 1)
            await asyncio.wait_for(once(), 1)

    asyncio.run(go())


def test_a_place_that_comes_back_after_the_end_is_nobodys():
    async def go():
        turns = Turns("tiny", Limits(concurrency=1), None, pause=1, breaks=False)
        async with turns.turn():
            turns.close()
        await asyncio.sleep(0.05)

    asyncio.run(go())


@pytest.mark.parametrize(
    "written",
    [b"", b"\xff" * 32, b"\xff" * 7, struct.pack("<16sdd", b"b" * 16, 1.0, 9e9)],
    ids=["nothing", "anything", "a part", "before the machine was started anew"],
)
def test_what_nobody_told_since_the_machine_was_started_is_no_want(tmp_path, files, written):
    (tmp_path / "wanted").write_bytes(written)
    assert not Want(files).felt()


def test_a_want_is_felt_by_others_and_is_over_soon(files):
    told, other = Want(files), Want(files)
    told.tell()
    assert other.felt()
    time.sleep(1.05)
    assert not other.felt()


_WRITES = """
import sys
from pathlib import Path
from pullpush_dagster.transport.files import Files
from pullpush_dagster.transport.ledger import Ledger

ledger, number = Ledger(Files(Path(sys.argv[1]))), 0
while True:
    with ledger.held() as state:
        number += 1
        state.failures = state.openings = number
        state.shut = 1000.0 + number % 1000
"""


def test_nothing_is_read_that_is_half_written(tmp_path, files):
    # given: a process that writes all the time
    ledger, seen = Ledger(files), []
    writer = subprocess.Popen([sys.executable, "-c", _WRITES, tmp_path])
    try:
        while not ledger.seen().failures:
            time.sleep(0.01)
        # when
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            seen.append(ledger.seen())
    finally:
        writer.kill()
        writer.wait()
    # then
    assert len({state.failures for state in seen}) > 10
    assert all(state.failures == state.openings for state in seen)
    assert all(abs(state.shut - 1000.0 - state.failures % 1000) < 0.5 for state in seen)
