"""Requests that go inside another one, and the answers that come back inside its answer."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

import orjson

from pullpush_dagster.connectors.envelope_model import Envelope
from pullpush_dagster.connectors.template import at, fill
from pullpush_dagster.errors import AuthError, UnavailableError
from pullpush_dagster.transport.answer import Answer
from pullpush_dagster.transport.refusal import Refusal

Send = Callable[[Any], Awaitable[Answer]]


class Enveloping:
    """Puts requests into a connection's envelope. Who we are there is asked for once.

    Args:
        values: ``settings.NAME`` and ``secret.NAME``.
    """

    def __init__(self, envelope: Envelope, values: Mapping[str, object]) -> None:
        self.envelope, self._values = envelope, values
        self._login: Any = None
        self._refusal = Refusal()
        self._one = asyncio.Lock()

    async def carried(self, path: str, body: Any, send: Send, log_in: Send) -> Answer:
        """The answer to the request for ``path``, once more with a new login where the one kept is refused.

        Args:
            send: sends the envelope's body, and raises what its answer stands for. log_in: the same of a login.

        Raises:
            AuthError: the login is refused, or what it gave, although it is new.
        """
        kept = self._login
        try:
            return await send(self._sealed(path, body, await self._who(log_in)))
        except AuthError:
            if kept is None:
                raise
        # What was refused was not done, so that it can be asked again.
        if self._login is kept:
            self._login = None
        return await send(self._sealed(path, body, await self._who(log_in)))

    def opened(self, answer: Answer) -> Answer:
        """What ``answer``, a good one, would be without its envelope.

        Raises:
            UnavailableError: it is not an answer to an envelope.
        """
        if at(answer.body, self.envelope.sign) is None:
            said = f"the platform answered {answer.status} with something without an envelope"
            raise UnavailableError(said, connection=answer.connection)
        error = at(answer.body, self.envelope.error)
        if error is not None:
            return replace(answer, status=self.envelope.status, content=orjson.dumps(error))
        return replace(answer, content=orjson.dumps(at(answer.body, self.envelope.answer)))

    def _sealed(self, path: str, body: Any, login: Any) -> Any:
        named = dict(body or {})
        positional = [named.pop(name) for name in self.envelope.positional if name in named]
        steps = {f"path.{place}": unquote(step) for place, step in enumerate(path.split("/"))}
        carried = {**steps, "positional": positional, "named": named, "login": login}
        return fill(self.envelope.body, {**self._values, **carried})

    async def _who(self, log_in: Send) -> Any:
        async with self._one:
            with self._refusal.once():
                if self._login is None and self.envelope.login is not None:
                    self._login = (await log_in(fill(self.envelope.login, self._values))).body or None
                    if self._login is None:
                        raise AuthError("the login was refused: check its settings and credentials")
            return self._login
