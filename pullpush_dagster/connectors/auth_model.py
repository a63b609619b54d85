"""How a request proves who we are, in a connector file."""

from typing import Literal

from pydantic import model_validator

from pullpush_dagster.connectors.request import Fact, Request

_NEEDED = {
    "none": (),
    "bearer": ("token",),
    "header": ("token",),
    "basic": ("user", "password"),
    "oauth1": ("key", "secret"),
    "oauth2": ("url", "client_id", "client_secret"),
    "login": ("login",),
}


class Login(Request):
    """The request that opens a session. Its answer's cookies go along with every request from then on.

    Attributes:
        at: the origin it goes to, where that is not the one of ``base_url``.
        token: path of the token that goes into ``Auth.header``; without it, only cookies.
        host: path of the origin that all requests go to from then on, such as ``body.Server``; hosts: the domains
            it may lie in, without which any answer could lead credentials elsewhere.
    """

    at: str | None = None
    token: str | None = None
    host: str | None = None
    hosts: list[str] = []

    @model_validator(mode="after")
    def _bounded(self) -> "Login":
        if self.host is not None and not self.hosts:
            raise ValueError("host needs hosts: the domains it may lie in")
        return self


class Csrf(Fact):
    """A token that writes must carry, asked for by ``header: Fetch`` at ``get``; bound to the cookies it came with."""

    get: str
    header: str = "x-csrf-token"


class Auth(Fact):
    """How a request proves who we are. Values are templates over ``{secret.NAME}`` and ``{settings.NAME}``.

    Attributes:
        type: ``oauth2`` asks ``url`` for an access token, which goes along as a bearer; ``login`` opens a session,
            anew once when a request is answered 401.
        token: bearer, header: what goes along; oauth1: the token of the account, with ``token_secret``.
        header: header, login: the name of the header. scheme: what stands before the token in it, such as ``Bearer``.
        place: oauth1: where the signature goes.
        refresh_token: oauth2: the first one; the platform gives a new one each time, which is kept in a file of
            its own. Without it the grant is client_credentials.
        scope: oauth2: what is asked for. credentials: oauth2: where client_id and client_secret go.
        csrf: what writes need besides.
    """

    type: Literal["none", "bearer", "basic", "oauth1", "header", "oauth2", "login"]
    token: str | None = None
    token_secret: str | None = None
    user: str | None = None
    password: str | None = None
    key: str | None = None
    secret: str | None = None
    realm: str | None = None
    place: Literal["query", "header"] = "query"
    header: str | None = None
    scheme: str = ""
    url: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    refresh_token: str | None = None
    scope: str | None = None
    credentials: Literal["basic", "body"] = "basic"
    login: Login | None = None
    csrf: Csrf | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Auth":
        for name in _NEEDED[self.type]:
            if getattr(self, name) is None:
                raise ValueError(f"type: {self.type} needs {name}")
        return self
