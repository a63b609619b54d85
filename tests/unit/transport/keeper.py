"""A process that takes turns of one connection as it is told to, one JSON line in and one out for each order."""

import asyncio
import json
import random
import sys
import time
from contextlib import closing
from pathlib import Path

from pullpush_dagster.connectors.limits_model import Limits
from pullpush_dagster.transport.turns import Turns


async def taken(turns, number, at_once, seconds, pause=0.0, blocked=0.0):
    """When each turn began and ended, by the clock of the machine; afterwards nothing of this process goes on so long.

    Args:
        seconds: of each turn. pause: seconds at most between two turns of one task.
    """
    times, left = [], list(range(number))

    async def one_by_one():
        while left:
            left.pop()
            async with turns.turn():
                began = time.monotonic()
                await asyncio.sleep(seconds)
                times.append((began, time.monotonic()))
            if pause:
                await asyncio.sleep(random.uniform(0, pause))

    await asyncio.gather(*(one_by_one() for _ in range(at_once)))
    if blocked:
        print(json.dumps(times), flush=True)
        time.sleep(blocked)
    return times


async def whole(folder, concurrency):
    with closing(Turns("tiny", Limits(concurrency=concurrency), folder, pause=0.01, breaks=True)) as turns:
        print("ready", flush=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            print(json.dumps(await taken(turns, **json.loads(line))), flush=True)


if __name__ == "__main__":
    asyncio.run(whole(Path(sys.argv[1]), int(sys.argv[2])))
