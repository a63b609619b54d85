"""Proofs of who we are that must be asked for first: access tokens, sessions, and tokens that writes need."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, Protocol

import httpx
from oauthlib.oauth2 import BackendApplicationClient, WebApplicationClient

from pullpush_dagster.connectors.auth_model import Auth, Csrf, Login
from pullpush_dagster.connectors.template import at, fill, fill_path, fill_text
from pullpush_dagster.errors import AuthError, RetryError, UnavailableError
from pullpush_dagster.transport.refusal import Refusal
from pullpush_dagster.transport.tokens import TokenFile, Tokens, tokens_in

_GRANT_SECONDS = 60.0
_SECRET_LENGTH = 8


# Sends a request for what is named first, by a method, to an address, when it may go out, and gives its good answer. It
# raises RateLimitError, UnavailableError or AuthError, by what the answer says, or ShutError: it was not sent.
Ask = Callable[..., Awaitable[httpx.Response]]


class Asked(NamedTuple):
    """A request that needs a proof: its method, where the platform is, and the headers that prove something so far."""

    method: str
    base: httpx.URL
    proof: Mapping[str, str]


class Session(Protocol):
    """Something that is asked for once and goes along with requests until it is no longer good.

    ``under_way``: what must come to its end, though nobody waits for it any more.
    """

    origin: httpx.URL | None
    under_way: asyncio.Task[Tokens] | None

    async def headers(self, ask: Ask, asked: Asked) -> dict[str, str]:
        """What goes along with a request; asked for where it is not there. Raises what ``ask`` does, and AuthError."""

    def over(self, answer: httpx.Response) -> bool:
        """Whether an answer says that it is no longer good; then it is dropped, and the request was not done."""

    @property
    def secrets(self) -> list[str]:
        """What must not be seen anywhere; the one before too, which requests under way still carry."""


class AccessToken:
    """OAuth 2: client credentials, or a refresh token that may change with each use."""

    origin: httpx.URL | None = None

    def __init__(self, auth: Auth, values: Mapping[str, object], file: TokenFile | None) -> None:
        self._auth, self._values, self._file = auth, values, file
        self._tokens: Tokens | None = None
        self._former: Tokens | None = None
        self._refusal = Refusal()
        self.under_way: asyncio.Task[Tokens] | None = None

    async def headers(self, ask: Ask, _: Asked) -> dict[str, str]:
        """The bearer header."""
        if self._tokens is None or not self._tokens.good:
            mine = self.under_way is None or self.under_way.done()
            if self.under_way is None or mine:
                self.under_way = asyncio.create_task(self._renew(ask))
                self.under_way.add_done_callback(_looked_at)
            try:
                # Whoever waits may be cut off, but then the token that was good once is spent, the new one not known.
                return _bearer(await asyncio.shield(self.under_way))
            except (httpx.HTTPError, UnavailableError) as error:
                if mine:
                    raise
                # It is one request that had no answer, however many wait for it.
                said = error.said if isinstance(error, UnavailableError) else "the access token did not come"
                raise RetryError(said) from None
        return _bearer(self._tokens)

    def over(self, answer: httpx.Response) -> bool:
        """After a 401: the token may have been withdrawn before its time."""
        if answer.status_code != httpx.codes.UNAUTHORIZED or self._tokens is None:
            return False
        # Of requests under way together, one that is answered late says nothing of a token asked for since.
        if answer.request.headers.get("Authorization") == _bearer(self._tokens)["Authorization"]:
            self._tokens = Tokens(self._tokens.access, self._tokens.refresh, 0.0)
        return True

    @property
    def secrets(self) -> list[str]:
        return [text for one in (self._tokens, self._former) if one for text in (one.access, one.refresh)]

    async def _renew(self, ask: Ask) -> Tokens:
        # Here, as the old token counts until it is done, and not until somebody who waited goes on.
        with self._refusal.once():
            renewed = await self._renewed(ask)
        self._former, self._tokens = self._tokens, renewed
        return renewed

    async def _renewed(self, ask: Ask) -> Tokens:
        if self._file is None:
            return await self._granted(ask, "")
        stale = self._tokens
        async with self._file.held():
            stored = self._file.read()
            if stored is not None and stored.good and (stale is None or stored.access != stale.access):
                return stored
            # A token is good once. What was given for it is stored before anything else happens.
            with self._file.room() as store:
                tokens = await self._granted(ask, stored.refresh if stored else self._text("refresh_token"))
                store(tokens)
            return tokens

    async def _granted(self, ask: Ask, refresh: str) -> Tokens:
        client_id, secret = self._text("client_id"), self._text("client_secret")
        scope = self._text("scope") if self._auth.scope else None
        in_body = {"client_id": client_id, "client_secret": secret} if self._auth.credentials == "body" else {}
        if refresh:
            client: BackendApplicationClient | WebApplicationClient = WebApplicationClient(client_id)
            body = client.prepare_refresh_body(refresh_token=refresh, scope=scope, **in_body)
        else:
            client = BackendApplicationClient(client_id)
            alone = {"client_secret": secret} if in_body else {}
            body = client.prepare_request_body(scope=scope, include_client_id=bool(in_body), **alone)
        async with asyncio.timeout(_GRANT_SECONDS):
            answer = await ask(
                "the access token",
                "POST",
                self._text("url"),
                content=body,
                headers={"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
                auth=httpx.Auth() if in_body else httpx.BasicAuth(client_id, secret),
            )
        return tokens_in(answer, refresh)

    def _text(self, name: str) -> str:
        return fill_text(getattr(self._auth, name), self._values, what=f"auth.{name}")


class LoginSession:
    """A session that one request opens: its cookies, a token of its own, perhaps an origin of its own."""

    under_way: asyncio.Task[Tokens] | None = None

    def __init__(self, auth: Auth, login: Login, values: Mapping[str, object]) -> None:
        self._auth, self._login, self._values = auth, login, values
        self.origin: httpx.URL | None = None
        self._base: httpx.URL | None = None
        self._opened = False
        self._refusal = Refusal()
        self._token, self._cookies, self._before = "", list[str](), list[str]()
        # name=value of every cookie of this session, and of those of the one before it that it does not share.
        self._given, self._former = set[str](), set[str]()
        self._one = asyncio.Lock()

    async def headers(self, ask: Ask, asked: Asked) -> dict[str, str]:
        """The token's header, where there is one; cookies go along by themselves."""
        async with self._one:
            if not self._opened:
                # The next one is opened where the first one was, not where that led.
                self._base = self._base or asked.base
                with self._refusal.once():
                    await self._open(ask, self._base)
            return self._told

    @property
    def _told(self) -> dict[str, str]:
        told = f"{self._auth.scheme} {self._token}".strip()
        return {self._auth.header or "Authorization": told} if self._token else {}

    def over(self, answer: httpx.Response) -> bool:
        """After a 401: it has ended."""
        ended = answer.status_code == httpx.codes.UNAUTHORIZED
        # Of requests under way together, one that is answered late says nothing of a session opened since.
        self._opened = self._opened and not (ended and self._is_of_this(answer.request))
        return ended

    def _is_of_this(self, request: httpx.Request) -> bool:
        if self._token:
            return all(request.headers.get(name) == told for name, told in self._told.items())
        # Not by its own ones, as a platform may change them under way.
        return not self._former & set(request.headers.get("Cookie", "").split("; "))

    @property
    def secrets(self) -> list[str]:
        return [self._token, *self._cookies, *self._before]

    async def _open(self, ask: Ask, base: httpx.URL) -> None:
        login = self._login
        origin = fill_text(login.at, self._values, what="auth.login.at") if login.at else str(base)
        url = f"{origin.rstrip('/')}{fill_path(login.path, self._values)}"
        json = None if login.form else fill(login.body, self._values)
        data = fill(login.form, self._values) if login.form else None
        query = fill(login.query, self._values)
        answer = await ask("the session", login.method, url, params=query, json=json, data=data, auth=None)
        # Not by their names, as two may have the same, each for a path of its own.
        cookies = [(one.name, one.value) for one in answer.cookies.jar]
        given = {f"{name}={value}" for name, value in cookies}
        self._former, self._given = self._given - given, given
        self._before = [self._token, *self._cookies]
        # Who has the session's cookie has the session. A short one, such as a node's number, tells nothing.
        self._cookies = [value for _, value in cookies if value and len(value) >= _SECRET_LENGTH]
        body = _parsed(answer) if login.token is not None or login.host is not None else None
        if login.token is not None:
            self._token = str(at(body, login.token) or "")
            if not self._token:
                raise AuthError(f"the answer to the login has no {login.token}")
        if login.host is not None:
            self.origin = within(str(at(body, login.host) or ""), login.hosts)
        self._opened = True


class WriteToken:
    """What only writes need: a token that is fetched with a question, and is bound to its cookies."""

    origin: httpx.URL | None = None
    under_way: asyncio.Task[Tokens] | None = None

    def __init__(self, csrf: Csrf) -> None:
        self._csrf, self._token, self._former = csrf, "", ""
        self._one = asyncio.Lock()

    async def headers(self, ask: Ask, asked: Asked) -> dict[str, str]:
        """The token's header, for a write."""
        if asked.method == "GET":
            return {}
        async with self._one:
            if not self._token:
                url = f"{str(asked.base).rstrip('/')}{self._csrf.get}"
                proof = {**asked.proof, self._csrf.header: "Fetch"}
                answer = await ask("the token for writes", "GET", url, headers=proof)
                self._token = answer.headers.get(self._csrf.header, "")
                if not self._token:
                    raise AuthError(f"the platform gives no {self._csrf.header}, which writes need")
            return {self._csrf.header: self._token}

    def over(self, answer: httpx.Response) -> bool:
        """After a 403 that asks for one."""
        said, carried = answer.headers.get(self._csrf.header, ""), answer.request.headers.get(self._csrf.header)
        if answer.status_code != httpx.codes.FORBIDDEN or said.lower() != "required" or not carried:
            return False
        # One that was fetched since then is another one.
        if carried == self._token:
            self._former, self._token = self._token, ""
        return True

    @property
    def secrets(self) -> list[str]:
        return [self._token, self._former]


def _bearer(tokens: Tokens) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens.access}"}


def _looked_at(task: asyncio.Task[Tokens]) -> None:
    """Nobody may wait for its error any more, which asyncio would complain of."""
    if not task.cancelled():
        task.exception()


def _parsed(answer: httpx.Response) -> object:
    try:
        return answer.json()
    except ValueError:
        return None


def within(url: str, domains: list[str]) -> httpx.URL:
    """``url`` as an origin to send credentials to. Raises AuthError: it lies in none of ``domains``."""
    try:
        origin = httpx.URL(url)
    except httpx.InvalidURL:
        origin = httpx.URL("")
    local = origin.host in ("localhost", "127.0.0.1", "::1")
    inside = any(origin.host == domain or origin.host.endswith(f".{domain}") for domain in domains)
    if not inside or (origin.scheme != "https" and not local) or origin.userinfo:
        raise AuthError(f"a request would lead to an origin outside {', '.join(domains)}")
    return origin
