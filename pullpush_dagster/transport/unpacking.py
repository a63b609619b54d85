"""An answer's body, unpacked, and whole."""

import zlib
from collections.abc import AsyncIterator

import httpx

_GZIP = 16 + zlib.MAX_WBITS


async def unpacked(answer: httpx.Response) -> AsyncIterator[bytes]:
    """The parts of the body of ``answer``, which was not read yet.

    httpx takes a packed body for whole though its end is missing, as where a proxy lost what it stands before, and
    ended the frame as if that were all.

    Raises:
        httpx.DecodingError: it is not whole, or not packed as it says.
    """
    if answer.headers.get("content-encoding", "").strip().lower() not in ("gzip", "x-gzip"):
        async for part in answer.aiter_bytes():
            yield part
        return
    unpacker, begun = zlib.decompressobj(_GZIP), False
    try:
        async for part in answer.aiter_raw():
            begun = True
            yield unpacker.decompress(part)
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from None
    if begun and not unpacker.eof:
        raise httpx.DecodingError("the end is missing")
