"""How a request proves who we are. One class per way; credentials go to the declared origin only."""

from collections.abc import Generator, Mapping

import httpx
from oauthlib import oauth1

from pullpush_dagster.connectors.auth_model import Auth
from pullpush_dagster.connectors.template import fill_text
from pullpush_dagster.transport.sessions import AccessToken, LoginSession, Session, WriteToken
from pullpush_dagster.transport.tokens import TokenFile


def authentication(auth: Auth, values: Mapping[str, object]) -> httpx.Auth | None:
    """The httpx authentication that ``auth`` describes, with secrets filled in from ``values``.

    None: nothing constant goes along; what ``sessions_of`` gives may.
    """

    def text(template: str | None, name: str) -> str:
        return fill_text(template or "", values, what=f"auth.{name}")

    match auth.type:
        case "basic":
            return httpx.BasicAuth(text(auth.user, "user"), text(auth.password, "password"))
        case "oauth1":
            owner = {"resource_owner_key": text(auth.token, "token")} if auth.token else {}
            owner |= {"resource_owner_secret": text(auth.token_secret, "token_secret")} if auth.token_secret else {}
            owner |= {"realm": text(auth.realm, "realm")} if auth.realm else {}
            return OAuth1(text(auth.key, "key"), text(auth.secret, "secret"), auth.place, **owner)
        case "header":
            return Header(auth.header or "Authorization", f"{auth.scheme} {text(auth.token, 'token')}".strip())
        case "bearer":
            return Header("Authorization", f"Bearer {text(auth.token, 'token')}")
        case "none" | "oauth2" | "login":
            return None


def sessions_of(auth: Auth, values: Mapping[str, object]) -> list[Session]:
    """What must be asked for before a request can go, in the order of asking."""
    sessions: list[Session] = []
    if auth.type == "oauth2":
        first = fill_text(auth.refresh_token, values, what="auth.refresh_token") if auth.refresh_token else None
        sessions.append(AccessToken(auth, values, TokenFile(first) if first else None))
    if auth.login is not None:
        sessions.append(LoginSession(auth, auth.login, values))
    if auth.csrf is not None:
        sessions.append(WriteToken(auth.csrf))
    return sessions


def basic(auth: Auth, values: Mapping[str, object]) -> dict[str, str]:
    """What goes as Basic credentials, with a request or with one for an access token, by what it is called."""
    names = {"basic": ("user", "password"), "oauth2": ("client_id", "client_secret")}.get(auth.type, ())
    filled = [fill_text(getattr(auth, name), values, what=f"auth.{name}") for name in names]
    return {":".join(names): ":".join(filled)} if filled else {}


class Header(httpx.Auth):
    """Puts one constant header on every request."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Yields ``request`` with the header set."""
        request.headers[self._name] = self._value
        yield request


class OAuth1(httpx.Auth):
    """Signs every request anew with OAuth 1.0a, HMAC-SHA256, in the query string or a header.

    A JSON body is no part of the signature (seen on WooCommerce 10.6, November 2026).
    """

    def __init__(self, key: str, secret: str, place: str = "query", **owner: str) -> None:
        in_header = place == "header"
        self._signer = oauth1.Client(
            key,
            client_secret=secret,
            signature_method=oauth1.SIGNATURE_HMAC_SHA256,
            signature_type=oauth1.SIGNATURE_TYPE_AUTH_HEADER if in_header else oauth1.SIGNATURE_TYPE_QUERY,
            **owner,
        )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Yields ``request`` with its query signed."""
        url, headers, _ = self._signer.sign(_oauth_url(request.url), http_method=request.method)  # type: ignore[arg-type]
        request.url = httpx.URL(url)
        request.headers.update(headers)
        yield request


def _oauth_url(url: httpx.URL) -> str:
    """``url`` in the percent-encoding OAuth signs: ``%20`` for a blank, which httpx writes as ``+``."""
    return str(url).replace("+", "%20")
