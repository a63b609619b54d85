"""Tokens that a platform gives. Refresh tokens that change with each use are the one secret that is stored."""

import asyncio
import hashlib
import math
import os
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import httpx
import orjson

from pullpush_dagster.errors import AuthError, RetryError
from pullpush_dagster.transport.files import locked

_POLL = 0.02
# Bytes of the file, so that it takes no more room when there are tokens in it; the longest known have two thousand.
_ROOM = 8192
# Seconds that a token lasts of which nothing is said.
_SHORTEST = 300.0


@dataclass(frozen=True)
class Tokens:
    """What a platform last gave us. ``until``: seconds since the epoch, when ``access`` ends."""

    access: str
    refresh: str
    until: float

    def __repr__(self) -> str:
        return "Tokens(...)"

    @property
    def good(self) -> bool:
        """Whether ``access`` lasts for another minute, by which a request with it is over."""
        return time.time() + 60 < self.until


class TokenFile:
    """What came after the refresh token ``first``: mode 0600, replaced as a whole, outside the project and its store.

    In ``PULLPUSH_TOKENS``, else ``$XDG_STATE_HOME/pullpush``, else ``~/.local/state/pullpush``, by a name that only
    ``first`` tells: wherever a project lies, and whatever it calls its connection, whoever was given that token goes on
    with the newest one. Once the connection's secret holds another, there is nothing stored yet.
    """

    def __init__(self, first: str) -> None:
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        folder = Path(os.environ.get("PULLPUSH_TOKENS") or Path(home) / "pullpush")
        self._path = folder / f"{hashlib.sha256(first.encode()).hexdigest()}.json"

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """The block alone refreshes, of all processes on this machine. A holder that dies lets go of it."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileIO(self._path.with_suffix(".lock"), "a") as lock:
            while not locked(lock):
                await asyncio.sleep(_POLL)
            yield

    def read(self) -> Tokens | None:
        """What is stored; None: nothing."""
        try:
            found = orjson.loads(self._path.read_bytes())
            return Tokens(found["access"], found["refresh"], found["until"])
        except (FileNotFoundError, orjson.JSONDecodeError, KeyError, TypeError):
            return None

    @contextmanager
    def room(self) -> Iterator[Callable[[Tokens], None]]:
        """Gives what stores tokens: all of them, or what was there before stays.

        The room for them is taken now, so that a disk which is full is known before the stored ones are spent.

        Raises:
            RetryError: there is none.
        """
        try:
            descriptor, name = tempfile.mkstemp(dir=self._path.parent)
            file, path = os.fdopen(descriptor, "wb"), Path(name)
        except OSError as error:
            raise _no_room(error) from None
        try:
            with file:
                try:
                    _written(file, b"")
                except OSError as error:
                    raise _no_room(error) from None
                yield partial(self._store, file, path)
        finally:
            path.unlink(missing_ok=True)

    def _store(self, file: BufferedWriter, path: Path, tokens: Tokens) -> None:
        _written(file, orjson.dumps({"access": tokens.access, "refresh": tokens.refresh, "until": tokens.until}))
        path.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            # Else the name may lead to the spent ones again after the power failed.
            os.fsync(folder)
        finally:
            os.close(folder)


def _written(file: BufferedWriter, content: bytes) -> None:
    file.seek(0)
    file.write(content.ljust(_ROOM))
    file.flush()
    os.fsync(file.fileno())


def _no_room(error: OSError) -> RetryError:
    return RetryError(f"the access token could not be stored, so none is asked for: {error.strerror}")


def tokens_in(answer: httpx.Response, refresh: str) -> Tokens:
    """What a platform gives, by OAuth 2, as JSON or as a form; ``refresh`` stays where it gives no other.

    Not by oauthlib, which gives nothing of an answer whose lifetime is no whole number, or whose scope is another one:
    a refresh token that is good once would be lost.

    Raises:
        AuthError: there is no access token in it.
    """
    try:
        found = answer.json()
    except ValueError:
        found = dict(parse_qsl(answer.text))
    given: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    access, renewed = given.get("access_token"), given.get("refresh_token")
    if not isinstance(access, str) or not access:
        raise AuthError("the answer to the request for an access token has none")
    return Tokens(access, str(renewed or refresh), time.time() + _lifetime(given.get("expires_in")))


def _lifetime(said: Any) -> float:
    """Seconds; few where that says none."""
    try:
        seconds = float(said)
    except (TypeError, ValueError):
        return _SHORTEST
    return seconds if 0 < seconds < math.inf else _SHORTEST
