"""How a request proves who we are. One class per way; credentials go to the declared origin only."""

from collections.abc import Generator, Mapping

import httpx
from oauthlib import oauth1

from pullpush_dagster.connectors.auth_model import Auth
from pullpush_dagster.connectors.template import fill_text


def authentication(auth: Auth, values: Mapping[str, object]) -> httpx.Auth:
    """The httpx authentication that ``auth`` describes, with secrets filled in from ``values``."""

    def text(template: str | None, name: str) -> str:
        return fill_text(template or "", values, what=f"auth.{name}")

    match auth.type:
        case "basic":
            return httpx.BasicAuth(text(auth.user, "user"), text(auth.password, "password"))
        case "oauth1":
            return OAuth1(text(auth.key, "key"), text(auth.secret, "secret"))
        case "header":
            return Header(auth.header or "Authorization", text(auth.token, "token"))
        case "bearer":
            return Header("Authorization", f"Bearer {text(auth.token, 'token')}")


class Header(httpx.Auth):
    """Puts one constant header on every request."""

    def __init__(self, name: str, value: str) -> None:
        self._name, self._value = name, value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Yields ``request`` with the header set."""
        request.headers[self._name] = self._value
        yield request


class OAuth1(httpx.Auth):
    """Signs every request anew with OAuth 1.0a, HMAC-SHA256, in the query string.

    A JSON body is no part of the signature (seen on WooCommerce 10.6, November 2026).
    """

    def __init__(self, key: str, secret: str) -> None:
        self._signer = oauth1.Client(
            key,
            client_secret=secret,
            signature_method=oauth1.SIGNATURE_HMAC_SHA256,
            signature_type=oauth1.SIGNATURE_TYPE_QUERY,
        )

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Yields ``request`` with its query signed."""
        url, _, _ = self._signer.sign(_oauth_url(request.url), http_method=request.method)  # type: ignore[arg-type]
        request.url = httpx.URL(url)
        yield request


def _oauth_url(url: httpx.URL) -> str:
    """``url`` in the percent-encoding OAuth signs: ``%20`` for a blank, which httpx writes as ``+``."""
    return str(url).replace("+", "%20")
