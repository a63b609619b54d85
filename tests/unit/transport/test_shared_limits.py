"""Two processes on one connection: together they never do what the platform does not bear."""

import asyncio
import datetime as dt
import os
import re
import time
from collections import Counter
from contextlib import closing, contextmanager
from email.utils import format_datetime
from itertools import combinations
from pathlib import Path

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.transport.files import Files
from pullpush_dagster.transport.ledger import Ledger
from tests.unit.transport.processes import Process

ASKER = Path(__file__).with_name("asker.py")
GOOD = Response("[]")
SECRET = "tiny-secret-value"


class Asker(Process):
    """One process with clients of its own."""

    def __init__(self):
        super().__init__(ASKER, env={**os.environ, "TINY_KEY": SECRET})

    def begin(self, tiny, requests=1, at_once=1, destination=True):
        self.tell(root=str(tiny.root), url=tiny.url, requests=requests, at_once=at_once, destination=destination)

    def ask(self, tiny, *args, **options):
        """What its requests came to."""
        self.begin(tiny, *args, **options)
        return self.end()


@pytest.fixture(scope="module")
def askers():
    """Three processes, for all tests of this file: to start one takes longer than most of them."""
    started = [Asker(), Asker(), Asker()]
    for one in started:
        one.ready()
    yield started
    for one in started:
        one.kill()


@pytest.fixture
def two(askers):
    return askers[:2]


def both(two, tiny, *args, **options):
    """What both processes come to that ask at the same time."""
    for one in two:
        one.begin(tiny, *args, **options)
    return [one.end() for one in two]


class Watched:
    """The tiny platform: when each request came, and when its answer left."""

    def __init__(self, platform):
        self.came, self.left, self.who, self.most, self.seconds = [], [], [], 0, 0.0
        self.answer = lambda _: GOOD
        platform.route(self)

    def __call__(self, seen):
        async def reply(scope, receive, send):
            self.came.append(time.monotonic())
            self.who.append(seen.path)
            number = len(self.came)
            self.most = max(self.most, number - len(self.left))
            await asyncio.sleep(self.seconds)
            self.left.append(time.monotonic())
            await self.answer(number)(scope, receive, send)

        return reply


@pytest.fixture
def watched(platform):
    return Watched(platform)


@contextmanager
def known(tiny):
    """What the processes know together, to be looked at and changed."""
    with closing(Files(tiny.root / "limits" / "tiny")) as files, Ledger(files).held() as state:
        yield state


def failing(_):
    return Response(status_code=500)


# How fast.


def test_two_processes_together_keep_to_the_rate(two, tiny, watched):
    tiny.connector(limits={"concurrency": 8, "rate": {"requests": 50, "burst": 5}})
    assert both(two, tiny, 30, 8) == [[200] * 30] * 2
    # A request may be a moment on its way, so that two come closer together than they went.
    for (first, came), (last, later) in combinations(enumerate(watched.came), 2):
        assert last - first + 1 <= 5 + 50 * (later - came + 0.2)


# How many at once.


def test_two_processes_together_keep_to_the_concurrency(two, tiny, watched):
    tiny.connector(limits={"concurrency": 3})
    watched.seconds = 0.01
    assert both(two, tiny, 40, 6) == [[200] * 40] * 2
    assert watched.most == 3


def test_a_process_that_comes_later_need_not_wait_until_the_other_is_done(two, tiny, watched):
    tiny.connector(limits={"concurrency": 1})
    watched.seconds = 0.005
    busy, late = two
    busy.begin(tiny, 150, 6)
    while len(watched.came) < 10:
        time.sleep(0.005)
    assert late.ask(tiny, 10) == [200] * 10
    assert len(watched.came) < 120
    assert busy.end() == [200] * 150


# When it says "slower".


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_nobody_asks_before_the_time_is_over_that_one_was_told(two, tiny, watched, form):
    tiny.connector()
    hours_off = dt.datetime.now(dt.UTC) - dt.timedelta(hours=3)
    later = format_datetime(hours_off + dt.timedelta(seconds=1), usegmt=True)
    headers = {"Retry-After": "1"} if form == "seconds" else {"Retry-After": later}
    slower = Response(status_code=429, headers={**headers, "Date": format_datetime(hours_off, usegmt=True)})
    watched.answer = lambda number: slower if number == 1 else GOOD
    (told,) = two[0].ask(tiny, destination=True)
    assert told[0] == "RateLimitError"
    assert both(two, tiny, destination=False) == [[200]] * 2
    assert min(watched.came[1:]) - watched.left[0] >= 1


def test_nobody_waits_for_a_time_that_is_long(two, tiny, watched):
    tiny.connector()
    watched.answer = lambda _: Response(status_code=429, headers={"Retry-After": "7200"})
    two[0].ask(tiny)
    (told,) = two[1].ask(tiny)
    assert told[0] == "RateLimitError"
    assert re.fullmatch(r"not sent: the platform asked to wait, for 3[56]\d\d s more \(connection=tiny\)", told[1])
    assert len(watched.came) == 1


# When it does not answer.


def test_after_five_requests_without_an_answer_nobody_asks_a_destination(two, tiny, watched):
    tiny.connector()
    watched.answer = failing
    two[0].ask(tiny, 3)
    two[1].ask(tiny, 2)
    for one in two:
        ((kind, said),) = one.ask(tiny)
        assert kind == "DownError"
        why = r"the last: Tiny answered 500; the next one goes out at [\d:]{8} UTC \(connection=tiny\)"
        assert re.fullmatch(rf"not sent: 5 requests in a row had no answer, {why}", said)
    assert len(watched.came) == 5


def test_what_the_last_failure_said_goes_to_other_processes_without_secrets(two, tiny, watched):
    tiny.connector(errors={"message": ["body.message"]})
    said = {"message": f"no place for {SECRET}, ü " * 99}
    watched.answer = lambda _: JSONResponse(said, status_code=500)
    two[0].ask(tiny, 5)
    ((_, told),) = two[1].ask(tiny)
    assert "the last: Tiny answered 500: no place for <key>, ü" in told
    assert SECRET.encode() not in (tiny.root / "limits" / "tiny" / "ledger").read_bytes()


def test_a_source_that_does_not_answer_is_asked_again(two, tiny, watched):
    tiny.connector()
    watched.answer = failing
    told = two[0].ask(tiny, 7, destination=False)
    assert {kind for kind, _ in told} == {"UnavailableError"}
    assert len(watched.came) == 7


@pytest.fixture
def half_open(tiny, watched):
    """A destination that did not answer, and may be asked again in a moment."""
    tiny.connector()
    watched.seconds = 0.3
    with known(tiny) as state:
        state.failures, state.openings, state.open = 5, 1, 0.1
    time.sleep(0.15)
    return watched


def test_one_probe_finds_out_for_all_that_a_destination_answers_again(two, tiny, half_open):
    assert both(two, tiny, 4, 4) == [[200] * 4] * 2
    assert half_open.came[1] > half_open.left[0]
    with known(tiny) as state:
        assert (state.failures, state.openings) == (0, 0)


def test_one_probe_finds_out_for_all_that_a_destination_is_still_down(two, tiny, half_open):
    half_open.answer = failing
    told = Counter(kind for found in both(two, tiny, 4, 4) for kind, _ in found)
    assert told == {"UnavailableError": 1, "DownError": 7}
    assert len(half_open.came) == 1
    with known(tiny) as state:
        assert (state.failures, state.openings) == (6, 2)


def test_the_places_and_the_probe_of_a_killed_process_are_free_at_once(askers, tiny, half_open):
    tiny.connector(limits={"concurrency": 1})
    half_open.seconds = 60.0
    askers[2].begin(tiny)
    while not half_open.came:
        time.sleep(0.01)
    half_open.seconds = 0.0
    askers[0].begin(tiny)
    time.sleep(0.3)
    assert len(half_open.came) == 1
    askers[2].kill()
    assert askers[0].end() == [200]
