"""A file that a platform laid down somewhere else, had without a word of who we are."""

import asyncio
from pathlib import Path

import httpx

from pullpush_dagster.errors import RejectError, UnavailableError
from pullpush_dagster.transport.redact import logged_without_query
from pullpush_dagster.transport.sessions import within
from pullpush_dagster.transport.sockets import carrier
from pullpush_dagster.transport.unpacking import unpacked

_READ_SECONDS = 60.0


async def download(address: str, hosts: list[str], file: Path, *, seconds: float, largest: int) -> None:
    """Write what lies at ``address`` to ``file``, in place of what is in it. No header, cookie or proof goes along.

    Args:
        hosts: domains it may lie in. seconds: it may take. largest: bytes it may have.

    Raises:
        AuthError: it lies in none of ``hosts``. RejectError: it is larger.
        UnavailableError: it is not there, or broke off; the address itself is never told, as it may be a key.
    """
    url = within(address, hosts)
    timeout = httpx.Timeout(min(_READ_SECONDS, seconds))
    # A client of its own: no cookie of the platform's is in it, and a redirect would lead out of its hosts.
    http = httpx.AsyncClient(transport=carrier(1), timeout=timeout, follow_redirects=False, trust_env=False)
    try:
        with logged_without_query(path=False):
            async with asyncio.timeout(seconds), http, http.stream("GET", url) as answer:
                if answer.status_code != httpx.codes.OK:
                    raise UnavailableError(f"{url.host} answered {answer.status_code} to the request for the file")
                await _written(answer, file, largest)
    except httpx.HTTPError as error:
        raise UnavailableError(f"no whole file from {url.host} ({type(error).__name__})") from None
    except TimeoutError:
        raise UnavailableError(f"no whole file from {url.host} in {seconds:g} s") from None


async def _written(answer: httpx.Response, file: Path, largest: int) -> None:
    size = 0
    with file.open("wb") as into:
        async for part in unpacked(answer):
            size += len(part)
            if size > largest:
                raise RejectError(f"the file is over {largest} bytes")
            into.write(part)
