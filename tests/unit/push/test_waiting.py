"""What goes together: as much as a request holds, until it has failed too often."""

import asyncio
from itertools import islice

import pytest

from pullpush_dagster.push.lanes import Lanes
from pullpush_dagster.push.waiting import together


@pytest.mark.parametrize(
    ("most", "sizes"),
    [
        (1, [1] * 10),
        (10, [10, 10, 10, 2, 1, 1, 1, 1, 1, 1]),
        (100, [100, 100, 100, 25, 6, 1, 1, 1, 1, 1]),
        (1000, [1000, 1000, 1000, 250, 62, 15, 3, 1, 1, 1]),
    ],
)
def test_with_each_attempt_fewer_go_together_and_each_alone_before_the_last(most, sizes):
    assert [together(most, attempts) for attempts in range(10)] == sizes


def test_what_was_tried_often_does_not_share_the_request_of_what_was_not(platform, tiny, made, facts, echo, names):
    platform.route(echo)

    async def run():
        async with tiny.client() as client:
            lanes = Lanes(client, facts(), 1, lambda sent: None)
            lanes.add(made(sku, item={"id": sku}, attempts=3 if sku in "BD" else 0) for sku in "ABCDEF")
            await lanes.ended()

    asyncio.run(run())
    assert [names(seen) for seen in platform.requests] == [["A", "C", "E", "F"], ["B"], ["D"]]


def test_what_is_filled_as_fast_as_it_is_sent_keeps_nothing_else_waiting(platform, tiny, made, facts, echo):
    steps, skus = [], iter("CDEFG")

    async def run():
        async with tiny.client() as client:

            def report(sent):
                steps.append(sent.batch[0].form.at)
                lanes.add(made(sku, item={"id": sku}) for sku in islice(skus, 1))

            lanes = Lanes(client, facts(batch=1), 1, report)
            lanes.add([made("A", item={"id": "A"}), made("B", item={"id": "B"}), made("X")])
            await lanes.ended()

    platform.route(echo)
    asyncio.run(run())
    assert steps.index("create") == 1
