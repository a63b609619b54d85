"""A process that asks the tiny platform what it is told to, one JSON line in and one out for each order."""

import asyncio
import json
import os
import sys
from pathlib import Path

from pullpush_dagster.config import Connection
from pullpush_dagster.connectors import load_connector
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.transport import Client


async def asked(root, url, requests, at_once, destination):
    """What each request came to: its status, or [the error's class, what it says]."""
    found, left = [], list(range(requests))
    connection = Connection(
        connection="tiny", connector="tiny", settings={"base_url": url}, secrets={"key": "TINY_KEY"}
    )
    connector = load_connector("tiny", Path(root) / "resources" / "connectors")

    async def one_by_one(client):
        while left:
            left.pop()
            try:
                found.append((await client.send(Request(get=f"/{os.getpid()}"), {})).status)
            except PullPushError as error:
                found.append([type(error).__name__, str(error)])

    async with Client(connection, connector, state=Path(root), destination=destination, pause=0.001) as client:
        await asyncio.gather(*(one_by_one(client) for _ in range(at_once)))
    return found


if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(asyncio.run(asked(**json.loads(line)))), flush=True)
