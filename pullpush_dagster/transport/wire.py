"""One connection's way to its platform: where it is, who we are, and what one answer is."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import httpx
import orjson

from pullpush_dagster.config import Connection
from pullpush_dagster.config.account import way_of
from pullpush_dagster.connectors.auth_model import Auth
from pullpush_dagster.connectors.forms import ABSENT, text
from pullpush_dagster.connectors.model import ConnectorFile
from pullpush_dagster.connectors.request import Request
from pullpush_dagster.connectors.template import fill, fill_path, fill_text, fill_texts
from pullpush_dagster.errors import (
    AuthError,
    ConfigError,
    ForbiddenError,
    HaltError,
    RateLimitError,
    RejectError,
    UnavailableError,
)
from pullpush_dagster.transport.answer import Answer
from pullpush_dagster.transport.auth import authentication, basic, sessions_of
from pullpush_dagster.transport.classify import error_inside, fault_of, http_date, no_proof
from pullpush_dagster.transport.declared import base_of, envelope_of
from pullpush_dagster.transport.envelope import Enveloping
from pullpush_dagster.transport.redact import logged_without_query, redacted
from pullpush_dagster.transport.sessions import Asked, within
from pullpush_dagster.transport.sockets import Jar, carrier, why_unreached
from pullpush_dagster.transport.turns import Turn
from pullpush_dagster.transport.unpacking import unpacked

_CONNECT_SECONDS = 10.0
_READ = httpx.ByteStream(b"")
_JSON = {"Content-Type": b"application/json"}


class Wire:
    """Requests to one connection's declared origin, each sent once.

    Args:
        values: ``settings.NAME`` of the connection.
        largest: bytes of the largest answer that is read.

    Raises:
        ConfigError: a setting or secret is missing (secrets are named, never shown).
    """

    def __init__(self, connection: Connection, facts: ConnectorFile, values: Mapping[str, Any], largest: int) -> None:
        secrets = connection.secret_values()
        every = {**values, **{f"secret.{name}": value for name, value in secrets.items()}}
        self._envelope = envelope_of(facts, connection, every)
        if self._envelope is not None:
            facts = facts.model_copy(update={"base_url": self._envelope.envelope.at, "auth": Auth(type="none")})
        self._name, self._facts, self._largest = connection.connection, facts, largest
        self._base = base_of(facts, connection, values)
        auth = way_of(facts, connection, self._base.scheme)
        self._secrets = {**basic(auth, every), **secrets}
        self._hosts = auth.login.hosts if auth.login else []
        self._sessions = sessions_of(auth, every)
        self._http = httpx.AsyncClient(
            auth=authentication(auth, every),
            headers={n: str(v).encode() for n, v in fill(facts.headers, every).items()},
            # The exchange is timed as a whole: a timer for each part of an answer would only be one more.
            timeout=httpx.Timeout(None, connect=min(_CONNECT_SECONDS, self._seconds)),
            transport=carrier(facts.limits.concurrency),
            follow_redirects=False,
            trust_env=False,
        )
        self._http._cookies = Jar()

    async def aclose(self) -> None:
        """Close every connection, once no session is being renewed any more."""
        renewals = [one.under_way for one in self._sessions if one.under_way is not None]
        try:
            if renewals:
                await asyncio.wait(renewals)
        finally:
            await self._http.aclose()

    def redacted(self, text: str) -> str:
        """``text`` without secrets, short enough to be stored."""
        given = {f"token{place}": one for place, one in enumerate(self._given())}
        return redacted(text, {**given, **self._secrets})

    async def exchange(
        self, turn: Turn, request: Request, values: Mapping[str, Any], body: Any, link: str | None, *, json: bool = True
    ) -> Answer:
        """The answer to ``request``.

        Args:
            turn: asked before each single request that goes out, those for proofs too.
            body: replaces the request's own. link: an address that a platform gave replaces path and query.
            json: whether a good answer is JSON, which may hold an error.

        Raises:
            RateLimitError, UnavailableError, RejectError, AuthError: as ``fault_of``; nothing that was no answer
                is one. ShutError: not sent.
        """
        values = fill_texts(request, values)
        try:
            # httpx's own would be per read, so an answer that drips would outlive the lease it is sent under.
            async with asyncio.timeout(self._seconds):
                if self._envelope is None:
                    answer = await self._proven(turn, request, values, body, link, json=json)
                else:
                    answer = await self._carried(turn, self._envelope, request, values, body)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            said = f"{_place(error.request.url)} cannot be reached: {why_unreached(error)}"
            raise UnavailableError(said, sent=False, connection=self._name) from None
        except httpx.HTTPError as error:
            said = f"no whole answer ({type(error).__name__})"
            raise UnavailableError(said, sent=turn.sent, connection=self._name) from None
        except TimeoutError:
            said = f"no whole answer in {self._seconds:g} s"
            raise UnavailableError(said, sent=turn.sent, connection=self._name) from None
        except (RateLimitError, UnavailableError, RejectError, HaltError, ConfigError) as error:
            # All but what keeps it here: that is the caller's own.
            error.add_where(connection=self._name)
            raise
        return answer

    async def _carried(
        self, turn: Turn, into: Enveloping, request: Request, values: Mapping[str, Any], body: Any
    ) -> Answer:
        """The answer to a request that goes in an envelope."""

        async def send(content: Any) -> Answer:
            return await self._proven(turn, into.envelope, values, content, None)

        async def log_in(content: Any) -> Answer:
            try:
                return await self._proven(turn, into.envelope, values, content, None, begin=turn.go)
            except UnavailableError as error:
                # Whatever became of it, the request itself has not begun.
                error.sent = False
                raise

        content = body if body is not None else fill(request.body, values)
        path = fill_path(request.path, values)
        return await into.carried(path, None if content is ABSENT else content, send, log_in)

    async def _proven(
        self,
        turn: Turn,
        request: Request,
        values: Mapping[str, Any],
        body: Any,
        link: str | None,
        *,
        json: bool = True,
        begin: Callable[[], Awaitable[None]] | None = None,
    ) -> Answer:
        """The answer, asked for once more with a new proof where the first one was no longer good."""
        for last in (False, True):
            # Nor was one done of which the proof was no longer good.
            turn.sent = False
            built = self._built(request, values, body, link, await self._proof(turn, request.method))
            await (begin or turn.begin)()
            asked_at = dt.datetime.now(dt.UTC)
            response = await self._http.send(built, stream=True)
            turn.answered = True
            try:
                content = await self._read(response)
            finally:
                await response.aclose()
                # It refers back to the response: all of an exchange would wait for the garbage collector.
                response.stream = _READ
            over = [one for one in self._sessions if one.over(response)]
            if last or not over:
                break
        try:
            return self._judged(response, content, asked_at, json=json)
        except ForbiddenError as error:
            if over:
                # For want of what goes along, whichever record is in it: that is refused by no such answer.
                raise AuthError(error.said) from None
            raise

    async def _proof(self, turn: Turn, method: str) -> dict[str, str]:
        proof: dict[str, str] = {}
        with logged_without_query():
            for session in self._sessions:
                proof |= await session.headers(partial(self._ask, turn), Asked(method, self._origin(), proof))
        return proof

    async def _ask(self, turn: Turn, what: str, method: str, url: str, **parts: Any) -> httpx.Response:
        """The good answer to a request for ``what``, as a session asks for it."""
        await turn.go()
        asked_at = dt.datetime.now(dt.UTC)
        response = await self._http.request(method, url, **parts)
        if response.is_success:
            return response
        answer = Answer(response.status_code, response.headers, response.content, asked_at, None, self._name)
        error = no_proof(self._facts, answer, what)
        if isinstance(error, RateLimitError):
            # At once: whoever waits for it may hear of it later, or not any more.
            turn.shut(error.retry_after)
        raise error

    def _judged(self, response: httpx.Response, content: bytes, asked_at: dt.datetime, *, json: bool) -> Answer:
        server_time = http_date(response.headers.get("date", ""))
        answer = Answer(response.status_code, response.headers, content, asked_at, server_time, self._name)
        if response.is_success and self._envelope is not None:
            answer = self._envelope.opened(answer)
        good = httpx.codes.is_success(answer.status)
        if not good or (json and self._facts.errors.inside and error_inside(self._facts, answer.body)):
            raise fault_of(self._facts, answer, self._name, self.redacted)
        return answer

    def _built(
        self, request: Request, values: Mapping[str, Any], body: Any, link: str | None, proof: Mapping[str, str]
    ) -> httpx.Request:
        content = body if body is not None else fill(request.body, values)
        headers: dict[str, Any] = {name: str(v).encode() for name, v in fill(request.headers, values).items()}
        if request.form:
            part: dict[str, Any] = {"data": {name: text(value) for name, value in fill(request.form, values).items()}}
        else:
            part = {} if content in (None, ABSENT) else {"content": orjson.dumps(content)}
            headers = {**_JSON, **headers} if part else headers
        url, query = self._address(request, values, link)
        return self._http.build_request(request.method, url, params=query, headers={**headers, **proof}, **part)

    def _address(self, request: Request, values: Mapping[str, Any], link: str | None) -> tuple[httpx.URL, Any]:
        origin = self._origin()
        if request.origin is not None:
            origin = within(fill_text(request.origin, values, what="origin"), self._hosts)
        if link is not None:
            url, query = self._linked(origin, link), None
        else:
            url = httpx.URL(f"{str(origin).rstrip('/')}{fill_path(request.path, values)}")
            # None, as httpx would take the URL apart again to put nothing in.
            query = _merged(fill(request.query, values)) or None
        if (url.scheme, url.netloc) != (origin.scheme, origin.netloc):
            raise RejectError("a request may only go to its connection's own origin")
        return url, query

    def _linked(self, origin: httpx.URL, link: str) -> httpx.URL:
        try:
            if link.startswith(("http://", "https://", "/")):
                return origin.copy_with(path="/").join(link)
            return httpx.URL(f"{str(origin).rstrip('/')}/{link}")
        except httpx.InvalidURL:
            raise RejectError("the platform gave a link that is no address") from None

    def _origin(self) -> httpx.URL:
        """Where requests go: where the login says, else where the connection does."""
        return next((one.origin for one in self._sessions if one.origin is not None), self._base)

    def _given(self) -> list[str]:
        return [one for one in dict.fromkeys(secret for session in self._sessions for secret in session.secrets) if one]

    async def _read(self, response: httpx.Response) -> bytes:
        parts, size = [], 0
        async for part in unpacked(response):
            parts.append(part)
            size += len(part)
            if size > self._largest:
                said = f"the answer is over {self._largest} bytes"
                # What asks for something is refused it; what changes something may well have done so.
                raise RejectError(said) if response.request.method == "GET" else UnavailableError(said, over=True)
        # A byte order mark is no JSON, but some PHP files put one in front of it.
        return b"".join(parts).removeprefix(b"\xef\xbb\xbf")

    @property
    def _seconds(self) -> float:
        return self._facts.limits.timeout


def _place(url: httpx.URL) -> str:
    """Host, and port where one is written."""
    return url.host if url.port is None else f"{url.host}:{url.port}"


def _merged(query: Any) -> dict[str, Any]:
    """The terms of a query as one."""
    terms = query if isinstance(query, list) else [query]
    return {name: value for term in terms for name, value in term.items()}
