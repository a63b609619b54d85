"""Bodies that come packed: a part of one is no answer."""

import asyncio
import gzip
import random

import pytest
from starlette.responses import Response

from pullpush_dagster.connectors.request import Request
from pullpush_dagster.errors import UnavailableError
from pullpush_dagster.transport.download import download

LINES = b"".join(b'{"id":"%d","x":"%d"}\n' % (n, random.Random(n).getrandbits(64)) for n in range(5000))


@pytest.fixture
def packed(platform):
    """Answer with these bytes, whose frame is whole, as packed ones."""
    return lambda content: platform.answer(Response(content, headers={"content-encoding": "gzip"}))


@pytest.fixture
def get(tiny):
    """The bytes of the answer."""

    async def go():
        async with tiny.client(tiny.connector(limits={"attempts": 1})) as client:
            return (await client.send(Request(get="/x"), {}, json=False)).content

    return lambda: asyncio.run(go())


@pytest.fixture
def have(platform, tmp_path):
    """The bytes of the file that lies at the platform."""

    def had():
        file = tmp_path / "file"
        asyncio.run(download(f"{platform.url}/x", ["127.0.0.1"], file, seconds=10, largest=10**9))
        return file.read_bytes()

    return had


@pytest.fixture(params=["get", "have"])
def read(request):
    """An answer, or a file."""
    return request.getfixturevalue(request.param)


def test_what_is_packed_is_unpacked(packed, read):
    packed(gzip.compress(LINES))
    assert read() == LINES


@pytest.mark.parametrize("left", [-2000, -1, 5], ids=["of its end", "of its last byte", "all but its head"])
def test_what_lacks_a_part_is_not_taken_for_whole(packed, read, left):
    packed(gzip.compress(LINES)[:left])
    with pytest.raises(UnavailableError, match="no whole"):
        read()


def test_what_is_not_packed_as_it_says_is_none(packed, read):
    packed(LINES)
    with pytest.raises(UnavailableError, match="no whole"):
        read()


def test_nothing_is_nothing_however_it_is_packed(packed, read):
    packed(b"")
    assert read() == b""
