"""Refresh tokens that change with each use: the one secret that is stored, in a file of its own."""

import asyncio
import hashlib
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import orjson

from pullpush_dagster.transport.files import locked

_POLL = 0.02


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
    """The tokens of one connection: mode 0600, replaced as a whole, outside the project and its store.

    In ``PULLPUSH_TOKENS``, else ``$XDG_STATE_HOME/pullpush``, else ``~/.local/state/pullpush``.

    Args:
        first: the refresh token that the connection's secret holds. Once that is another one, what is stored is void.
    """

    def __init__(self, connection: str, state: Path | None, first: str) -> None:
        home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
        folder = Path(os.environ.get("PULLPUSH_TOKENS") or Path(home) / "pullpush")
        project = hashlib.sha256(str(state).encode()).hexdigest()[:12]
        self._path = folder / project / f"{connection}.json"
        self._seed = hashlib.sha256(first.encode()).hexdigest()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """The block alone refreshes, of all processes on this machine. A holder that dies lets go of it."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileIO(self._path.with_suffix(".lock"), "a") as lock:
            while not locked(lock):
                await asyncio.sleep(_POLL)
            yield

    def read(self) -> Tokens | None:
        """What is stored; None: nothing, or nothing that belongs to the secret as it is now."""
        try:
            found = orjson.loads(self._path.read_bytes())
            tokens = Tokens(found["access"], found["refresh"], found["until"])
        except (FileNotFoundError, orjson.JSONDecodeError, KeyError, TypeError):
            return None
        return tokens if found.get("seed") == self._seed else None

    def write(self, tokens: Tokens) -> None:
        """Store ``tokens``: all of it, or what was there before stays."""
        whole = {"access": tokens.access, "refresh": tokens.refresh, "until": tokens.until, "seed": self._seed}
        descriptor, name = tempfile.mkstemp(dir=self._path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(orjson.dumps(whole))
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(self._path)
